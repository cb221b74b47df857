//! TLS to a node: the system's certificate authorities, and those that the configuration adds.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

/// A client that trusts the system's authorities and the given ones.
///
/// # Errors
/// Why there is nothing to trust, or what is wrong with a given authority.
pub(super) fn client(authorities: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    for authority in authorities {
        roots.add(authority.clone()).map_err(|error| format!("ca_file: {error}"))?;
    }
    if roots.is_empty() {
        let reasons: Vec<_> = system.errors.iter().map(ToString::to_string).collect();
        return Err(format!(
            "the system has no certificate authorities (install ca-certificates, or name a \
             ca_file): {}",
            reasons.join("; ")
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// What to do about a failed handshake, by the library's words; they only choose a hint.
pub(super) fn hint(error: &str) -> &'static str {
    let says = |words: &str| error.contains(words);
    if says("UnknownIssuer") {
        "; nobody whom this system trusts has signed the certificate: name the file of its \
         certificate authority in `ca_file` of this [[endpoint]]"
    } else if says("not valid for name") || says("NotValidForName") {
        "; the certificate is for another name: write the name that it is for into `rpc`"
    } else if says("expired") || says("Expired") {
        "; the certificate has expired: its operator must renew it (or this machine's clock is wrong)"
    } else if says("NotValidYet") || says("not valid yet") {
        "; the certificate is not valid yet: is this machine's clock right?"
    } else if says("InvalidContentType") {
        "; there is no TLS there: write http:// into `rpc`, or another port"
    } else if says("invalid peer certificate") {
        "; the certificate is no good: its operator must repair it"
    } else {
        ""
    }
}
