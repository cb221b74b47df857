//! Active models: how far each group is from losing its place.

use bootwatch_rules::situation::{Gap, ModelState, Situation};

use super::pieces::{Bar, Number, names, short};
use crate::report::words::{clean, counted, percent};

/// An active model.
pub(super) struct GroupRow {
    pub(super) model: String,
    /// Votes, hosts, weight; empty while that cannot be told.
    pub(super) checks: Vec<Check>,
    /// In whose hands the vote lies.
    pub(super) hands: Option<String>,
}

/// Have against need.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) have: Number,
    pub(super) need: Option<Number>,
    pub(super) spare: String,
    pub(super) met: bool,
    pub(super) bar: Option<Bar>,
}

pub(super) fn groups(s: &Situation) -> Vec<GroupRow> {
    let names = names(s);
    let name = |address: &str| names.get(address).cloned().unwrap_or_else(|| short(address));
    let active = s.models.iter().filter(|model| model.state == ModelState::Active);
    active
        .map(|model| {
            let margin = model.margin.as_ref();
            let hosts = |exempt| if exempt { "not asked for" } else { "" };
            GroupRow {
                model: clean(model.model_id.as_str()),
                checks: margin.map_or_else(Vec::new, |margin| {
                    vec![
                        check("votes", margin.votes, ""),
                        check("hosts", margin.hosts, hosts(margin.exempt_from_hosts)),
                        check("weight", margin.weight, ""),
                    ]
                }),
                hands: margin.map(|margin| {
                    let largest = percent(&margin.largest_share.to_string());
                    let first = margin.pivotal.first().map(|host| name(host.as_str()));
                    match (margin.pivotal_count, first) {
                        (0, _) => "The vote is lost already.".to_owned(),
                        (1, Some(host)) => format!(
                            "Without {host} the vote is lost; the largest host holds {largest}."
                        ),
                        (count, _) => format!(
                            "Without its {} the vote is lost; the largest holds {largest}.",
                            counted(count, "largest host")
                        ),
                    }
                }),
            }
        })
        .collect()
}

fn check(name: &'static str, gap: Gap, excuse: &str) -> Check {
    let met = gap.missing == Some(0) || !excuse.is_empty();
    let spare = match (gap.missing, gap.need) {
        _ if !excuse.is_empty() => excuse.to_owned(),
        (Some(0), Some(need)) => {
            format!("{} to spare", crate::report::words::count(gap.have.saturating_sub(need)))
        }
        (Some(missing), _) => format!("{} missing", crate::report::words::count(missing)),
        (None, _) => "out of reach".to_owned(),
    };
    Check {
        name,
        have: Number::new(gap.have),
        need: gap.need.map(Number::new),
        spare,
        met,
        bar: Bar::new(gap),
    }
}
