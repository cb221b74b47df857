//! The channels beside mail, and what all of them have: a name, readers, and what they want.

use std::collections::BTreeSet;

use bootwatch_alerts::{Lang, Reader, Wants, channel::telegram};
use bootwatch_schema::Severity;
use jiff::tz::TimeZone;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::{Check, Unique, keys};
use crate::config::{
    document::{Document, Group},
    problem::Place,
    settings::{Audience, ChannelConfig, ChannelKind, HostConfig},
};

const KINDS: [&str; 5] = ["telegram", "slack", "discord", "webhook", "alertmanager"];
/// The words for severities in the file.
pub(super) const SEVERITIES: [(&str, Severity); 3] =
    [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];
/// A name stands in labels and in front of an address.
const NAME_LENGTH: usize = 32;

impl Check<'_> {
    pub(super) fn channels(
        &mut self,
        document: &Document,
        hosts: &[HostConfig],
    ) -> Vec<ChannelConfig> {
        let mut names = Unique::new("channel", "name");
        if let Some(email) = document.single("email") {
            names.insert(self, &email.place, "email", "email");
        }
        let mut channels = Vec::new();
        for kind in KINDS {
            for group in document.groups.get(kind).into_iter().flatten() {
                let name = self.channel_name(group, kind);
                names.insert(self, &group.place, &name, &name);
                let audience = self.audience(group, hosts);
                if let Some(kind) = self.kind(kind, group) {
                    let (key, https) = address(&kind);
                    let authorities = self.authorities(group, key, https);
                    channels.push(ChannelConfig { name, kind, audience, authorities });
                }
            }
        }
        channels
    }

    fn channel_name(&mut self, group: &Group, kind: &str) -> String {
        let Some((place, name)) = self.text(group, "name") else { return kind.to_owned() };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.len() > NAME_LENGTH || !name.chars().all(plain) {
            self.wrong(
                place,
                format!(
                    "`name` {name:?} of a channel must have at most {NAME_LENGTH} letters, digits, \
                     - and _"
                ),
            );
        }
        name.to_owned()
    }

    fn kind(&mut self, kind: &str, group: &Group) -> Option<ChannelKind> {
        Some(match kind {
            "telegram" => {
                let token = self.required_secret(kind, group, "token");
                let chat = self.required(&format!("[{kind}]"), group, "chat");
                let api = match self.text(group, "api") {
                    Some((place, text)) => self.url(place, "api", text)?,
                    None => telegram::API.to_owned(),
                };
                let (place, chat) = chat?;
                if !is_chat(chat) {
                    self.wrong(
                        place,
                        format!(
                            "`chat` {chat:?} is no chat: give its number, such as \
                             \"-1001234567890\", or \"@name\" of a public channel"
                        ),
                    );
                    return None;
                }
                ChannelKind::Telegram { api, token: token?, chat: chat.to_owned() }
            }
            "slack" => ChannelKind::Slack { url: self.secret_url(kind, group)? },
            "discord" => ChannelKind::Discord { url: self.secret_url(kind, group)? },
            "webhook" => ChannelKind::Webhook {
                url: self.secret_url(kind, group)?,
                secret: self.kept_secret(group, "secret"),
            },
            _ => {
                let token = self.kept_secret(group, "token");
                let (place, text) = self.required(&format!("[{kind}]"), group, "url")?;
                ChannelKind::Alertmanager { url: self.url(place, "url", text)?, token }
            }
        })
    }

    fn required_secret(&mut self, kind: &str, group: &Group, key: &str) -> Option<SecretString> {
        let file = format!("{key}_file");
        if !group.settings.contains_key(key) && !group.settings.contains_key(file.as_str()) {
            let variable = super::super::environment::variable(kind, Some(key));
            self.wrong(&group.place, format!("[[{kind}]] needs `{file}` (or set {variable})"));
        }
        self.kept_secret(group, key)
    }

    /// An address that is a secret: whoever knows it may write there.
    fn secret_url(&mut self, kind: &str, group: &Group) -> Option<SecretString> {
        let url = self.required_secret(kind, group, "url")?;
        if !is_http(url.expose_secret().trim()) {
            self.wrong(
                &group.place,
                format!("the address of this [[{kind}]] is no http:// or https:// URL"),
            );
            return None;
        }
        Some(SecretString::from(url.expose_secret().trim()))
    }

    fn url(&mut self, place: &Place, key: &str, text: &str) -> Option<String> {
        if !is_http(text) {
            self.wrong(place, format!("`{key}` is no http:// or https:// URL"));
            return None;
        }
        Some(text.to_owned())
    }

    /// Language, time zone, severity, hosts, models and alerts.
    pub(super) fn audience(&mut self, group: &Group, hosts: &[HostConfig]) -> Audience {
        let lang = match self.text(group, "lang") {
            None => Lang::default(),
            Some((place, text)) => text.parse().unwrap_or_else(|_| {
                let hint = keys::suggestion(text, Lang::ALL.iter().map(|lang| lang.as_str()));
                self.wrong(place, format!("`lang` {text:?} is not spoken here; {hint}"));
                Lang::default()
            }),
        };
        let zone = match self.text(group, "time_zone") {
            None => TimeZone::UTC,
            Some((place, text)) => TimeZone::get(text).unwrap_or_else(|_| {
                self.wrong(
                    place,
                    format!(
                        "`time_zone` {text:?} does not exist; write it as in \"Europe/Berlin\" or \
                         \"Asia/Shanghai\""
                    ),
                );
                TimeZone::UTC
            }),
        };
        let min_severity = match self.text(group, "min_severity") {
            None => Severity::Info,
            Some((place, text)) => {
                let known = SEVERITIES.iter().find(|(word, _)| *word == text);
                if known.is_none() {
                    let hint = keys::suggestion(text, SEVERITIES.iter().map(|(word, _)| *word));
                    self.wrong(place, format!("`min_severity` {text:?} is none; {hint}"));
                }
                known.map_or(Severity::Info, |(_, severity)| *severity)
            }
        };
        let wants = Wants {
            min_severity,
            hosts: self.watched(group, hosts),
            models: group
                .settings
                .get("models")
                .and_then(|setting| Some(self.list(setting, "models")?.into_iter().collect())),
            alerts: group
                .settings
                .contains_key("alerts")
                .then(|| self.alert_list(group, "alerts").into_iter().collect()),
        };
        Audience { reader: Reader { lang, zone }, wants }
    }

    /// Hosts by their names or addresses, as addresses.
    fn watched(&mut self, group: &Group, hosts: &[HostConfig]) -> Option<BTreeSet<String>> {
        let setting = group.settings.get("hosts")?;
        let mut wanted = BTreeSet::new();
        for text in self.list(setting, "hosts")? {
            match hosts.iter().find(|h| h.name == text || h.address.as_str() == text) {
                Some(host) => {
                    wanted.insert(host.address.as_str().to_owned());
                }
                None if hosts.is_empty() => self.wrong(
                    &setting.place,
                    format!("`hosts` names {text:?}, and there is no [[host]] to watch"),
                ),
                None => {
                    let hint = keys::suggestion(&text, hosts.iter().map(|h| h.name.as_str()));
                    self.wrong(
                        &setting.place,
                        format!("`hosts` names {text:?}, which is no [[host]]; {hint}"),
                    );
                }
            }
        }
        Some(wanted)
    }
}

/// A number, negative for groups, or the name of a public channel.
fn is_chat(text: &str) -> bool {
    text.parse::<i64>().is_ok()
        || text.strip_prefix('@').is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}

fn is_http(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
    })
}

/// The key of a channel's address, and whether its server is spoken to by https.
fn address(kind: &ChannelKind) -> (&'static str, bool) {
    let https = |url: &str| url.trim_start().to_ascii_lowercase().starts_with("https:");
    match kind {
        ChannelKind::Telegram { api, .. } => ("api", https(api)),
        ChannelKind::Slack { url } | ChannelKind::Discord { url } => {
            ("url", https(url.expose_secret()))
        }
        ChannelKind::Webhook { url, .. } => ("url", https(url.expose_secret())),
        ChannelKind::Alertmanager { url, .. } => ("url", https(url)),
    }
}
