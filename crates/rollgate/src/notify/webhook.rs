//! Notices by HTTP.

use std::time::Duration;

use rollgate_core::decide::Delivery;
use rollgate_core::error::{Error, ErrorKind};
use serde_json::json;

use super::{SendError, Sink};

/// What a webhook posts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebhookBody {
    /// The whole notice as a JSON object.
    #[default]
    Notice,
    /// `{"text": …}`, as the incoming webhooks of Slack, Mattermost and others take it.
    Text,
}

/// Posts each notice to one address.
///
/// Its `id` goes with it as `Idempotency-Key`. An answer of 2xx is a delivery; 408, 425, 429, 5xx, a time-out and a
/// connection that fails are tried again; everything else is not, redirects neither. The address is a secret: no error
/// shows more of it than its host.
pub struct Webhook {
    agent: ureq::Agent,
    url: String,
    host: String,
    body: WebhookBody,
    timeout: Duration,
}

/// What a tick waits for an answer, all in all.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Webhook {
    /// A webhook at an `http` or `https` address.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where it is no such address.
    pub fn new(url: impl Into<String>) -> Result<Self, Error> {
        let url = url.into();
        let parsed = url.parse::<ureq::http::Uri>().ok();
        let host = parsed
            .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
            .and_then(|uri| uri.host().map(str::to_owned));
        let Some(host) = host else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a webhook needs an address such as https://hooks.example.org/services/T0/B0/x",
            ));
        };
        Ok(Self { agent: agent(TIMEOUT), url, host, body: WebhookBody::Notice, timeout: TIMEOUT })
    }

    /// Posts this form.
    #[must_use]
    pub fn with_body(mut self, body: WebhookBody) -> Self {
        self.body = body;
        self
    }

    /// Waits no longer than this for an answer, from the look-up of the name on; 5 s unless set.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.agent = agent(timeout);
        self.timeout = timeout;
        self
    }

    fn text(notice: &Delivery) -> String {
        match &notice.subject {
            Some(subject) => format!("*{subject}*\n{}", notice.message),
            None => notice.message.to_string(),
        }
    }

    fn post(&self, notice: &Delivery) -> Result<(), SendError> {
        let body = match self.body {
            WebhookBody::Notice => serde_json::to_string(notice),
            WebhookBody::Text => serde_json::to_string(&json!({ "text": Self::text(notice) })),
        };
        let body = body.map_err(|error| SendError::Never(error.to_string()))?;
        let request = self.agent.post(&self.url).content_type("application/json");
        // What a header cannot hold is left out of it: channels have names of their own kind.
        let id: String = notice.id.as_str().chars().filter(char::is_ascii_graphic).collect();
        let answer = request.header("Idempotency-Key", id).send(body).map_err(|error| self.failed(&error))?;
        let status = answer.status().as_u16();
        match status {
            200..=299 => Ok(()),
            408 | 425 | 429 | 500..=599 => Err(SendError::Again(format!("{} answered {status}", self.host))),
            _ => Err(SendError::Never(format!("{} answered {status}", self.host))),
        }
    }

    fn failed(&self, error: &ureq::Error) -> SendError {
        let why = match error {
            ureq::Error::Timeout(_) => format!("gave no answer within {} ms", self.timeout.as_millis()),
            ureq::Error::HostNotFound => "is not found".to_owned(),
            ureq::Error::Io(error) => format!("cannot be reached: {error}"),
            ureq::Error::Tls(why) => format!("cannot be reached: {why}"),
            ureq::Error::Rustls(why) => format!("cannot be reached: {why}"),
            ureq::Error::Protocol(why) => format!("speaks no HTTP: {why}"),
            // The words of the others may hold the address.
            _ => "cannot be reached".to_owned(),
        };
        SendError::Again(format!("{} {why}", self.host))
    }
}

impl Sink for Webhook {
    fn send(&self, notice: &Delivery) -> Result<(), SendError> {
        self.post(notice)
    }
}

fn agent(timeout: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        // A redirect would take the message, and the secret of the address, to somebody else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("rollgate/", env!("CARGO_PKG_VERSION")))
        .build();
    ureq::Agent::new_with_config(config)
}
