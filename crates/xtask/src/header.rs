//! `cargo xtask header [--check]`: `bindings/c/include/rollgate.h`, from the sources of the C ABI.

use std::fs;
use std::path::Path;
#[cfg(test)]
use std::path::PathBuf;

/// Where the C ABI is written.
const SOURCES: &str = "crates/rollgate-ffi/src/c";
/// Where its header lies.
pub(super) const HEADER: &str = "bindings/c/include/rollgate.h";

/// The files whose items the header has, in its order: the other files of the folder are what they stand on.
const FILES: [&str; 11] = [
    "error",
    "handle",
    "engine",
    "flag",
    "evaluation",
    "metric",
    "alerts",
    "commands",
    "reports",
    "events",
    "bucket",
];

/// Writes the header, or checks that it is current.
pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    let text = generate(Path::new(crate::ROOT))?;
    match arguments {
        [] => fs::write(HEADER, text).map_err(|error| format!("{HEADER}: {error}")),
        [check] if check == "--check" => {
            let current = fs::read_to_string(HEADER).map_err(|error| format!("{HEADER}: {error}"))?;
            if current == text {
                Ok(())
            } else {
                Err(format!("{HEADER} is not current; run `cargo xtask header`"))
            }
        }
        _ => Err("header takes nothing, or `--check`".to_owned()),
    }
}

/// The header's text.
fn generate(root: &Path) -> Result<String, String> {
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let paths = FILES.map(|name| root.join(SOURCES).join(name).with_extension("rs"));
    let builder =
        paths.iter().fold(cbindgen::Builder::new().with_config(config), cbindgen::Builder::with_src);
    let bindings = builder.generate().map_err(|error| format!("cbindgen: {error}"))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map_err(|error| format!("cbindgen: {error}"))
}

/// The functions that a header declares, in its order.
pub(super) fn exports(header: &str) -> Vec<&str> {
    let names = header.lines().filter(|line| !line.starts_with("//") && !line.starts_with("typedef"));
    let names = names.filter_map(|line| {
        let (before, _) = line.split_once('(')?;
        let name = before.rsplit([' ', '*']).next()?;
        name.starts_with("rollgate_").then_some(name)
    });
    names.collect()
}

/// Every Rust file of the C ABI.
#[cfg(test)]
fn sources() -> Vec<PathBuf> {
    let folder = Path::new(crate::ROOT).join(SOURCES);
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::*;

    #[test]
    fn the_committed_header_is_current() {
        let root = Path::new(crate::ROOT);
        let committed = fs::read_to_string(root.join(HEADER)).unwrap();
        assert!(committed == generate(root).unwrap(), "run `cargo xtask header`");
    }

    #[test]
    fn the_header_declares_every_export_and_says_what_it_needs() {
        let header = fs::read_to_string(Path::new(crate::ROOT).join(HEADER)).unwrap();
        let declared = exports(&header);
        let mut exported = Vec::new();
        for path in sources() {
            let source = fs::read_to_string(&path).unwrap();
            for (at, _) in source.match_indices("\npub unsafe extern \"C\" fn ") {
                let rest = &source[at + "\npub unsafe extern \"C\" fn ".len()..];
                let name = rest.split('(').next().unwrap().to_owned();
                let docs: Vec<&str> = source[..at]
                    .lines()
                    .rev()
                    .take_while(|line| line.starts_with("///") || line.starts_with("#["))
                    .collect();
                assert!(docs.contains(&"/// # Safety"), "{name} says nothing of safety");
                assert!(docs.iter().any(|line| line.contains("Threads: ")), "{name} says nothing of threads");
                assert!(declared.contains(&name.as_str()), "{name} is not in the header");
                let guard = format!("(\"{name}\", ");
                assert!(source.contains(&guard), "{name} has no guard of its name");
                exported.push(name);
            }
        }
        assert_eq!(exported.len(), declared.len(), "{declared:?}");
        for chapter in ["// Thread Safety\n", "// Ownership\n", "// Buffers\n"] {
            assert!(header.contains(chapter), "no chapter {chapter:?}");
        }
    }
}
