//! `rollgate notify`: notices as they would be sent, and a webhook that is tried before it matters.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use rollgate::clock::{Clock, SystemClock};
use rollgate::core::decide::{Delivery, sample};
use rollgate::core::id::PhaseId;
use rollgate::core::snapshot::{Notice, Plan};
use rollgate::core::time::{Now, Span};
use rollgate::core::units::Share;
use rollgate::notify::{SendError, Sink, Webhook, WebhookBody};
use serde_json::{Value, json};

use crate::args::{NotifyArgs, PostBody};
use crate::input;

/// Writes out, and sends, the notices that were asked for. 0: every one was delivered or only shown; 1: one was not.
pub(crate) fn run(asked: &NotifyArgs) -> ExitCode {
    let ruleset = match input::plan(&asked.plan) {
        Ok(ruleset) => ruleset,
        Err(error) => return input::refuse_plan(&asked.plan, &error),
    };
    let Some(plan) = &ruleset.plan else {
        return input::refuse(&"a setup of flags only tells nobody anything: it has no phases");
    };
    let (phase, notices) = match (phase_of(plan, asked), chosen(plan, asked)) {
        (Ok(phase), Ok(notices)) => (phase, notices),
        (Err(why), _) | (_, Err(why)) => return input::refuse(&why),
    };
    let has_next = plan.phases.get(phase.index() + 1).is_some_and(|next| next.duration.is_some());
    if asked.when.as_deref() == Some("phase_passed") && !has_next {
        let key = &plan.phase(phase).key;
        return input::refuse(&format!(
            "`phase_passed` is never sent for phase `{key}`: no phase with an end follows it; name an earlier one with --phase, or \
             ask for `completed`"
        ));
    }
    let hook = match &asked.webhook {
        None => None,
        Some(url) => match Webhook::new(url.as_str()) {
            Ok(hook) => Some(hook.with_timeout(Duration::from_millis(asked.timeout.0.max(1))).with_body(
                match asked.body {
                    PostBody::Notice => WebhookBody::Notice,
                    PostBody::Text => WebhookBody::Text,
                },
            )),
            Err(error) => return input::refuse(&error),
        },
    };
    let now = Now::same(SystemClock::new().wall());
    let letters = notices.iter().filter_map(|notice| sample(&ruleset, notice, phase, now));
    let mut out = io::stdout().lock();
    let mut all_delivered = true;
    for letter in letters {
        let wanted = |channel: &str| asked.channel.as_deref().is_none_or(|only| only == channel);
        for owed in letter.open.iter().filter(|owed| wanted(owed.channel.as_str())) {
            let delivery = Delivery::of(&ruleset.name, &letter, owed);
            let line = match &hook {
                None => json!(delivery),
                Some(hook) => {
                    let (line, is_delivered) = tried(hook, delivery, asked);
                    all_delivered &= is_delivered;
                    line
                }
            };
            if let Err(error) = writeln!(out, "{line}") {
                return input::written(Err(error));
            }
        }
    }
    match input::written(out.flush()) {
        ExitCode::SUCCESS if !all_delivered => ExitCode::from(1),
        code => code,
    }
}

/// Sends one, with its attempts.
fn tried(hook: &Webhook, mut delivery: Delivery, asked: &NotifyArgs) -> (Value, bool) {
    let mut wait = asked.wait;
    let error = loop {
        match hook.send(&delivery) {
            Ok(()) => break None,
            Err(SendError::Again(why)) if delivery.attempt < asked.attempts => {
                eprintln!("{}: {why}; again in {wait}", delivery.channel);
                // Nobody unparks this thread: it is a wait, and one that may end early does no harm.
                std::thread::park_timeout(Duration::from_millis(wait.0));
                wait = Span(wait.0.saturating_mul(2));
                delivery.attempt += 1;
            }
            Err(error) => break Some(error.to_string()),
        }
    };
    let is_delivered = error.is_none();
    let mut line = json!(delivery);
    if let Value::Object(fields) = &mut line {
        fields.insert("delivered".into(), is_delivered.into());
        fields.insert("error".into(), error.into());
    }
    (line, is_delivered)
}

fn phase_of(plan: &Plan, asked: &NotifyArgs) -> Result<PhaseId, String> {
    let keys = || plan.phases.iter().map(|phase| phase.key.as_str()).collect::<Vec<_>>().join(", ");
    match &asked.phase {
        Some(key) => {
            plan.phase_of(key).ok_or_else(|| format!("the plan has no phase `{key}`; it has {}", keys()))
        }
        None => {
            let exposes = |shares: &[Share]| shares.iter().any(|share| *share > Share::ZERO);
            let first = plan.phases.iter().find(|phase| exposes(&phase.last_shares));
            Ok(first.and_then(|phase| plan.phase_of(phase.key.as_str())).unwrap_or(PhaseId(0)))
        }
    }
}

fn chosen<'a>(plan: &'a Plan, asked: &NotifyArgs) -> Result<Vec<&'a Notice>, String> {
    let listed = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.dedup();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let fits = |notice: &&Notice| asked.when.as_deref().is_none_or(|when| when == notice.when.name());
    let notices: Vec<&Notice> = plan.notices.iter().filter(fits).collect();
    if notices.is_empty() {
        let when = asked.when.as_deref().unwrap_or_default();
        let known = plan.notices.iter().map(|notice| notice.when.name()).collect();
        return Err(format!("the plan has no notice for `{when}`; it has those for {}", listed(known)));
    }
    if let Some(channel) = &asked.channel {
        let names: Vec<&str> =
            notices.iter().flat_map(|notice| &notice.channels).map(|key| key.as_str()).collect();
        if !names.contains(&channel.as_str()) {
            return Err(format!("none of them goes to `{channel}`; they go to {}", listed(names)));
        }
    }
    Ok(notices)
}
