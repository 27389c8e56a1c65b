//! What each path may cost, as a ratio of the same run.

use super::summary::Row;

/// What is compared with what.
enum Of {
    /// At most so many floors.
    Floors(f64),
    /// The fastest peer takes at least so many times longer.
    Peers(f64),
    /// This peer takes at least so many times longer.
    Peer(&'static str, f64),
    /// No allocation.
    NoAllocations,
    /// At most so many times this row of its own.
    Own(&'static str, f64),
}

const BUDGETS: [(&str, Of); 21] = [
    ("rollgate/handle", Of::Floors(1.3)),
    ("rollgate/handle", Of::Peers(40.0)),
    ("rollgate/handle", Of::NoAllocations),
    ("rollgate/handle_2t", Of::Own("one thread", 1.05)),
    ("rollgate/by_name_1000", Of::Floors(4.5)),
    ("rollgate/by_name_1000", Of::Peers(12.0)),
    ("rollgate/by_name_1000", Of::NoAllocations),
    ("rollgate/rule_by_name", Of::Floors(9.0)),
    ("rollgate/rule_by_name", Of::Peers(9.0)),
    ("rollgate/rule_by_name", Of::NoAllocations),
    ("rollgate/counted", Of::Floors(3.0)),
    ("rollgate/counted_by_name", Of::Floors(5.5)),
    ("rollgate/missing", Of::Floors(4.0)),
    ("rollgate/all_1000", Of::Floors(1.0)),
    ("rollgate/all_1000_one_salt", Of::Floors(0.45)),
    ("rollgate/all_1000", Of::NoAllocations),
    ("rollgate/record", Of::Peer("metrics", 5.0)),
    ("rollgate/record_2t", Of::Peer("metrics", 10.0)),
    ("rollgate/record", Of::NoAllocations),
    ("rollgate/publish_p999", Of::Own("quiet", 1.1)),
    ("rollgate/publish_p999_handle", Of::Own("quiet", 1.1)),
];

/// One line a budget: what it allows, what was measured, whether it is kept.
pub(super) fn lines(rows: &[Row]) -> Vec<String> {
    BUDGETS.iter().map(|(name, of)| line(rows, name, of)).collect()
}

fn line(rows: &[Row], name: &str, of: &Of) -> String {
    let row = rows.iter().find(|row| row.name == name);
    let (allowed, found, is_kept) = match of {
        Of::Floors(most) => {
            let ratio = row.and_then(|row| row.over_floor);
            (format!("at most {most} floors"), shown(ratio), ratio.map(|ratio| ratio <= *most))
        }
        Of::Peers(least) => {
            let nearest = row.and_then(Row::nearest);
            let found =
                nearest.map_or_else(|| "-".to_owned(), |(peer, ratio)| format!("{ratio:.1} ({peer})"));
            let allowed = format!("at least {least} times faster than the fastest peer");
            (allowed, found, nearest.map(|(_, ratio)| ratio >= least))
        }
        Of::Peer(peer, least) => {
            let ratio = row.and_then(|row| row.over(peer));
            (
                format!("at least {least} times faster than {peer}"),
                shown(ratio),
                ratio.map(|ratio| ratio >= *least),
            )
        }
        Of::NoAllocations => {
            let allocs = row.and_then(|row| row.allocs);
            ("no allocation".to_owned(), shown(allocs), allocs.map(|allocs| allocs == 0.0))
        }
        Of::Own(other, most) => {
            let ratio = row.and_then(|row| row.over(other));
            (format!("at most {most} times {other}"), shown(ratio), ratio.map(|ratio| ratio <= *most))
        }
    };
    let verdict = match is_kept {
        Some(true) => "kept",
        Some(false) => "MISSED",
        None => "not measured",
    };
    format!("{verdict:<13}{name:<30}{allowed:<52}{found}")
}

fn shown(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::super::summary::parse;
    use super::*;

    #[test]
    fn a_budget_is_kept_up_to_what_it_allows_and_missed_beyond() {
        let verdict = |ratio: f64| {
            let row = format!(
                r#"[{{"name":"rollgate/handle","ns_min":1,"ns_median":1,"allocs":0,"over_floor":{ratio},"versus":{{"p":{}}}}}]"#,
                53.0 - 10.0 * ratio
            );
            let lines = lines(&parse(&row).unwrap());
            lines
                .iter()
                .take(4)
                .map(|line| line.split_whitespace().next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(verdict(1.3), ["kept", "kept", "kept", "not"]);
        assert_eq!(verdict(1.31), ["MISSED", "MISSED", "kept", "not"]);
    }
}
