//! What the front page shows of other languages is what their tests run.

const README: &str = include_str!("../../README.md");

/// The first block of a language on a page, with its fences.
fn block(page: &'static str, language: &str) -> &'static str {
    let begin = page.find(&format!("```{language}\n")).unwrap();
    let end = page[begin + 3..].find("```\n").unwrap();
    &page[begin..begin + 3 + end + 4]
}

#[test]
fn the_lines_of_python_and_node_are_those_that_their_packages_run() {
    for (page, language) in [
        (include_str!("../../bindings/python/README.md"), "python"),
        (include_str!("../../bindings/node/README.md"), "js"),
    ] {
        assert!(
            README.contains(block(page, language)),
            "README.md does not show the first `{language}` block of its page"
        );
    }
}

#[test]
fn the_lines_of_c_are_those_of_its_example() {
    let shown = block(README, "c").trim_start_matches("```c\n").trim_end_matches("```\n");
    assert!(shown.lines().count() > 8);
    assert!(include_str!("../../examples/c/quickstart.c").contains(shown));
}
