//! What nodes tell each other through the server: who advances, and what was recorded.

use redis::{FromRedisValue, Script};
use rollgate_core::decide::Watched;
use rollgate_core::error::Error;
use rollgate_core::time::Timestamp;

use super::address::Address;
use super::checked::{kept, split, sum, with_sum, written};
use super::link::Link;
use super::load::watched_sum;
use super::meaning::{away, damaged};
use super::save;
use super::scripts::Scripts;
use super::store::{RedisStore, begin};
use crate::store::fence::lost;
use crate::store::{Checkpoint, Claim, Head, Lease, Report, Reported, Restored, SharedStore, node};

/// A lease as it is stored: epoch, holder, beat, observed time, calendar.
type Fields = (Option<u64>, Option<String>, Option<u64>, Option<i64>, Option<i64>);

/// One of the scripts.
type Which = for<'s> fn(&'s Scripts) -> &'s Script;

impl RedisStore {
    /// Asks one script.
    fn ask<T: FromRedisValue>(&self, link: &mut Link, which: Which, arguments: &[&[u8]]) -> Result<T, Error> {
        link.ask(self.at(), |connection, scripts| {
            let mut call = begin(which(scripts), self.at());
            arguments.iter().for_each(|argument| {
                call.arg(*argument);
            });
            call.invoke(connection)
        })
    }
}

/// A number as a script gets it.
fn digits(number: impl std::fmt::Display) -> Vec<u8> {
    number.to_string().into_bytes()
}

impl SharedStore for RedisStore {
    fn head(&self) -> Result<Head, Error> {
        self.with(|link| {
            let (revision, reports, lease): (Option<u64>, Option<u64>, Fields) =
                self.ask(link, |scripts| &scripts.head, &[])?;
            let lease = lease_of(self.at(), lease)?;
            let head = Head { revision: revision.unwrap_or(0), reports: reports.unwrap_or(0), lease };
            link.look(self.at(), &head)?;
            Ok(head)
        })
    }

    fn take(&self, seen: Option<&Lease>, claim: &Claim<'_>) -> Result<Option<u64>, Error> {
        let seen = seen.map_or_else(String::new, |lease| format!("{}:{}", lease.epoch, lease.beat));
        let (observed, wall) = (digits(claim.observed.0), digits(claim.wall.0));
        let arguments = [seen.as_bytes(), claim.holder.as_bytes(), &observed, &wall];
        self.with(|link| {
            let epoch: u64 = self.ask(link, |scripts| &scripts.take, &arguments)?;
            if epoch == 0 {
                return Ok(None);
            }
            link.look_at_epoch(self.at(), epoch)?;
            Ok(Some(epoch))
        })
    }

    fn beat(&self, epoch: u64, claim: &Claim<'_>, watched: &Watched) -> Result<(), Error> {
        let json = serde_json::to_string(watched).map_err(|error| away(self.at(), error))?;
        let sum = written(watched_sum(watched.revision, &json));
        let (epoch_digits, revision) = (digits(kept(epoch)), digits(watched.revision));
        let (observed, wall) = (digits(claim.observed.0), digits(claim.wall.0));
        let arguments: [&[u8]; 7] = [
            &epoch_digits,
            claim.holder.as_bytes(),
            &observed,
            &wall,
            &revision,
            json.as_bytes(),
            sum.as_bytes(),
        ];
        let (is_done, (now, holder)): (bool, (Option<u64>, Option<String>)) =
            self.with(|link| self.ask(link, |scripts| &scripts.beat, &arguments))?;
        if is_done {
            return Ok(());
        }
        let (observed, wall) = (Timestamp::MIN, Timestamp::MIN);
        let now = now.zip(holder).map(|(epoch, holder)| Lease { epoch, holder, beat: 0, observed, wall });
        Err(lost(epoch, now.as_ref()))
    }

    fn leave(&self, epoch: u64, holder: &str) -> Result<(), Error> {
        let epoch = digits(kept(epoch));
        let arguments = [&*epoch, holder.as_bytes()];
        let _is_done: bool = self.with(|link| self.ask(link, |scripts| &scripts.leave, &arguments))?;
        Ok(())
    }

    fn report(&self, report: &Report<'_>) -> Result<u64, Error> {
        let packed = packed(report);
        self.with(|link| {
            let last: u64 = self.ask(link, |scripts| &scripts.report, &[&packed])?;
            link.look_at_report(self.at(), last)?;
            Ok(last)
        })
    }

    fn reports(&self, after: u64) -> Result<Vec<Reported>, Error> {
        let (last, count, first, reports): (u64, u64, u64, Vec<Vec<u8>>) = self.with(|link| {
            let answer: (u64, u64, u64, Vec<Vec<u8>>) =
                self.ask(link, |scripts| &scripts.reports, &[&digits(kept(after))])?;
            link.look_at_report(self.at(), answer.0)?;
            Ok(answer)
        })?;
        if count > last || (count == 0 && last > 0) {
            return Err(damaged(self.at(), format_args!("it has {count} reports up to number {last}")));
        }
        let read = |(seq, report): (u64, &Vec<u8>)| {
            unpacked(seq, report)
                .ok_or_else(|| damaged(self.at(), format_args!("report {seq} does not fit its sum")))
        };
        (first..).zip(&reports).map(read).collect()
    }

    fn save(&self, checkpoint: &Checkpoint<'_>) -> Result<(), Error> {
        self.with(|link| save::save(link, self.at(), checkpoint))
    }

    fn restore(&self) -> Result<Option<Restored>, Error> {
        self.with(|link| save::restore(link, self.at()))
    }

    fn has_ended(&self, holder: &str) -> bool {
        node::has_ended(holder)
    }
}

fn lease_of(at: &Address, fields: Fields) -> Result<Option<Lease>, Error> {
    match fields {
        (None, None, None, None, None) => Ok(None),
        (Some(epoch), Some(holder), Some(beat), Some(observed), Some(wall)) => {
            let (observed, wall) = (Timestamp(observed), Timestamp(wall));
            Ok(Some(Lease { epoch, holder, beat, observed, wall }))
        }
        _ => Err(damaged(at, "it has half a lease")),
    }
}

fn report_sum(report: &Report<'_>) -> u64 {
    let (revision, observed) = (report.revision.to_le_bytes(), report.observed.0.to_le_bytes());
    sum(&[report.node.as_bytes(), &revision, &observed, report.tape])
}

/// A report as it is stored: its sum; observed time, revision and length of the node's name in digits; name and tape.
fn packed(report: &Report<'_>) -> Vec<u8> {
    let Report { node, revision, observed, tape } = *report;
    let head = format!(" {} {revision} {} {node}", observed.0, node.len());
    with_sum(report_sum(report), &[head.as_bytes(), tape].concat())
}

fn unpacked(seq: u64, bytes: &[u8]) -> Option<Reported> {
    let (sum, rest) = split(bytes)?;
    let rest = rest.strip_prefix(b" ")?;
    let (observed, rest) = word(rest)?;
    let (revision, rest) = word(rest)?;
    let (len, rest) = word(rest)?;
    let (node, tape) = rest.split_at_checked(len.parse().ok()?)?;
    let (revision, observed) = (revision.parse().ok()?, Timestamp(observed.parse().ok()?));
    let report = Report { node: str::from_utf8(node).ok()?, revision, observed, tape };
    let reported = Reported { seq, node: report.node.to_owned(), revision, observed, tape: tape.to_vec() };
    (report_sum(&report) == sum).then_some(reported)
}

/// What stands before the next space, and what behind it.
fn word(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    Some((str::from_utf8(&bytes[..space]).ok()?, &bytes[space + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_come_back_and_damaged_ones_are_none() {
        let tape = [0, 32, 255, 10];
        let report = Report { node: "a b/ö", revision: u64::MAX, observed: Timestamp(-5), tape: &tape };
        let bytes = packed(&report);
        let back = unpacked(7, &bytes).unwrap();
        assert_eq!((back.seq, back.node.as_str(), back.revision), (7, "a b/ö", u64::MAX));
        assert_eq!((back.observed, back.tape.as_slice()), (Timestamp(-5), &tape[..]));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(unpacked(7, &flipped), None, "byte {at}, bit {bit}");
            }
            assert_eq!(unpacked(7, &bytes[..at]), None, "{at}");
        }
    }
}
