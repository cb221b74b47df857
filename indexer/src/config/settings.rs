//! The validated configuration.

use std::{
    collections::BTreeSet,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
};

use bootwatch_alerts::{Ladder, Pacing, Policy, Reader, Recipient, Thresholds, Wants};
use bootwatch_rules::{Address, Height, ModelId};
use jiff::civil;
use reqwest::{Url, header::HeaderMap};
use rustls::pki_types::CertificateDer;
use secrecy::SecretString;

/// Everything the daemon is told; valid by construction.
#[derive(Debug, Clone)]
pub struct Config {
    /// The chain to follow.
    pub chain: ChainConfig,
    /// Where blocks come from, in order of preference; at least one.
    pub endpoints: Vec<EndpointConfig>,
    /// The hosts to watch, in the order given; none is the network's view alone.
    pub hosts: Vec<HostConfig>,
    /// Where facts are kept.
    pub store: StoreConfig,
    /// Where metrics, page and API are served.
    pub http: HttpConfig,
    /// Where mails go; none means no mail.
    pub email: Option<EmailConfig>,
    /// Where else messages go; each has a name of its own.
    pub channels: Vec<ChannelConfig>,
    /// What is worth a word, and when.
    pub alerts: AlertsConfig,
    /// Everything but sending: what would be sent is logged, and what was decided is not kept. Of
    /// the command line, never of the file.
    pub dry_run: bool,
}

/// `[alerts]`.
#[derive(Debug, Clone)]
pub struct AlertsConfig {
    /// How early a deadline is spoken of, and how loudly.
    pub ladder: Ladder,
    /// From when on something is worth a word.
    pub thresholds: Thresholds,
    /// How often people are disturbed.
    pub pacing: Pacing,
    /// Alerts that are not watched.
    pub off: BTreeSet<String>,
    /// What is called every minute while all is well.
    pub heartbeat: Option<HeartbeatUrl>,
    /// When the message of every day comes, on the clock of each recipient.
    pub daily: Option<civil::Time>,
}

/// The address of a sign of life. Whoever knows it can pretend to be alive, so it does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct HeartbeatUrl(Url);

impl HeartbeatUrl {
    /// An http or https address; none for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let good = matches!(url.scheme(), "http" | "https") && url.has_host();
        good.then_some(Self(url))
    }

    /// The address itself: for calling, never for showing.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for HeartbeatUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeartbeatUrl(***)")
    }
}

impl Default for AlertsConfig {
    fn default() -> Self {
        let Policy { ladder, thresholds, pacing, off, .. } = Policy::default();
        Self { ladder, thresholds, pacing, off, heartbeat: None, daily: None }
    }
}

impl AlertsConfig {
    /// What the engine decides by, for these recipients; `page` is the page as they reach it.
    #[must_use]
    pub fn policy(&self, recipients: Vec<Recipient>, page: Option<String>) -> Policy {
        let Self { ladder, thresholds, pacing, off, .. } = self.clone();
        Policy { recipients, ladder, thresholds, pacing, off, page }
    }
}

/// `[chain]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainConfig {
    /// The chain's id; an endpoint of any other chain is not used.
    pub chain_id: String,
    /// A rule set to use whatever the node's version is, such as `v0.2.14`.
    pub rule_set: Option<String>,
}

/// `[[endpoint]]`.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointConfig {
    /// Its name in metrics, logs and on the page; unique.
    pub name: String,
    /// The CometBFT RPC.
    pub rpc: RpcUrl,
    /// Requests in any minute; none is no limit.
    pub max_requests_per_minute: Option<NonZeroU32>,
    /// Sent with every request. They may be secrets and do not show.
    pub headers: HeaderMap,
    /// Certificate authorities that are trusted beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
}

impl EndpointConfig {
    /// An endpoint with nothing but a name and an address, asked as often as need be.
    #[must_use]
    pub fn new(name: &str, rpc: RpcUrl) -> Self {
        Self {
            name: name.to_owned(),
            rpc,
            max_requests_per_minute: None,
            headers: HeaderMap::new(),
            authorities: Vec::new(),
        }
    }
}

impl fmt::Debug for EndpointConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("EndpointConfig")
            .field("name", &self.name)
            .field("rpc", &self.rpc)
            .field("max_requests_per_minute", &self.max_requests_per_minute)
            .field("headers", &headers)
            .field("authorities", &self.authorities.len())
            .finish()
    }
}

/// `[[host]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostConfig {
    /// Its name for people; unique.
    pub name: String,
    /// Its address; unique.
    pub address: Address,
    /// Only these models are watched for it; none means every model.
    pub models: Option<Vec<ModelId>>,
}

/// `[store]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The SQLite database.
    pub path: PathBuf,
    /// How far down blocks are kept that lie below the first one followed.
    pub history: History,
}

/// How far history reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum History {
    /// The running epoch, the one before it, and past captures.
    #[default]
    Recent,
    /// As far down as any endpoint has blocks.
    Full,
    /// Down to this height, at least 1, and what [`History::Recent`] is.
    From(Height),
}

/// `[http]`.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The page as people reach it, for links in messages.
    pub public_url: Option<String>,
    /// Whoever holds it may order silences and acknowledgements; nobody without one.
    pub token: Option<SecretString>,
}

/// `[email]`.
#[derive(Debug, Clone)]
pub struct EmailConfig {
    /// The SMTP server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// The sender, `a@b` or `Name <a@b>`.
    pub from: String,
    /// Certificates in PEM that are trusted beside the system's.
    pub extra_roots: Option<Vec<u8>>,
    /// The recipients, at least one.
    pub to: Vec<MailTo>,
    /// The name to log in with; present exactly when `password` is.
    pub username: Option<String>,
    /// The password to log in with.
    pub password: Option<SecretString>,
}

/// A recipient of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTo {
    /// `a@b` or `Name <a@b>`.
    pub mailbox: String,
    /// How they read, and what of.
    pub audience: Audience,
}

/// How somebody reads, and what they want to hear of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audience {
    /// Language and time zone.
    pub reader: Reader,
    /// Severity, hosts and models.
    pub wants: Wants,
}

/// `[[telegram]]`, `[[slack]]`, `[[discord]]`, `[[webhook]]` or `[[alertmanager]]`.
#[derive(Debug, Clone)]
pub struct ChannelConfig {
    /// Its name in messages, metrics and on the command line; unique among all channels.
    pub name: String,
    /// What it is.
    pub kind: ChannelKind,
    /// Who reads there.
    pub audience: Audience,
    /// Certificate authorities that are trusted beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// A channel other than mail.
#[derive(Debug, Clone)]
pub enum ChannelKind {
    /// A bot that writes to a chat.
    Telegram {
        /// The address of the API; Telegram's own by default.
        api: String,
        /// The bot's token.
        token: SecretString,
        /// The chat's id, or `@channel`.
        chat: String,
    },
    /// An incoming webhook of Slack, Mattermost, Rocket.Chat.
    Slack {
        /// Its address.
        url: SecretString,
    },
    /// A webhook of Discord.
    Discord {
        /// Its address.
        url: SecretString,
    },
    /// Our own JSON.
    Webhook {
        /// Its address.
        url: SecretString,
        /// What signatures are made with.
        secret: Option<SecretString>,
    },
    /// Prometheus' Alertmanager.
    Alertmanager {
        /// Its base address.
        url: String,
        /// A bearer token, where a proxy wants one.
        token: Option<SecretString>,
    },
}

/// How an SMTP connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Plain at first, then TLS, or no mail: usually port 587.
    #[default]
    StartTls,
    /// TLS from the first byte: usually port 465.
    Implicit,
    /// Unprotected, said explicitly.
    None,
}

impl TlsMode {
    /// The word for it in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
            Self::None => "none",
        }
    }
}

/// The `http` or `https` address of a CometBFT RPC. It may hold a user and password, so it shows
/// itself without them, in `Debug` as well.
#[derive(Clone, PartialEq, Eq)]
pub struct RpcUrl(Url);

impl RpcUrl {
    /// Takes `http://…` and `https://…` with a host, path allowed (`…/chain-rpc/`).
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, without a password it may hold.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
        match url.scheme() {
            "http" | "https" => {}
            "ws" | "wss" => {
                return Err(format!(
                    "begins with {}://; give the http address, the websocket's is derived from it",
                    url.scheme()
                ));
            }
            "tcp" => return Err("begins with tcp://; write http:// instead".to_owned()),
            other => return Err(format!("begins with {other}:, expected http:// or https://")),
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err("names no host".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("must not have a ? or # part".to_owned());
        }
        Ok(Self(url))
    }

    /// The whole address, password included: for connecting, never for showing.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }

    /// The address for people to use, in commands for instance: without user, password and the
    /// last slash.
    #[must_use]
    pub fn without_credentials(&self) -> String {
        let path = self.0.path().trim_end_matches('/');
        format!("{}://{}{path}", self.0.scheme(), self.authority())
    }

    /// It leads to this machine or its own network: loopback, an address that is not routed on the
    /// internet, or a name that only a local resolver knows (`node`, `node.local`).
    #[must_use]
    pub fn is_private(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(IpAddr::V4(ip)) => is_private_v4(ip),
            Ok(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
                Some(ip) => is_private_v4(ip),
                None => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
            },
            Err(_) => {
                let name = host.trim_end_matches('.');
                let local = [".local", ".localhost", ".internal", ".lan", ".home.arpa"];
                !name.contains('.') || local.iter().any(|end| name.ends_with(end))
            }
        }
    }

    /// `host:port` when the port is not the scheme's own, else `host`: a name for an endpoint that
    /// has none.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

/// Loopback, RFC 1918, link-local, and the shared space of carriers (RFC 6598), which overlay
/// networks use.
fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    ip.is_loopback() || ip.is_private() || ip.is_link_local() || a == 100 && (64..128).contains(&b)
}

impl fmt::Display for RpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.0.scheme())?;
        if !self.0.username().is_empty() || self.0.password().is_some() {
            f.write_str("***@")?;
        }
        write!(f, "{}{}", self.authority(), self.0.path())
    }
}

impl fmt::Debug for RpcUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
