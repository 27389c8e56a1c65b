//! Deciding on arbitrary findings: what must hold whatever a judge says and whatever people ask.
//!
//! The verdicts are random, and so reach what real traffic seldom does. Beside the real state runs a naive model that
//! counts watched time, steps, votes and attestations by itself, as a person with a notebook would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rollgate::core::decide::{
    self, Action, Body, CauseKind, Choice, Command, Docket, Effect, Findings, GateFindings, Input, Passing,
    RolloutState, Status, Transition, TriggerJudgement, TriggerRef,
};
use rollgate::core::id::Key;
use rollgate::core::judge::{Cause, Finding, SetVerdict, Verdict};
use rollgate::core::snapshot::{Contingency, FlagState, Phase, Ruleset};
use rollgate::core::time::{Now, Span, Timestamp};
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};

const PLAN: &str = include_str!("../../../examples/plans/memory-system.yaml");
const START: Timestamp = Timestamp(1_768_212_000_000);

fn plan() -> Arc<Ruleset> {
    Arc::new(ruleset(PLAN, Format::Yaml).unwrap().ruleset)
}

/// What happens next.
#[derive(Clone, Debug)]
enum Move {
    /// Evaluations, each so many milliseconds after the one before, with this seed of verdicts.
    Evaluate { times: u32, gap_ms: u64, seed: u64 },
    /// A command, so many milliseconds later.
    Ask { after_ms: u64, command: Command, gates: SetVerdict },
}

const PEOPLE: [&str; 4] = ["engineering_manager", "product_manager", "on_call", "stranger"];

fn proposal() -> impl Strategy<Value = &'static str> {
    // `pending` stands for whatever is pending when it is asked.
    prop_oneof![3 => Just("pending"), 1 => Just("latency_degraded"), 1 => Just("cache_cold")]
}

fn action() -> impl Strategy<Value = Action> {
    let item = prop_oneof![Just("root_cause"), Just("fix_validated"), Just("postmortem"), Just("nonsense")];
    let go = Choice::Go { override_reason: None };
    let forced = Choice::Go { override_reason: Some("the boss wants it".into()) };
    let decide = |choice: Choice| {
        move |why: &'static str| Action::Decide { choice: choice.clone(), rationale: why.into() }
    };
    let why = || prop_oneof![9 => Just("looks good"), 1 => Just(" ")];
    let back = prop_oneof![Just(None), Just(Some("zero")), Just(Some("partial")), Just(Some("ten_percent"))];
    let set =
        (0_u32..=100, prop_oneof![Just(""), Just("by hand")]).prop_map(|(percent, reason)| Action::Set {
            shares: vec![(Key::new("USE_ENHANCED_INJECTION"), Share::from_ppm(percent * 10_000).unwrap())],
            reason: reason.into(),
        });
    prop_oneof![
        3 => Just(Action::Start),
        8 => why().prop_map(decide(go)),
        3 => why().prop_map(decide(forced)),
        9 => why().prop_map(decide(Choice::NoGo)),
        2 => back.prop_map(|to| Action::Decide {
            choice: Choice::Rollback { to: to.map(Key::new) }, rationale: "not well".into() }),
        6 => item.prop_map(|item| Action::Attest { item: Key::new(item), is_true: true, passed: None }),
        6 => Just(Action::Retry),
        1 => Just(Action::Stop { reason: "fire".into() }),
        3 => Just(Action::Pause { reason: "lunch".into() }),
        4 => Just(Action::Resume { reason: "back".into() }),
        5 => set,
        4 => Just(Action::Release { flags: Vec::new() }),
        4 => proposal().prop_map(|key| Action::Approve { proposal: Key::new(key), rationale: "yes".into() }),
        4 => proposal().prop_map(|key| Action::Dismiss { proposal: Key::new(key), reason: "no".into() }),
    ]
}

fn step() -> impl Strategy<Value = Move> {
    let verdict = prop_oneof![
        3 => Just(SetVerdict::Passed),
        1 => Just(SetVerdict::Failed),
        1 => Just(SetVerdict::Inconclusive),
    ];
    prop_oneof![
        3 => (1_u32..30, prop_oneof![5 => Just(10_000_u64), 1 => 10_000_u64..200_000], any::<u64>())
            .prop_map(|(times, gap_ms, seed)| Move::Evaluate { times, gap_ms, seed }),
        // Days go by in full watch, so that phases come to their end.
        2 => (5_000_u32..21_000, Just(60_000_u64), any::<u64>())
            .prop_map(|(times, gap_ms, seed)| Move::Evaluate { times, gap_ms, seed }),
        6 => (0_u64..9_000, prop::sample::select(&PEOPLE[..]), action(), verdict)
            .prop_map(|(after_ms, by, action, gates)| {
                Move::Ask { after_ms, command: Command { by: Key::new(by), role: None, action }, gates }
            }),
    ]
}

/// What people do after a rollback: wait, sign what is required (or most of it), and retry.
fn recovery() -> impl Strategy<Value = Vec<Move>> {
    let wait = prop_oneof![Just(1_u32), Just(2_000), 9_000_u32..11_000];
    (wait, any::<u64>(), prop::sample::subsequence(vec!["root_cause", "fix_validated", "postmortem"], 2..=3))
        .prop_map(|(times, seed, items)| {
            let ask = |action| Move::Ask {
                after_ms: 10,
                command: Command { by: Key::new("on_call"), role: None, action },
                gates: SetVerdict::Passed,
            };
            let mut moves = vec![Move::Evaluate { times, gap_ms: 60_000, seed }];
            moves.extend(
                items
                    .iter()
                    .map(|item| ask(Action::Attest { item: Key::new(*item), is_true: true, passed: None })),
            );
            moves.push(ask(Action::Retry));
            moves
        })
}

fn moves(most: usize) -> impl Strategy<Value = Vec<Move>> {
    let some = prop_oneof![6 => step().prop_map(|one| vec![one]), 1 => recovery()];
    prop::collection::vec(some, 1..most).prop_map(|moves| moves.concat())
}

/// SplitMix64: a verdict for everybody, the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

fn finding(key: &Key, verdict: Verdict) -> Finding {
    Finding {
        key: key.clone(),
        verdict,
        cause: None,
        sentence: String::new(),
        target: String::new(),
        actual: String::new(),
        is_dry_run: false,
        evidence: Vec::new(),
    }
}

/// Random verdicts on what the docket asks.
///
/// One in `sides` of the triggers holds, and one in `sides` holds with a warning.
fn findings(ruleset: &Ruleset, state: &RolloutState, now: Now, dice: &mut Dice, sides: u64) -> Findings {
    let docket = Docket::of(ruleset, state, now);
    let plan = ruleset.plan.as_ref().unwrap();
    let mut findings = Findings::default();
    if let Some(phase) = docket.live {
        for (index, trigger) in plan.phases[phase.index()].triggers.iter().enumerate() {
            let verdict = match dice.roll(sides) {
                0 => Verdict::Pass,
                1 => Verdict::Warn,
                2..=300 => Verdict::Inconclusive(Cause::NoData),
                _ => Verdict::Fail,
            };
            findings.triggers.push(TriggerJudgement {
                trigger: TriggerRef { phase, index: index as u16 },
                verdict,
                is_clear: verdict == Verdict::Fail && dice.roll(3) > 0,
                finding: verdict.is_passing().then(|| finding(&trigger.key, verdict)),
            });
        }
    }
    for trigger in docket.settling {
        let verdict = if dice.roll(2) == 0 { Verdict::Pass } else { Verdict::Inconclusive(Cause::NoData) };
        let key = &trigger.of(plan).unwrap().key;
        let finding = verdict.is_passing().then(|| finding(key, verdict));
        findings.settled.push(TriggerJudgement { trigger, verdict, is_clear: false, finding });
    }
    if docket.gates {
        let verdict = match dice.roll(4) {
            0 => SetVerdict::Failed,
            1 => SetVerdict::Inconclusive,
            _ => SetVerdict::Passed,
        };
        findings.gates = Some(GateFindings { verdict, findings: Vec::new() });
    }
    let asks = |step: usize| state.phase.is_some_and(|phase| plan.phase(phase).steps[step].only_if.is_some());
    if docket.step.is_some_and(asks) {
        findings.step = Some(if dice.roll(2) == 0 { Verdict::Pass } else { Verdict::Fail });
    }
    findings
}

/// What a person with a notebook keeps.
struct Notebook {
    /// Watched and unpaused milliseconds since the phase's first step, or its begin.
    in_phase_ms: u64,
    has_stepped: bool,
    /// Watched milliseconds since the last rollback.
    since_rollback_ms: u64,
    /// Items attested since the last rollback.
    attested: BTreeSet<String>,
    /// The first phase that failed since the last retry.
    failed: Option<usize>,
    fell_to_zero: bool,
    /// Who has said go, in this phase and status.
    votes: BTreeSet<String>,
    /// The last verdict on the gates that anybody could see.
    gates: Option<SetVerdict>,
}

impl Notebook {
    fn new() -> Self {
        Self {
            in_phase_ms: 0,
            has_stepped: false,
            since_rollback_ms: 0,
            attested: BTreeSet::new(),
            failed: None,
            fell_to_zero: false,
            votes: BTreeSet::new(),
            gates: None,
        }
    }

    /// A phase passes after its duration.
    fn check_wait(&self, phase: &Phase) {
        let duration = phase.duration.map_or(0, |span| span.0);
        assert!(self.in_phase_ms >= duration, "passed after {} ms of {duration}", self.in_phase_ms);
    }

    /// A retry comes after the hold, and with everything that is required.
    fn check_recovery(&self, rule: &Contingency) {
        assert!(self.since_rollback_ms >= rule.hold.0, "retried before its hold");
        let zero = if self.fell_to_zero { &rule.if_zero[..] } else { &[] };
        for item in rule.requires.iter().chain(zero) {
            assert!(self.attested.contains(item.as_str()), "retried without {item}");
        }
    }
}

fn total(states: &[FlagState]) -> u64 {
    states.iter().map(|state| if state.is_killed { 0 } else { u64::from(state.share.ppm()) }).sum()
}

fn is_lowered(from: &[FlagState], to: &[FlagState]) -> bool {
    from.iter().zip(to).all(|(from, to)| to.share <= from.share && to.is_killed >= from.is_killed)
}

/// Lowers before it is written, raises after it is written (SEMANTICS 6.9).
fn check_order(before: &RolloutState, transition: &Transition) {
    let mut now = before.flag_states();
    let mut is_persisted = false;
    for effect in &transition.effects {
        match effect {
            Effect::Apply(states) => {
                assert!(
                    is_persisted || is_lowered(&now, states),
                    "raised before it was written: {transition:#?}"
                );
                now.clone_from(states);
            }
            Effect::Persist => is_persisted = true,
            Effect::Record(record) => {
                let cuts = matches!(record.body, Body::RolledBack { .. } | Body::Stopped { .. });
                let wanted = total(&transition.state.flag_states());
                assert!(!cuts || total(&now) == wanted, "written before it was lowered: {transition:#?}");
            }
            _ => {}
        }
    }
    assert_eq!(now, transition.state.flag_states(), "what is applied is what the state says");
}

/// What one transition may do, against the notebook.
fn check(ruleset: &Ruleset, before: &RolloutState, transition: &Transition, book: &mut Notebook) {
    let plan = ruleset.plan.as_ref().unwrap();
    let after = &transition.state;
    check_order(before, transition);
    let mut steps = 0;
    let mut is_forced = false;
    for effect in &transition.effects {
        let Effect::Record(record) = effect else { continue };
        match &record.body {
            Body::StepApplied { .. } => {
                steps += 1;
                if !book.has_stepped {
                    book.has_stepped = true;
                    book.in_phase_ms = 0;
                }
            }
            Body::SharesChanged { from, to, cause } => {
                let falls = matches!(cause.kind, CauseKind::Trigger | CauseKind::Decision | CauseKind::Stop);
                for ((flag, from), (_, to)) in from.0.iter().zip(&to.0) {
                    assert!(!falls || to < from, "{flag} rose by a {:?}", cause.kind);
                }
            }
            Body::Decided { choice, by, override_reason, .. } => {
                assert!(!book.votes.contains(by.as_str()) || *choice != "go", "{by} said go twice");
                if *choice == "go" {
                    book.votes.insert(by.to_string());
                }
                is_forced |= override_reason.is_some();
            }
            Body::PhasePassed {} => {
                let phase = plan.phase(before.phase.unwrap());
                if !is_forced {
                    book.check_wait(phase);
                    assert_eq!(before.step, phase.steps.len(), "passed before its last step");
                    assert_eq!(book.gates, Some(SetVerdict::Passed), "passed on other gates");
                }
                assert_eq!(book.votes.len(), 2.min(phase.decision.as_ref().unwrap().roles.len()), "votes");
                assert!(before.proposals.is_empty(), "passed over a proposal");
            }
            Body::PhaseStarted { .. } => {
                book.in_phase_ms = 0;
                book.has_stepped = false;
                book.votes.clear();
            }
            Body::RolledBack { shares, .. } => {
                book.failed = book.failed.or(before.phase.map(|phase| phase.index()));
                book.since_rollback_ms = 0;
                book.attested.clear();
                book.fell_to_zero |= shares.0.iter().all(|(_, share)| *share == Share::ZERO);
            }
            Body::Stopped { .. } => book.fell_to_zero |= book.failed.is_some(),
            Body::Attested { item, .. } => {
                book.attested.insert(item.to_string());
            }
            Body::Retried { .. } => {
                if let Some(rule) = book.failed.and_then(|failed| plan.phases[failed].contingency.as_ref()) {
                    book.check_recovery(rule);
                }
                book.failed = None;
                book.fell_to_zero = false;
            }
            _ => {}
        }
    }
    assert!(steps <= 1, "{steps} steps at one instant");
    if before.status != after.status {
        book.votes.clear();
    }
    check_that_nothing_rises(before, transition);
    assert!(!after.is_killed || total(&after.flag_states()) == 0);
    assert_eq!(after.status == Status::Stopped, after.status == Status::Stopped && !after.has_exposure());
    let entered = after.phase.map_or(0, |phase| phase.0 + 1);
    assert!(entered <= before.phase.map_or(0, |phase| phase.0 + 1) + 1, "a phase was skipped");
}

/// While rolled back or stopped only a release raises, and no further than the plan has come.
fn check_that_nothing_rises(before: &RolloutState, transition: &Transition) {
    let after = &transition.state;
    if matches!(before.status, Status::RolledBack | Status::Stopped) && before.status == after.status {
        let released = transition.effects.iter().any(
            |effect| matches!(effect, Effect::Record(record) if matches!(record.body, Body::Released { .. })),
        );
        for (index, (was, is)) in before.shares.iter().zip(&after.shares).enumerate() {
            assert!(
                is <= was || (released && *is <= before.planned[index]),
                "raised while {:?}",
                after.status
            );
        }
    }
}

/// Plays a story; gives the kinds of records that it wrote.
fn play(moves: &[Move]) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let ruleset = plan();
    let mut state = RolloutState::new(&ruleset, START);
    let mut book = Notebook::new();
    let mut at = START;
    let mut evaluated = START;
    state.evaluated = Some(START);
    let mut turn = |state: &mut RolloutState,
                    book: &mut Notebook,
                    found: &Findings,
                    input: Input<'_>,
                    at: Timestamp| {
        let transition = decide::decide(&ruleset, state, found, input, Now::same(at));
        assert_eq!(transition, decide::decide(&ruleset, state, found, input, Now::same(at)), "it is pure");
        check(&ruleset, state, &transition, book);
        for effect in &transition.effects {
            if let Effect::Record(record) = effect {
                let value = serde_json::to_value(&record.body).unwrap();
                kinds.insert(value["kind"].as_str().unwrap().to_owned());
            }
        }
        *state = transition.state;
    };
    // Watched time is counted at evaluations only; commands in between are credited by the state itself.
    let watch = |book: &mut Notebook, status: Status, gap: Span| {
        if gap <= ruleset.watched_gap() {
            book.since_rollback_ms += gap.0;
            if status != Status::Paused {
                book.in_phase_ms += gap.0;
            }
        }
    };
    for next in moves {
        match next {
            Move::Evaluate { times, gap_ms, seed } => {
                let mut dice = Dice(*seed);
                for _ in 0..*times {
                    at = at + Span(*gap_ms);
                    watch(&mut book, state.status, at.since(evaluated));
                    evaluated = at;
                    decide::observe(&ruleset, &mut state, at, Passing::Evaluation);
                    // Long watches are calm, or no phase would ever come to its end.
                    let sides = if *times > 100 { 200_000 } else { 1_000 };
                    let found = findings(&ruleset, &state, Now::same(at), &mut dice, sides);
                    book.gates = found.gates.as_ref().map(|gates| gates.verdict);
                    turn(&mut state, &mut book, &found, Input::Evaluation, at);
                }
            }
            Move::Ask { after_ms, command, gates } => {
                // A command lands at an evaluation here, so that the notebook and the state count the same time.
                at = at + Span(*after_ms);
                watch(&mut book, state.status, at.since(evaluated));
                evaluated = at;
                decide::observe(&ruleset, &mut state, at, Passing::Evaluation);
                let is_due = decide::is_due(ruleset.plan.as_ref().unwrap(), &state);
                let judged = is_due.then(|| GateFindings { verdict: *gates, findings: Vec::new() });
                book.gates = judged.as_ref().map(|gates| gates.verdict);
                let found = Findings { gates: judged, ..Findings::default() };
                let command = addressed(&ruleset, &state, command);
                turn(&mut state, &mut book, &found, Input::Command(&command), at);
            }
        }
    }
    kinds
}

/// The command, about the proposal that is pending where it asks for that.
fn addressed(ruleset: &Ruleset, state: &RolloutState, command: &Command) -> Command {
    let mut command = command.clone();
    let pending = state.proposals.first().and_then(|proposal| proposal.trigger.of(ruleset.plan.as_ref()?));
    if let (Action::Approve { proposal, .. } | Action::Dismiss { proposal, .. }, Some(rule)) =
        (&mut command.action, pending)
        && *proposal == "pending"
    {
        *proposal = rule.key.clone();
    }
    command
}

/// A story that was pushed to a late phase by force.
fn forced(moves: Vec<Move>, force: &[&'static str]) -> Vec<Move> {
    let ask = |by: &str, action: Action| Move::Ask {
        after_ms: 10,
        command: Command { by: Key::new(by), role: None, action },
        gates: SetVerdict::Passed,
    };
    let mut story = vec![ask("on_call", Action::Start)];
    story.extend(force.iter().map(|by| {
        let choice = Choice::Go { override_reason: Some("to get there".into()) };
        ask(by, Action::Decide { choice, rationale: "on".into() })
    }));
    story.extend(moves);
    story
}

fn stories() -> impl Strategy<Value = Vec<Move>> {
    let force = prop::collection::vec(prop::sample::select(&PEOPLE[..2]), 2..10);
    (moves(40), force).prop_map(|(moves, force)| forced(moves, &force))
}

/// A generator that never got anywhere would make the properties below say nothing.
#[test]
fn the_stories_reach_every_kind_of_record() {
    let mut runner = TestRunner::deterministic();
    let wanted = [
        "approved",
        "attested",
        "awaiting_decision",
        "command_refused",
        "completed",
        "decided",
        "decision_refused",
        "extended",
        "gates_failed",
        "gates_inconclusive",
        "gates_passed",
        "override",
        "paused",
        "phase_passed",
        "phase_started",
        "proposal",
        "proposal_dismissed",
        "proposal_lapsed",
        "released",
        "resumed",
        "retried",
        "retry_refused",
        "rollback_ineffective",
        "rolled_back",
        "shares_changed",
        "started",
        "step_applied",
        "stopped",
        "trigger_fired",
    ];
    let mut kinds = BTreeSet::new();
    let mut missing = wanted.to_vec();
    for _ in 0..200 {
        kinds.extend(play(&stories().new_tree(&mut runner).unwrap().current()));
        missing.retain(|kind| !kinds.contains(*kind));
        if missing.is_empty() {
            break;
        }
    }
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_judged_and_asked_the_rules_hold(moves in moves(60)) {
        play(&moves);
    }

    /// As above, begun in a late phase.
    #[test]
    fn the_late_phases_keep_the_rules_too(moves in stories()) {
        play(&moves);
    }
}
