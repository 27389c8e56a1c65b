//! Error numbers are frozen: `tests/spec/errors.toml` and the enum say the same.

use toml_edit::{DocumentMut, Item};

const SPEC: &str = include_str!("../spec/errors.toml");
const SOURCE: &str = include_str!("../../crates/rollgate-core/src/error.rs");

/// Number, name and text of every variant, as the source has them.
fn variants() -> Vec<(u16, String, String)> {
    let body = SOURCE.split("pub enum ErrorKind {").nth(1).unwrap().split("\n}").next().unwrap();
    let lines: Vec<&str> = body.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let pairs = lines.chunks(2).map(|pair| {
        let text = pair[0].strip_prefix("/// ").unwrap().to_owned();
        let (name, number) = pair[1].trim_end_matches(',').split_once(" = ").unwrap();
        (number.parse().unwrap(), name.to_owned(), text)
    });
    pairs.collect()
}

#[test]
fn numbers_names_and_texts_are_those_of_the_book() {
    let spec: DocumentMut = SPEC.parse().unwrap();
    let entries = spec["error"].as_array_of_tables().unwrap();
    let text = |item: &Item| item.as_str().unwrap().to_owned();
    let frozen: Vec<(u16, String, String)> = entries
        .iter()
        .map(|entry| {
            let number = u16::try_from(entry["number"].as_integer().unwrap()).unwrap();
            (number, text(&entry["name"]), text(&entry["text"]))
        })
        .collect();
    assert_eq!(variants(), frozen);
    assert!(frozen.windows(2).all(|pair| pair[0].0 < pair[1].0), "numbers rise, so none is given twice");
}
