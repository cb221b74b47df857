//! `bootwatch notify test`: what it sends, what it says, and how it exits.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bootwatch_mailbox::{Fault, Mailbox};
use tempfile::TempDir;

use crate::harness::{config::Config, process::BOOTWATCH};

/// An HTTP server that gives every request the same answer and keeps what it was sent.
struct Hook {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Hook {
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind a loopback port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = requests.clone();
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                let mut text = String::new();
                let mut bytes = [0; 4096];
                while !whole(&text) {
                    match stream.read(&mut bytes) {
                        Ok(read @ 1..) => text.push_str(&String::from_utf8_lossy(&bytes[..read])),
                        _ => break,
                    }
                }
                kept.lock().expect("no test has failed").push(text);
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no test has failed").clone()
    }
}

/// Whether a request has arrived with its body.
fn whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    body.len() >= length
}

fn notify(dir: &Path, config: &Path, more: &[&str]) -> Output {
    Command::new(BOOTWATCH)
        .args(["notify", "test", "--config"])
        .arg(config)
        .args(more)
        .current_dir(dir)
        .output()
        .expect("run bootwatch")
}

/// A secret in a file of its own.
fn secret(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("write a secret");
    path.display().to_string()
}

fn base() -> Config {
    Config::new("gonka-test", "http://127.0.0.1:1")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_channel_gets_a_real_message() {
    let dir = TempDir::new().unwrap();
    let mailbox = Mailbox::start("127.0.0.1:0").await.unwrap();
    let (good, bad) = (Hook::start("200 OK"), Hook::start("404 Not Found"));
    let token = secret(dir.path(), "token", "77:TOKEN\n");
    let slack = secret(dir.path(), "slack", &format!("{}/services/SECRET", bad.url));
    let key = secret(dir.path(), "key", "whsec_c2VjcmV0");
    let config = base()
        .email(&mailbox.address().to_string(), "ops@example.org")
        .more(&format!(
            "[[recipient]]\nto = \"gone@example.org\"\nlang = \"zh\"\n\
             [[telegram]]\nname = \"bot\"\napi = {0:?}\ntoken_file = {token:?}\nchat = \"-42\"\nlang = \"ru\"\n\
             [[slack]]\nurl_file = {slack:?}\n\
             [[webhook]]\nurl = {0:?}\nsecret_file = {key:?}\n\
             [[alertmanager]]\nurl = {0:?}\n",
            good.url
        ))
        .write(dir.path());
    mailbox.inject(Fault::refuse("gone@example.org"));

    let output = notify(dir.path(), &config, &[]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}{errors}");
    for line in [
        "ok      email to ops@example.org",
        "failed  email to gone@example.org",
        "ok      bot to -42",
        "failed  slack: 127.0.0.1",
        "ok      webhook",
        "ok      alertmanager",
    ] {
        assert!(said.contains(line), "{line:?} is not in\n{said}");
    }
    assert!(said.contains("Check the address in `to`"), "it says what to do:\n{said}");
    assert!(errors.contains("2 of 6 test messages did not go out"), "{errors}");
    for shown in [&said, &errors] {
        assert!(!shown.contains("TOKEN") && !shown.contains("SECRET"), "a secret shows:\n{shown}");
    }

    let mail = mailbox.next().await.unwrap();
    assert!(mail.text().contains("Subject: [TEST]"), "{}", mail.text());
    let requests = good.requests();
    assert_eq!(requests.len(), 3, "{requests:#?}");
    assert!(requests[0].starts_with("POST /bot77:TOKEN/sendMessage"), "{}", requests[0]);
    assert!(requests[0].contains("ПРОВЕРКА"), "{}", requests[0]);
    assert!(requests[1].to_lowercase().contains("webhook-signature: v1,"), "{}", requests[1]);
    assert!(requests[2].starts_with("POST /api/v2/alerts"), "{}", requests[2]);

    let output = notify(dir.path(), &config, &["--channel", "bot"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok      bot to -42\n");
}

#[test]
fn what_is_not_configured_is_a_wrong_command() {
    let dir = TempDir::new().unwrap();
    let output = notify(dir.path(), &base().write(dir.path()), &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no channel is configured"), "{said}");
    let config = base().email("127.0.0.1:1", "ops@example.org").write(dir.path());
    let output = notify(dir.path(), &config, &["--channel", "emial"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("did you mean `email`?"), "{said}");
}
