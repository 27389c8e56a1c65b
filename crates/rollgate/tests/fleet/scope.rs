//! Whose samples are judged together: those of all nodes, or each node's own.

use rollgate::core::snapshot::Severity;
use rollgate::core::time::Span;
use rollgate::store::SharedMemoryStore;

use crate::stage::{Node, PLAN, START, count, pass};

fn plan() -> String {
    PLAN.replacen("complaints: { kind: event,", "complaints: { scope: instance, kind: event,", 1)
}

/// Nodes on one store, with a rollout that has begun.
fn nodes<const N: usize>(store: &SharedMemoryStore, plan: &str) -> [Node; N] {
    let nodes = [(); N].map(|()| Node::open(store, plan, START));
    nodes[0].engine.start("ann").unwrap();
    pass(&nodes.iter().collect::<Vec<_>>(), Span::seconds(11));
    nodes
}

fn complain(node: &Node, count: u64) {
    node.engine.metric("complaints").unwrap().count(count);
}

fn heard(node: &Node) -> u64 {
    node.engine.totals("complaints").unwrap().recorded
}

#[test]
fn r165_of_scope_instance_five_on_five_nodes_are_one_each_and_five_on_one_are_five() {
    let store = SharedMemoryStore::new();
    let nodes: [Node; 5] = nodes(&store, &plan());
    let all: Vec<&Node> = nodes.iter().collect();
    for node in &nodes {
        complain(node, 1);
        node.engine.metric("heap").unwrap().record(1.0);
    }
    pass(&all, Span::minutes(1));
    assert!(nodes.iter().all(|node| node.share() == 40 && heard(node) == 1));
    // What is of the fleet is merged all the same.
    assert!(nodes.iter().all(|node| node.engine.totals("heap").unwrap().recorded == 5));
    complain(&nodes[3], 3);
    pass(&all, Span::seconds(10));
    assert_eq!(nodes[3].share(), 40);
    complain(&nodes[3], 1);
    assert_eq!(nodes[3].share(), 0, "at once, where it was counted");
    pass(&all, Span::seconds(1));
    assert!(nodes.iter().all(|node| node.share() == 0));
    assert_eq!((count(&store, "rolled_back"), count(&store, "trigger_fired")), (1, 1));
}

#[test]
fn r165_a_node_that_joins_takes_over_none_of_the_leaders() {
    let store = SharedMemoryStore::new();
    let [a] = nodes(&store, &plan());
    complain(&a, 4);
    a.engine.metric("heap").unwrap().record(1.0);
    pass(&[&a], Span::minutes(11));
    let b = Node::open(&store, &plan(), START + Span::seconds(671));
    assert_eq!((heard(&b), b.engine.totals("heap").unwrap().recorded), (0, 1));
    complain(&b, 4);
    pass(&[&a, &b], Span::seconds(10));
    assert_eq!((a.share(), b.share(), heard(&a), heard(&b)), (60, 60, 4, 4));
    // It goes on as the leader, with its own.
    drop(a);
    pass(&[&b], Span::minutes(1));
    assert_eq!((b.share(), heard(&b)), (60, 4));
    complain(&b, 1);
    assert_eq!(b.share(), 0);
}

#[test]
fn what_a_node_did_not_count_itself_is_no_evidence_that_nothing_happened() {
    // Nobody complained within the last half hour, of which 90% must have been watched.
    let gate = "{ metric: complaints, stat: count, over: 30m, at_most: 0, coverage: 90% }";
    let plan =
        plan().replacen("{ metric: latency, stat: p95, over: 10m, below: 200ms, min_samples: 100 }", gate, 1);
    let store = SharedMemoryStore::new();
    let [a] = nodes(&store, &plan);
    drop(a.engine.metric("complaints").unwrap());
    pass(&[&a], Span::minutes(55));
    let b = Node::open(&store, &plan, START + Span::minutes(55) + Span::seconds(11));
    drop(b.engine.metric("complaints").unwrap());
    drop(a);
    pass(&[&b], Span::minutes(10));
    let phase = |node: &Node| node.engine.status().phase.unwrap().to_string();
    assert_eq!(phase(&b), "some", "it has looked for ten minutes of thirty");
    pass(&[&b], Span::minutes(20));
    assert_eq!(phase(&b), "all");
}

#[test]
fn samples_of_a_long_partition_are_no_drops_of_what_each_judges_by_itself() {
    let store = SharedMemoryStore::new();
    let [a, b] = nodes(&store, &plan());
    b.way.go_away();
    for _ in 0..4 {
        complain(&b, 1);
        b.engine.metric("heap").unwrap().record(1.0);
        pass(&[&a, &b], Span::minutes(1));
    }
    b.way.come_back();
    pass(&[&a, &b], Span::seconds(20));
    let totals = |name: &str| a.engine.totals(name).unwrap();
    assert_eq!((totals("complaints").recorded, totals("complaints").dropped), (0, 0));
    assert_eq!(totals("heap").dropped, 4);
    assert_eq!(heard(&b), 4);
}

#[test]
fn r165_alerts_have_a_scope_of_their_own() {
    let trigger = "storm: { when: { alerts: critical, within: 1h, at_least: 2 }, rollback: { to: zero } }";
    let with_alerts = PLAN.replacen(
        "    contingency: { to: zero, requires",
        &format!("      {trigger}\n    contingency: {{ to: zero, requires"),
        1,
    );
    for (scope, share) in [("fleet", 0), ("instance", 40)] {
        let plan = with_alerts.replacen(
            "evaluate_every: 10s",
            &format!("evaluate_every: 10s\nfleet: {{ alerts: {scope} }}"),
            1,
        );
        let store = SharedMemoryStore::new();
        let [a, b] = nodes(&store, &plan);
        a.engine.alerts().open_alert(Severity::Critical, "disk").unwrap();
        b.engine.alerts().open_alert(Severity::Critical, "network").unwrap();
        pass(&[&a, &b], Span::seconds(20));
        assert_eq!((a.share(), b.share()), (share, share), "{scope}");
        b.engine.alerts().open_alert(Severity::Critical, "power").unwrap();
        pass(&[&a, &b], Span::seconds(20));
        assert_eq!((a.share(), b.share()), (0, 0), "{scope}");
    }
}
