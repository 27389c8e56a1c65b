//! `rollgate evaluate`: what a flag serves for some keys, one JSON line a key.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::evaluate::{Attribute, Context, FlagRef, Trail, evaluate, evaluate_with, served};
use rollgate::core::id::FlagId;
use rollgate::core::snapshot::{Bucketing, FlagState, Ruleset, Snapshot};
use rollgate::core::units::Share;
use rollgate::wire;
use serde::Serialize;

use crate::args::{AttributeValue, EvaluateArgs, TableFormat};
use crate::input;
use crate::table::{Style, Table};

/// One line of the output.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    key: &'a str,
    on: bool,
    /// On, off, or the variant's name; null: the caller's default.
    variant: Option<&'a str>,
    /// What the variant serves; left out for flags that are on or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<serde_json::Value>,
    reason: &'static str,
    /// The flag's own bucket of the key, also where the answer did not need it; null where there is no key.
    bucket: Option<u32>,
    share: Share,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Vec<String>>,
}

/// A flag at some shares, and how much to say about its answers.
struct Question<'a> {
    snapshot: Snapshot,
    flag: FlagId,
    attributes: &'a [(String, AttributeValue)],
    is_explained: bool,
    /// One key, asked at a terminal: the steps are shown as lines too.
    is_for_a_person: bool,
}

/// Where answers go: straight to the output, or into a table that is written at the end.
enum Sheet<'a> {
    Lines(&'a mut dyn Write),
    Table(Table, Style),
}

/// Evaluates the keys that were asked for.
pub(crate) fn run(asked: &EvaluateArgs) -> ExitCode {
    let question = match input::plan(&asked.plan).and_then(|ruleset| Question::of(ruleset, asked)) {
        Ok(question) => question,
        Err(error) => return input::refuse_plan(&asked.plan, &error),
    };
    if let Some(note) = question.note() {
        eprintln!("note: {note}");
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut sheet = Sheet::new(asked, &mut out);
    // The parser asks for one of the two.
    let path = asked.subjects.keys.as_deref().unwrap_or(Path::new("-"));
    let read = match &asked.subjects.key {
        Some(key) => Ok(question.answer(key, &mut sheet)),
        None => input::lines(path, |file| Box::new(file))
            .and_then(|mut lines| question.answer_lines(path, &mut lines, &mut sheet)),
    };
    // What was answered before a bad line stands.
    let table = sheet.finish();
    let written = |outcome: io::Result<()>| {
        outcome.and_then(|()| write!(out, "{}", table.unwrap_or_default())).and_then(|()| out.flush())
    };
    match read {
        Ok(outcome) => input::written(written(outcome)),
        Err(error) => {
            let _ = written(Ok(()));
            input::refuse(&error)
        }
    }
}

impl<'a> Sheet<'a> {
    fn new(asked: &EvaluateArgs, out: &'a mut dyn Write) -> Self {
        let style = match asked.format {
            TableFormat::Json => return Self::Lines(out),
            TableFormat::Table => Style::Text,
            TableFormat::Markdown => Style::Markdown,
        };
        let headings = ["Key", "On", "Variant", "Reason", "Bucket", "Share"];
        let headings = headings.into_iter().chain(asked.explain.then_some("Why"));
        Self::Table(Table::new(headings.map(str::to_owned)), style)
    }

    fn add(&mut self, answer: &Answer<'_>) -> io::Result<()> {
        match self {
            Self::Lines(out) => {
                serde_json::to_writer(&mut **out, answer)?;
                out.write_all(b"\n")
            }
            Self::Table(table, _) => {
                let reason = answer.error.map_or(answer.reason, |error| error);
                let bucket = answer.bucket.map_or_else(|| "none".to_owned(), |bucket| bucket.to_string());
                let on = if answer.on { "on" } else { "off" };
                let cells = [answer.key, on, answer.variant.unwrap_or("default"), reason, &bucket];
                let cells = cells.map(str::to_owned).into_iter().chain([answer.share.to_string()]);
                table.add(cells.chain(answer.explain.as_ref().map(|steps| steps.join("\n"))));
                Ok(())
            }
        }
    }

    /// The table, where it is one.
    fn finish(self) -> Option<String> {
        match self {
            Self::Lines(_) => None,
            Self::Table(table, style) => Some(table.draw(style)),
        }
    }
}

impl<'a> Question<'a> {
    fn of(ruleset: Arc<Ruleset>, asked: &'a EvaluateArgs) -> Result<Self, Error> {
        let flag_of = |name: &str| {
            ruleset.flag_of(name).ok_or_else(|| {
                let known: Vec<&str> = ruleset.flags.iter().map(|flag| flag.key.as_str()).collect();
                let known = known.join(", ");
                Error::new(
                    ErrorKind::UnknownName,
                    format_args!("the plan has no flag `{name}`; it has {known}"),
                )
            })
        };
        let flag = flag_of(&asked.flag)?;
        let mut shares: Vec<Option<Share>> = vec![None; ruleset.flags.len()];
        let of_flag = asked.share.map(|share| (asked.flag.clone(), share));
        for (name, share) in of_flag.iter().chain(&asked.set) {
            let id = flag_of(name)?;
            if shares.get(id.index()).copied().flatten().is_some() {
                let why = format_args!("`{name}` is given two shares; give one, with --share or with --set");
                return Err(Error::new(ErrorKind::InvalidArgument, why));
            }
            if let Some(slot) = shares.get_mut(id.index()) {
                *slot = Some(*share);
            }
        }
        let state =
            |share: &Option<Share>| FlagState { share: share.unwrap_or_default(), ..FlagState::default() };
        let states = shares.iter().map(state).collect();
        let snapshot = Snapshot { version: 1, ruleset: ruleset.clone(), states };
        let is_line = asked.subjects.key.is_some() && asked.format == TableFormat::Json;
        let is_for_a_person = is_line && io::stderr().is_terminal();
        Ok(Self {
            snapshot,
            flag,
            attributes: &asked.attribute,
            is_explained: asked.explain,
            is_for_a_person,
        })
    }

    /// What surprises people: a parent at 0 % keeps its children off, whatever their share.
    fn note(&self) -> Option<String> {
        let flags = &self.snapshot.ruleset.flags;
        let state = |id: FlagId| self.snapshot.states.get(id.index());
        let flag = flags.get(self.flag.index())?;
        let parent = flag.parent?.flag;
        let is_shut = state(self.flag)?.share > Share::ZERO && state(parent)?.share == Share::ZERO;
        let (flag, parent) = (&flag.key, &flags.get(parent.index())?.key);
        is_shut.then(|| {
            format!("{flag} lies inside {parent}, which is at 0%; give it a share with --set {parent}=SHARE")
        })
    }

    fn answer(&self, key: &str, sheet: &mut Sheet<'_>) -> io::Result<()> {
        let lists: Vec<Vec<&str>> = self.attributes.iter().map(|(_, value)| texts(value)).collect();
        let attributes: Vec<(&str, Attribute<'_>)> = self
            .attributes
            .iter()
            .zip(&lists)
            .map(|((name, value), list)| (name.as_str(), attribute(value, list)))
            .collect();
        let (context, flag) = (Context::new(key).with_attributes(&attributes), FlagRef::Id(self.flag));
        let mut trail = Trail::default();
        let (evaluation, explain) = if self.is_explained {
            let evaluation = evaluate_with(&self.snapshot, flag, &context, &mut trail);
            (evaluation, Some(trail.0))
        } else {
            (evaluate(&self.snapshot, flag, &context), None)
        };
        let of_key = self.snapshot.ruleset.flags.get(self.flag.index());
        let of_key = of_key.filter(|flag| flag.by == Bucketing::TargetingKey && !key.is_empty());
        if let Some(steps) = explain.as_ref().filter(|_| self.is_for_a_person) {
            eprintln!("{}", steps.join("\n"));
        }
        let served = served(&self.snapshot.ruleset, Some(self.flag), evaluation);
        let side = evaluation.variant.map(|variant| variant.name());
        let answer = Answer {
            key,
            on: evaluation.is_on(),
            variant: served.variant.map(|variant| variant.key.as_str()).or(side),
            value: served.variant.and(served.value()).map(wire::value),
            reason: evaluation.reason.name(),
            bucket: of_key.map(|flag| flag.bucketer.bucket(key.as_bytes())),
            share: evaluation.share,
            error: evaluation.error.map(|code| code.name()),
            explain,
        };
        sheet.add(&answer)
    }

    /// One answer a line of keys. The outer error is about reading, the inner one about writing.
    fn answer_lines(
        &self,
        path: &Path,
        lines: &mut dyn BufRead,
        sheet: &mut Sheet<'_>,
    ) -> Result<io::Result<()>, Error> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read =
                lines.read_until(b'\n', &mut line).map_err(|error| input::cannot_read(path, &error))?;
            if read == 0 {
                if number == 1 {
                    eprintln!("note: {} has no keys; expected one key a line", input::name(path));
                }
                break;
            }
            // Only the line's end is taken off: a key is what stands there, byte for byte.
            let key =
                line.strip_suffix(b"\n").map_or(&line[..], |key| key.strip_suffix(b"\r").unwrap_or(key));
            let key = std::str::from_utf8(key).map_err(|_| {
                let why =
                    format_args!("{}, line {number}: not UTF-8; expected one key a line", input::name(path));
                Error::new(ErrorKind::InvalidArgument, why)
            })?;
            if let Err(error) = self.answer(key, sheet) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }
}

/// The texts of a list; none of anything else.
fn texts(value: &AttributeValue) -> Vec<&str> {
    match value {
        AttributeValue::List(items) => items.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn attribute<'a>(value: &'a AttributeValue, list: &'a [&'a str]) -> Attribute<'a> {
    match value {
        AttributeValue::Text(text) => Attribute::Text(text),
        AttributeValue::Number(number) => Attribute::Number(*number),
        AttributeValue::Bool(value) => Attribute::Bool(*value),
        AttributeValue::List(_) => Attribute::List(list),
    }
}
