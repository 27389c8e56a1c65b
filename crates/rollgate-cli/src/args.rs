//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;

use crate::rollout::Rollout;

/// What a script wants to know, and where somebody begins.
const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 a plan is refused, or what was asked did not come out well; 2 wrong usage, or input that cannot be \
read; 3 a store cannot be used: it is missing, away, damaged or of a later version. Standard output is data; what people \
should know is on standard error.

Begin with `rollgate demo`, then `rollgate check PLAN`.";

/// Progressive delivery: check a plan, ask what a flag serves, replay a rollout.
#[derive(Debug, Parser)]
#[command(name = "rollgate", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play the memory-system plan on simulated traffic and a fake clock
    Demo,
    /// Find every problem of a plan file
    Check {
        /// The plan file: YAML, TOML or JSON, by extension
        plan: PathBuf,
        /// Warnings are errors
        #[arg(long)]
        strict: bool,
        /// How problems are written
        #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
        format: CheckFormat,
    },
    /// Show the share of every flag in every phase
    Matrix {
        /// The plan file: YAML, TOML or JSON, by extension
        plan: PathBuf,
        /// How the table is written
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Say what a flag serves for some keys, as JSON lines
    Evaluate(EvaluateArgs),
    /// Write the ranges of variants whose shares have changed, so that as few subjects as can be get another one
    ///
    /// Put them into the new plan; without them its variants are cut anew, from the first to the last. Exits with 1 where
    /// there is nothing to carry over.
    Recut {
        /// The plan file with the new shares
        plan: PathBuf,
        /// The plan file that was running
        #[arg(long, value_name = "PLAN")]
        from: PathBuf,
        /// How the ranges are written
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Run a recorded trace through a plan; the journal comes out
    Replay(ReplayArgs),
    /// Fire every trigger of a plan on a fake clock, and show what each rollback lowers
    ///
    /// The engine is the real one, on healthy made-up samples; a phase is reached by overridden decisions, because the
    /// rehearsal is of the rollbacks. Exits with 1 where a trigger could not be made to fire, where a rollback did not
    /// lower what the plan says, or where an action failed.
    Rehearse(RehearseArgs),
    /// Show the risks of a plan with their triggers, and which of them have fired
    Risks {
        /// The plan file: YAML, TOML or JSON, by extension
        plan: PathBuf,
        /// The journal of its rollout, as JSON lines; without it nothing is known to have fired
        #[arg(long, value_name = "FILE")]
        journal: Option<PathBuf>,
        /// How the table is written
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// List flags that may be taken out of the code, and every place that names them
    ///
    /// With a journal: flags that it says are removable, and those that the plan calls final. Without one: every flag, and
    /// whether it may go is not known. Folders named .git, target and node_modules, links, binary files and files above
    /// 4 MiB are left out.
    Stale(StaleArgs),
    /// Show who is told what, when and where, and the table of channels
    Notices {
        /// The plan file: YAML, TOML or JSON, by extension
        plan: PathBuf,
        /// How the tables are written
        #[arg(long, value_enum, default_value_t = TableFormat::Table)]
        format: TableFormat,
    },
    /// Write out notices as they would be sent, and try the webhook that takes them
    Notify(NotifyArgs),
    /// Turn flags of Unleash, LaunchDarkly, GrowthBook or flagd into a plan
    ///
    /// The plan is on standard output. Every subject stays on its side: shares and variants are hashed as they were. What
    /// did not come over as it was is listed on standard error, and never left out in silence.
    Import(ImportArgs),
    #[command(flatten)]
    Rollout(Rollout),
}

/// Whether warnings count as errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strictness {
    /// Warnings are shown.
    Lenient,
    /// Warnings are errors.
    Strict,
}

/// How problems are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Where the flags come from
    #[arg(value_enum)]
    pub(crate) source: ImportSource,
    /// Their JSON; - is standard input
    ///
    /// Unleash: /api/client/features. LaunchDarkly: a file data source, or /sdk/latest-all. GrowthBook: /api/features/KEY.
    /// flagd: a flag definition.
    pub(crate) file: PathBuf,
    /// The plan's name; default: the source's
    #[arg(long, value_name = "NAME", value_parser = plan_name)]
    pub(crate) name: Option<String>,
    /// How the plan is written
    #[arg(long, value_enum, default_value_t = ImportFormat::Yaml)]
    pub(crate) format: ImportFormat,
    /// Exit with 1 where evaluations may give something else than they did
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Where flags come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportSource {
    /// Unleash
    Unleash,
    /// LaunchDarkly
    Launchdarkly,
    /// GrowthBook
    Growthbook,
    /// flagd
    Flagd,
}

/// How an imported plan is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// YAML
    Yaml,
    /// JSON
    Json,
}

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// Aligned columns
    Table,
    /// For programs
    Json,
    /// For a document
    Markdown,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// The plan file: YAML, TOML or JSON, by extension
    pub(crate) plan: PathBuf,
    /// The flag to evaluate
    #[arg(long, value_name = "FLAG")]
    pub(crate) flag: String,
    /// The flag's share, for example 10%; default: every flag is at 0%
    #[arg(long, value_name = "SHARE", value_parser = Share::parse, allow_hyphen_values = true)]
    pub(crate) share: Option<Share>,
    /// The share of any flag, for example of a parent; may be repeated
    #[arg(long, value_name = "FLAG=SHARE", value_parser = flag_share)]
    pub(crate) set: Vec<(String, Share)>,
    #[command(flatten)]
    pub(crate) subjects: Subjects,
    /// An attribute of the context, for rules; may be repeated. 31 is a number, true a truth value, ["a","b"] a list,
    /// and all else a text; "31" in quotes is a text too
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute)]
    pub(crate) attribute: Vec<(String, AttributeValue)>,
    /// Add the steps that led to each answer: prerequisites, lists, rules with their conditions, bucket against threshold
    #[arg(long)]
    pub(crate) explain: bool,
    /// How answers are written: one JSON object a line, or a table
    #[arg(long, value_enum, default_value_t = TableFormat::Json)]
    pub(crate) format: TableFormat,
}

/// The value of an attribute, as it is typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum AttributeValue {
    Text(String),
    Number(f64),
    Bool(bool),
    List(Vec<String>),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Subjects {
    /// One targeting key
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub(crate) key: Option<String>,
    /// A file of targeting keys, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// The plan file: YAML, TOML or JSON, by extension
    pub(crate) plan: PathBuf,
    /// JSON lines ordered by time; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: PathBuf,
    /// Keep state and journal in this store, and go on from what it holds; only records of this trace are written out
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Stop at this time, for example 2026-01-19T10:00:00Z; a shorter trace is continued up to it
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// How journal records are written
    #[arg(long, value_enum, default_value_t = JournalFormat::Jsonl)]
    pub(crate) format: JournalFormat,
    /// After the journal, the scorecard of the phase that the rollout is in
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) scorecard: Option<CardFormat>,
    /// Which scorecard; default: final once the rollout is completed, else that of the phase
    #[arg(long, value_enum, requires = "scorecard")]
    pub(crate) form: Option<CardForm>,
    /// After the journal, a report; may be repeated; in the format of --report-format
    #[arg(long, value_enum, value_name = "REPORT")]
    pub(crate) report: Vec<ReportName>,
    /// How reports are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub(crate) report_format: ReportFormat,
}

/// Which scorecard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CardForm {
    /// The rows of every morning
    Daily,
    /// Criteria, incidents, rollbacks, overrides and the baseline of the last 7 days
    Weekly,
    /// The gates, for the decision
    Phase,
    /// Gates and targets at the end, with 7-day averages
    Final,
}

/// Which report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportName {
    /// What the plan says of itself, and its phases
    Plan,
    /// A few lines for the morning
    Summary,
    /// Alerts between 17:00 and the morning
    Overnight,
    /// ON against OFF, now and day by day
    Arms,
    /// Baseline, target and now
    Baseline,
    /// What is asked, phase by phase and in production
    Targets,
    /// The last minutes
    Realtime,
    /// Hours and days
    Performance,
    /// Levels, their growth and their limits
    Capacity,
    /// The last seven days by hour of the day
    Hours,
    /// Levels in half a year
    Projection,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a terminal
    Text,
    /// Markdown
    Md,
    /// One JSON object in one line
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct RehearseArgs {
    /// The plan file: YAML, TOML or JSON, by extension
    pub(crate) plan: PathBuf,
    /// Run the actions before steps: each `run` goes to `sh -c`, in the plan's folder
    ///
    /// They see the environment of this command, and ROLLGATE_REHEARSAL=1, ROLLGATE_PLAN, ROLLGATE_PHASE, ROLLGATE_STEP and
    /// ROLLGATE_ACTION. Each is killed at its timeout. Without this they are listed as not run.
    #[arg(long)]
    pub(crate) run_actions: bool,
    /// How the tables are written
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub(crate) format: TableFormat,
}

#[derive(Debug, Args)]
pub(crate) struct StaleArgs {
    /// The plan file: YAML, TOML or JSON, by extension
    pub(crate) plan: PathBuf,
    /// The folder to look through
    #[arg(long, value_name = "DIR")]
    pub(crate) source: PathBuf,
    /// The journal of its rollout, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// How the table is written
    #[arg(long, value_enum, default_value_t = TableFormat::Table)]
    pub(crate) format: TableFormat,
}

#[derive(Debug, Args)]
pub(crate) struct NotifyArgs {
    /// The plan file: YAML, TOML or JSON, by extension
    pub(crate) plan: PathBuf,
    /// The transition, for example rolled_back; default: all that the plan has notices for
    #[arg(long, value_name = "WHEN")]
    pub(crate) when: Option<String>,
    /// The phase it happens in; default: the first that exposes anybody
    #[arg(long, value_name = "PHASE")]
    pub(crate) phase: Option<String>,
    /// Only this channel
    #[arg(long, value_name = "CHANNEL")]
    pub(crate) channel: Option<String>,
    #[command(flatten)]
    pub(crate) address: Address,
    /// What is posted
    #[arg(long, value_enum, default_value_t = PostBody::Notice, requires = "address")]
    pub(crate) body: PostBody,
    /// How often each is tried, 1 to 20
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20), requires = "address")]
    pub(crate) attempts: u32,
    /// The wait before the second attempt; it doubles with each
    #[arg(long, value_name = "SPAN", value_parser = Span::parse, default_value = "1s", requires = "address")]
    pub(crate) wait: Span,
    /// The longest wait for an answer
    #[arg(long, value_name = "SPAN", value_parser = Span::parse, default_value = "5s", requires = "address")]
    pub(crate) timeout: Span,
}

/// Where notices are posted; in none of these ways: nowhere. The address of a webhook is a secret, and a command line is
/// none: others see it in the list of processes, and a shell remembers it.
#[derive(Args)]
#[group(id = "address", multiple = false)]
pub(crate) struct Address {
    /// Post them to the address in this file, each marked as a test; - is standard input
    ///
    /// Without one of the three --webhook options notices are only written out. No message shows more of an address than its
    /// host.
    #[arg(long, value_name = "FILE")]
    pub(crate) webhook_file: Option<PathBuf>,
    /// The same, with the address in this environment variable; default: ROLLGATE_WEBHOOK
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "ROLLGATE_WEBHOOK")]
    pub(crate) webhook_env: Option<String>,
    /// The same, with the address itself; others can read it in the list of processes
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
}

/// Its address is a secret.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address")
    }
}

/// What a webhook is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PostBody {
    /// The whole notice as JSON
    Notice,
    /// {"text": …}, for chat rooms such as Slack's
    Text,
}

/// How journal records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JournalFormat {
    /// One JSON record a line
    Jsonl,
    /// For people
    Text,
}

/// How a scorecard is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CardFormat {
    /// Markdown
    Md,
    /// One JSON object in one line
    Json,
    /// For a terminal
    Text,
    /// Metrics, shares and verdicts for a Prometheus server
    Prometheus,
}

pub(crate) fn flag_share(text: &str) -> Result<(String, Share), String> {
    let Some((flag, share)) = text.split_once('=').filter(|(flag, _)| !flag.is_empty()) else {
        return Err("expected FLAG=SHARE, for example USE_X=10%".into());
    };
    let share = Share::parse(share).map_err(|error| error.to_string())?;
    Ok((flag.to_owned(), share))
}

fn attribute(text: &str) -> Result<(String, AttributeValue), String> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err("expected NAME=VALUE, for example country=DE".into());
    };
    let plain = || AttributeValue::Text(value.to_owned());
    let value = match serde_json::from_str(value) {
        Ok(serde_json::Value::Bool(value)) => AttributeValue::Bool(value),
        Ok(serde_json::Value::Number(number)) => number.as_f64().map_or_else(plain, AttributeValue::Number),
        Ok(serde_json::Value::String(text)) => AttributeValue::Text(text),
        Ok(serde_json::Value::Array(items)) => {
            let texts: Option<Vec<String>> =
                items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            AttributeValue::List(texts.ok_or("a list has texts only, for example [\"a\",\"b\"]")?)
        }
        _ => plain(),
    };
    Ok((name.to_owned(), value))
}

fn plan_name(text: &str) -> Result<String, String> {
    let is_fine = !text.is_empty()
        && text.len() <= 128
        && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_fine { Ok(text.to_owned()) } else { Err("expected 1 to 128 bytes without white space".into()) }
}

pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    match text.parse::<i64>() {
        Ok(ms) => Ok(Timestamp(ms)),
        Err(_) => Timestamp::parse(text).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[track_caller]
    fn refuses(line: &str, kind: ErrorKind) {
        let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
        assert_eq!(error.kind(), kind, "{line}");
        assert_eq!(error.exit_code(), 2, "{line}");
    }

    #[test]
    fn wrong_usage_exits_with_2() {
        refuses("rollgate", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
        refuses("rollgate evaluate p --flag F", ErrorKind::MissingRequiredArgument);
        refuses("rollgate evaluate p --flag F --key a --keys b", ErrorKind::ArgumentConflict);
        refuses("rollgate evaluate p --flag F --key a --share 1", ErrorKind::ValueValidation);
        refuses("rollgate evaluate p --flag F --key a --share -5%", ErrorKind::ValueValidation);
        refuses("rollgate evaluate p --flag F --key a --set F", ErrorKind::ValueValidation);
        refuses("rollgate evaluate p --flag F --key a --set =1%", ErrorKind::ValueValidation);
        refuses("rollgate replay p", ErrorKind::MissingRequiredArgument);
        refuses("rollgate replay p --trace - --until soon", ErrorKind::ValueValidation);
        refuses("rollgate replay p --trace - --scorecard pdf", ErrorKind::InvalidValue);
        refuses("rollgate notify p --attempts 2", ErrorKind::MissingRequiredArgument);
        refuses("rollgate notify p --webhook http://x --webhook-env", ErrorKind::ArgumentConflict);
        refuses("rollgate notify p --webhook http://x --webhook-file f", ErrorKind::ArgumentConflict);
        refuses("rollgate notify p --webhook http://x --attempts 0", ErrorKind::ValueValidation);
        refuses("rollgate notify p --webhook http://x --timeout 5", ErrorKind::ValueValidation);
        refuses("rollgate replay p --trace - --form weekly", ErrorKind::MissingRequiredArgument);
        refuses("rollgate replay p --trace - --report gossip", ErrorKind::InvalidValue);
        refuses("rollgate check p --format yaml", ErrorKind::InvalidValue);
        refuses("rollgate import unleash", ErrorKind::MissingRequiredArgument);
        refuses("rollgate import flipt f", ErrorKind::InvalidValue);
        refuses("rollgate import flagd f --name ", ErrorKind::ValueValidation);
    }

    #[test]
    fn options_are_read() {
        let line = "rollgate evaluate p --flag F --share 10% --set A=0.5 --set B=0 --key -x --explain";
        let Command::Evaluate(asked) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("{line}")
        };
        assert_eq!(asked.share.map(Share::ppm), Some(100_000));
        let set: Vec<_> = asked.set.iter().map(|(flag, share)| (flag.as_str(), share.ppm())).collect();
        assert_eq!(set, [("A", 500_000), ("B", 0)]);
        assert_eq!(asked.subjects.key.as_deref(), Some("-x"));
        let line = "rollgate replay p --trace - --until 1970-01-01T00:00:01Z --format text --scorecard md";
        let Command::Replay(asked) = Cli::try_parse_from(line.split(' ')).unwrap().command else {
            panic!("{line}")
        };
        assert_eq!(asked.until, Some(Timestamp(1_000)));
        assert_eq!((asked.format, asked.scorecard), (JournalFormat::Text, Some(CardFormat::Md)));
    }
}
