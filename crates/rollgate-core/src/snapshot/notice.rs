//! Messages to people: when each is owed, where it goes, and its text with what fills it.

use crate::id::Key;
use crate::time::Span;

/// When a notice is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeWhen {
    /// So long before the planned first exposure.
    BeforeStart(Span),
    /// On entering a phase.
    PhaseStarted,
    /// On passing a phase that has a next one.
    PhasePassed,
    /// On completion.
    Completed,
    /// On a rollback.
    RolledBack,
    /// On a stop.
    Stopped,
    /// A manual trigger proposes a rollback.
    Proposal,
    /// The gates are due, and people must decide.
    AwaitingDecision,
    /// A rollback did not cure what it was for.
    RollbackIneffective,
    /// The gates are due and do not pass.
    GatesFailed,
    /// The plan reminds of something.
    Reminder,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
}

impl NoticeWhen {
    /// As a plan writes it, without the span.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeStart(_) => "before_start",
            Self::PhaseStarted => "phase_started",
            Self::PhasePassed => "phase_passed",
            Self::Completed => "completed",
            Self::RolledBack => "rolled_back",
            Self::Stopped => "stopped",
            Self::Proposal => "proposal",
            Self::AwaitingDecision => "awaiting_decision",
            Self::RollbackIneffective => "rollback_ineffective",
            Self::GatesFailed => "gates_failed",
            Self::Reminder => "reminder",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

/// How often a channel hears of the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// Whatever happens, as it happens.
    Continuous,
    /// At most daily.
    Daily,
    /// Phases that begin and end, and incidents.
    Transitions,
    /// The weekly notice only.
    Weekly,
    /// Incidents only.
    Incidents,
}

impl Frequency {
    /// As a plan writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Daily => "daily",
            Self::Transitions => "transitions",
            Self::Weekly => "weekly",
            Self::Incidents => "incidents",
        }
    }

    /// Whether a notice comes as seldom as the channel expects.
    pub const fn fits(self, notice: &Notice) -> bool {
        use NoticeWhen as When;
        let (when, is_urgent) = (notice.when, notice.is_urgent);
        let is_incident = is_urgent
            || matches!(when, When::RolledBack | When::Stopped | When::RollbackIneffective | When::Proposal);
        match self {
            Self::Continuous => true,
            Self::Daily => is_urgent || !matches!(when, When::Reminder),
            Self::Transitions => is_incident || !matches!(when, When::Reminder | When::Daily | When::Weekly),
            Self::Weekly => matches!(when, When::Weekly),
            Self::Incidents => is_incident,
        }
    }
}

/// A channel of the plan's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name.
    pub key: Key,
    /// What it is for.
    pub purpose: String,
    /// How often it hears of the rollout.
    pub frequency: Option<Frequency>,
    /// Its sink fills `{recipient.…}`.
    pub is_per_recipient: bool,
}

/// What rollgate fills in when it sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The plan's title.
    Title,
    /// The plan's name.
    Name,
    /// The plan's date.
    Date,
    /// The planned first exposure.
    Start,
    /// The phase's title.
    PhaseTitle,
    /// The phase's key.
    PhaseId,
    /// The next phase's title.
    NextTitle,
    /// The next phase's key.
    NextId,
    /// Where a rollback went: a phase's key, `zero` or `set`.
    To,
    /// The same in words: a phase's title, or what was lowered.
    ToTitle,
    /// Every flag with its share.
    Shares,
    /// What caused it.
    Cause,
    /// The trigger's key.
    Trigger,
    /// The sentence of what was measured.
    Evidence,
    /// The roles that decide.
    Roles,
    /// The rollout's status.
    Status,
    /// What is reminded of.
    What,
    /// Left for the sink: a field of each recipient.
    Recipient(Key),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// As it is written; constants of the plan are filled in already.
    Text(String),
    /// Filled in when it is sent.
    Slot(Slot),
}

/// A text with its placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// In their order.
    pub parts: Vec<Part>,
    /// As the plan writes it.
    pub written: String,
}

/// A message to channels on a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Names the message: 8 hex digits of when and what it says.
    pub key: Key,
    /// When.
    pub when: NoticeWhen,
    /// Whether it should wake people.
    pub is_urgent: bool,
    /// For whom.
    pub audience: Key,
    /// Where to.
    pub channels: Vec<Key>,
    /// One line above the text.
    pub subject: Option<Template>,
    /// The text.
    pub message: Template,
}
