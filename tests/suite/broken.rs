//! Broken plans and traces of `spec/broken`: each is refused at its place with a hint, and nothing has changed.

use std::path::PathBuf;
use std::sync::Arc;

use rollgate::core::error::ErrorKind;
use rollgate::core::snapshot::Ruleset;
use rollgate::read::{ReadError, plan_file};
use rollgate::replay::{self, Replay};
use rollgate::store::{MemoryStore, Store};
use rollgate::{Engine, clock::ManualClock};
use rollgate_tests::fuzzed;
use toml_edit::{DocumentMut, Table};

fn spec(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("spec").join(name)
}

/// The entries of the book; every file of the folder is one.
fn book(kind: &str, folder: &str) -> Vec<Table> {
    let text = std::fs::read_to_string(spec("broken.toml")).unwrap();
    let document: DocumentMut = text.parse().unwrap();
    let entries: Vec<Table> = document[kind].as_array_of_tables().unwrap().iter().cloned().collect();
    let mut listed: Vec<&str> = entries.iter().map(|entry| entry["file"].as_str().unwrap()).collect();
    let files = std::fs::read_dir(spec(folder)).unwrap();
    let mut found: Vec<String> =
        files.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    listed.sort_unstable();
    found.sort();
    assert_eq!(found, listed);
    entries
}

fn text<'a>(entry: &'a Table, key: &str) -> &'a str {
    entry[key].as_str().unwrap()
}

fn small() -> Arc<Ruleset> {
    Arc::new(plan_file(&spec("journal/plan.yaml")).unwrap_or_else(|error| panic!("{error}")).ruleset)
}

#[test]
fn every_broken_plan_is_refused_at_its_place_with_a_hint() {
    let plans = book("plan", "broken/plans");
    assert!(plans.len() >= 60, "{}", plans.len());
    for entry in &plans {
        let file = text(entry, "file");
        let path = spec("broken/plans").join(file);
        let Err(ReadError::Refused(refused)) = plan_file(&path) else { panic!("{file} is not refused") };
        let line = entry["line"].as_integer().unwrap();
        let found = refused.problems.0.iter().find(|problem| {
            problem.code == text(entry, "code")
                && problem.path == text(entry, "path")
                && i64::from(problem.line) == line
        });
        let Some(problem) = found else { panic!("{file}: line {line} is not named\n{}", refused.problems) };
        assert!(
            problem.column > 0 && problem.help.as_ref().is_some_and(|help| help.len() > 8),
            "{file}: {problem}"
        );
        fuzzed::plan(&std::fs::read(&path).unwrap());
    }
}

/// An engine that runs keeps its snapshot, its state and its journal, whatever plan is read beside it.
#[test]
fn a_broken_plan_changes_nothing_of_what_runs() {
    let store = MemoryStore::new();
    let clock = ManualClock::at(rollgate::core::time::Timestamp(1_768_816_800_000));
    let engine =
        Engine::builder().ruleset(small()).store(store.clone()).clock(clock.clone()).build().unwrap();
    engine.start("lead").unwrap();
    let keys: Vec<String> = (0..64).map(|index| format!("user-{index}")).collect();
    let seen =
        |engine: &Engine| -> Vec<bool> { keys.iter().map(|key| engine.is_on("PARENT", key)).collect() };
    let before = (store.load(0).unwrap().unwrap(), engine.journal_after(0), engine.shares(), seen(&engine));
    for entry in book("plan", "broken/plans") {
        let path = spec("broken/plans").join(text(&entry, "file"));
        let error = match Engine::builder().store(store.clone()).clock(clock.clone()).plan_file(&path) {
            Ok(_) => panic!("{}", path.display()),
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        let after =
            (store.load(0).unwrap().unwrap(), engine.journal_after(0), engine.shares(), seen(&engine));
        assert_eq!(before, after, "{}", path.display());
    }
}

#[test]
fn every_broken_trace_stops_at_its_line_and_nothing_of_it_happens() {
    let traces = book("trace", "broken/traces");
    assert!(traces.len() >= 30, "{}", traces.len());
    for entry in &traces {
        let file = text(entry, "file");
        let bytes = std::fs::read(spec("broken/traces").join(file)).unwrap();
        let line = entry["line"].as_integer().unwrap();
        let before: Vec<u8> =
            bytes.split_inclusive(|byte| *byte == b'\n').take(line as usize - 1).flatten().copied().collect();
        let played = |mut bytes: &[u8]| {
            let store = MemoryStore::new();
            let mut replay = Replay::new(small()).with_store(store.clone());
            let mut journal = Vec::new();
            let ended = replay::run(&mut replay, &mut bytes, &mut |line| journal.push(line.to_owned()));
            (ended, store.load(0).unwrap(), journal)
        };
        let (ended, state, journal) = played(&bytes);
        let Err(error) = ended else { panic!("{file} is read to its end") };
        assert_eq!(error.kind(), ErrorKind::InvalidTrace, "{file}: {error}");
        let (said, path) = (error.to_string(), text(entry, "path"));
        let place = if path.is_empty() { format!("line {line}: ") } else { format!("line {line}: {path}: ") };
        assert!(said.starts_with(&place), "{file}: {said}");
        assert!(said.contains(text(entry, "says")), "{file}: {said}");
        // Byte for byte what the lines before it leave alone.
        let (ended, state_before, journal_before) = played(&before);
        assert!(ended.is_ok(), "{file}: {ended:?}");
        assert!(!journal.is_empty(), "{file}");
        assert_eq!((state, journal), (state_before, journal_before), "{file}");
        fuzzed::trace(&bytes);
    }
}

/// Nothing of these is parsed: the bounds of `limits.rs` are looked at first.
#[test]
fn what_is_too_long_is_refused_before_it_is_parsed() {
    use rollgate::core::limits::{PLAN_BYTES_MAX, TRACE_LINE_BYTES_MAX};
    use rollgate::read::{Format, ruleset, text};
    // A map that is not closed: a parser would name its end, and not its length.
    let open = format!("{{{}", "\"a\":[".repeat(PLAN_BYTES_MAX / 5 + 1));
    for format in [Format::Yaml, Format::Toml, Format::Json] {
        assert_eq!(ruleset(&open, format).unwrap_err().0[0].code, "too-long");
    }
    assert_eq!(text(vec![0xFF; PLAN_BYTES_MAX + 1]).unwrap_err().0[0].code, "too-long");
    let mut replay = Replay::new(small());
    let mut line: &[u8] = &vec![b'['; 10 << 20];
    let error = replay::run(&mut replay, &mut line, &mut |_| ()).unwrap_err();
    assert_eq!(error.to_string(), format!("line 1: longer than {TRACE_LINE_BYTES_MAX} bytes"));
    // What is behind the bound is not even read.
    assert!(line.len() > 8 << 20, "{}", line.len());
    // Of a million lines that are wrong the first is enough.
    let mut tiny: &[u8] = &b"{}\n".repeat(1_000_000);
    let error = replay::run(&mut Replay::new(small()), &mut tiny, &mut |_| ()).unwrap_err();
    assert!(error.to_string().starts_with("line 1: at: missing"), "{error}");
    assert!(tiny.len() > 2_900_000, "{}", tiny.len());
}
