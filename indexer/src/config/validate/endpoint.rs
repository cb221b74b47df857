//! `[[endpoint]]`: where a node is, and how it wants to be asked.

use std::{num::NonZeroU32, path::Path};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{Check, Unique};
use crate::config::{
    document::{Document, Group, Value},
    problem::Place,
    settings::{EndpointConfig, RpcUrl},
};

/// Proxies of Gonka hosts allow 20 requests a minute from one address, shared with whatever else
/// asks from there.
const PUBLIC_REQUESTS: Option<NonZeroU32> = NonZeroU32::new(15);
/// What HTTP itself and the websocket's handshake are made of.
const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Check<'_> {
    pub(super) fn endpoints(&mut self, document: &Document) -> Vec<EndpointConfig> {
        let mut names = Unique::new("endpoint", "name");
        let mut urls = Unique::new("endpoint", "rpc");
        if !document.groups.contains_key("endpoint") {
            self.wrong(
                &Place::Nowhere,
                "no [[endpoint]]; one `rpc` address of a Gonka node is enough, such as \
                 \"http://node:26657\" (or set BOOTWATCH_ENDPOINT)",
            );
        }
        let mut endpoints = Vec::new();
        for group in document.groups.get("endpoint").into_iter().flatten() {
            let name = self.name(group);
            let Some((place, text)) = self.required("[endpoint]", group, "rpc") else { continue };
            let rpc = match RpcUrl::parse(text) {
                Ok(rpc) => rpc,
                Err(reason) => {
                    self.wrong(place, format!("`rpc` {reason}"));
                    continue;
                }
            };
            urls.insert(self, place, rpc.expose().as_str(), &rpc.to_string());
            let name = name.unwrap_or_else(|| rpc.authority());
            names.insert(self, &group.place, &name, &name);
            endpoints.push(EndpointConfig {
                name,
                max_requests_per_minute: self.requests(group, &rpc),
                headers: self.headers(group, &rpc),
                authorities: self.authorities(group, "rpc", rpc.expose().scheme() == "https"),
                rpc,
            });
        }
        endpoints
    }

    fn requests(&mut self, group: &Group, rpc: &RpcUrl) -> Option<NonZeroU32> {
        let default = if rpc.is_private() { None } else { PUBLIC_REQUESTS };
        let Some((place, text)) = self.text(group, "max_requests_per_minute") else {
            return default;
        };
        match text.trim().parse() {
            Ok(requests) => NonZeroU32::new(requests),
            Err(_) => {
                self.wrong(
                    place,
                    format!("`max_requests_per_minute` {text:?} is no whole number; 0 is no limit"),
                );
                default
            }
        }
    }

    fn headers(&mut self, group: &Group, rpc: &RpcUrl) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for key in ["headers", "header_files"] {
            let Some(setting) = group.settings.get(key) else { continue };
            let Value::Table(table) = &setting.value else { continue };
            for (name, place, text) in table {
                let Some(name) = self.header_name(place, name) else { continue };
                let text = match key {
                    "headers" => Some(text.clone()),
                    _ => self.secret(place, key, text),
                };
                let Some(text) = text else { continue };
                if headers.contains_key(&name) {
                    self.wrong(place, format!("a second header {:?}", name.as_str()));
                    continue;
                }
                let has_user = !rpc.expose().username().is_empty();
                if name == AUTHORIZATION && (has_user || rpc.expose().password().is_some()) {
                    self.wrong(
                        place,
                        "the header \"authorization\" and a user in `rpc` exclude each other",
                    );
                    continue;
                }
                // Its value may be a secret: never in the message.
                let visible = text.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b));
                match HeaderValue::from_str(&text) {
                    Ok(mut value) if visible => {
                        value.set_sensitive(true);
                        headers.insert(name, value);
                    }
                    _ => self.wrong(
                        place,
                        format!(
                            "the value of the header {:?} must be one line of visible ASCII",
                            name.as_str()
                        ),
                    ),
                }
            }
        }
        headers
    }

    fn header_name(&mut self, place: &Place, text: &str) -> Option<HeaderName> {
        let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
            self.wrong(place, format!("{:?} is no name of a header", text.escape_debug()));
            return None;
        };
        if OWN_HEADERS.contains(&name.as_str()) || name.as_str().starts_with("sec-websocket-") {
            self.wrong(place, format!("the header {:?} cannot be set", name.as_str()));
            return None;
        }
        Some(name)
    }

    /// `address` is the key whose server they are for, and `https` how it is spoken to.
    pub(super) fn authorities(
        &mut self,
        group: &Group,
        address: &str,
        https: bool,
    ) -> Vec<CertificateDer<'static>> {
        let Some((place, path)) = self.text(group, "ca_file") else { return Vec::new() };
        if !https {
            self.wrong(place, format!("`ca_file` is of no use without https:// in `{address}`"));
            return Vec::new();
        }
        match read_authorities(Path::new(path)) {
            Ok(authorities) => authorities,
            Err(reason) => {
                self.wrong(place, format!("`ca_file` {path:?} {reason}"));
                Vec::new()
            }
        }
    }
}

fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let authorities: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("is no PEM file: {error}"))?;
    if authorities.is_empty() {
        return Err(
            "holds no certificate; expected PEM, which begins with -----BEGIN CERTIFICATE-----"
                .to_owned(),
        );
    }
    let mut store = RootCertStore::empty();
    for authority in &authorities {
        store
            .add(authority.clone())
            .map_err(|error| format!("holds a certificate that is no good: {error}"))?;
    }
    Ok(authorities)
}
