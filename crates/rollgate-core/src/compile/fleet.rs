//! `fleet`, `prometheus`, and the sources of metrics.

use super::reader::{Item, Reader};
use crate::limits::{QUERY_EVERY_MIN_MS, QUERY_TIMEOUT_MAX_MS, QUERY_TIMEOUT_MIN_MS, QUORUM_MAX};
use crate::snapshot::{Metric, MetricKind, MetricSource, Prometheus, Scope, Secret};
use crate::time::Span;

const SCOPES: [(&str, Scope); 2] = [("fleet", Scope::Fleet), ("instance", Scope::Instance)];

/// How often a source is asked, and how long for, where nothing is written.
const EVERY: Span = Span::seconds(30);
const TIMEOUT: Span = Span::seconds(5);

/// What a plan says of the engines on one store.
pub(super) struct Fleet {
    pub(super) quorum: u16,
    pub(super) alerts: Scope,
}

/// Compiles `fleet`.
pub(super) fn fleet(reader: &mut Reader, item: Option<Item<'_>>) -> Fleet {
    let mut fleet = Fleet { quorum: 1, alerts: Scope::Fleet };
    let Some(item) = item else { return fleet };
    let Some(mut map) = reader.map(&item, "a map with quorum and alerts") else { return fleet };
    if let Some(item) = map.take("quorum")
        && let Some(quorum) = reader.whole(&item, 1)
    {
        match u16::try_from(quorum).ok().filter(|quorum| *quorum <= QUORUM_MAX) {
            Some(quorum) => fleet.quorum = quorum,
            None => reader.error_help(
                "out-of-range",
                &item.path,
                item.at(),
                format_args!("`{quorum}` nodes are too many; at most {QUORUM_MAX}"),
                "write how many nodes must report for time to count as watched",
            ),
        }
    }
    fleet.alerts = scope(reader, map.take("alerts"));
    reader.close(map);
    fleet
}

/// Reads a scope; that of the fleet unless written.
pub(super) fn scope(reader: &mut Reader, item: Option<Item<'_>>) -> Scope {
    item.and_then(|item| reader.word(&item, &SCOPES)).unwrap_or_default()
}

/// Compiles the `source` of a metric of this kind.
pub(super) fn source(
    reader: &mut Reader,
    item: Option<Item<'_>>,
    (kind, max_gap, scope): (Option<MetricKind>, Span, Scope),
) -> Option<MetricSource> {
    let item = item?;
    let mut map = reader.map(&item, "a map with promql and every")?;
    let every = match map.take("every") {
        None => EVERY.min(max_gap),
        Some(item) => every(reader, &item, max_gap)?,
    };
    let Some(query) = map.take("promql") else {
        let help = "add `promql:` with a query that gives one value";
        reader.error_help("missing-key", &item.path, item.key_at(), "the source has no query", help);
        return None;
    };
    let promql = reader.text(&query)?;
    if promql.trim().is_empty() {
        let help = "write a query that gives one value, such as `max(queue_length)`";
        reader.error_help("wrong-source", &query.path, query.at(), "the query is empty", help);
        return None;
    }
    reader.close(map);
    if let Some(help) = kind.and_then(never) {
        let message = format_args!("a {} cannot come from a query", kind.map_or("metric", MetricKind::name));
        reader.error_help("wrong-source", &item.path, item.key_at(), message, help);
        return None;
    }
    if scope == Scope::Instance {
        let message = "only the node that leads asks a source, so that no other would have a sample";
        reader.error_help("wrong-source", &item.path, item.key_at(), message, "remove `scope: instance`");
        return None;
    }
    Some(MetricSource { promql, every })
}

/// Why a metric of this kind cannot come from a query.
const fn never(kind: MetricKind) -> Option<&'static str> {
    match kind {
        MetricKind::Gauge | MetricKind::Score => None,
        MetricKind::Distribution => Some(
            "a query gives a number, not the samples behind it: a quantile from Prometheus is a gauge here, with `kind: gauge` and `stat: last` or max",
        ),
        MetricKind::Ratio => Some(
            "a query gives a number, not the outcomes that it is of: a ratio from Prometheus is a gauge here, with `kind: gauge` and `unit: \"%\"`, in percent",
        ),
        MetricKind::Event => Some(
            "a query gives a number, not when each event happened: a rate or an increase from Prometheus is a gauge here, with `kind: gauge` and `unit: count`",
        ),
    }
}

/// A metric that is asked for less often than it may be silent is without data in between.
fn every(reader: &mut Reader, item: &Item<'_>, max_gap: Span) -> Option<Span> {
    let span = reader.span(item, Span(QUERY_EVERY_MIN_MS))?;
    if span > max_gap {
        let message = format_args!("asked every {span}, the metric is silent after {max_gap} each time");
        let help = "ask more often, or write a longer `max_gap:`";
        reader.error_help("out-of-range", &item.path, item.at(), message, help);
        return None;
    }
    Some(span)
}

/// Compiles `prometheus`; `None` where nothing is written.
pub(super) fn prometheus(
    reader: &mut Reader,
    item: Option<Item<'_>>,
    metrics: &[Metric],
) -> Option<Prometheus> {
    let item = item?;
    let mut map = reader.map(&item, "a map with url, timeout, username and secret")?;
    let url = map.take("url").and_then(|item| url(reader, &item));
    let timeout = map.take("timeout").and_then(|item| timeout(reader, &item)).unwrap_or(TIMEOUT);
    let username = map.take("username").and_then(|item| reader.text(&item));
    let secret = map.take("secret").and_then(|item| secret(reader, &item));
    reader.close(map);
    if metrics.iter().all(|metric| metric.source.is_none()) {
        let help = "add `source: { promql: … }` to a metric, or remove it";
        reader.warn("no-effect", &item.path, item.key_at(), "no metric comes from this server", help);
    }
    Some(Prometheus { url, timeout, username, secret })
}

fn timeout(reader: &mut Reader, item: &Item<'_>) -> Option<Span> {
    let span = reader.span(item, Span(QUERY_TIMEOUT_MIN_MS))?;
    if span.0 > QUERY_TIMEOUT_MAX_MS {
        let message = format_args!("`{span}` is too long; at most {}", Span(QUERY_TIMEOUT_MAX_MS));
        let help = "what takes so long is no data; write for example 5s";
        reader.error_help("out-of-range", &item.path, item.at(), message, help);
        return None;
    }
    Some(span)
}

fn url(reader: &mut Reader, item: &Item<'_>) -> Option<String> {
    let text = reader.text(item)?;
    match Prometheus::address(&text) {
        Ok(url) => Some(url),
        Err(AddressError::HoldsSecret) => {
            let help = "write `username:` and `secret: env:NAME` or `secret: file:PATH` beside it";
            let message = "the address has a user or a password in it";
            reader.error_help("secret-in-plan", &item.path, item.at(), message, help);
            None
        }
        Err(AddressError::NoAddress) => {
            let message = format_args!("`{text}` is not the address of a server");
            let help = "write for example http://prometheus:9090";
            reader.error_help("wrong-url", &item.path, item.at(), message, help);
            None
        }
    }
}

/// What is written is not repeated: it may be the secret itself.
fn secret(reader: &mut Reader, item: &Item<'_>) -> Option<Secret> {
    let text = reader.text(item)?;
    let is_name = |name: &&str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let found = match (text.strip_prefix("env:"), text.strip_prefix("file:")) {
        (Some(name), _) => Some(name).filter(is_name).map(|name| Secret::Env(name.to_owned())),
        (_, Some(path)) => {
            Some(path).filter(|path| !path.is_empty()).map(|path| Secret::File(path.to_owned()))
        }
        _ => None,
    };
    if found.is_none() {
        let message = "a plan says where a secret is found, and never holds it";
        let help = "write `env:NAME` of an environment variable, or `file:PATH`";
        reader.error_help("secret-in-plan", &item.path, item.at(), message, help);
    }
    found
}

/// Why a text is no address that a plan may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// It is not `http://` or `https://` with a host, or has more than a path behind it.
    NoAddress,
    /// It has a user or a password in it.
    HoldsSecret,
}

impl Prometheus {
    /// A server that is asked without a secret, at an address that is known later.
    pub const fn plain() -> Self {
        Self { url: None, timeout: TIMEOUT, username: None, secret: None }
    }

    /// The address of a server, as it is kept: without a slash at its end.
    ///
    /// # Errors
    /// [`AddressError`] where it is none.
    pub fn address(text: &str) -> Result<String, AddressError> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let Some(authority) = authority else { return Err(AddressError::NoAddress) };
        if authority.contains('@') {
            return Err(AddressError::HoldsSecret);
        }
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '?' | '#' | '@');
        let has_host = !authority.is_empty() && !authority.starts_with(':');
        if !has_host || !text.chars().all(is_plain) {
            return Err(AddressError::NoAddress);
        }
        Ok(text.trim_end_matches('/').to_owned())
    }
}
