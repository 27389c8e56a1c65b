//! Which peers there are.

use crate::row::Row;

/// A peer's rows, or why it has none.
type Make = fn() -> Result<Vec<Row>, String>;

/// Every peer that was built.
pub const PEERS: &[(&str, Make)] = &[
    #[cfg(feature = "unleash")]
    ("unleash-yggdrasil", super::unleash::rows),
    #[cfg(feature = "eppo")]
    ("eppo_core", super::eppo::rows),
    #[cfg(feature = "launchdarkly")]
    ("launchdarkly-server-sdk-evaluation", super::launchdarkly::rows),
    #[cfg(feature = "growthbook")]
    ("growthbook-rust", super::growthbook::rows),
    #[cfg(feature = "statsig")]
    ("statsig-rust", super::statsig::rows),
    #[cfg(feature = "flagd")]
    ("flagd-evaluation-engine", super::flagd::rows),
    #[cfg(feature = "metrics")]
    ("metrics", super::metrics::rows),
    #[cfg(feature = "prometheus")]
    ("prometheus", super::prometheus::rows),
    #[cfg(feature = "hdrhistogram")]
    ("hdrhistogram", super::hdrhistogram::rows),
];

/// Flags that a peer loads; the first is asked for, the second has the rule.
pub const FLAGS: usize = 1_000;
/// The flag without a rule.
pub const PLAIN: &str = "flag-0500";
/// The flag with one.
pub const RULED: &str = "flag-0501";

/// The names of all flags.
pub fn names() -> impl Iterator<Item = String> {
    (0..FLAGS).map(|index| format!("flag-{index:04}"))
}

/// A peer's name for a row.
pub fn name(peer: &str, row: &str) -> String {
    format!("peer/{peer}/{row}")
}
