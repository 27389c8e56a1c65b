//! What a changed operator or a missing line of `decide` would break and no story shows: the order and the number of
//! the effects of one input, what the state keeps for later, when a latch opens, and who acts in which role.
//!
//! These tests kill what random rollouts of the simulator left alive in `transition.rs`, `rollback.rs`, `evaluation.rs`
//! (`observe`, `reopen_latches`, `window_of`) and `decision.rs` (`roles_of`, `standing`); those in `mutants_decide.rs`,
//! what simulator and stories left alive in the rest of `decide`.
//!
//! How it was counted, at the commit before these tests: `cargo mutants --list` (27.1.0) gives 1001 changes of
//! `decide`. All that compile were put into one build, each switched on by itself at run time, with debug
//! assertions. Against each ran 100 seeds of the simulator (in the files that decide: `decision`, `operator`,
//! `docket`, `commands`, `calendar`, `actions`, `rollback`, `transition`, `evaluation`; of the others in `after`,
//! `agenda` and part of `announce`), then this suite, `mutants_decide.rs`, the unit tests of `decide` and the
//! engine's, up to the first failure. Not every slow test of the suite ran against those that are alive in the
//! other files.
//!
//! Of the 1001, 92 do not compile and 2 (the minute of `MORNING` in `announce.rs`) were not run. Of the 907 that
//! ran, 162 break a promise of the simulator, 653 fail a test, 3 never end, and 89 are alive:
//! - no change (1): a share of zero that counts as exposure in `change_shares` (`>` to `>=`). Before the first
//!   exposure every share is zero, so that the first that changes is above it;
//! - a verdict, the clock or a latch (8): `observe` 51:39, `reopen_latches` 143:33 and `window_of` (4) in
//!   `evaluation.rs`; `adopt_baselines` (2) in `names.rs`. The tests here and in `mutants_decide.rs` that came after the
//!   count kill them, each seen red with the change made by hand;
//! - a status (2): `>` at an action's timeout, in `failure` of `actions.rs`; `Run::is_late` has replaced it, where
//!   `r042_no_result_in_time_is_a_failure` kills it;
//! - what is said of the removal of a flag (9): how often the windows are asked (`is_removal_due`, 7, of which `<`
//!   to `>` may keep an old answer after an hour's absence), one evaluation later (`removal_lacks` 272:16), an
//!   attestation where nobody asks for it (`is_asked` 318:45), which no verdict reads;
//! - what is only told (69), no verdict, share, rollback or status: notices in `letter.rs` (16), `announce.rs`
//!   (13), `outbox.rs` (8) and `sample.rs` (1); reminders and daily scorecards in `schedule.rs` (9),
//!   `occurrence.rs` (6) and `agenda.rs` (2); projected ends in `timeline.rs` (7); follow-ups and words in
//!   `after.rs` (2), rows of ON beside OFF in `contrasts.rs` (3), a field in `record.rs` (1), the end of a long
//!   output in `actions.rs` (1).

use rollgate::core::decide::{
    Action, Choice, Command, Effect, Findings, Input, Latch, Passing, Proposal, RolloutState, Status,
    Transition, TriggerJudgement, TriggerRef, decide, observe,
};
use rollgate::core::id::{Key, PhaseId};
use rollgate::core::judge::Verdict;
use rollgate::core::snapshot::Ruleset;
use rollgate::core::time::{Now, Span};
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};
use rollgate_tests::{EM, PM, Scenario, memory_system};

/// The memory-system plan, decided on without an engine.
fn say(state: &mut RolloutState, by: &str, action: Action) -> Transition {
    let command = Command { by: Key::new(by), role: None, action };
    let now = Now::same(Scenario::START);
    let transition = decide(&memory_system(), state, &Findings::default(), Input::Command(&command), now);
    assert_eq!(transition.refused, None);
    *state = transition.state.clone();
    transition
}

fn started() -> RolloutState {
    let mut state = RolloutState::new(&memory_system(), Scenario::START);
    say(&mut state, "on_call", Action::Start);
    state
}

fn go() -> Action {
    let choice = Choice::Go { override_reason: Some("the test goes on".into()) };
    Action::Decide { choice, rationale: "as agreed".into() }
}

/// The effects in their order; neighbouring records count as one.
fn order(transition: &Transition) -> Vec<&'static str> {
    let mut order: Vec<&str> = transition
        .effects
        .iter()
        .map(|effect| match effect {
            Effect::Apply(_) => "apply",
            Effect::Record(_) => "record",
            Effect::Persist => "persist",
            Effect::ReadBack => "read back",
            Effect::Mark => "mark",
            Effect::CountRollback => "count rollback",
            Effect::ResetStreaks => "reset streaks",
        })
        .collect();
    order.dedup_by(|next, last| next == last && *next == "record");
    order
}

#[test]
fn a_raise_is_written_before_anything_of_it_happens_and_applied_once() {
    let mut state = started();
    say(&mut state, EM, go());
    let raise = say(&mut state, PM, go());
    assert_eq!(order(&raise), ["record", "persist", "mark", "reset streaks", "apply", "read back"]);
}

#[test]
fn a_rollback_is_applied_once_before_it_is_written_and_counted_once() {
    let mut state = started();
    for by in [EM, PM] {
        say(&mut state, by, go());
    }
    let choice = Choice::Rollback { to: Some(Key::new("zero")) };
    let back = say(&mut state, EM, Action::Decide { choice, rationale: "it is slow".into() });
    assert_eq!(
        order(&back),
        ["apply", "count rollback", "mark", "reset streaks", "record", "persist", "read back"]
    );
    // Zero shares alone would still show the flags to subjects that are listed by name.
    assert!(state.is_killed);
    assert_eq!(state.status, Status::RolledBack);
}

#[test]
fn a_record_without_a_change_of_shares_is_saved() {
    let mut state = started();
    let item = Key::new("runbooks_accurate");
    let said = say(&mut state, EM, Action::Attest { item, is_true: true, passed: None });
    assert_eq!(order(&said), ["record", "persist"]);
}

#[test]
fn an_exposure_is_remembered_also_where_every_flag_was_exposed_and_none_is_now() {
    let mut state = started();
    assert!(!state.has_been_exposed);
    let all = |share: f64| {
        let share = Share::from_fraction(share).unwrap();
        let flags = ["USE_ENHANCED_INJECTION", "USE_HIERARCHICAL_TIERS", "USE_CROSS_AGENT_SHARING"];
        let shares = flags.into_iter().map(|flag| (Key::new(flag), share)).collect();
        Action::Set { shares, reason: "a trial".into() }
    };
    say(&mut state, "on_call", all(0.05));
    assert!(state.has_been_exposed);
    say(&mut state, "on_call", all(0.0));
    assert!(state.has_been_exposed, "what comes now is no baseline");
}

/// Observed and unpaused time, in seconds.
fn clocks(state: &RolloutState) -> (u64, u64) {
    (state.watched.0 / 1_000, state.clock.0 / 1_000)
}

#[test]
fn what_commands_were_credited_in_a_gap_that_nobody_watched_is_taken_back() {
    let ruleset = memory_system();
    let at = |seconds: u64| Scenario::START + Span::seconds(seconds);
    // Paused, only the watched time is credited, and only that is taken back.
    for (is_paused, clock) in [(false, 50), (true, 10)] {
        let mut state = started();
        state.evaluated = None;
        assert_eq!(observe(&ruleset, &mut state, at(0), Passing::Evaluation), None);
        assert_eq!(observe(&ruleset, &mut state, at(10), Passing::Evaluation), None);
        if is_paused {
            state.status = Status::Paused;
        }
        assert_eq!(observe(&ruleset, &mut state, at(30), Passing::Command), None);
        assert_eq!(observe(&ruleset, &mut state, at(50), Passing::Command), None);
        assert_eq!(clocks(&state), (50, clock));
        // A command cannot know yet that the gap grows too long; the evaluation does.
        assert_eq!(observe(&ruleset, &mut state, at(600), Passing::Command), None);
        assert_eq!(clocks(&state), (50, clock));
        let gap = observe(&ruleset, &mut state, at(610), Passing::Evaluation);
        assert_eq!((gap, clocks(&state)), (Some((at(10), at(610))), (10, 10)));
        assert_eq!(observe(&ruleset, &mut state, at(620), Passing::Evaluation), None);
        assert_eq!(clocks(&state), (20, if is_paused { 10 } else { 20 }));
    }
}

/// Triggers of every kind of window, and two roles: one that is anybody's, one that has people.
const WINDOWS: &str = "
version: 1
name: windows
flags: { A: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down }, errors: { kind: ratio, good: down } }
roles: { lead: {}, ops: { members: [Olga] }, cto: {} }
phases:
  - id: all
    duration: 7d
    steps: [ { set: { A: 50% } } ]
    gates: { time: { phase_for: 1h } }
    decision: { roles: [lead, ops], optional_roles: [cto] }
    triggers:
      level: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } }
      measured: { when: { metric: errors, over: 10m, above: 5%, for: 1h }, rollback: { to: zero } }
      counted: { when: { alerts: critical, within: 2h, at_least: 3 }, rollback: { to: zero } }
      open: { when: { alerts: critical, open_for: 3h }, rollback: { to: zero } }
      loud: { when: { not: { alerts: critical, quiet_for: 4h } }, rollback: { to: zero } }
      rising: { when: { not: { metric: heap, trend: not_rising, over: 6h, tolerance: 5% } }, rollback: { to: zero } }
      both: { when: { any: [ { alerts: critical, within: 2h, at_least: 3 }, { metric: errors, over: 10m, above: 5% } ] }, rollback: { to: zero } }
";

fn windows() -> Ruleset {
    ruleset(WINDOWS, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}")).ruleset
}

/// The keys of the triggers that are still latched so long after a rollback, where these are found to be clear.
fn latched(ruleset: &Ruleset, clear: &[&str], after: Span) -> Vec<String> {
    let triggers = &ruleset.plan.as_ref().unwrap().phases[0].triggers;
    let refer = |index: usize| TriggerRef { phase: PhaseId(0), index: index as u16 };
    let fired = Scenario::START;
    let mut state = RolloutState::new(ruleset, fired);
    let latch = |index| Latch { trigger: refer(index), fired, is_closed: true, settle: None };
    (state.status, state.phase, state.rollback_from) = (Status::RolledBack, Some(PhaseId(0)), Some(fired));
    state.latches = (0..triggers.len()).map(latch).collect();
    let judged = (0..triggers.len()).map(|index| {
        let is_clear = clear.contains(&triggers[index].key.as_str());
        TriggerJudgement { trigger: refer(index), verdict: Verdict::Fail, is_clear, finding: None }
    });
    let findings = Findings { triggers: judged.collect(), ..Findings::default() };
    let after = decide(ruleset, &state, &findings, Input::Evaluation, Now::same(fired + after));
    let keys =
        after.state.latches.iter().map(|latch| triggers[usize::from(latch.trigger.index)].key.to_string());
    keys.collect()
}

#[test]
fn a_latch_opens_after_the_longest_window_of_its_own_condition_and_no_sooner() {
    let ruleset = windows();
    let triggers = &ruleset.plan.as_ref().unwrap().phases[0].triggers;
    let all: Vec<String> = triggers.iter().map(|trigger| trigger.key.to_string()).collect();
    for (key, window) in [
        ("level", Span::ZERO),
        ("measured", Span::minutes(10)),
        ("counted", Span::hours(2)),
        ("open", Span::hours(3)),
        ("loud", Span::hours(4)),
        ("rising", Span::hours(6)),
        ("both", Span::hours(2)),
    ] {
        if window > Span::ZERO {
            assert_eq!(latched(&ruleset, &[key], window - Span(1)), all, "{key} before {window}");
        }
        // Its own latch, and no other.
        let rest: Vec<&String> = all.iter().filter(|other| *other != key).collect();
        assert_eq!(latched(&ruleset, &[key], window).iter().collect::<Vec<_>>(), rest, "{key} at {window}");
        assert_eq!(latched(&ruleset, &[], Span::days(30)), all, "not clear, not open");
    }
}

#[test]
fn a_person_acts_in_the_roles_that_list_them_and_a_role_without_people_is_whoever_says_so() {
    let ruleset = windows();
    let awaiting = || {
        let mut state = RolloutState::new(&ruleset, Scenario::START);
        (state.status, state.phase, state.step) = (Status::AwaitingDecision, Some(PhaseId(0)), 1);
        state
    };
    let role_of = |by: &str, role: Option<&str>| {
        let choice = Choice::Go { override_reason: Some("a test".into()) };
        let action = Action::Decide { choice, rationale: "as agreed".into() };
        let command = Command { by: Key::new(by), role: role.map(Key::new), action };
        let (state, findings) = (awaiting(), Findings::default());
        let after = decide(&ruleset, &state, &findings, Input::Command(&command), Now::same(Scenario::START));
        let vote = after.state.votes.first().map(|vote| ruleset.roles[vote.role.index()].key.to_string());
        assert_eq!(vote.is_some(), after.refused.is_none(), "{by} {role:?}: {:?}", after.refused);
        vote.ok_or(after.refused.unwrap_or_default())
    };
    for (by, role, acts_as) in [
        ("lead", None, "lead"),
        ("lead", Some("lead"), "lead"),
        ("Ada", Some("lead"), "lead"),
        ("Olga", None, "ops"),
        ("Olga", Some("ops"), "ops"),
        ("Olga", Some("lead"), "lead"),
        ("cto", None, "cto"),
        ("Carl", Some("cto"), "cto"),
    ] {
        assert_eq!(role_of(by, role).as_deref(), Ok(acts_as), "{by} as {role:?}");
    }
    for (by, role, why) in [
        ("Ada", None, "no vote"),
        ("ops", None, "no vote"),
        ("ops", Some("ops"), "not listed as ops"),
        ("Ada", Some("ops"), "not listed as ops"),
        ("Ada", Some("king"), "no role `king`"),
    ] {
        let refused = role_of(by, role).unwrap_err();
        assert!(refused.contains(why), "{by} as {role:?}: {refused}");
    }
}

/// A phase that nobody decides on, with a trigger that asks.
const NOBODY: &str = "
version: 1
name: nobody
flags: { A: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: all
    duration: 7d
    steps: [ { set: { A: 50% } } ]
    gates: { time: { phase_for: 1h } }
    triggers:
      asks: { mode: manual, when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } }
      falls: { when: { metric: heap, stat: last, above: 2GB }, rollback: { to: zero } }
";

/// One command to that phase, at 50 % and with its trigger's proposal pending.
fn to_nobody(by: &str, action: Action, prepare: impl FnOnce(&mut RolloutState)) -> Transition {
    let ruleset = ruleset(NOBODY, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}")).ruleset;
    let half = vec![Share::from_ppm(500_000).unwrap()];
    let mut state = RolloutState::new(&ruleset, Scenario::START);
    (state.status, state.phase, state.step) = (Status::Running, Some(PhaseId(0)), 1);
    (state.shares, state.planned) = (half.clone(), half);
    let trigger = TriggerRef { phase: PhaseId(0), index: 0 };
    state.proposals = vec![Proposal { trigger, clear_since: None }];
    prepare(&mut state);
    let command = Command { by: Key::new(by), role: None, action };
    decide(&ruleset, &state, &Findings::default(), Input::Command(&command), Now::same(Scenario::START))
}

#[test]
fn where_a_trigger_names_nobody_anybody_with_a_name_may_approve_its_rollback() {
    let approve = || Action::Approve { proposal: Key::new("asks"), rationale: "it is real".into() };
    let done = to_nobody("somebody", approve(), |_| {});
    assert_eq!((done.refused, done.state.status), (None, Status::RolledBack));
    assert_eq!(done.state.shares, [Share::ZERO]);
    let refused = to_nobody(" ", approve(), |_| {});
    assert!(refused.refused.is_some_and(|why| why.contains("needs the name")));
    assert_eq!(refused.state.status, Status::Running);
}

#[test]
fn the_very_share_that_a_flag_has_may_be_set_whatever_it_is_and_is_held_from_then_on() {
    let half = Share::from_ppm(500_000).unwrap();
    let same = || Action::Set { shares: vec![(Key::new("A"), half)], reason: String::new() };
    for done in [
        to_nobody("ann", same(), |state| state.status = Status::RolledBack),
        to_nobody("ann", same(), |state| state.planned = vec![Share::ZERO]),
    ] {
        assert_eq!((done.refused, done.state.shares), (None, vec![half]));
        assert_eq!(done.state.overrides, [Some(half)]);
    }
}
