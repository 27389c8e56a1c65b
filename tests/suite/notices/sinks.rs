//! The sinks that come with the library, and which sink a channel has.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::time::{Span, Timestamp};
use rollgate::notify::{JsonLines, SendError, Sink, Traced, Webhook, WebhookBody};
use rollgate::read::Format;
use rollgate_tests::Record;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use super::desk::PLAN;

fn builder() -> (rollgate::EngineBuilder, ManualClock) {
    let clock = ManualClock::at(Timestamp::parse("2026-01-19T22:00:00Z").unwrap());
    (Engine::builder().plan_text(PLAN, Format::Yaml).unwrap().clock(clock.clone()), clock)
}

fn told(engine: &Engine) -> Vec<Record> {
    let records = engine.journal_after(0).iter().map(|line| Record::of(line)).collect::<Vec<_>>();
    records.into_iter().filter(|record| record.kind() == "notice").collect()
}

#[test]
fn a_channel_has_its_own_sink_or_that_of_its_kind_or_that_for_all() {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let (mut engine, _) = builder();
    for (name, channel) in [("all", None), ("slack", Some("slack")), ("eng", Some("slack:#eng"))] {
        let hear = heard.clone();
        let send = move |notice: &rollgate::notify::Delivery| {
            hear.lock().map_err(|_| "poisoned")?.push(format!("{name} {}", notice.channel));
            Ok(())
        };
        engine = match channel {
            None => engine.on_notice(send),
            Some(channel) => engine.on_notice_to(channel, send),
        };
    }
    let engine = engine.build().unwrap();
    engine.start("lead").unwrap();
    engine.stop("lead", "").unwrap();
    engine.tick();
    let heard = heard.lock().unwrap();
    assert_eq!(*heard, ["all status_page", "eng slack:#eng", "slack slack:#product"], "urgent ones first");
}

#[test]
fn a_sink_that_would_never_be_asked_is_refused() {
    let error = builder().0.on_notice_to("emial", |_| Ok(())).build().err().unwrap().to_string();
    assert!(error.contains("`emial`") && error.contains("leadership, mail, slack:#eng"), "{error}");
    let twice = builder().0.on_notice(|_| Ok(())).on_notice(|_| Ok(())).build().err().unwrap().to_string();
    assert!(twice.contains("two sinks"), "{twice}");
}

/// Somewhere to write that a test can read.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn notices_are_written_as_json_lines() {
    let page = Page::default();
    let engine = builder().0.sink(JsonLines::new(page.clone())).build().unwrap();
    engine.start("lead").unwrap();
    engine.tick();
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["message"], "Phase 0: Preparation started. Monitoring closely.");
    let keys: Vec<&String> = lines[1].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "id", "plan", "when", "channel", "audience", "subject", "message", "urgent", "late", "at",
            "attempt"
        ]
    );
    assert_eq!((&lines[1]["channel"], &lines[1]["attempt"]), (&"slack:#product".into(), &1.into()));
}

/// Keeps every event, as `LEVEL target field=value …`.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let meta = event.metadata();
        let mut fields = Fields(format!("{} {}", meta.level(), meta.target()));
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn notices_are_events_of_tracing_and_urgent_ones_are_warnings() {
    let events = Events::default();
    tracing::subscriber::with_default(events.clone(), || {
        let engine = builder().0.sink(Traced).build().unwrap();
        engine.start("lead").unwrap();
        engine.stop("lead", "smoke").unwrap();
        engine.tick();
    });
    let mut events = events.0.lock().unwrap().clone();
    // The HTTP client of the webhook speaks through `log`, not through this; but only ours are looked at.
    events.retain(|event| event.contains("rollgate::notice"));
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[0].starts_with("WARN rollgate::notice") && events[0].contains("Stopped by lead: smoke."));
    assert!(events[1].starts_with("INFO rollgate::notice") && events[1].contains("channel=\"slack:#eng\""));
}

/// What a server does with a connection.
enum Answer {
    Status(u16),
    Silence,
}

/// A server on loopback that answers as it is told; what it was asked comes out.
fn server(answers: Vec<Answer>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook/secret-token", listener.local_addr().unwrap());
    let (asked, heard) = channel();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let _ = asked.send(read_request(&stream));
            match answer {
                Answer::Status(status) => {
                    let text =
                        format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    let _ = stream.write_all(text.as_bytes());
                }
                Answer::Silence => silent.push(stream),
            }
        }
        // Kept open until the test has read everything.
        let _ = asked.send("end".into());
        drop(silent);
    });
    (url, heard)
}

/// Head and body of one request.
fn read_request(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    head + "\n" + &String::from_utf8(body).unwrap()
}

fn body_of(request: &str) -> Value {
    serde_json::from_str(request.split_once("\n\n").or_else(|| request.split_once("\r\n\n")).unwrap().1)
        .unwrap()
}

#[test]
fn r150_a_webhook_that_answers_500_is_tried_again_with_the_same_id() {
    let (url, heard) = server(vec![Answer::Status(500), Answer::Status(200)]);
    let (engine, clock) = builder();
    let engine = engine.sink_to("slack:#eng", Webhook::new(&url).unwrap()).build().unwrap();
    engine.start("lead").unwrap();
    engine.tick();
    clock.advance(Span::seconds(9));
    engine.tick();
    let first = heard.recv().unwrap();
    assert!(heard.try_recv().is_err(), "not before its wait is over");
    clock.advance(Span::seconds(1));
    engine.tick();
    let second = heard.recv().unwrap();
    let (first_body, second_body) = (body_of(&first), body_of(&second));
    assert_eq!((&first_body["id"], &first_body["attempt"]), (&second_body["id"], &1.into()));
    assert_eq!(second_body["attempt"], 2);
    assert_eq!(second_body["message"], "Phase 0: Preparation started. Monitoring closely.");
    let key = format!("idempotency-key: {}", first_body["id"].as_str().unwrap());
    assert!(
        first.to_ascii_lowercase().contains(&key) && first.starts_with("POST /hook/secret-token"),
        "{first}"
    );
    let record = told(&engine).into_iter().find(|record| record.texts("channels") == ["slack:#eng"]).unwrap();
    assert_eq!((&record.0["delivered"], &record.0["attempts"]), (&true.into(), &2.into()));
}

/// A delivery to try a sink with.
fn delivery() -> rollgate::notify::Delivery {
    let taken: Arc<Mutex<Vec<rollgate::notify::Delivery>>> = Arc::default();
    let take = taken.clone();
    let send = move |notice: &rollgate::notify::Delivery| {
        take.lock().map_err(|_| "poisoned")?.push(notice.clone());
        Ok(())
    };
    let engine = builder().0.on_notice(send).build().unwrap();
    engine.start("lead").unwrap();
    engine.tick();
    let taken = taken.lock().unwrap();
    taken[0].clone()
}

#[test]
fn r150_a_webhook_says_why_it_failed_and_never_shows_its_address() {
    let again = |error: Result<(), SendError>| match error.unwrap_err() {
        SendError::Again(why) => why,
        SendError::Never(why) => panic!("{why}"),
    };
    let notice = delivery();
    // Nobody listens: the port was free a moment ago.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/hook/secret-token");
    let why = again(Webhook::new(&url).unwrap().send(&notice));
    assert!(why.contains("127.0.0.1 cannot be reached") && !why.contains("secret"), "{why}");

    let (url, _heard) = server(vec![Answer::Silence, Answer::Silence]);
    let slow = Webhook::new(&url).unwrap().with_timeout(Duration::from_millis(50));
    let why = again(slow.send(&notice));
    assert_eq!(why, "127.0.0.1 gave no answer within 50 ms");

    for status in [301, 307, 400, 401, 404] {
        let (url, _heard) = server(vec![Answer::Status(status)]);
        let outcome = Webhook::new(&url).unwrap().send(&notice);
        assert_eq!(outcome, Err(SendError::Never(format!("127.0.0.1 answered {status}"))));
    }
    for status in [408, 429, 503] {
        let (url, _heard) = server(vec![Answer::Status(status)]);
        assert_eq!(again(Webhook::new(&url).unwrap().send(&notice)), format!("127.0.0.1 answered {status}"));
    }
    for url in ["", "hooks.example.org", "ftp://x/y", "https://"] {
        assert!(Webhook::new(url).is_err(), "{url}");
    }
}

#[test]
fn a_webhook_speaks_to_chat_rooms_in_their_form() {
    let (url, heard) = server(vec![Answer::Status(204)]);
    let hook = Webhook::new(&url).unwrap().with_body(WebhookBody::Text);
    hook.send(&delivery()).unwrap();
    let body = body_of(&heard.recv().unwrap());
    assert_eq!(body, serde_json::json!({ "text": "Phase 0: Preparation started. Monitoring closely." }));
}
