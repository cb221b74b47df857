//! Alerts to Prometheus' Alertmanager, `POST /api/v2/alerts`.
//!
//! It forgets an alert that it does not hear of: each one is posted with an end a few minutes
//! ahead, and what still fires is posted again every minute. So a firing alert stays, also through a
//! restart of either side; one that resolved resolves with its message; and when Bootwatch is gone,
//! so are its alerts after those minutes.

use std::time::Duration;

use bootwatch_schema::{NewMessage, PendingMessage};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Access, Channel, SendError, Target, TargetError};

/// How often what stands is posted again.
const AGAIN: Duration = Duration::from_secs(60);
/// How long an alert lives without being posted again: several posts may fail. Alertmanager's own
/// default is five minutes.
const LIFE: SignedDuration = SignedDuration::from_mins(4);

/// An Alertmanager.
#[derive(Debug)]
pub struct Alertmanager {
    name: String,
    target: Target,
    token: Option<SecretString>,
}

impl Alertmanager {
    /// One by its base address, such as `http://alertmanager:9093`, and a bearer token where a
    /// proxy in front of it wants one.
    ///
    /// # Errors
    /// [`TargetError`] when it is no address.
    pub fn new(
        name: &str,
        url: &SecretString,
        token: Option<SecretString>,
        access: impl Into<Access>,
    ) -> Result<Self, TargetError> {
        let url = format!("{}/api/v2/alerts", url.expose_secret().trim_end_matches('/'));
        let target = Target::new(name, &SecretString::from(url), access)?;
        Ok(Self { name: name.to_owned(), target, token })
    }

    async fn post<'m>(
        &self,
        messages: impl Iterator<Item = &'m NewMessage>,
    ) -> Result<(), SendError> {
        let now = Timestamp::now();
        let alerts: Vec<Value> = messages.filter_map(|message| alert(message, now)).collect();
        if alerts.is_empty() {
            return Ok(());
        }
        let mut headers = HeaderMap::new();
        let bearer = |token: &SecretString| {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        if let Some(value) = self.token.as_ref().and_then(bearer) {
            headers.insert(AUTHORIZATION, value);
        }
        let body = Value::Array(alerts).to_string();
        self.target.post(headers, body).await.map_err(super::http::Answer::judge)
    }
}

/// The stored alert with an end. What is no alert was written by nobody.
fn alert(message: &NewMessage, now: Timestamp) -> Option<Value> {
    let mut alert: Value = serde_json::from_str(&message.text).ok()?;
    let object = alert.as_object_mut()?;
    let end = now.checked_add(LIFE).unwrap_or(now);
    object.entry("endsAt").or_insert_with(|| end.to_string().into());
    Some(alert)
}

impl Channel for Alertmanager {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &PendingMessage) -> Result<(), SendError> {
        self.post(std::iter::once(&message.message)).await
    }

    fn refresh(&self) -> Option<Duration> {
        Some(AGAIN)
    }

    async fn remind(&self, standing: &[NewMessage]) -> Result<(), SendError> {
        self.post(standing.iter()).await
    }
}
