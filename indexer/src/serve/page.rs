//! The page at `/`: everything that is published as HTML, made on the server, readable without a
//! script. With one, times count down, what changes is put in its place, and orders can be given.

mod alerts;
mod candidates;
mod chart;
mod groups;
mod history;
mod hosts;
mod now;
mod pieces;
mod timeline;

use askama::Template;
use jiff::{Timestamp, tz::TimeZone};

use self::{
    alerts::Alerts,
    candidates::CandidateModel,
    groups::GroupRow,
    history::History,
    hosts::{Cell, Matrix, WatchedHost},
    now::Now,
    pieces::{Certainty, Moment, Sight},
    timeline::{DueRow, Timeline},
};
use super::{Published, assets::ASSETS};
use crate::{
    report::{Endpoint, Report, record, words},
    situation::Beginning,
};

/// How often the page looks again where no script runs. Slower than blocks: the reader may be marking
/// a command.
const REFRESH_SECONDS: u32 = 15;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    title: String,
    now: Now,
    /// None before the first block.
    body: Option<Body<'a>>,
    beginning: Vec<Endpoint>,
    alerts: Alerts,
    style: String,
    script: String,
    icon: String,
    refresh_seconds: u32,
    version: &'static str,
    shown: Moment,
}

/// What a Situation shows.
struct Body<'a> {
    report: &'a Report,
    chain: String,
    height: String,
    fresh: bool,
    upcoming: u64,
    record: Option<String>,
    projected: Certainty,
    timeline: Option<Timeline>,
    due: Vec<DueRow>,
    matrix: Option<Matrix>,
    hosts: Vec<WatchedHost>,
    candidates: Vec<CandidateModel>,
    groups: Vec<GroupRow>,
    history: History,
    endpoints: Vec<Endpoint>,
}

/// The page as it looks at `now`.
///
/// # Errors
/// When the template cannot be written, which writing to memory cannot cause.
pub(super) fn page(
    published: &Published,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<String, askama::Error> {
    let newest = published.situation.borrow().clone();
    let incidents = published.incidents.borrow().clone();
    let chronicle = published.chronicle.borrow().clone();
    let orders = published.silences.borrow().clone();
    let Beginning { reason, endpoints } = published.beginning.borrow().clone();
    let endpoints = newest.as_ref().map_or(endpoints, |s| s.endpoints.clone());
    // One without a block tells of the endpoints only.
    let situation = newest.filter(|s| s.complete_to > 0);
    let sight = Sight { now, zone, situation: situation.as_deref() };
    let open = published.orders.as_ref().is_some_and(super::OrderCounter::is_open);
    let report = situation.as_deref().map(|s| Report::new(s, now, zone));
    let alerts = Alerts::new(&incidents, &orders, open, &sight);
    let page = Page {
        title: title(report.as_ref()),
        now: match &report {
            Some(report) => Now::new(report, &incidents, &alerts, &sight),
            None => Now::nothing_yet(reason.as_deref().map(words::clean)),
        },
        body: situation.as_deref().zip(report.as_ref()).map(|(s, report)| Body {
            chain: words::clean(&s.chain_id),
            height: words::count(s.complete_to),
            fresh: !s.stale,
            upcoming: s.epoch.upcoming,
            record: record(&s.record),
            projected: Certainty::PROJECTED,
            timeline: Timeline::new(s),
            due: timeline::dues(s, report, &sight),
            matrix: Matrix::new(s, &sight),
            hosts: hosts::hosts(s, report),
            candidates: candidates::candidates(s, report),
            groups: groups::groups(s),
            history: History::new(&chronicle, &sight),
            endpoints: s.endpoints.iter().map(Endpoint::new).collect(),
            report,
        }),
        beginning: endpoints.iter().map(Endpoint::new).collect(),
        alerts,
        style: ASSETS.style.address(),
        script: ASSETS.script.address(),
        icon: ASSETS.icon.address(),
        refresh_seconds: REFRESH_SECONDS,
        version: env!("CARGO_PKG_VERSION"),
        shown: sight.moment(now),
    };
    page.render()
}

/// What the tab says: the first words decide whether somebody opens it.
fn title(report: Option<&Report>) -> String {
    report
        .map_or_else(|| "Bootwatch".to_owned(), |report| format!("{} · Bootwatch", report.headline))
}
