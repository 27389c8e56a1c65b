//! Plans that ask for several nodes: with fewer, no time counts.

use rollgate::Engine;
use rollgate::core::error::ErrorKind;
use rollgate::core::time::Span;
use rollgate::core::units::Share;
use rollgate::read::Format;
use rollgate::store::SharedMemoryStore;

use crate::stage::{Node, PLAN, START, count, pass};

fn plan() -> String {
    PLAN.replacen("evaluate_every: 10s", "evaluate_every: 10s\nfleet: { quorum: 3 }", 1)
}

/// Three nodes, the first of which leads, with a rollout that has begun.
fn three(store: &SharedMemoryStore) -> [Node; 3] {
    let nodes = [(); 3].map(|()| Node::open(store, &plan(), START));
    nodes[0].engine.start("ann").unwrap();
    nodes
}

fn phase(node: &Node) -> String {
    node.engine.status().phase.unwrap().to_string()
}

/// Good samples all the while.
fn pass_well(nodes: &[&Node], span: Span) {
    for _ in 0..span.0 / 10_000 {
        for node in nodes {
            node.engine.metric("latency").unwrap().record_many(100.0, 100);
        }
        pass(nodes, Span::seconds(10));
    }
}

#[test]
fn r165_two_nodes_of_three_advance_nothing_and_three_do() {
    let store = SharedMemoryStore::new();
    let (a, b) = (Node::open(&store, &plan(), START), Node::open(&store, &plan(), START));
    a.engine.start("ann").unwrap();
    pass_well(&[&a, &b], Span::hours(2));
    let seen = a.engine.status().store.unwrap();
    assert_eq!((seen.nodes, seen.serving, seen.quorum), (2, 2, 3));
    assert_eq!((a.share(), phase(&a), count(&store, "step_applied")), (40, "some".into(), 1));
    // The third one comes: the hold of ten minutes begins now, and the phase of an hour with it.
    let c = Node::open(&store, &plan(), START + Span::hours(2));
    pass_well(&[&a, &b, &c], Span::minutes(9));
    assert_eq!(a.share(), 40);
    pass_well(&[&a, &b, &c], Span::minutes(2));
    assert_eq!((a.share(), phase(&a)), (60, "some".into()));
    pass_well(&[&a, &b, &c], Span::hours(1));
    assert_eq!((a.share(), b.share(), c.share(), phase(&a)), (100, 100, 100, "all".into()));
}

#[test]
fn r165_a_gate_that_is_due_does_not_pass_on_what_too_few_watched() {
    // The gate looks at ten minutes, and asks for nine of them.
    let plan = plan().replacen("min_samples: 100", "min_samples: 100, coverage: 90%", 1);
    let store = SharedMemoryStore::new();
    let nodes = [(); 3].map(|()| Node::open(&store, &plan, START));
    let [a, b, c] = &nodes;
    a.engine.start("ann").unwrap();
    pass_well(&[a, b, c], Span::minutes(40));
    // For twenty minutes the third one is away; when it is back, the time that is left is soon over.
    pass_well(&[a, b], Span::minutes(20));
    assert_eq!(phase(a), "some");
    pass_well(&[a, b, c], Span::minutes(5));
    assert_eq!(phase(a), "some");
    pass_well(&[a, b, c], Span::minutes(30));
    assert_eq!(phase(a), "all");
}

#[test]
fn r165_time_stops_within_a_lease_of_the_last_word_of_a_node() {
    let store = SharedMemoryStore::new();
    let [a, b, c] = three(&store);
    pass(&[&a, &b, &c], Span::minutes(5));
    // A lease lasts for two evaluations and five seconds; then an evaluation says that this time does not count.
    pass(&[&a, &b], Span::minutes(20));
    let seen = a.engine.status().store.unwrap();
    assert_eq!((a.share(), seen.nodes), (40, 2));
    pass(&[&a, &b, &c], Span::minutes(4));
    assert_eq!(a.share(), 40, "of ten minutes, nine and a part of a lease were watched");
    pass(&[&a, &b, &c], Span::seconds(90));
    assert_eq!(a.share(), 60);
}

#[test]
fn r165_the_soak_begins_when_enough_nodes_serve_the_new_shares() {
    let store = SharedMemoryStore::new();
    let [a, b, c] = three(&store);
    let all = [&a, &b, &c];
    pass(&all, Span::minutes(5));
    assert_eq!(c.share(), 40);
    // The third one reports, and a moment later it cannot be reached: what it serves from now on is the old share.
    pass(&all, Span::seconds(5));
    c.way.go_away();
    b.engine.set_shares("bob", &[("NEW", Share::from_ppm(300_000).unwrap())], "careful").unwrap();
    a.pass(Span(250));
    assert_eq!((a.share(), b.share(), c.share()), (30, 30, 40));
    let seen = a.engine.status().store.unwrap();
    assert_eq!((seen.nodes, seen.serving), (3, 1), "heard a moment ago, and of the share before");
    pass(&all, Span::minutes(30));
    assert_eq!(count(&store, "step_applied"), 1, "the hold of ten minutes stands still");
    c.way.come_back();
    pass(&all, Span::minutes(4));
    assert_eq!((c.share(), count(&store, "step_applied")), (30, 1));
    pass(&all, Span::minutes(2));
    assert_eq!(count(&store, "step_applied"), 2);
}

#[test]
fn a_plan_that_asks_for_nodes_is_refused_where_there_can_be_none() {
    let builder = || Engine::builder().plan_text(&plan(), Format::Yaml).unwrap();
    let error = builder().build().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("fleet.quorum"), "{error}");
    assert!(builder().offline().build().is_ok());
}
