//! One delivery for each message, channel and transition, whatever becomes of sinks, processes and stores.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::decide::Outbox;
use rollgate::core::limits::NOTICES_WAITING_MAX;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::store::Store;

use super::desk::{Desk, Mood, PLAN, Sinks};

/// How often each id was taken.
fn times_taken(desk: &Desk) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for notice in desk.post.taken.lock().unwrap().iter() {
        *times.entry(notice.id.to_string()).or_insert(0) += 1;
    }
    times
}

fn outbox(desk: &Desk) -> Outbox {
    desk.store.load(0).unwrap().unwrap().state.outbox
}

#[test]
fn r149_a_restart_between_the_transition_and_its_delivery_loses_nothing_and_sends_nothing_twice() {
    let mut desk = Desk::open();
    desk.engine.start("lead").unwrap();
    assert_eq!(outbox(&desk).letters().len(), 1, "owed in the store, before anything is sent");
    desk.reopen(Span::seconds(5));
    desk.engine.tick();
    desk.engine.tick();
    desk.tick_after(Span::seconds(10));
    let times = times_taken(&desk);
    assert_eq!(times.len(), 2, "{times:?}");
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert_eq!(desk.fresh().len(), 2);
    // And once sent, nothing is owed to the next process.
    assert!(outbox(&desk).letters().is_empty());
    desk.reopen(Span::minutes(3));
    desk.engine.tick();
    assert!(desk.fresh().is_empty());
    assert_eq!(desk.records("notice").len(), 2);
}

#[test]
fn r149_a_process_without_sinks_between_loses_nothing_of_what_was_owed() {
    let mut desk = Desk::open();
    desk.engine.start("lead").unwrap();
    desk.reopen_with(Sinks::None, Span::seconds(5));
    desk.coast(Span::hours(25));
    let about_start = |desk: &Desk| {
        desk.records("notice")
            .into_iter()
            .filter(|told| told.text("when") == "phase_started")
            .collect::<Vec<_>>()
    };
    assert!(about_start(&desk).is_empty(), "neither refused nor given up");
    desk.reopen(Span::seconds(5));
    desk.engine.tick();
    let taken: Vec<_> =
        desk.fresh().into_iter().filter(|text| text.contains("Preparation started")).collect();
    assert_eq!(taken.len(), 2, "{taken:?}");
    let told = about_start(&desk);
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|told| told.0["delivered"] == true && told.0["attempts"] == 1), "{told:#?}");
}

#[test]
fn r149_what_was_owed_before_a_day_of_downtime_is_tried_before_it_is_given_up() {
    for is_well in [true, false] {
        let mut desk = Desk::open();
        desk.post.is(Mood::Dead);
        desk.engine.start("lead").unwrap();
        desk.coast(Span::minutes(30));
        desk.reopen(Span::hours(26));
        let about_start = |desk: &Desk| {
            desk.records("notice")
                .into_iter()
                .filter(|told| told.text("when") == "phase_started")
                .collect::<Vec<_>>()
        };
        assert!(about_start(&desk).is_empty(), "not given up untried");
        if is_well {
            desk.post.is(Mood::Well);
        }
        desk.coast(Span::minutes(16));
        let told = about_start(&desk);
        let delivered = told.iter().filter(|told| told.0["delivered"] == true).count();
        assert_eq!(delivered, if is_well { 2 } else { 0 }, "{told:#?}");
        assert!(!told.is_empty(), "given up after its attempt");
    }
}

#[test]
fn r149_the_same_message_of_another_transition_is_another_delivery() {
    let mut desk = Desk::exposed();
    desk.engine.stop("on_call", "smoke").unwrap();
    desk.engine.retry("on_call").unwrap();
    desk.engine.stop("on_call", "smoke").unwrap();
    desk.engine.tick();
    let stops = desk.fresh().into_iter().filter(|text| text.starts_with("status_page: Stopped"));
    assert_eq!(stops.count(), 2);
    assert!(times_taken(&desk).values().all(|times| *times == 1));
}

/// Between sending and writing lies a moment that no order of the two can close: it is sent again, and can be known.
#[test]
fn r149_a_process_killed_between_sending_and_writing_sends_again_with_the_same_id() {
    let mut desk = Desk::open();
    desk.engine.start("lead").unwrap();
    desk.store.go_away();
    desk.engine.tick();
    assert_eq!(desk.fresh().len(), 2, "sent, although it could not be written down");
    desk.engine.tick();
    assert!(desk.fresh().is_empty(), "the process itself knows");
    desk.store.come_back();
    desk.reopen(Span::seconds(20));
    desk.engine.tick();
    let times = times_taken(&desk);
    assert_eq!(
        times.values().copied().collect::<Vec<_>>(),
        [2, 2],
        "the same two ids, each twice: {times:?}"
    );
}

#[test]
fn r150_the_journal_says_what_became_of_each_delivery() {
    let desk = Desk::open();
    desk.engine.start("lead").unwrap();
    desk.engine.tick();
    let told = desk.records("notice");
    assert_eq!(told.len(), 2);
    let keys: Vec<&str> = told[0].0.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys[7..keys.len() - 1],
        ["id", "when", "channels", "audience", "message", "delivered", "urgent", "late", "attempts", "error"]
    );
    assert_eq!(told[0].texts("channels"), ["slack:#eng"]);
    assert_eq!(told[1].texts("channels"), ["slack:#product"]);
    for record in &told {
        assert_eq!((&record.0["delivered"], &record.0["attempts"]), (&true.into(), &1.into()));
        assert_eq!((record.text("audience"), record.0["error"].is_null()), ("internal teams", true));
    }
    // The id names the record that owed it.
    let started = &desk.records("phase_started")[0];
    let name = format!("{}-{}-", started.0["seq"], &started.text("hash")[..8]);
    assert!(told[0].text("id").starts_with(&name), "{} {name}", told[0].text("id"));
}

#[test]
fn r150_a_channel_that_fails_is_tried_again_ever_more_rarely_and_written_down_once() {
    let mut desk = Desk::open();
    desk.post.is(Mood::Dead);
    desk.engine.start("lead").unwrap();
    desk.engine.tick();
    let calls = || desk.post.calls.swap(0, Ordering::Relaxed);
    assert_eq!(calls(), 2, "one for each channel");
    desk.tick_after(Span::seconds(9));
    assert_eq!(calls(), 0);
    desk.tick_after(Span::seconds(1));
    assert_eq!(calls(), 2);
    for _ in 0..19 {
        desk.tick_after(Span::seconds(1));
    }
    assert_eq!(calls(), 0);
    desk.tick_after(Span::seconds(1));
    assert_eq!(calls(), 2);
    assert!(desk.records("notice").is_empty(), "nothing is settled yet");
    desk.post.is(Mood::Well);
    desk.tick_after(Span::seconds(40));
    assert_eq!(desk.fresh().len(), 2);
    let told = desk.records("notice");
    assert_eq!(told.len(), 2);
    assert!(
        told.iter().all(|record| record.0["delivered"] == true && record.0["attempts"] == 4),
        "{told:#?}"
    );
}

#[test]
fn r150_what_nobody_takes_for_a_day_is_given_up_and_the_reason_stays() {
    let desk = Desk::open();
    desk.engine.start("lead").unwrap();
    desk.post.is(Mood::Dead);
    desk.coast(Span::hours(24) - Span::minutes(1));
    let started = |desk: &Desk| {
        let mut told = desk.records("notice");
        told.retain(|record| record.text("when") == "phase_started");
        told
    };
    assert!(started(&desk).is_empty());
    desk.coast(Span::minutes(2));
    let told = started(&desk);
    assert_eq!(told.len(), 1, "both channels in one record: {told:#?}");
    assert_eq!(told[0].texts("channels"), ["slack:#eng", "slack:#product"]);
    assert_eq!(
        (&told[0].0["delivered"], told[0].text("error")),
        (&false.into(), "gave up after 1d: connection refused")
    );
    assert!(told[0].0["attempts"].as_u64().unwrap() > 90);
}

#[test]
fn r150_a_panic_and_a_refusal_are_not_delivered_and_not_tried_again() {
    for (mood, error) in
        [(Mood::Panicking, "the sink panicked: a bug in the sink"), (Mood::Refusing, "no such address")]
    {
        let desk = Desk::open();
        desk.post.is(mood);
        desk.engine.start("lead").unwrap();
        desk.engine.tick();
        let told = desk.records("notice");
        assert_eq!(told.len(), 2);
        assert!(told.iter().all(|record| record.0["delivered"] == false && record.text("error") == error));
        desk.coast(Span::minutes(5));
        assert_eq!(desk.post.calls.load(Ordering::Relaxed), 2);
        // The channel itself is not given up.
        desk.post.is(Mood::Well);
        desk.go();
        desk.engine.tick();
        assert_eq!(desk.post.taken.lock().unwrap().len(), 3);
    }
}

/// A script that raises, asks, rolls back and comes back; what is decided, and when.
fn script(desk: &Desk) -> Vec<String> {
    desk.engine.start("lead").unwrap();
    desk.tick_after(Span::seconds(10));
    desk.go();
    desk.heap(100.0);
    desk.coast(Span::minutes(5));
    desk.heap(801.0);
    desk.coast(Span::minutes(2));
    desk.heap(1_001.0);
    desk.coast(Span::minutes(2));
    desk.engine.retry("lead").unwrap();
    desk.heap(100.0);
    desk.coast(Span::minutes(61));
    desk.engine.stop("lead", "enough").unwrap();
    desk.coast(Span::minutes(10));
    desk.decided()
}

#[test]
fn a_dead_or_panicking_sink_changes_nothing_of_what_is_decided() {
    let without = script(&Desk::of(PLAN, Sinks::None));
    assert!(without.iter().any(|line| line.contains("rolled_back")), "{without:#?}");
    assert!(without.len() > 20);
    for mood in [Mood::Well, Mood::Dead, Mood::Refusing, Mood::Panicking] {
        let desk = Desk::open();
        desk.post.is(mood);
        assert_eq!(script(&desk), without, "{mood:?}");
        assert!(desk.post.calls.load(Ordering::Relaxed) > 0, "{mood:?}");
    }
}

#[test]
fn a_rollback_in_a_recording_call_waits_for_no_sink() {
    let desk = Desk::exposed();
    let calls = desk.post.calls.load(Ordering::Relaxed);
    desk.post.is(Mood::Slow);
    let before = rollgate::clock::Clock::wall(&desk.clock);
    desk.heap(1_001.0);
    assert!(!desk.engine.is_on("A", "user-1"));
    assert_eq!(rollgate::clock::Clock::wall(&desk.clock), before, "no time has passed");
    assert_eq!(desk.post.calls.load(Ordering::Relaxed), calls, "no sink was called");
    assert_eq!(desk.records("rolled_back").len(), 1);
}

#[test]
fn a_slow_sink_is_called_once_a_tick() {
    let desk = Desk::exposed();
    desk.post.is(Mood::Slow);
    desk.heap(1_001.0);
    let calls = desk.post.calls.swap(0, Ordering::Relaxed);
    assert!(calls > 0);
    // Two urgent notices are due, and each call takes two seconds.
    for tick in 1..=2 {
        desk.engine.tick();
        assert_eq!(desk.post.calls.load(Ordering::Relaxed), tick);
    }
    let taken = desk.post.taken.lock().unwrap();
    let last: Vec<&str> = taken.iter().rev().take(2).map(|notice| notice.channel.as_str()).collect();
    assert_eq!(last, ["status_page", "mail"]);
}

#[test]
fn a_sink_may_call_the_engine() {
    let slot: std::sync::Arc<std::sync::OnceLock<Engine>> = std::sync::Arc::default();
    let inside = slot.clone();
    let engine = Engine::builder()
        .plan_text(PLAN, Format::Yaml)
        .unwrap()
        .on_notice(move |notice| {
            let engine = inside.get().ok_or("not open yet")?;
            engine.tick();
            assert_eq!(engine.status().plan, *"told");
            if notice.when == *"phase_started" {
                let _ = engine.stop("a sink", "it may");
            }
            Ok(())
        })
        .build()
        .unwrap();
    assert!(slot.set(engine.clone()).is_ok());
    engine.start("lead").unwrap();
    engine.tick();
    assert_eq!(engine.status().status.name(), "stopped");
}

#[test]
fn a_flood_of_transitions_is_bounded_and_urgent_notices_stay_longest() {
    let desk = Desk::exposed();
    desk.post.is(Mood::Dead);
    let cycles = NOTICES_WAITING_MAX;
    for _ in 0..cycles {
        desk.engine.stop("on_call", "again").unwrap();
        desk.engine.retry("on_call").unwrap();
    }
    let waiting = outbox(&desk);
    assert_eq!(waiting.letters().len(), NOTICES_WAITING_MAX);
    // Each cycle owes an urgent notice and one that is not: the urgent ones are still there, all but none of the others.
    let urgent = waiting.letters().iter().filter(|letter| letter.is_urgent).count();
    assert!(urgent >= NOTICES_WAITING_MAX - 1, "{urgent}");
    let told = desk.records("notice");
    let dropped: Vec<_> = told.iter().filter(|record| record.text("error").starts_with("dropped:")).collect();
    assert!(dropped.len() >= cycles - 1, "{}", dropped.len());
    let urgent_dropped = dropped.iter().filter(|record| record.0["urgent"] == true).count();
    assert!(urgent_dropped <= 1, "{urgent_dropped}");
    // What was dropped and what waits is all there was: nothing vanishes.
    let owed = desk.records("stopped").len() + desk.records("phase_started").len() - 2;
    assert_eq!(dropped.len() + waiting.letters().len(), owed);
}

#[test]
fn r149_threads_that_tick_at_once_send_once() {
    let desk = Desk::open();
    desk.engine.start("lead").unwrap();
    desk.go();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| desk.engine.tick()));
        }
    });
    desk.engine.tick();
    let times = times_taken(&desk);
    assert_eq!(times.len(), 5, "{times:?}");
    assert!(times.values().all(|times| *times == 1), "{times:?}");
}

#[test]
fn a_sink_that_hangs_holds_up_neither_the_tickers_evaluations_nor_its_end() {
    let (entered, is_inside) = channel();
    let (let_go, hang) = channel::<()>();
    let (heard, records) = channel();
    let (entered, hang, heard) = (Mutex::new(entered), Mutex::new(hang), Mutex::new(heard));
    let clock = ManualClock::at(Timestamp::parse("2026-01-19T22:00:00Z").unwrap());
    let engine = Engine::builder()
        .plan_text(PLAN, Format::Yaml)
        .unwrap()
        .clock(clock.clone())
        .on_notice(move |_| {
            let _ = entered.lock().unwrap().send(());
            let _ = hang.lock().unwrap().recv();
            Ok(())
        })
        .on_record(move |line| {
            let _ = heard.lock().unwrap().send(line.to_owned());
        })
        .build()
        .unwrap();
    engine.start("lead").unwrap();
    let ticker = engine.spawn_ticker().unwrap();
    is_inside.recv().unwrap();
    // While the sink hangs, an evaluation notes that the calendar was set.
    clock.jump_wall(3_600_000);
    clock.advance(Span::seconds(10));
    while !records.recv().unwrap().contains("\"kind\":\"clock_jump\"") {}
    drop(ticker);
    drop(let_go);
}

/// An engine whose sink of `slack` says that it was entered and hangs until the other end is dropped; all other channels
/// go to the third.
fn hanging()
-> (Engine, std::sync::mpsc::Receiver<()>, std::sync::mpsc::Sender<()>, std::sync::mpsc::Receiver<String>) {
    let (entered, is_inside) = channel();
    let (let_go, hang) = channel::<()>();
    let (sent, taken) = channel();
    let (entered, hang, sent) = (Mutex::new(entered), Mutex::new(hang), Mutex::new(sent));
    let clock = ManualClock::at(Timestamp::parse("2026-01-19T22:00:00Z").unwrap());
    let engine = Engine::builder()
        .plan_text(PLAN, Format::Yaml)
        .unwrap()
        .clock(clock)
        .on_notice_to("slack", move |_| {
            let _ = entered.lock().unwrap().send(());
            let _ = hang.lock().unwrap().recv();
            Ok(())
        })
        .on_notice(move |notice| {
            let _ = sent.lock().unwrap().send(notice.channel.to_string());
            Ok(())
        })
        .build()
        .unwrap();
    (engine, is_inside, let_go, taken)
}

#[test]
fn with_a_ticker_a_sink_that_hangs_delays_nothing_but_itself() {
    let (engine, is_inside, let_go, taken) = hanging();
    engine.start("lead").unwrap();
    let ticker = engine.spawn_ticker().unwrap();
    is_inside.recv().unwrap();
    engine.stop("on_call", "smoke").unwrap();
    // Without a thread of its own, this channel would wait for the other one for good.
    assert_eq!(taken.recv().unwrap(), "status_page");
    drop(ticker);
    drop(let_go);
}

#[test]
fn a_tick_on_another_thread_sends_what_is_not_of_the_sink_that_hangs() {
    let (engine, is_inside, let_go, taken) = hanging();
    engine.start("lead").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| engine.tick());
        is_inside.recv().unwrap();
        engine.stop("on_call", "smoke").unwrap();
        engine.tick();
        assert_eq!(taken.try_recv().ok().as_deref(), Some("status_page"));
        assert!(is_inside.try_recv().is_err(), "the sink that hangs is not called a second time");
        drop(let_go);
    });
    let told = engine.journal_after(0).iter().filter(|line| line.contains("\"delivered\":true")).count();
    assert_eq!(told, 3, "both channels of the sink that came back, and the other one");
}
