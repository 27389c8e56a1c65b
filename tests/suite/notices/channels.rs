//! The table of channels, and the whole communication plan of the document.

use rollgate::core::compile::{Level, Problem};
use rollgate::core::snapshot::Frequency;
use rollgate::read::{Format, ruleset};

const COMMUNICATION: &str = include_str!("../../../examples/plans/communication.yaml");
const FLAGS: &str = "version: 1\nname: n\ndate: 2026-01-20\nflags: { A: {} }\nphases: [ { id: p, duration: 1d, gates: { g: { phase_for: 1d } } } ]\n";

pub(super) fn problems(rest: &str) -> Vec<Problem> {
    match ruleset(&format!("{FLAGS}{rest}"), Format::Yaml) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems.0,
    }
}

#[test]
fn r143_a_message_has_its_audience_channels_time_and_template() {
    let compiled = ruleset(COMMUNICATION, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = compiled.ruleset.plan.unwrap();
    let rows: Vec<(&str, &str, usize)> = plan
        .notices
        .iter()
        .map(|notice| (notice.when.name(), notice.audience.as_str(), notice.channels.len()))
        .collect();
    // The six of section 7.1, those that 7.2's channels ask for, and the two e-mails of 7.3.
    assert_eq!(
        rows,
        [
            ("before_start", "all stakeholders", 4),
            ("phase_started", "internal teams", 2),
            ("phase_passed", "all stakeholders", 3),
            ("completed", "all stakeholders and users", 5),
            ("rolled_back", "all stakeholders", 5),
            ("proposal", "on call", 1),
            ("rollback_ineffective", "on call", 1),
            ("awaiting_decision", "deciders", 1),
            ("daily", "engineering", 2),
            ("weekly", "leadership", 1),
            ("before_start", "users", 1),
            ("completed", "users", 1),
        ]
    );
    assert!(plan.notices[4].is_urgent);
    assert_eq!(plan.notices[2].message.written, "{phase.title} successful. Proceeding to {next.title}.");
}

#[test]
fn r146_the_channels_of_the_document_have_their_purposes_and_frequencies() {
    let plan = ruleset(COMMUNICATION, Format::Yaml).unwrap().ruleset.plan.unwrap();
    let row = |key: &str| {
        let channel = plan.channels.iter().find(|channel| channel.key == *key).unwrap();
        (channel.purpose.as_str(), channel.frequency.unwrap())
    };
    assert_eq!(row("slack:#oncall"), ("Real-time incident updates", Frequency::Continuous));
    assert_eq!(row("slack:#engineering"), ("Engineering team updates", Frequency::Daily));
    assert_eq!(row("slack:#product"), ("Product team updates", Frequency::Transitions));
    assert_eq!(row("email"), ("Major milestones (all hands)", Frequency::Transitions));
    assert_eq!(row("status_page"), ("External communication (if public)", Frequency::Incidents));
    assert_eq!(row("standup"), ("Daily sync", Frequency::Daily));
    assert_eq!(row("leadership"), ("Executive updates", Frequency::Weekly));
}

/// Section 7.1 sends the announcement and the success to the status page; 7.2 keeps it for incidents.
#[test]
fn r146_what_does_not_fit_a_channels_frequency_is_warned_of() {
    let warnings = ruleset(COMMUNICATION, Format::Yaml).unwrap().warnings;
    let found: Vec<(&str, &str, &str)> = warnings
        .iter()
        .filter(|problem| problem.code == "channel-frequency")
        .map(|problem| (problem.code, problem.path.as_str(), problem.message.as_str()))
        .collect();
    let text = |when: &str| {
        format!("`{when}` does not fit channel `status_page`, which hears of the rollout at incidents only")
    };
    assert_eq!(
        found,
        [
            ("channel-frequency", "notices[0].channels", text("before_start").as_str()),
            ("channel-frequency", "notices[3].channels", text("completed").as_str()),
        ]
    );
    let fits = |frequency: &str, notice: &str| {
        let rest = format!(
            "channels: {{ c: {{ frequency: {frequency} }} }}\nnotices: [ {{ {notice}, channels: [c], message: m }} ]\n"
        );
        problems(&rest).iter().all(|problem| problem.code != "channel-frequency")
    };
    for (notice, fitting) in [
        ("when: { before_start: 2d }", "continuous daily transitions"),
        ("when: phase_passed", "continuous daily transitions"),
        ("when: awaiting_decision", "continuous daily transitions"),
        ("when: rolled_back", "continuous daily transitions incidents"),
        ("when: proposal", "continuous daily transitions incidents"),
        ("when: stopped", "continuous daily transitions incidents"),
        ("when: daily", "continuous daily"),
        ("when: weekly", "continuous daily weekly"),
        ("when: reminder", "continuous"),
        ("urgent: true, when: reminder", "continuous daily transitions incidents"),
    ] {
        for frequency in ["continuous", "daily", "transitions", "weekly", "incidents"] {
            assert_eq!(fits(frequency, notice), fitting.contains(frequency), "{notice} on {frequency}");
        }
    }
}

#[test]
fn r146_a_channel_that_the_table_does_not_have_is_refused_with_the_nearest() {
    let found = problems(
        "channels: { email: {}, slack: {} }\nnotices: [ { when: completed, channels: [emial], message: m } ]\n",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].code, found[0].path.as_str()), ("unknown-channel", "notices[0].channels[0]"));
    assert_eq!((found[0].level, found[0].line), (Level::Error, 7));
    assert_eq!(found[0].help.as_deref(), Some("did you mean `email`?"));
    // Without the table every name is the host's own affair.
    assert!(problems("notices: [ { when: completed, channels: [emial], message: m } ]\n").is_empty());
}

#[test]
fn r149_the_same_message_twice_for_one_channel_is_refused() {
    let found = problems(
        "notices:\n  - { when: completed, channels: [a, b], message: m }\n  - { when: completed, channels: [b, c], message: m }\n",
    );
    assert_eq!((found[0].code, found[0].path.as_str()), ("duplicate-notice", "notices[1]"));
    // A channel that is named twice in one notice hears it once.
    let text = format!("{FLAGS}notices: [ {{ when: completed, channels: [a, a], message: m }} ]\n");
    let plan = ruleset(&text, Format::Yaml).unwrap().ruleset.plan.unwrap();
    assert_eq!(plan.notices[0].channels.len(), 1);
}
