//! The SQLite store: its file, its tables, and what to ask them.
//!
//! `SqliteStore` (feature `sqlite`; the command, C, Python and Node have it) keeps a rollout in one file. All
//! processes of a host may share it; a file system of the network is no place for it, because SQLite's locks and its
//! shared memory do not work there.
//!
//! # Reading it
//!
//! Any `sqlite3` shell since 3.38 reads it while rollgate writes; say `sqlite3 -readonly rollout.db`. Do not open the file
//! with another SQLite *inside a process that has it open through rollgate* (Python's `sqlite3` module, for example): on
//! Unix, closing a file drops all locks that the process has on it, whoever took them.
//!
//! Every rollback:
//!
//! ```sql
//! SELECT at, phase, fell_to, cause, cause_name FROM rollbacks;
//! ```
//!
//! Who decided what, and with which words:
//!
//! ```sql
//! SELECT at, phase, kind, actor, role, choice, reason FROM decisions;
//! ```
//!
//! What people attested:
//!
//! ```sql
//! SELECT at, phase, item, actor, value, passed, of_all FROM attestations;
//! ```
//!
//! How the share of one flag went:
//!
//! ```sql
//! SELECT at, share_before, share_after, cause, cause_name FROM share_changes WHERE flag = 'NEW_SEARCH';
//! ```
//!
//! Where it stands, and since when:
//!
//! ```sql
//! SELECT revision, at, json ->> 'status' AS status, json ->> 'step' AS step FROM state;
//! ```
//!
//! The last hour of the journal that is not about gates:
//!
//! ```sql
//! SELECT seq, at, kind, phase, status, actor FROM journal
//! WHERE kind NOT LIKE 'gates_%' AND at > (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', max(at), '-1 hour') FROM journal);
//! ```
//!
//! Baselines, triggers that are latched, and who advances the rollout:
//!
//! ```sql
//! SELECT metric, value, n FROM baselines;
//! SELECT fired, is_closed, settles FROM latches;
//! SELECT epoch, holder, beat, strftime('%Y-%m-%dT%H:%M:%fZ', wall_ms / 1000.0, 'unixepoch') AS seen FROM lease;
//! ```
//!
//! The whole journal as rollgate verifies it, one record a line:
//!
//! ```sql
//! SELECT line FROM journal ORDER BY seq;
//! ```
//!
//! # Tables
//!
//! | table | rows | what |
//! | --- | --- | --- |
//! | `state` | one | `revision` (grows by one with every commit), `epoch` (that its writer acted under), `at` (observed time), `lines` (of the journal), `json`: all that must survive |
//! | `journal` | one a record | `seq`, `line`; `at`, `kind`, `phase`, `status` and `actor` are read out of the line |
//! | `lease` | one | who advances: `epoch`, `holder`, `beat`; times of its last sign of life |
//! | `watched` | at most one | counters that run while nothing is decided; void under another revision |
//! | `reports` | the latest | what each process recorded: `seq`, `node`, `revision`, `observed_ms`, `tape` |
//! | `plan` | at most one | `format` and `text` of the plan, as the process that led last was given it: for tools |
//! | `windows`, `slots` | one; one a slot | windows of the metrics up to a report; slots by `series` (the metric's place in the plan), `tier` and time |
//!
//! Views: `rollbacks`, `decisions`, `attestations`, `share_changes`, `latches`, `baselines`. `.schema` shows a comment with
//! each. Columns that end in `_ms` are milliseconds since 1970, UTC. `sum` is XXH3 over the row.
//!
//! # What a crash may take
//!
//! | written | pragma | after `kill -9` | after a power cut |
//! | --- | --- | --- | --- |
//! | a decision | `synchronous = FULL` | there | there |
//! | what was watched, reports, windows, signs of life | `synchronous = NORMAL` | there | the last ones may be gone, the latest first |
//!
//! The file is in WAL mode; a commit is one transaction of state, journal and revision, begun as `IMMEDIATE`. A call
//! waits 250 ms for another process and then answers that the store is away. `tests/store` lets every call of the file
//! layer fail, fall short, find the disk full, or be the last one, and kills processes under load.
//!
//! # What is detected
//!
//! Opening looks at every page (`quick_check`), compares the schema with what the steps make, every row with its sum,
//! slots with their number and the sum of their sums, lines with their number, and follows the journal's hashes. What does
//! not fit is refused as damaged (704), of a later version too new (705), and the file stays as it was. Somebody decides:
//! put a copy back, or `SqliteStore::set_aside` and begin anew.
//!
//! What cannot be detected: SQLite's log (`-wal`) has sums over its pages, and *what comes after the first page that does
//! not fit is taken for the torn end of a crash*. A bit that flips in a log that a killed process left behind so takes
//! back the transactions from there on, and nothing in the file can tell that from a crash. So the log is moved into the
//! file after each decision, where nobody else is reading or writing for too long: what can be taken back is what was
//! watched and reported since. A clean end leaves no log. An empty file is a new store, and a file that somebody replaced
//! by an older copy of itself is that older store.
//!
//! # Versions
//!
//! `PRAGMA application_id` is `0x726c6774` (`rlgt`), `PRAGMA user_version` the version of the schema: 1 has the tables, 2
//! the views. A file of an earlier version is brought up when it is opened, one transaction a step. There is no way back.
//!
//! # Forks
//!
//! A child of a fork closes its copies of its parent's connections and opens its own. Where a thread of the parent was
//! inside SQLite at the fork, SQLite's own locks are held for ever in the child: its store then answers that it is away,
//! at once and for good, and the child goes on from the last shares. Opening the engine after the fork avoids it.
