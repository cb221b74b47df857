//! The demo's lines: what changed from one Situation to the next, and the mails.

use std::collections::BTreeMap;

use bootwatch_mailbox::Mail;
use bootwatch_rules::{
    EpochIndex, Height, ModelId,
    situation::{Phase, Situation},
};
use mail_parser::MessageParser;

use crate::report::{self, words::clean, words::count, words::counted};

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Narrator {
    epoch: Option<EpochIndex>,
    phase: Option<Phase>,
    captures: BTreeMap<ModelId, Height>,
}

impl Narrator {
    /// Lines for what is new in a Situation; usually none.
    pub(super) fn lines(&mut self, s: &Situation) -> Vec<String> {
        let at = format!("block {:>5}", count(s.complete_to));
        let mut lines = Vec::new();
        if self.epoch != Some(s.epoch.index) {
            self.epoch = Some(s.epoch.index);
            let actions = s
                .hosts
                .iter()
                .flat_map(|host| &host.models)
                .filter(|model| model.advice.is_some())
                .count();
            lines.push(format!(
                "{at}  epoch {}; {} to do",
                s.epoch.index,
                counted(actions, "thing")
            ));
        }
        if self.phase != Some(s.epoch.phase) {
            self.phase = Some(s.epoch.phase);
            lines.push(format!("{at}  {}", report::phase(s.epoch.phase)));
        }
        for model in &s.models {
            let Some(snapshot) = &model.snapshot else { continue };
            let height = snapshot.capture.snapshot_height;
            if self.captures.insert(model.model_id.clone(), height) != Some(height) {
                lines.push(format!(
                    "{at}  capture: {} {}",
                    clean(model.model_id.as_str()),
                    report::outcome(snapshot)
                ));
            }
        }
        lines
    }
}

/// A mail, indented: its subject and its plain text.
pub(super) fn mail(mail: &Mail) -> String {
    let message = MessageParser::default().parse(&mail.data);
    let subject = message.as_ref().and_then(|message| message.subject()).unwrap_or("no subject");
    let body = message
        .as_ref()
        .and_then(|message| message.body_text(0))
        .unwrap_or_else(|| mail.text().into());
    let mut out = format!("\n  ┌ mail to {}: {}\n", clean(&mail.to.join(", ")), clean(subject));
    for line in body.trim_end().lines() {
        out.push_str("  │ ");
        out.push_str(&clean(line));
        out.push('\n');
    }
    out.push_str("  └\n");
    out
}
