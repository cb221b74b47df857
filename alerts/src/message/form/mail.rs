//! Text and HTML for mail programs.

use askama::Template;

use crate::message::{
    About, Notice, Rendered, Step,
    phrase::{Heading, Phrase},
};

#[derive(Template)]
#[template(path = "notice.txt")]
struct Text<'a> {
    notice: &'a Notice,
    words: &'a Words,
    page: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Html<'a> {
    notice: &'a Notice,
    words: &'a Words,
    page: Option<&'a str>,
    colour: &'static str,
    lang: &'static str,
}

/// The template's own words.
struct Words {
    tag: String,
    by_when: String,
    cost: String,
    to_do: String,
    numbers: String,
    links: String,
    page: String,
    not_shown: String,
    foot: String,
    steps: Vec<Told>,
}

/// A step as it is told.
struct Told {
    does: String,
    line: Option<String>,
}

impl Words {
    fn new(notice: &Notice, about: &About<'_>) -> Self {
        let lang = about.lang();
        let say = |phrase: Phrase<'_>| phrase.say(lang);
        let told = |step: &Step| Told { does: step.words(lang), line: step.line.clone() };
        Self {
            tag: say(Phrase::Tag(notice.tag)),
            by_when: say(Phrase::Heading(Heading::ByWhen)),
            cost: say(Phrase::Heading(Heading::Cost)),
            to_do: say(Phrase::Heading(Heading::ToDo)),
            numbers: say(Phrase::Heading(Heading::Numbers)),
            links: say(Phrase::Heading(Heading::Links)),
            page: say(Phrase::Page),
            not_shown: say(Phrase::NotShown),
            foot: about.foot(),
            steps: notice.steps.iter().map(told).collect(),
        }
    }
}

pub(super) fn render(notice: &Notice, about: &About<'_>, subject: String) -> Rendered {
    let words = &Words::new(notice, about);
    let page = about.page;
    let text = Text { notice, words, page }.render();
    let colour = notice.tag.colour();
    let html = Html { notice, words, page, colour, lang: about.lang().html() }.render();
    // Writing into memory does not fail; if it ever does, the headline still gets through.
    Rendered { text: text.unwrap_or_else(|_| subject.clone()), html: html.ok(), subject }
}
