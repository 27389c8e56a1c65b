//! Flags at the end of their lives: final ones, and those that may be taken out of the code.

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, Choice, Status};
use rollgate::core::evaluate::Context;
use rollgate::core::id::Key;
use rollgate::core::report::Form;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::{Format, ruleset};
use rollgate_tests::{EM, PM, Scenario};

/// The plan of the house with more at its end.
pub(crate) fn with_end(end: &str) -> Scenario {
    Scenario::of_text(&format!("{}\n{end}", include_str!("../../examples/plans/memory-system.yaml")))
}

pub(crate) fn overridden() -> Choice {
    Choice::Go { override_reason: Some("the test begins here".into()) }
}

/// All flags at 100 %, in the open phase.
pub(crate) fn at_the_end(s: &mut Scenario) {
    s.start();
    while s.phase() != "stabilization" {
        if s.phase() == "hundred_percent" {
            s.advance(Span::minutes(61));
        }
        for by in [EM, PM] {
            s.decide(by, overridden(), "as agreed").unwrap();
        }
    }
    // Not by asking the flags: who asks is what some of these tests are about.
    assert_eq!((s.status(), s.shares()), (Status::Running, vec![100.0; 3]));
    s.look_away();
}

fn removable(s: &Scenario) -> Vec<String> {
    s.engine.status().removable.iter().map(ToString::to_string).collect()
}

pub(crate) const ALL: [&str; 3] =
    ["USE_ENHANCED_INJECTION", "USE_HIERARCHICAL_TIERS", "USE_CROSS_AGENT_SHARING"];

// ---- final flags

const FINAL: &str = "
version: 1
name: two-flags
flags:
  OLD: { final: true }
  NEW: { bucketing: { salt: OLD }, within: OLD, share_of: total }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: half
    duration: 1h
    steps: [ { set: { NEW: 50% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
";

#[test]
fn r025_a_final_flag_is_a_constant_that_nothing_turns_off() {
    let clock = ManualClock::at(Timestamp(0));
    let builder = Engine::builder().plan_text(FINAL, Format::Yaml).unwrap();
    let engine = builder.clock(clock.clone()).build().unwrap();
    let is_on = |engine: &Engine, user: &str| {
        let answers = [
            engine.is_on("OLD", user),
            engine.flag("OLD").is_on(user),
            engine.snapshot().is_on("OLD", user),
            engine.evaluate("OLD", &Context::empty()).is_on(),
        ];
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        answers[0]
    };
    assert!(is_on(&engine, "user-1"), "before the start");
    assert_eq!(engine.shares()[0].1.to_string(), "100%");
    // It is not exposure of the plan's: nothing has been rolled out.
    assert_eq!(engine.status().status, Status::Pending);
    engine.start("on_call").unwrap();
    // A flag within it sees everybody.
    let on = (0..2_000).filter(|user| engine.is_on("NEW", &format!("user-{user}"))).count();
    assert!((880..1_120).contains(&on), "{on}");
    engine.metric("heap").unwrap().record(2_000.0);
    assert_eq!(engine.status().status, Status::RolledBack);
    assert!(is_on(&engine, "user-1") && !engine.is_on("NEW", "user-1"));
    engine.stop("on_call", "for the night").unwrap();
    assert!(is_on(&engine, "user-1"));
    let zero = rollgate::core::units::Share::ZERO;
    let error = engine.set_shares("on_call", &[("OLD", zero)], "off").unwrap_err().to_string();
    assert!(error.contains("`OLD` is final"), "{error}");
    let answer = engine.evaluate("OLD", &Context::new("user-1"));
    assert_eq!((answer.share.to_string().as_str(), answer.reason.name()), ("100%", "STATIC"));
}

#[test]
fn r025_who_still_asks_for_a_final_flag_is_told() {
    let builder = Engine::builder().plan_text(FINAL, Format::Yaml).unwrap();
    let engine = builder.clock(ManualClock::at(Timestamp(0))).build().unwrap();
    let lingering = || engine.status().lingering.iter().map(ToString::to_string).collect::<Vec<String>>();
    engine.start("on_call").unwrap();
    engine.is_on("NEW", "user-1");
    assert!(lingering().is_empty(), "the engine's own probes are no call sites");
    let handle = engine.flag("OLD");
    assert!(lingering().is_empty(), "a handle that nobody reads asks nothing");
    handle.is_on("user-1");
    assert_eq!(lingering(), ["OLD"]);
    let removal = engine.removals().remove(0);
    assert!(removal.is_final && removal.is_lingering && removal.lacks.is_empty());
}

#[test]
fn r025_a_plan_that_sets_a_final_flag_does_not_compile() {
    for (wrong, place) in [
        (FINAL.replace("set: { NEW: 50% }", "set: { NEW: 50%, OLD: 100% }"), "steps[0].set.OLD"),
        (FINAL.replace("{ final: true }", "{ final: true, enabled: false }"), "flags.OLD.enabled"),
        (FINAL.replace("{ to: zero }", "{ set: { OLD: 0% } }"), "rollback.set.OLD"),
    ] {
        let problems = ruleset(&wrong, Format::Yaml).unwrap_err().to_string();
        assert!(problems.contains("final") && problems.contains(place), "{problems}");
    }
}

// ---- removable flags

#[test]
fn r156_a_flag_may_go_after_two_quiet_weeks_and_its_approval() {
    let mut s = Scenario::open();
    at_the_end(&mut s);
    let first = |s: &Scenario| s.engine.removals().remove(0);
    assert!(first(&s).lacks.join("; ").contains("14d at 100%"), "{:?}", first(&s));
    s.attest(EM, "remove_legacy_consensus");
    s.coast(Span::days(14) + Span::hours(2));
    assert!(removable(&s).is_empty());
    assert_eq!(first(&s).lacks, ["the decision that ends the last phase"]);
    s.go(EM).unwrap();
    assert_eq!(s.status(), Status::Completed);
    s.look_away();
    s.coast(Span::hours(1));
    let records = s.expect(&["removable"]);
    assert_eq!(records[0].texts("flags"), ALL);
    assert_eq!(removable(&s), ALL);
    let notes = s.engine.scorecard(Form::Final).notes;
    assert!(notes.contains(&format!("May be taken out of the code: {}.", ALL.join(", "))), "{notes:?}");
    // Whoever asks for it is a call site to find.
    assert!(s.engine.status().lingering.is_empty());
    s.engine.metric("request_latency").unwrap().record_for("user-1", 200.0);
    assert!(s.engine.status().lingering.is_empty(), "a sample is no call site");
    s.engine.is_on(ALL[1], "user-1");
    let lingering: Vec<String> = s.engine.status().lingering.iter().map(ToString::to_string).collect();
    assert_eq!(lingering, [ALL[1]]);
}

const REMOVAL: &str = "removal: { stable_for: 3d, quiet: [critical_incidents], requires: [team_agrees], approve_by: [engineering_manager, cto] }\n";

#[test]
fn r156_the_consensus_and_every_approval_are_asked_for() {
    let mut s = with_end(REMOVAL);
    at_the_end(&mut s);
    s.coast(Span::days(3) + Span::hours(2));
    let lacks = |s: &Scenario| s.engine.removals()[0].lacks.clone();
    let approval = |role: &str| format!("the approval of {role}: attest `removal`");
    assert_eq!(lacks(&s), ["team_agrees".to_owned(), approval("engineering_manager"), approval("cto")]);
    s.attest("on_call", "team_agrees");
    s.attest(EM, "removal");
    assert_eq!(lacks(&s), [approval("cto")]);
    s.look_away();
    s.attest("cto", "removal");
    s.coast(Span::hours(1));
    let kinds: Vec<String> = s.fresh().iter().map(|record| record.kind().to_owned()).collect();
    assert_eq!(kinds, ["attested", "removable"]);
    // An objection stands, and what was removable is not any more.
    let no = Action::Attest { item: Key::new("team_agrees"), is_true: false, passed: None };
    s.say(PM, no).unwrap();
    s.advance(Span::seconds(10));
    let records = s.expect(&["attested", "removable"]);
    assert!(records[1].texts("flags").is_empty());
    assert_eq!(lacks(&s), ["team_agrees: product_manager objects"]);
}

#[test]
fn r156_who_agreed_before_100_percent_is_asked_again_and_who_objected_can_take_it_back() {
    let mut s = with_end(REMOVAL);
    s.start();
    for by in [EM, PM] {
        s.decide(by, overridden(), "as agreed").unwrap();
    }
    assert_eq!(s.phase(), "ten_percent");
    s.attest(EM, "team_agrees");
    s.attest(EM, "removal");
    s.attest("cto", "removal");
    let says = |s: &mut Scenario, is_true: bool| {
        let action = Action::Attest { item: Key::new("team_agrees"), is_true, passed: None };
        s.say(PM, action).unwrap();
    };
    says(&mut s, false);
    while s.phase() != "stabilization" {
        if s.phase() == "hundred_percent" {
            s.advance(Span::minutes(61));
        }
        for by in [EM, PM] {
            s.decide(by, overridden(), "as agreed").unwrap();
        }
    }
    s.coast(Span::days(3) + Span::hours(2));
    let lacks = |s: &Scenario| s.engine.removals()[0].lacks.clone();
    let approval = |role: &str| format!("the approval of {role}: attest `removal`");
    // At 10 % nobody could approve what 100 % would show; the objection stands.
    let objection = "team_agrees: product_manager objects".to_owned();
    assert_eq!(lacks(&s), [objection.clone(), approval("engineering_manager"), approval("cto")]);
    for (by, item) in [(EM, "removal"), ("cto", "removal"), (EM, "team_agrees")] {
        s.attest(by, item);
    }
    assert_eq!(lacks(&s), [objection]);
    says(&mut s, true);
    assert!(lacks(&s).is_empty(), "{:?}", lacks(&s));
    s.coast(Span::hours(1));
    assert_eq!(removable(&s), ALL);
    // To withdraw one's own statement leaves that of the others.
    says(&mut s, false);
    assert!(lacks(&s).is_empty(), "{:?}", lacks(&s));
}

#[test]
fn r156_an_incident_or_a_critical_alert_begins_the_wait_anew() {
    let mut s = with_end(REMOVAL);
    at_the_end(&mut s);
    s.attest(PM, "team_agrees");
    s.attest(EM, "removal");
    s.attest("cto", "removal");
    s.coast(Span::days(2));
    s.count("critical_incidents", 1);
    s.coast(Span::days(1) + Span::hours(2));
    assert!(removable(&s).is_empty());
    let why = s.engine.removals()[0].lacks.join("; ");
    assert!(why.contains("critical_incidents") && why.contains("is 1"), "{why}");
    s.brief_alert("a1");
    s.coast(Span::days(2) + Span::hours(1));
    let why = s.engine.removals()[0].lacks.join("; ");
    assert!(why.contains("alert") && !why.contains("critical_incidents"), "{why}");
    s.coast(Span::days(1));
    assert_eq!(removable(&s), ALL);
}

#[test]
fn r156_a_lowered_flag_begins_anew_and_the_others_do_not() {
    let mut s = with_end(REMOVAL);
    at_the_end(&mut s);
    s.attest(PM, "team_agrees");
    s.attest(EM, "removal");
    s.attest("cto", "removal");
    s.coast(Span::days(2));
    s.set(&[(ALL[2], 50.0)], "it costs too much").unwrap();
    s.engine.release("on_call", &[ALL[2]]).unwrap();
    s.assert_shares([100.0; 3]);
    s.coast(Span::days(1) + Span::hours(2));
    assert_eq!(removable(&s), ALL[..2]);
    s.coast(Span::days(2) + Span::hours(1));
    assert_eq!(removable(&s), ALL);
}

#[test]
fn an_unwatched_fortnight_makes_no_flag_removable() {
    let mut s = with_end(REMOVAL);
    at_the_end(&mut s);
    s.attest(PM, "team_agrees");
    s.attest(EM, "removal");
    s.attest("cto", "removal");
    s.pass(Span::days(20));
    s.coast(Span::hours(3));
    assert!(removable(&s).is_empty());
    assert!(s.engine.removals()[0].lacks.join("; ").contains("it has been watched for"));
}
