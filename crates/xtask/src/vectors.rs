//! `cargo xtask vectors FILE`: one file of vectors through every language, each by its own door.
//!
//! What is run is the built library and the installed package, as a program gets them: the same that the tests run.

use super::{c, cargo, node, python, run as shown};

/// `vectors FILE`, or `vectors --generate N FILE`.
pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--generate", count, file] => rust(&["--generate", count, file]),
        [file] if !file.starts_with('-') => every_language(file),
        _ => Err("vectors takes a file, or `--generate N FILE`".to_owned()),
    }
}

/// Each language to its end, also where one before it fails.
fn every_language(file: &str) -> Result<(), String> {
    let file = std::path::absolute(file).map_err(|error| format!("{file}: {error}"))?.display().to_string();
    // Once, and not in four languages.
    std::fs::metadata(&file)
        .map_err(|error| format!("{file}: {error}; `vectors --generate N FILE` makes one"))?;
    let outcomes = [rust(&[&file]), c::vectors(&file), python::vectors(&file), node::vectors(&file)];
    let wrong: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn rust(arguments: &[&str]) -> Result<(), String> {
    let build = ["run", "--quiet", "--package", "rollgate-tests", "--bin", "vectors", "--"];
    shown(&cargo(), &[&build, arguments].concat())
}
