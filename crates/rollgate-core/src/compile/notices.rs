//! Messages on transitions: when, to whom, and what fills their placeholders.

use xxhash_rust::xxh3::xxh3_64;

use super::condition::missing;
use super::flags::unknown;
use super::plan::is_empty;
use super::reader::{Item, Reader};
use super::template::{Constant, Filling, NAMES, template};
use crate::config::Value;
use crate::id::Key;
use crate::limits::{CHANNELS_MAX, CONDITIONS_MAX};
use crate::snapshot::{Channel, Frequency, Notice, NoticeWhen, Template};
use crate::time::{Span, Timestamp};

/// Compiles `values`.
pub(super) fn values(reader: &mut Reader, item: Option<Item<'_>>) -> Vec<Constant> {
    let Some(item) = item else { return Vec::new() };
    let mut values = Vec::new();
    for (key, at, item) in reader.named(&item, "a map of texts", CONDITIONS_MAX) {
        if NAMES.contains(&key) || key.starts_with("recipient.") || key.contains(['{', '}']) {
            reader.error_help(
                "reserved-name",
                &item.path,
                at,
                format_args!("`{{{key}}}` is filled by rollgate itself, or cannot be written"),
                "give the value another name",
            );
        }
        if let Some(text) = reader.text(&item) {
            values.push((key.to_owned(), text));
        }
    }
    values
}

/// Compiles `channels`; `None` where the plan has no such table.
pub(super) fn channels(reader: &mut Reader, item: Option<Item<'_>>) -> Option<Vec<Channel>> {
    let item = item?;
    let mut channels = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of channels", CHANNELS_MAX) {
        let Some(mut map) = reader.map(&item, "a map of one channel") else { continue };
        let purpose = reader.opt_text(map.take("purpose"));
        let frequency = map.take("frequency").and_then(|item| {
            use Frequency::{Continuous, Daily, Incidents, Transitions, Weekly};
            let all = [Continuous, Daily, Transitions, Weekly, Incidents];
            reader.word(&item, &all.map(|frequency| (frequency.name(), frequency)))
        });
        let is_per_recipient = map.take("per_recipient").and_then(|item| reader.flag(&item)).unwrap_or(false);
        reader.close(map);
        channels.push(Channel { key: Key::new(key), purpose, frequency, is_per_recipient });
    }
    Some(channels)
}

/// Compiles `notices`.
pub(super) fn notices(
    reader: &mut Reader,
    item: Option<Item<'_>>,
    date: Option<Timestamp>,
    values: &[Constant],
    channels: Option<&[Channel]>,
) -> Vec<Notice> {
    let Some(item) = item else { return Vec::new() };
    let mut notices: Vec<Notice> = Vec::new();
    for item in reader.list(&item, "a list of notices", CONDITIONS_MAX) {
        let Some(notice) = notice(reader, &item, date, values, channels) else { continue };
        let twin = notices.iter().find(|other| {
            other.key == notice.key && other.channels.iter().any(|channel| notice.channels.contains(channel))
        });
        if twin.is_some() {
            reader.error_help(
                "duplicate-notice",
                &item.path,
                item.at(),
                "the same message goes to the same channel twice",
                "remove one of them, or the channel from one",
            );
        }
        notices.push(notice);
    }
    notices
}

fn notice(
    reader: &mut Reader,
    item: &Item<'_>,
    date: Option<Timestamp>,
    values: &[Constant],
    table: Option<&[Channel]>,
) -> Option<Notice> {
    let mut map = reader.map(item, "a map with when, channels and message")?;
    let when = map
        .take("when")
        .or_else(|| missing(reader, item, "when", "a transition such as phase_started"))
        .and_then(|item| notice_when(reader, &item));
    let is_urgent = map.take("urgent").and_then(|item| reader.flag(&item)).unwrap_or(false);
    let audience = Key::new(reader.opt_text(map.take("audience")));
    let channels_item = map.take("channels");
    let channels = channels_of(reader, item, channels_item.as_ref(), table);
    let listed = |key: &Key| table.unwrap_or_default().iter().find(|listed| listed.key == *key);
    let shared = channels.iter().find(|key| !listed(key).is_some_and(|channel| channel.is_per_recipient));
    let filling = when.map(|when| Filling::of(when, date, values, shared.map(Key::as_str)));
    let text_of = |reader: &mut Reader, item: &Item<'_>| {
        let text = reader.text(item)?;
        Some(match &filling {
            Some(filling) => template(reader, item, &text, filling),
            None => Template::default(),
        })
    };
    let subject = map.take("subject").and_then(|item| {
        let subject = text_of(reader, &item)?;
        one_line(reader, &item, &subject);
        Some(subject)
    });
    let message = map
        .take("message")
        .or_else(|| missing(reader, item, "message", "the text"))
        .and_then(|item| text_of(reader, &item));
    reader.close(map);
    if date.is_none() && matches!(when, Some(NoticeWhen::BeforeStart(_))) {
        reader.warn(
            "notice-never-sent",
            &item.path,
            item.key_at(),
            "the notice counts back from the first day, and the plan has none",
            "add `date:` to the plan",
        );
    }
    let (when, message) = (when?, message?);
    let key = key_of(when, subject.as_ref(), &message);
    let notice = Notice { key, when, is_urgent, audience, channels, subject, message };
    for key in &notice.channels {
        let Some(frequency) = listed(key).and_then(|channel| channel.frequency) else { continue };
        if !frequency.fits(&notice) {
            let place = channels_item.as_ref().unwrap_or(item);
            reader.warn(
                "channel-frequency",
                &place.path,
                place.at(),
                format_args!(
                    "`{}` does not fit channel `{key}`, which hears of the rollout {}",
                    notice.when.name(),
                    heard(frequency)
                ),
                "take the channel out of the notice, or change its `frequency`",
            );
        }
    }
    Some(notice)
}

const fn heard(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Continuous => "continuously",
        Frequency::Daily => "daily",
        Frequency::Transitions => "when phases begin and end",
        Frequency::Weekly => "weekly",
        Frequency::Incidents => "at incidents only",
    }
}

fn channels_of(
    reader: &mut Reader,
    notice: &Item<'_>,
    item: Option<&Item<'_>>,
    table: Option<&[Channel]>,
) -> Vec<Key> {
    let Some(item) = item.filter(|item| !is_empty(item.node)) else {
        let _ = missing(reader, notice, "channels", "at least one channel");
        return Vec::new();
    };
    let mut channels: Vec<Key> = Vec::new();
    for item in reader.list(item, "a list of channels", CHANNELS_MAX) {
        let Some(name) = reader.text(&item) else { continue };
        if let Some(table) = table
            && !table.iter().any(|channel| channel.key == *name)
        {
            let known = table.iter().map(|channel| channel.key.as_str());
            unknown(reader, "unknown-channel", "channel", &item, &name, known);
        }
        // One message goes to one channel once.
        let key = Key::new(name);
        if !channels.contains(&key) {
            channels.push(key);
        }
    }
    channels
}

/// A subject is a header: a line's end in it would begin another one.
fn one_line(reader: &mut Reader, item: &Item<'_>, subject: &Template) {
    let is_plain = subject.parts.iter().all(|part| match part {
        crate::snapshot::Part::Text(text) => !text.chars().any(char::is_control),
        crate::snapshot::Part::Slot(_) => true,
    });
    if !is_plain {
        reader.error_help(
            "not-one-line",
            &item.path,
            item.at(),
            "a subject is one line",
            "put the rest into `message`",
        );
    }
}

/// The same message on the same transition has the same key, in every process.
fn key_of(when: NoticeWhen, subject: Option<&Template>, message: &Template) -> Key {
    let subject = subject.map_or("", |subject| subject.written.as_str());
    let span = if let NoticeWhen::BeforeStart(span) = when { span.0 } else { 0 };
    let text = format!("{}\0{span}\0{subject}\0{}", when.name(), message.written);
    Key::new(format!("{:08x}", xxh3_64(text.as_bytes()) >> 32))
}

fn notice_when(reader: &mut Reader, item: &Item<'_>) -> Option<NoticeWhen> {
    if matches!(item.node.value, Value::Map(_)) {
        let mut map = reader.map(item, "a transition")?;
        let span = map
            .take("before_start")
            .or_else(|| missing(reader, item, "before_start", "a length of time"))
            .and_then(|item| reader.span(&item, Span::ZERO));
        reader.close(map);
        return span.map(NoticeWhen::BeforeStart);
    }
    let all = [
        NoticeWhen::PhaseStarted,
        NoticeWhen::PhasePassed,
        NoticeWhen::Completed,
        NoticeWhen::RolledBack,
        NoticeWhen::Stopped,
        NoticeWhen::Proposal,
        NoticeWhen::AwaitingDecision,
        NoticeWhen::RollbackIneffective,
        NoticeWhen::GatesFailed,
        NoticeWhen::Reminder,
        NoticeWhen::Daily,
        NoticeWhen::Weekly,
    ];
    reader.word(item, &all.map(|when| (when.name(), when)))
}
