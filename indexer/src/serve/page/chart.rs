//! Lines over time as SVG, drawn on the server.

use askama::{Template, filters::HtmlSafe};

use crate::report::words::count;

const WIDTH: i128 = 320;
const HEIGHT: i128 = 80;
/// Room for dots and line ends.
const EDGE: i128 = 6;

/// A value over captures or epochs, and what was needed.
#[derive(Template)]
#[template(
    source = r#"<svg class="chart" viewBox="0 0 320 80" role="img" aria-label="{{ told }}"><path class="axis" d="M0 79H320"/>{% if !need.is_empty() %}<polyline class="need" points="{{ need }}"/>{% endif %}<polyline class="have" points="{{ have }}"/>{% if let Some((x, y)) = last %}<circle class="have" cx="{{ x }}" cy="{{ y }}" r="4"/>{% endif %}</svg>"#,
    ext = "html"
)]
pub(super) struct Chart {
    told: String,
    /// The newest value in words.
    pub(super) newest: String,
    have: String,
    need: String,
    last: Option<(i128, i128)>,
}

impl HtmlSafe for Chart {}

impl Chart {
    /// Values with needs, oldest first; none with fewer than two.
    pub(super) fn new(what: &str, points: &[(i64, Option<i64>)]) -> Option<Self> {
        let (&(first, _), &(newest, need)) = (points.first()?, points.last()?);
        let steps = i128::try_from(points.len()).ok()? - 1;
        let needs = points.iter().filter_map(|(_, need)| *need);
        let top = i128::from(points.iter().map(|(have, _)| *have).chain(needs).max()?.max(1));
        if steps < 1 {
            return None;
        }
        let place = |index: usize, value: i64| {
            let index = i128::try_from(index).unwrap_or(steps);
            let value = i128::from(value.max(0));
            let x = EDGE + (WIDTH - 2 * EDGE) * index / steps;
            (x, HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * value / top)
        };
        let line = |values: Vec<(usize, i64)>| {
            let points = values.into_iter().map(|(index, value)| place(index, value));
            points.map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
        };
        let need_words =
            need.map_or_else(String::new, |need| format!(", where {} is needed", count(need)));
        Some(Self {
            newest: format!(
                "{}{}",
                count(newest),
                need.map_or_else(String::new, |need| format!(" of {}", count(need)))
            ),
            told: format!(
                "{what}: {} values, the first {}, the last {}{need_words}",
                points.len(),
                count(first),
                count(newest)
            ),
            have: line(points.iter().enumerate().map(|(i, (have, _))| (i, *have)).collect()),
            need: line(
                points
                    .iter()
                    .enumerate()
                    .filter_map(|(i, (_, need))| Some((i, (*need)?)))
                    .collect(),
            ),
            last: Some(place(points.len() - 1, newest)),
        })
    }
}
