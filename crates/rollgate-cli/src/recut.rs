//! `rollgate recut`: ranges of variants for new shares, moving as few subjects as can be (SEMANTICS 1.7).

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use rollgate::core::snapshot::{Flag, VariantSplit, Variants};
use rollgate::core::units::Share;
use serde_json::{Map, Value, json};

use crate::args::TableFormat;
use crate::input;
use crate::table::{Style, Table};

/// One flag whose variants are cut for new shares.
struct Cut<'a> {
    flag: &'a Flag,
    variants: &'a Variants,
    split: VariantSplit,
    /// Parts per million of all subjects that get another variant: with these ranges, and with those of the plan alone.
    moved: u64,
    moved_without: u64,
}

/// Prints the ranges.
pub(crate) fn run(plan: &Path, from: &Path, format: TableFormat) -> ExitCode {
    let read = |path: &Path| input::plan(path).map_err(|error| input::refuse_plan(path, &error));
    let (new, old) = match (read(plan), read(from)) {
        (Ok(new), Ok(old)) => (new, old),
        (Err(code), _) | (_, Err(code)) => return code,
    };
    let before = |flag: &Flag| {
        let id = old.flag_of(flag.key.as_str())?;
        old.flags.get(id.index())?.variants.as_deref()
    };
    let cuts: Vec<Cut<'_>> = new
        .flags
        .iter()
        .filter_map(|flag| {
            let variants = flag.variants.as_deref()?;
            let before = before(flag)?;
            let split = variants.recut_from(before)?;
            let moved = moved(before, variants, &split)?;
            let moved_without = moved_of_plan(before, variants)?;
            Some(Cut { flag, variants, split, moved, moved_without })
        })
        .collect();
    if cuts.is_empty() {
        eprintln!("no flag has variants with shares in both plans; there is nothing to carry over");
        return ExitCode::FAILURE;
    }
    for cut in &cuts {
        let part = |ppm: u64| ppm as f64 / 10_000.0;
        let (with, without) = (part(cut.moved), part(cut.moved_without));
        eprintln!(
            "{}: {with}% of the subjects get another variant; {without}% without these ranges",
            cut.flag.key
        );
    }
    let mut out = io::stdout().lock();
    input::written(match format {
        TableFormat::Json => writeln!(out, "{}", of_flags(&cuts)),
        TableFormat::Table => write!(out, "{}", table(&cuts).draw(Style::Text)),
        TableFormat::Markdown => write!(out, "{}", table(&cuts).draw(Style::Markdown)),
    })
}

/// Parts per million of all buckets whose variant changes its name.
fn moved(before: &Variants, after: &Variants, split: &VariantSplit) -> Option<u64> {
    let old = before.split.as_ref()?;
    let name = |variants: &Variants, split: &VariantSplit, at: u32| {
        let range = split.ranges().iter().find(|range| at < range.end_ppm)?;
        variants.list.get(range.variant.index()).map(|variant| variant.key.clone())
    };
    let mut borders: Vec<u32> =
        old.ranges().iter().chain(split.ranges()).map(|range| range.end_ppm).collect();
    borders.sort_unstable();
    let (mut moved, mut from) = (0, 0);
    for to in borders {
        if name(before, old, from) != name(after, split, from) {
            moved += u64::from(to - from);
        }
        from = to;
    }
    Some(moved)
}

fn moved_of_plan(before: &Variants, after: &Variants) -> Option<u64> {
    moved(before, after, after.split.as_ref()?)
}

/// The ranges of one variant, as a plan writes them.
fn ranges(cut: &Cut<'_>, index: usize) -> Vec<String> {
    let mut from = 0;
    let mut found = Vec::new();
    for range in cut.split.ranges() {
        let percent = |ppm| Share::from_ppm(ppm).unwrap_or_default().to_string();
        if range.variant.index() == index {
            found.push(format!("{}-{}", percent(from), percent(range.end_ppm)));
        }
        from = range.end_ppm;
    }
    found
}

fn table(cuts: &[Cut<'_>]) -> Table {
    let mut table = Table::new(["Flag", "Variant", "Share", "Ranges"].map(str::to_owned));
    for cut in cuts {
        for (index, variant) in cut.variants.list.iter().enumerate() {
            let ranges = ranges(cut, index).join(", ");
            let cells = [cut.flag.key.to_string(), variant.key.to_string(), variant.share.to_string()];
            table.add(cells.into_iter().chain([format!("[{ranges}]")]));
        }
    }
    table
}

fn of_flags(cuts: &[Cut<'_>]) -> Value {
    let of_cut = |cut: &Cut<'_>| {
        let variants = cut.variants.list.iter().enumerate();
        let ranges: Map<String, Value> =
            variants.map(|(index, variant)| (variant.key.to_string(), json!(ranges(cut, index)))).collect();
        let part = |ppm: u64| ppm as f64 / 1e6;
        (
            cut.flag.key.to_string(),
            json!({ "moved": part(cut.moved), "moved_without": part(cut.moved_without), "ranges": ranges }),
        )
    };
    Value::Object(cuts.iter().map(of_cut).collect())
}
