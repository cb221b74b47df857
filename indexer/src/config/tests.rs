//! Every error a configuration can have, by the sentence that its writer reads.

use std::fmt::Write as _;

use secrecy::ExposeSecret;

use super::{
    environment::known,
    keys::{AUDIENCE, SECTIONS, Times},
    *,
};

mod endpoint;

const A: &str = "gonka1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnnrkykm";
const B: &str = "gonka1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc50htqp7";
const SMALL: &str =
    "[chain]\nchain_id = \"gonka-mainnet\"\n[[endpoint]]\nrpc = \"http://node:26657\"\n";

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::parse("b.toml", text, &environment)
}

fn good(text: &str) -> Config {
    parse(text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// The only problem of a text.
fn problem(text: &str) -> String {
    let error = parse(text, &[]).expect_err("this text is wrong");
    assert_eq!(error.problems.len(), 1, "{error}");
    error.to_string()
}

/// The only problem of a good file with something added.
fn added(text: &str) -> String {
    problem(&format!("{SMALL}{text}"))
}

/// `sentence` must be said; the rest of the message may change.
fn says(message: &str, sentence: &str) {
    assert!(message.contains(sentence), "{message:?} does not say {sentence:?}");
}

#[test]
fn one_chain_and_one_url_are_enough() {
    let config = good(SMALL);
    assert_eq!(config.chain.chain_id, "gonka-mainnet");
    assert_eq!(config.endpoints.len(), 1);
    assert_eq!(config.endpoints[0].name, "node:26657");
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:9877");
    assert!(config.hosts.is_empty() && config.email.is_none());
}

#[test]
fn everything_can_be_said_without_a_file() {
    let variables = [
        ("BOOTWATCH_CHAIN_CHAIN_ID", "gonka-mainnet"),
        ("BOOTWATCH_CHAIN_RULE_SET", "v0.2.14"),
        ("BOOTWATCH_ENDPOINT", "a=http://a:26657, https://b.example/chain-rpc/?"),
        ("BOOTWATCH_HOST", &format!("rack={A}, {B}")),
        ("BOOTWATCH_STORE_PATH", "/var/lib/x.db"),
        ("BOOTWATCH_HTTP_LISTEN", "[::1]:1234"),
        ("BOOTWATCH_EMAIL_SMTP", "mail:25"),
        ("BOOTWATCH_EMAIL_TLS", "none"),
        ("BOOTWATCH_EMAIL_FROM", "Watch <w@x.org>"),
        ("BOOTWATCH_EMAIL_TO", "a@x.org, b@x.org"),
        ("BOOTWATCH_EMAIL_USERNAME", "u"),
        ("BOOTWATCH_EMAIL_PASSWORD", "s3cret"),
        // Passed by compose files, unset by their users.
        ("BOOTWATCH_EMAIL_PASSWORD_FILE", ""),
    ];
    let environment = |change: &str| {
        variables.iter().map(|(n, v)| ((*n).into(), v.replace('?', change))).collect()
    };
    let config = Config::load(None, &environment("")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.chain.rule_set.as_deref(), Some("v0.2.14"));
    let names: Vec<_> = config.endpoints.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["a", "b.example"]);
    assert_eq!(config.hosts[0].name, "rack");
    assert_eq!(config.hosts[1].name, "gonka1qypq…tqp7");
    let email = config.email.expect("mail is configured");
    assert_eq!((email.host.as_str(), email.port, email.tls), ("mail", 25, TlsMode::None));
    let to: Vec<_> = email.to.iter().map(|to| to.mailbox.as_str()).collect();
    assert_eq!(to, ["a@x.org", "b@x.org"]);
    assert_eq!(email.password.expect("a password").expose_secret(), "s3cret");

    let error = Config::load(None, &environment("?")).expect_err("a query in a URL");
    says(&error.to_string(), "BOOTWATCH_ENDPOINT: `rpc` must not have a ? or # part");
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = format!("{SMALL}[http]\nlisten = \"127.0.0.1:1\"\n");
    let variables = [("BOOTWATCH_HTTP_LISTEN", "127.0.0.1:2"), ("BOOTWATCH_ENDPOINT", "http://z")];
    let config = parse(&text, &variables).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.endpoints.len(), 1);
    assert_eq!(config.endpoints[0].name, "z");
}

#[test]
fn unknown_variables_are_refused_with_the_nearest() {
    let error = parse(SMALL, &[("BOOTWATCH_HTTP_LISTN", "x")]).expect_err("unknown");
    says(
        &error.to_string(),
        "BOOTWATCH_HTTP_LISTN: unknown variable; did you mean `BOOTWATCH_HTTP_LISTEN`?",
    );
    // Variables of the command line and of the log are no configuration.
    for name in ["BOOTWATCH_CONFIG", "BOOTWATCH_LOG", "BOOTWATCH_LOG_FORMAT"] {
        assert!(parse(SMALL, &[(name, "x")]).is_ok(), "{name}");
    }
}

#[test]
fn nothing_at_all_names_what_is_needed() {
    let error = Config::load(None, &Environment::new()).expect_err("nothing");
    says(&error.to_string(), "[chain] needs `chain_id`");
    says(&error.to_string(), "no [[endpoint]]");
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load(Some(Path::new("/nowhere/b.toml")), &Environment::new())
        .expect_err("no such file");
    says(&error.to_string(), "/nowhere/b.toml: cannot be read: No such file");
}

#[test]
fn unknown_names_have_a_place_and_a_suggestion() {
    says(
        &added("[htp]\nlisten = \"x\"\n"),
        "b.toml:5:2: unknown section `htp`; did you mean `http`?",
    );
    says(
        &added("[http]\n  lisen = \"x\"\n"),
        "b.toml:6:3: unknown key `lisen` in [http]; did you mean `listen`?",
    );
    says(&added("[http]\nzzz = 1\n"), "unknown key `zzz` in [http]; known are `listen`");
    says(&added("[\"a\\u001b[2J\"]\n"), "unknown section `a\\u{1b}[2J`");
}

#[test]
fn a_password_in_the_file_is_refused_with_the_way_out() {
    let message =
        added("[email]\nsmtp = \"m:25\"\nfrom = \"a@b\"\nto = [\"a@b\"]\npassword = \"hunter2\"\n");
    says(&message, "name that in `password_file`, or set BOOTWATCH_EMAIL_PASSWORD");
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn wrong_kinds_are_named() {
    says(
        &added("[http]\nlisten = 9877\n"),
        "`listen` of [http] must be a text in quotes, not a number",
    );
    says(&added("[http]\nlisten = [\"a\"]\n"), "`listen` must be one text, not a list");
    says(
        &added("[email]\nto = [1]\nsmtp = \"m:25\"\nfrom = \"a@b\"\n"),
        "not a list with a number",
    );
    says(&added("[[http]]\nlisten = \"x\"\n"), "`http` must be written as `[http]`");
    says(&added("[host]\naddress = \"x\"\n"), "`host` must be written as `[[host]]`");
}

#[test]
fn syntax_errors_have_a_place() {
    says(&added("[http\n"), "b.toml:5:");
    says(&added("listen =\n"), "b.toml:5:");
}

#[test]
fn endpoints_are_http_and_unique() {
    let endpoint = |rpc: &str| added(&format!("[[endpoint]]\nname = \"x\"\nrpc = \"{rpc}\"\n"));
    says(&endpoint("ws://node:26657/websocket"), "give the http address");
    says(&endpoint("tcp://node:26657"), "write http:// instead");
    says(&endpoint("node:26657"), "expected http:// or https://");
    says(&endpoint("http://"), "is no URL");
    says(
        &endpoint("http://node:26657"),
        "a second [[endpoint]] with the rpc \"http://node:26657/\"",
    );
    says(&added("[[endpoint]]\nname = \"x\"\n"), "[[endpoint]] needs `rpc`");
    says(
        &added("[[endpoint]]\nname = \"node:26657\"\nrpc = \"http://other\"\n"),
        "a second [[endpoint]] with the name \"node:26657\"",
    );
    says(&added("[[endpoint]]\nname = \" \"\nrpc = \"http://other\"\n"), "`name` is empty");
    says(&added("[[endpoint]]\nname = \"a\\nb\"\nrpc = \"http://other\"\n"), "one line");
}

#[test]
fn passwords_in_urls_are_not_shown() {
    let config = good(&SMALL.replace("http://node", "http://me:hunter2@node"));
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.endpoints[0].rpc.to_string(), "http://***@node:26657/");
    assert_eq!(config.endpoints[0].rpc.expose().password(), Some("hunter2"));
    let twice = "[[endpoint]]\nname = \"x\"\nrpc = \"http://me:hunter2@node:26657\"\n";
    let message =
        problem(&format!("{}{twice}", SMALL.replace("http://node", "http://me:hunter2@node")));
    assert!(!message.contains("hunter2"), "{message}");
}

#[test]
fn hosts_are_addresses_of_this_chain_and_unique() {
    let host = |address: &str| added(&format!("[[host]]\nname = \"x\"\naddress = \"{address}\"\n"));
    says(&host("gonka1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnnrkykn"), "is not a bech32 address");
    says(&host("cosmos1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnrk363e"), "it belongs to another chain");
    says(
        &host("gonkavaloper1qqqsyqcyq5rqwzqfpg9scrgwpugpzysn0r8rpk"),
        "the validator's operator address",
    );
    says(&added("[[host]]\nname = \"x\"\n"), "[[host]] needs `address`");
    let two = |second: &str| {
        added(&format!("[[host]]\nname = \"x\"\naddress = \"{A}\"\n[[host]]\n{second}\n"))
    };
    says(&two(&format!("name = \"y\"\naddress = \"{A}\"")), "a second [[host]] with the address");
    says(&two(&format!("name = \"x\"\naddress = \"{B}\"")), "the first is at b.toml:5:");
    let text = format!("{SMALL}[[host]]\naddress = \"{A}\"\nmodels = [\"m\"]\n");
    assert_eq!(good(&text).hosts[0].models, Some(vec!["m".into()]));
    says(
        &added(&format!("[[host]]\naddress = \"{A}\"\nmodels = []\n")),
        "`models` must not be empty",
    );
}

#[test]
fn the_rest_is_checked_too() {
    says(&problem(&SMALL.replace("gonka-mainnet", "a b")), "no spaces");
    says(&problem(&SMALL.replace("gonka-mainnet", "")), "`chain_id` is empty");
    says(
        &problem(&SMALL.replace("\n[[", "\nrule_set = \"v0.2.15\"\n[[")),
        "`rule_set` \"v0.2.15\" does not exist; did you mean",
    );
    says(&added("[http]\nlisten = \"9877\"\n"), "is no address with a port");
    says(&added("[store]\npath = \"\"\n"), "`path` is empty");
}

fn email(change: &str) -> String {
    let mut text = SMALL.to_owned();
    text.push_str("[email]\n");
    for line in ["smtp = \"m:25\"", "from = \"a@b\"", "to = [\"c@d\"]"] {
        let key = line.split(' ').next().expect("a key");
        if !change.lines().any(|line| line.starts_with(key)) {
            let _ = writeln!(text, "{line}");
        }
    }
    text.push_str(&change.replace("-\n", ""));
    text
}

#[test]
fn mail_settings_are_checked() {
    assert_eq!(good(&email("")).email.map(|email| email.tls), Some(TlsMode::StartTls));
    for smtp in ["mail", "mail:", ":25", "mail:0", "mail:99999", "a b:25", "::1:25"] {
        says(&problem(&email(&format!("smtp = \"{smtp}\"\n"))), "is not \"host:port\"");
    }
    let config = good(&email("smtp = \"[::1]:2525\"\n"));
    assert_eq!(config.email.map(|email| (email.host, email.port)), Some(("::1".into(), 2525)));
    says(&problem(&email("tls = \"startls\"\n")), "did you mean `starttls`?");
    says(&problem(&email("from = \"nobody\"\n")), "`from` \"nobody\" is no mail address");
    says(&problem(&email("to = [\"a@b\", \"<a@b\"]\n")), "`to` \"<a@b\" is no mail address");
    says(&problem(&email("to = []\n")), "`to` must not be empty");
    says(&problem(&email("username = \"u\"\n")), "`username` without a password");
    says(
        &problem(&format!("{SMALL}[email]\nsmtp = \"m:25\"\nto = \"a@b\"\n")),
        "[email] needs `from`",
    );
}

#[test]
fn passwords_come_from_a_file_without_its_last_line_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("password");
    let settings = |name: &str| {
        email(&format!(
            "username = \"u\"\npassword_file = \"{}\"\n",
            directory.path().join(name).display()
        ))
    };
    std::fs::write(&path, "hunter2 \r\n").expect("written");
    let config = good(&settings("password"));
    assert!(!format!("{config:?}").contains("hunter2"));
    let password = config.email.and_then(|email| email.password).expect("a password");
    assert_eq!(password.expose_secret(), "hunter2 ");
    says(&problem(&settings("nothing")), "cannot be read: No such file");
    std::fs::write(&path, "\n").expect("written");
    says(&problem(&settings("password")), "is empty");
}

#[test]
fn all_errors_are_reported_at_once() {
    let error =
        parse("[chain]\n[[endpoint]]\nrpc = \"x\"\n[http]\nlisten = 1\nlsten = \"\"\n", &[])
            .expect_err("four errors");
    assert_eq!(error.problems.len(), 4, "{error}");
}

/// The example is uncommented key by key: every line that looks like a setting must be one.
#[test]
fn the_example_parses_and_is_complete() {
    good(EXAMPLE);
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .map(|line| line.strip_prefix("# ").unwrap_or(line))
        .filter(|line| line.starts_with('[') || line.contains(" = "))
        .filter(|line| !line.contains("BOOTWATCH_"))
        .fold(String::new(), |text, line| text + line + "\n");
    for section in SECTIONS {
        let heading = match section.times {
            Times::Once => format!("[{}]", section.name),
            Times::Many | Times::OnceOrMany => format!("[[{}]]", section.name),
        };
        let after = uncommented.split_once(&heading).map(|(_, after)| after);
        let body = after.unwrap_or_else(|| panic!("{heading} is not in the example"));
        let body = body.split("\n[").next().unwrap_or(body);
        // What all have is explained once.
        let explained = |key: &&&str| match **key {
            "ca_file" => !["slack", "discord", "webhook", "alertmanager"].contains(&section.name),
            key => section.name == "email" || !AUDIENCE.contains(&key),
        };
        for key in section.keys.iter().filter(explained) {
            assert!(body.contains(&format!("\n{key} = ")), "{heading} {key} is not in the example");
        }
    }
    let text: String = uncommented
        .replace("gonka1...", A)
        .lines()
        .filter(|line| !line.contains("_file = ") && !line.contains("_files = "))
        .fold(String::new(), |text, line| text + line + "\n");
    let variables = [
        ("BOOTWATCH_EMAIL_PASSWORD", "x"),
        ("BOOTWATCH_TELEGRAM_TOKEN", "x"),
        ("BOOTWATCH_SLACK_URL", "https://hooks.example.org/x"),
        ("BOOTWATCH_DISCORD_URL", "https://hooks.example.org/y"),
    ];
    parse(&text, &variables).unwrap_or_else(|error| panic!("{text}\n{error}"));
}

#[test]
fn every_key_has_a_variable() {
    let known = known();
    for name in ["BOOTWATCH_CHAIN_CHAIN_ID", "BOOTWATCH_EMAIL_PASSWORD", "BOOTWATCH_HOST"] {
        assert!(known.iter().any(|known| known == name), "{name}");
    }
    // Every key beyond name and URL of an endpoint has one with a number.
    let variables = |s: &keys::Section| match s.name {
        "endpoint" => s.keys.len() - 1,
        _ if s.times == Times::Many => 1,
        _ => s.keys.len() + s.secrets.len(),
    };
    let keys: usize = SECTIONS.iter().map(variables).sum();
    // And those of the command line and the log.
    assert_eq!(known.len(), keys + 3);
}

const TELEGRAM: &str = "[[telegram]]\nchat = \"-1001\"\n";

#[test]
fn channels_have_names_readers_and_wants() {
    let text = format!(
        "{SMALL}[[host]]\nname = \"rack\"\naddress = \"{A}\"\n\
         [[webhook]]\nname = \"hook\"\nurl = \"http://127.0.0.1:1/\"\nlang = \"ru\"\n\
         time_zone = \"Europe/Berlin\"\nmin_severity = \"critical\"\nhosts = [\"rack\"]\n\
         models = [\"m\"]\nalerts = [\"ChainHalted\"]\n[telegram]\nchat = \"@gpu_club\"\n"
    );
    let config = parse(&text, &[("BOOTWATCH_TELEGRAM_TOKEN", "1:hunter2")])
        .unwrap_or_else(|error| panic!("{error}"));
    let names: Vec<_> = config.channels.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["telegram", "hook"]);
    assert!(
        matches!(&config.channels[0].kind, ChannelKind::Telegram { chat, .. } if chat == "@gpu_club")
    );
    let audience = &config.channels[1].audience;
    assert_eq!(audience.reader.lang.as_str(), "ru");
    assert_eq!(audience.reader.zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(audience.wants.hosts, Some([A.to_owned()].into()));
    assert_eq!(audience.wants.models, Some(["m".to_owned()].into()));
    assert_eq!(audience.wants.alerts, Some(["ChainHalted".to_owned()].into()));
    assert!(!format!("{config:?}").contains("hunter2"), "secrets do not show");
}

#[test]
fn channels_of_the_environment_alone() {
    let variables = [
        ("BOOTWATCH_TELEGRAM_TOKEN", "1:x"),
        ("BOOTWATCH_TELEGRAM_CHAT", "42"),
        ("BOOTWATCH_EMAIL_SMTP", "m:25"),
        ("BOOTWATCH_EMAIL_FROM", "a@b"),
        ("BOOTWATCH_RECIPIENT", "ru=ops@example.org,zh=me@example.net"),
    ];
    let config = parse(SMALL, &variables).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.channels.len(), 1);
    let email = config.email.expect("mail is configured");
    let langs: Vec<_> = email.to.iter().map(|to| to.audience.reader.lang.as_str()).collect();
    assert_eq!(langs, ["ru", "zh"]);
}

#[test]
fn channels_say_what_they_lack() {
    says(&added(TELEGRAM), "needs `token_file` (or set BOOTWATCH_TELEGRAM_TOKEN)");
    says(&added("[[slack]]\nname = \"s\"\n"), "needs `url_file` (or set BOOTWATCH_SLACK_URL)");
    says(&added("[[webhook]]\nurl = \"ftp://x/\"\n"), "no http:// or https:// URL");
    let named = format!("{SMALL}[[slack]]\nurl = \"https://x/\"\n");
    let error = parse(&named, &[("BOOTWATCH_SLACK_URL", "https://x/")]).expect_err("a secret");
    says(&error.to_string(), "`url` is not taken from the file");
    let hook = |keys: &str| added(&format!("[[webhook]]\nurl = \"http://h/\"\n{keys}\n"));
    says(&hook("lang = \"rus\""), "`lang` \"rus\" is not spoken here; did you mean `ru`?");
    says(&hook("time_zone = \"Moscow\""), "`time_zone` \"Moscow\" does not exist");
    says(&hook("alerts = [\"ChainHaltd\"]"), "did you mean `ChainHalted`?");
    says(&hook("min_severity = \"crit\""), "did you mean `critical`?");
    says(&hook("hosts = [\"rack\"]"), "there is no [[host]] to watch");
    says(&hook("name = \"a:b\""), "must have at most 32 letters");
    says(&hook("[[webhook]]\nurl = \"http://i/\""), "a second [[channel]] with the name");
    says(&added("[[recipient]]\nto = \"a@b\"\n"), "needs an [email]");
    let two = format!("{SMALL}{TELEGRAM}{TELEGRAM}name = \"other\"\n");
    let error = parse(&two, &[("BOOTWATCH_TELEGRAM_TOKEN", "x")]).expect_err("two bots");
    says(&error.to_string(), "a variable cannot say which one it means");
    let mut chat = String::from("[[telegram]]\nchat = \"my chat\"\n");
    chat.insert_str(0, SMALL);
    let error = parse(&chat, &[("BOOTWATCH_TELEGRAM_TOKEN", "x")]).expect_err("no chat");
    says(&error.to_string(), "`chat` \"my chat\" is no chat");
    says(&added("[http]\npublic_url = \"https://u:p@x/\"\n"), "is no plain address of a page");
}

// Fails when a setting of alerts is not taken over, or a wrong one passes or is not named.
#[test]
fn alerts_are_checked_by_name() {
    let config = good(&format!(
        "{SMALL}[alerts]\nladder = [\"12h warning\", \"1h critical\"]\nquiet_from = \"22:00\"\n\
         quiet_to = \"07:00\"\nremind_critical = \"never\"\n\
         per_hour = \"3\"\noff = [\"GroupMarginLow\"]\n"
    ));
    let alerts = &config.alerts;
    assert_eq!(alerts.pacing.per_hour, 3);
    assert_eq!(alerts.pacing.remind_critical, None);
    assert_eq!(alerts.ladder.step(Some(jiff::SignedDuration::from_hours(2)), 0), 1);
    assert_eq!(alerts.ladder.step(None, 600), 2, "an hour is 674 blocks");
    assert!(alerts.off.contains("GroupMarginLow"));
    let quiet = alerts.pacing.quiet.as_ref().expect("there are quiet hours");
    assert!(
        quiet.until("2026-08-13T22:30:00Z".parse().unwrap(), &jiff::tz::TimeZone::UTC).is_some()
    );
    let wrong = |line: &str| added(&format!("[alerts]\n{line}\n"));
    says(&wrong("ladder = [\"6h loud\"]"), "\"6h loud\" is no rung");
    says(&wrong("ladder = [\"1h info\", \"2h info\"]"), "rung 2 must be nearer");
    says(&wrong("off = [\"DecisionMising\"]"), "did you mean `DecisionMissing`?");
    says(&wrong("quiet_from = \"22:00\""), "both `quiet_from` and `quiet_to`");
    says(&wrong("remind_warning = \"1s\""), "`remind_warning` must be at least 5m");
    says(&wrong("batch_every = \"-5m\""), "`batch_every` \"-5m\" is no length of time");
    says(&wrong("group_margin_percent = \"101\""), "a number from 0 to 100");
    says(&wrong("ladr = [\"1h info\"]"), "did you mean `ladder`?");
}

// Fails when an alert compares with a number that cannot be configured, or when a setting of [alerts]
// takes anything.
#[test]
fn every_threshold_is_a_key_that_is_checked() {
    let section = SECTIONS.iter().find(|section| section.name == "alerts").unwrap();
    for alert in bootwatch_alerts::alert_names() {
        for key in bootwatch_alerts::describe(alert).unwrap().keys {
            assert!(section.keys.contains(key), "{alert}: {key} cannot be configured");
        }
    }
    for key in section.keys {
        let error = parse(&format!("{SMALL}[alerts]\n{key} = \"-7 bananas\"\n"), &[]);
        let error = error.expect_err(key).to_string();
        assert!(error.contains(key), "{key}: {error}");
    }
}

#[test]
fn a_token_is_long_and_does_not_show() {
    for wrong in ["short", "with spaces in it, and long enough"] {
        let variables = [("BOOTWATCH_HTTP_TOKEN", wrong)];
        let error = parse(SMALL, &variables).unwrap_err().to_string();
        assert!(error.contains("openssl rand -hex 32") && !error.contains(wrong), "{error}");
    }
    let token = "0123456789abcdef";
    let config = parse(SMALL, &[("BOOTWATCH_HTTP_TOKEN", token)]).unwrap();
    assert!(config.http.token.is_some());
    assert!(!format!("{config:?}").contains(token));
}

#[test]
fn an_authority_needs_https_and_a_certificate() {
    let webhook = |url: &str, file: &str| {
        problem(&format!("{SMALL}[[webhook]]\nurl = {url:?}\nca_file = {file:?}\n"))
    };
    let plain = webhook("http://127.0.0.1:1/", "/dev/null");
    assert!(plain.contains("of no use without https:// in `url`"), "{plain}");
    let empty = webhook("https://127.0.0.1:1/", "/dev/null");
    assert!(empty.contains("holds no certificate"), "{empty}");
}
