//! What a message says, before it is put into a channel's form: one [`Notice`] in one language,
//! and a file in `form/` for each kind of reader.

mod form;
mod lang;
mod phrase;
mod plain;
mod words;

pub use lang::{Lang, Reader, UnknownLang};
pub(crate) use phrase::{Deed, Name, Phrase, Risk, Stored, Tag, Verb};
pub(crate) use plain::plain;
pub(crate) use words::{
    choice_words, deadline_label, deadline_words, gap_rows, gnk, grouped, left, percent,
    short_model, shortfall, stake, utc,
};

use bootwatch_rules::{
    Height,
    situation::{Command, DeadlineName, Situation},
};
use bootwatch_schema::{Incident, NewMessage, Severity};
use jiff::Timestamp;

use crate::{alert::View, recipient::Recipient};

/// A subject is read on a lock screen; what comes after is cut there anyway.
const SUBJECT: usize = 160;

impl Tag {
    /// Background of the tag in HTML: white text on it is readable in light and dark.
    fn colour(self) -> &'static str {
        match self {
            Self::Severity(Severity::Info) | Self::Test => "#1f5fa8",
            Self::Severity(Severity::Warning) => "#8a5300",
            Self::Severity(Severity::Critical) => "#b3261e",
            Self::Done => "#1e6b3a",
        }
    }

    /// The mark of a chat message, where nothing can be coloured.
    fn mark(self) -> &'static str {
        match self {
            Self::Severity(Severity::Info) | Self::Test => "🔵",
            Self::Severity(Severity::Warning) => "🟠",
            Self::Severity(Severity::Critical) => "🔴",
            Self::Done => "🟢",
        }
    }

    /// The word for it in JSON, whatever the language.
    fn word(self) -> &'static str {
        match self {
            Self::Severity(Severity::Info) => "info",
            Self::Severity(Severity::Warning) => "warning",
            Self::Severity(Severity::Critical) => "critical",
            Self::Done => "done",
            Self::Test => "test",
        }
    }
}

/// The content of a message, in the order in which it is read. Every text in it is plain: no
/// markup, no line breaks, nothing that came from the chain unfiltered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Notice {
    pub(crate) tag: Tag,
    /// The subject after its tag.
    pub(crate) headline: String,
    /// What happens.
    pub(crate) what: String,
    /// When several things do: each, the most urgent first.
    pub(crate) list: Vec<Row>,
    /// By when.
    pub(crate) by: Option<By>,
    /// What it costs.
    pub(crate) cost: Option<String>,
    /// What to do.
    pub(crate) steps: Vec<Step>,
    /// The numbers behind it.
    pub(crate) numbers: Vec<Row>,
}

/// A deadline in a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct By {
    /// Its name.
    pub(crate) what: String,
    /// `52 min left`.
    pub(crate) left: String,
    /// The time in the reader's zone; empty when that is UTC.
    pub(crate) local: String,
    /// The time in UTC, with its uncertainty; empty when it cannot be estimated.
    pub(crate) utc: String,
    /// `last block that counts: 5,551,615 (624 blocks from 5,550,991)`.
    pub(crate) block: String,
    /// The same for machines.
    pub(crate) fact: DeadlineFact,
}

/// A deadline for machines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DeadlineFact {
    pub(crate) name: DeadlineName,
    /// The last block that counts.
    pub(crate) height: Height,
    pub(crate) blocks_left: Height,
    pub(crate) eta: Option<Timestamp>,
    pub(crate) eta_error_seconds: Option<f64>,
}

impl By {
    pub(crate) fn new(name: DeadlineName, height: Height, view: &View<'_>) -> Self {
        let deadline = view.deadline(name).filter(|d| d.height == Some(height));
        let blocks_left = view.blocks_left(height);
        let time_left = view.time_left(name, height);
        let eta = deadline.and_then(|d| d.eta);
        let eta_error_seconds = deadline.and_then(|d| d.eta_error_seconds);
        let Reader { lang, zone } = view.reader;
        let block = Phrase::LastBlock {
            height: &grouped(height),
            blocks: blocks_left,
            from: &grouped(view.situation.complete_to),
        };
        Self {
            what: deadline_words(name, *lang),
            left: words::left(time_left, blocks_left, *lang),
            local: eta.and_then(|eta| words::local(eta, zone, *lang)).unwrap_or_default(),
            utc: eta.map(|eta| words::utc(eta, eta_error_seconds, *lang)).unwrap_or_default(),
            block: block.say(*lang),
            fact: DeadlineFact { name, height, blocks_left, eta, eta_error_seconds },
        }
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it is about, when there are several: a host, or another notice.
    pub(crate) topic: Option<String>,
    /// What it does, in English.
    pub(crate) does: String,
    /// The command; `None` when it cannot be shown faithfully.
    pub(crate) line: Option<String>,
}

impl Step {
    /// The step in a message about several things.
    pub(crate) fn about(&self, what: &str) -> Self {
        let what = plain(what, 80);
        let topic = match &self.topic {
            Some(topic) => format!("{what}: {topic}"),
            None => what,
        };
        Self { topic: Some(topic), ..self.clone() }
    }

    /// A step of one host among several.
    pub(crate) fn of(host: &str, command: &Command) -> Self {
        Self { topic: Some(plain(host, 40)), ..Self::from(command) }
    }

    /// A command of Bootwatch itself.
    pub(crate) fn run(verb: Verb, line: String, lang: Lang) -> Self {
        let does = Phrase::Does { verb: Some(verb), english: "" }.say(lang);
        Self { topic: None, does, line: Some(line) }
    }

    /// What it does, in the reader's language.
    fn words(&self, lang: Lang) -> String {
        let verb = self.line.as_deref().and_then(verb);
        let does = Phrase::Does { verb, english: &self.does }.say(lang);
        match &self.topic {
            Some(topic) => format!("{topic}: {does}"),
            None => does,
        }
    }
}

/// What a command does, by what it runs.
fn verb(line: &str) -> Option<Verb> {
    let mut words = line.split(' ').skip(1);
    match (words.next()?, words.next()?, words.next()?) {
        ("tx", "inference", "set-poc-delegation") => Some(Verb::Choose(Stored::Delegation)),
        ("tx", "inference", "refuse-poc-delegation") => Some(Verb::Choose(Stored::Refusal)),
        ("tx", "inference", "declare-poc-intent") => Some(Verb::Choose(Stored::Intent)),
        ("explain", _, _) => Some(Verb::Explain),
        ("export", _, _) => Some(Verb::Export),
        ("query", "gov", "proposal") => Some(Verb::ReadProposal),
        ("tx", "gov", "vote") => Some(Verb::Vote),
        _ => None,
    }
}

impl From<&Command> for Step {
    /// A command is copied from the message into a shell, so it is shown exactly or not at all: a
    /// hidden character in a model id must not make it read otherwise than it runs.
    fn from(command: &Command) -> Self {
        let faithful = plain(&command.line, usize::MAX) == command.line;
        let line = faithful.then(|| command.line.clone());
        Self { topic: None, does: plain(&command.does, 200), line }
    }
}

/// A number with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Row {
    pub(crate) fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned() }
    }

    /// A number whose name every language has.
    pub(crate) fn named(name: Name, value: &str, lang: Lang) -> Self {
        Self::new(&Phrase::Name(name).say(lang), value)
    }
}

/// What the statements of a message rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basis {
    chain_id: String,
    complete_to: Height,
    head_time: Timestamp,
    rule_set: String,
}

impl From<&Situation> for Basis {
    fn from(situation: &Situation) -> Self {
        Self {
            chain_id: plain(&situation.chain_id, 60),
            complete_to: situation.complete_to,
            head_time: situation.head_time,
            rule_set: plain(&situation.rule_set, 40),
        }
    }
}

impl Basis {
    fn words(&self, lang: Lang) -> String {
        Phrase::Basis {
            chain: &self.chain_id,
            complete_to: &grouped(self.complete_to),
            time: &words::utc(self.head_time, None, lang),
            rules: &self.rule_set,
        }
        .say(lang)
    }
}

/// What surrounds a notice when it becomes a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) message_id: &'a str,
    pub(crate) incident: &'a Incident,
    pub(crate) recipient: &'a Recipient,
    /// None for what is not about the chain.
    pub(crate) basis: Option<&'a Basis>,
    /// The page, as people reach it.
    pub(crate) page: Option<&'a str>,
    pub(crate) now: Timestamp,
}

impl About<'_> {
    fn lang(&self) -> Lang {
        self.recipient.reader.lang
    }

    /// The last line: what it rests on, or who says it.
    fn foot(&self) -> String {
        match self.basis {
            Some(basis) => basis.words(self.lang()),
            None => Phrase::Sender.say(self.lang()),
        }
    }
}

/// A message in its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) subject: String,
    /// The body: plain text, or what the channel posts.
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

impl Notice {
    /// A notice of which only the headline is known.
    pub(crate) fn bare(tag: Tag, headline: String) -> Self {
        Self {
            tag,
            what: headline.clone(),
            headline,
            list: Vec::new(),
            by: None,
            cost: None,
            steps: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// The message to a recipient, decided at a height.
    pub(crate) fn address(&self, about: &About<'_>, height: Height) -> NewMessage {
        let Rendered { subject, text, html } = self.render(about);
        NewMessage {
            message_id: about.message_id.to_owned(),
            incident: about.incident.fingerprint.clone(),
            parts: Vec::new(),
            channel: about.recipient.channel.clone(),
            recipient: about.recipient.address.clone(),
            severity: about.incident.severity,
            subject,
            text,
            html,
            created_at: about.now,
            created_height: height,
        }
    }

    /// Puts it into the recipient's form.
    pub(crate) fn render(&self, about: &About<'_>) -> Rendered {
        form::render(self, about)
    }

    fn subject(&self, lang: Lang) -> String {
        plain(&format!("[{}] {}", Phrase::Tag(self.tag).say(lang), self.headline), SUBJECT)
    }
}
