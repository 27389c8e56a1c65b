//! `rollgate import`: flags of other systems as a plan.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::import::{Imported, Note, NoteKind, Source, import};

use crate::args::{ImportArgs, ImportFormat, ImportSource, Strictness};
use crate::input;
use crate::table::{Style, Table};

/// Writes the plan to standard output, and what did not come over as it was to standard error.
pub(crate) fn run(asked: &ImportArgs) -> ExitCode {
    let source = source_of(asked.source);
    let name = asked.name.as_deref().unwrap_or(source.name());
    let read = text(&asked.file).and_then(|text| {
        let named =
            |error: Error| Error::new(error.kind(), format_args!("{}: {error}", input::name(&asked.file)));
        import(source, &text, name).map_err(named)
    });
    let imported = match read {
        Ok(imported) => imported,
        Err(error) => return input::refuse(&error),
    };
    let written = match asked.format {
        ImportFormat::Yaml => serde_saphyr::to_string(&imported.config).map_err(|error| error.to_string()),
        ImportFormat::Json => imported.to_json().map(|text| text + "\n").map_err(|error| error.to_string()),
    };
    let plan = match written {
        Ok(plan) => plan,
        Err(why) => return input::refuse(&format_args!("the plan cannot be written: {why}")),
    };
    let mut out = io::stdout().lock();
    let code = input::written(out.write_all(plan.as_bytes()).and_then(|()| out.flush()));
    eprint!("{}", told(&imported));
    let changes = imported.notes.iter().any(|note| note.kind.changes_answers());
    let strictness = if asked.strict { Strictness::Strict } else { Strictness::Lenient };
    if code == ExitCode::SUCCESS && changes && strictness == Strictness::Strict {
        return ExitCode::from(1);
    }
    code
}

const fn source_of(source: ImportSource) -> Source {
    match source {
        ImportSource::Unleash => Source::Unleash,
        ImportSource::Launchdarkly => Source::LaunchDarkly,
        ImportSource::Growthbook => Source::GrowthBook,
        ImportSource::Flagd => Source::Flagd,
    }
}

fn text(path: &Path) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let mut lines = input::lines(path, |file| Box::new(file))?;
    lines.read_to_end(&mut bytes).map_err(|error| input::cannot_read(path, &error))?;
    String::from_utf8(bytes).map_err(|_| {
        let why = format_args!("{}: not UTF-8; expected JSON", input::name(path));
        Error::new(ErrorKind::InvalidArgument, why)
    })
}

/// The notes as a table, and how many of each kind there are.
fn told(imported: &Imported) -> String {
    let count = imported.config.flags.0.len();
    let flags = if count == 1 { "1 flag".to_owned() } else { format!("{count} flags") };
    if imported.notes.is_empty() {
        return format!("{flags}; everything came over as it was\n");
    }
    let headings = ["Flag", "What became of it", "Where", "What it is"];
    let mut table = Table::new(headings.map(str::to_owned));
    let mut kinds: BTreeMap<NoteKind, usize> = BTreeMap::new();
    for Note { kind, flag, path, what } in &imported.notes {
        *kinds.entry(*kind).or_default() += 1;
        let flag = flag.clone().unwrap_or_else(|| "(the file)".to_owned());
        table.add([flag, kind.name().to_owned(), path.clone(), what.clone()]);
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {}", kind.name())).collect();
    format!("{}\n{flags}; {}\n", table.draw(Style::Text), kinds.join(", "))
}
