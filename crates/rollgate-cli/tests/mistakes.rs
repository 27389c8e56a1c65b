//! What newcomers get wrong, as rows: each with its exit code, what was wrong, and how it is mended.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "stage/folder.rs"]
mod stage;

use std::fs;

use stage::{Folder, said, trace};

/// A wrong command line, its exit code, and words that its message must have.
type Row = (&'static str, i32, &'static [&'static str]);

/// Wrong usage: nothing is opened, or what is named does not go together.
const USAGE: &[Row] = &[
    ("", 2, &["Usage: rollgate <COMMAND>"]),
    ("statu", 2, &["unrecognized subcommand 'statu'", "'status'"]),
    ("status", 2, &["no store was named", "--store FILE", "ROLLGATE_STORE"]),
    ("status --url http://localhost:7117", 2, &["unexpected argument '--url'", "Usage: rollgate status"]),
    ("run", 2, &["no store was named", "--store FILE"]),
    ("run missing.yaml --store new.db", 2, &["missing.yaml", "No such file", "it was looked for in"]),
    ("run . --store new.db", 2, &["is a folder; name the plan file in it"]),
    ("run trace.jsonl --store new.db", 2, &["a plan file ends in .yaml, .yml, .toml or .json"]),
    ("run broken.yaml --store new.db", 1, &["broken.yaml", "flgs", "`rollgate check broken.yaml`"]),
    (
        "run canary.yaml --store new.db --webhook-file https://hooks.example/secret",
        2,
        &["an address stands where --webhook-file takes a file"],
    ),
    ("run canary.yaml --store new.db --until soon", 2, &["invalid value 'soon'"]),
    ("set NEW=10 --store running.db --by ann", 2, &["`10` is not a share: did you mean `10%`?"]),
    ("set NEW=120% --store running.db --by ann", 2, &["`120%` is not a share: it is above 100%"]),
    ("set NEW --store running.db --by ann", 2, &["expected FLAG=SHARE, for example USE_X=10%"]),
    ("set --store running.db --by ann", 2, &["<FLAG=SHARE>...", "Usage: rollgate set"]),
    ("set NEW=1% NEW=2% --store running.db --by ann", 2, &["NEW stands there twice; give it one share"]),
    ("pause --store running.db", 2, &["nobody was named: --by NAME", "ROLLGATE_BY"]),
    ("decide go --store running.db --by ann", 2, &["--rationale <TEXT>"]),
    (
        "decide yes --rationale x --store running.db --by ann",
        2,
        &["invalid value 'yes'", "go, no_go, rollback"],
    ),
    ("decide go --to zero --rationale x --store running.db --by ann", 2, &["--to is for a rollback"]),
    ("decide no_go --override x --rationale x --store running.db --by ann", 2, &["--override is for a go"]),
    ("attest tests --passed 3 --store running.db --by ann", 2, &["--of <N>"]),
    ("report-action backup --store running.db --by ann", 2, &["<--ok|--failed>"]),
    (
        "status --plan other.yaml --store running.db",
        2,
        &["plan `canary`", "`other`", "give this plan its own store"],
    ),
    ("status --plan missing.yaml --store running.db", 2, &["missing.yaml", "it was looked for in"]),
    ("run other.yaml --store running.db", 2, &["plan `canary`", "give this plan its own store"]),
    (
        "replay canary.yaml --trace unordered.jsonl",
        2,
        &["unordered.jsonl: line 2", "lines are ordered by time"],
    ),
    (
        "risks canary.yaml --journal broken.jsonl",
        2,
        &["broken.jsonl: journal record 2 is broken", "`rollgate replay` writes"],
    ),
];

/// The store is not what it should be: nothing is made, nothing is changed.
const STORES: &[Row] = &[
    (
        "status --store none.db",
        3,
        &["there is no store none.db", "it was looked for in", "`rollgate run PLAN --store FILE` makes one"],
    ),
    ("stop --store none.db --by ann", 3, &["there is no store none.db"]),
    ("journal --store none.db", 3, &["there is no store none.db"]),
    ("journal verify --store none.db", 3, &["there is no store none.db"]),
    ("run --store none.db", 3, &["there is no store none.db"]),
    ("status --store .", 3, &["it is a directory; name a file in it"]),
    ("run canary.yaml --store no/such/folder.db", 3, &["there is no directory"]),
    ("status --store canary.yaml", 3, &["it is not a database", "Nothing was written to it"]),
    (
        "status --store newer.db",
        3,
        &["was written by a later version of rollgate", "use that version, or another file"],
    ),
    ("pause --store newer.db --by ann", 3, &["was written by a later version of rollgate"]),
    ("status --store damaged.db", 3, &["is damaged", "Put a copy back in its place"]),
    ("stop --store damaged.db --by ann", 3, &["is damaged", "Put a copy back in its place"]),
    ("run canary.yaml --store damaged.db", 3, &["is damaged"]),
    ("journal --store damaged.db", 3, &["is damaged"]),
    ("journal verify --store damaged.db", 1, &["journal line 2 does not fit its sum"]),
];

/// The rollout refuses; each of these is journalled.
const REFUSED: &[Row] = &[
    ("set NWE=0% --store running.db --by ann", 1, &["there is no flag `NWE`; the plan has NEW, OLD"]),
    (
        "set NEW=50% --store running.db --by ann",
        1,
        &["the current step allows 20% for `NEW`", "--reason TEXT"],
    ),
    (
        "decide go --rationale x --store running.db --by ann",
        1,
        &["its decision is not awaited yet", "its gates are due in", "--override REASON"],
    ),
    (
        "decide go --rationale x --store running.db --by zoe",
        1,
        &["zoe has no vote here; the roles that decide are lead", "--by NAME"],
    ),
    (
        "decide go --rationale x --store running.db --by ann --role boss",
        1,
        &["the plan has no role `boss`; it has lead, on_call"],
    ),
    ("decide go --rationale x --store running.db --by zoe --role lead", 1, &["zoe is not listed as lead"]),
    (
        "decide go --rationale= --store running.db --by ann",
        1,
        &["a decision needs a rationale", "--rationale TEXT"],
    ),
    ("decide rollback --to nowhere --rationale x --store running.db --by ann", 1, &["nowhere"]),
    ("retry --store running.db --by ann", 1, &["there is nothing to retry; the rollout is running"]),
    (
        "retry --store fallen.db --by ann",
        1,
        &["a retry still needs: hold, root_cause", "`rollgate attest ITEM`"],
    ),
    ("set NEW=5% --store fallen.db --by ann", 1, &["nothing is raised until a retry: `NEW` is at 0%"]),
    (
        "start --store running.db --by ann",
        1,
        &["has already been started; it is running", "`rollgate status`"],
    ),
    ("resume --store running.db --by ann", 1, &["the rollout is not paused; it is running"]),
    ("approve heap --rationale x --store running.db --by ann", 1, &["heap", "no proposal is pending"]),
    ("dismiss heap --store running.db --by ann", 1, &["no proposal of trigger `heap` is pending"]),
    ("attest weather --store running.db --by ann", 1, &["nothing in phase `few` asks for `weather`"]),
    ("check-item bakcup --store running.db --by ann", 1, &["has no checklist item `bakcup`; it has backup"]),
    ("acknowledge morning --store running.db --by ann", 1, &["morning", "`rollgate status`"]),
    ("release --store running.db --by ann", 1, &["no flag is overridden"]),
    ("release OLD --store running.db --by ann", 1, &["`OLD` is not overridden"]),
    ("report-action backup --ok --store running.db --by ann", 1, &["backup"]),
    ("annotate slow --metric heep --store running.db --by ann", 1, &["heep", "heap"]),
    ("follow-up t --title T --owner ann --due soon --store running.db --by ann", 1, &["soon"]),
];

fn stage() -> Folder {
    let folder = Folder::new();
    folder.write(
        "other.yaml",
        &stage::PLAN.replace("name: canary", "name: other").replace("OLD: {}", "OTHER: {}"),
    );
    folder.write("broken.yaml", "version: 1\nname: broken\nflgs: { A: {} }\n");
    let running = trace(0, 41, 100);
    folder.store("running.db", &running);
    folder.store("fallen.db", &trace(0, 41, 20));
    let lines: Vec<&str> = running.lines().collect();
    folder.write("unordered.jsonl", &format!("{}\n{}\n", lines[9], lines[3]));
    let journal = folder.told(&["replay", "canary.yaml", "--trace", "trace.jsonl"]);
    folder.write(
        "broken.jsonl",
        &journal.replacen("\"kind\":\"phase_started\"", "\"kind\":\"phase_passed\"", 1),
    );
    let mut bytes = fs::read(folder.path("running.db")).unwrap();
    // One letter of the second record.
    let word = b"\"kind\":\"phase_started\"";
    let at = bytes.windows(word.len()).position(|window| window == word).unwrap();
    bytes[at + 8] = b'P';
    fs::write(folder.path("damaged.db"), &bytes).unwrap();
    let mut bytes = fs::read(folder.path("running.db")).unwrap();
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(folder.path("newer.db"), &bytes).unwrap();
    folder
}

/// Every store of the folder, and whether there are others.
fn files(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // What SQLite puts beside a file while it reads is no part of it.
        .filter(|name| !(name.ends_with("-shm") || name.ends_with("-wal") && is_empty(folder, name)))
        .map(|name| (name.clone(), fs::read(folder.0.join(&name)).unwrap_or_default()))
        .collect();
    files.sort();
    files
}

fn is_empty(folder: &Folder, name: &str) -> bool {
    fs::metadata(folder.0.join(name)).unwrap().len() == 0
}

/// Every row that does not do what it says.
fn wrong(folder: &Folder, rows: &[Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (line, code, words) in rows {
        let arguments: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let output = folder.run(&arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        let missing: Vec<&&str> = words.iter().filter(|words| !error.contains(**words)).collect();
        if output.status.code() != Some(*code) || !missing.is_empty() || !output.stdout.is_empty() {
            wrong.push(format!(
                "rollgate {line}\n  exits with {:?}, not {code}; without {missing:?}\n{}",
                output.status.code(),
                said(&output)
            ));
        }
    }
    wrong
}

#[test]
fn wrong_usage_and_wrong_stores_are_named_and_change_nothing() {
    let folder = stage();
    let before = files(&folder);
    let wrong = [wrong(&folder, USAGE), wrong(&folder, STORES)].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let after = files(&folder);
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after, "{} was changed, or {} was made", before.0, after.0);
    }
    assert_eq!(before.len(), after.len());
}

#[test]
fn what_the_rollout_refuses_says_why_and_is_journalled_with_who() {
    let folder = stage();
    let before = folder.told(&["flags", "--store", "running.db"]);
    let wrong = wrong(&folder, REFUSED);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(folder.told(&["flags", "--store", "running.db"]), before);
    let kinds = ["--kind", "command_refused", "--kind", "decision_refused", "--kind", "retry_refused"];
    let refused: usize = ["running.db", "fallen.db"]
        .iter()
        .map(|store| {
            let mut arguments = vec!["journal", "--format", "jsonl", "--store", store];
            arguments.extend(kinds);
            let text = folder.told(&arguments);
            assert!(
                text.lines().all(|line| line.contains("\"by\":\"ann\"") || line.contains("\"by\":\"zoe\"")),
                "{text}"
            );
            text.lines().count()
        })
        .sum();
    assert_eq!(refused, REFUSED.len());
}
