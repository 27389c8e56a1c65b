//! Groups of flags of which a subject gets at most one: ranges of one salt's buckets, one behind the other.

use super::flags::{Written, unknown};
use super::reader::{Item, Reader, join};
use crate::bucket::{Bucketer, Domain};
use crate::id::Key;
use crate::limits::{FLAGS_MAX, NAMED_MAX};
use crate::snapshot::ExclusiveSlot;
use crate::units::Share;

/// Gives every member of a group its range.
pub(super) fn exclusive(reader: &mut Reader, item: Option<Item<'_>>, flags: &mut [Written<'_>]) {
    let Some(item) = item else { return };
    for (group, _, item) in reader.named(&item, "a map of groups", NAMED_MAX) {
        let mut end_ppm = 0_u32;
        let mut first: Option<usize> = None;
        for (name, _, member) in reader.named(&item, "a map of flags and their most", FLAGS_MAX) {
            let Some(share) = reader.share(&member) else { continue };
            let Some(at) = flags.iter().position(|one| one.flag.key == *name) else {
                let known: Vec<String> = flags.iter().map(|one| one.flag.key.to_string()).collect();
                unknown(reader, "unknown-flag", "flag", &member, name, known.iter().map(String::as_str));
                continue;
            };
            let start = Share::from_ppm(end_ppm).map_or(0, Share::threshold);
            end_ppm = end_ppm.saturating_add(share.ppm());
            let Some(end) = Share::from_ppm(end_ppm).map(Share::threshold) else {
                let message = format!("the flags of `{group}` have more than 100% together");
                let help = "they share one salt's subjects; give them less";
                reader.error_help("exclusive-shares", &item.path, item.key_at(), message, help);
                break;
            };
            let other = first.map(|other| (flags[other].flag.by.clone(), flags[other].flag.key.clone()));
            first.get_or_insert(at);
            if let Some((_, key)) = other.filter(|(by, _)| *by != flags[at].flag.by) {
                let message = format!("`{name}` and `{key}` are bucketed by different attributes");
                let help = "give both the same `by`, or a subject may get both";
                reader.error_help("exclusive-by", &member.path, member.key_at(), message, help);
            }
            // A flag that starts behind all buckets has none: its share is zero, and so it is off.
            let start = u32::try_from(start).unwrap_or(u32::MAX);
            assign(
                reader,
                &member,
                &mut flags[at],
                ExclusiveSlot { group: Key::new(group), start, end, share },
            );
        }
    }
}

fn assign(reader: &mut Reader, item: &Item<'_>, one: &mut Written<'_>, slot: ExclusiveSlot) {
    if let Some(other) = &one.flag.slot {
        let message = format!("`{}` is in `{}` and in `{}`", one.flag.key, other.group, slot.group);
        let help = "a flag has one range of one salt; leave one of them out";
        reader.error_help("exclusive-twice", &item.path, item.key_at(), message, help);
        return;
    }
    let salt = Key::new(slot.group.as_str());
    if one.has_bucketing && one.flag.bucketer != Bucketer::new(Domain::Rollout, one.flag.key.clone()) {
        let message =
            format!("`{}` has a salt or a function of its own, and `{salt}` gives it another", one.flag.key);
        let help = "remove `salt` and `hash` from its bucketing; `by` may stay";
        reader.error_help("exclusive-salt", &join(&one.at.path, "bucketing"), one.at.at(), message, help);
    }
    one.flag.bucketer = Bucketer::new(Domain::Rollout, salt);
    one.flag.slot = Some(slot);
}
