//! What nodes put around the bytes that they leave in a store for each other.

use rollgate_core::time::Timestamp;

/// The form of what follows; another one is not read.
const VERSION: u8 = 1;

/// What stands before the recordings of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The report's number by its node's own count, from 1.
    pub(super) count: u64,
    /// Observed time of the node from which it tells.
    pub(super) from: Timestamp,
}

/// A report's bytes.
pub(super) fn report(header: Header, log: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(17 + log.len());
    bytes.push(VERSION);
    bytes.extend(header.count.to_le_bytes());
    bytes.extend(header.from.0.to_le_bytes());
    bytes.extend_from_slice(log);
    bytes
}

/// Reads a report's bytes; `None` where they are no report of this form.
pub(super) fn read_report(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let mut rest = Rest(bytes);
    if rest.take(1)? != [VERSION] {
        return None;
    }
    let header = Header { count: rest.number()?, from: Timestamp(rest.number()? as i64) };
    Some((header, rest.0))
}

/// What stands before the windows of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Whose windows they are: its reports are replayed as they stand, those of other nodes are merged.
    pub(super) node: String,
    /// The revision that brought the shares that applied then.
    pub(super) shares_revision: u64,
    /// Nodes that were heard, with the number of the last report by their own count.
    pub(super) heard: Vec<(String, u64)>,
}

/// A checkpoint's head: whose windows, and the windows' own head.
pub(super) fn head(origin: &Origin, windows: &[u8]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    text(&mut bytes, &origin.node);
    bytes.extend(origin.shares_revision.to_le_bytes());
    bytes.extend((origin.heard.len() as u64).to_le_bytes());
    for (node, count) in &origin.heard {
        text(&mut bytes, node);
        bytes.extend(count.to_le_bytes());
    }
    bytes.extend_from_slice(windows);
    bytes
}

/// Reads a checkpoint's head; `None` where it is none of this form.
pub(super) fn read_head(bytes: &[u8]) -> Option<(Origin, &[u8])> {
    let mut rest = Rest(bytes);
    if rest.take(1)? != [VERSION] {
        return None;
    }
    let mut origin = Origin { node: rest.text()?, shares_revision: rest.number()?, heard: Vec::new() };
    for _ in 0..rest.number()? {
        // Ends with the bytes, however large the number is.
        origin.heard.push((rest.text()?, rest.number()?));
    }
    Some((origin, rest.0))
}

/// Bytes that have not been read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::try_from(self.number()?).ok()?;
        Some(str::from_utf8(self.take(len)?).ok()?.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_and_heads_come_back_and_damaged_ones_are_none() {
        let header = Header { count: 7, from: Timestamp(-3) };
        let bytes = report(header, b"log");
        assert_eq!(read_report(&bytes), Some((header, b"log".as_slice())));
        let heard = vec![("a".to_owned(), 1), ("b".to_owned(), u64::MAX)];
        let origin = Origin { node: "n/1".into(), shares_revision: 9, heard };
        let bytes = head(&origin, b"windows");
        assert_eq!(read_head(&bytes), Some((origin, b"windows".as_slice())));
        let whole = bytes.len() - b"windows".len();
        for len in 0..whole {
            assert_eq!(read_head(&bytes[..len]), None, "{len}");
        }
        assert_eq!((read_report(&[2; 40]), read_report(&[1; 5])), (None, None));
        // A count of nodes that cannot be ends with the bytes.
        let mut absurd = head(&Origin::default(), b"");
        let at = absurd.len() - 8;
        absurd[at..].fill(0xff);
        assert_eq!(read_head(&absurd), None);
    }
}
