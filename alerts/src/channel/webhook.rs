//! A webhook for programs: JSON, signed as [Standard Webhooks](https://www.standardwebhooks.com)
//! describe it, so that receivers can check it with a library of theirs.
//!
//! | Header | |
//! |---|---|
//! | `webhook-id` | the message's id; the same when it comes twice |
//! | `webhook-timestamp` | seconds since 1970 of this attempt |
//! | `webhook-signature` | `v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body` |
//!
//! The body is an object with `schema_version` 1. `status` is `firing` or `resolved`; `tag` is
//! `info`, `warning`, `critical`, `done` or `test`; `subject`, `headline`, `what`, `cost`, `steps`
//! (`does`, `command`) and `numbers` (`name`, `value`) are texts in the language of `lang`; `by` has
//! the `deadline`, its last `height`, `blocks_left`, the estimated `time` and its error in seconds;
//! `basis` says what it rests on (`chain_id`, `complete_to`, `head_time`, `rule_set`); `incident` has
//! the identity: `fingerprint`, `alert`, `labels`, `window`, `severity`, `opened_height`,
//! `opened_at`, `ending`. New fields may come at any time.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bootwatch_schema::PendingMessage;
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

use super::{Access, Channel, SendError, Target, TargetError};

/// The prefix of a key in Base64.
const ENCODED: &str = "whsec_";

/// A webhook.
pub struct Webhook {
    name: String,
    target: Target,
    key: Option<SecretSlice<u8>>,
    clock: fn() -> Timestamp,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Webhook {
    /// A webhook by its address, and the secret that its receiver checks signatures with: `whsec_`
    /// and Base64, or any text.
    ///
    /// # Errors
    /// [`TargetError`] when it is no address.
    pub fn new(
        name: &str,
        url: &SecretString,
        secret: Option<&SecretString>,
        access: impl Into<Access>,
    ) -> Result<Self, TargetError> {
        let key = secret.map(|secret| {
            let text = secret.expose_secret();
            let decoded =
                text.strip_prefix(ENCODED).and_then(|encoded| STANDARD.decode(encoded).ok());
            SecretSlice::from(decoded.unwrap_or_else(|| text.as_bytes().to_vec()))
        });
        let target = Target::new(name, url, access)?;
        Ok(Self { name: name.to_owned(), target, key, clock: Timestamp::now })
    }

    fn headers(&self, id: &str, body: &str) -> HeaderMap {
        let timestamp = (self.clock)().as_second().to_string();
        let signature = self.key.as_ref().and_then(|key| {
            // HMAC takes keys of any length.
            let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).ok()?;
            mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
            Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        });
        [
            ("webhook-id", Some(id.to_owned())),
            ("webhook-timestamp", Some(timestamp)),
            ("webhook-signature", signature),
        ]
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&value?).ok()?))
        })
        .collect()
    }
}

impl Channel for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, message: &PendingMessage) -> Result<(), SendError> {
        let body = message.message.text.clone();
        let headers = self.headers(&message.message.message_id, &body);
        self.target.post(headers, body).await.map_err(super::http::Answer::judge)
    }
}
