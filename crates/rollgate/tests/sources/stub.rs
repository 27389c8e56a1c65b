//! A server that answers as a test tells it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) what: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    /// The fields of its form.
    pub(crate) form: BTreeMap<String, String>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status and a body.
    Body(u16, String),
    /// These bytes, and the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, and then nothing: the connection stays open.
    Hang(Vec<u8>),
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::Body(200, body.into())
    }
}

type Answerer = Box<dyn FnMut(&Request) -> Reply + Send>;

/// The server. Its thread ends with the test's process.
pub(crate) struct Stub {
    pub(crate) url: String,
    pub(crate) asked: Receiver<Request>,
    answerer: Arc<Mutex<Answerer>>,
    hung: Arc<Mutex<Vec<TcpStream>>>,
}

impl Stub {
    pub(crate) fn new(answerer: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, asked) = channel();
        let answerer: Arc<Mutex<Answerer>> = Arc::new(Mutex::new(Box::new(answerer)));
        let hung: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (own, kept) = (answerer.clone(), hung.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client that gives up is no fault of the server.
                let _ = serve(stream.unwrap(), &own, &kept, &tell);
            }
        });
        Self { url, asked, answerer, hung }
    }

    /// Answers so from now on.
    pub(crate) fn answer(&self, answerer: impl FnMut(&Request) -> Reply + Send + 'static) {
        *self.answerer.lock().unwrap() = Box::new(answerer);
    }

    /// Ends all connections that hang.
    pub(crate) fn let_go(&self) {
        self.hung.lock().unwrap().clear();
    }

    /// Queries so far, and forgets them.
    pub(crate) fn queries(&self) -> Vec<String> {
        self.asked.try_iter().map(|request| request.form["query"].clone()).collect()
    }
}

fn serve(
    mut stream: TcpStream,
    answerer: &Mutex<Answerer>,
    hung: &Mutex<Vec<TcpStream>>,
    tell: &Sender<Request>,
) -> std::io::Result<()> {
    let Some(request) = read(&stream)? else { return Ok(()) };
    let reply = answerer.lock().unwrap()(&request);
    // The test may be over.
    let _ = tell.send(request);
    match reply {
        Reply::Body(status, body) => {
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
        }
        Reply::Bytes(bytes) => stream.write_all(&bytes),
        Reply::Hang(bytes) => {
            stream.write_all(&bytes)?;
            hung.lock().unwrap().push(stream);
            Ok(())
        }
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Option<Request>> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let what = line.rsplit_once(' ').map_or("", |(what, _)| what).to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let fields = String::from_utf8(body).unwrap();
    let fields = fields.split('&').filter_map(|field| field.split_once('='));
    let form = fields.map(|(name, value)| (decoded(name), decoded(value))).collect();
    Ok(Some(Request { what, headers, form }))
}

/// What stands in a field of a form.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}
