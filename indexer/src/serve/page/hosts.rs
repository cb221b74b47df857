//! The watched hosts: a matrix of mode, charge and last useful height, and the details of each.

use bootwatch_rules::{
    Mode, ModelId,
    forecast::LeverAction,
    situation::{HostModelView, HostView, Situation},
};

use super::pieces::{Certainty, Sight};
use crate::report::{
    Host, Report, name, range,
    words::{clean, count, percent},
};

/// Hosts against models; whichever there are fewer of are the columns.
pub(super) struct Matrix {
    pub(super) corner: &'static str,
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Row>,
}

/// A row.
pub(super) struct Row {
    pub(super) head: String,
    pub(super) cells: Vec<Cell>,
}

/// A host and a model.
#[derive(Clone)]
pub(super) enum Cell {
    /// The model is not watched for the host.
    Unwatched,
    /// It is.
    Watched(Stand),
}

/// How a host stands with a model.
#[derive(Clone)]
pub(super) struct Stand {
    /// The stored choice.
    pub(super) choice: String,
    /// How the chain would resolve it: each mode that is still possible.
    pub(super) mode: Option<String>,
    /// What that takes.
    pub(super) charge: Option<String>,
    /// The last block at which it can be changed.
    pub(super) until: Option<Until>,
    /// There is something to do.
    pub(super) act: bool,
}

/// A last useful block.
#[derive(Clone)]
pub(super) struct Until {
    pub(super) block: String,
    pub(super) what: String,
}

/// A host with its words, and what of it is fixed.
pub(super) struct WatchedHost {
    pub(super) host: Host,
    pub(super) excluded: Option<String>,
    pub(super) forecast: Option<String>,
    pub(super) fixed: Option<String>,
    pub(super) forecast_degree: Certainty,
    pub(super) fixed_degree: Certainty,
}

impl Matrix {
    /// None when no host is watched, or no model is known.
    pub(super) fn new(s: &Situation, sight: &Sight<'_>) -> Option<Self> {
        let models: Vec<_> = s
            .models
            .iter()
            .map(|model| &model.model_id)
            .filter(|id| s.hosts.iter().any(|host| host.models.iter().any(|m| m.model_id == **id)))
            .collect();
        if s.hosts.is_empty() || models.is_empty() {
            return None;
        }
        let cell = |host: &HostView, id: &ModelId| {
            let found = host.models.iter().find(|model| model.model_id == *id);
            found.map_or(Cell::Unwatched, |model| Cell::Watched(stand(model, sight)))
        };
        let host_names = s.hosts.iter().map(|host| clean(&host.name));
        let model_names = models.iter().map(|id| clean(id.as_str()));
        Some(if s.hosts.len() > models.len() {
            let row = |(host, head): (&HostView, String)| Row {
                head,
                cells: models.iter().map(|id| cell(host, id)).collect(),
            };
            Self {
                corner: "host",
                columns: model_names.collect(),
                rows: s.hosts.iter().zip(host_names).map(row).collect(),
            }
        } else {
            let row = |(id, head)| Row {
                head,
                cells: s.hosts.iter().map(|host| cell(host, id)).collect(),
            };
            Self {
                corner: "model",
                columns: host_names.collect(),
                rows: models.iter().copied().zip(model_names).map(row).collect(),
            }
        })
    }
}

fn stand(model: &HostModelView, sight: &Sight<'_>) -> Stand {
    let choice = match &model.choice.delegate_to {
        Some(delegate) => format!("delegate to {}", sight.name(delegate.as_str())),
        None => clean(&model.choice.kind),
    };
    let forecast = model.forecast.as_ref();
    let mut modes: Vec<&str> = forecast
        .into_iter()
        .flat_map(|forecast| &forecast.branches)
        .filter_map(|branch| branch.mode.map(mode))
        .collect();
    modes.dedup();
    Stand {
        choice,
        mode: one_of(&modes),
        charge: forecast.map(|forecast| range(&forecast.charge)),
        until: until(model),
        act: model.advice.is_some(),
    }
}

/// `direct, delegate or none`.
fn one_of(words: &[&str]) -> Option<String> {
    match words {
        [] => None,
        [only] => Some((*only).to_owned()),
        [first @ .., last] => Some(format!("{} or {last}", first.join(", "))),
    }
}

/// The last block of the advice; without one, the last of everything that can still be done.
fn until(model: &HostModelView) -> Option<Until> {
    let advised = model.advice.as_ref().map(|advice| (advice.last_height, advice.deadline));
    let levers = model.forecast.iter().flat_map(|forecast| &forecast.levers);
    // Serving is work, not a choice that could be changed by a command.
    let levers = levers.filter(|lever| lever.action != LeverAction::Commit);
    let last = levers.map(|lever| (lever.last_height, lever.deadline)).max_by_key(|l| l.0);
    let (height, deadline) = advised.or(last)?;
    Some(Until { block: count(height), what: name(deadline).to_owned() })
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Direct => "direct",
        Mode::Delegate => "delegate",
        Mode::Refuse => "refuse",
        Mode::None => "none",
        Mode::BootstrapDirect => "bootstrap direct",
        Mode::BootstrapDelegate => "bootstrap delegate",
        Mode::BootstrapIntentOk => "bootstrap intent, kept",
        Mode::BootstrapIntentMissed => "bootstrap intent, missed",
        Mode::BootstrapNone => "bootstrap none",
    }
}

pub(super) fn hosts(s: &Situation, report: &Report) -> Vec<WatchedHost> {
    let excluded = |host: &HostView| {
        let exclusion = host.excluded.as_ref()?;
        let (reason, at) = (clean(&exclusion.reason), count(exclusion.height));
        Some(format!("removed from the epoch at block {at}: {reason}"))
    };
    s.hosts
        .iter()
        .zip(&report.hosts)
        .map(|(view, host)| WatchedHost {
            host: host.clone(),
            excluded: excluded(view),
            forecast: view.charge.as_ref().map(range),
            fixed: view.fixed.map(|fixed| {
                format!("epoch {} takes {}", fixed.epoch, percent(&fixed.fraction.to_string()))
            }),
            forecast_degree: Certainty::PROJECTED,
            fixed_degree: Certainty::FINAL,
        })
        .collect()
}
