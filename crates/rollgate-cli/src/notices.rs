//! `rollgate notices`: who is told what, when and where.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use rollgate::core::decide::{moment, planned_exposure};
use rollgate::core::snapshot::{Channel, Frequency, Notice, NoticeWhen, Plan, Ruleset};
use serde_json::{Value, json};

use crate::args::TableFormat;
use crate::input;
use crate::table::{Style, Table};

/// Prints the messages, and the channels where the plan has their table.
pub(crate) fn run(plan: &Path, format: TableFormat) -> ExitCode {
    let ruleset = match input::plan(plan) {
        Ok(ruleset) => ruleset,
        Err(error) => return input::refuse_plan(plan, &error),
    };
    let Some(plan) = &ruleset.plan else {
        return input::refuse(&"a setup of flags only tells nobody anything: it has no phases");
    };
    if plan.notices.is_empty() {
        eprintln!("note: the plan has no notices; `notices:` says who is told what, and when");
    }
    let mut out = io::stdout().lock();
    input::written(match format {
        TableFormat::Json => writeln!(out, "{}", json(plan)),
        TableFormat::Table => tables(&ruleset, plan, Style::Text, &mut out),
        TableFormat::Markdown => tables(&ruleset, plan, Style::Markdown, &mut out),
    })
}

/// `2d before the first exposure: 2026-01-18 00:00 UTC`, `rolled back (urgent)`.
fn when(ruleset: &Ruleset, plan: &Plan, notice: &Notice) -> String {
    let urgent = if notice.is_urgent { " (urgent)" } else { "" };
    match notice.when {
        NoticeWhen::BeforeStart(span) => match planned_exposure(plan) {
            Some(exposure) => {
                let at = moment(ruleset, Some(exposure - span));
                format!("{span} before the first exposure: {at}{urgent}")
            }
            None => format!("{span} before the first exposure{urgent}"),
        },
        when => format!("{}{urgent}", when.name().replace('_', " ")),
    }
}

/// What it says, on the lines of a table's cell.
fn message(notice: &Notice) -> String {
    match &notice.subject {
        Some(subject) => format!("{}\n{}", subject.written, notice.message.written.trim_end()),
        None => notice.message.written.trim_end().to_owned(),
    }
}

fn names(notice: &Notice) -> Vec<&str> {
    notice.channels.iter().map(|channel| channel.as_str()).collect()
}

fn tables(ruleset: &Ruleset, plan: &Plan, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new(["When", "Audience", "Channels", "Message"].map(str::to_owned));
    for notice in &plan.notices {
        let channels = names(notice).join("\n");
        table.add([when(ruleset, plan, notice), notice.audience.to_string(), channels, message(notice)]);
    }
    write!(out, "{}", table.draw(style))?;
    if plan.channels.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(["Channel", "Purpose", "Frequency"].map(str::to_owned));
    for channel in &plan.channels {
        let frequency = channel.frequency.map_or("", Frequency::name);
        table.add([channel.key.to_string(), channel.purpose.clone(), frequency.to_owned()]);
    }
    write!(out, "\n{}", table.draw(style))
}

fn json(plan: &Plan) -> Value {
    let notice = |notice: &Notice| {
        json!({
            "when": notice.when.name(),
            "at": match notice.when {
                NoticeWhen::BeforeStart(span) => planned_exposure(plan).map(|exposure| exposure - span),
                _ => None,
            },
            "urgent": notice.is_urgent,
            "audience": notice.audience,
            "channels": names(notice),
            "subject": notice.subject.as_ref().map(|subject| &subject.written),
            "message": notice.message.written,
        })
    };
    let channel = |channel: &Channel| {
        json!({
            "channel": channel.key,
            "purpose": channel.purpose,
            "frequency": channel.frequency.map(Frequency::name),
            "per_recipient": channel.is_per_recipient,
        })
    };
    json!({
        "notices": plan.notices.iter().map(notice).collect::<Vec<_>>(),
        "channels": plan.channels.iter().map(channel).collect::<Vec<_>>(),
    })
}
