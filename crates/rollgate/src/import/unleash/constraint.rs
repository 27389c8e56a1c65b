//! Unleash's constraints: a field of the context, an operator, values.

use rollgate_core::config::{OneOrMany, TargetConfig};
use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::{Draft, never};
use super::super::fields::{Bad, Fields};
use super::super::words::{self, attribute, in_network, is_in, networks, not};

/// A field of Unleash's context as an attribute: the user is the targeting key.
pub(super) fn field(name: &str) -> &str {
    if name == "userId" { "targeting_key" } else { name }
}

/// All constraints of a strategy or a segment.
pub(super) fn constraints(fields: &mut Fields<'_>, draft: &mut Draft) -> Result<Vec<TargetConfig>, Bad> {
    let at = fields.at("constraints");
    let read = fields.list("constraints")?.iter().enumerate();
    read.map(|(index, value)| constraint(value, &format!("{at}[{index}]"), draft)).collect()
}

fn constraint(value: &Value, path: &str, draft: &mut Draft) -> Result<TargetConfig, Bad> {
    let mut fields = Fields::of(value, path)?;
    let name = fields.must("contextName")?;
    let operator = fields.must("operator")?;
    let (is_inverted, ignores_case) = (fields.is("inverted")?, fields.is("caseInsensitive")?);
    let values = fields.texts("values")?;
    let value = match fields.take("value") {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(_) => return Err(Bad::new(&fields.at("value"), "expected a text")),
    };
    if name == "currentTime" {
        let what =
            "`currentTime` is an attribute that the host gives with each evaluation, which has no clock";
        draft.note_once(NoteKind::Changed, &fields.at("contextName"), what);
    }
    let asked = Asked { name: field(name), operator, values, value, ignores_case };
    let found = asked.target(path, draft);
    fields.close(draft, &[]);
    Ok(match found {
        // A rule that cannot be asked never matches, inverted or not.
        Some(found) if is_inverted && found.unknown.is_none() => inverted(found),
        Some(found) => found,
        None => {
            let why = format!("`{operator}` is no operator that is known; its rule never matches");
            draft.unknown(&format!("{path}.operator"), operator, why)
        }
    })
}

/// The opposite; of a list the words for it.
fn inverted(target: TargetConfig) -> TargetConfig {
    match (target.r#in, target.not_in) {
        (Some(values), None) => TargetConfig { r#in: None, not_in: Some(values), ..target },
        (None, Some(values)) => TargetConfig { r#in: Some(values), not_in: None, ..target },
        (r#in, not_in) => not(TargetConfig { r#in, not_in, ..target }),
    }
}

struct Asked<'a> {
    name: &'a str,
    operator: &'a str,
    values: Vec<String>,
    value: Option<String>,
    ignores_case: bool,
}

impl Asked<'_> {
    /// The condition; `None`: the operator is not known.
    fn target(self, path: &str, draft: &mut Draft) -> Option<TargetConfig> {
        let one = attribute(self.name);
        let order = |operator: &str| match operator {
            "EQ" => Some("="),
            "GT" => Some(">"),
            "GTE" => Some(">="),
            "LT" => Some("<"),
            "LTE" => Some("<="),
            _ => None,
        };
        let texts = OneOrMany::Many(self.values.clone());
        let ignore_case = self.ignores_case.then_some(true);
        Some(match self.operator {
            "IN" => is_in(self.name, self.values),
            "NOT_IN" => inverted(is_in(self.name, self.values)),
            "STR_STARTS_WITH" => TargetConfig { starts_with: Some(texts), ignore_case, ..one },
            "STR_ENDS_WITH" => TargetConfig { ends_with: Some(texts), ignore_case, ..one },
            "STR_CONTAINS" => TargetConfig { contains: Some(texts), ignore_case, ..one },
            "DATE_AFTER" | "DATE_BEFORE" => self.date(path, draft),
            "REGEX" => self.regex(path, draft),
            "IN_CIDR" => self.cidr(path, draft),
            operator => match operator.split_once('_') {
                Some(("NUM", rest)) => self.number(order(rest)?, path, draft),
                Some(("SEMVER", rest)) => self.semver(order(rest)?, path, draft),
                _ => return None,
            },
        })
    }

    /// What stands for a value that says nothing; there such a constraint is false.
    fn unreadable(&self, path: &str, draft: &mut Draft, what: &str) -> TargetConfig {
        let shown = self.value.as_deref().unwrap_or_default();
        let why = format!("`{shown}` is no {what}; its rule never matches");
        draft.note(NoteKind::Malformed, &format!("{path}.value"), why);
        never(&format!("{} {shown}", self.operator))
    }

    fn number(&self, order: &str, path: &str, draft: &mut Draft) -> TargetConfig {
        let value = self.value.as_deref().and_then(|text| text.trim().parse::<f64>().ok());
        match value.filter(|number| number.is_finite()) {
            Some(limit) => words::number(self.name, order, limit),
            None => self.unreadable(path, draft, "number"),
        }
    }

    fn semver(&self, order: &str, path: &str, draft: &mut Draft) -> TargetConfig {
        let found = self.value.as_deref().and_then(|limit| words::version(self.name, order, limit));
        found.unwrap_or_else(|| self.unreadable(path, draft, "version by SemVer 2.0.0"))
    }

    fn date(&self, path: &str, draft: &mut Draft) -> TargetConfig {
        let one = attribute(self.name);
        match self.value.as_deref().and_then(words::time) {
            Some(time) if self.operator == "DATE_AFTER" => TargetConfig { after: Some(time), ..one },
            Some(time) => TargetConfig { before: Some(time), ..one },
            None => self.unreadable(path, draft, "time with its offset"),
        }
    }

    fn regex(&self, path: &str, draft: &mut Draft) -> TargetConfig {
        let text = self.value.as_deref().unwrap_or_default();
        let text = if self.ignores_case { format!("(?i){text}") } else { text.to_owned() };
        match words::pattern(&text) {
            Ok(pattern) => TargetConfig { matches: Some(pattern), ..attribute(self.name) },
            Err(why) => {
                let what = format!(
                    "the pattern cannot be used ({}); its rule never matches",
                    why.replace('\n', " ")
                );
                draft.note(NoteKind::Malformed, &format!("{path}.value"), what);
                never(&format!("REGEX {text}"))
            }
        }
    }

    fn cidr(self, path: &str, draft: &mut Draft) -> TargetConfig {
        let (networks, others) = networks(self.values);
        if !others.is_empty() {
            let what = format!("{} is no address and no network; nobody is in it", others.join(", "));
            draft.note(NoteKind::Malformed, &format!("{path}.values"), what);
        }
        in_network(self.name, networks)
    }
}
