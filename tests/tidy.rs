//! The order of the house: what lies where, who may import whom, how long a file may be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of core; each may import only those before it.
const CORE: [&str; 15] = [
    "error", "limits", "units", "time", "id", "config", "bucket", "snapshot", "compile", "evaluate",
    "metrics", "judge", "decide", "report", "lib",
];

/// The crates, and which of the workspace's own each may depend on.
const CRATES: [(&str, &[&str]); 9] = [
    ("crates/rollgate-core", &[]),
    ("crates/rollgate", &["rollgate-core"]),
    ("crates/rollgate-cli", &["rollgate"]),
    ("crates/rollgate-ffi", &["rollgate"]),
    ("crates/rollgate-py", &["rollgate"]),
    ("crates/xtask", &["rollgate", "rollgate-core"]),
    ("tests", &["rollgate"]),
    ("benches", &["rollgate"]),
    ("examples", &["rollgate"]),
];

/// All that core may depend on: nothing here opens a file, a socket or a thread.
/// The hashes of others are behind a feature.
const CORE_DEPENDENCIES: [&str; 11] = [
    "hash32",
    "histogram",
    "jiff",
    "libm",
    "murmur3",
    "regex-automata",
    "schemars",
    "serde",
    "sha1",
    "thiserror",
    "xxhash-rust",
];

/// What lies at the top, besides what tools need in hidden files.
const TOP: [&str; 14] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "benches",
    "bindings",
    "cbindgen.toml",
    "crates",
    "deny.toml",
    "examples",
    "schema",
    "target",
    "tests",
];

const LINES_MAX: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a folder, sorted.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    open.push(path);
                }
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn all_sources() -> Vec<PathBuf> {
    let root = root();
    ["crates", "tests", "benches", "examples", "bindings"]
        .iter()
        .map(|folder| root.join(folder))
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| sources(&folder))
        .collect()
}

/// The code of a file without its comments: what stands in docs imports nothing.
fn code(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Names of core's modules behind each `crate::`, in braces too.
fn imports(source: &str) -> BTreeSet<String> {
    let code = code(source);
    let mut found = BTreeSet::new();
    let word = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let mut depth = 0_i32;
                let mut is_new = true;
                for (index, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => is_new = true,
                        _ if is_new && !c.is_whitespace() => {
                            found.insert(word(&list[index..]));
                            is_new = false;
                        }
                        _ => {}
                    }
                }
            }
            None => {
                found.insert(word(rest));
            }
        }
    }
    found
}

/// The dependencies that a manifest names in its `[dependencies]`.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut is_inside = false;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = line == "[dependencies]";
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            found.push(line.split(['=', '.', ' ']).next().unwrap_or_default().to_owned());
        }
    }
    found
}

#[test]
fn the_top_level_holds_what_the_house_lists() {
    let mut unlisted = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !TOP.contains(&name.as_str()) {
            unlisted.push(name);
        }
    }
    assert!(unlisted.is_empty(), "not listed for the top level: {unlisted:?}");
    for name in TOP.iter().filter(|name| **name != "target") {
        assert!(root().join(name).exists(), "the top level has no {name}");
    }
}

#[test]
fn imports_run_to_the_left_only() {
    let core = root().join("crates/rollgate-core/src");
    let place = |module: &str| CORE.iter().position(|listed| *listed == module);
    let mut wrong = Vec::new();
    for path in sources(&core) {
        let inside = path.strip_prefix(&core).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs").to_owned();
        let Some(own) = place(&module) else {
            wrong.push(format!("{}: module `{module}` is not in the list", inside.display()));
            continue;
        };
        for import in imports(&text(&path)) {
            match place(&import) {
                Some(other) if other <= own => {}
                Some(_) => wrong.push(format!("{}: `{module}` imports `{import}`", inside.display())),
                None => wrong.push(format!("{}: `crate::{import}` is no module", inside.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "imports to the right:\n{}", wrong.join("\n"));
}

#[test]
fn imports_are_found_in_every_form() {
    let source = "use crate::judge::Finding;\nuse crate::{id::{Key, PhaseId}, decide, time::Span};\n// crate::report\n\
                  fn f() { crate::bucket::seed() }";
    let found: Vec<String> = imports(source).into_iter().collect();
    assert_eq!(found, ["bucket", "decide", "id", "judge", "time"]);
}

#[test]
fn crates_depend_downwards_only() {
    let own: Vec<String> = CRATES
        .iter()
        .map(|(folder, _)| folder.trim_start_matches("crates/").to_owned())
        .chain(["rollgate-admin"].map(str::to_owned))
        .collect();
    for (folder, allowed) in CRATES {
        let found = dependencies(&text(&root().join(folder).join("Cargo.toml")));
        for dependency in found.iter().filter(|name| own.contains(name)) {
            assert!(allowed.contains(&dependency.as_str()), "{folder} depends on {dependency}");
        }
        if folder == "crates/rollgate-core" {
            for dependency in &found {
                assert!(
                    CORE_DEPENDENCIES.contains(&dependency.as_str()),
                    "core's list is short and stays so; it has no {dependency}"
                );
            }
        }
    }
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = format!("crates/{}", entry.unwrap().file_name().to_string_lossy());
        assert!(CRATES.iter().any(|(folder, _)| *folder == name), "{name} is not in this test's list");
    }
}

#[test]
fn every_file_opens_with_what_it_is_for_and_stays_short() {
    let mut wrong = Vec::new();
    for path in all_sources() {
        let source = text(&path);
        if !source.starts_with("//! ") {
            wrong.push(format!("{}: does not open with `//! `", path.display()));
        }
        let lines = source.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{}: {lines} lines, at most {LINES_MAX}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `lib.rs` and `mod.rs` are tables of contents: no function, type or implementation.
#[test]
fn front_pages_hold_no_code() {
    let mut wrong = Vec::new();
    for path in all_sources() {
        let name = path.file_name().unwrap();
        let is_front = name == "mod.rs" || (name == "lib.rs" && path.parent().unwrap().ends_with("src"));
        if !is_front {
            continue;
        }
        for (index, line) in code(&text(&path)).lines().enumerate() {
            let is_item = ["fn ", "struct ", "enum ", "impl ", "trait ", "impl<", "const ", "static "]
                .iter()
                .any(|word| line.trim_start().trim_start_matches("pub ").starts_with(word));
            if is_item {
                wrong.push(format!("{}:{}: {}", path.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "code on a front page:\n{}", wrong.join("\n"));
}

/// Unsafe code belongs to the C ABI. Python's door may hold one module of it, which reads the memory of arrays; there
/// the rest denies it.
#[test]
fn no_crate_but_the_doors_may_be_unsafe() {
    for (folder, _) in CRATES.iter().filter(|(folder, _)| *folder != "crates/rollgate-ffi") {
        let word = if *folder == "crates/rollgate-py" { "deny" } else { "forbid" };
        let lint = format!("#![{word}(unsafe_code)]");
        for name in ["src/lib.rs", "src/main.rs", "lib.rs"] {
            let path = root().join(folder).join(name);
            if path.is_file() {
                assert!(text(&path).contains(&lint), "{} does not say {lint}", path.display());
            }
        }
    }
}

/// Tests step a manual clock; one that sleeps is slow on a good day and wrong on a bad one.
#[test]
fn no_test_sleeps() {
    let call = concat!("sleep", "(");
    for path in all_sources().into_iter().filter(|path| !path.ends_with("tidy.rs")) {
        assert!(!code(&text(&path)).contains(call), "{} sleeps", path.display());
    }
}
