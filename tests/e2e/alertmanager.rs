//! Alerts at an unmodified Alertmanager: what fires is there and stays, what resolved is gone.

use std::time::Duration;

use bootwatch_alerts::{
    Form, Recipient,
    channel::{Channel as _, alertmanager::Alertmanager},
    trouble::test_message,
};
use bootwatch_schema::{NewMessage, PendingMessage};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    process::{Process, free_port, until},
    require,
};

async fn alerts(base: &str) -> Option<Vec<Value>> {
    let answer = reqwest::get(format!("{base}/api/v2/alerts?active=true")).await.ok()?;
    serde_json::from_slice(&answer.bytes().await.ok()?).ok()
}

/// The end that Alertmanager knows of its only alert.
async fn end(base: &str) -> Timestamp {
    let found = alerts(base).await.expect("Alertmanager answers");
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0]["endsAt"].as_str().expect("an end").parse().expect("a time")
}

// Fails when Alertmanager refuses the alert, lets one go that is said again, or keeps one that
// resolved.
#[tokio::test(flavor = "multi_thread")]
async fn what_fires_stays_and_what_resolved_goes() {
    let how = "apt-get install prometheus-alertmanager";
    let Some(program) = require::tool("alertmanager", "prometheus-alertmanager", how) else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let config = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n";
    std::fs::write(dir.path().join("alertmanager.yml"), config).unwrap();
    let port = free_port();
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let arguments = [
        "--config.file=alertmanager.yml",
        "--storage.path=data",
        "--cluster.listen-address=",
        listen.as_str(),
    ];
    let program = program.display().to_string();
    let _process = Process::start("alertmanager", &program, &arguments, dir.path());
    let base = format!("http://127.0.0.1:{port}");
    until("Alertmanager", Duration::from_secs(60), || async { alerts(&base).await }).await;

    let channel = Alertmanager::new("am", &base.as_str().into(), None, Duration::from_secs(10))
        .expect("an address");
    let recipient = Recipient { form: Form::Alertmanager, ..Recipient::new("am", "am") };
    let message = test_message(&recipient, Timestamp::now());
    let send = |message: NewMessage| PendingMessage { message, attempts: 0, last_error: None };
    channel.send(&send(message.clone())).await.expect("Alertmanager takes it");
    let found = alerts(&base).await.expect("Alertmanager answers");
    assert_eq!(found[0]["labels"]["alertname"], "BootwatchTest", "{found:#?}");
    assert_eq!(found[0]["status"]["state"], "active", "{found:#?}");
    assert!(found[0]["annotations"]["description"].is_string(), "{found:#?}");

    let first = end(&base).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    channel.remind(std::slice::from_ref(&message)).await.expect("said again");
    assert!(end(&base).await > first, "its life goes on");

    // As a message about an incident that ended has it.
    let mut alert: Value = serde_json::from_str(&message.text).expect("JSON");
    alert["endsAt"] = Timestamp::now().to_string().into();
    channel.send(&send(NewMessage { text: alert.to_string(), ..message })).await.expect("resolved");
    until("the alert to be gone", Duration::from_secs(30), || async {
        alerts(&base).await.filter(Vec::is_empty)
    })
    .await;
}
