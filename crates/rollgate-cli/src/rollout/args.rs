//! What can be asked of a rollout that lives in a store.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use rollgate::core::time::Timestamp;
use rollgate::core::units::Share;

use crate::args::{
    CardForm, CardFormat, JournalFormat, PostBody, ReportFormat, ReportName, flag_share, time,
};

/// Exit codes of everything here.
const AFTER_HELP: &str = "\
Exit codes: 0 done; 1 refused, with the reason, which is journalled too; 2 wrong usage, or a plan that does not go with the \
store; 3 the store cannot be used: it is missing, away, damaged or of a later version.";

/// Commands on a store.
#[derive(Debug, Subcommand)]
pub(crate) enum Rollout {
    /// Run a plan on a store: tick until SIGINT or SIGTERM, and print the journal as it grows
    ///
    /// For plans that no program of yours runs, or beside programs that evaluate flags on the same store: one of them leads,
    /// and this one takes over when it ends. At the end the lease is given back; shares stay as they are.
    #[command(after_help = AFTER_HELP)]
    Run(RunArgs),
    /// Where the rollout stands, what it waits for, and who leads it
    #[command(after_help = AFTER_HELP)]
    Status(LookArgs),
    /// The scorecard of the phase, judged now
    #[command(after_help = AFTER_HELP)]
    Scorecard(CardArgs),
    /// The journal, as text or as JSON lines; `journal verify` checks its hash chain
    #[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
    Journal(JournalArgs),
    /// The share of every flag now
    #[command(after_help = AFTER_HELP)]
    Flags(LookArgs),
    #[command(flatten)]
    Act(Act),
}

/// What people ask of a rollout; each is journalled with who asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Act {
    /// Begin the first phase
    #[command(after_help = AFTER_HELP)]
    Start(Asked),
    /// Decide on the phase: go, no_go or rollback
    #[command(after_help = AFTER_HELP)]
    Decide {
        /// What
        #[arg(value_enum)]
        choice: ChoiceName,
        /// Why
        #[arg(long, value_name = "TEXT")]
        rationale: String,
        /// Where a rollback goes: a phase, zero, or a name that the plan gives (partial, full)
        #[arg(long, value_name = "TARGET")]
        to: Option<String>,
        /// A go although the gates do not pass, and why
        #[arg(long = "override", value_name = "REASON")]
        over: Option<String>,
        #[command(flatten)]
        asked: Asked,
    },
    /// Approve the rollback that a manual trigger proposes
    #[command(after_help = AFTER_HELP)]
    Approve {
        /// The trigger
        trigger: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        rationale: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// Turn down what a manual trigger proposes
    #[command(after_help = AFTER_HELP)]
    Dismiss {
        /// The trigger
        trigger: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// Sign a statement that a gate or a contingency asks for
    #[command(after_help = AFTER_HELP)]
    Attest {
        /// The item
        item: String,
        /// false takes back one's own statement; without one it is an objection
        #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, conflicts_with = "passed")]
        value: bool,
        /// How many passed
        #[arg(long, value_name = "N", requires = "of")]
        passed: Option<u64>,
        /// Of how many
        #[arg(long, value_name = "N", requires = "passed")]
        of: Option<u64>,
        #[command(flatten)]
        asked: Asked,
    },
    /// Check an item of the phase's checklist, or what is left to do after the rollout
    #[command(after_help = AFTER_HELP)]
    CheckItem {
        /// The item
        item: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// Say that what a reminder asked for has been done
    #[command(after_help = AFTER_HELP)]
    Acknowledge {
        /// The item of the schedule
        item: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// Set shares by hand, all or none; lowering is always allowed
    #[command(after_help = AFTER_HELP)]
    Set {
        /// Flags and shares, for example NEW_SEARCH=10%
        #[arg(value_name = "FLAG=SHARE", required = true, value_parser = flag_share)]
        shares: Vec<(String, Share)>,
        /// Why; needed above what the current step allows
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// Give flags back to the plan; without names: all that were set by hand
    #[command(after_help = AFTER_HELP)]
    Release {
        /// Flags
        flags: Vec<String>,
        #[command(flatten)]
        asked: Asked,
    },
    /// Hold the clocks of duration, hold and soak; triggers stay live
    #[command(after_help = AFTER_HELP)]
    Pause(Reasoned),
    /// Let the clocks run again; runs an action that failed again
    #[command(after_help = AFTER_HELP)]
    Resume(Reasoned),
    /// Turn every flag of the plan off, now, from any status, until a retry
    #[command(after_help = AFTER_HELP)]
    Stop(Reasoned),
    /// Enter again after a rollback or a stop
    #[command(after_help = AFTER_HELP)]
    Retry(Asked),
    /// Measure the baselines that are to be captured
    #[command(after_help = AFTER_HELP)]
    CaptureBaseline(Asked),
    /// Write a remark beside the numbers, of one metric or of all
    #[command(after_help = AFTER_HELP)]
    Annotate {
        /// What
        text: String,
        /// Of which metric
        #[arg(long, value_name = "METRIC")]
        metric: Option<String>,
        #[command(flatten)]
        asked: Asked,
    },
    /// Add a thing to do; `check-item` checks it off
    #[command(after_help = AFTER_HELP)]
    FollowUp {
        /// Its name
        item: String,
        /// What is to be done
        #[arg(long, value_name = "TEXT")]
        title: String,
        /// Who does it: a role or a person
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// By when: a date such as 2026-02-01, or a length of time from now such as 2w
        #[arg(long, value_name = "WHEN")]
        due: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// Report the result of the action that a step waits for
    #[command(after_help = AFTER_HELP)]
    ReportAction {
        /// The action
        action: String,
        #[command(flatten)]
        result: ActionOutcome,
        /// What it wrote, or why it failed
        #[arg(long, value_name = "TEXT", default_value = "")]
        output: String,
        /// Which run of it; needed where it was started more than once
        #[arg(long, value_name = "N")]
        run: Option<u64>,
        #[command(flatten)]
        asked: Asked,
    },
}

/// How an action ended.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ActionOutcome {
    /// It succeeded
    #[arg(long)]
    pub(crate) ok: bool,
    /// It failed
    #[arg(long)]
    pub(crate) failed: bool,
}

/// Where the rollout is.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The store's file; default: the environment variable ROLLGATE_STORE
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
}

/// Where the rollout is, and its plan.
#[derive(Debug, Args)]
pub(crate) struct Planned {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The plan file; default: the text that the store keeps
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<PathBuf>,
}

/// A command without words of its own.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    #[command(flatten)]
    pub(crate) planned: Planned,
    /// Who asks; default: the environment variable ROLLGATE_BY, else USER
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// The role that they act in, where they have several
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub(crate) format: AnswerFormat,
}

/// A command that may say why.
#[derive(Debug, Args)]
pub(crate) struct Reasoned {
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) asked: Asked,
}

/// What a decision says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChoiceName {
    /// On to the next phase
    Go,
    /// Not yet: extend the phase
    #[value(name = "no_go", alias = "no-go")]
    NoGo,
    /// Back
    Rollback,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AnswerFormat {
    /// For people
    Text,
    /// One JSON object in one line
    Json,
}

/// A look at the rollout.
#[derive(Debug, Args)]
pub(crate) struct LookArgs {
    #[command(flatten)]
    pub(crate) planned: Planned,
    /// How it is written
    #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
    pub(crate) format: AnswerFormat,
}

/// A scorecard, or a report.
#[derive(Debug, Args)]
pub(crate) struct CardArgs {
    #[command(flatten)]
    pub(crate) planned: Planned,
    /// Which; default: final once the rollout is completed, else that of the phase
    #[arg(long, value_enum)]
    pub(crate) form: Option<CardForm>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = CardFormat::Text)]
    pub(crate) format: CardFormat,
    /// A report after it; may be repeated
    #[arg(long, value_enum, value_name = "REPORT")]
    pub(crate) report: Vec<ReportName>,
    /// How reports are written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub(crate) report_format: ReportFormat,
}

/// The journal.
#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    #[command(subcommand)]
    pub(crate) what: Option<JournalWhat>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Go on as it grows, until it is interrupted
    #[arg(long)]
    pub(crate) follow: bool,
    /// Only records after this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) after: u64,
    /// Only records of this kind, for example rolled_back; may be repeated
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Vec<String>,
    /// How records are written; as text without those that only machines need
    #[arg(long, value_enum, default_value_t = JournalFormat::Text)]
    pub(crate) format: JournalFormat,
}

/// What else is done with a journal.
#[derive(Debug, Subcommand)]
pub(crate) enum JournalWhat {
    /// Check every number and hash: that no record was changed, dropped or moved
    Verify {
        #[command(flatten)]
        place: Place,
        /// How the answer is written
        #[arg(long, value_enum, default_value_t = AnswerFormat::Text)]
        format: AnswerFormat,
    },
}

/// A plan that is run.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The plan file: YAML, TOML or JSON, by extension; default: the text that the store keeps
    pub(crate) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// End at this time of the calendar, for example 2026-01-19T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// How journal records are written
    #[arg(long, value_enum, default_value_t = JournalFormat::Text)]
    pub(crate) format: JournalFormat,
    /// Run the actions before steps: each `run` goes to `sh -c`, in the plan's folder
    ///
    /// They see the environment of this command, and ROLLGATE_PLAN, ROLLGATE_PHASE, ROLLGATE_STEP and ROLLGATE_ACTION. Each
    /// is killed at its timeout. Without this their results are reported by `rollgate report-action`.
    #[arg(long)]
    pub(crate) run_actions: bool,
    #[command(flatten)]
    pub(crate) hook: Hook,
    /// What is posted
    #[arg(long, value_enum, default_value_t = PostBody::Notice, requires = "hook")]
    pub(crate) body: PostBody,
}

/// Where notices are posted. An address is a secret, and a command line is none.
#[derive(Debug, Args)]
#[group(id = "hook", multiple = false)]
pub(crate) struct Hook {
    /// Post notices to the address in this file; without one of the two --webhook options they stand in the journal only
    #[arg(long, value_name = "FILE")]
    pub(crate) webhook_file: Option<PathBuf>,
    /// The same, with the address in this environment variable; default: ROLLGATE_WEBHOOK
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "ROLLGATE_WEBHOOK")]
    pub(crate) webhook_env: Option<String>,
}
