//! Five processes on one server, among pauses, cuts, late writes, kills and clocks hours apart: nothing of a lower epoch
//! is ever accepted, nothing is done twice, and what must be rolled back is.

use std::collections::BTreeSet;
use std::thread::JoinHandle;
use std::time::Duration;

use rollgate::journal;
use rollgate::store::{RedisStore, Store};
use serde_json::Value;

use super::schedule::{EVALUATE_EVERY, Played, STEP, play};
use super::server::{Server, server};

/// How often the real thing is played: in the suite, and by `ROLLGATE_SCHEDULES=100` as often as one likes. The first seed
/// is `ROLLGATE_SEED`, or 1.
const SCHEDULES: u64 = 10;

/// A lease of the schedules' plan, in milliseconds.
const LEASE: i64 = 2 * EVALUATE_EVERY + 5_000;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

#[test]
fn r161_schedules_of_pauses_cuts_and_skew_leave_one_history() {
    let Some(server) = server() else { return };
    let (first, count) = (number("ROLLGATE_SEED", 1), number("ROLLGATE_SCHEDULES", SCHEDULES));
    let mut sums = Sums::default();
    for seed in first..first + count {
        let name = format!("schedule-{seed}");
        let heard = listen(&server, &name);
        let played = play(&server, &name, seed);
        redis::cmd("PUBLISH").arg(changes(&name)).arg("end").exec(&mut server.raw()).unwrap();
        let heard = heard.join().unwrap();
        eprintln!(
            "seed {seed}: {} troubles, rolled back after {} ms, {:?}",
            played.troubles, played.rolled_back_after, played.took
        );
        audit(&heard, seed, &mut sums);
        judge(&server.store(&name), &played, seed, &mut sums);
        sums.add(&played);
    }
    eprintln!("{count} schedules: {sums:?}");
}

/// What all schedules came to.
#[derive(Debug, Default)]
struct Sums {
    troubles: usize,
    commits: usize,
    checkpoints: usize,
    epochs: u64,
    steps: usize,
    rolled_back_after_max: i64,
    longest: Duration,
}

impl Sums {
    fn add(&mut self, played: &Played) {
        self.troubles += played.troubles;
        self.rolled_back_after_max = self.rolled_back_after_max.max(played.rolled_back_after);
        self.longest = self.longest.max(played.took);
    }
}

fn changes(name: &str) -> String {
    format!("rollgate:{{{name}}}:changes")
}

/// Hears everything that the server accepts, in its order, until it is told to end.
fn listen(server: &Server, name: &str) -> JoinHandle<Vec<String>> {
    let (mut connection, channel) = (server.raw(), changes(name));
    let (is_there, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let mut subscription = connection.as_pubsub();
        subscription.subscribe(channel).unwrap();
        is_there.send(()).unwrap();
        let mut heard = Vec::new();
        loop {
            let message: String = subscription.get_message().unwrap().get_payload().unwrap();
            if message == "end" {
                return heard;
            }
            heard.push(message);
        }
    });
    wait.recv().unwrap();
    thread
}

/// Each thing that was written, beside the latest lease that was given before it.
fn audit(heard: &[String], seed: u64, sums: &mut Sums) {
    let (mut latest, mut revision) = (0, 0);
    for message in heard {
        let words: Vec<&str> = message.split(' ').collect();
        let numbers: Vec<u64> = words[1..].iter().map(|word| word.parse().unwrap()).collect();
        match (words[0], &numbers[..]) {
            ("lease", [epoch]) => {
                assert_eq!(*epoch, latest + 1, "seed {seed}: {message}");
                latest = *epoch;
            }
            ("commit", [number, epoch]) => {
                assert_eq!(*epoch, latest, "seed {seed}: written under another epoch: {message}");
                assert_eq!(*number, revision + 1, "seed {seed}: {message}");
                revision = *number;
                sums.commits += 1;
            }
            ("windows", [_, epoch]) => {
                assert_eq!(*epoch, latest, "seed {seed}: written under another epoch: {message}");
                sums.checkpoints += 1;
            }
            ("report" | "left", [_]) => {}
            _ => panic!("seed {seed}: {message}"),
        }
    }
    sums.epochs += latest;
    assert!(revision > 0 && latest > 0, "seed {seed}: nothing was heard");
}

fn judge(store: &RedisStore, played: &Played, seed: u64, sums: &mut Sums) {
    let stored = store.load(0).unwrap().unwrap();
    journal::verify(stored.journal.iter().map(String::as_str)).unwrap();
    let records: Vec<Value> = stored.journal.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_kind = |kind: &str| records.iter().filter(|record| record["kind"] == kind).collect::<Vec<_>>();
    let show = || stored.journal.join("\n");
    let steps = of_kind("step_applied");
    let distinct: BTreeSet<String> =
        steps.iter().map(|record| format!("{} {}", record["phase"], record["step"])).collect();
    assert_eq!(steps.len(), distinct.len(), "seed {seed}: a step was applied twice\n{}", show());
    assert!(steps.iter().all(|record| !record["step"].is_null()), "{}", show());
    sums.steps += steps.len();
    assert_eq!(of_kind("started").len(), 1, "seed {seed}\n{}", show());
    assert_eq!(of_kind("rolled_back").len(), 1, "seed {seed}\n{}", show());
    assert!(
        played.shares.iter().all(|share| *share == 0),
        "seed {seed}: {:?} after a rollback\n{}",
        played.shares,
        show()
    );
    // `last` has no window; then one evaluation, and the step of time in which it was asked.
    assert!(
        played.rolled_back_after <= EVALUATE_EVERY + STEP,
        "seed {seed}: rolled back after {} ms",
        played.rolled_back_after
    );
    // What is decided and then stopped before it is written is written when it goes on, if its lease still stands: so a
    // step may be seen by so much later than it was decided, and the hold after it is so much shorter. Never by more.
    for pair in played.first_seen.windows(2).filter(|pair| pair[0].0 > 0 && pair[1].0 > pair[0].0) {
        let hold = pair[1].1 - pair[0].1;
        assert!(hold >= 30_000 - LEASE - STEP, "seed {seed}: {pair:?}\n{}", show());
    }
}
