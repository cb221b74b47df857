//! Orders over HTTP, replays and dry runs: the real binary on a simulated chain.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use bootwatch::config::{Config, Environment};
use bootwatch_mailbox::Mailbox;
use bootwatch_schema::{IncidentState, ReadStore as _, SqliteReader};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::bench::{Bench, subjects, until};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn text(bench: &Bench, mailbox: &Mailbox, listen: SocketAddr, alerts: &str) -> String {
    let mut text = format!(
        "[chain]\nchain_id = {:?}\n[store]\npath = {:?}\n[http]\nlisten = \"{listen}\"\n\
         [[endpoint]]\nname = \"devnet\"\nrpc = {:?}\n\
         [email]\nsmtp = \"{}\"\ntls = \"none\"\nfrom = \"b@example.org\"\nto = [\"me@example.org\"]\n\
         [alerts]\nchain_halted_after = \"1s\"\nfirst_notice_delay = \"0s\"\nbatch_every = \"0s\"\n\
         bundle_from = \"1000\"\nper_hour = \"1000\"\n{alerts}\n",
        bench.node.chain_id(),
        bench.database(),
        bench.node.url(),
        mailbox.address(),
    );
    for host in bench.node.inspect(|chain| chain.hosts()).iter().take(3) {
        let (name, address) = (&host.name, &host.address);
        text.push_str(&format!("[[host]]\nname = {name:?}\naddress = {address:?}\n"));
    }
    text
}

pub(crate) fn parsed(text: &str) -> Config {
    Config::parse("test.toml", text, &Environment::new()).unwrap()
}

/// A port that was free a moment ago.
fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) fn binary(file: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootwatch"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BOOTWATCH_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).arg("--config").arg(file).stdin(Stdio::null());
    command
}

/// Ends the process when the test ends, however it does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) async fn ends(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

pub(crate) fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

/// One request, and what came back.
async fn ask(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or(Value::Null))
}

// Fails when somebody without the token may order, when another site's page may, when an order that
// is no JSON or too large is read, or when what is ordered over HTTP is not what the command line
// orders and shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_over_http_need_a_token_and_are_those_of_the_command_line() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let folder = bench.database().parent().unwrap().to_owned();
    let (file, listen) = (folder.join("bootwatch.toml"), free());
    std::fs::write(folder.join("token"), format!("{TOKEN}\n")).unwrap();
    let key = format!("token_file = {:?}\n[[endpoint]]", folder.join("token"));
    let text = text(&bench, &mailbox, listen, "").replacen("[[endpoint]]", &key, 1);
    std::fs::write(&file, &text).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let _daemon = Running(binary(&file, &["run"]).stderr(log).spawn().unwrap());
    let client = Client::new();
    let (silences, order) = (
        format!("http://{listen}/api/v1/silences"),
        json!({ "matchers": { "alert": "EndpointDown" }, "for": "2h", "comment": "racks move" }),
    );
    let healthy = format!("http://{listen}/-/ready");
    let patience = tokio::time::Instant::now() + Duration::from_secs(60);
    while !client.get(&healthy).send().await.is_ok_and(|a| a.status() == 200) {
        assert!(tokio::time::Instant::now() < patience, "not ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    let post = || client.post(&silences).json(&order);
    assert_eq!(ask(post()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(post().bearer_auth("0123456789abcdef0123456789abcdee")).await.0, 401);
    assert_eq!(ask(post().bearer_auth(&TOKEN[..31])).await.0, 401);
    assert_eq!(ask(client.get(&silences)).await.0, 401);
    let mine = || post().bearer_auth(TOKEN);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        assert_eq!(ask(mine().header(name, value)).await.0, 403, "{name}: {value}");
    }
    let form = client.post(&silences).bearer_auth(TOKEN).form(&[("a", "b")]);
    assert_eq!(ask(form).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = json!({ "matchers": {}, "comment": "x".repeat(9_000) });
    assert_eq!(ask(client.post(&silences).bearer_auth(TOKEN).json(&large)).await.0, 413);
    for wrong in [
        json!({ "matchers": { "alert": "EndpointDown" }, "comment": "for ever" }),
        json!({ "matchers": { "alert": "EndpointDwn" }, "for": "2h", "comment": "misspelt" }),
        json!({ "matchers": {}, "for": "2h", "comment": "everything" }),
        json!({ "matchers": { "alert": "DiskLow" }, "for": "91d", "comment": "too long" }),
        json!({ "matchers": { "alert": "DiskLow" }, "for": "2h", "comment": "two\nlines" }),
        json!({ "matchers": { "alert": "DiskLow" }, "for": "2h", "comment": "x", "what": 1 }),
    ] {
        let (status, body) = ask(client.post(&silences).bearer_auth(TOKEN).json(&wrong)).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(body["error"].as_str().is_some_and(|error| error.len() > 10), "{body}");
    }
    assert_eq!(
        ask(client.get(&silences).bearer_auth(TOKEN)).await.1,
        json!([]),
        "nothing was kept"
    );

    let own = format!("http://{listen}");
    let (status, kept) =
        ask(mine().header("origin", own).header("sec-fetch-site", "same-origin")).await;
    assert_eq!(status, StatusCode::CREATED, "{kept}");
    let id = kept["id"].as_i64().unwrap();
    let list = ends(binary(&file, &["silence", "list"])).await;
    assert!(said(&list).contains("racks move"), "{}", said(&list));
    let expire = client.post(format!("{silences}/{id}/expire")).bearer_auth(TOKEN).json(&json!({}));
    assert_eq!(ask(expire.try_clone().unwrap()).await.0, 200);
    assert_eq!(ask(expire).await.0, 404, "it is over");
    let list = ends(binary(&file, &["silence", "list"])).await;
    assert!(said(&list).contains("No silence"), "{}", said(&list));

    bench.node.faults().halt_at(Some(bench.node.height() + 1));
    let halted = || {
        let loaded = SqliteReader::open(&bench.database()).unwrap().load().unwrap();
        let firing = |i: &bootwatch_schema::Incident| {
            i.alert == "ChainHalted" && i.state == IncidentState::Firing
        };
        loaded.incidents.into_iter().find(firing)
    };
    until("the halt", || halted().is_some()).await;
    let fingerprint = halted().unwrap().fingerprint;
    let (_, listed) =
        ask(client.get(format!("http://{listen}/api/v1/incidents")).bearer_auth(TOKEN)).await;
    assert!(listed.to_string().contains(&fingerprint), "{listed}");
    let ack = |id: &str| {
        let url = format!("http://{listen}/api/v1/incidents/{id}/ack");
        client.post(url).bearer_auth(TOKEN).json(&json!({ "comment": "on it", "author": "me" }))
    };
    assert_eq!(ask(ack("ffffffffffffffff0")).await.0, 404);
    let (status, body) = ask(ack(&fingerprint[..8])).await;
    assert_eq!((status, &body["acknowledged"]), (StatusCode::OK, &json!(fingerprint)));
    until("the acknowledgement", || halted().is_some_and(|i| i.acknowledged.is_some())).await;
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    assert!(!log.contains(TOKEN), "the token is in the log");
}

// Fails when orders are taken although no token is configured, or it does not say what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_nobody_may_order() {
    let bench = Bench::start(Duration::from_millis(50)).await;
    let run = bench.daemon().await;
    let url = format!("http://{}/api/v1/silences", run.daemon.address());
    let order = json!({ "matchers": { "alert": "DiskLow" }, "for": "2h", "comment": "x" });
    let (status, body) = ask(Client::new().post(url).bearer_auth("").json(&order)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body["error"].as_str().unwrap().contains("token_file"), "{body}");
    run.stop().await;
}

// Fails when a dry run sends or keeps anything that it decided, shows nothing, or takes from a later
// run what that has to tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_sends_nothing_and_loses_nothing() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let folder = bench.database().parent().unwrap().to_owned();
    let (file, listen) = (folder.join("bootwatch.toml"), free());
    let text = text(&bench, &mailbox, listen, "");
    std::fs::write(&file, &text).unwrap();
    let log = folder.join("log");
    let shown = || std::fs::read_to_string(&log).unwrap_or_default();
    bench.node.faults().halt_at(Some(bench.node.height() + 200));
    {
        let to = std::fs::File::create(&log).unwrap();
        let _daemon = Running(binary(&file, &["run", "--dry-run"]).stderr(to).spawn().unwrap());
        until("the halt in the log", || {
            shown().lines().any(|line| {
                line.contains("would have been sent") && line.contains("no new block after")
            })
        })
        .await;
    }
    assert_eq!(mailbox.received(), 0);
    let reader = SqliteReader::open(&bench.database()).unwrap();
    assert!(reader.load().unwrap().incidents.is_empty());
    assert_eq!(reader.backlog("email").unwrap().0, 0);
    let run = bench.run(parsed(&text.replace(&listen.to_string(), "127.0.0.1:0"))).await;
    let told = || subjects(&mailbox).iter().filter(|s| s.contains("no new block after")).count();
    until("the mail of the halt", || told() == 1).await;
    run.stop().await;
}

// Fails when a replay changes the database, tells other captures than the daemon told, tells what it
// cannot know, or hides that it cannot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_says_what_the_daemon_said() {
    let bench = Bench::start(Duration::from_millis(20)).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let folder = bench.database().parent().unwrap().to_owned();
    let file = folder.join("bootwatch.toml");
    let text = text(&bench, &mailbox, "127.0.0.1:0".parse().unwrap(), "");
    std::fs::write(&file, &text).unwrap();
    // So that there are blocks before the first that the daemon goes through.
    until("some blocks", || bench.node.height() > 3).await;
    let run = bench.run(parsed(&text)).await;
    let first = run.reaches(1).await.complete_to;
    let last = run.reaches(first + 2 * bench.epoch_length()).await.complete_to;
    run.stop().await;
    let reader = SqliteReader::open(&bench.database()).unwrap();
    let first = reader.first_followed().unwrap().unwrap();
    let captures = reader.captures(first + 1..=last).unwrap().len();
    assert!(captures > 0, "no capture in {first}..={last}");
    let before = reader.load().unwrap();

    let (from, to) = (first.to_string(), last.to_string());
    let range = ["alerts", "replay", "--from", &from, "--to", &to];
    let output = ends(binary(&file, &[&range[..], &["--json"]].concat())).await;
    assert!(output.status.success(), "{}", said(&output));
    let replay: Value = serde_json::from_slice(&output.stdout).unwrap();
    let messages = replay["messages"].as_array().unwrap();
    let of_captures = |subject: &str| {
        subject.contains("is pre-eligible")
            || subject.contains("missed the capture")
            || subject.contains("not pre-eligible")
    };
    let again: Vec<&str> = messages
        .iter()
        .map(|message| message["subject"].as_str().unwrap())
        .filter(|subject| of_captures(subject))
        .collect();
    let mut told: Vec<String> = subjects(&mailbox);
    told.retain(|subject| of_captures(subject));
    // The one that was looked up before the first block is told by both.
    assert!(!again.is_empty() && again.len() >= captures.min(told.len()), "{again:?} {told:?}");
    let distinct = |subjects: Vec<&str>| {
        subjects.into_iter().map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(distinct(again), distinct(told.iter().map(String::as_str).collect()));
    assert!(messages.iter().all(|m| {
        let at: Timestamp = m["at"].as_str().unwrap().parse().unwrap();
        let height = m["height"].as_i64().unwrap();
        (first..=last).contains(&height) && at < Timestamp::now() + SignedDuration::from_secs(1)
    }));
    let notes = replay["not_replayed"].to_string();
    assert!(notes.contains("Bootwatch itself") && notes.contains("GNK"), "{notes}");
    assert_eq!(replay["judged"].as_i64(), Some(last - first + 1));

    let plain = said(&ends(binary(&file, &range)).await);
    assert!(plain.contains("Not replayed:") && plain.contains("would have been sent"), "{plain}");
    let beyond = ["alerts", "replay", "--from", "1", "--to", &to];
    let clipped = said(&ends(binary(&file, &beyond)).await);
    assert!(clipped.contains("were not read before block"), "{clipped}");
    let swapped = ends(binary(&file, &["alerts", "replay", "--from", &to, "--to", &from])).await;
    assert_eq!(swapped.status.code(), Some(2), "{}", said(&swapped));
    let nowhere = ["alerts", "replay", "--from", "900000000", "--to", "900000001"];
    assert_eq!(ends(binary(&file, &nowhere)).await.status.code(), Some(1));
    let after = SqliteReader::open(&bench.database()).unwrap().load().unwrap();
    assert_eq!(after.incidents, before.incidents, "a replay keeps nothing");
}

// Fails when the message of the day does not come, comes twice in a run, or again after a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_message_of_the_day_comes_once() {
    let bench = Bench::start(Duration::from_millis(100)).await;
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let hour = (Timestamp::now() - SignedDuration::from_mins(11)).strftime("%H:%M").to_string();
    let daily = format!("daily = \"{hour}\"");
    let config = parsed(&text(&bench, &mailbox, "127.0.0.1:0".parse().unwrap(), &daily));
    let told = || {
        let of_the_day = |s: &&String| {
            s.contains("all is well")
                || s.contains("alert fires")
                || s.contains("alerts fire")
                || s.contains("is not well")
        };
        subjects(&mailbox).iter().filter(of_the_day).count()
    };
    let run = bench.run(config.clone()).await;
    until("the message of the day", || told() == 1).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    run.stop().await;
    let run = bench.run(config).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    run.stop().await;
    assert_eq!(told(), 1, "{:?}", subjects(&mailbox));
}
