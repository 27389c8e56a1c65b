//! Lines out of a reader, each bounded: a file without line ends must not fill the memory.

use std::io::{BufRead, Read};

use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::limits::TRACE_LINE_BYTES_MAX;

/// Reads the line of this number, without its end; `None` at the end of the trace.
///
/// # Errors
/// [`ErrorKind::Io`] where the reader fails; [`ErrorKind::InvalidTrace`] with the number for a line that is longer than
/// [`TRACE_LINE_BYTES_MAX`] or not UTF-8.
pub fn read_line<'a>(
    trace: &mut dyn BufRead,
    number: u64,
    buffer: &'a mut Vec<u8>,
) -> Result<Option<&'a str>, Error> {
    buffer.clear();
    // Room for the line's end, `\r\n` at most.
    let read = Read::take(trace, TRACE_LINE_BYTES_MAX as u64 + 2)
        .read_until(b'\n', buffer)
        .map_err(|error| Error::new(ErrorKind::Io, format_args!("the trace cannot be read: {error}")))?;
    if read == 0 {
        return Ok(None);
    }
    let refuse = |why: std::fmt::Arguments<'_>| {
        Error::new(ErrorKind::InvalidTrace, format_args!("line {number}: {why}"))
    };
    let line = buffer.strip_suffix(b"\n").unwrap_or(buffer);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > TRACE_LINE_BYTES_MAX {
        return Err(refuse(format_args!("longer than {TRACE_LINE_BYTES_MAX} bytes")));
    }
    match std::str::from_utf8(line) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(refuse(format_args!(
            "not UTF-8 after byte {}; expected one JSON object",
            error.valid_up_to()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of a trace, or why it stops.
    fn lines(mut trace: &[u8]) -> Result<Vec<String>, String> {
        let (mut lines, mut buffer) = (Vec::new(), Vec::new());
        for number in 1.. {
            match read_line(&mut trace, number, &mut buffer).map_err(|error| error.to_string())? {
                Some(line) => lines.push(line.to_owned()),
                None => break,
            }
        }
        Ok(lines)
    }

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        assert_eq!(lines(b"").unwrap(), [""; 0]);
        assert_eq!(lines(b"a\n\n b \r\nc").unwrap(), ["a", "", " b ", "c"]);
        assert_eq!(lines(b"a\n").unwrap(), ["a"]);
    }

    #[test]
    fn a_line_has_a_longest_length() {
        let longest = "x".repeat(TRACE_LINE_BYTES_MAX);
        for end in ["", "\n", "\r\n"] {
            assert_eq!(lines(format!("{longest}{end}").as_bytes()).unwrap().len(), 1, "{end:?}");
            let longer = format!("{{}}\nx{longest}{end}");
            assert_eq!(lines(longer.as_bytes()).unwrap_err(), "line 2: longer than 1048576 bytes", "{end:?}");
        }
    }

    #[test]
    fn a_line_that_is_not_utf_8_is_named() {
        let why = lines(b"a\nab\xff\n").unwrap_err();
        assert_eq!(why, "line 2: not UTF-8 after byte 2; expected one JSON object");
    }
}
