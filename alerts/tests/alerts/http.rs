//! The channels that are HTTP, over real sockets.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bootwatch_alerts::{
    backoff::Backoff,
    channel::{
        Channel, SendError, alertmanager::Alertmanager, chat::ChatWebhook, telegram::Telegram,
        webhook::Webhook,
    },
    courier::{self, CourierPolicy},
};
use bootwatch_schema::{NewMessage, PendingMessage};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    outbox::{Memory, message},
    receiver::{Receiver, Reply},
};

const ATTEMPT: Duration = Duration::from_millis(800);

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

fn pending(body: &str) -> PendingMessage {
    let message = message("0a1b", "fff0", "me", Timestamp::UNIX_EPOCH);
    let message = NewMessage { text: body.into(), html: None, ..message };
    PendingMessage { message, attempts: 0, last_error: None }
}

fn chat(url: &str) -> ChatWebhook {
    ChatWebhook::new("slack", &secret(url), ATTEMPT).unwrap()
}

// Fails when an answer is taken for another kind: what is for ever, for now, or for all.
#[tokio::test]
async fn each_answer_is_judged_by_what_can_be_done() {
    let cases = [
        (200, None),
        (204, None),
        (400, Some("refused")),
        (401, Some("unavailable")),
        (404, Some("unavailable")),
        (408, Some("later")),
        (413, Some("refused")),
        (429, Some("throttled")),
        (500, Some("later")),
        (502, Some("unavailable")),
        (503, Some("unavailable")),
    ];
    let replies = cases.map(|(code, _)| Reply::Status(code, "because"));
    let receiver = Receiver::start(replies).await;
    let channel = chat(&format!("{}/services/T0/SECRET", receiver.url()));
    for (code, kind) in cases {
        let sent = channel.send(&pending("{}")).await;
        assert_eq!(sent.as_ref().err().map(SendError::reason), kind, "{code}");
        if let Err(error) = sent {
            let text = error.to_string();
            assert!(text.contains("because") && text.contains("127.0.0.1"), "{text}");
            assert!(!text.contains("SECRET"), "the address is a secret: {text}");
        }
    }
}

// Fails when nobody there, a server that is silent, or one that never ends its answer holds an
// attempt for longer than its time.
#[tokio::test]
async fn an_attempt_ends_whatever_the_server_does() {
    let replies = [Reply::Silence, Reply::Dribble(502), Reply::Dribble(200)];
    let receiver = Receiver::start(replies).await;
    let channel = chat(&receiver.url());
    for expected in [Some("unavailable"), Some("unavailable"), None] {
        let began = Instant::now();
        let sent = channel.send(&pending("{}")).await;
        assert_eq!(sent.err().map(|error| error.reason()), expected);
        assert!(began.elapsed() < ATTEMPT * 6, "{:?}", began.elapsed());
    }
    let gone = chat("http://127.0.0.1:1/SECRET").send(&pending("{}")).await.unwrap_err();
    assert!(matches!(&gone, SendError::Unavailable(text) if !text.contains("SECRET")), "{gone}");
}

// Fails when a message, and its signature, follow a redirect to somewhere else.
#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Receiver::start([]).await;
    let receiver = Receiver::start([Reply::Redirect(elsewhere.url())]).await;
    let error = chat(&receiver.url()).send(&pending("{}")).await.unwrap_err();
    assert!(error.to_string().contains("redirects are not followed"), "{error}");
    assert_eq!(elsewhere.requests().len(), 0);
}

// Fails when the pause that a server asks for is misread, or an absurd one is honoured.
#[tokio::test]
async fn pauses_are_read_and_bounded() {
    let answers = ["7", "0.25", "1e99", "soon", "-3"];
    let receiver = Receiver::start(answers.map(|after| Reply::RetryAfter(429, after))).await;
    let channel = chat(&receiver.url());
    for expected in [7.0, 0.25, 3600.0, 30.0, 30.0] {
        let Err(SendError::Throttled { pause, .. }) = channel.send(&pending("{}")).await else {
            panic!("429 asks for a pause")
        };
        assert!((pause.as_secs_f64() - expected).abs() < 1e-6, "{pause:?}");
    }
}

// Fails when a receiver's library would not accept the signature, or the body is not what was
// signed.
#[tokio::test]
async fn webhooks_are_signed() {
    let receiver = Receiver::start([]).await;
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLw==";
    let webhook =
        Webhook::new("hook", &secret(&receiver.url()), Some(&secret(key)), ATTEMPT).unwrap();
    webhook.send(&pending("{\"test\": 2432232314}")).await.unwrap();
    let request = receiver.requests().remove(0);
    let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("webhook-id"), "0a1b");
    assert_eq!(header("content-type"), "application/json");
    let timestamp = header("webhook-timestamp");
    let age = Timestamp::now().as_second() - timestamp.parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "{age}");
    // The 22 bytes of the key in Base64.
    let bytes = [
        0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a, 0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08,
        0x2c, 0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2f,
    ];
    let mut mac = Hmac::<Sha256>::new_from_slice(&bytes).unwrap();
    mac.update(format!("0a1b.{timestamp}.{}", request.body).as_bytes());
    let signature = header("webhook-signature");
    let given = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        signature.strip_prefix("v1,").unwrap(),
    )
    .unwrap();
    mac.verify_slice(&given).expect("the signature is that of the body");
    assert!(!format!("{webhook:?}").contains("MfKQ"), "secrets do not show");
}

// Fails when a token shows, goes to the wrong path, or a chat that blocked the bot stops all others.
#[tokio::test]
async fn telegram_blames_the_chat_or_the_bot() {
    let replies = [
        Reply::Status(200, "{\"ok\":true}"),
        Reply::Status(403, "{\"description\":\"Forbidden: bot was blocked by the user\"}"),
        Reply::Status(400, "{\"description\":\"Bad Request: chat not found\"}"),
        Reply::Status(401, "{\"description\":\"Unauthorized\"}"),
    ];
    let receiver = Receiver::start(replies).await;
    let bot = Telegram::new("tg", &receiver.url(), &secret("12:TOKEN"), ATTEMPT).unwrap();
    bot.send(&pending("{\"chat_id\":\"1\"}")).await.unwrap();
    assert_eq!(receiver.requests()[0].path, "/bot12:TOKEN/sendMessage");
    for expected in ["refused", "refused", "unavailable"] {
        let error = bot.send(&pending("{}")).await.unwrap_err();
        assert_eq!(error.reason(), expected, "{error}");
        assert!(!error.to_string().contains("TOKEN"), "{error}");
    }
    assert!(!format!("{bot:?}").contains("TOKEN"));
}

// Fails when an alert that still fires is left to expire, or one that resolved is given a future.
#[tokio::test]
async fn alertmanager_hears_again_of_what_stands() {
    let receiver = Receiver::start([]).await;
    let channel = Alertmanager::new("am", &secret(&receiver.url()), None, ATTEMPT).unwrap();
    let outbox = Memory::default();
    let alert = "{\"labels\":{\"alertname\":\"A\"},\"startsAt\":\"2026-01-01T00:00:00Z\"}";
    outbox.stands.lock().unwrap().push(pending(alert).message);
    let resolved =
        alert.replace("\"startsAt\"", "\"endsAt\":\"2026-01-02T00:00:00Z\",\"startsAt\"");
    outbox.put(NewMessage { created_at: Timestamp::now(), ..pending(&resolved).message });
    let stop = CancellationToken::new();
    let policy = CourierPolicy {
        backoff: Backoff::new(vec![Duration::from_millis(20)]),
        poll: Duration::from_millis(20),
        ..CourierPolicy::default()
    };
    let run = courier::run(outbox.clone(), channel, policy, Arc::new(Notify::new()), stop.clone());
    let watch = async {
        while outbox.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
    };
    tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(run, watch) })
        .await
        .expect("delivered in time");
    let ends: Vec<Timestamp> = receiver
        .requests()
        .iter()
        .map(|request| {
            assert_eq!(request.path, "/api/v2/alerts");
            let body: Value = serde_json::from_str(&request.body).unwrap();
            body[0]["endsAt"].as_str().unwrap().parse().unwrap()
        })
        .collect();
    let now = Timestamp::now();
    assert_eq!(ends.len(), 2);
    assert!(ends[0] > now, "what stands lives on");
    assert!(ends[1] < now, "what resolved has ended");
}
