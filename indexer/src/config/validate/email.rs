//! `[email]`: a server, a sender, and who gets mail.

use bootwatch_alerts::channel::email;

use super::{Check, keys};
use crate::config::{
    document::{Document, Group},
    problem::Place,
    settings::{EmailConfig, HostConfig, MailTo, TlsMode},
};

const TLS_MODES: &[TlsMode] = &[TlsMode::StartTls, TlsMode::Implicit, TlsMode::None];

impl Check<'_> {
    /// `[email]` and the `[[recipient]]`s of it.
    pub(super) fn email(
        &mut self,
        document: &Document,
        hosts: &[HostConfig],
    ) -> Option<EmailConfig> {
        let others: &[Group] = document.groups.get("recipient").map_or(&[], Vec::as_slice);
        let Some(group) = document.single("email") else {
            if let Some(group) = others.first() {
                self.wrong(&group.place, "a [[recipient]] needs an [email] to be sent from");
            }
            return None;
        };
        let server = self.required("email", group, "smtp").and_then(|(place, text)| {
            let server = host_and_port(text);
            if server.is_none() {
                self.wrong(
                    place,
                    format!(
                        "`smtp` {text:?} is not \"host:port\", such as \"mail.example.org:587\""
                    ),
                );
            }
            server
        });
        let tls = match self.text(group, "tls") {
            None => Some(TlsMode::default()),
            Some((place, text)) => {
                let mode = TLS_MODES.iter().copied().find(|mode| mode.as_str() == text);
                if mode.is_none() {
                    let hint = keys::suggestion(text, TLS_MODES.iter().map(|mode| mode.as_str()));
                    self.wrong(place, format!("`tls` {text:?} is no way to protect mail; {hint}"));
                }
                mode
            }
        };
        let from = self
            .required("email", group, "from")
            .and_then(|(place, text)| self.mailbox(place, "from", text).then(|| text.to_owned()));
        let to = self.mail_to(group, others, hosts);
        let extra_roots = self.extra_roots(group);
        let username = self.text(group, "username");
        let password = self.kept_secret(group, "password");
        match (&username, &password) {
            (Some((place, _)), None) if !group.settings.contains_key("password_file") => {
                self.wrong(
                    place,
                    "`username` without a password: name a `password_file` or set \
                     BOOTWATCH_EMAIL_PASSWORD",
                );
            }
            (None, Some(_)) => self.wrong(&group.place, "[email] has a password and no `username`"),
            _ => {}
        }
        let (host, port) = server?;
        let username = username.map(|(_, name)| name.to_owned());
        Some(EmailConfig {
            host,
            port,
            tls: tls?,
            from: from?,
            extra_roots,
            to,
            username,
            password,
        })
    }

    /// Those of `to`, all alike, and each [[recipient]] in its own way.
    fn mail_to(&mut self, email: &Group, others: &[Group], hosts: &[HostConfig]) -> Vec<MailTo> {
        let mut all = Vec::new();
        let audience = self.audience(email, hosts);
        match email.settings.get("to") {
            None if others.is_empty() => self.wrong(&email.place, "[email] needs `to`"),
            None => {}
            Some(setting) => {
                for mailbox in self.list(setting, "to").unwrap_or_default() {
                    if self.mailbox(&setting.place, "to", &mailbox) {
                        all.push(MailTo { mailbox, audience: audience.clone() });
                    }
                }
            }
        }
        for group in others {
            let audience = self.audience(group, hosts);
            if let Some((place, mailbox)) = self.required("[recipient]", group, "to")
                && self.mailbox(place, "to", mailbox)
            {
                let known = all.iter().any(|known: &MailTo| {
                    email::address(&known.mailbox) == email::address(mailbox)
                });
                if known {
                    self.wrong(place, format!("`to` {mailbox:?} gets every mail already"));
                } else {
                    all.push(MailTo { mailbox: mailbox.to_owned(), audience });
                }
            }
        }
        all
    }

    fn extra_roots(&mut self, group: &Group) -> Option<Vec<u8>> {
        let (place, path) = self.text(group, "ca_file")?;
        match std::fs::read(path) {
            Ok(pem) if pem.windows(11).any(|bytes| bytes == b"-----BEGIN ") => Some(pem),
            Ok(_) => {
                self.wrong(place, format!("`ca_file` {path:?} holds no certificate in PEM"));
                None
            }
            Err(error) => {
                self.wrong(place, format!("`ca_file` {path:?} cannot be read: {error}"));
                None
            }
        }
    }

    fn mailbox(&mut self, place: &Place, key: &str, text: &str) -> bool {
        let good = is_mailbox(text);
        if !good {
            self.wrong(
                place,
                format!("`{key}` {text:?} is no mail address, such as \"me@example.org\""),
            );
        }
        good
    }
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let good = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/@".contains(c));
    let port = port.parse().ok().filter(|port| *port != 0)?;
    good.then(|| (host.to_owned(), port))
}

/// `a@b` or `Name <a@b>`, loosely: the mail library has the last word.
fn is_mailbox(text: &str) -> bool {
    if text.chars().any(char::is_control) {
        return false;
    }
    let address = match text.split_once('<') {
        Some((_, rest)) => match rest.strip_suffix('>') {
            Some(address) => address,
            None => return false,
        },
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "<>,".contains(c))
    };
    plain(local) && plain(domain)
}
