//! The connection of one process to the server, and what has been seen through it.

use redis::{Connection, FromRedisValue, RedisError, RedisResult, Value};
use rollgate_core::error::Error;

use super::address::Address;
use super::meaning::{away, damaged, meaning};
use super::scripts::Scripts;
use crate::store::{Head, node_name};

/// A connection, while there is one.
pub(super) struct Link {
    connection: Option<Connection>,
    pub(super) scripts: Scripts,
    pub(super) seen: Seen,
    writer: String,
    writes: u64,
}

/// The furthest that this process has seen the store: what lies behind it is another store, or an older copy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) revision: u64,
    epoch: u64,
    reports: u64,
    /// The last journal line that was read or written: its number and its sum.
    pub(super) line: Option<(u64, u64)>,
}

impl Default for Link {
    fn default() -> Self {
        Self::after(0)
    }
}

impl Link {
    /// A link to a store that had this revision.
    pub(super) fn after(revision: u64) -> Self {
        Self {
            connection: None,
            scripts: Scripts::default(),
            seen: Seen { revision, ..Seen::default() },
            writer: node_name(),
            writes: 0,
        }
    }

    /// A name for one write: the server tells by it whether it has done it already.
    pub(super) fn write(&mut self) -> String {
        self.writes += 1;
        format!("{}#{}", self.writer, self.writes)
    }

    /// Asks the server. Where a connection that was there has been closed meanwhile, it asks once more through a new one:
    /// so what is asked twice must be the same as what is asked once.
    ///
    /// It takes at most a connect and two answers, each of [`Address::answer`] without a byte.
    pub(super) fn ask<T: FromRedisValue>(
        &mut self,
        at: &Address,
        ask: impl Fn(&mut Connection, &Scripts) -> RedisResult<Value>,
    ) -> Result<T, Error> {
        let (mut connection, is_old) = match self.connection.take() {
            Some(connection) => (connection, true),
            None => (connect(at)?, false),
        };
        let mut answer = ask(&mut connection, &self.scripts);
        if is_old && answer.as_ref().is_err_and(RedisError::is_connection_dropped) {
            connection = connect(at)?;
            answer = ask(&mut connection, &self.scripts);
        }
        // After a time-out the answer may still come, and would be taken for that of the next question.
        if answer.as_ref().err().is_none_or(is_answer) {
            self.connection = Some(connection);
        }
        let answer = answer.map_err(|error| meaning(at, &error))?;
        redis::from_redis_value(answer)
            .map_err(|_| damaged(at, "one of its keys has a value that is none of rollgate's"))
    }

    /// Whether the store is where it was, or further. Remembers it.
    pub(super) fn look(&mut self, at: &Address, head: &Head) -> Result<(), Error> {
        let epoch = head.lease.as_ref().map_or(0, |lease| lease.epoch);
        self.see(at, "revision", head.revision, |seen| &mut seen.revision)?;
        self.see(at, "report", head.reports, |seen| &mut seen.reports)?;
        self.see(at, "epoch", epoch, |seen| &mut seen.epoch)
    }

    pub(super) fn look_at_revision(&mut self, at: &Address, revision: u64) -> Result<(), Error> {
        self.see(at, "revision", revision, |seen| &mut seen.revision)
    }

    pub(super) fn look_at_report(&mut self, at: &Address, report: u64) -> Result<(), Error> {
        self.see(at, "report", report, |seen| &mut seen.reports)
    }

    pub(super) fn look_at_epoch(&mut self, at: &Address, epoch: u64) -> Result<(), Error> {
        self.see(at, "epoch", epoch, |seen| &mut seen.epoch)
    }

    fn see(
        &mut self,
        at: &Address,
        what: &str,
        now: u64,
        of: impl Fn(&mut Seen) -> &mut u64,
    ) -> Result<(), Error> {
        let before = of(&mut self.seen);
        if now < *before {
            return Err(damaged(
                at,
                format_args!(
                    "it is at {what} {now}, and this process has seen {before}: the server has lost what it had \
                     acknowledged (a failover, a restart without its log, deleted or evicted keys)"
                ),
            ));
        }
        *before = now;
        Ok(())
    }
}

/// Whether this is an answer of the server's, after which the connection can be used on.
fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), redis::ErrorKind::Server(_) | redis::ErrorKind::Extension)
}

/// A new connection, with its time-outs.
fn connect(at: &Address) -> Result<Connection, Error> {
    let connection = at.client.get_connection_with_timeout(at.answer).map_err(|error| {
        if error.is_connection_refusal() { away(at, "nobody listens there") } else { meaning(at, &error) }
    })?;
    connection
        .set_read_timeout(Some(at.answer))
        .and_then(|()| connection.set_write_timeout(Some(at.answer)))
        .map_err(|error| meaning(at, &error))?;
    Ok(connection)
}
