//! The tables, and the steps that led to them.

use rusqlite::{Connection, Transaction};

/// The bytes `rlgt`: what kind of a database this is, for `file` and for us.
pub(super) const APPLICATION: i32 = 0x726c_6774;

/// What makes each version of the schema of the one before it; the first makes version 1 of nothing. A step that was
/// ever released is never changed.
pub(super) const STEPS: &[&str] = &[TABLES, VIEWS, super::plan::STEP];

/// The version that this code writes.
pub(super) const VERSION: i32 = STEPS.len() as i32;

const TABLES: &str = "
CREATE TABLE state (
    -- One row: where the rollout stands.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL, -- grows by one with every commit
    epoch INTEGER NOT NULL, -- the epoch that the last writer acted under
    at TEXT NOT NULL, -- observed time of the last evaluation or command
    lines INTEGER NOT NULL, -- lines of the journal
    json TEXT NOT NULL, -- the whole state
    sum INTEGER NOT NULL -- XXH3 of the row
) STRICT;
CREATE TABLE journal (
    -- Everything that was decided, and why: one row a record, never changed.
    seq INTEGER PRIMARY KEY,
    line TEXT NOT NULL, -- the record; its hash covers the hash before it
    sum INTEGER NOT NULL,
    at TEXT GENERATED ALWAYS AS (line ->> 'at') VIRTUAL,
    kind TEXT GENERATED ALWAYS AS (line ->> 'kind') VIRTUAL,
    phase TEXT GENERATED ALWAYS AS (line ->> 'phase') VIRTUAL,
    status TEXT GENERATED ALWAYS AS (line ->> 'status') VIRTUAL,
    actor TEXT GENERATED ALWAYS AS (line ->> 'by') VIRTUAL -- who, where it was a person
) STRICT;
CREATE TABLE lease (
    -- One row: which process advances the rollout. An epoch below this one writes nothing any more.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    holder TEXT NOT NULL, -- empty: given back
    beat INTEGER NOT NULL, -- grows by one with every sign of life
    observed_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;
CREATE TABLE watched (
    -- At most one row: the counters of a state that run while nothing is decided.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL, -- the state's; void under any other
    json TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;
CREATE TABLE reports (
    -- What each process has recorded since its report before.
    seq INTEGER PRIMARY KEY,
    node TEXT NOT NULL,
    revision INTEGER NOT NULL, -- the one whose shares the process served
    observed_ms INTEGER NOT NULL,
    tape BLOB NOT NULL,
    sum INTEGER NOT NULL
) STRICT;
CREATE TABLE windows (
    -- At most one row: the metrics' windows up to a report, but for their slots.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    position INTEGER NOT NULL, -- the last report that is in them
    head BLOB NOT NULL,
    slots INTEGER NOT NULL, -- how many there are, and the sum of their sums
    slots_sum INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;
CREATE TABLE slots (
    -- Sealed slots of the windows: by metric, from the finest tier to the coarsest.
    series INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (series, tier, start_ms, end_ms)
) STRICT, WITHOUT ROWID;
";

/// Questions that people ask, as views. Nothing of rollgate reads them.
const VIEWS: &str = "
CREATE VIEW rollbacks AS
    -- Every rollback: when, of which phase, how far down, and what fired.
    SELECT seq, at, phase, line ->> 'to' AS fell_to, line -> 'triggers' AS triggers,
        line ->> '$.cause.kind' AS cause, line ->> '$.cause.name' AS cause_name, line -> 'shares' AS shares
    FROM journal WHERE kind = 'rolled_back';
CREATE VIEW decisions AS
    -- What people decided or were refused, and approvals of what a trigger proposed.
    SELECT seq, at, phase, kind, actor, line ->> 'role' AS role, line ->> 'choice' AS choice,
        line ->> 'override' AS override, coalesce(line ->> 'rationale', line ->> 'why') AS reason
    FROM journal WHERE kind IN ('decided', 'decision_refused', 'approved');
CREATE VIEW attestations AS
    -- What people have said of items that no metric knows.
    SELECT seq, at, phase, kind, line ->> 'item' AS item, actor, line ->> 'value' AS value,
        line ->> 'passed' AS passed, line ->> 'of' AS of_all
    FROM journal WHERE kind IN ('attested', 'checked');
CREATE VIEW share_changes AS
    -- Every change of every share: one row a flag.
    SELECT journal.seq, journal.at, journal.phase, flag.key AS flag,
        json_extract(journal.line, '$.from.\"' || flag.key || '\"') AS share_before, flag.value AS share_after,
        journal.line ->> '$.cause.kind' AS cause, journal.line ->> '$.cause.name' AS cause_name
    FROM journal, json_each(journal.line, '$.to') AS flag WHERE journal.kind = 'shares_changed';
CREATE VIEW latches AS
    -- Triggers that have fired and may not fire again yet, as the state has them.
    SELECT latch.value ->> 'fired' AS fired, latch.value ->> 'is_closed' AS is_closed,
        latch.value ->> 'settle' AS settles, latch.value -> 'trigger' AS trigger_number
    FROM state, json_each(state.json, '$.latches') AS latch;
CREATE VIEW baselines AS
    -- What was measured before the rollout, and from what.
    SELECT seq, at, phase, line ->> 'metric' AS metric, line ->> 'value' AS value, line ->> 'n' AS n,
        line ->> 'coverage' AS coverage
    FROM journal WHERE kind = 'baseline_captured';
";

/// Goes on from the version that is there to another one; each step is a transaction of its own. `begin` opens one that
/// no other process can write beside.
pub(super) fn migrate<'c>(
    connection: &'c Connection,
    to: i32,
    begin: impl Fn(&'c Connection) -> rusqlite::Result<Transaction<'c>>,
) -> rusqlite::Result<()> {
    while version(connection)? < to {
        let step = begin(connection)?;
        // Read again, under the lock: another process may be making the same steps.
        let version = version(&step)?;
        let Some(sql) = usize::try_from(version).ok().filter(|_| version < to).and_then(|at| STEPS.get(at))
        else {
            break;
        };
        if version == 0 {
            step.pragma_update(None, "application_id", APPLICATION)?;
        }
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", version + 1)?;
        step.commit()?;
    }
    Ok(())
}

/// The version of the schema; 0 for an empty file.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// What the schema consists of: kind, name and text of everything that belongs to rollgate.
pub(super) fn parts(connection: &Connection) -> rusqlite::Result<Vec<(String, String, String)>> {
    let mut rows = connection
        .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")?;
    rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}
