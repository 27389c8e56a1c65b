//! What the fuzz targets do, over their corpus and over every file of `spec`, with the stable compiler.

use std::path::{Path, PathBuf};

use rollgate_tests::fuzzed;

/// The files of a folder of the tests, in order.
fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Runs a target's body over files, and says which one it was that broke it.
#[track_caller]
fn over(files: &[PathBuf], least: usize, body: fn(&[u8])) {
    assert!(files.len() >= least, "{} files", files.len());
    for path in files {
        let bytes = std::fs::read(path).unwrap();
        if std::panic::catch_unwind(|| body(&bytes)).is_err() {
            panic!("{}", path.display());
        }
    }
}

#[test]
fn the_corpus_of_plans_breaks_nothing() {
    over(&files("fuzz/corpus/plan"), 5, fuzzed::plan);
}

#[test]
fn the_corpus_of_traces_breaks_nothing() {
    over(&files("fuzz/corpus/trace"), 3, fuzzed::trace);
}

#[test]
fn the_corpus_of_commands_breaks_nothing() {
    over(&files("fuzz/corpus/command"), 10, fuzzed::command);
}

#[test]
fn the_corpus_of_rules_breaks_nothing() {
    over(&files("fuzz/corpus/rules"), 30, fuzzed::rules);
}

#[test]
fn the_corpus_of_imports_breaks_nothing() {
    over(&files("fuzz/corpus/import"), 20, fuzzed::import_file);
}
