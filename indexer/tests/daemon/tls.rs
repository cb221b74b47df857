//! A node behind TLS, a path and a key: `https`, `wss`, `ca_file`, `headers`.

use std::{path::Path, sync::Arc, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{bench::Bench, proxy::Proxy};

const CHAIN: &str = "gonka-devnet";

/// An authority of our own, its certificate written to a file.
fn authority(file: &Path) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(file, issuer.pem()).unwrap();
    issuer
}

/// TLS before a plain server, with a certificate for `name`: gives its address.
async fn tls_before(
    plain: String,
    issuer: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
) -> std::net::SocketAddr {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                // A client that does not trust us ends the handshake.
                let Ok(mut inner) = acceptor.accept(stream).await else { return };
                let mut outer = TcpStream::connect(plain).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_websocket_go_through_tls_with_path_and_headers() {
    let bench = Bench::start(Duration::from_millis(100)).await;
    let folder = tempfile::tempdir().unwrap();
    let (ca, key) = (folder.path().join("ca.pem"), folder.path().join("key"));
    let issuer = authority(&ca);
    std::fs::write(&key, "f1le-s3cret\n").unwrap();
    let proxy = Proxy::start(&bench.node.url()).await;
    let address = tls_before(proxy.address(), &issuer, "localhost").await;
    let url = format!("https://localhost:{}/chain-rpc/", address.port());
    let more = format!(
        "ca_file = {ca:?}\nheaders = {{ x-client = \"bootwatch\" }}\nheader_files = {{ x-api-key = {key:?} }}"
    );
    let config = bench.config_with(CHAIN, &[("tls", url, &more)]);
    assert!(!format!("{config:?}").contains("s3cret"));
    let run = bench.run(config).await;
    let first = run.reaches(1).await.complete_to;
    let situation = run.reaches(first + 10).await;
    assert!(situation.endpoints[0].websocket, "{:?}", situation.endpoints);
    run.stop().await;
    bench.assert_contiguous();
    let asked = proxy.asked();
    let sockets = asked.iter().filter(|asked| asked.path == "/chain-rpc/websocket").count();
    assert!(sockets > 0 && asked.len() > sockets);
    for request in asked {
        assert!(request.path.starts_with("/chain-rpc/"), "{request:?}");
        assert_eq!(request.headers["x-client"], "bootwatch", "{}", request.path);
        assert_eq!(request.headers["x-api-key"], "f1le-s3cret", "{}", request.path);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_trusted_says_what_to_do() {
    let bench = Bench::start(Duration::from_millis(100)).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let issuer = authority(&ca);
    let proxy = Proxy::start(&bench.node.url()).await;
    let of_another = tls_before(proxy.address(), &issuer, "another.example").await;
    let trusted = format!("ca_file = {ca:?}");
    let endpoints = [
        ("good", bench.node.url(), ""),
        ("unknown", format!("https://localhost:{}/", of_another.port()), ""),
        ("misnamed", format!("https://localhost:{}/x", of_another.port()), trusted.as_str()),
        ("plain", bench.node.url().replace("http://", "https://"), ""),
    ];
    let run = bench.run(bench.config_with(CHAIN, &endpoints)).await;
    let height = run.reaches(1).await.complete_to;
    let situation = run.reaches(height + 20).await;
    let reason = |index: usize| situation.endpoints[index].reason.clone().unwrap_or_default();
    assert!(
        reason(1).contains("UnknownIssuer") && reason(1).contains("`ca_file`"),
        "{}",
        reason(1)
    );
    assert!(reason(2).contains("for another name"), "{}", reason(2));
    assert!(reason(3).contains("no TLS there"), "{}", reason(3));
    assert!(proxy.asked().is_empty(), "nothing is sent before the certificate is trusted");
    run.stop().await;
}

// Fails when a channel trusts a certificate that nobody vouches for, or not the one of its `ca_file`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_trusted_by_its_own_authority() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, file) = (folder.path().join("ca.pem"), folder.path().join("bootwatch.toml"));
    let issuer = authority(&ca);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let plain = listener.local_addr().unwrap().to_string();
    let app = axum::Router::new().fallback(|| async { "ok" });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let address = tls_before(plain, &issuer, "localhost").await;
    let try_it = async |more: &str| {
        let text = format!(
            "[chain]\nchain_id = {CHAIN:?}\n[[endpoint]]\nrpc = \"http://127.0.0.1:1\"\n\
             [[webhook]]\nurl = \"https://localhost:{}/\"\n{more}\n",
            address.port()
        );
        std::fs::write(&file, text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bootwatch"));
        command.args(["notify", "test", "--config"]).arg(&file);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = try_it("").await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("certificate"), "{said}");
    let (code, said) = try_it(&format!("ca_file = {ca:?}")).await;
    assert_eq!(code, Some(0), "{said}");
}
