//! Small pieces of HTML that many sections use. Each is a template of its own, escaped there.

use std::collections::BTreeMap;

use askama::{Template, filters::HtmlSafe};
use bootwatch_rules::situation::{Degree, Gap, Situation};
use jiff::{Timestamp, tz::TimeZone};

use crate::report::words::{clean, count, elapsed, instant};

/// From where things are looked at.
pub(super) struct Sight<'a> {
    pub(super) now: Timestamp,
    pub(super) zone: &'a TimeZone,
    pub(super) situation: Option<&'a Situation>,
}

impl Sight<'_> {
    pub(super) fn moment(&self, at: Timestamp) -> Moment {
        Moment { datetime: machine(at), at: instant(at, self.now, self.zone) }
    }

    pub(super) fn countdown(&self, eta: Timestamp) -> Countdown {
        Countdown { datetime: machine(eta), left: elapsed(self.now, eta) }
    }

    pub(super) fn age(&self, since: Timestamp) -> Age {
        Age { datetime: machine(since), age: elapsed(since, self.now) }
    }

    /// The name of a host as people know it, or its address cut short.
    pub(super) fn name(&self, address: &str) -> String {
        let hosts = self.situation.iter().flat_map(|s| &s.hosts);
        let found = hosts.into_iter().find(|host| host.address.as_str() == address);
        found.map_or_else(|| short(address), |host| clean(&host.name))
    }
}

/// As scripts read times, to the millisecond.
fn machine(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `gonka1qqqs…rykm`.
pub(super) fn short(address: &str) -> String {
    const HEAD: usize = 10;
    const TAIL: usize = 4;
    let chars: Vec<char> = address.chars().collect();
    if chars.len() <= HEAD + TAIL + 1 {
        return clean(address);
    }
    let head: String = chars.iter().take(HEAD).collect();
    let tail: String = chars.iter().skip(chars.len() - TAIL).collect();
    clean(&format!("{head}…{tail}"))
}

/// The names of the watched hosts by address.
pub(super) fn names(s: &Situation) -> BTreeMap<&str, String> {
    s.hosts.iter().map(|host| (host.address.as_str(), clean(&host.name))).collect()
}

/// A time: in UTC, in the zone of the daemon, and by the script in that of the reader.
#[derive(Template)]
#[template(source = r#"<time datetime="{{ datetime }}" data-at>{{ at }}</time>"#, ext = "html")]
pub(super) struct Moment {
    pub(super) datetime: String,
    pub(super) at: String,
}

/// The time left; the script counts it down.
#[derive(Template)]
#[template(
    source = r#"<time class="left" datetime="{{ datetime }}" data-left>{{ left }}</time>"#,
    ext = "html"
)]
pub(super) struct Countdown {
    pub(super) datetime: String,
    pub(super) left: String,
}

/// How long ago; the script counts it up.
#[derive(Clone, Template)]
#[template(
    source = r#"<time class="age" datetime="{{ datetime }}" data-age>{{ age }}</time>"#,
    ext = "html"
)]
pub(super) struct Age {
    pub(super) datetime: String,
    pub(super) age: String,
}

/// How certain the numbers beside it are.
#[derive(Template)]
#[template(
    source = r#"<span class="degree {{ word }}" title="{{ meaning }}">{{ word }}</span>"#,
    ext = "html"
)]
pub(super) struct Certainty {
    word: &'static str,
    meaning: &'static str,
}

impl Certainty {
    pub(super) const PROJECTED: Self =
        Self { word: "projected", meaning: "what the chain would answer if the deadline were now" };
    pub(super) const SNAPSHOT: Self =
        Self { word: "snapshot", meaning: "what the capture said; advisory" };
    pub(super) const FINAL: Self = Self { word: "final", meaning: "what the chain has fixed" };

    pub(super) fn of(degree: Degree) -> Self {
        match degree {
            Degree::Projected => Self::PROJECTED,
            Degree::Snapshot => Self::SNAPSHOT,
            Degree::Final => Self::FINAL,
        }
    }
}

/// A number that programs can read as well.
#[derive(Template)]
#[template(source = r#"<data value="{{ value }}">{{ text }}</data>"#, ext = "html")]
pub(super) struct Number {
    value: i64,
    text: String,
}

impl Number {
    pub(super) fn new(value: i64) -> Self {
        Self { value, text: count(value) }
    }
}

/// Have, drawn against need; the numbers stand beside it.
#[derive(Template)]
#[template(
    source = r#"<svg class="bar{% if met %} met{% endif %}" viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="ground" width="200" height="10"/><rect class="fill" width="{{ fill }}" height="10"/>{% if let Some(at) = mark %}<rect class="mark" x="{{ at }}" width="2" height="10"/>{% endif %}</svg>"#,
    ext = "html"
)]
pub(super) struct Bar {
    met: bool,
    fill: i128,
    /// Where the need lies, when there is more than that.
    mark: Option<i128>,
}

impl Bar {
    /// None when no amount suffices, or nothing is needed.
    pub(super) fn new(gap: Gap) -> Option<Self> {
        const WIDTH: i128 = 200;
        let (have, need) = (i128::from(gap.have.max(0)), i128::from(gap.need?));
        let whole = have.max(need);
        if need <= 0 || whole <= 0 {
            return None;
        }
        Some(Self {
            met: gap.missing == Some(0),
            fill: have * WIDTH / whole,
            mark: (have > need).then(|| (need * WIDTH / whole).min(WIDTH - 2)),
        })
    }
}

impl HtmlSafe for Moment {}
impl HtmlSafe for Countdown {}
impl HtmlSafe for Age {}
impl HtmlSafe for Certainty {}
impl HtmlSafe for Number {}
impl HtmlSafe for Bar {}
