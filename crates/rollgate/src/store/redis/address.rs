//! Where a store is: the server, and the names of its keys there.

use std::fmt;
use std::time::Duration;

use redis::{Client, ConnectionAddr};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::limits::STORE_NAME_BYTES_MAX;

/// A server, and the keys of one plan on it.
pub(super) struct Address {
    pub(super) client: Client,
    /// How long a connection is waited for, and how long bytes of an answer are.
    pub(super) answer: Duration,
    name: String,
}

/// The keys, in the order in which every script has them.
pub(super) const KEYS: [&str; 9] =
    ["layout", "state", "journal", "watched", "lease", "reports", "reports:last", "windows", "slots"];

impl Address {
    /// Reads a URL and the name of a store.
    ///
    /// What is refused is never quoted: a URL may have a password in it.
    pub(super) fn new(url: &str, name: &str, answer: Duration) -> Result<Self, Error> {
        if answer.is_zero() {
            return Err(Error::new(ErrorKind::InvalidArgument, "no server answers within no time"));
        }
        let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidArgument, why));
        if name.is_empty()
            || name.len() > STORE_NAME_BYTES_MAX
            || name.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '{' | '}'))
        {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format_args!(
                    "the name of a store has 1 to {STORE_NAME_BYTES_MAX} bytes, and no space and no brace: it stands in \
                     every key as rollgate:{{name}}:"
                ),
            ));
        }
        let scheme = url.split_once("://").map(|(scheme, _)| scheme);
        match scheme {
            Some("redis" | "valkey" | "redis+unix" | "valkey+unix" | "unix") => {}
            Some("rediss" | "valkeys") => {
                return refuse(
                    "this store speaks no TLS: let a local proxy (stunnel, an Envoy sidecar) encrypt, and name it with \
                     redis://",
                );
            }
            _ => {
                return refuse("the URL of a Redis server is redis://[user:password@]host[:port][/database]");
            }
        }
        let Ok(client) = Client::open(url) else {
            return refuse(
                "the URL of the Redis server cannot be read: redis://[user:password@]host[:port][/database], where `@`, \
                 `/`, `:`, `#` and `%` of a password are written as %40, %2F, %3A, %23 and %25",
            );
        };
        if let ConnectionAddr::Tcp(host, port) = client.get_connection_info().addr()
            && (host.is_empty() || *port == 0)
        {
            return refuse("the URL of the Redis server names no host, or port 0");
        }
        Ok(Self { client, answer, name: name.to_owned() })
    }

    /// A key of this store. The braces let all of them lie in one slot of a cluster.
    pub(super) fn key(&self, of: impl fmt::Display) -> String {
        format!("rollgate:{{{}}}:{of}", self.name)
    }

    /// All keys, in the order of [`KEYS`].
    pub(super) fn keys(&self) -> [String; 9] {
        KEYS.map(|of| self.key(of))
    }

    /// Where it is published that something was written.
    pub(super) fn channel(&self) -> String {
        self.key("changes")
    }
}

/// Host, port, database and prefix; no user and no password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.client.get_connection_info();
        write!(f, "{}/{} {}", at.addr(), at.redis_settings().db(), self.key("*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_no_password_is_ever_shown() {
        let second = Duration::from_secs(1);
        let address = Address::new("redis://ann:s3cret@127.0.0.1:7/2", "web", second).unwrap();
        assert_eq!(address.to_string(), "127.0.0.1:7/2 rollgate:{web}:*");
        assert_eq!(address.keys()[1], "rollgate:{web}:state");
        for (url, name, says) in [
            ("rediss://:s3cret@host", "web", "no TLS"),
            ("http://:s3cret@host", "web", "redis://[user"),
            ("s3cret", "web", "redis://[user"),
            ("redis://:s3cret@host:99999", "web", "cannot be read"),
            ("redis://:s3cret#@host/0", "web", "cannot be read"),
            ("redis://:s3cret@host/db", "web", "cannot be read"),
            ("redis://:s3cret@host:0", "web", "port 0"),
            ("redis://:s3cret@host", "", "1 to 128 bytes"),
            ("redis://:s3cret@host", "a b", "no space"),
            ("redis://:s3cret@host", "a}b", "no brace"),
        ] {
            let error = Address::new(url, name, second).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{url}");
            let text = error.to_string();
            assert!(text.contains(says) && !text.contains("s3cret"), "{url}: {text}");
        }
    }
}
