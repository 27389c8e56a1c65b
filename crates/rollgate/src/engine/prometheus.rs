//! Queries by HTTP to a Prometheus server, or to one that speaks as it does.

use std::time::{Duration, Instant};

use rollgate_core::compile::AddressError;
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::snapshot::{Prometheus, Secret};
use rollgate_core::time::Timestamp;
use serde_json::Value;

use super::sources::{Answer, Server, Silence};

/// The longest answer that is read. One value takes a few hundred bytes.
const BODY_BYTES_MAX: u64 = 1 << 20;

/// The longest secret.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Of what a server says of an error, this much is shown.
const WORDS_MAX: usize = 200;

/// Asks `/api/v1/query` at this address.
pub(super) fn server(url: &str, prometheus: &Prometheus) -> Result<Server, Error> {
    let url = Prometheus::address(url).map_err(|error| {
        let why = match error {
            AddressError::NoAddress => "a Prometheus server has an address such as http://prometheus:9090",
            AddressError::HoldsSecret => {
                "the address of a Prometheus server has no user or password in it; write `prometheus.username` and `prometheus.secret` into the plan"
            }
        };
        Error::new(ErrorKind::InvalidArgument, why)
    })?;
    let client = Client {
        agent: agent(),
        url: format!("{url}/api/v1/query"),
        timeout: Duration::from_millis(prometheus.timeout.0),
        username: prometheus.username.clone(),
        secret: prometheus.secret.clone(),
    };
    Ok(Box::new(move |promql| client.ask(promql)))
}

struct Client {
    agent: ureq::Agent,
    url: String,
    timeout: Duration,
    username: Option<String>,
    secret: Option<Secret>,
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        // A redirect would take the secret to somebody else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        // No connection is shared with the child of a fork.
        .max_idle_connections(0)
        .user_agent(concat!("rollgate/", env!("CARGO_PKG_VERSION")))
        .build();
    ureq::Agent::new_with_config(config)
}

impl Client {
    fn ask(&self, promql: &str) -> Result<Answer, Silence> {
        let authorization = self.authorization().map_err(Silence::NoValue)?;
        let until = Instant::now() + self.timeout;
        let post = |form: &[(&str, &str)]| self.post(form, authorization.as_deref(), until);
        let found = read(&post(&[("query", promql)])?).map_err(Silence::NoValue)?;
        let evaluated = millis(found.at).ok_or_else(|| Silence::NoValue(NO_TIME.to_owned()))?;
        if !found.is_vector {
            return Ok(Answer { value: found.value, sampled: evaluated, evaluated });
        }
        // An instant query gives a sample as if it were of now for as long as it looks back, five minutes. How old it is
        // must be asked, of the same instant; of what is computed from samples, it says now.
        let dated = format!("timestamp(\n{promql}\n)");
        let dated = read(&post(&[("query", &dated), ("time", &found.at.to_string())])?)
            .map_err(|why| Silence::NoValue(format!("how old the sample is: {why}")))?;
        let sampled = millis(dated.value).ok_or_else(|| Silence::NoValue(NO_TIME.to_owned()))?;
        Ok(Answer { value: found.value, sampled, evaluated })
    }

    fn post(
        &self,
        form: &[(&str, &str)],
        authorization: Option<&str>,
        until: Instant,
    ) -> Result<Vec<u8>, Silence> {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let mut request = self.agent.post(&self.url).config().timeout_global(Some(left)).build();
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        let mut answer = request.send_form(form.iter().copied()).map_err(|error| self.failed(&error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec();
        let body = body.map_err(|error| self.failed(&error))?;
        if status == 200 {
            return Ok(body);
        }
        let words = serde_json::from_slice::<Value>(&body).ok();
        let words = words.as_ref().and_then(|answer| answer["error"].as_str()).unwrap_or("no reason given");
        Err(Silence::NoValue(format!("the server answered {status}: {}", short(words))))
    }

    /// No more of the address is shown than what the plan has anyway.
    fn failed(&self, error: &ureq::Error) -> Silence {
        let why = match error {
            ureq::Error::BodyExceedsLimit(_) => {
                return Silence::NoValue(format!("the answer is longer than {BODY_BYTES_MAX} bytes"));
            }
            ureq::Error::Timeout(_) => format!("no answer within {} ms", self.timeout.as_millis()),
            ureq::Error::HostNotFound => "the server is not found".to_owned(),
            ureq::Error::Io(error) => format!("the server cannot be reached: {error}"),
            ureq::Error::Protocol(why) => format!("the server speaks no HTTP: {why}"),
            error => format!("the server cannot be asked: {error}"),
        };
        Silence::Away(why)
    }

    /// The secret is read each time: whoever keeps it may change it while the program runs.
    fn authorization(&self) -> Result<Option<String>, String> {
        let secret = match &self.secret {
            None => return Ok(None),
            Some(Secret::Env(name)) => std::env::var(name)
                .map_err(|_| format!("the environment variable `{name}` with the secret is not set"))?,
            Some(Secret::File(path)) => {
                secret_of(path).map_err(|error| format!("the file `{path}` with the secret: {error}"))?
            }
        };
        let secret = secret.trim_end_matches(['\n', '\r']);
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err("the secret is empty, or has characters that no header can hold".to_owned());
        }
        Ok(Some(match &self.username {
            Some(user) => format!("Basic {}", base64(format!("{user}:{secret}").as_bytes())),
            None => format!("Bearer {secret}"),
        }))
    }
}

fn secret_of(path: &str) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?.take(SECRET_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

const NO_TIME: &str = "the answer does not say when it is of";

/// Seconds as milliseconds since the epoch.
fn millis(seconds: f64) -> Option<Timestamp> {
    let millis = (seconds * 1e3).round();
    (millis.is_finite() && millis.abs() < 1e15).then_some(Timestamp(millis as i64))
}

/// One value of one instant.
#[derive(Debug, PartialEq)]
struct Found {
    value: f64,
    /// Seconds since the epoch.
    at: f64,
    is_vector: bool,
}

/// Reads an answer; or says why it has no value.
fn read(body: &[u8]) -> Result<Found, String> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|error| format!("the answer is no JSON: {error}"))?;
    if answer["status"] != "success" {
        let words = answer["error"].as_str().unwrap_or("no status that is known");
        return Err(format!("the server refused: {}", short(words)));
    }
    // A part of the data may be missing: a sum of what is left would look good.
    if let Some(warning) = answer["warnings"].as_array().and_then(|warnings| warnings.first()) {
        return Err(format!("the server warns: {}", short(warning.as_str().unwrap_or_default())));
    }
    let data = &answer["data"];
    let (sample, is_vector) = match (data["resultType"].as_str(), &data["result"]) {
        (Some("scalar"), sample) => (sample, false),
        (Some("vector"), Value::Array(series)) => match &series[..] {
            [] => return Err("the query gives no series".to_owned()),
            [series] if series.get("histogram").is_some() => {
                return Err("the query gives a histogram, and one number is needed".to_owned());
            }
            [series] => (&series["value"], true),
            _ => return Err(format!("the query gives {} series, and one is needed", series.len())),
        },
        (Some(other), _) => {
            return Err(format!("the query gives a {}, and one value is needed", short(other)));
        }
        (None, _) => return Err("the answer has no result".to_owned()),
    };
    let (at, text) = match sample.as_array().map(Vec::as_slice) {
        Some([at, Value::String(text)]) => (at.as_f64().ok_or(NO_TIME)?, text),
        _ => return Err("the answer has no value".to_owned()),
    };
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Found { value, at, is_vector }),
        _ => Err(format!("the query gives {}, and that is no number", short(text))),
    }
}

/// A server's words, cut.
fn short(words: &str) -> String {
    let plain = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(WORDS_MAX).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
