//! Where a node is reached.

use std::{fmt, num::NonZeroU32, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use rustls::pki_types::CertificateDer;

/// How a node wants to be asked, beside its URL.
#[derive(Clone, Default)]
pub struct Access {
    /// Sent with every request and with the websocket's handshake. They may be secrets.
    pub headers: HeaderMap,
    /// Certificate authorities that are trusted for it beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Requests over HTTP in any minute, handshakes included; none is no limit.
    pub max_requests_per_minute: Option<NonZeroU32>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Access")
            .field("headers", &names)
            .field("authorities", &self.authorities.len())
            .field("max_requests_per_minute", &self.max_requests_per_minute)
            .finish()
    }
}

/// A node's RPC, under a name. Its URL is normalised: it ends in a slash, so that a path such as
/// `/chain-rpc/` can be extended, and it holds no credentials: those travel as a header.
#[derive(Clone)]
pub struct Endpoint {
    name: Arc<str>,
    url: Url,
    access: Access,
}

impl Endpoint {
    /// Takes the `http` or `https` URL of an RPC, with or without path and credentials.
    #[must_use]
    pub fn new(name: &str, rpc: &Url) -> Self {
        let mut access = Access::default();
        if let Some(value) = basic_authorization(rpc) {
            access.headers.insert(AUTHORIZATION, value);
        }
        let mut url = rpc.clone();
        // Both only fail for URLs that cannot have a host, which http and https never are.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Self { name: name.into(), url, access }
    }

    /// Asked in this way; credentials of the URL stay.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        let of_url = self.access.headers.remove(AUTHORIZATION);
        self.access = access;
        if let Some(value) = of_url {
            self.access.headers.insert(AUTHORIZATION, value);
        }
        for value in self.access.headers.values_mut() {
            value.set_sensitive(true);
        }
        self
    }

    /// Its name in the configuration: the only thing of it that is ever shown.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Where JSON-RPC is posted to; without credentials.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where the websocket is; without credentials.
    #[must_use]
    pub fn websocket_url(&self) -> Url {
        let mut url = self.url.clone();
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        // Both schemes are special, so the change is always allowed.
        let _ = url.set_scheme(scheme);
        let path = format!("{}websocket", url.path());
        url.set_path(&path);
        url
    }

    /// How it wants to be asked; its headers hold the credentials that the URL held, too, and are
    /// marked sensitive.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }
}

fn basic_authorization(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let user = percent_decode_str(url.username()).decode_utf8_lossy();
    let password = percent_decode_str(url.password().unwrap_or_default()).decode_utf8_lossy();
    let text = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(rpc: &str) -> Endpoint {
        Endpoint::new("a", &Url::parse(rpc).unwrap())
    }

    #[test]
    fn websocket_url_keeps_the_path() {
        let cases = [
            ("http://127.0.0.1:26657", "ws://127.0.0.1:26657/websocket"),
            ("https://node3.gonka.ai/chain-rpc/", "wss://node3.gonka.ai/chain-rpc/websocket"),
            ("https://node3.gonka.ai/chain-rpc", "wss://node3.gonka.ai/chain-rpc/websocket"),
        ];
        for (rpc, expected) in cases {
            assert_eq!(endpoint(rpc).websocket_url().as_str(), expected);
            assert!(endpoint(rpc).url().path().ends_with('/'));
        }
    }

    #[test]
    fn credentials_leave_the_url_and_are_decoded() {
        let endpoint = endpoint("https://us%40er:p%40ss@host/rpc");
        assert_eq!(endpoint.url().as_str(), "https://host/rpc/");
        assert_eq!(endpoint.websocket_url().as_str(), "wss://host/rpc/websocket");
        let header = &endpoint.access().headers[AUTHORIZATION];
        assert!(header.is_sensitive());
        assert_eq!(header.to_str().unwrap(), format!("Basic {}", STANDARD.encode("us@er:p@ss")));
        assert!(!format!("{endpoint:?}").contains("host"));
    }

    #[test]
    fn headers_join_the_credentials_and_do_not_show() {
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", HeaderValue::from_static("s3cret"));
        let access = Access { headers, ..Access::default() };
        let endpoint = endpoint("https://u:p@host/").with_access(access);
        let headers = &endpoint.access().headers;
        assert_eq!(
            (headers.len(), &headers["x-api-key"]),
            (2, &HeaderValue::from_static("s3cret"))
        );
        assert!(headers.values().all(HeaderValue::is_sensitive));
        let shown = format!("{endpoint:?} {:?}", endpoint.access());
        assert!(shown.contains("x-api-key") && !shown.contains("s3cret"), "{shown}");
    }
}
