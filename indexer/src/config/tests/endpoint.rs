//! How an endpoint wants to be asked.

use super::*;

fn asked(rpc: &str, more: &str) -> String {
    format!("[chain]\nchain_id = \"c\"\n[[endpoint]]\nrpc = \"{rpc}\"\n{more}\n")
}

#[test]
fn only_public_endpoints_have_a_budget_by_default() {
    let budget = |rpc: &str, more: &str| {
        good(&asked(rpc, more)).endpoints[0].max_requests_per_minute.map_or(0, u32::from)
    };
    for private in [
        "http://node:26657",
        "http://127.0.0.1:1",
        "http://10.1.2.3",
        "http://172.16.0.1",
        "http://192.168.1.1",
        "http://100.64.0.1",
        "http://169.254.1.1",
        "http://[::1]:1",
        "http://[fd00::1]",
        "http://[::ffff:10.0.0.1]",
        "https://node.internal",
        "http://LOCALHOST",
    ] {
        assert_eq!(budget(private, ""), 0, "{private}");
    }
    for public in [
        "https://node3.gonka.ai/chain-rpc/",
        "http://8.8.8.8",
        "http://172.32.0.1",
        "http://100.128.0.1",
        "http://[2001:db8::1]",
        "http://local.example.org",
    ] {
        assert_eq!(budget(public, ""), 15, "{public}");
    }
    assert_eq!(budget("http://node", "max_requests_per_minute = 7"), 7);
    assert_eq!(budget("https://a.b", "max_requests_per_minute = \"90\""), 90);
    assert_eq!(budget("https://a.b", "max_requests_per_minute = 0"), 0, "0 is no limit");
    let wrong =
        |value: &str| problem(&asked("http://a", &format!("max_requests_per_minute = {value}")));
    says(&wrong("-1"), "`max_requests_per_minute` \"-1\" is no whole number");
    says(&wrong("1.5"), "`max_requests_per_minute` of [endpoint] must be a whole number");
    says(&wrong("\"many\""), "is no whole number");
}

#[test]
fn headers_are_checked_and_kept_secret() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("key");
    std::fs::write(&file, "f1le-secret\n").expect("written");
    let more = format!(
        "headers = {{ \"X-Api-Key\" = \"hunter2\" }}\nheader_files = {{ \"x-other\" = {file:?} }}"
    );
    let config = good(&asked("https://a.b/chain-rpc/", &more));
    let headers = &config.endpoints[0].headers;
    assert_eq!(headers["x-api-key"].as_bytes(), b"hunter2");
    assert_eq!(headers["x-other"].as_bytes(), b"f1le-secret");
    let shown = format!("{config:?} {headers:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("f1le"), "{shown}");
    assert!(shown.contains("x-api-key"));

    let wrong = |text: &str| problem(&asked("http://a", text));
    says(&wrong("headers = \"x\""), "`headers` of [endpoint] must be a table of texts");
    says(&wrong("headers = { a = 1 }"), "a table with a number");
    says(&wrong("headers = { \"a b\" = \"c\" }"), "is no name of a header");
    says(&wrong("headers = { Host = \"c\" }"), "the header \"host\" cannot be set");
    says(&wrong("headers = { Sec-WebSocket-Key = \"c\" }"), "cannot be set");
    let message = wrong("headers = { a = \"hunter2\\n\" }");
    says(&message, "must be one line of visible ASCII");
    assert!(!message.contains("hunter2"), "{message}");
    says(&wrong("headers = { a = \"b\", A = \"c\" }"), "a second header \"a\"");
    says(&wrong("header_files = { a = \"/nowhere/x\" }"), "cannot be read: No such file");
    says(
        &problem(&asked("http://u:p@a", "headers = { Authorization = \"b\" }")),
        "exclude each other",
    );
}

#[test]
fn an_authority_must_be_readable_and_of_use() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("ca.pem");
    let with = |rpc: &str| asked(rpc, &format!("ca_file = {file:?}"));
    says(&problem(&with("https://a")), "cannot be read: No such file");
    std::fs::write(&file, "no PEM").expect("written");
    says(&problem(&with("https://a")), "holds no certificate; expected PEM");
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .expect("written");
    says(&problem(&with("https://a")), "holds a certificate that is no good");
    let made = rcgen::generate_simple_self_signed(["a".to_owned()]).expect("a certificate");
    std::fs::write(&file, made.cert.pem()).expect("written");
    assert_eq!(good(&with("https://a")).endpoints[0].authorities.len(), 1);
    says(&problem(&with("http://a")), "of no use without https://");
}

#[test]
fn keys_of_one_endpoint_are_given_by_its_number() {
    let variables = [
        ("BOOTWATCH_ENDPOINT", "a=http://a,b=http://b"),
        ("BOOTWATCH_ENDPOINT_2_MAX_REQUESTS_PER_MINUTE", "5"),
        ("BOOTWATCH_ENDPOINT_2_HEADERS", "x-api-key: hunter2\nx-more: a, b"),
    ];
    let config = parse(SMALL, &variables).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.endpoints[0].max_requests_per_minute, None);
    assert_eq!(config.endpoints[1].max_requests_per_minute.map(u32::from), Some(5));
    assert_eq!(config.endpoints[1].headers["x-more"].as_bytes(), b"a, b");
    let wrong =
        |name: &str, value: &str| parse(SMALL, &[(name, value)]).expect_err("wrong").to_string();
    says(
        &wrong("BOOTWATCH_ENDPOINT_2_CA_FILE", "x"),
        "BOOTWATCH_ENDPOINT_2_CA_FILE: there is no [[endpoint]] 2; there are 1",
    );
    says(&wrong("BOOTWATCH_ENDPOINT_0_CA_FILE", "x"), "there is no [[endpoint]] 0");
    says(&wrong("BOOTWATCH_ENDPOINT_1_HEADERS", "x"), "must be lines of \"name: value\"");
    says(&wrong("BOOTWATCH_ENDPOINT_1_RPC", "x"), "unknown variable");
}
