//! The forms of a message: what a mail program, a chat or a program reads.

mod alertmanager;
mod chat;
mod json;
mod mail;
#[cfg(test)]
mod tests;

use super::{About, Notice, Rendered};
use crate::recipient::Form;

pub(super) fn render(notice: &Notice, about: &About<'_>) -> Rendered {
    let subject = notice.subject(about.lang());
    let body = |text: String| Rendered { subject: subject.clone(), text, html: None };
    match about.recipient.form {
        Form::Mail => mail::render(notice, about, subject),
        Form::Telegram => body(chat::telegram(notice, about)),
        Form::Slack => body(chat::slack(notice, about)),
        Form::Discord => body(chat::discord(notice, about)),
        Form::Json => body(json::render(notice, about, &subject)),
        Form::Alertmanager => body(alertmanager::render(notice, about)),
    }
}
