//! The page at `/`: the report as HTML, made on the server, readable without a script.

use askama::Template;
use bootwatch_rules::situation::Situation;
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    report::{Endpoint, Report, words},
    situation::Beginning,
};

/// How often the page looks again. Slower than blocks: the reader may be marking a command.
const REFRESH_SECONDS: u32 = 15;

/// The style sheet, of its own because the page allows no inline styles.
pub(super) const STYLE: &str = include_str!("../../assets/style.css");
/// The icon in the browser's tab.
pub(super) const ICON: &str = include_str!("../../assets/icon.svg");

#[derive(Template)]
#[template(path = "status.html")]
struct Page<'a> {
    title: String,
    report: Option<&'a Report>,
    /// Before the first block: why there is none yet, and how the endpoints stand.
    obstacle: Option<String>,
    endpoints: Vec<Endpoint>,
    refresh_seconds: u32,
    version: &'static str,
    shown: String,
}

/// The page for a Situation as it looks at `now`.
///
/// # Errors
/// When the template cannot be written, which writing to memory cannot cause.
pub(super) fn page(
    situation: Option<&Situation>,
    beginning: &Beginning,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<String, askama::Error> {
    let report = situation.map(|situation| Report::new(situation, now, zone));
    Page {
        title: report
            .as_ref()
            .map_or_else(|| "Bootwatch".to_owned(), |r| format!("{} · Bootwatch", r.headline)),
        report: report.as_ref(),
        obstacle: beginning.reason.as_deref().map(words::clean),
        endpoints: beginning.endpoints.iter().map(Endpoint::new).collect(),
        refresh_seconds: REFRESH_SECONDS,
        version: env!("CARGO_PKG_VERSION"),
        shown: words::instant(now, now, zone),
    }
    .render()
}
