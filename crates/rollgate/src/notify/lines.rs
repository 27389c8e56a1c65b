//! Notices as JSON lines.

use std::io::Write;
use std::sync::Mutex;

use rollgate_core::decide::Delivery;

use super::{SendError, Sink};
use crate::process::unpoisoned;

/// Writes each notice as one JSON object a line: to a file, a socket, standard error.
pub struct JsonLines<W> {
    out: Mutex<W>,
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`, and flushes after every line.
    pub fn new(out: W) -> Self {
        Self { out: Mutex::new(out) }
    }

    /// Gives back what was written to.
    pub fn into_inner(self) -> W {
        unpoisoned(self.out.into_inner())
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn send(&self, notice: &Delivery) -> Result<(), SendError> {
        let text = serde_json::to_string(notice).map_err(|error| SendError::Never(error.to_string()))?;
        let mut out = unpoisoned(self.out.lock());
        let written = out.write_all(format!("{text}\n").as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| SendError::Again(error.to_string()))
    }
}
