//! Scorecards and reports after a replay, in the form and format that were asked for.

use std::io::{self, Write};

use rollgate::core::decide::Status;
use rollgate::core::report::{Document, Form, Scorecard};
use rollgate::{Engine, Report};

use crate::args::{CardForm, CardFormat, ReportFormat, ReportName};
use crate::paint::Paint;

/// What is written after the journal, or by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The scorecard, in this format.
    pub(crate) scorecard: Option<CardFormat>,
    /// Which; default: final once the rollout is completed, else that of the phase.
    pub(crate) form: Option<CardForm>,
    /// Reports after it.
    pub(crate) reports: &'a [ReportName],
    /// How they are written.
    pub(crate) report_format: ReportFormat,
}

/// Writes what was asked for, if anything was.
pub(crate) fn write(wanted: &Wanted<'_>, engine: &Engine, out: &mut dyn Write) -> io::Result<()> {
    if let Some(format) = wanted.scorecard {
        let form = match wanted.form {
            Some(CardForm::Daily) => Form::Daily,
            Some(CardForm::Weekly) => Form::Weekly,
            Some(CardForm::Phase) => Form::Phase,
            Some(CardForm::Final) => Form::Final,
            None if engine.status().status == Status::Completed => Form::Final,
            None => Form::Phase,
        };
        write_card(format, engine, &engine.scorecard(form), out)?;
    }
    for report in wanted.reports {
        write_report(wanted.report_format, *report, engine, out)?;
    }
    Ok(())
}

fn write_card(format: CardFormat, engine: &Engine, card: &Scorecard, out: &mut dyn Write) -> io::Result<()> {
    match format {
        CardFormat::Md => write!(out, "\n{}", card.to_markdown()),
        CardFormat::Text => write!(out, "\n{}", Paint::of_stdout().card(card)),
        CardFormat::Prometheus => write!(out, "{}", engine.prometheus()),
        CardFormat::Json => {
            serde_json::to_writer(&mut *out, card)?;
            writeln!(out)
        }
    }
}

fn write_report(
    format: ReportFormat,
    report: ReportName,
    engine: &Engine,
    out: &mut dyn Write,
) -> io::Result<()> {
    let document: Document = engine.report(match report {
        ReportName::Plan => Report::Plan,
        ReportName::Summary => Report::Summary,
        ReportName::Overnight => Report::Overnight,
        ReportName::Arms => Report::Arms,
        ReportName::Baseline => Report::Baseline,
        ReportName::Targets => Report::Targets,
        ReportName::Realtime => Report::Realtime,
        ReportName::Performance => Report::Performance,
        ReportName::Capacity => Report::Capacity,
        ReportName::Hours => Report::Hours,
        ReportName::Projection => Report::Projection,
    });
    match format {
        ReportFormat::Md => write!(out, "\n{}", document.to_markdown()),
        ReportFormat::Text => write!(out, "\n{}", Paint::of_stdout().document(&document)),
        ReportFormat::Json => {
            serde_json::to_writer(&mut *out, &document)?;
            writeln!(out)
        }
    }
}
