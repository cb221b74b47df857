//! The dashboards of Bootwatch. They are written here, once; `grafana/dashboards/*.json` is what
//! Grafana reads, and a test holds the two together:
//! `BOOTWATCH_WRITE_DOCS=1 cargo test -p bootwatch-grafana written` writes them anew.
//!
//! For Grafana 11 to 13, without plugins. Every query names its data source by a variable, and its
//! target by `job` and `instance`.

mod alerting;
mod bootstrap;
mod dashboard;
mod deadlines;
mod hosts;
mod ingest;
mod overview;
mod panel;

pub use self::dashboard::Dashboard;

/// All of them, in the order in which they are read.
#[must_use]
pub fn dashboards() -> Vec<Dashboard> {
    vec![
        overview::dashboard(),
        deadlines::dashboard(),
        bootstrap::dashboard(),
        hosts::dashboard(),
        ingest::dashboard(),
        alerting::dashboard(),
    ]
}
