//! The append-only, numbered, hash-chained record of everything that was decided.
//!
//! A line is one JSON object. Its last field, `hash`, is the SHA-256 of the hash before it (64 zeros at first) followed
//! by the line without the field. Changing, dropping or moving a line breaks the chain at the next one.

use std::collections::BTreeMap;
use std::sync::Arc;

use rollgate_core::error::{Error, ErrorKind};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The hash before the first line.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Lines that are shared as one. A copy of a journal shares all of its blocks, so that it may be taken under a lock and
/// read outside of it; the next line then copies the last block at the most.
const BLOCK: usize = 256;

/// A journal in memory. A clone shares the lines: it costs next to nothing, however long the story is.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Every block but the last one is full, and none is empty.
    blocks: Vec<Arc<Vec<Arc<str>>>>,
}

impl Journal {
    /// An empty journal.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over stored lines.
    ///
    /// # Errors
    /// [`ErrorKind::BrokenJournal`] with the first line that does not fit.
    pub fn restore(lines: Vec<String>) -> Result<Self, Error> {
        verify(lines.iter().map(String::as_str))?;
        let mut journal = Self::default();
        lines.into_iter().for_each(|line| journal.push(line.into()));
        Ok(journal)
    }

    /// Adds lines that follow these, as another writer stored them.
    ///
    /// # Errors
    /// [`ErrorKind::BrokenJournal`] with the first line that does not fit; nothing is added then.
    pub(crate) fn extend(&mut self, lines: &[String]) -> Result<(), Error> {
        let last = self.last().and_then(hash_of).unwrap_or(GENESIS).to_owned();
        verify_from(self.len() as u64, last, lines.iter().map(String::as_str))?;
        lines.iter().for_each(|line| self.push(line.as_str().into()));
        Ok(())
    }

    fn push(&mut self, line: Arc<str>) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => Arc::make_mut(block).push(line),
            _ => self.blocks.push(Arc::new(vec![line])),
        }
    }

    fn last(&self) -> Option<&str> {
        self.blocks.last()?.last().map(|line| &**line)
    }

    /// Appends a record without a hash; gives its line.
    pub fn append(&mut self, record: Map<String, Value>) -> &str {
        let text = Value::Object(record).to_string();
        let hash = chain(self.last().and_then(hash_of).unwrap_or(GENESIS), &text);
        let body = text.strip_suffix('}').unwrap_or(&text);
        self.push(format!("{body},\"hash\":\"{hash}\"}}").into());
        self.last().unwrap_or_default()
    }

    /// How many lines there are; the last one has this sequence number.
    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The lines after a sequence number, oldest first.
    pub fn after(&self, seq: u64) -> impl Iterator<Item = &str> {
        let from = usize::try_from(seq).unwrap_or(usize::MAX).min(self.len());
        let blocks = self.blocks.iter().skip(from / BLOCK);
        blocks.flat_map(|block| block.iter()).skip(from % BLOCK).map(|line| &**line)
    }

    /// Names the last line: its number, and the beginning of its hash.
    pub(crate) fn last_name(&self) -> String {
        let hash = self.last().and_then(hash_of).unwrap_or(GENESIS);
        format!("{}-{}", self.len(), hash.get(..8).unwrap_or(hash))
    }

    /// Takes back lines that were never saved.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        self.blocks.truncate(len.div_ceil(BLOCK));
        if let Some(last) = self.blocks.last_mut().filter(|_| !len.is_multiple_of(BLOCK)) {
            Arc::make_mut(last).truncate(len % BLOCK);
        }
    }
}

/// The hash field of a line.
fn hash_of(line: &str) -> Option<&str> {
    let (_, tail) = line.rsplit_once(",\"hash\":\"")?;
    tail.strip_suffix("\"}").filter(|hash| hash.len() == GENESIS.len())
}

fn chain(before: &str, text: &str) -> String {
    let digest = Sha256::new().chain_update(before).chain_update(text).finalize();
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        for nibble in [byte >> 4, byte & 15] {
            hex.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        hex
    })
}

/// Checks numbers and hashes of a whole journal.
///
/// # Errors
/// [`ErrorKind::BrokenJournal`] with the number of the first line that does not fit, and why.
pub fn verify<'a>(lines: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    verify_from(0, GENESIS.to_owned(), lines)
}

/// As [`verify`], for lines that follow `len` others, the last one of which has the hash `before`.
fn verify_from<'a>(len: u64, mut before: String, lines: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    for (index, line) in lines.enumerate() {
        let seq = len + index as u64 + 1;
        let broken = |why: &str| {
            Error::new(ErrorKind::BrokenJournal, format_args!("journal record {seq} is broken: {why}"))
        };
        let Some(hash) = hash_of(line) else { return Err(broken("it has no hash")) };
        let Some((body, _)) = line.rsplit_once(",\"hash\":\"") else { return Err(broken("it has no hash")) };
        if chain(&before, &format!("{body}}}")) != hash {
            return Err(broken("its hash does not fit its text and the record before it"));
        }
        let record: Value = serde_json::from_str(line).map_err(|_| broken("it is not JSON"))?;
        if record.get("seq").and_then(Value::as_u64) != Some(seq) {
            return Err(broken("its number is out of order"));
        }
        hash.clone_into(&mut before);
    }
    Ok(())
}

/// Where a rollout stood after its last record, told by the journal alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recalled {
    /// The status, as records write it; `pending` before the first record.
    pub status: String,
    /// The phase; `None` before the start.
    pub phase: Option<String>,
    /// Steps of the phase that have been applied.
    pub step: u64,
    /// The share of every flag that any record names, as a fraction; a flag that none names never changed.
    pub shares: BTreeMap<String, f64>,
}

/// Reads a journal back into where it leaves the rollout: status, phase, step and shares, bit for bit.
///
/// # Errors
/// [`ErrorKind::BrokenJournal`] where [`verify`] fails, where a record lacks what its kind has, or where a change of
/// shares does not begin at the shares that the records before it gave.
pub fn recall<'a>(lines: impl Iterator<Item = &'a str> + Clone) -> Result<Recalled, Error> {
    verify(lines.clone())?;
    let mut recalled = Recalled { status: "pending".to_owned(), ..Recalled::default() };
    for (index, line) in lines.enumerate() {
        let broken = |why: &str| {
            Error::new(ErrorKind::BrokenJournal, format_args!("journal record {}: {why}", index + 1))
        };
        let record: Value = serde_json::from_str(line).map_err(|_| broken("it is not JSON"))?;
        let text = |field: &str| record.get(field).and_then(Value::as_str);
        recalled.status = text("status").ok_or_else(|| broken("it has no status"))?.to_owned();
        recalled.phase = text("phase").map(str::to_owned);
        match text("kind") {
            Some("phase_started") => recalled.step = 0,
            Some("step_applied") => {
                recalled.step = record
                    .get("step")
                    .and_then(Value::as_u64)
                    .ok_or_else(|| broken("a step_applied names no step"))?;
            }
            Some("shares_changed") => {
                for (flag, share) in shares_of(&record, "from").ok_or_else(|| broken("it has no from"))? {
                    if recalled.shares.insert(flag, share).is_some_and(|known| known != share) {
                        return Err(broken("its from is not what the records before it gave"));
                    }
                }
                let to = shares_of(&record, "to").ok_or_else(|| broken("it has no to"))?;
                recalled.shares.extend(to);
            }
            Some(_) => {}
            None => return Err(broken("it has no kind")),
        }
    }
    Ok(recalled)
}

/// A map of flags and shares.
fn shares_of(record: &Value, field: &str) -> Option<Vec<(String, f64)>> {
    let map = record.get(field)?.as_object()?;
    map.iter().map(|(flag, share)| Some((flag.clone(), share.as_f64()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        let mut journal = Journal::new();
        for seq in 1..=4_u64 {
            let mut record = Map::new();
            record.insert("seq".into(), seq.into());
            record.insert("why".into(), "a \"quoted\",\"hash\":\"trap\"".into());
            journal.append(record);
        }
        journal
    }

    fn lines(journal: &Journal) -> Vec<String> {
        journal.after(0).map(str::to_owned).collect()
    }

    #[test]
    fn a_journal_of_many_blocks_is_what_a_plain_list_is() {
        let mut journal = Journal::new();
        let mut plain: Vec<String> = Vec::new();
        // Appended to and taken back around the ends of blocks, with copies that must not change.
        for (appended, taken_back) in [
            (1, 0),
            (0, 1),
            (BLOCK, 0),
            (1, 1),
            (1, 2),
            (2, BLOCK),
            (2 * BLOCK + 3, 0),
            (0, 3),
            (5, BLOCK + 5),
            (1, 0),
        ] {
            let (copy, before) = (journal.clone(), plain.clone());
            for seq in plain.len() + 1..=plain.len() + appended {
                let mut record = Map::new();
                record.insert("seq".into(), seq.into());
                plain.push(journal.append(record).to_owned());
            }
            plain.truncate(plain.len() - taken_back);
            journal.truncate(plain.len());
            assert_eq!((lines(&copy), copy.len()), (before.clone(), before.len()));
            assert_eq!((journal.len(), journal.is_empty()), (plain.len(), plain.is_empty()));
            for seq in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, plain.len(), plain.len() + 1] {
                let after: Vec<&str> = journal.after(seq as u64).collect();
                assert_eq!(after, plain[seq.min(plain.len())..], "after {seq} of {}", plain.len());
            }
            verify(journal.after(0)).unwrap();
            assert_eq!(lines(&Journal::restore(plain.clone()).unwrap()), plain);
        }
    }

    #[test]
    fn an_untouched_journal_verifies() {
        let journal = journal();
        verify(journal.after(0)).unwrap();
        assert_eq!(Journal::restore(lines(&journal)).unwrap().len(), 4);
        assert_eq!(journal.after(3).count(), 1);
    }

    #[test]
    fn a_recall_refuses_shares_that_do_not_follow() {
        let mut journal = Journal::new();
        for (seq, from, to) in [(1_u64, 0.0, 0.1), (2, 0.2, 0.5)] {
            let record = serde_json::json!({
                "seq": seq, "kind": "shares_changed", "phase": "p", "status": "running",
                "from": { "A": from }, "to": { "A": to },
            });
            let Value::Object(record) = record else { unreachable!() };
            journal.append(record);
        }
        let first = recall(journal.after(0).take(1).collect::<Vec<_>>().into_iter()).unwrap();
        assert_eq!((first.status.as_str(), first.shares["A"]), ("running", 0.1));
        let error = recall(journal.after(0).collect::<Vec<_>>().into_iter()).unwrap_err();
        assert!(error.to_string().contains("record 2"), "{error}");
    }

    #[test]
    fn r126_any_change_breaks_the_chain() {
        let lines = lines(&journal());
        let broken = |lines: Vec<String>| verify(lines.iter().map(String::as_str)).unwrap_err().to_string();
        let mut changed = lines.clone();
        changed[1] = changed[1].replace("quoted", "Quoted");
        assert!(broken(changed).contains("record 2"));
        let mut dropped = lines.clone();
        dropped.remove(0);
        assert!(broken(dropped).contains("record 1"));
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert!(broken(swapped).contains("record 2"));
        let mut cut = lines;
        cut[3] = cut[3].split(",\"hash\"").next().unwrap().to_owned() + "}";
        assert!(broken(cut).contains("no hash"));
    }
}
