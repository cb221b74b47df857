//! A message as a mail: headers for people, threads and machines, and two forms of the body.

use std::time::{Duration, SystemTime};

use bootwatch_schema::NewMessage;
use lettre::{
    Address, Message,
    address::AddressError,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};

/// A mail, ready for the wire.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) bytes: Vec<u8>,
}

/// Why there is no mail.
#[derive(Debug, thiserror::Error)]
pub(super) enum ComposeError {
    #[error("{address:?} is not a mail address: {error}")]
    Recipient { address: String, error: AddressError },
    #[error("cannot write the mail: {0}")]
    Write(#[from] lettre::error::Error),
}

/// Writes a message as a mail. The configured recipients lend their display names.
pub(super) fn mail(
    message: &NewMessage,
    from: &Mailbox,
    known: &[Mailbox],
) -> Result<Composed, ComposeError> {
    let address: Address = message
        .recipient
        .parse()
        .map_err(|error| ComposeError::Recipient { address: message.recipient.clone(), error })?;
    let to = known
        .iter()
        .find(|mailbox| mailbox.email == address)
        .cloned()
        .unwrap_or_else(|| Mailbox::new(None, address.clone()));
    let domain = from.email.domain();
    // The thread of an incident hangs on an id that no mail has: whichever of its mails come, they
    // belong together.
    let thread = format!("<{}.incident@{domain}>", message.incident);
    let builder = Message::builder()
        .from(from.clone())
        .to(to)
        .subject(message.subject.as_str())
        .date(date(message))
        .message_id(Some(format!("<{}@{domain}>", message.message_id)))
        .in_reply_to(thread.clone())
        .references(thread)
        .header(AutoSubmitted)
        .header(IncidentId(message.incident.clone()));
    let mail = match &message.html {
        Some(html) => builder
            .multipart(MultiPart::alternative_plain_html(message.text.clone(), html.clone()))?,
        None => builder.body(message.text.clone())?,
    };
    Ok(Composed { from: from.email.clone(), to: address, bytes: mail.formatted() })
}

/// When it was decided: a mail that comes late must not look fresh.
fn date(message: &NewMessage) -> SystemTime {
    let seconds = u64::try_from(message.created_at.as_second()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// RFC 3834: no person wrote this, so no machine shall answer it.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The incident's fingerprint, for filters.
#[derive(Clone)]
struct IncidentId(String);

impl Header for IncidentId {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Bootwatch-Incident")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}
