//! `spec/api.toml`, the list of what every language can do: what it names in Rust and in C is there, and every export of C
//! stands in it. The tests of Python and Node check theirs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use toml_edit::DocumentMut;

const BOOK: &str = include_str!("../spec/api.toml");
const HEADER: &str = include_str!("../../bindings/c/include/rollgate.h");

fn book() -> DocumentMut {
    BOOK.parse().unwrap()
}

/// The names of a column that have to be there: without rows that say why a language does without.
fn column(book: &DocumentMut, language: &str) -> BTreeSet<String> {
    let rows = book["call"].as_array_of_tables().unwrap().iter();
    let names =
        rows.map(|row| row[language].as_str().unwrap_or_else(|| panic!("{:?}: no {language}", row["what"])));
    names.filter(|name| !name.starts_with('-')).map(|name| name.trim_start_matches('=').to_owned()).collect()
}

fn only(book: &DocumentMut, language: &str) -> BTreeSet<String> {
    book["only"][language].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// `Type::name` of every public function of a type in some sources.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
            continue;
        }
        let mut of = String::new();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let words = |text: &str| {
                text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next()
                    .map(str::to_owned)
            };
            if let Some(rest) = line.strip_prefix("impl") {
                let named = rest
                    .rsplit(" for ")
                    .next()
                    .unwrap_or(rest)
                    .trim_start_matches(|letter| letter != ' ')
                    .trim();
                of = words(named).unwrap_or_default();
            } else if let Some(name) = line.strip_prefix("    pub fn ").and_then(words) {
                found.insert(format!("{of}::{name}"));
            }
        }
    }
}

/// What the header declares.
fn exports() -> BTreeSet<String> {
    let code = HEADER.lines().map(|line| line.split("//").next().unwrap_or_default());
    let code =
        code.filter(|line| !line.trim_start().starts_with(['*', '/', '#'])).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("rollgate_") {
        let rest = &code[at..];
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        if rest[end..].starts_with('(') {
            found.insert(rest[..end].to_owned());
        }
    }
    found
}

#[test]
fn what_the_book_names_in_rust_is_there() {
    let mut found = BTreeSet::new();
    functions(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/rollgate/src"), &mut found);
    let named = column(&book(), "rust");
    assert!(named.len() > 50, "{}", named.len());
    let missing: Vec<&String> = named.difference(&found).collect();
    assert!(missing.is_empty(), "not in the sources: {missing:?}");
}

#[test]
fn what_the_book_names_in_c_is_what_the_header_declares() {
    let (book, declared) = (book(), exports());
    let listed: BTreeSet<String> = column(&book, "c").union(&only(&book, "c")).cloned().collect();
    assert_eq!(declared, listed);
    assert!(declared.len() > 45, "{}", declared.len());
}
