//! Bytes as a condition on attributes, and as what a context has.

use rollgate::core::evaluate::{Attribute, Context, FlagRef, Trail, evaluate, evaluate_with};
use rollgate::core::snapshot::Snapshot;
use rollgate::read::{Format, ruleset};

/// The first line is a condition on `v`, the others are values of `v`; whatever stands there, the condition holds or its
/// opposite does, explaining changes nothing, and nothing panics.
///
/// # Panics
/// Where that is not so.
pub fn rules(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.split('\n');
    let condition = lines.next().unwrap_or_default();
    let plan = format!(
        "version: 1\nname: fuzz\nconditions:\n  c: {{ {condition} }}\nflags:\n  ASKED: {{ share: 100% }}\n  \
         F: {{ rules: [ {{ when: {{ condition: c }}, serve: true }} ] }}\n  \
         N: {{ rules: [ {{ when: {{ not: {{ condition: c }} }}, serve: true }} ] }}\n"
    );
    let Ok(compiled) = ruleset(&plan, Format::Yaml) else { return };
    let ruleset = compiled.ruleset;
    let (Some(f), Some(n)) = (ruleset.flag_of("F"), ruleset.flag_of("N")) else { return };
    let is_dead = |flag: rollgate::core::id::FlagId| {
        ruleset.flags[flag.index()].rules.iter().any(|rule| rule.unknown.is_some())
    };
    let is_dead = is_dead(f) || is_dead(n);
    let snapshot = Snapshot::initial(ruleset.into());
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let number = line.parse::<f64>().unwrap_or(line.len() as f64);
        let values = [
            Attribute::Text(line),
            Attribute::Number(number),
            Attribute::Bool(true),
            Attribute::List(&words),
        ];
        for value in values.into_iter().map(Some).chain([None]) {
            let attributes = value.map(|value| ("v", value));
            let context = Context::new(line).with_attributes(attributes.as_slice());
            let asked = |flag| evaluate(&snapshot, FlagRef::Id(flag), &context);
            let mut trail = Trail::default();
            assert_eq!(evaluate_with(&snapshot, FlagRef::Id(f), &context, &mut trail), asked(f));
            assert!(!trail.0.is_empty());
            if is_dead {
                assert!(!asked(f).is_on() && !asked(n).is_on(), "{condition}: an unknown operator matched");
            } else {
                assert_ne!(asked(f).is_on(), asked(n).is_on(), "{condition} of {value:?}");
            }
        }
    }
}
