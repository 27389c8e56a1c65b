//! C: `cargo xtask install`, `cargo xtask abi`, the vectors and the bench.
//!
//! `abi` is what `cargo xtask test` runs for C: it installs the library into `target/c/prefix` and builds everything
//! against that, so that what is tested is what a program gets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{book, cargo, header, run as shown};

mod page;

/// Where the tests of C build.
const TARGET: &str = "target/c";
const PREFIX: &str = "target/c/prefix";
const VERSION: &str = env!("CARGO_PKG_VERSION");
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"];
/// Random call sequences of every run of the tests.
const CALLS: &str = "20000";

/// How the library is built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    Debug,
    Release,
}

/// `cargo xtask install --prefix DIR [--release|--debug]`.
pub(super) fn install(arguments: &[String]) -> Result<(), String> {
    let usage = || "install takes `--prefix DIR`, and `--release` (the default) or `--debug`".to_owned();
    let (mut prefix, mut profile) = (None, Profile::Release);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--prefix" => prefix = Some(rest.next().ok_or_else(usage)?),
            "--release" => profile = Profile::Release,
            "--debug" => profile = Profile::Debug,
            _ => return Err(usage()),
        }
    }
    install_into(Path::new(prefix.ok_or_else(usage)?), profile)
}

/// `cargo xtask abi [--asan | --valgrind] [--calls N] [--seed S]`.
pub(super) fn abi(arguments: &[String]) -> Result<(), String> {
    let usage = || "abi takes `--asan` or `--valgrind`, `--calls N`, `--seed S`; or nothing".to_owned();
    let (mut tool, mut calls, mut seed) = (None, "100000".to_owned(), "1".to_owned());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--asan" | "--valgrind" => tool = Some(argument.as_str()),
            "--calls" => calls = rest.next().ok_or_else(usage)?.clone(),
            "--seed" => seed = rest.next().ok_or_else(usage)?.clone(),
            _ => return Err(usage()),
        }
    }
    match tool {
        Some("--asan") => asan(&seed, &calls),
        Some(_) => valgrind(&seed, &calls),
        None if arguments.is_empty() => test(),
        None => Err(usage()),
    }
}

/// Everything that is tested of C.
fn test() -> Result<(), String> {
    install_into(Path::new(PREFIX), Profile::Debug)?;
    errors()?;
    let plain = |name: &str| format!("{TARGET}/{name}");
    compile("gcc", &["-std=c11"], "tests/abi/abi.c", &plain("abi"))?;
    shown(&plain("abi"), &[])?;
    compile("g++", &["-std=c++17", "-x", "c++"], "tests/abi/abi.c", &plain("abi-c++"))?;
    shown(&plain("abi-c++"), &[])?;
    vectors("tests/spec/bucketing.json")?;
    compile("gcc", &["-std=c11"], "tests/abi/book.c", &plain("book"))?;
    shown(&plain("book"), &[&book::write(&plain("evaluations"))?])?;
    compile("gcc", &["-std=c11"], "tests/abi/doors.c", &plain("doors"))?;
    shown(&plain("doors"), &["tests/spec/doors"])?;
    stored(&plain("store"))?;
    fuzz("gcc")?;
    shown(&plain("fuzz"), &["1", CALLS, "4"])?;
    examples()?;
    page::test(&absolute(PREFIX)?, TARGET)?;
    panics()
}

/// Stores: in a folder of the test's own, which is empty before it.
fn stored(program: &str) -> Result<(), String> {
    compile("gcc", &["-std=c11"], "tests/abi/store.c", program)?;
    let folder = format!("{program}-files");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{folder}: {error}"))?;
    shown(program, &[&folder])?;
    fs::remove_dir_all(&folder).map_err(|error| format!("{folder}: {error}"))
}

/// `C: N of M` for a file of vectors; an error where one does not hold.
pub(super) fn vectors(file: &str) -> Result<(), String> {
    let program = format!("{TARGET}/vectors");
    if !Path::new(PREFIX).join("lib").is_dir() {
        install_into(Path::new(PREFIX), Profile::Debug)?;
    }
    compile("gcc", &["-std=c11", "-O2"], "tests/abi/vectors.c", &program)?;
    let table = format!("{TARGET}/vectors.tsv");
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    write(&table, &table_of(&text).map_err(|why| format!("{file}: {why}"))?)?;
    shown(&program, &[&table])
}

/// Builds the library as it is shipped, and the runner of the bench: the program and the library that it takes.
pub(super) fn bench() -> Result<(String, String), String> {
    let prefix = format!("{TARGET}/release");
    install_into(Path::new(&prefix), Profile::Release)?;
    let program = format!("{TARGET}/bench");
    let include = format!("-I{prefix}/include");
    // `-rdynamic`: its counting allocator stands before that of the library too.
    let arguments =
        ["-std=gnu11", "-O2", &include, "-rdynamic", "benches/bindings/c/bench.c", "-o", &program, "-ldl"];
    shown("gcc", &arguments)?;
    Ok((program, format!("{prefix}/lib/librollgate.so")))
}

/// A book of vectors as lines that C reads without a parser: texts in hexadecimal, fields between tabs.
fn table_of(json: &str) -> Result<String, String> {
    let book: serde_json::Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let vectors = book["vectors"].as_array().ok_or("it has no list `vectors`")?;
    let mut table = String::new();
    for (place, vector) in vectors.iter().enumerate() {
        let text = |name: &str| vector[name].as_str().map(hex);
        let number = |name: &str| vector[name].as_u64();
        let fields =
            (text("salt"), text("key"), number("share_ppm"), number("bucket"), number("variant_bucket"));
        let (Some(salt), Some(key), Some(share), Some(bucket), Some(variant)) = fields else {
            return Err(format!("vector {place} lacks a field"));
        };
        let on = vector["on"].as_bool().ok_or_else(|| format!("vector {place} lacks `on`"))?;
        table += &format!("{salt}\t{key}\t{share}\t{bucket}\t{variant}\t{}\n", u8::from(on));
    }
    Ok(table)
}

pub(super) fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// `errors.h`: the frozen numbers as the compiler checks them, and as a table for the program to ask.
fn errors() -> Result<(), String> {
    let book =
        fs::read_to_string("tests/spec/errors.toml").map_err(|error| format!("errors.toml: {error}"))?;
    write(&format!("{TARGET}/check/errors.h"), &errors_of(&book))
}

fn errors_of(book: &str) -> String {
    let fields = |name: &'static str| {
        book.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(" = "))
    };
    let errors: Vec<(&str, &str)> =
        fields("number").zip(fields("name").map(|name| name.trim_matches('"'))).collect();
    let mut text =
        "// Made from tests/spec/errors.toml.\n#ifdef __cplusplus\n#define SAME static_assert\n#else\n\
                    #define SAME _Static_assert\n#endif\n"
            .to_owned();
    for (number, name) in &errors {
        text += &format!("SAME({number} == ROLLGATE_STATUS_{}, \"{name}\");\n", screaming(name));
    }
    text +=
        "static const struct {\n    uint32_t number;\n    const char *name;\n} errors_of_the_book[] = {\n";
    errors.iter().for_each(|(number, name)| text += &format!("    {{{number}, \"{name}\"}},\n"));
    text + "};\n"
}

/// `InvalidHandle` as `INVALID_HANDLE`.
fn screaming(name: &str) -> String {
    let letter = |(place, letter): (usize, char)| {
        let gap = if place > 0 && letter.is_uppercase() { "_" } else { "" };
        format!("{gap}{}", letter.to_ascii_uppercase())
    };
    name.chars().enumerate().map(letter).collect()
}

/// Builds a program of the tests against the installed library, as pkg-config says.
fn compile(compiler: &str, options: &[&str], source: &str, program: &str) -> Result<(), String> {
    let flags = pkg_config(&["--cflags", "--libs", "rollgate"])?;
    let (check, rpath) =
        (format!("-I{TARGET}/check"), format!("-Wl,-rpath,{}", absolute(PREFIX)?.join("lib").display()));
    let mut all: Vec<&str> = options.to_vec();
    all.extend(WARNINGS);
    all.extend(["-Itests/abi", &check, source, "-o", program]);
    all.extend(flags.iter().map(String::as_str));
    all.extend([rpath.as_str(), "-pthread"]);
    shown(compiler, &all)
}

fn fuzz(compiler: &str) -> Result<(), String> {
    compile(compiler, &["-std=c11", "-g", "-O1"], "tests/abi/fuzz.c", &format!("{TARGET}/fuzz"))
}

fn pkg_config(arguments: &[&str]) -> Result<Vec<String>, String> {
    let mut command = Command::new("pkg-config");
    command.args(arguments).env("PKG_CONFIG_PATH", absolute(PREFIX)?.join("lib/pkgconfig"));
    let output = command.output().map_err(|error| format!("pkg-config: {error}"))?;
    if !output.status.success() {
        return Err(format!("pkg-config: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect())
}

/// The examples, as somebody builds them who has the prefix and not the repository: with make and gcc, with make and g++,
/// and with CMake.
fn examples() -> Result<(), String> {
    let path = absolute(PREFIX)?;
    let pkg_config = format!("PKG_CONFIG_PATH={}", path.join("lib/pkgconfig").display());
    for (name, options) in [
        ("make", &["CC=gcc", "CFLAGS=-std=c11 -O2 -Wall -Wextra -Werror"][..]),
        ("make-c++", &["CC=g++", "CFLAGS=-std=c++17 -x c++ -O2 -Wall -Wextra -Werror"][..]),
    ] {
        let folder = format!("{TARGET}/examples-{name}");
        copy_examples(&folder)?;
        let mut command = Command::new("make");
        command.args(["-s", "-C", &folder]).args(options_of_make(options)?);
        command.env("PKG_CONFIG_PATH", path.join("lib/pkgconfig"));
        eprintln!("$ {pkg_config} {command:?}");
        let status = command.status().map_err(|error| format!("make: {error}"))?;
        if !status.success() {
            return Err(format!("make in {folder}: {status}"));
        }
        run_examples(&folder, &["quickstart", "batch"])?;
    }
    let folder = format!("{TARGET}/examples-cmake");
    copy_examples(&folder)?;
    let build = format!("{folder}/build");
    let prefix = format!("-DCMAKE_PREFIX_PATH={}", path.display());
    quiet("cmake", &["-S", &folder, "-B", &build, &prefix])?;
    quiet("cmake", &["--build", &build])?;
    run_examples(&build, &["quickstart", "quickstart_static", "batch", "batch_static"])
}

/// CFLAGS of a command line take the place of all that the Makefile adds, so they carry pkg-config's too.
fn options_of_make(options: &[&str]) -> Result<Vec<String>, String> {
    let cflags = pkg_config(&["--cflags", "rollgate"])?.join(" ");
    let add = |option: &&str| match option.starts_with("CFLAGS=") {
        true => format!("{option} {cflags}"),
        false => (*option).to_owned(),
    };
    Ok(options.iter().map(add).collect())
}

fn copy_examples(folder: &str) -> Result<(), String> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{folder}: {error}"))?;
    for name in ["quickstart.c", "batch.c", "Makefile", "CMakeLists.txt"] {
        let to = Path::new(folder).join(name);
        fs::copy(Path::new("examples/c").join(name), to)
            .map_err(|error| format!("examples/c/{name}: {error}"))?;
    }
    Ok(())
}

fn run_examples(folder: &str, programs: &[&str]) -> Result<(), String> {
    programs.iter().try_for_each(|program| shown(&format!("{folder}/{program}"), &[]))
}

/// A panic in every export that the header declares; in a library that is built for it, and lies elsewhere.
fn panics() -> Result<(), String> {
    shown(&cargo(), &["build", "--quiet", "--package", "rollgate-ffi", "--features", "inject-panic"])?;
    let folder = absolute(TARGET)?.join("inject");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    copy(&built(Profile::Debug, "librollgate_ffi.so"), &folder.join("librollgate.so.0"))?;
    let (program, library) =
        (format!("{TARGET}/panic"), folder.join("librollgate.so.0").display().to_string());
    let rpath = format!("-Wl,-rpath,{}", folder.display());
    let mut all =
        vec!["-std=c11", "-Itests/abi", "-Ibindings/c/include", "tests/abi/panic.c", "-o", &program];
    all.extend(WARNINGS);
    all.extend([library.as_str(), rpath.as_str(), "-pthread"]);
    shown("gcc", &all)?;
    eprintln!("$ {program}");
    let output = Command::new(&program).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().filter(|line| line.contains("tests/abi/")).collect();
        return Err(format!("{program}: {}\n{}", output.status, said.join("\n")));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let tried: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("panicked: ")).collect();
    let declared =
        fs::read_to_string(header::HEADER).map_err(|error| format!("{}: {error}", header::HEADER))?;
    let declared = header::exports(&declared);
    let missing: Vec<&&str> = declared.iter().filter(|name| !tried.contains(name)).collect();
    if !missing.is_empty() || tried.len() != declared.len() {
        return Err(format!("tests/abi/panic.c does not try {missing:?}"));
    }
    println!("panic: {} exports, all return PANIC or their default", tried.len());
    Ok(())
}

/// The random calls with library and program under AddressSanitizer, which tells of leaks too.
fn asan(seed: &str, calls: &str) -> Result<(), String> {
    const BUILD: &str = "x86_64-unknown-linux-gnu";
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "build", "--package", "rollgate-ffi", "--target", BUILD]);
    command.args(["--target-dir", "target/asan"]).env("RUSTFLAGS", "-Zsanitizer=address");
    command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
    eprintln!("$ RUSTFLAGS=-Zsanitizer=address {command:?}");
    let status = command.status().map_err(|error| format!("rustup: {error}"))?;
    if !status.success() {
        return Err(format!("the nightly build: {status}; it needs `rustup toolchain install nightly`"));
    }
    let (program, library) =
        (format!("{TARGET}/fuzz-asan"), format!("target/asan/{BUILD}/debug/librollgate_ffi.a"));
    fs::create_dir_all(TARGET).map_err(|error| format!("{TARGET}: {error}"))?;
    let mut all = vec!["-std=c11", "-g", "-O1", "-fsanitize=address", "-fno-omit-frame-pointer"];
    all.extend(WARNINGS);
    all.extend(["-Itests/abi", "-Ibindings/c/include", "tests/abi/fuzz.c", &library, "-o", &program]);
    all.extend(["-pthread", "-ldl", "-lm"]);
    shown(asan_compiler(), &all)?;
    shown(&program, &[seed, calls, "4"])
}

/// Clang's run-time is the one that nightly's instrumentation was made for; gcc's serves it too.
fn asan_compiler() -> &'static str {
    let found = Command::new("clang").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) { "clang" } else { "gcc" }
}

fn valgrind(seed: &str, calls: &str) -> Result<(), String> {
    install_into(Path::new(PREFIX), Profile::Debug)?;
    fuzz("gcc")?;
    let options = ["--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite,possible"];
    let program = format!("{TARGET}/fuzz");
    let mut all: Vec<&str> = options.to_vec();
    all.extend(["--errors-for-leak-kinds=definite,possible", "--fair-sched=yes", &program, seed, calls, "4"]);
    shown("valgrind", &all)
}

/// Builds the library and lays it out as a prefix is.
fn install_into(prefix: &Path, profile: Profile) -> Result<(), String> {
    let mut arguments = vec!["build", "--quiet", "--package", "rollgate-ffi"];
    if profile == Profile::Release {
        arguments.push("--release");
    }
    shown(&cargo(), &arguments)?;
    let lib = prefix.join("lib");
    for folder in [prefix.join("include"), lib.join("pkgconfig"), lib.join("cmake/rollgate")] {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    copy(Path::new(header::HEADER), &prefix.join("include/rollgate.h"))?;
    copy(&built(profile, "librollgate_ffi.a"), &lib.join("librollgate.a"))?;
    let file = format!("librollgate.so.{VERSION}");
    copy(&built(profile, "librollgate_ffi.so"), &lib.join(&file))?;
    link(&file, &lib.join("librollgate.so.0"))?;
    link("librollgate.so.0", &lib.join("librollgate.so"))?;
    fill("bindings/c/rollgate.pc.in", &lib.join("pkgconfig/rollgate.pc"))?;
    copy(
        Path::new("bindings/c/cmake/rollgate-config.cmake"),
        &lib.join("cmake/rollgate/rollgate-config.cmake"),
    )?;
    let version = "bindings/c/cmake/rollgate-config-version.cmake.in";
    fill(version, &lib.join("cmake/rollgate/rollgate-config-version.cmake"))?;
    eprintln!("installed rollgate {VERSION} into {}", prefix.display());
    Ok(())
}

fn built(profile: Profile, name: &str) -> PathBuf {
    let folder = if profile == Profile::Release { "release" } else { "debug" };
    Path::new("target").join(folder).join(name)
}

/// Copies beside and moves into place: a program that runs keeps the file that it has mapped.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let beside = to.with_extension("new");
    let copied = fs::copy(from, &beside).and_then(|_| fs::rename(&beside, to));
    copied.map_err(|error| format!("{} to {}: {error}", from.display(), to.display()))
}

fn link(to: &str, at: &Path) -> Result<(), String> {
    let _ = fs::remove_file(at);
    #[cfg(unix)]
    return std::os::unix::fs::symlink(to, at).map_err(|error| format!("{}: {error}", at.display()));
    #[cfg(not(unix))]
    return Err(format!("{to}: no links on this system"));
}

/// A template with the version filled in.
fn fill(template: &str, to: &Path) -> Result<(), String> {
    let text = fs::read_to_string(template).map_err(|error| format!("{template}: {error}"))?;
    let mut numbers = VERSION.split('.');
    let (major, minor) = (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0"));
    let text = text.replace("@VERSION@", VERSION).replace("@MAJOR@", major).replace("@MINOR@", minor);
    write(&to.display().to_string(), &text)
}

fn write(path: &str, text: &str) -> Result<(), String> {
    let made = Path::new(path).parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|error| format!("{path}: {error}"))
}

fn absolute(path: &str) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{path}: {error}"))
}

fn quiet(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{program} {}: {}\n{said}{errors}", arguments.join(" "), output.status))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::*;

    #[test]
    fn vectors_become_lines_and_what_lacks_a_field_is_refused() {
        let json = r#"{"vectors":[{"salt":"é","key":"a\tb","share_ppm":1,"bucket":2,"variant_bucket":3,"on":true}]}"#;
        assert_eq!(table_of(json).unwrap(), "c3a9\t610962\t1\t2\t3\t1\n");
        assert!(table_of(r#"{"vectors":[{"salt":"s"}]}"#).unwrap_err().contains("vector 0"));
        assert!(table_of("{}").is_err());
    }

    #[test]
    fn the_frozen_numbers_become_assertions() {
        let text = errors_of("number = 103\nname = \"InvalidHandle\"\ntext = \"t\"\n");
        assert!(text.contains("SAME(103 == ROLLGATE_STATUS_INVALID_HANDLE, \"InvalidHandle\");"), "{text}");
        assert!(text.contains("{103, \"InvalidHandle\"},"), "{text}");
    }
}
