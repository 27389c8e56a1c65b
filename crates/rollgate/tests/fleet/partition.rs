//! Nodes that cannot reach the store.

use rollgate::Role;
use rollgate::core::error::ErrorKind;
use rollgate::core::time::Span;
use rollgate::store::SharedMemoryStore;

use crate::stage::{Node, PLAN, START, count, pass, stored};

#[test]
fn r161_a_rollback_while_the_store_is_away_is_written_when_it_is_back() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    pass(&[&a, &b], Span::seconds(30));
    b.way.go_away();
    b.engine.metric("heap").unwrap().record(2_000.0);
    pass(&[&a, &b], Span::seconds(10));
    // At once where it was seen; the others cannot know.
    assert_eq!((b.share(), a.share(), count(&store, "rolled_back")), (0, 40, 0));
    let seen = b.engine.status().store.unwrap();
    assert!(seen.away_for.is_some() && seen.unsaved > 0, "{seen:?}");
    b.way.come_back();
    pass(&[&a, &b], Span::seconds(12));
    assert_eq!((b.share(), a.share(), count(&store, "rolled_back")), (0, 0, 1));
    assert_eq!(stored(&store), b.engine.journal_after(0));
    assert_eq!(b.engine.status().store.unwrap().away_for, None);
}

#[test]
fn a_rollback_that_both_sides_of_a_partition_made_is_written_once() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    pass(&[&a, &b], Span::seconds(30));
    b.way.go_away();
    a.engine.metric("heap").unwrap().record(2_000.0);
    b.engine.metric("heap").unwrap().record(2_000.0);
    pass(&[&a, &b], Span::seconds(30));
    assert_eq!((a.share(), b.share()), (0, 0));
    b.way.come_back();
    pass(&[&a, &b], Span::seconds(30));
    assert_eq!((a.share(), b.share(), count(&store, "rolled_back")), (0, 0, 1));
    assert_eq!(stored(&store), b.engine.journal_after(0));
}

#[test]
fn a_leader_that_is_cut_off_advances_nothing_and_finds_what_the_next_one_did() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    pass(&[&a, &b], Span::minutes(9));
    a.way.go_away();
    pass(&[&a, &b], Span::minutes(3));
    // The step was due. Only who can write it down takes it.
    assert_eq!((a.share(), b.share(), b.role()), (40, 60, Role::Leader));
    assert_eq!(a.engine.stop("ann", "unsure").unwrap_err().kind(), ErrorKind::StoreAway);
    assert_eq!(a.share(), 0);
    a.way.come_back();
    pass(&[&a, &b], Span::seconds(12));
    // The stop was asked of a node that could not write it; it was done there, and now everywhere.
    assert_eq!((a.share(), b.share()), (0, 0));
    assert_eq!((count(&store, "stopped"), count(&store, "step_applied")), (1, 2));
    assert_eq!(a.role(), Role::Follower);
}

#[test]
fn an_answer_that_is_lost_doubles_nothing() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    pass(&[&a, &b], Span::seconds(30));
    let latency = b.engine.metric("latency").unwrap();
    latency.record_many(100.0, 10);
    // The report arrives, and the node does not learn it: it says it again.
    b.way.lose_answers();
    b.pass(Span::seconds(10));
    b.way.come_back();
    a.clock.advance(Span::seconds(10));
    pass(&[&a, &b], Span::seconds(20));
    assert_eq!(a.engine.totals("latency").unwrap().recorded, 10);
    // A command whose answer is lost has happened, once.
    b.way.lose_answers();
    assert_eq!(b.engine.pause("bob", "lunch").unwrap_err().kind(), ErrorKind::StoreAway);
    b.way.come_back();
    pass(&[&a, &b], Span::seconds(12));
    assert_eq!(count(&store, "paused"), 1);
    assert_eq!(a.engine.status().status.name(), "paused");
    assert_eq!(stored(&store), b.engine.journal_after(0));
}

#[test]
fn samples_of_a_long_partition_pass_no_gate() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    pass(&[&a, &b], Span::seconds(30));
    b.way.go_away();
    let latency = b.engine.metric("latency").unwrap();
    for _ in 0..12 {
        latency.record_many(100.0, 100);
        pass(&[&a, &b], Span::seconds(10));
    }
    b.way.come_back();
    pass(&[&a, &b], Span::seconds(20));
    let totals = a.engine.totals("latency").unwrap();
    assert_eq!((totals.recorded, totals.dropped), (0, 1_200));
}
