//! A journal record as tests read it.

use rollgate::core::time::{Span, Timestamp};
use serde_json::Value;

use crate::Scenario;

/// One record of a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Record(pub Value);

impl Record {
    /// Reads a line.
    ///
    /// # Panics
    /// Where it is not JSON.
    pub fn of(line: &str) -> Self {
        Self(serde_json::from_str(line).unwrap())
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        self.text("kind")
    }

    /// A field of text; empty where there is none.
    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_default()
    }

    /// A list of texts; empty where there is none.
    pub fn texts(&self, field: &str) -> Vec<&str> {
        self.0[field].as_array().map_or_else(Vec::new, |list| list.iter().filter_map(Value::as_str).collect())
    }

    /// When it was decided, by the calendar, counted from the scenario's start.
    ///
    /// # Panics
    /// Where it is from before.
    pub fn at(&self) -> Span {
        let at = Timestamp::parse(self.text("at")).unwrap();
        assert!(at >= Scenario::START, "{at}");
        at.since(Scenario::START)
    }

    /// A map of shares in percent, as `flag` `percent` pairs in the plan's order.
    ///
    /// # Panics
    /// Where the field is no map of numbers.
    pub fn shares(&self, field: &str) -> Vec<(&str, f64)> {
        let map = self.0[field].as_object().unwrap_or_else(|| panic!("no shares in {field}: {}", self.0));
        map.iter().map(|(flag, share)| (flag.as_str(), percent(share.as_f64().unwrap()))).collect()
    }

    /// The shares of a full map, in percent.
    pub fn all_shares(&self, field: &str) -> Vec<f64> {
        self.shares(field).into_iter().map(|(_, share)| share).collect()
    }

    /// The verdict of one gate of a record with findings; empty where it has none.
    pub fn verdict(&self, gate: &str) -> &str {
        let findings = self.0["findings"].as_array().map_or(&[][..], Vec::as_slice);
        let found = findings.iter().find(|finding| finding["key"] == gate);
        found.and_then(|finding| finding["verdict"].as_str()).unwrap_or_default()
    }

    /// Keys of the gates that neither pass nor are skipped, in the plan's order.
    pub fn open_gates(&self) -> Vec<&str> {
        let findings = self.0["findings"].as_array().map_or(&[][..], Vec::as_slice);
        let is_open =
            |finding: &&Value| !["PASS", "WARN", "SKIPPED"].contains(&finding["verdict"].as_str().unwrap());
        findings.iter().filter(is_open).filter_map(|finding| finding["key"].as_str()).collect()
    }
}

/// A fraction in percent, without the noise of the multiplication.
pub(crate) fn percent(fraction: f64) -> f64 {
    (fraction * 1e8).round() / 1e6
}
