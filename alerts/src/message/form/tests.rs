//! What hostile names can do in each form: nothing.

use bootwatch_schema::{Incident, IncidentState, Severity};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    message::{About, By, DeadlineFact, Lang, Notice, Reader, Rendered, Row, Step, Tag, plain},
    recipient::{Form, Recipient},
};

fn incident(model: &str) -> Incident {
    let at = Timestamp::UNIX_EPOCH;
    Incident {
        fingerprint: "f".into(),
        alert: "DecisionMissing".into(),
        labels: [("model".into(), model.into())].into(),
        window: "360".into(),
        state: IncidentState::Firing,
        severity: Severity::Critical,
        summary: "s".into(),
        opened_height: 1,
        opened_at: at,
        changed_at: at,
        deadline: None,
        step: 1,
        occurrence: 1,
        risen_at: at,
        clearing: None,
        unknown_since: None,
        acknowledged: None,
        silenced_by: None,
        inhibited_by: None,
        told: [].into(),
        ending: None,
    }
}

/// A notice in which a name stands everywhere.
fn notice(name: &str) -> Notice {
    let name = &plain(name, 200);
    Notice {
        tag: Tag::Severity(Severity::Critical),
        headline: format!("{name}: no choice"),
        what: format!("No choice stands for {name}."),
        list: vec![Row::new(name, name)],
        by: Some(By {
            what: "capture".into(),
            left: "52 min left".into(),
            local: String::new(),
            utc: "Thu 13 Aug 2026 14:05 UTC".into(),
            block: "last block that counts: 5,551,615".into(),
            fact: DeadlineFact {
                name: bootwatch_rules::situation::DeadlineName::Capture,
                height: 5_551_615,
                blocks_left: 624,
                eta: None,
                eta_error_seconds: Some(f64::NAN),
            },
        }),
        cost: Some("Up to 15 %.".into()),
        steps: vec![Step {
            topic: Some(name.clone()),
            does: "refuse".into(),
            line: Some(format!("inferenced tx inference refuse-poc-delegation '{name}'")),
        }],
        numbers: vec![Row::new("Model", name)],
    }
}

fn rendered(form: Form, name: &str) -> Rendered {
    let recipient = Recipient {
        form,
        reader: Reader { lang: Lang::En, ..Reader::default() },
        ..Recipient::new("c", "-100")
    };
    let about = About {
        message_id: "id",
        incident: &incident(name),
        recipient: &recipient,
        basis: None,
        page: Some("https://watch.example.org/"),
        now: Timestamp::UNIX_EPOCH,
    };
    notice(name).render(&about)
}

fn body(form: Form, name: &str) -> Value {
    serde_json::from_str(&rendered(form, name).text).expect("the body is JSON")
}

fn text(form: Form, name: &str, key: &str) -> String {
    body(form, name)[key].as_str().expect("a text").to_owned()
}

/// Markup of every chat, mentions, links, and what ends a block.
fn hostile() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "<",
        ">",
        "&",
        "\"",
        "'",
        "*",
        "_",
        "~",
        "`",
        "```",
        "|",
        "||",
        "[",
        "]",
        "(",
        ")",
        "@",
        "@everyone",
        "<!channel>",
        "<@U1>",
        "<@&1>",
        "#",
        "\\",
        "://",
        "https://evil.example/",
        "\n",
        "\r\n",
        "\0",
        "\u{202e}",
        "\u{200b}",
        "</b>",
        "</pre>",
        "<script>",
        "&lt;",
        "-",
        ":",
        "x",
        "Qwen/",
        "模型",
        "🦀",
    ]);
    prop::collection::vec(bits, 0..60).prop_map(|bits| bits.concat())
}

/// Takes the tags of Telegram's markup out; what is left must be free of `<` and `>`.
fn without_tags(text: &str) -> String {
    ["<b>", "</b>", "<pre>", "</pre>"].iter().fold(text.to_owned(), |t, tag| t.replace(tag, ""))
}

/// Takes code blocks and backslash escapes out.
fn bare_markdown(text: &str) -> String {
    let outside: String = text.split("```").step_by(2).collect();
    let mut out = String::new();
    let mut chars = outside.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
        } else {
            out.push(c);
        }
    }
    out
}

proptest! {
    // Fails when a name opens or closes a tag in Telegram, or mentions somebody.
    #[test]
    fn telegram_shows_names_as_they_are(name in hostile()) {
        let text = text(Form::Telegram, &name, "text");
        let outside: String =
            text.split("<pre>").map(|part| part.rsplit("</pre>").next().unwrap_or(part)).collect();
        prop_assert!(!without_tags(&text).contains(['<', '>']), "{text}");
        prop_assert!(!outside.replace("https://watch.example.org/", "").contains("://"), "{text}");
        let mentions = outside.replace("@\u{200b}", "").contains('@');
        prop_assert!(!mentions, "{text}");
        prop_assert_eq!(text.matches("<b>").count(), text.matches("</b>").count());
        prop_assert_eq!(text.matches("<pre>").count(), text.matches("</pre>").count());
        prop_assert!(text.encode_utf16().count() <= 4096);
    }

    // Fails when a name mentions a channel, makes a link, or ends a block in Slack.
    #[test]
    fn slack_shows_names_as_they_are(name in hostile()) {
        let text = text(Form::Slack, &name, "text").replace("<https://watch.example.org/>", "");
        prop_assert!(!text.contains(['<', '>']), "{text}");
        prop_assert_eq!(text.matches("```").count() % 2, 0);
        let outside: String = text.split("```").step_by(2).collect();
        prop_assert!(!outside.contains(['`', '~']), "{outside}");
        prop_assert!(!outside.contains("](") && !outside.contains("]["), "{outside}");
        let mentions = outside.replace("@\u{200b}", "").contains('@');
        prop_assert!(!mentions, "{outside}");
        // Only our own bold.
        prop_assert_eq!(outside.matches('*').count() % 2, 0);
        prop_assert!(!outside.contains("://"), "{outside}");
    }

    // Fails when a name is read as Markdown in Discord, or the limit is passed, which loses the
    // message.
    #[test]
    fn discord_shows_names_as_they_are(name in hostile()) {
        let body = body(Form::Discord, &name);
        prop_assert_eq!(&body["allowed_mentions"]["parse"], &Value::Array(vec![]));
        let text = body["content"].as_str().unwrap_or_default();
        prop_assert!(text.encode_utf16().count() <= 2000, "{text}");
        prop_assert_eq!(text.matches("```").count() % 2, 0);
        let bare = bare_markdown(&text.replace("https://watch.example.org/", ""));
        prop_assert!(!bare.replace("**", "").contains(['*', '_', '~', '`', '<', '@', '[']), "{bare}");
    }

    // Fails when a name writes a tag, an attribute or an entity in HTML, or a line in a subject.
    #[test]
    fn mail_shows_names_as_they_are(name in hostile()) {
        let mail = rendered(Form::Mail, &name);
        let html = mail.html.unwrap_or_default();
        let calm = rendered(Form::Mail, "x").html.unwrap_or_default();
        for mark in ["<", ">", "\""] {
            prop_assert_eq!(html.matches(mark).count(), calm.matches(mark).count(), "{}", html);
        }
        prop_assert!(!mail.subject.chars().any(char::is_control));
        let hidden = mail.text.contains('\u{202e}');
        prop_assert!(!hidden);
    }

    // Fails when a name breaks the JSON of programs, or a label of Alertmanager.
    #[test]
    fn programs_get_json(name in hostile()) {
        let json = body(Form::Json, &name);
        prop_assert_eq!(json["incident"]["labels"]["model"].as_str(), Some(name.as_str()));
        prop_assert_eq!(&json["by"]["time_error_seconds"], &Value::Null);
        let alert = body(Form::Alertmanager, &name);
        prop_assert_eq!(alert["labels"]["alertname"].as_str(), Some("BootwatchDecisionMissing"));
        let model = alert["labels"]["model"].as_str().unwrap_or_default();
        prop_assert!(!model.chars().any(char::is_control) && model.chars().count() <= 200);
    }
}

// Fails when a message that is too long is sent whole, and refused, or loses its command.
#[test]
fn a_long_message_keeps_what_matters() {
    let mut long = notice("model");
    long.numbers = (0..500).map(|n| Row::new(&format!("number {n}"), &"9".repeat(50))).collect();
    let recipient = Recipient { form: Form::Discord, ..Recipient::new("c", "a") };
    let about = About {
        message_id: "id",
        incident: &incident("model"),
        recipient: &recipient,
        basis: None,
        page: None,
        now: Timestamp::UNIX_EPOCH,
    };
    let body: Value = serde_json::from_str(&long.render(&about).text).expect("JSON");
    let content = body["content"].as_str().expect("content");
    assert!(content.chars().count() <= 2000);
    assert!(content.contains("refuse-poc-delegation") && content.contains('…'), "{content}");
    assert!(content.ends_with("Bootwatch"), "{content}");
}
