//! The real server, from Debian's package.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use rollgate::core::time::{Span, Timestamp};

use crate::stage::{PLAN, Stage};

/// Longer than a scrape takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many scrapes there may be before something shows.
const SCRAPES: usize = 60;

/// A program with metrics, as a server scrapes it.
struct Target {
    port: u16,
    page: Arc<Mutex<Option<String>>>,
    scraped: Receiver<()>,
}

impl Target {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let page: Arc<Mutex<Option<String>>> = Arc::default();
        let (tell, scraped) = channel();
        let shown = page.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request);
                let page = shown.lock().unwrap().clone();
                let (status, body) = page.map_or(("503 Away", String::new()), |body| ("200 OK", body));
                let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4");
                let length = body.len();
                let _ =
                    write!(stream, "{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                let _ = tell.send(());
            }
        });
        Self { port, page, scraped }
    }

    fn show(&self, page: &str) {
        *self.page.lock().unwrap() = Some(page.to_owned());
    }

    fn fall_silent(&self) {
        *self.page.lock().unwrap() = None;
    }
}

/// The server's process, with a folder of its own; it ends with this.
struct Prometheus {
    process: Child,
    folder: PathBuf,
    url: String,
    target: Target,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Starts one; `None` where it is not installed, which fails where everything has to be there.
fn prometheus(name: &str) -> Option<Prometheus> {
    let target = Target::new();
    let folder = std::env::temp_dir().join(format!("rollgate-prometheus-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let config = folder.join("prometheus.yml");
    let job =
        format!("{{ job_name: queues, static_configs: [ {{ targets: [ '127.0.0.1:{}' ] }} ] }}", target.port);
    let text = format!("global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\nscrape_configs: [ {job} ]\n");
    fs::write(&config, text).unwrap();
    // A port that is free now, and most likely in a moment too.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let process = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address={free}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match process {
        Ok(process) => Some(Prometheus { process, folder, url: format!("http://{free}"), target }),
        Err(error) => {
            let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "0");
            assert!(!is_ci, "needs prometheus, which `apt-get install prometheus` brings: {error}");
            eprintln!("NOT RUN: needs prometheus, which `apt-get install prometheus` brings: {error}");
            None
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(since.as_millis() as i64)
}

impl Prometheus {
    /// Opens a rollout that asks it for this.
    fn stage(&self, promql: &str) -> Stage {
        let plan = PLAN
            .replacen("promql: max(queue_length), every: 10s", &format!("promql: '{promql}', every: 1s"), 1)
            .replacen("evaluate_every: 10s", "evaluate_every: 1s", 1)
            .replacen("duration: 2m", "duration: 10s", 1);
        Stage::open(&plan, &self.url, now())
    }

    /// A scrape, a second of the engine's time, a tick; until what is looked for is there.
    fn until(&self, stage: &Stage, is_there: impl Fn(&Stage) -> bool) {
        for _ in 0..SCRAPES {
            self.scrape();
            // The engine's clock goes on as the world's, and stands still in between.
            let behind = now().since(stage.wall());
            stage.clock.advance(behind.max(Span(1)));
            stage.engine.tick();
            if is_there(stage) {
                return;
            }
        }
        panic!("it is not there after {SCRAPES} scrapes: {:?}, {}", stage.source(), stage.phase());
    }

    fn scrape(&self) {
        self.target.scraped.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn r165_a_gate_passes_on_a_real_servers_values_and_a_trigger_fires_on_them() {
    let Some(server) = prometheus("gate") else { return };
    server.target.show("queue_length{queue=\"a\"} 7\nqueue_length{queue=\"b\"} 12.5\n");
    let stage = server.stage("max(queue_length)");
    server.until(&stage, |stage| stage.phase() == "all");
    assert_eq!((stage.share(), stage.source().value), (100, Some(12.5)));
    server.target.show("queue_length{queue=\"a\"} 7\nqueue_length{queue=\"b\"} 612\n");
    server.until(&stage, |stage| stage.share() == 0);
    assert_eq!(stage.source().value, Some(612.0));
}

#[test]
fn r165_of_a_real_server_too_what_is_no_value_is_no_data() {
    let Some(server) = prometheus("none") else { return };
    let old = now() - Span::minutes(2);
    server
        .target
        .show(&format!("queue_length{{queue=\"a\"}} 7\nqueue_length{{queue=\"b\"}} 12\nold 5 {}\n", old.0));
    for (promql, says) in [
        ("queue_length", "2 series"),
        ("queue_size", "no series"),
        ("max(queue_length) / 0", "+Inf"),
        ("scalar(queue_size)", "NaN"),
        ("max(queue_length", "answered 400"),
        ("max_over_time(queue_length)", "answered 400"),
        ("queue_length[1m]", "gives a matrix"),
        ("\"5\"", "gives a string"),
        // The server gives it as if it were of now, for five minutes.
        ("old", "old, and 1m is allowed"),
    ] {
        let stage = server.stage(promql);
        let says_so = |stage: &Stage| stage.source().error.is_some_and(|why| why.contains(says));
        server.until(&stage, says_so);
        stage.pass(Span::seconds(30));
        assert_eq!((stage.phase().as_str(), stage.recorded()), ("some", 0), "{promql}: {:?}", stage.source());
    }
    // The last of them, where nobody asks for its age.
    let stage = server.stage("max(old)");
    server.until(&stage, |stage| stage.source().value == Some(5.0));
}

#[test]
fn r165_a_target_that_is_gone_is_silence() {
    let Some(server) = prometheus("gone") else { return };
    server.target.show("queue_length 7\n");
    let stage = server.stage("queue_length");
    server.until(&stage, |stage| stage.source().value == Some(7.0));
    server.target.fall_silent();
    server.until(&stage, |stage| stage.source().error.is_some());
    assert!(stage.source().error.unwrap().contains("no series"));
}
