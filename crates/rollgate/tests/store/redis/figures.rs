//! What it costs: printed, and held to bounds that only a defect exceeds.

use std::time::{Duration, Instant};

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::store::{Commit, Durability, Store};

use super::server::server;
use crate::given::{claim, lines, state, watched};

const START: Timestamp = Timestamp(1_768_298_400_000);

const PLAN: &str = "
version: 1
name: figures
evaluate_every: 10s
flags: { NEW: {} }
metrics:
  latency: { kind: distribution, unit: ms }
  errors: { kind: ratio, good: down }
roles: { ann: {} }
phases:
  - id: some
    duration: 1h
    steps: [ { set: { NEW: 40% } } ]
    gates:
      latency: { metric: latency, stat: p95, over: 10m, below: 200ms, min_samples: 100 }
    triggers:
      errors: { when: { metric: errors, over: 5m, above: 5%, min_samples: 100 }, rollback: { to: zero } }
    contingency: { to: zero }
";

/// Median and largest of some times.
fn shown(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    format!("p50 {:?}, p99 {:?}, max {:?} of {}", at(50), at(99), at(100), times.len())
}

fn timed<T>(times: &mut Vec<Duration>, what: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = what();
    times.push(begin.elapsed());
    done
}

#[test]
fn a_commit_and_a_look_cost_parts_of_a_millisecond() {
    let Some(server) = server() else { return };
    let store = server.store("figures");
    let shared = store.shared().unwrap();
    shared.take(None, &claim("a", 1)).unwrap();
    let (mut commits, mut heads, mut beats) = (Vec::new(), Vec::new(), Vec::new());
    let (state, journal) = (state(2), lines(200));
    for n in 1..=200 {
        let commit = Commit {
            epoch: 1,
            expected: n - 1,
            state: &state,
            journal: &journal[n as usize - 1..n as usize],
            first: n,
            durability: Durability::Decision,
        };
        timed(&mut commits, || store.commit(&commit)).unwrap();
        timed(&mut heads, || shared.head()).unwrap();
        timed(&mut beats, || shared.beat(1, &claim("a", 2), &watched(n, 1))).unwrap();
    }
    eprintln!("commit: {}\nhead: {}\nbeat: {}", shown(commits), shown(heads), shown(beats));
}

#[test]
fn an_evaluation_of_fifty_nodes_is_one_instant() {
    let Some(server) = server() else { return };
    let clock = ManualClock::at(START);
    let engines: Vec<Engine> = (0..50)
        .map(|_| {
            let store = server.store("fifty");
            let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap();
            builder.store(store).clock(clock.clone()).build().unwrap()
        })
        .collect();
    engines[0].start("ann").unwrap();
    let (mut leader, mut followers) = (Vec::new(), Vec::new());
    for round in 0..6_u32 {
        for (index, engine) in engines.iter().enumerate() {
            let latency = engine.metric("latency").unwrap();
            // Ten seconds of a hundred requests each, all different.
            for n in 0..1_000_u32 {
                let value = 20.0 + f64::from((n * 7 + round * 13 + index as u32 * 31) % 1_000) / 10.0;
                latency.record(value);
            }
        }
        clock.advance(Span::seconds(10));
        // The leader's turn is last: it hears all that the others have told.
        engines[1..].iter().for_each(|engine| timed(&mut followers, || engine.tick()));
        timed(&mut leader, || engines[0].tick());
    }
    let recorded = engines[0].totals("latency").unwrap().recorded;
    assert_eq!(recorded, 6 * 50 * 1_000);
    eprintln!("evaluation of the leader, 49 others reporting 1,000 samples each: {}", shown(leader));
    eprintln!("evaluation of a follower: {}", shown(followers));
}
