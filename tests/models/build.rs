//! Writes wrong versions of the snapshot cell, made of its own text, for the models to find.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // It stops a build loudly.

use std::path::Path;
use std::{env, fs};

const CELL: &str = "../crates/rollgate/src/cell.rs";

/// What stands there once, and what stands there instead.
type Change = (&'static str, &'static str);

const VERSION_AFTER_SWAP: Change = (
    "        self.version.store(snapshot.version, Ordering::Release);
        self.current.store(snapshot.clone());
",
    "        self.current.store(snapshot.clone());
        self.version.store(snapshot.version, Ordering::Release);
",
);

/// A reader that has the snapshot before its version stands there stores it by itself.
const LOAD_SAYS_THE_VERSION: Change = (
    "        self.current.load_full()
",
    "        let snapshot = self.current.load_full();
        if self.version.load(Ordering::Acquire) < snapshot.version {
            self.version.fetch_max(snapshot.version, Ordering::AcqRel);
        }
        snapshot
",
);

const PLANTED: [(&str, &[Change]); 7] = [
    ("version_after_swap", &[VERSION_AFTER_SWAP]),
    ("version_after_swap_but_load_says_it", &[VERSION_AFTER_SWAP, LOAD_SAYS_THE_VERSION]),
    ("copy_of_another_cell", &[("                && *id == self.id\n", "                && *id != 0\n")]),
    (
        "copy_of_any_version",
        &[(
            "                && snapshot.version >= version\n",
            "                && snapshot.version.saturating_add(1) >= version\n",
        )],
    ),
    (
        "stale_asked_before_the_lock",
        &[(
            "        let mut kept = self.kept.lock();
        if snapshot.version <= self.version.load(Ordering::Relaxed) {
            return Published::Stale;
        }
",
            "        if snapshot.version <= self.version.load(Ordering::Relaxed) {
            return Published::Stale;
        }
        let mut kept = self.kept.lock();
",
        )],
    ),
    (
        "told_behind_the_lock",
        &[("        also(&snapshot);\n", "        drop(kept);\n        also(&snapshot);\n")],
    ),
    (
        "told_before_the_swap",
        &[
            ("        also(&snapshot);\n", ""),
            (
                "        self.current.store(snapshot.clone());\n",
                "        also(&snapshot);\n        self.current.store(snapshot.clone());\n",
            ),
        ],
    ),
];

fn main() {
    println!("cargo::rerun-if-changed={CELL}");
    println!("cargo::rerun-if-changed=models/build.rs");
    let cell = fs::read_to_string(CELL).unwrap_or_else(|error| panic!("{CELL}: {error}"));
    // `include!` takes no inner docs.
    let cell: String = cell.split_inclusive('\n').filter(|line| !line.starts_with("//!")).collect();
    let folder = env::var_os("OUT_DIR").expect("cargo sets it");
    for (name, changes) in PLANTED {
        let mut text = cell.clone();
        for (right, wrong) in changes {
            assert_eq!(text.matches(right).count(), 1, "{name}: not once in {CELL}, plant it anew:\n{right}");
            text = text.replace(right, wrong);
        }
        fs::write(Path::new(&folder).join(format!("{name}.rs")), text).unwrap();
    }
}
