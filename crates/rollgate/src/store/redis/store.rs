//! The store on a server: state, journal and revision in one script.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Connection, RedisResult, ScriptInvocation, Value};
use rollgate_core::decide::RolloutState;
use rollgate_core::error::Error;
use rollgate_core::limits::STORE_ANSWER_MS;

use super::address::Address;
use super::checked::{kept, sum, with_sum, written};
use super::link::Link;
use super::load::{self, line_sum};
use super::meaning::{away, damaged};
use super::scripts::Scripts;
use crate::journal;
use crate::process::PerProcess;
use crate::store::fence::{fenced, follows};
use crate::store::{Commit, Durability, SharedStore, Store, Stored};

/// Keeps everything on one Redis server, which the engines of a fleet share.
///
/// Every write is one script: it checks the writer's epoch, compares the revision, and then writes state, journal and
/// revision, or nothing. Tested with Redis 7.0.
///
/// # What Redis promises
/// A commit that was acknowledged is in the server's memory. What is left of it after a crash is the server's to say:
/// - `appendonly yes` with `appendfsync always` has it on the disk before it answers. With `everysec` the last second may
///   go, with snapshots only (`save`) the last minutes, and with neither everything.
/// - A failover to a replica loses what the replica had not received. [`acknowledged_by`](Self::acknowledged_by) makes a
///   decision wait for replicas (`WAIT`): that makes the loss rare, and does not exclude it, because Redis may promote a
///   replica that had not acknowledged.
/// - Under `maxmemory` the policy must be `noeviction`: any other one deletes keys.
///
/// A store that has gone back is never taken for the present one: an engine that has seen a later revision, epoch or report,
/// or another journal line of the same number, answers [`StoreDamaged`](rollgate_core::error::ErrorKind::StoreDamaged) and
/// goes on serving what it has; it advances nothing, and rolls back by itself. A process that starts after the loss cannot
/// know of it: it goes on with what is there. Where no decision may be lost whatever happens, use
/// [`SqliteStore`](crate::store::SqliteStore) and one host.
///
/// # Time
/// A call waits 250 ms for a connection and 250 ms for bytes of the answer, and then says
/// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway); a connection that was closed is opened once more before that.
/// The name of a host is resolved by the system, whose time-outs are its own: write an address where that matters. A commit
/// takes about a fifth of a millisecond where the server is near, and looking what has moved a tenth; each node looks ten
/// times a second, so there is no thread that listens.
///
/// # Keys
/// All begin with `rollgate:{name}:`, and so lie in one slot of a cluster (name the node that has it: redirections are not
/// followed).
/// | key | kind | holds |
/// | --- | --- | --- |
/// | `state` | hash | `revision`, `epoch`, `at`, `lines`, `json` (the whole state), `sum` (XXH3), `writer` |
/// | `journal` | list | 16 digits of a sum, a space, the record: one element a record, oldest first |
/// | `lease` | hash | `epoch`, `holder` (empty: given back), `beat`, `observed_ms`, `wall_ms` |
/// | `watched` | hash | the counters that run while nothing is decided, of one `revision` |
/// | `reports`, `reports:last` | list, number | what each node has recorded since its report before |
/// | `windows`, `slots` | hashes | the metrics' windows up to a report |
/// | `layout` | number | the version of all this |
///
/// `redis-cli LRANGE 'rollgate:{name}:journal' 0 -1 | grep rolled_back` shows every rollback. On the channel
/// `rollgate:{name}:changes` each write is published as words: `commit <revision> <epoch>`, `lease <epoch>`,
/// `left <epoch>`, `report <number>`, `windows <report> <epoch>`.
///
/// # Without TLS
/// The connection is not encrypted; where it leaves a trusted network, a local proxy does that.
///
/// # Threads and forks
/// Calls of one store wait for each other. The child of a fork has a connection of its own.
pub struct RedisStore {
    at: Arc<Address>,
    /// Replicas that must have a decision.
    replicas: u32,
    /// The revision that a child's parent had seen.
    from: u64,
    link: PerProcess<Link>,
}

impl RedisStore {
    /// Opens the store of a name on a server, or begins an empty one.
    ///
    /// `url` is `redis://[user:password@]host[:port][/database]`, or `unix:///path/of/a/socket`. `name` has 1 to 128 bytes,
    /// and no space and no brace; the engines that share a rollout open the same one. State and journal are looked at:
    /// their sums, and every link of the journal.
    ///
    /// # Errors
    /// [`InvalidArgument`](rollgate_core::error::ErrorKind::InvalidArgument) (100) where the URL or the name is none; no
    /// message ever has the URL's password in it.
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) (701) where the server does not answer, or not to us;
    /// [`StoreDamaged`](rollgate_core::error::ErrorKind::StoreDamaged) (704) where the keys are another program's, or do not
    /// fit their own sums; [`StoreTooNew`](rollgate_core::error::ErrorKind::StoreTooNew) (705) where a later version of
    /// rollgate wrote them.
    ///
    /// # Panics
    /// Never.
    ///
    /// ```no_run
    /// use rollgate::store::{RedisStore, Store};
    ///
    /// let store = RedisStore::open("redis://127.0.0.1:6379/0", "new-ranking")?;
    /// assert!(store.load(0)?.is_none()); // Nothing has been decided yet.
    /// # Ok::<(), rollgate::core::error::Error>(())
    /// ```
    pub fn open(url: &str, name: &str) -> Result<Self, Error> {
        Self::open_within(url, name, Duration::from_millis(STORE_ANSWER_MS))
    }

    /// As [`open`](Self::open), for a server that is slow or far away: `answer` is how long a call waits for a connection,
    /// and for bytes of the answer. Evaluations of flags wait for no call; ticks and commands do.
    ///
    /// # Errors
    /// As [`open`](Self::open); and [`InvalidArgument`](rollgate_core::error::ErrorKind::InvalidArgument) (100) where
    /// `answer` is zero.
    ///
    /// # Panics
    /// Never.
    pub fn open_within(url: &str, name: &str, answer: Duration) -> Result<Self, Error> {
        let at = Arc::new(Address::new(url, name, answer)?);
        let store = Self { at, replicas: 0, from: 0, link: PerProcess::new(Link::default()) };
        let lines = store.load(0)?.map_or_else(Vec::new, |stored| stored.journal);
        journal::verify(lines.iter().map(String::as_str)).map_err(|error| damaged(&store.at, error))?;
        Ok(store)
    }

    /// Lets every decision wait until this many replicas have it; 0, the default, waits for none.
    ///
    /// Where fewer have it within 200 ms (four fifths of what is waited for an answer), the commit answers
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway): it has happened on the server, and the engine reads it
    /// again.
    #[must_use]
    pub fn acknowledged_by(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }

    pub(super) fn at(&self) -> &Address {
        &self.at
    }

    /// Does something with this process' link.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Link) -> Result<T, Error>) -> Result<T, Error> {
        work(&mut self.link.lock_or(|| Link::after(self.from)))
    }

    fn is_on_replicas(&self, link: &mut Link) -> Result<(), Error> {
        // The answer comes within the time of an answer, whatever it is.
        let wait = (self.at.answer.as_millis() as u64 * 4 / 5).max(1);
        let have: u32 = link.ask(&self.at, |connection, _| {
            redis::cmd("WAIT").arg(self.replicas).arg(wait).query(connection)
        })?;
        if have >= self.replicas {
            return Ok(());
        }
        let wanted = self.replicas;
        Err(away(&self.at, format_args!("{have} of {wanted} replicas have the decision; the server has it")))
    }
}

/// What every script gets: all keys, and the channel.
pub(super) fn begin<'s>(script: &'s redis::Script, at: &Address) -> ScriptInvocation<'s> {
    let mut call = script.prepare_invoke();
    at.keys().into_iter().for_each(|key| {
        call.key(key);
    });
    call.arg(at.channel());
    call
}

impl fmt::Debug for RedisStore {
    /// Where it is, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("at", &self.at.to_string()).finish_non_exhaustive()
    }
}

impl Store for RedisStore {
    fn load(&self, after: u64) -> Result<Option<Stored>, Error> {
        self.with(|link| load::load(link, &self.at, after))
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<u64, Error> {
        let json = text_of(commit.state)?;
        self.with(|link| {
            let writer = link.write();
            let next = commit.expected.saturating_add(1);
            let seen = commit.state.observed.to_string();
            let sum = written(state_sum(next, commit.epoch, &seen, &json));
            let lines: Vec<Vec<u8>> =
                (commit.first..).zip(commit.journal).map(|(seq, line)| line_of(seq, line)).collect();
            let send = |connection: &mut Connection, scripts: &Scripts| -> RedisResult<Value> {
                let mut call = begin(&scripts.commit, &self.at);
                call.arg(kept(commit.epoch)).arg(commit.expected).arg(next).arg(kept(commit.first));
                call.arg(&writer).arg(&seen).arg(&json).arg(&sum).arg(&lines);
                call.invoke(connection)
            };
            let (is_done, revision, latest, stored): (bool, u64, u64, u64) = link.ask(&self.at, send)?;
            link.look_at_revision(&self.at, revision)?;
            if !is_done {
                fenced(commit.epoch, latest)?;
                follows(commit, revision, stored)?;
                return Err(damaged(&self.at, "it refused a commit that follows"));
            }
            if let Some((line, seq)) = commit.journal.last().zip(Some(stored)) {
                link.seen.line = Some((seq, line_sum(seq, line.as_bytes())));
            }
            if commit.durability == Durability::Decision && self.replicas > 0 {
                self.is_on_replicas(link)?;
            }
            Ok(revision)
        })
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }

    fn forked(&self, last: Option<Stored>) -> Arc<dyn Store> {
        // Connects with its first call.
        let from = last.map_or(0, |stored| stored.revision);
        let link = PerProcess::new(Link::after(from));
        Arc::new(Self { at: self.at.clone(), replicas: self.replicas, from, link })
    }
}

/// The sum over a state and what it is a state of; the journal's lines have their own.
pub(super) fn state_sum(revision: u64, epoch: u64, seen: &str, json: &str) -> u64 {
    sum(&[&revision.to_le_bytes(), &kept(epoch).to_le_bytes(), seen.as_bytes(), json.as_bytes()])
}

/// A journal line as it is stored.
fn line_of(seq: u64, line: &str) -> Vec<u8> {
    with_sum(line_sum(seq, line.as_bytes()), format!(" {line}").as_bytes())
}

/// A state as the store keeps it.
fn text_of(state: &RolloutState) -> Result<String, Error> {
    let refuse = |why: serde_json::Error| {
        Error::new(
            rollgate_core::error::ErrorKind::StoreAway,
            format_args!("the state cannot be written: {why}; what is stored stays"),
        )
    };
    let json = serde_json::to_string(state).map_err(refuse)?;
    // What could not be read back must not replace what can.
    serde_json::from_str::<RolloutState>(&json).map_err(refuse)?;
    Ok(json)
}
