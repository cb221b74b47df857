//! Chats: Telegram, Slack and what speaks like it, Discord. Each gets the body of its request.
//!
//! Model ids and host names are hostile, so nothing reaches a chat but through its escaping: no
//! markup, no link, and above all no mention, which would ring a whole company's phones.

use serde_json::json;

use crate::message::{
    About, Notice,
    phrase::{Heading, Phrase},
};

/// A piece of a message, in the order in which it is read.
#[derive(Debug)]
enum Piece {
    Title(String),
    Heading(String),
    Line(String),
    Code(String),
    /// The last line, which is kept whatever is left out.
    Foot(String),
}

/// How a chat writes it. Each takes plain text and gives markup.
struct Markup {
    escape: fn(&str) -> String,
    bold: fn(&str) -> String,
    /// A block of code; `None` when this text cannot stand in one.
    code: fn(&str) -> Option<String>,
    /// An address that may be followed: of the configuration, never of the chain.
    link: fn(&str) -> String,
    /// The longest message, in UTF-16 units: the chats count at most so.
    limit: usize,
}

/// The body of `sendMessage`.
pub(super) fn telegram(notice: &Notice, about: &About<'_>) -> String {
    let markup = Markup {
        escape: |text| unlink(&escape_entities(text)),
        bold: |text| format!("<b>{text}</b>"),
        code: |line| Some(format!("<pre>{}</pre>", escape_entities(line))),
        link: |url| escape_entities(url),
        // After the markup is taken away; so this is on the safe side.
        limit: 4096,
    };
    json!({
        "chat_id": about.recipient.address,
        "text": write(notice, about, &markup),
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
        // An info does not ring.
        "disable_notification": about.incident.severity == bootwatch_schema::Severity::Info,
    })
    .to_string()
}

/// The body of a Slack-compatible incoming webhook.
pub(super) fn slack(notice: &Notice, about: &About<'_>) -> String {
    let markup = Markup {
        escape: escape_slack,
        bold: |text| format!("*{text}*"),
        code: |line| {
            // A fence inside would end the block.
            let fenced = !line.contains("```");
            fenced.then(|| format!("```\n{}\n```", escape_entities(line)))
        },
        link: |url| format!("<{}>", escape_entities(url)),
        limit: 3900,
    };
    json!({
        "text": write(notice, about, &markup),
        "unfurl_links": false,
        "unfurl_media": false,
    })
    .to_string()
}

fn escape_entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Chats make links and mentions of bare text; not when something invisible stands in it.
fn unlink(text: &str) -> String {
    text.replace('@', "@\u{200b}").replace("://", ":\u{200b}//")
}

/// Slack has entities for `&`, `<` and `>` and none for its other marks, which Mattermost and
/// Rocket.Chat read as Markdown: they become letters that look alike, and a link comes apart.
fn escape_slack(text: &str) -> String {
    let alike = |c: char| match c {
        '*' => '∗',
        '~' => '∼',
        '`' => 'ˋ',
        c => c,
    };
    let text = escape_entities(&text.chars().map(alike).collect::<String>());
    unlink(&text.replace("](", "]\u{200b}(").replace("][", "]\u{200b}["))
}

/// The body of a Discord webhook.
pub(super) fn discord(notice: &Notice, about: &About<'_>) -> String {
    let markup = Markup {
        escape: escape_discord,
        bold: |text| format!("**{text}**"),
        code: |line| (!line.contains("```")).then(|| format!("```\n{line}\n```")),
        link: |url| url.to_owned(),
        limit: 2000,
    };
    json!({
        "content": write(notice, about, &markup),
        // Whatever slips through: nobody is mentioned.
        "allowed_mentions": { "parse": [] },
        // SUPPRESS_EMBEDS.
        "flags": 4,
    })
    .to_string()
}

/// A backslash before everything that Markdown might read.
fn escape_discord(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '*'
                | '_'
                | '~'
                | '`'
                | '|'
                | '>'
                | '<'
                | '#'
                | '-'
                | '['
                | ']'
                | '('
                | ')'
                | '@'
                | ':'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The notice in a chat's markup, within its limit: what does not fit is left out from the end, the
/// numbers first, and marked by a line of its own.
fn write(notice: &Notice, about: &About<'_>, markup: &Markup) -> String {
    let pieces = pieces(notice, about, markup);
    let (foot, pieces): (Vec<&Piece>, Vec<&Piece>) =
        pieces.iter().partition(|piece| matches!(piece, Piece::Foot(_)));
    let written = |piece: &Piece| match piece {
        Piece::Title(text) | Piece::Heading(text) => (markup.bold)(&(markup.escape)(text)),
        Piece::Line(text) | Piece::Foot(text) => (markup.escape)(text),
        // Checked when the piece was made.
        Piece::Code(line) => (markup.code)(line).unwrap_or_default(),
    };
    let mut foot: String =
        foot.into_iter().map(|piece| format!("\n\n{}", written(piece))).collect();
    if let Some(page) = about.page {
        foot.push_str(&format!("\n{}", (markup.link)(page)));
    }
    let size = |text: &str| text.encode_utf16().count();
    let mut room = markup.limit.saturating_sub(size(&foot) + 2);
    let mut out = String::new();
    for piece in pieces {
        let before = match piece {
            _ if out.is_empty() => "",
            Piece::Heading(_) => "\n\n",
            _ => "\n",
        };
        let text = format!("{before}{}", written(piece));
        let Some(left) = room.checked_sub(size(&text)) else {
            out.push_str("\n…");
            break;
        };
        room = left;
        out.push_str(&text);
    }
    out + &foot
}

fn pieces(notice: &Notice, about: &About<'_>, markup: &Markup) -> Vec<Piece> {
    let lang = about.lang();
    let head = |heading| Piece::Heading(Phrase::Heading(heading).say(lang));
    let subject = notice.subject(lang);
    let mut all = vec![Piece::Title(format!("{} {subject}", notice.tag.mark()))];
    all.push(Piece::Line(notice.what.clone()));
    all.extend(notice.list.iter().map(|row| Piece::Line(format!("• {}: {}", row.name, row.value))));
    if let Some(by) = &notice.by {
        all.push(head(Heading::ByWhen));
        all.push(Piece::Line(format!("{}: {}", by.what, by.left)));
        let times = [&by.local, &by.utc, &by.block].into_iter().filter(|line| !line.is_empty());
        all.extend(times.cloned().map(Piece::Line));
    }
    if let Some(cost) = &notice.cost {
        all.push(head(Heading::Cost));
        all.push(Piece::Line(cost.clone()));
    }
    if !notice.steps.is_empty() {
        all.push(head(Heading::ToDo));
        for step in &notice.steps {
            all.push(Piece::Line(format!("{}:", step.words(lang))));
            let line = step.line.as_ref().filter(|line| (markup.code)(line).is_some());
            all.push(match line {
                Some(line) => Piece::Code(line.clone()),
                None => Piece::Line(format!("({})", Phrase::NotShown.say(lang))),
            });
        }
    }
    if !notice.numbers.is_empty() {
        all.push(head(Heading::Numbers));
        all.extend(
            notice.numbers.iter().map(|row| Piece::Line(format!("{}: {}", row.name, row.value))),
        );
    }
    all.push(Piece::Foot(about.foot()));
    all
}
