//! What a plan says of itself as a document: for people, and for nothing that decides.

use serde::Serialize;

/// The plan as a document. What is not written is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct About {
    /// What the plan is for.
    pub description: String,
    /// The document's own version.
    pub revision: String,
    /// The planned first day of exposure, as written.
    pub date: String,
    /// Who answers for it.
    pub owners: Vec<String>,
    /// How risky it is, in the plan's words.
    pub risk: String,
    /// When it is looked at again, in the plan's words.
    pub next_review: String,
}

impl About {
    /// In one line: `Version 1.0.0, 2026-01-13. Owners: …. Risk: medium. Next review: ….`; empty where nothing is said.
    pub fn line(&self) -> String {
        let edition = match (self.revision.as_str(), self.date.as_str()) {
            ("", "") => String::new(),
            ("", date) => format!("Plan of {date}"),
            (revision, "") => format!("Version {revision}"),
            (revision, date) => format!("Version {revision}, {date}"),
        };
        let mut parts = Vec::new();
        let mut add = |name: &str, text: &str| {
            if !text.is_empty() {
                parts.push(format!("{name}{text}."));
            }
        };
        add("", &edition);
        add("Owners: ", &self.owners.join(", "));
        add("Risk: ", &self.risk);
        add("Next review: ", &self.next_review);
        parts.join(" ")
    }
}
