//! `rollgate notify`: notices as they would be sent, and a webhook that is tried before it matters.

use std::env::VarError;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use rollgate::clock::{Clock, SystemClock};
use rollgate::core::decide::{Delivery, sample};
use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::id::PhaseId;
use rollgate::core::snapshot::{Notice, Plan};
use rollgate::core::time::{Now, Span};
use rollgate::core::units::Share;
use rollgate::notify::{SendError, Sink, Webhook, WebhookBody};
use serde_json::{Value, json};

use crate::args::{Address, NotifyArgs, PostBody};
use crate::input;

/// Bytes of a file with an address that are read.
const ADDRESS_BYTES_MAX: u64 = 16 << 10;

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
    let hook = match hook(asked) {
        Ok(hook) => hook,
        Err(error) => return input::refuse(&error),
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

/// The webhook at the address that was named, if one was.
fn hook(asked: &NotifyArgs) -> Result<Option<Webhook>, Error> {
    let Some(found) = address(&asked.address)? else { return Ok(None) };
    webhook(found, asked.body, asked.timeout).map(Some)
}

/// A webhook at an address that was found at a place.
pub(crate) fn webhook(
    (url, place): (String, String),
    body: PostBody,
    timeout: Span,
) -> Result<Webhook, Error> {
    let body = match body {
        PostBody::Notice => WebhookBody::Notice,
        PostBody::Text => WebhookBody::Text,
    };
    let timeout = Duration::from_millis(timeout.0.max(1));
    match Webhook::new(url) {
        Ok(hook) => Ok(hook.with_timeout(timeout).with_body(body)),
        // What stands there may be a secret all the same, so that it is not quoted.
        Err(error) => Err(Error::new(error.kind(), format_args!("{place}: {error}"))),
    }
}

/// The address as it stands where the command line says, and a name for that place.
pub(crate) fn address(asked: &Address) -> Result<Option<(String, String)>, Error> {
    let named = asked.webhook_file.as_ref().and_then(|path| path.to_str()).or(asked.webhook_env.as_deref());
    if named.is_some_and(|name| name.contains("://")) {
        let why =
            "an address stands where --webhook-file takes a file, and --webhook-env the name of a variable";
        return Err(Error::new(ErrorKind::InvalidArgument, why));
    }
    if let Some(path) = &asked.webhook_file {
        let mut text = String::new();
        // An address is short: of another file that is named by mistake no more is read.
        let mut file = input::lines(path, |file| Box::new(file))?.take(ADDRESS_BYTES_MAX);
        file.read_to_string(&mut text).map_err(|error| input::cannot_read(path, &error))?;
        return Ok(Some((text.trim().to_owned(), input::name(path))));
    }
    if let Some(name) = &asked.webhook_env {
        let why = match std::env::var(name) {
            Ok(url) => return Ok(Some((url.trim().to_owned(), format!("environment variable {name}")))),
            Err(VarError::NotPresent) => "is not set",
            Err(VarError::NotUnicode(_)) => "is not UTF-8",
        };
        let message = format_args!("environment variable {name} {why}; it should hold a webhook's address");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(asked.webhook.clone().map(|url| (url, "--webhook".to_owned())))
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
    if plan.notices.is_empty() {
        return Err("the plan has no notices; `notices:` says who is told what, and when".into());
    }
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
            return Err(format!("no such notice goes to `{channel}`; they go to {}", listed(names)));
        }
    }
    Ok(notices)
}
