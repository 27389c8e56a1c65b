//! The Prometheus text exposition (format 0.0.4): families of samples, with names and values as it asks for them.

use std::fmt::Write as _;

use crate::units::{Dimension, Unit};

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// It goes up and down.
    Gauge,
    /// It only grows; its name ends in `_total`.
    Counter,
}

impl FamilyKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// Samples of one name.
#[derive(Clone, Debug)]
struct Family {
    name: String,
    help: String,
    kind: FamilyKind,
    samples: Vec<String>,
}

/// A whole exposition; families stand in the order of their first sample, each once.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    families: Vec<Family>,
}

impl Exposition {
    /// One with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sample. The name is made one that Prometheus takes; a sample of a name that is there already under another
    /// kind goes to a name of its own.
    pub fn add(&mut self, (name, kind, help): (&str, FamilyKind, &str), labels: &[(&str, &str)], value: f64) {
        let mut name = name_of(name);
        if self.families.iter().any(|family| family.name == name && family.kind != kind) {
            name = format!("{name}_{}", kind.name());
        }
        let mut sample = name.clone();
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(key, value)| format!("{}=\"{}\"", label_of(key), escape(value, Quotes::Escaped)))
                .collect();
            let _ = write!(sample, "{{{}}}", labels.join(","));
        }
        let _ = write!(sample, " {}", number(value));
        match self.families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.samples.push(sample),
            None => self.families.push(Family { name, help: help.to_owned(), kind, samples: vec![sample] }),
        }
    }

    /// The text, each family with its HELP and TYPE.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for family in &self.families {
            let _ = writeln!(text, "# HELP {} {}", family.name, escape(&family.help, Quotes::Plain));
            let _ = writeln!(text, "# TYPE {} {}", family.name, family.kind.name());
            for sample in &family.samples {
                let _ = writeln!(text, "{sample}");
            }
        }
        text
    }
}

/// A name of `[a-zA-Z_:][a-zA-Z0-9_:]*`; every other character becomes `_`.
pub fn name_of(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let name: String = text.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    let starts = name.starts_with(|c: char| !c.is_ascii_digit());
    if starts { name } else { format!("_{name}") }
}

fn label_of(text: &str) -> String {
    name_of(text).replace(':', "_")
}

/// Whether quotes are escaped: in label values they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Plain,
    Escaped,
}

fn escape(text: &str, quotes: Quotes) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes == Quotes::Escaped { text.replace('"', "\\\"") } else { text }
}

fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".into(),
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        value => value.to_string(),
    }
}

/// The base unit of a unit, as names end in it, and what a value is multiplied by: seconds, bytes, ratios.
pub fn base_of(unit: Unit) -> (&'static str, f64) {
    match unit.dimension() {
        Dimension::Time => ("seconds", unit.factor() / 1e6),
        Dimension::Size => ("bytes", unit.factor()),
        Dimension::Part => ("ratio", 0.01),
        Dimension::Count => ("count", 1.0),
        Dimension::Points => ("points", 1.0),
        Dimension::Rate => ("per_second", unit.factor() / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_values_are_escaped() {
        let mut exposition = Exposition::new();
        let family = ("9 lives.of-a:cat", FamilyKind::Gauge, "a \\ and\na line");
        exposition.add(family, &[("le:ft", "a\"b\\c\nd")], f64::INFINITY);
        exposition.add(family, &[], 0.1);
        let expected = "# HELP _9_lives_of_a:cat a \\\\ and\\na line\n# TYPE _9_lives_of_a:cat gauge\n\
                        _9_lives_of_a:cat{le_ft=\"a\\\"b\\\\c\\nd\"} +Inf\n_9_lives_of_a:cat 0.1\n";
        assert_eq!(exposition.to_text(), expected);
    }

    #[test]
    fn base_units_are_seconds_bytes_and_ratios() {
        assert_eq!(base_of(Unit::Ms), ("seconds", 1e-3));
        assert_eq!(base_of(Unit::MiB), ("bytes", 1_048_576.0));
        assert_eq!(base_of(Unit::Percent), ("ratio", 0.01));
        assert_eq!(base_of(Unit::PerMinute), ("per_second", 1.0 / 60.0));
    }
}
