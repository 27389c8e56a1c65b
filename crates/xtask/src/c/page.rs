//! The page of C, `bindings/c/README.md`: its lines as they stand there, built as it says, beside an installed prefix.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PAGE: &str = "bindings/c/README.md";
/// The line that the program is to come to, and what it says there.
const MARK: (&str, &str) = ("/* the new way */", "puts(\"the new way\");");

/// Builds the page's program by its line for the shell and by its lines for CMake, and runs it where there is a plan, where
/// the plan has the flag off, and where there is none.
pub(super) fn test(prefix: &Path, target: &str) -> Result<(), String> {
    let page = fs::read_to_string(PAGE).map_err(|error| format!("{PAGE}: {error}"))?;
    let folder = super::absolute(target)?.join("page");
    let _ = fs::remove_dir_all(&folder);
    let write = |name: &str, text: &str| super::write(&folder.join(name).display().to_string(), text);
    write("program.c", &program(&page)?)?;
    write("CMakeLists.txt", &cmake(&page)?)?;
    let line = block(&page, "```sh\ncc ").ok_or("it has no line for the shell that begins with `cc`")?;
    let mut shell = Command::new("sh");
    shell.args(["-ec", &format!("cc {line}")]).env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    output(shell.current_dir(&folder))?;
    let folder_text = folder.display().to_string();
    let prefix_option = format!("-DCMAKE_PREFIX_PATH={}", prefix.display());
    super::quiet("cmake", &["-S", &folder_text, "-B", &format!("{folder_text}/build"), &prefix_option])?;
    super::quiet("cmake", &["--build", &format!("{folder_text}/build")])?;
    for name in ["a.out", "build/program"] {
        for (share, said, is_refused) in
            [(Some("100%"), "the new way\n", false), (Some("0%"), "", false), (None, "", true)]
        {
            match share {
                Some(share) => write("plan.yaml", &plan(share))?,
                None => fs::remove_file(folder.join("plan.yaml")).map_err(|error| error.to_string())?,
            }
            let mut command = Command::new(folder.join(name));
            let output = output(command.current_dir(&folder).env("LD_LIBRARY_PATH", prefix.join("lib")))?;
            let (out, errors) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            // Why a plan cannot be opened names the plan.
            if out != said || errors.contains("plan.yaml") != is_refused || errors.is_empty() == is_refused {
                return Err(format!("{PAGE}: {name} at {share:?} says {out:?} and {errors:?}"));
            }
        }
    }
    println!("page: the lines of {PAGE} do what they say");
    Ok(())
}

fn plan(share: &str) -> String {
    format!("version: 1\nname: page\nflags:\n  NEW_SEARCH: {{ share: {share} }}\n")
}

/// What stands between a beginning and the end of its block.
fn block<'a>(page: &'a str, begin: &str) -> Option<&'a str> {
    page.split_once(begin)?.1.split_once("```\n").map(|(block, _)| block)
}

/// The page's lines as a program: what is included, and what is done, which says that it has come to its mark.
fn program(page: &str) -> Result<String, String> {
    let lines = block(page, "```c\n").ok_or("it has no lines of C")?;
    if lines.matches(MARK.0).count() != 1 {
        return Err(format!("{PAGE}: its lines of C have no `{}`", MARK.0));
    }
    let (included, done): (Vec<&str>, Vec<&str>) =
        lines.lines().partition(|line| line.starts_with("#include"));
    let done = done.join("\n").replace(MARK.0, MARK.1);
    Ok(format!("{}\nint main(void) {{\n{done}\nreturn 0;\n}}\n", included.join("\n")))
}

/// The page's lines for CMake, behind what every project begins with.
fn cmake(page: &str) -> Result<String, String> {
    let lines = block(page, "```cmake\n").ok_or("it has no lines for CMake")?;
    Ok(format!(
        "cmake_minimum_required(VERSION 3.16)\nproject(program C)\nadd_executable(program program.c)\n{lines}"
    ))
}

/// Runs a command that is to succeed.
fn output(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::*;

    #[test]
    fn lines_become_a_program_and_a_page_without_them_is_refused() {
        let page = "a\n```c\n#include <rollgate.h>\nif (on) {\n    /* the new way */\n}\n```\n```cmake\nfind_package(rollgate)\n```\n";
        let program = program(page).unwrap();
        assert!(
            program.starts_with("#include <rollgate.h>\nint main(void) {\nif (on) {\n    puts("),
            "{program}"
        );
        assert!(cmake(page).unwrap().ends_with("program.c)\nfind_package(rollgate)\n"));
        assert!(super::program("```c\nint x;\n```\n").is_err());
        assert!(super::program("").is_err() && cmake("").is_err());
    }
}
