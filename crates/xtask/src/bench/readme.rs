//! `cargo xtask bench --readme`: the last run as the table between two marks of the README.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::summary::{self, ABOUT, READERS, Row};

const README: &str = "README.md";
const BEGIN: &str = "<!-- speed: written by `cargo xtask bench --readme` -->\n";
const END: &str = "<!-- end of speed -->\n";

/// Rows of rollgate that are shown, each with what it is called.
const OWN: [(&str, &str); 12] = [
    ("floor/xxh3", "one hash and one comparison: the floor"),
    ("rollgate/handle", "`flag.is_on(key)`"),
    ("rollgate/counted", "`flag.is_on_counted(key)`"),
    ("rollgate/by_name_1000", "`engine.is_on(name, key)`"),
    ("rollgate/missing", "the same, a flag that there is not"),
    ("rollgate/evaluate", "`engine.evaluate(name, &context)`"),
    (
        "rollgate/rule_by_name",
        "`engine.is_on_for(name, &context)`, three attributes, a rule `country in [..]`",
    ),
    ("rollgate/rule_evaluate", "`engine.evaluate(name, &context)`, the same"),
    ("rollgate/all_1000", "`engine.all_on(key, &mut bits)`, a flag"),
    ("rollgate/all_1000_one_salt", "the same, where flags share a salt"),
    ("rollgate/record", "`metric.record(value)`"),
    ("rollgate/record_for_key", "`metric.record_for(key, value)`"),
];

const RECORDERS: [(&str, &str); 4] = [
    ("metrics", "`metrics`, a histogram handle"),
    ("metrics-exporter-prometheus", "`metrics-exporter-prometheus`, the same"),
    ("prometheus", "`prometheus`, a histogram"),
    ("hdrhistogram", "`hdrhistogram` in a lock"),
];

pub(super) fn write() -> Result<(), String> {
    let rows = summary::read()?;
    let about = fs::read_to_string(ABOUT).map_err(|error| format!("{ABOUT}: {error}"))?;
    let about: Value = serde_json::from_str(&about).map_err(|error| format!("{ABOUT}: {error}"))?;
    let text = fs::read_to_string(README).map_err(|error| format!("{README}: {error}"))?;
    let text = between(&text, &table(&rows, &about)).ok_or_else(|| format!("{README} has no marks"))?;
    fs::write(README, text).map_err(|error| format!("{README}: {error}"))
}

/// The text with what lies between the marks put in anew; `None` where it has no marks.
fn between(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn table(rows: &[Row], about: &Value) -> String {
    let find = |name: &str| rows.iter().find(|row| row.name == name);
    let said = |key: &str| about.get(key).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    let mut text = format!(
        "Measured {} on {}: thread CPU time, the least of 300 chunks (at two threads the median) that take turns in one process, so that the ratios are \
         of one run; nanoseconds carry over to no other machine, ratios roughly do.\n\n\
         | rollgate | ns | times the floor | allocations |\n| --- | ---: | ---: | ---: |\n",
        said("date"),
        said("machine")
    );
    for (name, title) in OWN {
        let Some(row) = find(name) else { continue };
        text.push_str(&format!("| {title} | {} | {} | {} |\n", number(row.ns), over(row), allocs(row)));
    }
    text.push_str(
        "\nThe peers answer one boolean flag at 10 % among 1,000, by name, through the cheapest call of their API; the rule is \
         the same `country in [..]` with three attributes and the context built in the call. They do more than a comparison, \
         and some of it you may want:\n\n\
         | peer | ns | allocations | with the rule | what a call does |\n| --- | ---: | ---: | ---: | --- |\n",
    );
    for peer in READERS {
        let (Some(plain), Some(rule)) =
            (find(&format!("peer/{peer}/plain")), find(&format!("peer/{peer}/rule")))
        else {
            continue;
        };
        let cells = (number(plain.ns), allocs(plain), number(rule.ns));
        text.push_str(&format!("| {peer} | {} | {} | {} | {} |\n", cells.0, cells.1, cells.2, plain.does));
    }
    text.push_str(
        "\n| recording a sample | ns | at two threads | what a call does |\n| --- | ---: | ---: | --- |\n",
    );
    let recorders = RECORDERS.iter().map(|(peer, title)| (format!("peer/{peer}/record"), *title));
    for (name, title) in
        [("rollgate/record".to_owned(), "rollgate, `metric.record(value)`")].into_iter().chain(recorders)
    {
        let (Some(one), Some(two)) = (find(&name), find(&format!("{name}_2t"))) else { continue };
        text.push_str(&format!("| {title} | {} | {} | {} |\n", number(one.ns), number(two.median), one.does));
    }
    let left_out = about.get("left_out").and_then(Value::as_array).cloned().unwrap_or_default();
    for pair in &left_out {
        let part = |index: usize| pair.get(index).and_then(Value::as_str).unwrap_or_default().to_owned();
        text.push_str(&format!("\nNot measured: {}: {}\n", part(0), part(1)));
    }
    text
}

fn number(ns: f64) -> String {
    match ns {
        ns if ns < 10.0 => format!("{ns:.1}"),
        ns => format!("{ns:.0}"),
    }
}

fn over(row: &Row) -> String {
    row.over_floor.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.1}"))
}

fn allocs(row: &Row) -> String {
    row.allocs.map_or_else(|| "-".to_owned(), |allocs| format!("{allocs:.0}"))
}

/// The processor, and how many of it.
pub(super) fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        line.split_once(": ").map(|(_, value)| value.to_owned())
    };
    let model = value("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let shared = if text.contains(" hypervisor") { ", a shared virtual machine" } else { "" };
    format!("{cores} cores of {model}{shared}")
}

/// The day, as the machine has it.
pub(super) fn today() -> String {
    let date = Command::new("date").arg("+%F").output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&date).trim().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::*;

    #[test]
    fn only_what_lies_between_the_marks_changes() {
        let text = format!("a\n{BEGIN}old\n{END}b\n");
        let new = between(&text, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}new\n{END}b\n"));
        assert_eq!(between(&new, "new\n").unwrap(), new);
        assert_eq!(between("a\nb\n", "new\n"), None);
    }

    #[test]
    fn the_readme_has_its_marks() {
        let text = fs::read_to_string(format!("{}/{README}", crate::ROOT)).unwrap();
        assert!(between(&text, "").is_some());
    }
}
