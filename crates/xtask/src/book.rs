//! The book of evaluations, `tests/spec/evaluation.toml`, as lines that C reads without a parser.

use std::fs;

use super::c::hex;
use serde_json::Value as Json;
use toml_edit::{DocumentMut, Item, Table, Value};

const BOOK: &str = "tests/spec/evaluation.toml";

/// Writes the plans and the cases into a folder; the path of the cases.
pub(super) fn write(folder: &str) -> Result<String, String> {
    let said = |path: &str, error: std::io::Error| format!("{path}: {error}");
    fs::create_dir_all(folder).map_err(|error| said(folder, error))?;
    let text = fs::read_to_string(BOOK).map_err(|error| said(BOOK, error))?;
    let book: DocumentMut = text.parse().map_err(|error| format!("{BOOK}: {error}"))?;
    let plans = book.get("plan").and_then(Item::as_array_of_tables).ok_or(format!("{BOOK} has no plans"))?;
    let mut lines = String::new();
    for (place, plan) in plans.iter().enumerate() {
        let path = format!("{folder}/plan-{place}.yaml");
        let (text, cases) = parts(plan).ok_or_else(|| format!("{BOOK}: plan {place} lacks a field"))?;
        fs::write(&path, text).map_err(|error| said(&path, error))?;
        lines += &format!("plan\t{path}\n");
        for case in cases {
            lines += &line(case).ok_or_else(|| format!("{BOOK}: cannot read {case:?}"))?;
        }
    }
    let path = format!("{folder}/cases.tsv");
    fs::write(&path, lines).map_err(|error| said(&path, error))?;
    Ok(path)
}

fn parts(plan: &Table) -> Option<(&str, impl Iterator<Item = &Value>)> {
    Some((plan.get("text")?.as_str()?, plan.get("case")?.as_array()?.iter()))
}

fn line(case: &Value) -> Option<String> {
    let case = case.as_inline_table()?;
    let text = |name: &str| case.get(name).and_then(Value::as_str);
    let attributes = case.get("attributes").map_or(Some(Json::Object(Default::default())), json)?;
    let on = match case.get("on")? {
        Value::Boolean(on) => {
            if *on.value() {
                "1"
            } else {
                "0"
            }
        }
        _ => "d",
    };
    let key = text("key").map_or_else(|| "-".to_owned(), hex);
    let (flag, reason, variant) = (text("flag")?, text("reason")?, text("variant").unwrap_or("-"));
    Some(format!("case\t{flag}\t{key}\t{}\t{on}\t{reason}\t{variant}\n", hex(&attributes.to_string())))
}

fn json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(value) => (*value.value()).into(),
        Value::Array(items) => Json::Array(items.iter().map(json).collect::<Option<_>>()?),
        Value::InlineTable(fields) => {
            let fields = fields.iter().map(|(name, value)| Some((name.to_owned(), json(value)?)));
            Json::Object(fields.collect::<Option<_>>()?)
        }
        Value::Datetime(_) => return None,
    })
}
