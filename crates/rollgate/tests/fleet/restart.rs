//! Processes that end and come back.

use rollgate::core::time::Span;
use rollgate::store::SharedMemoryStore;

use crate::stage::{Node, PLAN, START, count, kinds, pass, stored};

/// Ends a node as a kill does: nothing is told any more.
fn kill(node: Node) {
    node.way.go_away();
    drop(node);
}

#[test]
fn r164_windows_survive_a_restart_and_the_time_between_is_a_gap() {
    let store = SharedMemoryStore::new();
    let a = Node::open(&store, PLAN, START);
    a.engine.start("ann").unwrap();
    let latency = a.engine.metric("latency").unwrap();
    for _ in 0..300 {
        latency.record_many(100.0, 10);
        a.pass(Span::seconds(10));
    }
    let before = a.engine.totals("latency").unwrap();
    drop(latency);
    let wall = START + Span::seconds(3_000);
    kill(a);
    let b = Node::open(&store, PLAN, wall + Span::seconds(5));
    // The lease of a node that was killed elsewhere is waited for.
    pass(&[&b], Span::seconds(40));
    assert_eq!(b.engine.totals("latency").unwrap(), before);
    assert_eq!(b.share(), 60);
    assert_eq!(count(&store, "restarted"), 1, "{:?}", kinds(&stored(&store)));
}

#[test]
fn r161_no_soak_is_credited_for_time_that_nobody_watched() {
    let store = SharedMemoryStore::new();
    let a = Node::open(&store, PLAN, START);
    a.engine.start("ann").unwrap();
    pass(&[&a], Span::minutes(5));
    kill(a);
    let b = Node::open(&store, PLAN, START + Span::hours(6));
    pass(&[&b], Span::minutes(4));
    assert_eq!(b.share(), 40, "nine minutes of ten were watched");
    // The time in which the new process waited for the old one's lease is nobody's either.
    pass(&[&b], Span::minutes(2));
    assert_eq!(b.share(), 60);
    let restarted = stored(&store).into_iter().find(|line| line.contains("restarted")).unwrap();
    let down: serde_json::Value = serde_json::from_str(&restarted).unwrap();
    let hours = down["down_ms"].as_u64().unwrap() as f64 / 3_600_000.0;
    assert!((5.8..6.1).contains(&hours), "{restarted}");
}

#[test]
fn a_latch_that_was_open_is_judged_before_anything_is_served() {
    let store = SharedMemoryStore::new();
    let a = Node::open(&store, PLAN, START);
    a.engine.start("ann").unwrap();
    pass(&[&a], Span::seconds(20));
    // The gauge is told, and the process ends before its next evaluation.
    a.way.go_away();
    a.engine.metric("heap").unwrap().record(900.0);
    a.way.come_back();
    pass(&[&a], Span::seconds(10));
    drop(a);
    let b = Node::open(&store, PLAN, START + Span::seconds(31));
    assert_eq!(b.share(), 40);
    b.engine.metric("heap").unwrap().record(2_000.0);
    assert_eq!(b.share(), 0);
}
