//! Who asks, when, with what secret; and that nobody waits for it.

use std::fs;
use std::thread;
use std::time::Duration;

use rollgate::clock::ManualClock;
use rollgate::core::error::ErrorKind;
use rollgate::core::time::Span;
use rollgate::read::Format;
use rollgate::store::SharedMemoryStore;
use rollgate::{Engine, wire};

use crate::stage::{PLAN, START, Stage, aged};
use crate::stub::{Reply, Stub};

#[test]
fn a_query_is_asked_as_often_as_the_plan_says_with_the_age_of_its_sample() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(&PLAN.replacen(", every: 10s", ", every: 30s", 1), &stub.url, START);
    stub.answer(aged(&stage.clock, "5", 0.0));
    stage.engine.tick();
    let first = stub.asked.try_recv().unwrap();
    assert_eq!(
        (first.what.as_str(), first.form["query"].as_str()),
        ("POST /api/v1/query", "max(queue_length)")
    );
    let dated = stub.asked.try_recv().unwrap();
    assert_eq!(dated.form["query"], "timestamp(\nmax(queue_length)\n)");
    assert_eq!(dated.form["time"].parse::<f64>().unwrap(), START.0 as f64 / 1e3);
    for (seconds, queries) in [(29, 0), (1, 2), (10, 0), (20, 2)] {
        stage.clock.advance(Span::seconds(seconds));
        stage.engine.tick();
        assert_eq!(stub.queries().len(), queries, "{seconds}");
    }
}

#[test]
fn a_recording_call_asks_nobody() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(PLAN, &stub.url, START);
    stage.clock.advance(Span::minutes(1));
    stage.engine.metric("heap").unwrap().record(5.0);
    stage.engine.status();
    assert!(stub.queries().is_empty());
}

#[test]
fn while_a_server_takes_its_time_everything_goes_on() {
    let stub = Stub::new(|_| Reply::Hang(Vec::new()));
    let plan =
        PLAN.replacen("metric: queue, stat: last, above: 500", "metric: heap, stat: last, above: 1GB", 1);
    let stage = Stage::open(&plan, &stub.url, START);
    let engine = stage.engine.clone();
    let poll = thread::spawn(move || engine.poll_sources());
    stub.asked.recv_timeout(Duration::from_secs(60)).unwrap();
    // An evaluation, which finds the query under way, and a trigger.
    stage.pass(Span::seconds(20));
    stage.engine.metric("heap").unwrap().record(2_000.0);
    assert_eq!(stage.share(), 0);
    assert!(!poll.is_finished() && stub.queries().is_empty());
    stub.let_go();
    assert_eq!(poll.join().unwrap(), 1);
    assert_eq!((stage.source().asked, stage.source().failed), (1, 1));
}

#[test]
fn an_answer_that_took_too_long_to_be_of_now_is_none() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(PLAN, &stub.url, START);
    let clock = stage.clock.clone();
    let mut answer = aged(&stage.clock, "5", 0.0);
    stub.answer(move |request| {
        let reply = answer(request);
        // The process is stopped, or the network is slow: the answer is of half a minute ago by the time it is here.
        clock.advance(Span::seconds(31));
        reply
    });
    stage.engine.tick();
    assert!(stage.source().error.unwrap().contains("away from now"), "{:?}", stage.source());
    assert_eq!(stage.recorded(), 0);
}

#[test]
fn r165_of_several_nodes_the_leader_asks() {
    let store = SharedMemoryStore::new();
    let clock = ManualClock::at(START);
    let stub = Stub::new(aged(&clock, "5", 0.0));
    let node = || {
        let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap().prometheus(stub.url.as_str());
        builder.store(store.node()).clock(clock.clone()).build().unwrap()
    };
    let (a, b) = (node(), node());
    a.start("ann").unwrap();
    let pass = |engines: &[&Engine]| {
        clock.advance(Span::seconds(10));
        engines.iter().for_each(|engine| engine.tick());
    };
    (0..3).for_each(|_| pass(&[&a, &b]));
    let asked = |engine: &Engine| (engine.sources()[0].is_asking, engine.sources()[0].asked > 0);
    assert_eq!((asked(&a), asked(&b)), ((true, true), (false, false)));
    // What it was told counts for all.
    pass(&[&b, &a, &b]);
    assert!(b.totals("queue").unwrap().recorded > 0);
    drop(a);
    stub.queries();
    (0..3).for_each(|_| pass(&[&b]));
    assert_eq!(asked(&b), (true, true));
    assert!(!stub.queries().is_empty());
}

#[test]
fn a_ticker_has_a_thread_that_asks() {
    let stub = Stub::new(|_| Reply::ok(""));
    let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap().prometheus(stub.url.as_str());
    let engine = builder.build().unwrap();
    let ticker = engine.spawn_ticker().unwrap();
    stub.asked.recv_timeout(Duration::from_secs(60)).unwrap();
    drop(ticker);
}

#[test]
fn secrets_are_read_where_the_plan_says_they_are_each_time() {
    let file = std::env::temp_dir().join(format!("rollgate-secret-{}", std::process::id()));
    fs::write(&file, "s3cret\n").unwrap();
    // The variable is cargo's, and the same for all tests of this crate.
    for (written, header, later) in [
        ("secret: env:CARGO_PKG_NAME".to_owned(), "Bearer rollgate", "Bearer rollgate"),
        (format!("secret: \"file:{}\"", file.display()), "Bearer s3cret", "Bearer other"),
        (
            format!("username: ann, secret: \"file:{}\"", file.display()),
            "Basic YW5uOnMzY3JldA==",
            "Basic YW5uOm90aGVy",
        ),
    ] {
        fs::write(&file, "s3cret\n").unwrap();
        let stub = Stub::new(|_| Reply::Body(401, String::new()));
        let stage = Stage::open(&PLAN.replacen("timeout: 20s", &written, 1), &stub.url, START);
        stage.engine.tick();
        assert_eq!(stub.asked.try_recv().unwrap().headers["authorization"], header);
        fs::write(&file, "other").unwrap();
        stage.pass(Span::seconds(10));
        assert_eq!(stub.asked.try_recv().unwrap().headers["authorization"], later);
        let shown = format!("{:?}", stage.source());
        assert!(!shown.contains("s3cret") && !shown.contains("other"), "{shown}");
    }
    fs::remove_file(&file).unwrap();
}

#[test]
fn without_its_secret_nobody_is_asked() {
    for (secret, says) in [
        ("env:ROLLGATE_NO_SUCH_VARIABLE", "`ROLLGATE_NO_SUCH_VARIABLE` with the secret is not set"),
        ("file:/no/such/file", "/no/such/file"),
        ("file:/dev/null", "the secret is empty"),
    ] {
        let stub = Stub::new(|_| Reply::ok(""));
        let plan = PLAN.replacen("timeout: 20s", &format!("secret: \"{secret}\""), 1);
        let stage = Stage::open(&plan, &stub.url, START);
        stage.engine.tick();
        assert!(stage.source().error.unwrap().contains(says), "{secret}: {:?}", stage.source());
        assert!(stub.queries().is_empty());
    }
}

#[test]
fn the_program_says_where_the_server_is_and_else_the_plan() {
    let (ours, theirs) = (Stub::new(|_| Reply::ok("")), Stub::new(|_| Reply::ok("")));
    let plan = PLAN.replacen("timeout: 20s", &format!("url: \"{}/base/\"", theirs.url), 1);
    Stage::open(&plan, &ours.url, START).engine.tick();
    assert_eq!((ours.queries().len(), theirs.queries().len()), (1, 0));
    Stage::build(&plan, START, |builder| builder).engine.tick();
    assert_eq!(theirs.asked.try_recv().unwrap().what, "POST /base/api/v1/query");
    for url in ["prometheus:9090", "http://ann:pw@host:9090", "http://"] {
        let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap().prometheus(url);
        let error = builder.build().err().unwrap();
        assert!(error.kind() == ErrorKind::InvalidArgument && !error.to_string().contains("pw@"), "{error}");
    }
}

#[test]
fn an_engine_that_asks_nobody_says_why() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stages = [
        (Stage::build(PLAN, START, |builder| builder), "nobody said where the server is"),
        (Stage::build(PLAN, START, |builder| builder.prometheus(stub.url.as_str()).offline()), "offline"),
    ];
    for (stage, says) in stages {
        stage.pass(Span::minutes(5));
        let source = stage.source();
        assert!(!source.is_asking && source.error.unwrap().contains(says));
        assert_eq!((stage.phase().as_str(), stage.recorded()), ("some", 0));
        let status = wire::status(&stage.engine.status()).unwrap();
        assert!(status.contains(r#""sources":[{"metric":"queue","is_asking":false,"asked":0"#), "{status}");
    }
    assert!(stub.queries().is_empty());
    // What the program records itself counts all the same, as in a rehearsal.
    let stage = Stage::build(PLAN, START, |builder| builder.offline());
    for _ in 0..18 {
        stage.pass(Span::seconds(10));
        stage.engine.metric("queue").unwrap().record(5.0);
    }
    assert_eq!(stage.phase(), "all");
}

/// Evaluations come first: what a slow server has not answered within a second waits for the next tick.
#[test]
fn a_round_of_slow_answers_ends() {
    let sources: String = (0..5)
        .map(|n| format!("  q{n}: {{ kind: gauge, unit: count, source: {{ promql: q{n}, every: 1s }} }}\n"))
        .collect();
    let plan = PLAN.replacen("roles:", &format!("{sources}roles:"), 1);
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(&plan, &stub.url, START);
    let clock = stage.clock.clone();
    stub.answer(move |_| {
        clock.advance(Span(600));
        Reply::Body(500, String::new())
    });
    // Two of six answers take longer than a second; each is asked in its turn.
    let rounds: Vec<usize> = (0..3).map(|_| stage.engine.poll_sources()).collect();
    assert_eq!(rounds, [2, 2, 2]);
    assert!(stage.engine.sources().iter().all(|source| source.asked == 1));
}
