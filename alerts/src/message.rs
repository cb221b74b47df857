//! What a message says, before it is put into a channel's form: one [`Notice`], two templates.

mod plain;
mod words;

pub(crate) use plain::plain;
pub(crate) use words::{
    choice_words, deadline_words, gap_rows, grouped, percent, short_model, shortfall, utc,
};

use askama::Template;
use bootwatch_rules::{
    Height,
    situation::{Command, DeadlineName},
};
use bootwatch_schema::Severity;

use crate::alert::View;

/// The first word of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Severity(Severity),
    /// It ended well.
    Done,
}

impl Tag {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Severity(Severity::Info) => "INFO",
            Self::Severity(Severity::Warning) => "WARNING",
            Self::Severity(Severity::Critical) => "CRITICAL",
            Self::Done => "DONE",
        }
    }

    /// Background of the tag in HTML: white text on it is readable in light and dark.
    fn colour(self) -> &'static str {
        match self {
            Self::Severity(Severity::Info) => "#1f5fa8",
            Self::Severity(Severity::Warning) => "#8a5300",
            Self::Severity(Severity::Critical) => "#b3261e",
            Self::Done => "#1e6b3a",
        }
    }
}

/// The content of a message, in the order in which it is read. Every text in it is plain: no
/// markup, no line breaks, nothing that came from the chain unfiltered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) tag: Tag,
    /// The subject after its tag.
    pub(crate) headline: String,
    /// What happens.
    pub(crate) what: String,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct By {
    /// Its name.
    pub(crate) what: &'static str,
    /// `52 min left`.
    pub(crate) left: String,
    /// The time in UTC, with its uncertainty; empty when it cannot be estimated.
    pub(crate) utc: String,
    /// The time in the reader's zone; empty when that is UTC.
    pub(crate) local: String,
    /// The last block that counts.
    pub(crate) height: String,
    /// Blocks up to it.
    pub(crate) blocks: String,
}

impl By {
    pub(crate) fn new(name: DeadlineName, height: Height, view: &View<'_>) -> Self {
        let deadline = view.deadline(name).filter(|d| d.height == Some(height));
        let blocks_left = view.blocks_left(height);
        let time_left = view.time_left(name, height);
        let eta = deadline.and_then(|d| d.eta);
        let error = deadline.and_then(|d| d.eta_error_seconds);
        Self {
            what: deadline_words(name),
            left: words::left(time_left, blocks_left),
            utc: eta.map(|eta| words::utc(eta, error)).unwrap_or_default(),
            local: eta.and_then(|eta| words::local(eta, &view.policy.zone)).unwrap_or_default(),
            height: grouped(height),
            blocks: grouped(blocks_left),
        }
    }
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it does.
    pub(crate) does: String,
    /// The command; `None` when it cannot be shown faithfully.
    pub(crate) line: Option<String>,
}

impl Step {
    /// The step in a message about several things.
    pub(crate) fn about(&self, what: &str) -> Self {
        Self { does: format!("{}: {}", plain(what, 80), self.does), line: self.line.clone() }
    }

    /// A step of one host among several.
    pub(crate) fn of(host: &str, command: &Command) -> Self {
        let step = Self::from(command);
        Self { does: format!("{}: {}", plain(host, 40), step.does), ..step }
    }
}

impl From<&Command> for Step {
    /// A command is copied from the message into a shell, so it is shown exactly or not at all: a
    /// hidden character in a model id must not make it read otherwise than it runs.
    fn from(command: &Command) -> Self {
        let faithful = plain(&command.line, usize::MAX) == command.line;
        Self { does: plain(&command.does, 200), line: faithful.then(|| command.line.clone()) }
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
}

/// A message in its forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: Option<String>,
}

#[derive(Template)]
#[template(path = "notice.txt")]
struct Text<'a> {
    notice: &'a Notice,
    basis: &'a Basis,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Html<'a> {
    notice: &'a Notice,
    basis: &'a Basis,
    tag: &'static str,
    colour: &'static str,
}

/// What the statements rest on.
struct Basis {
    chain_id: String,
    complete_to: String,
    head_time: String,
    rule_set: String,
}

impl Notice {
    /// A notice of which only the headline is known.
    pub(crate) fn bare(tag: Tag, headline: String) -> Self {
        Self {
            tag,
            what: headline.clone(),
            headline,
            by: None,
            cost: None,
            steps: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Puts it into words for every kind of reader.
    pub(crate) fn render(&self, view: &View<'_>) -> Rendered {
        let situation = view.situation;
        let basis = Basis {
            chain_id: plain(&situation.chain_id, 60),
            complete_to: grouped(situation.complete_to),
            head_time: words::utc(situation.head_time, None),
            rule_set: plain(&situation.rule_set, 40),
        };
        let tag = self.tag.as_str();
        let subject = plain(&format!("[{tag}] {}", self.headline), 160);
        let text = Text { notice: self, basis: &basis }.render();
        let html = Html { notice: self, basis: &basis, tag, colour: self.tag.colour() }.render();
        // Writing into memory does not fail; if it ever does, the headline still gets through.
        Rendered { text: text.unwrap_or_else(|_| subject.clone()), html: html.ok(), subject }
    }
}
