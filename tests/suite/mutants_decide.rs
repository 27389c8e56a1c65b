//! What a changed comparison in `decide` would let through, or refuse, and no story shows: commands that change
//! nothing, statements of the phases that a retry runs again, and actions beside a closed calendar.
//!
//! The states are made by hand and decided on without an engine, so that each test stands at the one place it is of.

use std::sync::Arc;

use rollgate::core::decide::{
    Action, ActionResult, Body, Choice, Command, Effect, Findings, GateFindings, Held, HeldWhat, Input,
    Proposal, RolloutState, Status, TaskState, Transition, TriggerJudgement, TriggerRef, decide, follow_ups,
    live_phase,
};
use rollgate::core::id::{Key, PhaseId};
use rollgate::core::judge::{Attestation, Cause, Finding, SetVerdict, Verdict};
use rollgate::core::limits::ATTESTATIONS_MAX;
use rollgate::core::snapshot::Ruleset;
use rollgate::core::time::{Now, Span, Timestamp};
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};
use rollgate_tests::Rollout;

const PLAN: &str = "version: 1
name: by-hand
timezone: UTC
evaluate_every: 10m
flags: { A: {}, B: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down, max_gap: 3d, curable: true } }
roles: { lead: {}, ops: {} }
deployment_window: { days: [mon, tue, wed, thu, fri], from: \"09:00\", to: \"12:00\" }
phases:
  - id: one
    duration: 1d
    steps:
      - { set: { A: 10% }, hold: 1h }
      - { set: { A: 20% }, hold: 1h, actions: { copy: {}, verify: {} } }
      - { set: { A: 30% }, only_if: { metric: heap, stat: last, below: 900MB }, actions: { look: {}, tell: {} } }
    checklist: { listed: {} }
    gates: { listed: { checklist: complete }, word: { attest: word } }
    triggers:
      heap: { mode: manual, when: { metric: heap, stat: max, over: 1h, above: 1GB }, rollback: { to: zero } }
      full: { when: { metric: heap, stat: last, above: 2GB }, rollback: { to: zero } }
  - id: two
    duration: 1d
    steps: [ { set: { A: 50% } } ]
    checklist: { listed: {} }
    gates: { listed: { checklist: complete }, word: { attest: word } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: one } } }
  - id: three
    duration: 1d
    steps: [ { set: { A: 100% } } ]
    checklist: { listed: {} }
    gates: { listed: { checklist: complete }, word: { attest: word } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: one } } }
";

/// A Monday, inside the deployment window.
const OPEN: &str = "2026-03-02T11:58:00Z";
/// The same day, behind it.
const CLOSED: &str = "2026-03-02T12:02:00Z";

/// One state that is decided on, and when.
struct Hand {
    ruleset: Arc<Ruleset>,
    state: RolloutState,
    now: Now,
}

impl Hand {
    /// Phase `one` with its first step applied.
    fn started() -> Self {
        Self::of(PLAN)
    }

    /// The same of another plan.
    fn of(text: &str) -> Self {
        let ruleset = Arc::new(ruleset(text, Format::Yaml).unwrap().ruleset);
        let at = Timestamp::parse(OPEN).unwrap();
        let mut hand = Self { state: RolloutState::new(&ruleset, at), ruleset, now: Now::same(at) };
        hand.say("lead", Action::Start);
        assert_eq!(hand.state.shares, [share(0.1), Share::ZERO]);
        hand
    }

    fn at(&mut self, time: &str) {
        self.now = Now::same(Timestamp::parse(time).unwrap());
    }

    /// Phase `three` has been lowered to the shares of `one`: a retry goes on in `two`.
    fn lowered(mut self) -> Self {
        self.state.phase = Some(PhaseId(2));
        self.state.failed = Some(PhaseId(2));
        self.state.applied = Some(PhaseId(0));
        self.state.status = Status::RolledBack;
        self
    }

    fn ask(&self, findings: &Findings, input: Input<'_>) -> Transition {
        decide(&self.ruleset, &self.state, findings, input, self.now)
    }

    /// An evaluation on these findings.
    fn evaluate(&mut self, findings: &Findings) {
        self.state = self.ask(findings, Input::Evaluation).state;
    }

    /// A command that is carried out, and what is journalled of it.
    #[track_caller]
    fn say(&mut self, by: &str, action: Action) -> Vec<Body> {
        let command = Command { by: Key::new(by), role: None, action };
        let transition = self.ask(&Findings::default(), Input::Command(&command));
        assert_eq!(transition.refused, None);
        self.state = transition.state.clone();
        bodies(transition)
    }

    /// A command that is refused for this reason, and changes nothing.
    #[track_caller]
    fn refused(&self, by: &str, role: Option<&str>, action: Action, why: &str) {
        let command = Command { by: Key::new(by), role: role.map(Key::new), action };
        let transition = self.ask(&Findings::default(), Input::Command(&command));
        let refusal = transition.refused.expect("it is refused");
        assert!(refusal.contains(why), "{refusal}");
        assert_eq!(transition.state, self.state);
    }
}

/// What is journalled of a transition.
fn bodies(transition: Transition) -> Vec<Body> {
    let body = |effect: Effect| if let Effect::Record(record) = effect { Some(record.body) } else { None };
    transition.effects.into_iter().filter_map(body).collect()
}

fn share(fraction: f64) -> Share {
    Share::from_fraction(fraction).unwrap()
}

fn set(fraction: f64, reason: &str) -> Action {
    Action::Set { shares: vec![(Key::new("A"), share(fraction))], reason: reason.into() }
}

fn attest(item: &str) -> Action {
    Action::Attest { item: Key::new(item), is_true: true, passed: None }
}

fn succeeded(action: &str) -> Action {
    Action::Report(ActionResult { action: Key::new(action), run: None, is_ok: true, output: String::new() })
}

fn given(by: &str, phase: u16) -> Attestation {
    Attestation {
        item: Key::new("word"),
        phase: PhaseId(phase),
        by: Key::new(by),
        roles: Vec::new(),
        is_true: true,
        passed: None,
        at: Timestamp::parse(OPEN).unwrap(),
    }
}

#[test]
fn a_share_that_is_set_to_what_it_is_raises_nothing_and_is_never_refused() {
    // Behind the window, without a reason.
    let mut hand = Hand::started();
    hand.at(CLOSED);
    hand.refused("ops", None, set(0.11, ""), "the calendar is closed");
    hand.say("ops", set(0.1, ""));
    assert_eq!(hand.state.overrides, [Some(share(0.1)), None]);
    // Above the plan, where the reason was given before.
    let mut hand = Hand::started();
    hand.refused("ops", None, set(0.3, ""), "needs a reason");
    hand.say("ops", set(0.3, "a trial"));
    hand.say("ops", set(0.3, ""));
    assert_eq!(hand.state.shares, [share(0.3), Share::ZERO]);
    // After a stop: at zero it may be nailed to zero.
    hand.say("ops", Action::Stop { reason: "enough".into() });
    hand.refused("ops", None, set(0.1, "a trial"), "nothing is raised until a retry");
    hand.say("ops", set(0.0, ""));
    assert_eq!(hand.state.overrides, [Some(Share::ZERO), None]);
}

#[test]
fn a_release_that_raises_nothing_does_not_wait_for_the_calendar() {
    let mut hand = Hand::started();
    hand.say("ops", set(0.1, "as it is"));
    hand.at(CLOSED);
    hand.say("ops", Action::Release { flags: vec![Key::new("A")] });
    assert_eq!(hand.state.overrides, [None, None]);
    // One that raises does.
    hand.say("ops", set(0.05, ""));
    hand.refused("ops", None, Action::Release { flags: Vec::new() }, "the calendar is closed");
}

#[test]
fn r137_a_command_without_a_name_or_in_a_role_that_is_none_is_refused() {
    let hand = Hand::started();
    let pause = || Action::Pause { reason: "lunch".into() };
    hand.refused(" ", None, pause(), "needs the name");
    hand.refused("mallory", Some("king"), pause(), "no role `king`");
    // What lowers is not held up by a misspelt name.
    let mut hand = hand;
    hand.say("", Action::Stop { reason: "it burns".into() });
    assert_eq!(hand.state.status, Status::Stopped);
}

#[test]
fn a_retry_keeps_what_was_said_before_the_phase_it_enters_and_nothing_from_it_on() {
    let mut hand = Hand::started().lowered();
    hand.state.attestations = vec![given("lead", 0), given("lead", 1), given("lead", 2)];
    hand.state.checked = (0..3).map(|phase| (PhaseId(phase), Key::new("listed"))).collect();
    hand.say("lead", Action::Retry);
    assert_eq!(hand.state.phase, Some(PhaseId(1)));
    assert_eq!(hand.state.attestations, [given("lead", 0)]);
    assert_eq!(hand.state.checked, [(PhaseId(0), Key::new("listed"))]);
}

#[test]
fn a_full_list_of_attestations_takes_no_new_one_and_lets_everybody_change_their_own() {
    let mut hand = Hand::started();
    hand.state.attestations = (0..ATTESTATIONS_MAX).map(|index| given(&format!("p{index}"), 0)).collect();
    hand.refused("lead", None, attest("word"), "are kept by no rollout");
    hand.say("p0", attest("word"));
    assert_eq!(hand.state.attestations.len(), ATTESTATIONS_MAX);
    // One below the bound, a new one is taken.
    hand.state.attestations.truncate(ATTESTATIONS_MAX - 1);
    hand.say("lead", attest("word"));
    assert_eq!(hand.state.attestations.len(), ATTESTATIONS_MAX);
}

/// Phase `one` at this step, whose predecessor's hold has passed, with its first action under way.
fn at_the_action(step: usize, findings: &Findings) -> Hand {
    let mut hand = Hand::started();
    hand.state.step = step;
    hand.state.clock = hand.state.clock + Span::hours(1);
    hand.evaluate(findings);
    assert!(hand.state.actions.running.is_some());
    hand
}

#[test]
fn r042_an_action_that_follows_another_waits_for_the_calendar() {
    let mut hand = at_the_action(1, &Findings::default());
    hand.at(CLOSED);
    hand.say("ops", succeeded("copy"));
    assert_eq!((hand.state.actions.done, hand.state.actions.running), (1, None));
    // Where it is open, nothing but actions holds the step back, and the next one begins at once.
    let mut hand = at_the_action(1, &Findings::default());
    let finished = hand.say("ops", succeeded("copy"));
    assert_eq!((hand.state.actions.done, hand.state.actions.running.is_some()), (1, true));
    // Both are of the second step, as people count.
    let steps: Vec<usize> = finished
        .iter()
        .filter_map(|body| match body {
            Body::ActionFinished { step, .. } | Body::ActionStarted { step, .. } => Some(*step),
            _ => None,
        })
        .collect();
    assert_eq!(steps, [2, 2]);
}

#[test]
fn r042_an_action_that_follows_another_waits_for_the_condition_of_its_step() {
    let holds = Findings { step: Some(Verdict::Pass), ..Findings::default() };
    let mut hand = at_the_action(2, &holds);
    hand.say("ops", succeeded("look"));
    assert_eq!((hand.state.actions.done, hand.state.actions.running), (1, None));
    hand.evaluate(&holds);
    assert!(hand.state.actions.running.is_some());
}

#[test]
fn r042_what_was_done_for_a_step_is_done_again_where_the_calendar_closes_before_it() {
    let mut hand = at_the_action(1, &Findings::default());
    hand.say("ops", succeeded("copy"));
    hand.say("ops", succeeded("verify"));
    assert_eq!(hand.state.actions.done, 2);
    hand.at(CLOSED);
    hand.evaluate(&Findings::default());
    assert_eq!((hand.state.step, hand.state.actions.done), (1, 0));
    // One that is still under way counts with those before it, until its result is there.
    let mut hand = at_the_action(1, &Findings::default());
    hand.say("ops", succeeded("copy"));
    hand.at(CLOSED);
    hand.evaluate(&Findings::default());
    assert_eq!((hand.state.actions.done, hand.state.actions.running.is_some()), (1, true));
}

#[test]
fn no_data_neither_clears_a_proposal_nor_starts_its_clock_again() {
    let trigger = TriggerRef { phase: PhaseId(0), index: 0 };
    let judged = |verdict: Verdict, is_clear: bool| {
        let judged = TriggerJudgement { trigger, verdict, is_clear, finding: None };
        Findings { triggers: vec![judged], ..Findings::default() }
    };
    let mut hand = Hand::started();
    let since = Some(hand.now.observed);
    hand.state.proposals.push(Proposal { trigger, clear_since: None });
    hand.evaluate(&judged(Verdict::Fail, true));
    assert_eq!(hand.state.proposals[0].clear_since, since);
    hand.at("2026-03-02T11:59:00Z");
    hand.evaluate(&judged(Verdict::Inconclusive(Cause::NoData), false));
    assert_eq!(hand.state.proposals[0].clear_since, since);
    hand.evaluate(&judged(Verdict::Fail, false));
    assert_eq!(hand.state.proposals[0].clear_since, None);
}

#[test]
fn no_trigger_is_live_where_nobody_is_exposed() {
    let exposed = Hand::started().state;
    assert_eq!((exposed.has_exposure(), live_phase(&exposed)), (true, Some(PhaseId(0))));
    // Neither at zero, nor where all flags are killed whatever their shares.
    let mut none = exposed.clone();
    none.shares = vec![Share::ZERO; 2];
    assert_eq!((none.has_exposure(), live_phase(&none)), (false, None));
    let mut killed = exposed;
    killed.is_killed = true;
    assert_eq!((killed.has_exposure(), live_phase(&killed)), (false, None));
    killed.shares = vec![Share::ZERO; 2];
    assert_eq!((killed.has_exposure(), live_phase(&killed)), (false, None));
}

#[test]
fn an_open_phase_awaits_its_decision_only_while_its_gates_pass() {
    let text = PLAN.replace(
        "  - id: three\n    duration: 1d\n",
        "  - id: three\n    duration: open\n    decision: { roles: [lead] }\n",
    );
    let judged = |verdict: SetVerdict| {
        let gates = Some(GateFindings { verdict, findings: Vec::new() });
        Findings { gates, ..Findings::default() }
    };
    let mut hand = Hand::of(&text);
    hand.state.phase = Some(PhaseId(2));
    hand.state.step = 1;
    hand.state.clock = hand.state.clock + Span::days(2);
    for verdict in [SetVerdict::Failed, SetVerdict::Inconclusive] {
        hand.evaluate(&judged(verdict));
        assert_eq!(hand.state.status, Status::Running, "{verdict:?}");
    }
    hand.evaluate(&judged(SetVerdict::Passed));
    assert_eq!(hand.state.status, Status::AwaitingDecision);
}

#[test]
fn r038_a_baseline_is_captured_where_the_first_step_exposes_every_flag() {
    let text = "version: 1
name: captured
timezone: UTC
evaluate_every: 1m
flags: { A: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down, max_gap: 3d, curable: true } }
baseline: { heap: { stat: max, capture_over: 30m } }
roles: { lead: {} }
phases:
  - id: watch
    duration: 1h
    gates: { time: { phase_for: 30m } }
  - id: rise
    duration: 1h
    steps: [ { set: { A: 10% } } ]
    gates: { heap: { metric: heap, stat: max, over: 30m, versus: baseline, change: difference, at_most: 5MB } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 2GB }, rollback: { to: zero } } }
";
    let mut rollout = Rollout::start(text, OPEN);
    for _ in 0..60 {
        rollout.heap(100.0);
        rollout.pass(Span::minutes(1));
    }
    let records = rollout.fresh();
    assert!(records.iter().any(|record| record.kind() == "baseline_captured"), "{records:#?}");
}

#[test]
fn a_retry_never_leaves_the_plan() {
    // As after an edit of the plan that took the later phases out.
    let mut hand = Hand::started();
    hand.state.phase = Some(PhaseId(2));
    hand.state.applied = Some(PhaseId(2));
    hand.state.status = Status::RolledBack;
    hand.say("lead", Action::Retry);
    assert_eq!((hand.state.phase, hand.state.status), (Some(PhaseId(2)), Status::Running));
    assert_eq!(hand.state.shares, [Share::FULL, Share::ZERO]);
}

#[test]
fn a_phase_that_was_held_passes_on_verdicts_of_now_and_they_are_journalled() {
    let gates = Some(GateFindings { verdict: SetVerdict::Passed, findings: Vec::new() });
    let passed = Findings { gates, ..Findings::default() };
    let mut hand = Hand::started();
    hand.state.step = 3;
    hand.state.clock = hand.state.clock + Span::days(2);
    // Its gates passed before: that alone is told once.
    hand.state.gates = Some(SetVerdict::Passed);
    let held = |what: HeldWhat| {
        let mut state = hand.state.clone();
        let reason = "a freeze".to_owned();
        state.agenda.held = Some(Held { what, phase: PhaseId(1), step: 3, until: None, reason });
        let transition = decide(&hand.ruleset, &state, &passed, Input::Evaluation, hand.now);
        bodies(transition).iter().filter(|body| matches!(body, Body::GatesPassed { .. })).count()
    };
    assert_eq!((held(HeldWhat::Phase), held(HeldWhat::Step)), (1, 0));
}

#[test]
fn a_refused_decision_says_what_was_chosen() {
    let hand = Hand::started();
    let go = Choice::Go { override_reason: None };
    let back = Choice::Rollback { to: Some(Key::new("zero")) };
    for (choice, name) in [(go, "go"), (Choice::NoGo, "no_go"), (back, "rollback")] {
        let action = Action::Decide { choice, rationale: "as agreed".into() };
        let command = Command { by: Key::new("lead"), role: None, action };
        let transition = hand.ask(&Findings::default(), Input::Command(&command));
        let said: Vec<&str> = bodies(transition)
            .iter()
            .filter_map(|body| match body {
                Body::DecisionRefused { choice, .. } => Some(*choice),
                _ => None,
            })
            .collect();
        assert_eq!(said, [name]);
    }
}

fn task(item: &str) -> Action {
    Action::FollowUp { item: Key::new(item), title: String::new(), owner: Key::new("ops"), due: "14d".into() }
}

fn check(item: &str) -> Action {
    Action::Check { item: Key::new(item) }
}

#[test]
fn r159_a_follow_up_has_a_name_of_its_own_and_is_checked_off_by_it() {
    let text = format!("{PLAN}follow_ups:\n  planned: {{ title: Clean up, owner: ops, due: 30d }}\n");
    let mut hand = Hand::of(&text);
    // Of the plan's own items, of any phase's checklist, of those added before: each name once.
    hand.say("ops", task("added"));
    hand.say("ops", task("another"));
    for taken in ["planned", "listed", "added"] {
        hand.refused("ops", None, task(taken), "there is an item");
    }
    hand.say("ops", check("planned"));
    hand.say("ops", check("added"));
    hand.refused("ops", None, check("nonsense"), "no checklist item");
    hand.say("ops", check("added"));
    assert_eq!(hand.state.after.done, [Key::new("planned"), Key::new("added")]);
    let states: Vec<(String, TaskState)> = follow_ups(&hand.ruleset, &hand.state, hand.now.wall)
        .into_iter()
        .map(|task| (task.key.to_string(), task.state))
        .collect();
    let expected = [("planned", TaskState::Done), ("added", TaskState::Done), ("another", TaskState::Open)];
    assert_eq!(states, expected.map(|(key, state)| (key.to_owned(), state)));
}

#[test]
fn each_trigger_is_counted_by_itself_each_time_it_fires() {
    let mut hand = Hand::started();
    let finding = Finding {
        key: Key::new("heap"),
        verdict: Verdict::Pass,
        cause: None,
        sentence: String::new(),
        target: String::new(),
        actual: String::new(),
        is_dry_run: false,
        evidence: Vec::new(),
    };
    for (index, times) in [(0, [1, 0]), (1, [1, 1]), (0, [2, 1])] {
        let trigger = TriggerRef { phase: PhaseId(0), index };
        let judged = TriggerJudgement {
            trigger,
            verdict: Verdict::Pass,
            is_clear: false,
            finding: Some(finding.clone()),
        };
        let before = hand.state.clone();
        hand.evaluate(&Findings { triggers: vec![judged], ..Findings::default() });
        let counted = hand.state.after.fired.clone();
        let of =
            |name: &str| counted.iter().find(|fired| fired.trigger == *name).map_or(0, |fired| fired.times);
        assert_eq!([of("one/heap"), of("one/full")], times);
        // As before it fired, but for the counts.
        hand.state = before;
        hand.state.after.fired = counted;
    }
}

#[test]
fn a_retry_after_a_stop_shows_nothing_to_anybody_before_it_is_written() {
    let mut hand = Hand::started();
    hand.say("ops", Action::Stop { reason: "enough".into() });
    let command = Command { by: Key::new("lead"), role: None, action: Action::Retry };
    let effects = hand.ask(&Findings::default(), Input::Command(&command)).effects;
    // Zero shares are no protection of subjects that are listed by name: only the kill is.
    let applied = effects.iter().position(|effect| matches!(effect, Effect::Apply(_)));
    let written = effects.iter().position(|effect| matches!(effect, Effect::Persist));
    assert!(written.is_some() && written < applied, "{effects:?}");
}

/// The plan with these baselines.
fn with_baselines(baselines: &str) -> Ruleset {
    let text = PLAN.replace(
        "metrics: { heap: {",
        &format!(
            "baseline: {{ {baselines} }}\nmetrics: {{ lag: {{ kind: gauge, unit: ms, good: down }}, rest: {{ kind: gauge, unit: ms, good: down }}, heap: {{"
        ),
    );
    ruleset(&text, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}\n{text}")).ruleset
}

#[test]
fn r161_a_captured_baseline_follows_its_metric_into_an_edited_plan() {
    let captured = |metric: &str| format!("{metric}: {{ stat: max, capture_over: 30m }}");
    let before = with_baselines(&[captured("heap"), captured("lag")].join(", "));
    let mut state = RolloutState::new(&before, Timestamp(1_768_816_800_000));
    let of = |ruleset: &Ruleset, state: &RolloutState| {
        let name = |index: usize| ruleset.metric(ruleset.baselines[index].metric).key.to_string();
        let mut known: Vec<_> =
            state.baselines.iter().enumerate().map(|(index, value)| (name(index), *value)).collect();
        known.sort_by(|one, two| one.0.cmp(&two.0));
        known
    };
    for (slot, baseline) in state.baselines.iter_mut().zip(&before.baselines) {
        *slot = Some(if before.metric(baseline.metric).key == *"heap" { 7.0 } else { 3.0 });
    }
    let expected = |rows: &[(&str, Option<f64>)]| -> Vec<(String, Option<f64>)> {
        rows.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
    };
    let after = with_baselines(&[captured("rest"), captured("lag"), captured("heap")].join(", "));
    let mut moved = state.clone();
    assert!(moved.adopt(&after));
    let rows = [("heap", Some(7.0)), ("lag", Some(3.0)), ("rest", None)];
    assert_eq!(of(&after, &moved), expected(&rows), "each has its own, and what is new has none");
    // A statistic that was edited is another one; what was taken out is forgotten.
    let other = with_baselines("heap: { stat: last, capture_over: 30m }");
    assert!(state.adopt(&other));
    assert_eq!(of(&other, &state), expected(&[("heap", None)]));
}
