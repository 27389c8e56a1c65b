//! Placeholders, constants of the plan, and e-mails to each of many people.

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::decide::Choice;
use rollgate::core::time::{Span, Timestamp};
use rollgate::notify::{Delivery, for_recipient};
use rollgate::read::Format;
use rollgate_tests::Record;
use std::sync::{Arc, Mutex};

use super::channels::problems;
use super::desk::{Desk, PLAN, Sinks};

const COMMUNICATION: &str = include_str!("../../../examples/plans/communication.yaml");

/// The announcement to users, as the sink of `email:users` gets it; and the engine that sent it.
fn announcement() -> (Delivery, Engine) {
    let clock = ManualClock::at(Timestamp::parse("2026-01-17T23:00:00Z").unwrap());
    let taken: Arc<Mutex<Vec<Delivery>>> = Arc::default();
    let mail = taken.clone();
    let engine = Engine::builder()
        .plan_text(COMMUNICATION, Format::Yaml)
        .unwrap()
        .clock(clock.clone())
        .on_notice_to("email:users", move |notice| {
            mail.lock().map_err(|_| "poisoned")?.push(notice.clone());
            Ok(())
        })
        .build()
        .unwrap();
    // 48 h before 2026-01-20: a week after the plan's date.
    for _ in 0..60 {
        clock.advance(Span::minutes(1));
        engine.tick();
    }
    let taken = taken.lock().unwrap();
    assert_eq!(taken.len(), 1);
    (taken[0].clone(), engine)
}

#[test]
fn r147_an_e_mail_to_users_has_a_subject_its_lines_and_each_users_name() {
    let (mail, _) = announcement();
    assert_eq!(mail.subject.as_ref().unwrap(), "Upcoming Memory System Upgrade");
    let ada = for_recipient(&mail, &[("name", "Ada"), ("city", "London")]).unwrap();
    let text = ada.message.as_str();
    assert!(text.starts_with("Hi Ada,\n\nWe're excited to announce"), "{text}");
    assert!(text.contains("\n- Week 2: 50% of users\n"), "{text}");
    assert!(text.ends_with("Thanks for your patience!\nThe Memory Team\n"), "{text}");
    assert!(!text.contains('{') && !text.contains('['), "{text}");
    let grace = for_recipient(&mail, &[("name", "{recipient.name} Grace")]).unwrap();
    assert!(
        grace.message.as_str().starts_with("Hi {recipient.name} Grace,"),
        "what is filled in is not read again"
    );
}

#[test]
fn r147_a_user_without_a_name_gets_no_letter_to_nobody() {
    let (mail, _) = announcement();
    let error = for_recipient(&mail, &[("mail", "a@example.org")]).unwrap_err().to_string();
    assert!(error.contains("{recipient.name}") && error.contains("mail"), "{error}");
}

#[test]
fn r147_the_journal_keeps_the_letter_and_nobodys_name() {
    let (_, engine) = announcement();
    let lines = engine.journal_after(0);
    let records: Vec<Record> = lines.iter().map(|line| Record::of(line)).collect();
    let mail = records.iter().find(|record| record.texts("channels") == ["email:users"]).unwrap();
    assert_eq!(
        (&mail.0["delivered"], mail.text("subject")),
        (&true.into(), "Upcoming Memory System Upgrade")
    );
    assert!(mail.text("message").starts_with("Hi {recipient.name},\n"));
    // The other channels of the announcement have no sink here.
    let others = records.iter().find(|record| record.texts("channels").len() == 4).unwrap();
    assert_eq!((&others.0["delivered"], others.text("error")), (&false.into(), "no sink for this channel"));
}

/// One notice; what is wrong with it.
#[track_caller]
fn refused(rest: &str, code: &str, path: &str, help: &str) {
    let found = problems(rest);
    let problem = found.iter().find(|problem| problem.code == code && problem.path == path);
    let Some(problem) = problem else { panic!("{rest}: {found:?}") };
    let said = problem.help.clone().unwrap_or_default();
    assert!(said.contains(help), "{rest}: {said}");
    assert!(problem.line > 0);
}

#[test]
fn r148_a_placeholder_that_nobody_fills_is_refused_with_those_that_are_filled() {
    let notice = |when: &str, text: &str| {
        format!(
            "values: {{ team: T }}\nnotices: [ {{ when: {when}, channels: [c], message: \"{text}\" }} ]\n"
        )
    };
    let message = "notices[0].message";
    for (when, text, help) in [
        ("completed", "{tittle}", "did you mean `{title}`?"),
        ("completed", "{version}", "there are {title}, {name}, {date}, {start}, {shares}, {status}, {team}"),
        ("completed", "{next.title}", "{title}"),
        ("completed", "{to}", "{title}"),
        ("phase_started", "{evidence}", "{phase.title}"),
        ("rolled_back", "{next.title}", "{to.title}"),
        ("completed", "{user}", "per_recipient: true"),
        ("completed", "{", "`{{`"),
        ("completed", "{}", "there are"),
        ("completed", "Hi [User]", "{recipient.name}"),
        ("completed", "[Team Name]", "{team}"),
        ("completed", "rolled back to [PHASE/VERSION]", "{to.title}"),
    ] {
        refused(&notice(when, text), "unknown-placeholder", message, help);
    }
    refused(&notice("completed", "{recipient.name}"), "no-recipient", message, "per_recipient: true");
    let shared = "channels: { c: { per_recipient: true }, d: {} }\nnotices: [ { when: completed, channels: [c, d], message: \"{recipient.name}\" } ]\n";
    refused(shared, "no-recipient", message, "give `d`");
    let subject = "notices: [ { when: completed, channels: [c], subject: \"{nobody}\", message: m } ]\n";
    refused(subject, "unknown-placeholder", "notices[0].subject", "there are");
    let lines = "notices: [ { when: completed, channels: [c], subject: \"a\\nBcc: b\", message: m } ]\n";
    refused(lines, "not-one-line", "notices[0].subject", "message");
    refused("values: { title: T }\n", "reserved-name", "values.title", "another name");
}

#[test]
fn r148_brackets_that_may_be_meant_are_warned_of_and_links_are_not() {
    let codes = |text: &str| {
        let rest = format!("notices: [ {{ when: completed, channels: [c], message: \"{text}\" }} ]\n");
        problems(&rest).iter().map(|problem| problem.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("Dear [Customer]"), ["placeholder-like"]);
    for text in ["see [Status page](https://x)", "[x] done", "a[0]", "[]", "{{title}} is written so", "}"] {
        assert_eq!(codes(text), [""; 0], "{text}");
    }
}

#[test]
fn what_was_passed_by_override_is_told_as_that_with_who_and_why() {
    use rollgate::core::limits::OVERRIDE_REASON_BYTES_MAX;
    use rollgate::core::report::Form;

    let mut desk = Desk::open();
    let notes = |desk: &Desk, form| -> Vec<String> {
        let notes = desk.engine.scorecard(form).notes;
        notes.into_iter().filter(|note| note.contains("override")).collect()
    };
    desk.engine.start("lead").unwrap();
    desk.go();
    desk.engine.tick();
    let passed = "mail: Phase 0: Preparation successful. Proceeding to Phase 1: 10%.";
    let said = desk.fresh().into_iter().find(|text| text.starts_with(passed)).unwrap();
    assert_eq!(said, format!("{passed}\nPassed by override of lead: as the test wants it"));
    // The next phase passes by its gates, and nothing is added.
    desk.heap(100.0);
    desk.coast(Span::minutes(61));
    let plain = "mail: Phase 1: 10% successful. Proceeding to Phase 2: 100%.";
    assert!(desk.fresh().iter().any(|text| text == plain));
    let first = "Phase 0: Preparation was passed by override of lead: as the test wants it";
    for (form, wanted) in [(Form::Phase, vec![first]), (Form::Weekly, vec![first]), (Form::Daily, vec![])] {
        assert_eq!(notes(&desk, form), wanted);
    }
    // The last phase that ends: the rollout is completed, and not by its gates. A long reason is told by its beginning.
    let why = "w".repeat(2 * OVERRIDE_REASON_BYTES_MAX);
    let choice = Choice::Go { override_reason: Some(why.clone()) };
    desk.engine.decide("lead", choice, "we go on").unwrap();
    desk.engine.tick();
    let short = &why[..OVERRIDE_REASON_BYTES_MAX];
    let wanted = format!("mail: The new search fully deployed.\nPassed by override of lead: {short}…");
    assert!(desk.fresh().contains(&wanted));
    assert_eq!(desk.records("decided").pop().unwrap().text("override"), why, "the journal has it whole");
    assert_eq!(notes(&desk, Form::Final).len(), 2);
    // Who enters a phase again has not passed it yet.
    desk.engine.stop("lead", "smoke").unwrap();
    desk.engine.retry("lead").unwrap();
    assert_eq!(notes(&desk, Form::Final), [first]);
}

#[test]
fn the_subject_of_what_was_passed_by_override_says_so_too() {
    let plan = PLAN.replace(
        "channels: [mail], message: \"{phase.title} successful.",
        "channels: [mail], subject: \"{phase.id} passed\", message: \"{phase.title} successful.",
    );
    assert_ne!(plan, PLAN);
    let desk = Desk::of(&plan, Sinks::One);
    desk.engine.start("lead").unwrap();
    desk.go();
    desk.engine.tick();
    let taken = desk.post.taken.lock().unwrap();
    let subjects: Vec<&str> =
        taken.iter().filter_map(|notice| notice.subject.as_ref()).map(|subject| subject.as_str()).collect();
    assert_eq!(subjects, ["prepare passed (by override)"]);
}
