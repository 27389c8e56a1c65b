//! The text of the plan, so that tools need nothing but the store.

use std::path::Path;

use rollgate_core::error::Error;
use rusqlite::{Connection, OptionalExtension, params};

use super::checked::{Field, damaged, fits, meaning, sum};
use crate::read::Format;
use crate::store::PlanText;

/// The step of the schema that makes its table.
pub(super) const STEP: &str = "
CREATE TABLE plan (
    -- At most one row: the plan's text, as the process that led last was given it.
    id INTEGER PRIMARY KEY CHECK (id = 1),
    format TEXT NOT NULL, -- yaml, toml or json
    text TEXT NOT NULL,
    sum INTEGER NOT NULL -- XXH3 of the row
) STRICT;
";

/// The text that is kept; `None` where none is, or where the file is of a version that had no place for it.
pub(super) fn read(connection: &Connection, path: &Path) -> Result<Option<PlanText>, Error> {
    let failed = meaning(path);
    let has_table: bool = connection
        .query_row(
            "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = 'plan'",
            (),
            |row| row.get(0),
        )
        .map_err(&failed)?;
    if !has_table {
        return Ok(None);
    }
    let row: Option<(String, String, i64)> = connection
        .query_row("SELECT format, text, sum FROM plan", (), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .map_err(&failed)?;
    let Some((name, text, stored)) = row else { return Ok(None) };
    fits(path, "the plan's text", stored, &[Field::Text(&name), Field::Text(&text)])?;
    let format = Format::of_name(&name)
        .ok_or_else(|| damaged(path, format_args!("the plan's text is of the format `{name}`")))?;
    Ok(Some(PlanText { format, text }))
}

/// Replaces it.
pub(super) fn write(connection: &Connection, path: &Path, plan: &PlanText) -> Result<(), Error> {
    let name = plan.format.name();
    let sum = sum(&[Field::Text(name), Field::Text(&plan.text)]);
    connection
        .execute(
            "INSERT OR REPLACE INTO plan (id, format, text, sum) VALUES (1, ?, ?, ?)",
            params![name, plan.text, sum],
        )
        .map_err(meaning(path))?;
    Ok(())
}
