//! What a server may say, and what of it is a value.

use rollgate::core::metrics::Totals;
use rollgate::core::time::Span;

use crate::stage::{PLAN, START, Stage, aged, seconds, vector};
use crate::stub::{Reply, Stub};

fn result(kind: &str, result: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"{kind}","result":{result}}}}}"#)
}

fn head(length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

/// What the server answers to the query itself, and what is said of it.
fn broken() -> Vec<(&'static str, Reply, &'static str)> {
    let now = seconds(START);
    let json = |body: &str| Reply::ok(body);
    let error = |status, body: &str| Reply::Body(status, body.to_owned());
    vec![
        ("no series", json(&result("vector", "[]")), "gives no series"),
        ("NaN", json(&vector(now, "NaN")), "gives NaN"),
        ("up for ever", json(&vector(now, "+Inf")), "gives +Inf"),
        ("down for ever", json(&vector(now, "-Inf")), "gives -Inf"),
        ("no number", json(&vector(now, "fast")), "gives fast"),
        ("empty text", json(&vector(now, "")), "no number"),
        ("larger than any level", json(&vector(now, "1e300")), "no value that `queue` can have"),
        (
            "two series",
            json(&result("vector", r#"[{"metric":{},"value":[1,"1"]},{"metric":{},"value":[1,"2"]}]"#)),
            "2 series",
        ),
        ("a scalar that is none", json(&result("scalar", r#"[1768298400,"NaN"]"#)), "gives NaN"),
        ("a matrix", json(&result("matrix", "[]")), "gives a matrix"),
        ("a text", json(&result("string", r#"[1768298400,"5"]"#)), "gives a string"),
        (
            "a histogram",
            json(&result("vector", r#"[{"metric":{},"histogram":[1,{"count":"3"}]}]"#)),
            "gives a histogram",
        ),
        ("a bare number", json(&result("vector", r#"[{"metric":{},"value":[1768298400,5]}]"#)), "no value"),
        ("no time", json(&result("vector", r#"[{"metric":{},"value":[null,"5"]}]"#)), "when it is of"),
        ("a value too many", json(&result("vector", r#"[{"metric":{},"value":[1,"5",6]}]"#)), "no value"),
        ("a time that cannot be", json(&vector(1e300, "5")), "when it is of"),
        ("an hour ago", json(&vector(now - 3_600.0, "5")), "away from now"),
        ("in an hour", json(&vector(now + 3_600.0, "5")), "away from now"),
        ("nothing", json(""), "no JSON"),
        ("half of it", json(&vector(now, "5")[..60]), "no JSON"),
        ("a page", json("<html><body>Sign in</body></html>"), "no JSON"),
        ("deep", json(&"[".repeat(100_000)), "no JSON"),
        ("another object", json("{}"), "no status that is known"),
        ("no result", json(r#"{"status":"success"}"#), "no result"),
        (
            "an error with 200",
            json(r#"{"status":"error","errorType":"execution","error":"too many samples"}"#),
            "too many samples",
        ),
        (
            "a part",
            json(&vector(now, "5").replacen("{", r#"{"warnings":["store B is away"],"#, 1)),
            "store B is away",
        ),
        (
            "a query that is wrong",
            error(400, r#"{"status":"error","errorType":"bad_data","error":"parse error: x"}"#),
            "answered 400: parse error: x",
        ),
        ("who are you", error(401, "Unauthorized"), "answered 401"),
        ("too busy", error(503, r#"{"status":"error","error":"query timed out"}"#), "query timed out"),
        ("broken", error(500, &vector(now, "5")), "answered 500"),
        (
            "elsewhere",
            Reply::Bytes(
                b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec(),
            ),
            "answered 302",
        ),
        ("too long", json(&(vector(now, "5") + &" ".repeat(1 << 20))), "longer than 1048576 bytes"),
        ("no HTTP", Reply::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "the server"),
        ("hangs up", Reply::Bytes(Vec::new()), "the server"),
        (
            "hangs up in the middle",
            Reply::Bytes([head(500), b"{\"status\":".to_vec()].concat()),
            "the server",
        ),
    ]
}

/// No answer is taken for a value, nothing is recorded, no gate passes, and somebody can see why.
#[test]
fn r165_what_is_no_value_is_no_data() {
    for (name, reply, says) in broken() {
        let stub = Stub::new(move |request| match request.form["query"].starts_with("timestamp(") {
            true => Reply::ok(vector(seconds(START), &seconds(START).to_string())),
            false => reply.clone(),
        });
        let stage = Stage::open(PLAN, &stub.url, START);
        stage.engine.tick();
        let source = stage.source();
        assert!(source.error.as_ref().is_some_and(|why| why.contains(says)), "{name}: {source:?}");
        assert_eq!((source.asked, source.failed, source.value), (1, 1, None), "{name}");
        stage.pass(Span::minutes(5));
        assert_eq!(stage.engine.totals("queue").unwrap(), Totals::default(), "{name}");
        assert_eq!((stage.phase().as_str(), stage.share()), ("some", 40), "{name}");
        assert!(stage.source().failed > 5, "{name}: it is asked again");
    }
}

/// A value whose age is not known is none.
#[test]
fn r165_what_does_not_say_how_old_it_is_is_no_data() {
    for (_, reply, _) in broken() {
        // A number that is too large for a level is a time that cannot be.
        let stub = Stub::new(|_| Reply::ok(""));
        let stage = Stage::open(PLAN, &stub.url, START);
        let mut good = aged(&stage.clock, "5", 0.0);
        stub.answer(move |request| match request.form["query"].starts_with("timestamp(") {
            true => reply.clone(),
            false => good(request),
        });
        stage.pass(Span::minutes(3));
        assert_eq!((stage.recorded(), stage.phase().as_str()), (0, "some"), "{:?}", stage.source());
    }
}

#[test]
fn r165_a_server_that_says_nothing_is_left_alone_in_between() {
    let plan = PLAN.replacen("timeout: 20s", "timeout: 100ms", 1);
    let started = || Reply::Hang([head(500), b"{\"status\":\"succ".to_vec()].concat());
    for (name, reply) in [("nothing", Reply::Hang(Vec::new())), ("a beginning", started())] {
        let stub = Stub::new(move |_| reply.clone());
        let stage = Stage::open(&plan, &stub.url, START);
        stage.engine.tick();
        let source = stage.source();
        assert!(source.error.as_ref().is_some_and(|why| why.contains("within 100 ms")), "{name}: {source:?}");
        for _ in 0..9 {
            stage.clock.advance(Span::seconds(1));
            stage.engine.tick();
        }
        assert_eq!(stage.source().asked, 1, "{name}");
        stage.pass(Span::minutes(3));
        assert_eq!((stage.phase().as_str(), stage.recorded()), ("some", 0), "{name}");
    }
    // Nobody listens there.
    let stage = Stage::open(&plan, "http://127.0.0.1:1", START);
    stage.pass(Span::minutes(3));
    assert!(stage.source().error.unwrap().contains("cannot be reached"));
    assert_eq!((stage.phase().as_str(), stage.recorded()), ("some", 0));
}

#[test]
fn r165_a_value_passes_the_gate_and_a_bad_one_fires_the_trigger_inside_the_poll() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(PLAN, &stub.url, START);
    stub.answer(aged(&stage.clock, "12.5", 0.0));
    stage.pass(Span::minutes(3));
    let source = stage.source();
    assert_eq!((stage.phase().as_str(), stage.share()), ("all", 100));
    assert_eq!((source.value, source.error, source.failed, source.is_asking), (Some(12.5), None, 0, true));
    assert!(source.age.unwrap() <= Span::seconds(10));
    stub.answer(aged(&stage.clock, "501", 0.0));
    stage.clock.advance(Span::seconds(10));
    assert_eq!(stage.engine.poll_sources(), 1);
    assert_eq!(stage.share(), 0);
}

#[test]
fn r165_a_scalar_is_a_value() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(PLAN, &stub.url, START);
    let clock = stage.clock.clone();
    stub.answer(move |_| {
        use rollgate::clock::Clock as _;
        Reply::ok(result("scalar", &format!("[{},\"3\"]", seconds(clock.wall()))))
    });
    stage.pass(Span::minutes(3));
    assert_eq!((stage.source().value, stage.phase().as_str()), (Some(3.0), "all"));
}

/// A server gives its last sample for minutes, as if it were of now.
#[test]
fn r165_a_sample_that_is_too_old_is_no_data() {
    for (age, phase) in [(55.0, "all"), (61.0, "some"), (299.0, "some")] {
        let stub = Stub::new(|_| Reply::ok(""));
        let stage = Stage::open(PLAN, &stub.url, START);
        stub.answer(aged(&stage.clock, "5", age));
        stage.pass(Span::minutes(5));
        assert_eq!(stage.phase(), phase, "{age}: {:?}", stage.source());
        if phase == "some" {
            assert!(stage.source().error.unwrap().contains("old, and 1m is allowed"));
            assert_eq!(stage.recorded(), 0);
        }
    }
}

#[test]
fn r165_one_sample_counts_once_however_often_it_is_given() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(PLAN, &stub.url, START);
    let taken = seconds(START) + 5.0;
    let clock = stage.clock.clone();
    stub.answer(move |request| {
        use rollgate::clock::Clock as _;
        let is_dated = request.form["query"].starts_with("timestamp(");
        let value = if is_dated { taken.to_string() } else { "5".to_owned() };
        Reply::ok(vector(seconds(clock.wall()), &value))
    });
    stage.pass(Span::seconds(50));
    let source = stage.source();
    assert_eq!((stage.recorded(), source.failed, source.error), (1, 0, None));
    assert!(source.asked > 3);
    // The gate is due after two minutes, and by then it is stale.
    stage.pass(Span::minutes(5));
    assert_eq!((stage.recorded(), stage.phase().as_str()), (1, "some"));
}

#[test]
fn r165_a_server_that_falls_silent_leaves_the_gauge_stale() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(PLAN, &stub.url, START);
    stub.answer(aged(&stage.clock, "5", 0.0));
    stage.pass(Span::seconds(50));
    stub.answer(|_| Reply::ok(result("vector", "[]")));
    stage.pass(Span::minutes(5));
    let source = stage.source();
    assert_eq!((stage.phase().as_str(), source.value), ("some", Some(5.0)));
    assert!(source.age.unwrap() > Span::minutes(4) && source.error.is_some(), "{source:?}");
    // And it goes on when there are values again.
    stub.answer(aged(&stage.clock, "5", 0.0));
    stage.pass(Span::seconds(20));
    assert_eq!(stage.phase(), "all");
}

/// A sample from before a rollback must not fire the trigger once more.
#[test]
fn r165_a_sample_from_before_the_shares_that_apply_says_nothing_of_them() {
    let stub = Stub::new(|_| Reply::ok(""));
    let stage = Stage::open(PLAN, &stub.url, START);
    stub.answer(aged(&stage.clock, "900", 15.0));
    stage.pass(Span::seconds(10));
    assert_eq!((stage.share(), stage.recorded(), stage.source().failed), (40, 0, 0));
    stage.pass(Span::seconds(20));
    assert_eq!((stage.share(), stage.recorded()), (0, 1));
}

#[test]
fn points_of_a_score_come_from_a_server_too() {
    let plan = PLAN
        .replacen("queue: { kind: gauge, unit: count, good: down, max_gap: 1m,", "queue: { kind: score,", 1)
        .replacen("{ metric: queue, stat: last, below: 100 }", "{ metric: queue, over: 1h, above: 30 }", 1)
        .replacen(
            "{ metric: queue, stat: max, over: 30m, below: 100 }",
            "{ metric: queue, over: 1h, above: 30 }",
            1,
        )
        .replace("{ metric: queue, stat: last, above: 500 }", "{ metric: queue, over: 1h, below: -50 }");
    for (value, recorded, phase, share) in [
        ("41.5", true, "all", 100),
        ("10", true, "some", 40),
        ("101", false, "some", 40),
        ("-60", true, "some", 0),
    ] {
        let stub = Stub::new(|_| Reply::ok(""));
        let stage = Stage::open(&plan, &stub.url, START);
        stub.answer(aged(&stage.clock, value, 0.0));
        stage.pass(Span::minutes(3));
        assert_eq!(
            (stage.recorded() > 0, stage.phase().as_str(), stage.share()),
            (recorded, phase, share),
            "{value}"
        );
    }
}
