//! `tests/spec/verdicts.toml`: cases of rows, and what a row asks.

use rollgate_core::config::{Location, Node, Scalar, Value};
use rollgate_core::time::Span;
use toml_edit::{Document, Item, TableLike, Value as TomlValue};

/// Keys of a row that are the table's own; every other key is the condition's.
const OWN: [&str; 8] = ["about", "at", "feed", "given", "gate", "trigger", "since", "when"];

/// One condition on one history, and the verdicts on it.
pub(crate) struct Row {
    /// Where it stands: the case's words and its number in it.
    pub(crate) name: String,
    /// The condition, as a plan writes it.
    pub(crate) when: Node,
    /// Plan keys that this case needs otherwise.
    pub(crate) plan: Option<Node>,
    /// What is recorded.
    pub(crate) feed: Vec<Node>,
    /// Where the rollout stands.
    pub(crate) given: Vec<Node>,
    /// When it is judged, from the start of the phase.
    pub(crate) at: Span,
    /// The verdict as a gate; `None`: not judged as one.
    pub(crate) gate: Option<String>,
    /// The verdict as a trigger.
    pub(crate) trigger: Option<String>,
    /// The verdict as a trigger that has fired.
    pub(crate) since: Option<String>,
    /// The case says that there is nothing to judge by.
    pub(crate) is_without_evidence: bool,
}

fn node(value: Value) -> Node {
    Node { value, at: Location::default() }
}

pub(crate) fn map(entries: Vec<(String, Node)>) -> Node {
    node(Value::Map(entries.into_iter().map(|(key, node)| (key, Location::default(), node)).collect()))
}

pub(crate) fn text(text: &str) -> Node {
    node(Value::Scalar(Scalar::Text(text.to_owned())))
}

pub(crate) fn list(items: Vec<Node>) -> Node {
    node(Value::List(items))
}

fn table(inner: &dyn TableLike) -> Node {
    map(inner.iter().map(|(key, item)| (key.to_owned(), of_item(item))).collect())
}

fn of_item(item: &Item) -> Node {
    match item {
        Item::None => node(Value::Scalar(Scalar::Null)),
        Item::Value(value) => of_value(value),
        Item::Table(inner) => table(inner),
        Item::ArrayOfTables(tables) => list(tables.iter().map(|inner| table(inner)).collect()),
    }
}

fn of_value(value: &TomlValue) -> Node {
    node(Value::Scalar(match value {
        TomlValue::String(text) => Scalar::Text(text.value().clone()),
        TomlValue::Integer(number) => Scalar::Number(number.value().to_string()),
        TomlValue::Float(number) => Scalar::Number(number.value().to_string()),
        TomlValue::Boolean(value) => Scalar::Bool(*value.value()),
        TomlValue::Datetime(date) => Scalar::Text(date.value().to_string()),
        TomlValue::Array(items) => return list(items.iter().map(of_value).collect()),
        TomlValue::InlineTable(inner) => return table(inner),
    }))
}

/// A file of the table as a tree.
pub(crate) fn read(source: &str) -> Node {
    let document: Document<&str> = Document::parse(source).unwrap_or_else(|error| panic!("{error}"));
    table(document.as_table())
}

pub(crate) fn entries(of: &Node) -> &[(String, Location, Node)] {
    match &of.value {
        Value::Map(entries) => entries,
        other => panic!("expected a map, found {other:?}"),
    }
}

pub(crate) fn items(of: &Node) -> &[Node] {
    match &of.value {
        Value::List(items) => items,
        other => panic!("expected a list, found {other:?}"),
    }
}

pub(crate) fn words(of: &Node) -> &str {
    match &of.value {
        Value::Scalar(Scalar::Text(text) | Scalar::Number(text)) => text,
        other => panic!("expected a text, found {other:?}"),
    }
}

pub(crate) fn number(of: &Node) -> f64 {
    words(of).parse().unwrap_or_else(|_| panic!("{} is no number", words(of)))
}

pub(crate) fn span(of: &Node) -> Span {
    Span::parse(words(of)).unwrap_or_else(|error| panic!("{error}"))
}

fn all_items(of: &Node, key: &str) -> Vec<Node> {
    of.field(key).map_or_else(Vec::new, |list| items(list).to_vec())
}

/// The rows of all cases: a row's condition is the case's `when` with the row's own keys.
pub(crate) fn rows(table: &Node) -> Vec<Row> {
    let mut rows = Vec::new();
    for case in items(table.field("case").expect("cases")) {
        let known = ["about", "at", "feed", "given", "plan", "rows", "when", "evidence"];
        for (key, _, _) in entries(case) {
            assert!(known.contains(&key.as_str()), "a case has no `{key}`");
        }
        let about = words(case.field("about").expect("every case says what it is about"));
        for (index, row) in all_items(case, "rows").iter().enumerate() {
            rows.push(row_of(case, row, format!("{about}, row {}", index + 1)));
        }
    }
    rows
}

fn row_of(case: &Node, row: &Node, name: String) -> Row {
    let field = |key: &str| row.field(key).or_else(|| case.field(key));
    let own = entries(row).iter().filter(|(key, ..)| !OWN.contains(&key.as_str()));
    let whens = case.field("when").into_iter().chain(row.field("when"));
    let mut when: Vec<(String, Node)> = Vec::new();
    for (key, _, node) in whens.flat_map(entries).chain(own) {
        when.retain(|(known, _)| known != key);
        when.push((key.clone(), node.clone()));
    }
    let expected = |key: &str| row.field(key).map(|node| words(node).to_owned());
    let (gate, trigger) = (expected("gate"), expected("trigger"));
    let since = expected("since");
    assert!(gate.is_some() || trigger.is_some() || since.is_some(), "{name} expects nothing");
    let mut feed = all_items(case, "feed");
    feed.extend(all_items(row, "feed"));
    let given = [case, row].into_iter().filter_map(|of| of.field("given").cloned()).collect();
    Row {
        when: map(when),
        plan: case.field("plan").cloned(),
        feed,
        given,
        at: field("at").map_or(Span::minutes(1), span),
        gate,
        trigger,
        since,
        is_without_evidence: case.field("evidence").is_some_and(|none| words(none) == "none"),
        name,
    }
}

/// The plan of the table with a row's condition in it, as one gate and one trigger.
pub(crate) fn plan(table: &Node, row: &Row) -> Node {
    let mut keys: Vec<(String, Node)> = Vec::new();
    let base = table.field("plan").expect("a plan");
    for (key, _, value) in entries(base).iter().chain(row.plan.iter().flat_map(entries)) {
        keys.retain(|(known, _)| known != key);
        keys.push((key.clone(), value.clone()));
    }
    let mut phase: Vec<(String, Node)> = Vec::new();
    for (key, _, value) in entries(table.field("phase").expect("a phase")) {
        phase.push((key.clone(), value.clone()));
    }
    let rollback = || map(vec![("to".into(), text("zero"))]);
    let trigger = |when: Node| map(vec![("when".into(), when), ("rollback".into(), rollback())]);
    // What raises exposure needs a trigger; the one without a row to judge is this.
    let storm = [("alerts", "critical"), ("within", "1h"), ("at_least", "1000")];
    let storm = map(storm.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect());
    let mut triggers = vec![("storm".to_owned(), trigger(storm))];
    if row.trigger.is_some() || row.since.is_some() {
        triggers.push(("row".to_owned(), trigger(row.when.clone())));
    }
    phase.push(("triggers".into(), map(triggers)));
    if row.gate.is_some() {
        phase.push(("gates".into(), map(vec![("row".to_owned(), row.when.clone())])));
    }
    keys.push(("phases".into(), list(vec![map(phase)])));
    map(keys)
}
