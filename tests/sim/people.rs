//! What people ask: mostly what the hour calls for, sometimes anything.

use rollgate::RolloutStatus;
use rollgate::core::decide::{Action, ActionResult, Choice, Command, Status};
use rollgate::core::id::Key;
use rollgate::core::units::Share;

use super::dice::Dice;
use super::plan::{PEOPLE, ROLES};

fn command(by: &str, role: Option<&str>, action: Action) -> Command {
    Command { by: Key::new(by), role: role.map(Key::new), action }
}

fn decide(choice: Choice) -> Action {
    Action::Decide { choice, rationale: "as agreed".into() }
}

fn attest(item: &str) -> Action {
    Action::Attest { item: Key::new(item), is_true: true, passed: None }
}

/// What the hour calls for; `None`: nothing.
pub(super) fn fitting(dice: &mut Dice, status: &RolloutStatus) -> Option<Command> {
    if let Some(proposal) = status.proposals.first().filter(|_| dice.once_in(4)) {
        let (by, why) = (*dice.of(&["ada", "ops"]), "it is real".to_owned());
        let proposal = proposal.clone();
        return Some(command(
            by,
            None,
            match dice.roll(2) {
                0 => Action::Approve { proposal, rationale: why },
                _ => Action::Dismiss { proposal, reason: why },
            },
        ));
    }
    match status.status {
        Status::Pending => Some(command("ops", None, Action::Start)),
        Status::AwaitingDecision => {
            let (by, role) = *dice.of(&[
                ("ada", None),
                ("ada", Some("lead")),
                ("bob", Some("lead")),
                ("ops", None),
                ("owner", None),
                ("cy", None),
                ("eve", Some("ops")),
                ("ada", Some("qa")),
            ]);
            let choice = match dice.roll(12) {
                0 => Choice::NoGo,
                1 if dice.once_in(3) => Choice::Rollback { to: Some(Key::new("zero")) },
                2 | 3 => Choice::Go { override_reason: Some("we know better".into()) },
                _ => Choice::Go { override_reason: None },
            };
            Some(command(by, role, decide(choice)))
        }
        Status::RolledBack | Status::Stopped => Some(match dice.roll(5) {
            0 => command("ada", None, attest("cause")),
            1 => command("ops", None, attest("fix")),
            2 => command("ops", None, attest("postmortem")),
            _ => command("ops", None, Action::Retry),
        }),
        Status::Paused => Some(command("ops", None, Action::Resume { reason: "back".into() })),
        Status::Running => match dice.roll(6) {
            0 => Some(command("ada", None, attest("sure"))),
            1 => Some(command("ops", None, Action::Check { item: Key::new("train") })),
            2 => Some(command("ops", None, Action::Check { item: Key::new("tell") })),
            3 => Some(command("ops", None, Action::Release { flags: Vec::new() })),
            _ => None,
        },
        Status::Completed => None,
    }
}

/// Anything at all, by anybody.
pub(super) fn anything(dice: &mut Dice, status: &RolloutStatus) -> Command {
    let by = *dice.of(&PEOPLE);
    let role = dice.once_in(3).then(|| *dice.of(&ROLES));
    let flag = format!("F{}", dice.roll(5));
    let reason = (*dice.of(&["", "by hand", "by hand"])).to_owned();
    let key = |text: &str| Key::new(text);
    let proposal = status.proposals.first().cloned().unwrap_or_else(|| key("t0_0"));
    let action = match dice.roll(22) {
        0 => Action::Start,
        1 => Action::Check { item: key(dice.of::<&str>(&["train", "tell", "nothing"])) },
        2 | 3 => Action::Attest {
            item: key(dice.of::<&str>(&["sure", "cause", "fix", "postmortem", "nothing"])),
            is_true: !dice.once_in(3),
            passed: None,
        },
        4 => {
            let (passed, of) = (dice.roll(4), dice.between(1, 4));
            Action::Attest {
                item: key(dice.of::<&str>(&["sure", "cause"])),
                is_true: true,
                passed: Some((passed, of)),
            }
        }
        5 | 6 => {
            let over = dice.once_in(2).then(|| reason.clone());
            Action::Decide {
                choice: Choice::Go { override_reason: over },
                rationale: (*dice.of(&["fine", "fine", " "])).to_owned(),
            }
        }
        7 => decide(Choice::NoGo),
        8 | 9 => decide(Choice::Rollback {
            to: dice
                .of(&[None, Some("zero"), Some("full"), Some("partial"), Some("p0"), Some("p1"), Some("p9")])
                .map(key),
        }),
        10 => Action::Approve { proposal, rationale: reason },
        11 => Action::Dismiss { proposal, reason },
        12..=16 => {
            let share = Share::from_ppm(dice.roll(101) as u32 * 10_000).unwrap_or_default();
            Action::Set { shares: vec![(key(&flag), share)], reason }
        }
        17 => Action::Release { flags: if dice.once_in(2) { vec![key(&flag)] } else { Vec::new() } },
        18 => Action::Pause { reason },
        19 => Action::Resume { reason },
        20 if dice.once_in(3) => Action::Stop { reason },
        20 => Action::CaptureBaseline,
        _ => Action::Retry,
    };
    command(by, role, action)
}

/// What comes of the action under way, sooner or later; where there is none, now and then a result all the same.
pub(super) fn result(dice: &mut Dice, status: &RolloutStatus) -> Option<Command> {
    let report = |action: &str, run: Option<u64>, is_ok: bool, output: &str| {
        let (action, output) = (Key::new(action), output.to_owned());
        command("ci", None, Action::Report(ActionResult { action, run, is_ok, output }))
    };
    let Some(due) = &status.action else {
        return dice
            .once_in(30)
            .then(|| report("b0", dice.once_in(2).then(|| dice.between(1, 9)), true, "ok"));
    };
    let (action, run) = (due.action.as_str(), due.number);
    Some(match dice.roll(16) {
        0..=5 => report(action, Some(run), true, " ok\n"),
        6 => report(action, Some(run), false, "disk full"),
        7 => report(action, Some(run), false, " "),
        8 => report(action, Some(run), true, "43 of 44"),
        // Of an earlier run, of one that never was, of another action.
        9 => report(action, Some(run.saturating_sub(1)), true, "ok"),
        10 => report(action, Some(run + dice.between(1, 9)), true, "ok"),
        11 => report(dice.of::<&str>(&["b0", "b1", "b2", "nothing"]), Some(run), true, "ok"),
        12 => report(action, None, true, "ok"),
        // It takes its time.
        _ => return None,
    })
}
