//! A schedule: five nodes, and what happens to them, all of it from one seed.

use std::time::{Duration, Instant};

use rollgate::core::time::{Span, Timestamp};

use super::node::{Process, Said, Time};
use super::proxy::{Proxy, Way};
use super::server::Server;

const START: Timestamp = Timestamp(1_768_298_400_000);
const NODES: usize = 5;
/// One step of time.
pub(crate) const STEP: i64 = 1_000;
/// Three minutes in which things happen.
const STEPS: i64 = 180;
/// A while in which all is well: everybody hears of everything.
const CALM: i64 = 40;
/// How long what a node writes is held up before the node is stopped, and how long it is stopped then, in steps: some
/// evaluations, and more than a lease.
const HELD_UP: (i64, i64) = (6, 25);
pub(crate) const EVALUATE_EVERY: i64 = 5_000;
/// The nodes that something may happen to at the same time.
const DISTURBED_MAX: usize = 3;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A time between two others, in steps.
    fn steps(&mut self, from: i64, to: i64) -> i64 {
        let (from, to) = (from / STEP, to / STEP);
        from + self.below((to - from) as u64) as i64
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The process is stopped.
    Paused,
    /// The way to the server is closed.
    Cut,
    /// Answers are lost.
    Deaf,
    /// What it writes is held up; soon the process is stopped too, and then all of it arrives.
    HeldUp,
}

struct Node {
    process: Process,
    proxy: Proxy,
    wall: Timestamp,
    trouble: Option<(Trouble, i64)>,
    is_stopped: bool,
    /// It was told something just before it was stopped.
    owes_answer: bool,
    said: Said,
}

impl Node {
    fn start(server: &Server, store: &str, wall: Timestamp, time: &Time) -> Self {
        let proxy = Proxy::to(server.port);
        let process = Process::start(&proxy.url(), store, wall, time);
        let said = Said { share: 0, is_leader: false };
        Self { process, proxy, wall, trouble: None, is_stopped: false, owes_answer: true, said }
    }

    fn listen(&mut self) {
        if std::mem::take(&mut self.owes_answer) {
            self.said = self.process.hear();
        }
    }

    fn tell(&mut self, what: &str) {
        self.process.tell(what);
        self.owes_answer = true;
    }

    fn stop(&mut self) {
        self.process.signal("-STOP");
        self.is_stopped = true;
    }
}

/// What came of a schedule.
pub(crate) struct Played {
    /// What every node serves in the end.
    pub(crate) shares: Vec<u32>,
    /// When each share was first seen anywhere, in milliseconds from the beginning.
    pub(crate) first_seen: Vec<(u32, i64)>,
    /// How long after the recording its own node served nothing any more, in milliseconds.
    pub(crate) rolled_back_after: i64,
    pub(crate) troubles: usize,
    pub(crate) took: Duration,
}

struct Schedule<'a> {
    server: &'a Server,
    store: &'a str,
    time: Time,
    random: Random,
    nodes: Vec<Node>,
    troubles: usize,
    /// What takes real time happens once in a schedule.
    slow: bool,
    /// The node that records what calls for a rollback is left alone for a while.
    witness: Option<usize>,
    /// And it is not killed: what it did while it was cut off would be known to nobody.
    recorded: Option<usize>,
}

/// Plays the schedule of a seed on a store of its own.
pub(crate) fn play(server: &Server, store: &str, seed: u64) -> Played {
    let began = Instant::now();
    let mut random = Random::new(seed);
    // Calendars up to three hours apart.
    let skewed = |random: &mut Random| START + Span::seconds(random.below(21_600)) - Span::hours(3);
    let time = Time::new(server.file(store));
    let nodes = (0..NODES).map(|_| Node::start(server, store, skewed(&mut random), &time)).collect();
    let record_at = random.steps(40_000, (STEPS - 20) * STEP);
    let mut schedule = Schedule {
        server,
        store,
        time,
        random,
        nodes,
        troubles: 0,
        slow: false,
        witness: None,
        recorded: None,
    };
    schedule.nodes.iter_mut().for_each(Node::listen);
    let (mut first_seen, mut recorded, mut rolled_back) = (Vec::new(), None, None);
    for now in 1..=STEPS + CALM {
        schedule.time.set((now * STEP) as u64);
        schedule.end_troubles(now, now > STEPS);
        if now % 2 == 0 && first_seen.len() < 2 {
            schedule.begin();
        }
        if (5..=STEPS).contains(&now) {
            schedule.begin_trouble(now);
        }
        if now == record_at {
            recorded = schedule.record();
        }
        schedule.pass();
        for node in &schedule.nodes {
            if !first_seen.iter().any(|(share, _)| *share == node.said.share) {
                first_seen.push((node.said.share, now * STEP));
            }
        }
        if let Some(node) = recorded {
            if rolled_back.is_none() && schedule.nodes[node].said.share == 0 {
                rolled_back = Some((now - record_at) * STEP);
            }
            if (now - record_at) * STEP > EVALUATE_EVERY + 2 * STEP {
                schedule.witness = None;
            }
        }
    }
    Played {
        shares: schedule.nodes.iter().map(|node| node.said.share).collect(),
        first_seen,
        rolled_back_after: rolled_back.unwrap_or(i64::MAX),
        troubles: schedule.troubles,
        took: began.elapsed(),
    }
}

impl Schedule<'_> {
    /// Everybody who is awake does what is due; all at once, so that they race.
    fn pass(&mut self) {
        let awake = |node: &&mut Node| !node.is_stopped;
        self.nodes.iter_mut().filter(awake).for_each(|node| {
            node.listen();
            node.tell("tick");
        });
        self.nodes.iter_mut().filter(awake).for_each(Node::listen);
    }

    /// Starts the rollout. On a busy machine the server may be away at this moment: then it is asked again.
    fn begin(&mut self) {
        let node = &mut self.nodes[0];
        if !node.is_stopped {
            node.listen();
            node.tell("start");
        }
    }

    fn begin_trouble(&mut self, now: i64) {
        let disturbed = self.nodes.iter().filter(|node| node.trouble.is_some()).count();
        if disturbed >= DISTURBED_MAX || self.random.below(10) != 0 {
            return;
        }
        // Rather the one that leads.
        let leader = self.nodes.iter().position(|node| node.said.is_leader);
        let any = self.random.below(NODES as u64) as usize;
        let index = leader.filter(|_| self.random.below(10) < 6).unwrap_or(any);
        if self.nodes[index].trouble.is_some() || self.witness == Some(index) {
            return;
        }
        self.troubles += 1;
        let until = now + self.random.steps(2_000, 40_000);
        match self.random.below(20) {
            0 if !std::mem::replace(&mut self.slow, true) => self.one_way(index, now),
            1 if !std::mem::replace(&mut self.slow, true) => self.hold_up(index, now),
            2..=3 if self.recorded != Some(index) => self.replace(index),
            4..=9 => {
                self.nodes[index].proxy.set(Way::Cut);
                self.nodes[index].trouble = Some((Trouble::Cut, until));
            }
            _ => self.pause(index, until),
        }
    }

    /// Stops a process while it does something, if the time is right: the signal and what it is told are on their way at
    /// the same time.
    fn pause(&mut self, index: usize, until: i64) {
        let lead = Duration::from_micros(self.random.below(4_000));
        let node = &mut self.nodes[index];
        // What it owes from before it could not say any more.
        node.listen();
        let mut signal = node.process.signalling("-STOP");
        let begin = Instant::now();
        while begin.elapsed() < lead {
            std::hint::spin_loop();
        }
        node.tell("tick");
        assert!(signal.wait().unwrap().success());
        node.is_stopped = true;
        node.trouble = Some((Trouble::Paused, until));
    }

    fn one_way(&mut self, index: usize, now: i64) {
        self.nodes[index].proxy.set(Way::Deaf);
        self.nodes[index].trouble = Some((Trouble::Deaf, now + 4));
    }

    /// What it writes is on its way for longer than its lease lasts.
    fn hold_up(&mut self, index: usize, now: i64) {
        self.nodes[index].proxy.set(Way::HeldUp);
        self.nodes[index].trouble = Some((Trouble::HeldUp, now + HELD_UP.0 + HELD_UP.1));
    }

    /// Kills a process, and starts another one.
    fn replace(&mut self, index: usize) {
        let node = Node::start(self.server, self.store, self.nodes[index].wall, &self.time);
        // The old one goes first, as processes do that are replaced.
        self.nodes[index] = node;
        self.nodes[index].listen();
    }

    fn end_troubles(&mut self, now: i64, all: bool) {
        for node in &mut self.nodes {
            let Some((trouble, until)) = node.trouble else { continue };
            if now < until && !all {
                if trouble == Trouble::HeldUp && !node.is_stopped && now + HELD_UP.1 >= until {
                    node.stop();
                }
                continue;
            }
            if trouble != Trouble::Paused {
                node.proxy.set(Way::Open);
            }
            if node.is_stopped {
                node.process.signal("-CONT");
                node.is_stopped = false;
            }
            node.trouble = None;
        }
    }

    /// A node that is awake, cut off or not, records what calls for a rollback.
    fn record(&mut self) -> Option<usize> {
        let awake = |index: &usize| {
            !self.nodes[*index].is_stopped
                && !matches!(self.nodes[*index].trouble, Some((Trouble::HeldUp | Trouble::Paused, _)))
        };
        let first = self.random.below(NODES as u64) as usize;
        let index = (first..first + NODES).map(|index| index % NODES).find(awake)?;
        self.nodes[index].listen();
        self.nodes[index].tell("record");
        (self.witness, self.recorded) = (Some(index), Some(index));
        Some(index)
    }
}
