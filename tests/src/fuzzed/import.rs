//! Bytes as a file of another system: the first says of which.

use rollgate::core::compile::compile_config;
use rollgate::core::evaluate::{Attribute, Context, FlagRef, evaluate};
use rollgate::core::id::FlagId;
use rollgate::core::snapshot::Snapshot;
use rollgate::import::{Source, import};
use rollgate::read::{Format, config, ruleset};

/// Imports the bytes. Whatever they are: no panic, and a plan that comes out compiles, is read back from JSON as the same
/// plan, and answers.
pub fn import_file(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let source = Source::ALL[usize::from(*first) % Source::ALL.len()];
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let imported = match import(source, text, "fuzzed") {
        Ok(imported) => imported,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    for note in &imported.notes {
        assert!(!note.what.is_empty() && !note.path.is_empty(), "{note:?}");
    }
    let compiled =
        compile_config(&imported.config).unwrap_or_else(|problems| panic!("it was imported: {problems}"));
    // A flag that cannot be read is said to be so.
    for (key, flag) in &imported.config.flags.0 {
        let is_noted = || imported.notes.iter().any(|note| note.flag.as_ref() == Some(key));
        assert!(flag.malformed.is_none() || is_noted(), "{key} is malformed, and nobody says it");
    }
    let json = imported.to_json().unwrap();
    let again =
        ruleset(&json, Format::Json).unwrap_or_else(|problems| panic!("it was written: {problems}\n{json}"));
    assert_eq!(again.ruleset, compiled.ruleset);
    assert_eq!(config(&json, Format::Json).unwrap(), imported.config);
    let snapshot = Snapshot::initial(std::sync::Arc::new(compiled.ruleset));
    let attributes =
        [("country", Attribute::Text("DE")), ("n", Attribute::Number(2.0)), ("b", Attribute::Bool(true))];
    for subject in [Context::empty(), Context::new("user-7"), Context::new("u").with_attributes(&attributes)]
    {
        for index in 0..snapshot.ruleset.flags.len() {
            let answer = evaluate(&snapshot, FlagRef::Id(FlagId(index as u16)), &subject);
            assert!(answer.variant.is_some() || !answer.is_on());
        }
    }
}
