//! Bytes as a plan file, in each of the three forms.

use rollgate::core::compile::{Compiled, Level, Problem, Problems, compile_config};
use rollgate::core::units::Share;
use rollgate::read::{Format, config, ruleset, text};

/// Reads the bytes as YAML, TOML and JSON. Whatever they are: no panic, and what comes out is whole.
pub fn plan(bytes: &[u8]) {
    let text = match text(bytes.to_vec()) {
        Ok(text) => text,
        Err(problems) => return refused(&String::from_utf8_lossy(bytes), &problems),
    };
    for format in [Format::Yaml, Format::Toml, Format::Json] {
        match ruleset(&text, format) {
            Ok(compiled) => taken(&text, format, &compiled),
            Err(problems) => refused(&text, &problems),
        }
    }
}

/// A refusal has an error, and every problem a place that is in the text.
fn refused(text: &str, problems: &Problems) {
    assert!(problems.has_error(), "refused without an error: {problems}");
    let lines = text.split('\n').count() as u32;
    problems.0.iter().for_each(|problem| placed(lines, problem));
    assert!(problems.0.is_sorted_by_key(|problem| problem.line), "out of order: {problems}");
}

fn placed(lines: u32, problem: &Problem) {
    assert!(!problem.code.is_empty() && !problem.message.is_empty(), "{problem:?}");
    assert!(problem.line > 0 && problem.column > 0, "without a place: {problem}");
    assert!(problem.line <= lines + 1, "beyond the {lines} lines: {problem}");
}

fn taken(text: &str, format: Format, compiled: &Compiled) {
    let lines = text.split('\n').count() as u32;
    for warning in &compiled.warnings {
        assert!(warning.level == Level::Warning && warning.help.is_some(), "{warning}");
        placed(lines, warning);
    }
    let ruleset = &compiled.ruleset;
    assert_eq!(ruleset.hash.as_str().len(), 32);
    // What the types write is the same plan, for programs that fill it in.
    let typed =
        config(text, format).unwrap_or_else(|problems| panic!("it compiles, and is no config: {problems}"));
    let again =
        compile_config(&typed).unwrap_or_else(|problems| panic!("its own types are refused: {problems}"));
    assert_eq!(again.ruleset, *ruleset);
    let Some(plan) = &ruleset.plan else { return };
    let mut before = vec![Share::ZERO; ruleset.flags.len()];
    for step in plan.phases.iter().flat_map(|phase| &phase.steps) {
        assert_eq!(step.shares.len(), before.len());
        assert!(step.shares.iter().zip(&before).all(|(now, was)| now >= was), "a share falls");
        before.copy_from_slice(&step.shares);
    }
}
