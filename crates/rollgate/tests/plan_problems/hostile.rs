//! Files that no person would write by hand, and files that editors make of good ones.

use std::fmt::Write as _;

use rollgate::core::compile::Problem;
use rollgate::core::limits::{CONDITIONS_MAX, FLAGS_MAX, PLAN_BYTES_MAX, PLAN_VALUES_MAX, PROBLEMS_MAX};
use rollgate::read::{Format, ReadError, plan_file, ruleset};

use crate::tables::PLAN;

/// The codes that are shown here.
pub(crate) const CODES: &[&str] = &[
    "control-character",
    "empty",
    "not-utf8",
    "several-documents",
    "syntax",
    "too-deep",
    "too-long",
    "too-many",
    "too-many-problems",
    "too-many-values",
];

const SMALL: &str = "version: 1\nname: n\nflags:\n  A: {}\n";

#[track_caller]
fn first(text: &str, format: Format) -> Problem {
    match ruleset(text, format) {
        Ok(_) => panic!("it compiles"),
        Err(problems) => problems.0.into_iter().next().unwrap(),
    }
}

#[track_caller]
fn refused(text: &str, format: Format, code: &str, line: u32) -> Problem {
    let problem = first(text, format);
    assert_eq!((problem.code, problem.line), (code, line), "{problem}");
    problem
}

#[test]
fn a_mark_before_the_text_and_windows_line_ends_are_no_problem() {
    let of = |text: &str, format| ruleset(text, format).unwrap().ruleset;
    let plain = of(PLAN, Format::Yaml);
    assert_eq!(of(&format!("\u{feff}{PLAN}"), Format::Yaml), plain);
    assert_eq!(of(&PLAN.replace('\n', "\r\n"), Format::Yaml), plain);
    let toml = "version = 1\nname = \"n\"\n[flags.A]\nshare = \"10%\"\n";
    let json = r#"{"version":1,"name":"n","flags":{"A":{"share":"10%"}}}"#;
    let expected = of(toml, Format::Toml);
    assert_eq!(of(&format!("\u{feff}{}", toml.replace('\n', "\r\n")), Format::Toml), expected);
    assert_eq!(of(&format!("\u{feff}{json}"), Format::Json), expected);
    // The mark is not a column.
    let broken = first(&format!("\u{feff}{}", json.replace("10%", "1")), Format::Json);
    assert_eq!((broken.code, broken.line, broken.column), ("wrong-share", 1, 47));
}

#[test]
fn an_empty_file_says_so() {
    for text in ["", "\n\n", " \t\r\n", "\u{feff}", "# a comment\n", "---\n"] {
        let problem = first(text, Format::Yaml);
        assert!(problem.line > 0, "{text:?}: {problem}");
        assert!(matches!(problem.code, "empty" | "missing-key"), "{text:?}: {problem}");
    }
    refused("", Format::Toml, "empty", 1);
    refused("", Format::Json, "empty", 1);
}

#[test]
fn tabs_several_documents_and_broken_text_have_a_line() {
    let yaml = refused("version: 1\nname: n\nflags:\n\tA: {}\n", Format::Yaml, "syntax", 4);
    refused(&format!("{SMALL}---\n{SMALL}"), Format::Yaml, "several-documents", 6);
    let toml = refused("version = 1\nname = \n", Format::Toml, "syntax", 2);
    let json = refused("{\"version\": 1,\n \"name\": }", Format::Json, "syntax", 2);
    for problem in [yaml, toml, json] {
        assert!(problem.help.is_some(), "{problem}");
    }
}

/// A NUL ends the file for a reader in the style of C: the gates behind it would be gone, and nobody told.
#[test]
fn what_stands_behind_a_control_character_is_not_lost() {
    for (c, name) in [('\0', "U+0000"), ('\u{1b}', "U+001B"), ('\u{7f}', "U+007F"), ('\r', "U+000D")] {
        let problem = refused(&format!("{SMALL}# ä{c}x\n"), Format::Yaml, "control-character", 5);
        assert_eq!(problem.column, 4);
        assert!(problem.message.contains(name), "{problem}");
        refused(&format!("version = 1 # {c}"), Format::Toml, "control-character", 1);
        refused(&format!("{{\n\"name\": \"{c}\"}}"), Format::Json, "control-character", 2);
    }
}

/// One run names every section that is no YAML, and every table that is no TOML.
#[test]
fn what_is_no_text_of_its_format_is_named_in_every_section() {
    let yaml = "version: 1\nname: \"n\nflags:\n  A: {\nmetrics:\n\tm: {}\nroles: { a: {}\nphases:\n  - id: one\n   duration: 1d\n";
    let lines = |text: &str, format| -> Vec<u32> {
        let problems = ruleset(text, format).unwrap_err();
        assert!(problems.0.iter().all(|problem| problem.help.is_some()), "{problems}");
        problems.0.iter().map(|problem| problem.line).collect()
    };
    assert!(lines(yaml, Format::Yaml).len() >= 3, "{:?}", lines(yaml, Format::Yaml));
    let toml = "version = 1\nname = n\n[flags.A]\nshare = 10%\n[flags.B]\nshare = \"1%\"\n[metrics.m]\nkind: ratio\n";
    assert_eq!(lines(toml, Format::Toml), [2, 4, 8]);
    // A long text is read once.
    let long = format!("version = \n[a]\nb = {}\n[c]\nd =\n", "1".repeat(300 << 10));
    assert_eq!(lines(&long, Format::Toml).len(), 1);
}

#[test]
fn a_json_file_is_json_and_every_json_is_read() {
    for text in [
        "{version: 1}",
        "{\"version\": 1,}",
        "# c\n{}",
        "version: 1",
        "{'version': 1}",
        "{\"version\": 1} {}",
    ] {
        assert_eq!(first(text, Format::Json).code, "syntax", "{text}");
    }
    let text = "{\n\t\"version\": 1,\n\t\"name\": \"n\", \"title\": \"\\ud83d\\ude00 \\u00e9 \\/ \\\" \\\\ a\\nb\",\n\t\"flags\": {\n\t\t\"A\": {}\n\t}\n}";
    let compiled = match ruleset(text, Format::Json) {
        Ok(compiled) => compiled,
        Err(problems) => panic!("{problems}"),
    };
    assert_eq!(compiled.ruleset.title, "\u{1f600} é / \" \\ a\nb");
    refused("{\"version\": 1,\n \"name\": \"\\ud83d\"}", Format::Json, "syntax", 2);
    let broken = text.replace("\"A\": {}", "\"A\": {\"sahre\": 1}");
    let problem = first(&broken, Format::Json);
    assert_eq!((problem.path.as_str(), problem.line, problem.column), ("flags.A.sahre", 5, 9));
}

#[test]
fn columns_are_characters_in_every_format() {
    let yaml = "version: 1\nname: n\nflags: { A: { description: \"äö – 😀\", sahre: 1% } }\n";
    let toml = "version = 1\nname = \"n\"\nflags = { A = { description = \"äö – 😀\", sahre = \"1%\" } }\n";
    let json = "{ \"version\": 1, \"name\": \"n\",\n\n\"flags\": { \"A\": { \"description\": \"äö – 😀\", \"sahre\": \"1%\" } } }\n";
    for (text, format) in [(yaml, Format::Yaml), (toml, Format::Toml), (json, Format::Json)] {
        let line = text.lines().nth(2).unwrap();
        let start = line.find("sahre").unwrap() - usize::from(format == Format::Json);
        let problem = refused(text, format, "unknown-key", 3);
        assert_eq!(problem.column as usize, line[..start].chars().count() + 1, "{format:?}");
    }
    let problem = refused("{ \"ä😀\": }", Format::Json, "syntax", 1);
    assert_eq!(problem.column, 9);
}

#[test]
fn a_repeated_key_is_found_in_every_format() {
    assert_eq!(refused(&format!("{SMALL}  A: {{}}\n"), Format::Yaml, "duplicate-key", 5).path, "flags.A");
    let json = "{\"version\":1,\"name\":\"n\",\n\"flags\":{\"A\":{},\"A\":{}}}";
    assert_eq!(refused(json, Format::Json, "duplicate-key", 2).path, "flags.A");
    refused("version = 1\nname = \"n\"\n[flags.A]\n[flags.A]\n", Format::Toml, "duplicate-key", 4);
    refused("version = 1\nname = \"n\"\nname = \"n\"\n", Format::Toml, "duplicate-key", 3);
}

/// What the reader does not like does not hide what the compiler does not like.
#[test]
fn problems_of_the_text_and_of_the_plan_are_found_together() {
    let text = "version: 1\nname: n\nname: m\nflags:\n  A: { sahre: 1% }\n";
    let problems = ruleset(text, Format::Yaml).unwrap_err();
    let codes: Vec<&str> = problems.0.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["duplicate-key", "unknown-key"]);
}

/// In a flow map a comma ends an unquoted text; only there is the rest of it joined on.
#[test]
fn a_forgotten_value_is_no_part_of_the_text_before_it() {
    let joined = format!("{SMALL}  B: {{ description: one thing, and another }}\n");
    assert_eq!(
        ruleset(&joined, Format::Yaml).unwrap().ruleset.flags[1].description,
        "one thing, and another"
    );
    let forgotten = format!("{SMALL}title: one\nsome words:\n");
    assert_eq!(refused(&forgotten, Format::Yaml, "unknown-key", 6).path, "some words");
    let json = r#"{"version":1,"name":"n","title":"x","some words":null,"flags":{"A":{}}}"#;
    assert_eq!(refused(json, Format::Json, "unknown-key", 1).path, "some words");
}

#[test]
fn aliases_are_not_expanded_whatever_they_would_grow_to() {
    let mut text = String::from("version: 1\nname: n\na0: &a0 [x, x]\n");
    for level in 1..40 {
        let before = level - 1;
        writeln!(text, "a{level}: &a{level} [*a{before}, *a{before}]").unwrap();
    }
    let problems = ruleset(&text, Format::Yaml).unwrap_err();
    let aliases =
        problems.0.iter().filter(|problem| problem.message.contains("aliases are not part")).count();
    assert_eq!(aliases, 2 * 39, "each is named once, and none is followed");
}

#[test]
fn deep_nesting_is_refused_in_every_format() {
    for depth in [100, 100_000] {
        let text = format!("version: 1\nname: n\nflags: {}", "[".repeat(depth));
        assert!(matches!(first(&text, Format::Yaml).code, "too-deep" | "syntax"));
        let open = "{\"a\":".repeat(depth);
        assert!(matches!(first(&open, Format::Json).code, "too-deep" | "syntax"));
        let toml = format!("a = {}", "[".repeat(depth));
        assert_eq!(first(&toml, Format::Toml).code, "syntax");
        let closed = format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(first(&closed, Format::Toml).code, "syntax");
        let dotted = format!("{}a = 1", "a.".repeat(depth));
        assert!(ruleset(&dotted, Format::Toml).is_err());
    }
    let block: String = (0..100).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    refused(&block, Format::Yaml, "too-deep", 66);
    let groups = format!("{}{{ phase_for: 1d }}{}", "{ not: ".repeat(20), " }".repeat(20));
    let text = PLAN.replacen("{ metric: latency, stat: p95, over: 1h, below: 200ms }", &groups, 1);
    assert!(ruleset(&text, Format::Yaml).unwrap_err().0.iter().any(|problem| problem.code == "too-deep"));
}

/// Time goes with the length of a text and the number of its values; both have a bound, so that nothing is slow.
#[test]
fn a_text_that_nobody_wrote_is_refused_by_its_length_and_by_its_number_of_values() {
    for format in [Format::Yaml, Format::Toml, Format::Json] {
        // Nothing of it is read: it is no text of any format.
        let problem = refused(&"[".repeat(PLAN_BYTES_MAX + 1), format, "too-long", 1);
        assert!(problem.message.contains(&PLAN_BYTES_MAX.to_string()) && problem.help.is_some(), "{problem}");
        assert_ne!(first(&"[".repeat(PLAN_BYTES_MAX), format).code, "too-long");
    }
    // Few bytes, many values: the one too many is the last that is looked at.
    let list = |format: Format, items: usize| {
        let items = vec!["1"; items].join(",\n");
        match format {
            Format::Toml => format!("always_on = [{items}]"),
            _ => format!("{{\"always_on\": [{items}]}}"),
        }
    };
    for format in [Format::Yaml, Format::Toml, Format::Json] {
        // The map, and the list in it.
        let most = PLAN_VALUES_MAX - 2;
        assert_ne!(first(&list(format, most), format).code, "too-many-values", "{format:?}");
        let problem = refused(&list(format, most + 1), format, "too-many-values", most as u32 + 1);
        assert!(
            problem.message.contains(&PLAN_VALUES_MAX.to_string()) && problem.help.is_some(),
            "{problem}"
        );
    }
}

/// The largest plans of the project, and the most flags that a plan may have, are far from both bounds.
#[test]
fn a_large_plan_is_no_hostile_one() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plans");
    for entry in std::fs::read_dir(folder).unwrap() {
        let length = entry.unwrap().metadata().unwrap().len() as usize;
        assert!(length * 10 < PLAN_BYTES_MAX, "{length}");
    }
    let flag =
        |index: usize| format!("  USE_FLAG_{index}: {{ description: {}, share: 10% }}\n", "x".repeat(180));
    let flags: String = (0..FLAGS_MAX).map(flag).collect();
    let compiled = ruleset(&format!("version: 1\nname: n\nflags:\n{flags}"), Format::Yaml).unwrap();
    assert_eq!(compiled.ruleset.flags.len(), FLAGS_MAX);
}

/// As many keys as fit, in one line: neither the places nor the repeats are looked for by walking them all, and no help
/// is worked out for what is not listed.
#[test]
fn as_many_keys_as_fit_are_read_once() {
    let many: Vec<String> = (0..60_000).map(|index| format!("k{index} = 1")).collect();
    let toml = format!("version = 1\nname = \"n\"\nflags = {{ {} }}", many.join(", "));
    assert_eq!(first(&toml, Format::Toml).code, "too-many");
    let many: Vec<String> = (0..60_000).map(|index| format!("\"k{index}\": 1")).collect();
    let json = format!("{{ {} }}", many.join(", "));
    let problems = ruleset(&json, Format::Json).unwrap_err();
    assert_eq!(problems.0.len(), PROBLEMS_MAX + 1);
    assert_eq!(problems.0.last().map(|problem| problem.code), Some("too-many-problems"));
    let same = format!("version: 1\nname: n\nflags:\n{}", "  a: {}\n".repeat(100_000));
    let problems = ruleset(&same, Format::Yaml).unwrap_err();
    assert_eq!((problems.0.len(), problems.0[0].code), (PROBLEMS_MAX + 1, "duplicate-key"));
}

#[test]
fn flags_lie_within_each_other_only_so_deep() {
    let flags = |count: usize| -> String {
        let nested =
            (1..count).map(|index| format!("  F{index}: {{ within: F{}, share_of: parent }}\n", index - 1));
        format!("version: 1\nname: n\nflags:\n  F0: {{}}\n{}", nested.collect::<String>())
    };
    assert!(ruleset(&flags(9), Format::Yaml).is_ok());
    let problem = refused(&flags(10), Format::Yaml, "within-cycle", 13);
    assert!(problem.message.contains("more than 8 deep") && problem.path == "flags.F9.within", "{problem}");
}

#[test]
fn values_of_toml_mean_what_they_mean_in_the_other_forms() {
    let toml = |line: &str| format!("version = 1\nname = \"n\"\ndate = 2026-01-13\n[flags.A]\n{line}\n");
    let share = |line: &str| {
        ruleset(&toml(line), Format::Toml).map(|compiled| compiled.ruleset.flags[0].initial.ppm())
    };
    assert_eq!(share("share = 0.1_0").unwrap(), 100_000);
    assert_eq!(share("share = 1.0").unwrap(), 1_000_000);
    assert_eq!(share("share = '2.5%'").unwrap(), 25_000);
    for line in [
        "share = 1",
        "share = nan",
        "share = inf",
        "share = -0.1",
        "share = true",
        "share = 1e-7",
        "share = 2026-01-13",
    ] {
        let problem = refused(&toml(line), Format::Toml, "wrong-share", 5);
        assert_eq!((problem.path.as_str(), problem.column), ("flags.A.share", 9), "{line}");
    }
}

#[test]
fn a_list_has_a_bound() {
    let gates: String =
        (0..=CONDITIONS_MAX).map(|index| format!("g{index}: {{ phase_for: 1d }}, ")).collect();
    let text = PLAN.replacen(
        "gates:\n      latency:",
        &format!("gates: {{ {gates} }}\n    targetz:\n      latency:"),
        1,
    );
    let problems = ruleset(&text, Format::Yaml).unwrap_err();
    assert!(
        problems.0.iter().any(|problem| problem.code == "too-many" && problem.path == "phases[0].gates"),
        "{problems}"
    );
}

#[test]
fn a_file_that_is_not_utf8_is_refused_at_its_place() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join("latin1.yaml");
    std::fs::write(&path, b"version: 1\nname: n\ntitle: caf\xe9\n").unwrap();
    let Err(ReadError::Refused(refused)) = plan_file(&path) else { panic!("it is read") };
    let problem = &refused.problems.0[0];
    assert_eq!((problem.code, problem.line, problem.column), ("not-utf8", 3, 11));
    let long = folder.join("long.json");
    std::fs::write(&long, vec![b' '; PLAN_BYTES_MAX + 2]).unwrap();
    let Err(ReadError::Refused(refused)) = plan_file(&long) else { panic!("it is read") };
    assert_eq!(refused.problems.0[0].code, "too-long");
    let Err(ReadError::Io(..)) = plan_file(&folder.join("no-such.yaml")) else { panic!("it is read") };
    let Err(ReadError::Io(..)) = plan_file(folder) else { panic!("a folder is read") };
}

#[test]
fn words_that_older_readers_take_for_booleans_stay_words() {
    for word in ["on", "off", "yes", "no", "On", "YES", "n", "y"] {
        let text = format!("version: 1\nname: {word}\nflags: {{ {word}: {{ always_on: [{word}] }} }}\n");
        let ruleset = ruleset(&text, Format::Yaml).unwrap().ruleset;
        assert_eq!((ruleset.name.as_str(), ruleset.flags[0].key.as_str()), (word, word));
        assert!(ruleset.flags[0].always_on.has(word.as_bytes()));
        let text = format!("version: 1\nname: n\nflags: {{ A: {{ enabled: {word} }} }}\n");
        assert_eq!(first(&text, Format::Yaml).code, "wrong-type");
    }
}
