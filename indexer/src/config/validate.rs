//! From texts to a [`Config`]: every value is checked, every error kept.

mod alerts;
mod channels;
mod email;
mod endpoint;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use bootwatch_rules::{Address, Height, ModelId, RuleSet};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    document::{Document, Group, Setting, Value},
    keys,
    problem::{Place, Problem},
    settings::{ChainConfig, Config, History, HostConfig, HttpConfig, StoreConfig},
};

/// Account addresses of Gonka.
pub(crate) const ADDRESS_PREFIX: &str = "gonka";
/// Loopback, on a port that none of Gonka's own services or exporters uses.
const DEFAULT_LISTEN: &str = "127.0.0.1:9877";
const DEFAULT_PATH: &str = "bootwatch.db";
/// Names go into labels, logs and mails.
const NAME_LENGTH: usize = 64;
/// Characters of a token: fewer can be guessed.
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 16..=512;

/// The configuration, or none when something it cannot do without is missing or wrong. Problems
/// may be reported beside a configuration; it is good only without any.
pub(super) fn validate(document: &Document, problems: &mut Vec<Problem>) -> Option<Config> {
    let mut check = Check { problems };
    let chain = check.chain(document);
    let endpoints = check.endpoints(document);
    let hosts = check.hosts(document);
    let store = check.store(document);
    let http = check.http(document);
    let alerts = check.alerts(document);
    let email = check.email(document, &hosts);
    let channels = check.channels(document, &hosts);
    Some(Config {
        chain: chain?,
        endpoints,
        hosts,
        store,
        http: http?,
        email,
        channels,
        alerts,
        dry_run: false,
    })
}

struct Check<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn wrong(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push(Problem::new(place.clone(), message));
    }

    /// A text that is there and not empty.
    fn text<'g>(&mut self, group: &'g Group, key: &str) -> Option<(&'g Place, &'g str)> {
        let setting = group.settings.get(key)?;
        match &setting.value {
            Value::Unusable => None,
            Value::Text(text) if text.trim().is_empty() => {
                self.wrong(&setting.place, format!("`{key}` is empty"));
                None
            }
            Value::Text(text) => Some((&setting.place, text)),
            Value::List(_) | Value::Table(_) => {
                self.wrong(&setting.place, format!("`{key}` must be one text, not a list"));
                None
            }
        }
    }

    /// As [`Check::text`], and a problem when it is missing.
    fn required<'g>(
        &mut self,
        section: &str,
        group: &'g Group,
        key: &str,
    ) -> Option<(&'g Place, &'g str)> {
        if !group.settings.contains_key(key) {
            self.wrong(&group.place, format!("[{section}] needs `{key}`"));
        }
        self.text(group, key)
    }

    fn list(&mut self, setting: &Setting, key: &str) -> Option<Vec<String>> {
        let list: Vec<String> = match &setting.value {
            // One text may hold several, as a variable does.
            Value::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
            Value::List(list) => list.clone(),
            Value::Table(_) | Value::Unusable => return None,
        };
        if list.is_empty() || list.iter().any(String::is_empty) {
            self.wrong(&setting.place, format!("`{key}` must not be empty"));
            return None;
        }
        Some(list)
    }

    fn chain(&mut self, document: &Document) -> Option<ChainConfig> {
        let Some(group) = document.single("chain") else {
            self.wrong(
                &Place::Nowhere,
                "[chain] needs `chain_id`, such as \"gonka-mainnet\" (or set BOOTWATCH_CHAIN_CHAIN_ID)",
            );
            return None;
        };
        let rule_set = self.text(group, "rule_set").and_then(|(place, text)| {
            if text.parse::<RuleSet>().is_ok() {
                return Some(text.to_owned());
            }
            let hint = keys::suggestion(text, RuleSet::ALL.iter().map(|set| set.as_str()));
            self.wrong(place, format!("`rule_set` {text:?} does not exist; {hint}"));
            None
        });
        let (place, chain_id) = self.required("chain", group, "chain_id")?;
        // CometBFT's own limit.
        if chain_id.len() > 50 || chain_id.chars().any(|c| c.is_control() || c.is_whitespace()) {
            self.wrong(place, "`chain_id` must have at most 50 characters and no spaces");
            return None;
        }
        Some(ChainConfig { chain_id: chain_id.to_owned(), rule_set })
    }

    fn hosts(&mut self, document: &Document) -> Vec<HostConfig> {
        let mut names = Unique::new("host", "name");
        let mut addresses = Unique::new("host", "address");
        let mut hosts = Vec::new();
        for group in document.groups.get("host").into_iter().flatten() {
            let name = self.name(group);
            let models = group.settings.get("models").and_then(|setting| {
                let list = self.list(setting, "models")?;
                Some(list.into_iter().map(ModelId::from).collect())
            });
            let Some((place, text)) = self.required("[host]", group, "address") else { continue };
            // The chain writes addresses in lower case; bech32 itself allows capitals.
            let address = match Address::parse(&text.to_ascii_lowercase(), ADDRESS_PREFIX) {
                Ok(address) => address,
                Err(error) => {
                    self.wrong(place, address_hint(&error));
                    continue;
                }
            };
            addresses.insert(self, place, address.as_str(), address.as_str());
            let name = name.unwrap_or_else(|| short(&address));
            names.insert(self, &group.place, &name, &name);
            hosts.push(HostConfig { name, address, models });
        }
        hosts
    }

    fn name(&mut self, group: &Group) -> Option<String> {
        let (place, text) = self.text(group, "name")?;
        if text.chars().count() > NAME_LENGTH || text.chars().any(char::is_control) {
            self.wrong(
                place,
                format!("`name` must be one line of at most {NAME_LENGTH} characters"),
            );
            return None;
        }
        Some(text.to_owned())
    }

    fn store(&mut self, document: &Document) -> StoreConfig {
        let path = document.single("store").and_then(|group| self.text(group, "path"));
        let path = PathBuf::from(path.map_or(DEFAULT_PATH, |(_, path)| path));
        let history = document.single("store").and_then(|group| self.text(group, "history"));
        let history = history.map_or(History::default(), |(place, text)| self.history(place, text));
        StoreConfig { path, history }
    }

    fn history(&mut self, place: &Place, text: &str) -> History {
        match text {
            "recent" => return History::Recent,
            "full" => return History::Full,
            _ => {}
        }
        match text.parse::<Height>().ok().filter(|height| *height >= 1) {
            Some(height) => History::From(height),
            None => {
                self.wrong(
                    place,
                    format!(
                        "`history` {text:?} is neither \"recent\", \"full\" nor the height of a block"
                    ),
                );
                History::default()
            }
        }
    }

    fn http(&mut self, document: &Document) -> Option<HttpConfig> {
        let nowhere = Place::Nowhere;
        let (place, text) = document
            .single("http")
            .and_then(|group| self.text(group, "listen"))
            .unwrap_or((&nowhere, DEFAULT_LISTEN));
        let public_url = document.single("http").and_then(|group| self.public_url(group));
        let token = document.single("http").and_then(|group| self.token(group));
        match text.parse::<SocketAddr>() {
            Ok(listen) => Some(HttpConfig { listen, public_url, token }),
            Err(_) => {
                self.wrong(
                    place,
                    format!(
                        "`listen` {text:?} is no address with a port, such as \"{DEFAULT_LISTEN}\" \
                         or \"[::1]:9877\""
                    ),
                );
                None
            }
        }
    }

    /// The token of orders. It is never in a message.
    fn token(&mut self, group: &Group) -> Option<SecretString> {
        let token = self.kept_secret(group, "token")?;
        let text = token.expose_secret();
        if !TOKEN_LENGTH.contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
            let (least, most) = (TOKEN_LENGTH.start(), TOKEN_LENGTH.end());
            self.wrong(
                &group.place,
                format!(
                    "the token of [http] must have {least} to {most} letters, digits or signs and \
                     no spaces; make one with: openssl rand -hex 32"
                ),
            );
            return None;
        }
        Some(token)
    }

    fn public_url(&mut self, group: &Group) -> Option<String> {
        let (place, text) = self.text(group, "public_url")?;
        // It stands in messages: no password, and nothing that a chat would read as markup.
        let good = Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some_and(|host| !host.is_empty())
                && url.username().is_empty()
                && url.password().is_none()
        }) && !text.contains(|c: char| c.is_whitespace() || "<>\"'`()*_|\\".contains(c));
        if !good {
            self.wrong(
                place,
                format!(
                    "`public_url` {text:?} is no plain address of a page, such as \
                     \"https://watch.example.org/\""
                ),
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// A secret: of the environment, or of the file that `key_file` names.
    fn kept_secret(&mut self, group: &Group, key: &str) -> Option<SecretString> {
        // The environment wins over the file, as everywhere.
        if let Some((_, secret)) = self.text(group, key) {
            return Some(SecretString::from(secret));
        }
        let key = format!("{key}_file");
        let (place, path) = self.text(group, &key)?;
        self.secret(place, &key, path).map(SecretString::from)
    }

    /// The content of a file without its last line end, which editors and `echo` add.
    fn secret(&mut self, place: &Place, key: &str, path: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let secret = text.strip_suffix('\n').unwrap_or(&text);
                let secret = secret.strip_suffix('\r').unwrap_or(secret);
                if secret.is_empty() {
                    self.wrong(place, format!("`{key}` {path:?} is empty"));
                    return None;
                }
                Some(secret.to_owned())
            }
            Err(error) => {
                self.wrong(place, format!("`{key}` {path:?} cannot be read: {error}"));
                None
            }
        }
    }
}

/// Values of which each may occur once.
struct Unique {
    section: &'static str,
    key: &'static str,
    seen: BTreeMap<String, Place>,
}

impl Unique {
    fn new(section: &'static str, key: &'static str) -> Self {
        Self { section, key, seen: BTreeMap::new() }
    }

    /// `shown` is the value as it may be shown.
    fn insert(&mut self, check: &mut Check<'_>, place: &Place, value: &str, shown: &str) {
        let Self { section, key, seen } = self;
        if let Some(first) = seen.get(value) {
            check.wrong(
                place,
                format!("a second [[{section}]] with the {key} {shown:?}; the first is at {first}"),
            );
        } else {
            seen.insert(value.to_owned(), place.clone());
        }
    }
}

fn address_hint(error: &bootwatch_rules::AddressError) -> String {
    use bootwatch_rules::AddressError;
    match error {
        AddressError::NotBech32(..) => {
            format!("`address` {error}; copy it again, one letter may be missing")
        }
        AddressError::Prefix { found, .. } if found == "gonkavaloper" => format!(
            "`address` {error}: this is the validator's operator address; give the account's own, \
             which begins with gonka1"
        ),
        AddressError::Prefix { .. } => {
            format!(
                "`address` {error}: it belongs to another chain; a Gonka host begins with gonka1"
            )
        }
    }
}

/// `gonka1abcd…wxyz`, for a host without a name.
fn short(address: &Address) -> String {
    let text = address.as_str();
    match (text.get(..10), text.get(text.len().saturating_sub(4)..)) {
        (Some(head), Some(tail)) => format!("{head}…{tail}"),
        _ => text.to_owned(),
    }
}
