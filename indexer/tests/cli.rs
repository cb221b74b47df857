//! The real binary: exit codes and what it says.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

const GOOD: &str =
    "[chain]\nchain_id = \"gonka-devnet\"\n[[endpoint]]\nrpc = \"http://127.0.0.1:1\"\n";

const HOST: &str = "gonka1f2zxksuqyvk2zrvwflxryyk7e387wcl6x9y0uj";

/// The command without any BOOTWATCH_ variable of whoever runs the tests.
fn bootwatch(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootwatch"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BOOTWATCH_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ends(command: &mut Command, code: i32) -> Output {
    let output = command.output().expect("the binary runs");
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

#[test]
fn help_and_version_succeed() {
    let help = text(&ends(&mut bootwatch(&["--help"]), 0).stdout);
    for word in [
        "run",
        "demo",
        "devnet",
        "status",
        "whatif",
        "explain",
        "export",
        "verify",
        "backup",
        "Examples:",
        "Exit codes: 0 done",
    ] {
        assert!(help.contains(word), "{word:?} is not in\n{help}");
    }
    let version = text(&ends(&mut bootwatch(&["--version"]), 0).stdout);
    assert_eq!(version, format!("bootwatch {}\n", env!("CARGO_PKG_VERSION")));
    let devnet = text(&ends(&mut bootwatch(&["devnet", "--help"]), 0).stdout);
    for flag in [
        "--listen",
        "--seed",
        "--story",
        "--block-time",
        "--epoch-length",
        "--deploy-window",
        "--mainnet-timing",
        "--list-hosts",
        "--chain-id",
        "--home",
        "--abci",
    ] {
        assert!(devnet.contains(flag), "{flag} is not in\n{devnet}");
    }
}

#[test]
fn a_wrong_command_line_is_usage() {
    for arguments in [
        &[][..],
        &["rum"],
        &["run", "--no-such-flag"],
        &["whatif"],
        &["whatif", "--scenario", "a", "--clock", "b"],
        &["whatif", "--host", HOST],
        &["whatif", "--host", HOST, "--model", "m", "--choose", "perhaps", "--store", "a"],
        &["whatif", "--clock", "a", "--model", "m"],
        &["explain"],
        &["explain", "--host", "gonka1nobody", "--store", "a"],
        &["export", "--store", "a"],
        &["export", "--store", "a", "--epoch", "-1"],
        &["devnet", "--block-time", "100"],
        &["devnet", "--story", "no-such-story"],
        &["status", "--store", "a", "--config", "b"],
    ] {
        let output = ends(&mut bootwatch(arguments), 2);
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_wrong_configuration_is_usage_and_says_where() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("b.toml");
    std::fs::write(&path, GOOD.replace("chain_id", "chian_id")).expect("written");
    let mut command = bootwatch(&["run", "--config"]);
    let message = text(&ends(command.arg(&path), 2).stderr);
    assert!(
        message.contains("b.toml:2:1: unknown key `chian_id` in [chain]; did you mean `chain_id`?"),
        "{message}"
    );
    let message = text(&ends(bootwatch(&["run"]).env("BOOTWATCH_HOSTS", "x"), 2).stderr);
    assert!(
        message.contains("BOOTWATCH_HOSTS: unknown variable; did you mean `BOOTWATCH_HOST`?"),
        "{message}"
    );
    let mut command = bootwatch(&["run", "--config", "nowhere.toml"]);
    let message = text(&ends(&mut command, 2).stderr);
    assert!(message.starts_with("error: nowhere.toml: cannot be read"), "{message}");
}

#[test]
fn a_wrong_log_filter_is_usage() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("b.toml");
    std::fs::write(&path, GOOD).expect("written");
    let mut command = bootwatch(&["run", "--config"]);
    let message = text(&ends(command.arg(&path).env("BOOTWATCH_LOG", "a=b=c"), 2).stderr);
    assert!(message.contains("BOOTWATCH_LOG"), "{message}");
}

#[test]
fn a_taken_port_fails_and_names_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let store = directory.path().join("b.db").display().to_string();
    let mut command = bootwatch(&["run"]);
    command
        .env("BOOTWATCH_CHAIN_CHAIN_ID", "gonka-devnet")
        .env("BOOTWATCH_ENDPOINT", "http://127.0.0.1:1")
        .env("BOOTWATCH_STORE_PATH", store)
        .env("BOOTWATCH_HTTP_LISTEN", &address);
    let message = text(&ends(&mut command, 1).stderr);
    assert!(message.contains(&format!("cannot listen on {address}")), "{message}");
}

#[test]
fn status_without_a_database_fails_and_says_what_to_do() {
    let message = text(&ends(&mut bootwatch(&["status", "--store", "/nowhere/b.db"]), 1).stderr);
    assert!(message.contains("/nowhere/b.db"), "{message}");
}

#[test]
fn evidence_without_a_database_fails_and_names_it() {
    for arguments in [
        &["explain", "--host", HOST][..],
        &["export", "--epoch", "1"],
        &["whatif", "--host", HOST, "--model", "m", "--choose", "none"],
    ] {
        let mut command = bootwatch(arguments);
        let message = text(&ends(command.args(["--store", "/nowhere/b.db"]), 1).stderr);
        assert!(message.contains("/nowhere/b.db"), "{arguments:?}: {message}");
    }
}

#[test]
fn whatif_names_what_is_wrong_in_its_file() {
    for flag in ["--scenario", "--clock"] {
        let mut child = bootwatch(&["whatif", flag, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(br#"{"no_such_key\u001b[31m": 1}"#).expect("written");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(2));
        let message = text(&output.stderr);
        assert!(message.starts_with("error: standard input: "), "{message}");
        assert!(message.contains("no_such_key") && !message.contains('\u{1b}'), "{message:?}");
    }
}

#[test]
fn list_hosts_is_deterministic() {
    let hosts =
        || text(&ends(&mut bootwatch(&["devnet", "--list-hosts", "--seed", "7"]), 0).stdout);
    let first = hosts();
    assert!(first.lines().count() > 3 && first.contains("gonka1"), "{first}");
    assert_eq!(first, hosts());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = bootwatch(&["devnet", "--list-hosts"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

/// The main job in one process: a node, the daemon, mails; and only JSON on standard output.
#[test]
fn the_demo_ends_by_itself_with_a_situation() {
    let mut command = bootwatch(&["demo", "--epochs", "1", "--json", "--block-time", "50ms"]);
    let output = ends(&mut command, 0);
    let situation: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("standard output is one JSON value");
    assert_eq!(situation["schema_version"], 1);
    assert_eq!(situation["chain_id"], "gonka-devnet");
    assert!(situation["epoch"]["index"].as_u64() >= Some(1), "{situation}");
    assert!(situation["complete_from"].as_i64() < situation["complete_to"].as_i64(), "{situation}");
    assert_eq!(situation["hosts"].as_array().map(Vec::len), Some(3));
    let told = text(&output.stderr);
    assert!(told.contains("mail to you@example.org"), "{told}");
    assert!(told.contains("Open http://127.0.0.1:"), "{told}");
}

/// A configuration with a database in which one alert fires.
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
fn firing(folder: &std::path::Path) -> String {
    use bootwatch_schema::{Incident, Store as _};
    let database = folder.join("b.db");
    let mut store = bootwatch_schema::SqliteStore::open(&database, "gonka-devnet").unwrap();
    let incident: Incident = serde_json::from_value(serde_json::json!({
        "fingerprint": "0a1b2c3d4e5f",
        "alert": "EndpointDown",
        "labels": { "endpoint": "mine" },
        "window": "",
        "state": "firing",
        "severity": "warning",
        "summary": "endpoint mine\u{1b}[31m does not answer",
        "opened_height": 7,
        "opened_at": "2026-08-13T12:00:00Z",
        "changed_at": "2026-08-13T12:00:00Z",
        "risen_at": "2026-08-13T12:00:00Z",
        "step": 1,
        "occurrence": 1,
    }))
    .unwrap();
    store.decide(&[incident], &[]).unwrap();
    let path = folder.join("b.toml");
    std::fs::write(&path, format!("{GOOD}[store]\npath = {database:?}\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

// Fails when what fires cannot be seen, explained, silenced or acknowledged from the command line,
// or when an order is lost or a wrong one accepted.
#[test]
fn alerts_are_seen_and_kept_quiet() {
    let folder = tempfile::tempdir().unwrap();
    let config = firing(folder.path());
    let run = |arguments: &[&str], code| {
        let arguments: Vec<&str> =
            arguments.iter().copied().chain(["--config", config.as_str()]).collect();
        let output = ends(&mut bootwatch(&arguments), code);
        text(&output.stdout) + &text(&output.stderr)
    };
    let listed = run(&["alerts", "list"], 0);
    assert!(listed.starts_with("0a1b2c3d  warning   firing    EndpointDown"), "{listed}");
    assert!(!listed.contains('\u{1b}'), "a terminal must not be steered: {listed:?}");
    assert!(run(&["alerts", "show", "0a1b"], 0).contains("told          nobody"));
    assert!(run(&["alerts", "show", "ffff"], 2).contains("alerts list --all"));
    assert!(run(&["alerts", "dry-run"], 0).contains("Nothing would be sent now"));
    let explained = ends(&mut bootwatch(&["alerts", "explain", "EndpointDown"]), 0);
    assert!(text(&explained.stdout).contains("endpoint_down_after"));
    ends(&mut bootwatch(&["alerts", "explain", "EndpointDwon"]), 2);

    let add = ["silence", "add", "alert=EndpointDown", "--comment", "racks move"];
    assert!(run(&[&add[..], &["--for", "2h"]].concat(), 0).contains("silence 1 is in force"));
    assert!(run(&[&add[..], &["--until-epoch", "360"]].concat(), 0).contains("silence 2"));
    run(&add, 2);
    run(&[&add[..], &["--for", "9000h"]].concat(), 2);
    run(&["silence", "add", "alert=Nonsense", "--comment", "x", "--for", "1h"], 2);
    assert!(run(&["silence", "expire", "1"], 0).contains("silence 1 is over"));
    run(&["silence", "expire", "1"], 2);
    let silences = run(&["silence", "list"], 0);
    assert!(silences.starts_with("2  alert=EndpointDown  until epoch 360"), "{silences}");
    assert_eq!(silences.lines().count(), 1);
    assert_eq!(run(&["silence", "list", "--all"], 0).lines().count(), 2);

    assert!(run(&["ack", "0a1b", "--comment", "on it"], 0).contains("no reminders"));
    let path = folder.path().join("b.db");
    let orders = bootwatch_schema::SqliteReader::open(&path).unwrap().orders().unwrap();
    assert_eq!(orders.acknowledgements["0a1b2c3d4e5f"].comment, "on it");
}
