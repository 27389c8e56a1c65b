//! Who leads, who follows, and what each of them does.

use rollgate::core::decide::Choice;
use rollgate::core::error::ErrorKind;
use rollgate::core::time::Span;
use rollgate::core::units::Share;
use rollgate::store::{SharedMemoryStore, SharedStore};
use rollgate::{Engine, Role};

use crate::stage::{Node, PLAN, START, count, kinds, pass, stored};

#[test]
fn the_first_one_leads_and_the_others_follow() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    assert_eq!((a.role(), b.role()), (Role::Leader, Role::Follower));
    b.engine.start("ann").unwrap();
    assert_eq!(b.share(), 40);
    // The other one hears of it within a quarter of a second, without an evaluation.
    a.pass(Span(250));
    assert_eq!(a.share(), 40);
    assert_eq!(a.engine.journal_after(0), b.engine.journal_after(0));
    pass(&[&a, &b], Span::minutes(11));
    assert_eq!((a.share(), b.share()), (60, 60));
    assert_eq!(count(&store, "step_applied"), 2);
    // Nobody restarted: a node that joins says nothing.
    assert_eq!(count(&store, "restarted"), 0);
    assert_eq!(stored(&store), b.engine.journal_after(0));
}

#[test]
fn r165_samples_of_all_nodes_count_together() {
    let store = SharedMemoryStore::new();
    let nodes = [(); 4].map(|()| Node::open(&store, PLAN, START));
    let all: Vec<&Node> = nodes.iter().collect();
    nodes[3].engine.start("ann").unwrap();
    pass(&all, Span::seconds(10));
    for (index, node) in nodes.iter().enumerate() {
        let latency = node.engine.metric("latency").unwrap();
        (0..=index).for_each(|_| latency.record_many(100.0, 25));
    }
    pass(&all, Span::seconds(20));
    for node in &nodes {
        assert_eq!(node.engine.totals("latency").unwrap().recorded, 250);
    }
}

#[test]
fn r165_five_complaints_on_five_nodes_are_five_complaints() {
    let store = SharedMemoryStore::new();
    let nodes = [(); 5].map(|()| Node::open(&store, PLAN, START));
    let all: Vec<&Node> = nodes.iter().collect();
    nodes[0].engine.start("ann").unwrap();
    pass(&all, Span::seconds(11));
    for node in &nodes {
        node.engine.metric("complaints").unwrap().count(1);
    }
    // Within the next evaluation every node has them, and one of them has rolled back.
    pass(&all, Span::seconds(10));
    assert!(nodes.iter().all(|node| node.share() == 0));
    assert_eq!((count(&store, "rolled_back"), count(&store, "trigger_fired")), (1, 1));
}

#[test]
fn a_follower_rolls_back_at_once_and_the_leader_takes_it_over() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    pass(&[&a, &b], Span::seconds(30));
    b.engine.metric("heap").unwrap().record(2_000.0);
    b.pass(Span::seconds(10));
    assert_eq!((b.share(), a.share()), (0, 40));
    a.pass(Span(250));
    assert_eq!(a.share(), 0);
    pass(&[&a, &b], Span::minutes(2));
    assert_eq!((count(&store, "rolled_back"), a.engine.status().status.name()), (1, "rolled_back"));
    assert_eq!(a.engine.journal_after(0), b.engine.journal_after(0));
}

#[test]
fn two_nodes_that_see_the_same_at_the_same_time_roll_back_once() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    pass(&[&a, &b], Span::seconds(30));
    // Each finds it by itself, and neither knows yet what the other has written.
    a.clock.advance(Span::seconds(10));
    b.clock.advance(Span::seconds(10));
    a.engine.metric("heap").unwrap().record(2_000.0);
    b.engine.metric("heap").unwrap().record(2_000.0);
    a.engine.tick();
    b.engine.tick();
    pass(&[&a, &b], Span::minutes(1));
    assert_eq!((a.share(), b.share(), count(&store, "rolled_back")), (0, 0, 1));
}

#[test]
fn commands_are_obeyed_on_every_node_and_each_is_written_once() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    // Not told yet, and decided on the latest state all the same.
    let error = b.engine.start("bob").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    b.engine.pause("bob", "lunch").unwrap();
    assert_eq!(a.engine.resume("ann", "back").map_err(|error| error.to_string()), Ok(()));
    b.engine.set_shares("bob", &[("NEW", Share::from_ppm(50_000).unwrap())], "careful").unwrap();
    a.pass(Span(250));
    assert_eq!((a.share(), b.share()), (5, 5));
    for kind in ["started", "command_refused", "paused", "resumed", "override"] {
        assert_eq!(count(&store, kind), 1, "{kind} in {:?}", kinds(&stored(&store)));
    }
    let error = b.engine.decide("bob", Choice::NoGo, "no").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn a_leader_that_leaves_is_followed_at_once_and_one_that_is_silent_after_its_lease() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    let c = Node::open(&store, PLAN, START);
    a.engine.start("ann").unwrap();
    pass(&[&a, &b, &c], Span::seconds(20));
    drop(a);
    pass(&[&b, &c], Span::seconds(1));
    assert_eq!((b.role(), c.role()), (Role::Leader, Role::Follower));
    let epoch = store.head().unwrap().lease.unwrap().epoch;
    // It hangs: its lease lasts for two evaluations and five seconds.
    pass(&[&c], Span::seconds(24));
    assert_eq!(c.role(), Role::Follower);
    pass(&[&c], Span::seconds(12));
    assert_eq!(c.role(), Role::Leader);
    assert!(store.head().unwrap().lease.unwrap().epoch > epoch);
    // It comes back, and finds that it leads no more.
    b.pass(Span::seconds(36));
    assert_eq!((b.role(), c.role()), (Role::Follower, Role::Leader));
    assert_eq!(b.share(), 40);
}

#[test]
fn a_paused_leader_that_comes_back_advances_nothing() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, PLAN, START), Node::open(&store, PLAN, START));
    a.engine.start("ann").unwrap();
    pass(&[&a, &b], Span::minutes(9));
    // Stopped in the middle of something, for so long that the other one leads, and applies the step.
    pass(&[&b], Span::minutes(3));
    assert_eq!((b.role(), b.share(), a.share()), (Role::Leader, 60, 40));
    let revision = store.head().unwrap().revision;
    a.pass(Span::minutes(3));
    assert_eq!((a.role(), a.share()), (Role::Follower, 60));
    assert_eq!(store.head().unwrap().revision, revision);
    assert_eq!(count(&store, "step_applied"), 2);
}

#[test]
fn clocks_that_are_hours_apart_shorten_no_wait() {
    let store = SharedMemoryStore::new();
    let a = Node::open(&store, PLAN, START);
    let ahead = START + Span::hours(5);
    a.engine.start("ann").unwrap();
    pass(&[&a], Span::minutes(2));
    let b = Node::open(&store, PLAN, ahead);
    assert_eq!(b.role(), Role::Follower);
    pass(&[&a, &b], Span::minutes(7));
    // Nine minutes of ten.
    assert_eq!((a.share(), b.share()), (40, 40));
    drop(a);
    pass(&[&b], Span::seconds(50));
    assert_eq!((b.role(), b.share()), (Role::Leader, 40));
    pass(&[&b], Span::minutes(2));
    assert_eq!(b.share(), 60);
}

#[test]
fn a_visitor_sees_the_state_and_leaves_no_trace() {
    let store = SharedMemoryStore::new();
    let a = Node::open(&store, PLAN, START);
    a.engine.start("ann").unwrap();
    pass(&[&a], Span::seconds(20));
    let (before, head) = (stored(&store), store.head().unwrap());
    let visit = |clock: rollgate::clock::ManualClock| {
        let builder = Engine::builder().plan_text(PLAN, rollgate::read::Format::Yaml).unwrap();
        builder.store(store.node()).clock(clock).visiting().build().unwrap()
    };
    let visitor = visit(rollgate::clock::ManualClock::at(START + Span::seconds(20)));
    assert_eq!(visitor.shares()[0].1.ppm(), 400_000);
    assert_eq!(visitor.status().store.unwrap().role, Role::Visitor);
    visitor.tick();
    drop(visitor);
    assert_eq!((stored(&store), store.head().unwrap()), (before, head));
    // What a person says through it is done.
    let visitor = visit(rollgate::clock::ManualClock::at(START + Span::seconds(21)));
    visitor.stop("bob", "enough").unwrap();
    pass(&[&a], Span::seconds(1));
    assert_eq!(a.share(), 0);
    assert_eq!(count(&store, "stopped"), 1);
}
