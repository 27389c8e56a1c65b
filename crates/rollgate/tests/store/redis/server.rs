//! A Redis server of a test's own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Client, Connection};
use rollgate::store::RedisStore;

use crate::given::Folder;

/// A server on a port of its own, gone with this value, and also when the test's process is killed.
pub(crate) struct Server {
    /// A shell that waits for its input to end and then kills the server.
    keeper: Child,
    pid: String,
    pub(crate) port: u16,
    folder: Folder,
    is_logged: bool,
}

/// A server that keeps nothing on a disk; `None` where Redis is not installed, which CI does not accept.
pub(crate) fn server() -> Option<Server> {
    let is_there = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    if is_there.is_ok_and(|status| status.success()) {
        return Some(Server::start(Folder::new(), false));
    }
    let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "0");
    assert!(!is_ci, "needs redis-server (Debian: apt-get install redis-server)");
    eprintln!("NOT RUN: needs redis-server (Debian: apt-get install redis-server)");
    None
}

/// The same with a log that is on the disk before an answer.
pub(crate) fn server_with_log() -> Option<Server> {
    server().map(|server| {
        drop(server);
        Server::start(Folder::new(), true)
    })
}

impl Server {
    fn start(folder: Folder, is_logged: bool) -> Self {
        // Between looking for a free port and taking it another process may take it.
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let (mut keeper, pid) = spawn(&folder, port, is_logged);
            if is_up(port) {
                return Self { keeper, pid, port, folder, is_logged };
            }
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
        panic!("redis-server does not start: see {}", folder.0.join("log").display());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) fn store(&self, name: &str) -> RedisStore {
        patient(&self.url(), name)
    }

    /// A file beside those of the server.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.0.join(name)
    }

    /// A way to the server beside the store.
    pub(crate) fn raw(&self) -> Connection {
        Client::open(self.url()).unwrap().get_connection().unwrap()
    }

    /// Stops the process where it is, as a host does that swaps.
    pub(crate) fn pause(&self) {
        signal("-STOP", &self.pid);
    }

    pub(crate) fn go_on(&self) {
        signal("-CONT", &self.pid);
    }

    /// Kills the server and starts one on the same port and folder.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let (keeper, pid) = spawn(&self.folder, self.port, self.is_logged);
        (self.keeper, self.pid) = (keeper, pid);
        assert!(is_up(self.port), "it does not start again");
    }

    pub(crate) fn kill(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A store that waits as long as a busy machine may take.
pub(crate) fn patient(url: &str, name: &str) -> RedisStore {
    RedisStore::open_within(url, name, Duration::from_secs(20)).unwrap()
}

fn spawn(folder: &Folder, port: u16, is_logged: bool) -> (Child, String) {
    let log = if is_logged { ["yes", "always"] } else { ["no", "no"] };
    let script = "redis-server \"$@\" >/dev/null 2>&1 & echo $!; cat >/dev/null; kill -9 $!; wait $!";
    let mut keeper = Command::new("sh")
        .args(["-c", script, "sh", "--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
        .args(["--appendonly", log[0], "--appendfsync", log[1], "--loglevel", "warning", "--logfile", "log"])
        .arg("--dir")
        .arg(&folder.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pid = String::new();
    BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut pid).unwrap();
    (keeper, pid.trim().to_owned())
}

/// Waits until the server answers; a busy machine may take its time.
fn is_up(port: u16) -> bool {
    let client = Client::open(format!("redis://127.0.0.1:{port}/0")).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        let connection = client.get_connection_with_timeout(Duration::from_secs(1));
        if connection.is_ok_and(|mut connection| redis::cmd("PING").query::<String>(&mut connection).is_ok())
        {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    false
}

/// Sends a signal to a process.
pub(crate) fn signal(which: &str, pid: &str) {
    assert!(Command::new("kill").args([which, pid]).status().unwrap().success(), "kill {which} {pid}");
}
