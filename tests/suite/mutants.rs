//! What a changed operator or a missing line of `decide` would break and no story shows: the order and the number of
//! the effects of one input, and two facts that the state keeps for later.
//!
//! These tests kill what random rollouts of the simulator left alive in `transition.rs` and `rollback.rs`; those in
//! `mutants_decide.rs`, what simulator and stories left alive in the rest of `decide`.
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
//!   `evaluation.rs`; `adopt_baselines` (2) in `names.rs`, what a captured baseline is under an edited plan;
//! - a status (2): `>` at an action's timeout, in `failure` of `actions.rs`;
//! - what is said of the removal of a flag (9): how often the windows are asked (`is_removal_due`, 7, of which `<`
//!   to `>` may keep an old answer after an hour's absence), one evaluation later (`removal_lacks` 272:16), an
//!   attestation where nobody asks for it (`is_asked` 318:45), which no verdict reads;
//! - what is only told (69), no verdict, share, rollback or status: notices in `letter.rs` (16), `announce.rs`
//!   (13), `outbox.rs` (8) and `sample.rs` (1); reminders and daily scorecards in `schedule.rs` (9),
//!   `occurrence.rs` (6) and `agenda.rs` (2); projected ends in `timeline.rs` (7); follow-ups and words in
//!   `after.rs` (2), rows of ON beside OFF in `contrasts.rs` (3), a field in `record.rs` (1), the end of a long
//!   output in `actions.rs` (1).

use rollgate::core::decide::{
    Action, Choice, Command, Effect, Findings, Input, RolloutState, Status, Transition, decide,
};
use rollgate::core::id::Key;
use rollgate::core::time::Now;
use rollgate::core::units::Share;
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
