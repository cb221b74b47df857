//! One POST of JSON, for the channels that are HTTP: no redirects, a limit on time and on the
//! answer, and what a status means.

use std::{fmt, time::Duration};

use reqwest::{
    Certificate, Client, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};

use super::SendError;

/// Bytes of an answer that are read; it is only wanted for what it says of an error.
const ANSWER: usize = 4096;
/// Characters of an answer in an error.
const QUOTE: usize = 300;
/// The longest pause that is honoured: whoever asks for more is asked again after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// The pause when a server says "too many" and not for how long.
const USUAL_PAUSE: Duration = Duration::from_secs(30);

/// How a server is reached.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// For each attempt as a whole.
    pub timeout: Duration,
    /// Certificate authorities in DER that are trusted beside the system's.
    pub authorities: Vec<Vec<u8>>,
}

impl From<Duration> for Access {
    fn from(timeout: Duration) -> Self {
        Self { timeout, authorities: Vec::new() }
    }
}

/// Why there is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The address is none.
    #[error("{name}: the address is no http:// or https:// URL with a host")]
    Address {
        /// The channel.
        name: String,
    },
    /// A client cannot be made.
    #[error("{name}: cannot set up HTTP: {reason}")]
    Client {
        /// The channel.
        name: String,
        /// Why not.
        reason: String,
    },
}

/// Where to post. The address may hold a secret, so it is shown as its host alone.
pub struct Target {
    client: Client,
    url: SecretString,
    shown: String,
    timeout: Duration,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("at", &self.shown).finish_non_exhaustive()
    }
}

impl Target {
    /// An address that is posted to, and how it is reached.
    ///
    /// # Errors
    /// [`TargetError`] names the channel; it never shows the address.
    pub fn new(
        name: &str,
        url: &SecretString,
        access: impl Into<Access>,
    ) -> Result<Self, TargetError> {
        let Access { timeout, authorities } = access.into();
        let bad = || TargetError::Address { name: name.to_owned() };
        let parsed = Url::parse(url.expose_secret()).map_err(|_| bad())?;
        let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad());
        }
        let shown = match parsed.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        // A redirect could carry a message, and its signature, to anywhere.
        let mut client = Client::builder()
            .redirect(Policy::none())
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)));
        let cannot = |error: reqwest::Error| TargetError::Client {
            name: name.to_owned(),
            reason: error.without_url().to_string(),
        };
        for authority in &authorities {
            let authority = Certificate::from_der(authority).map_err(cannot)?;
            client = client.add_root_certificate(authority);
        }
        let client = client.build().map_err(cannot)?;
        Ok(Self { client, url: url.clone(), shown, timeout })
    }

    /// Posts a JSON body.
    pub(super) async fn post(&self, headers: HeaderMap, body: String) -> Result<(), Answer> {
        let request = self
            .client
            .post(self.url.expose_secret())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("bootwatch/", env!("CARGO_PKG_VERSION")))
            .headers(headers)
            .body(body);
        // The client's own limit covers the answer as well; this one covers the client.
        let limit = self.timeout + Duration::from_secs(1);
        let attempt = async {
            let response = request.send().await.map_err(|error| self.unreachable(error))?;
            if response.status().is_success() {
                return Ok(());
            }
            Err(self.answer(response).await)
        };
        tokio::time::timeout(limit, attempt)
            .await
            .unwrap_or_else(|_| Err(self.silent(&format!("no answer within {limit:?}"))))
    }

    fn silent(&self, why: &str) -> Answer {
        Answer { status: None, text: format!("{}: {why}", self.shown), pause: None }
    }

    fn unreachable(&self, error: reqwest::Error) -> Answer {
        if error.is_timeout() {
            return self.silent(&format!("no answer within {:?}", self.timeout));
        }
        // The URL is a secret; the cause, such as a certificate that is not trusted, is not.
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        self.silent(&quote(&text))
    }

    async fn answer(&self, mut response: Response) -> Answer {
        let status = response.status();
        let pause = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse::<f64>().ok())
            .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
            .map(|seconds| Duration::from_secs_f64(seconds.min(LONGEST_PAUSE.as_secs_f64())));
        let mut body = Vec::new();
        while body.len() < ANSWER
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk[..chunk.len().min(ANSWER - body.len())]);
        }
        let said = quote(&String::from_utf8_lossy(&body));
        let separator = if said.is_empty() { "" } else { ": " };
        Answer {
            status: Some(status),
            text: format!("{}: {status}{separator}{said}", self.shown),
            pause,
        }
    }
}

fn quote(text: &str) -> String {
    crate::message::plain(text.trim(), QUOTE)
}

/// An answer that is no yes.
#[derive(Debug)]
pub(super) struct Answer {
    /// None when nobody answered.
    pub(super) status: Option<StatusCode>,
    /// What was said, without secrets.
    pub(super) text: String,
    /// How long to wait, when that was said.
    pub(super) pause: Option<Duration>,
}

impl Answer {
    /// What an answer means where nothing else is known of the server. A wrong address or token is
    /// the channel's fault and waits for its owner; what the server says of the body is the
    /// message's.
    pub(super) fn judge(self) -> SendError {
        let Self { status, text, pause } = self;
        let Some(status) = status else { return SendError::Unavailable(text) };
        match status.as_u16() {
            429 => SendError::Throttled { text, pause: pause.unwrap_or(USUAL_PAUSE) },
            503 => match pause {
                Some(pause) => SendError::Throttled { text, pause },
                None => SendError::Unavailable(text),
            },
            300..=399 => SendError::Unavailable(format!(
                "{text} (redirects are not followed: configure the final address)"
            )),
            401 | 403 | 404 | 405 | 407 | 410 => SendError::Unavailable(text),
            408 | 425 => SendError::Later(text),
            400..=499 => SendError::Refused(text),
            // 500 may be about this message; the others are about the server.
            500 => SendError::Later(text),
            _ => SendError::Unavailable(text),
        }
    }
}
