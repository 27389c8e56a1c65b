//! The way of one node to the server, which can be cut, held up, or lose what comes back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Connections are closed, and new ones at once.
    Cut,
    /// Nothing passes until the way is another one; then it all does, however late.
    HeldUp,
    /// What is asked passes, and answers are lost.
    Deaf,
    Gone,
}

struct State {
    way: Way,
    streams: Vec<TcpStream>,
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Proxy {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new((Mutex::new(State { way: Way::Open, streams: Vec::new() }), Condvar::new()));
        let proxy = Self { port, shared: shared.clone() };
        std::thread::spawn(move || {
            for asked in listener.incoming().flatten() {
                let mut state = shared.0.lock().unwrap();
                match state.way {
                    Way::Gone => return,
                    Way::Cut => continue,
                    _ => {}
                }
                let Ok(served) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                asked.set_nodelay(true).unwrap();
                served.set_nodelay(true).unwrap();
                for (from, to, is_answer) in [(&asked, &served, false), (&served, &asked, true)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    state.streams.push(from.try_clone().unwrap());
                    let shared = shared.clone();
                    std::thread::spawn(move || pump(from, to, is_answer, &shared));
                }
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) fn set(&self, way: Way) {
        let mut state = self.shared.0.lock().unwrap();
        state.way = way;
        if matches!(way, Way::Cut | Way::Gone) {
            state.close();
        }
        self.shared.1.notify_all();
    }

    /// Closes what is connected, and is open for what connects next.
    pub(crate) fn break_off(&self) {
        let mut state = self.shared.0.lock().unwrap();
        state.way = Way::Open;
        state.close();
        self.shared.1.notify_all();
    }
}

impl State {
    fn close(&mut self) {
        self.streams.drain(..).for_each(|stream| {
            let _ = stream.shutdown(Shutdown::Both);
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.set(Way::Gone);
        // Wakes the one that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, is_answer: bool, shared: &(Mutex<State>, Condvar)) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        let mut state = shared.0.lock().unwrap();
        while state.way == Way::HeldUp {
            state = shared.1.wait(state).unwrap();
        }
        let way = state.way;
        drop(state);
        match way {
            Way::Cut | Way::Gone => break,
            Way::Deaf if is_answer => {}
            _ if to.write_all(&bytes[..len]).is_err() => break,
            _ => {}
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
