//! Watched hosts in words: choices, charges, rewards.

use bootwatch_rules::{
    Fraction,
    delegates::DelegateFacts,
    forecast::{ChargeRange, ModelForecast, TrackRecord},
    reward::{Cost, CostUnit},
    situation::{HostModelView, HostView, RewardView},
};

use super::{
    Host, HostModel,
    words::{clean, count, gnk, percent},
};

pub(super) fn host(host: &HostView, whole: &str) -> Host {
    Host {
        name: clean(&host.name),
        address: clean(host.address.as_str()),
        weight: match (host.weight, host.known) {
            (Some(weight), _) => format!("weight {}", count(weight)),
            (None, true) => "no live member of the epoch's group".to_owned(),
            (None, false) => "not read yet".to_owned(),
        },
        charges: charges(host, whole),
        models: host.models.iter().map(host_model).collect(),
    }
}

fn charges(host: &HostView, whole: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(charge) = &host.charge {
        let cost = host.cost.as_ref().map(cost).unwrap_or_default();
        lines.push(format!("next epoch takes {} of its {whole}{cost}", range(charge)));
    }
    if let Some(fixed) = &host.fixed {
        let amount = fixed.amount.filter(|amount| *amount > 0);
        let amount = amount.map_or(String::new(), |n| format!(": about {}", gnk(n)));
        lines.push(format!(
            "epoch {} takes {}, which is final{amount}",
            fixed.epoch,
            percent(&fixed.fraction.to_string())
        ));
    }
    lines.extend(host.reward.as_ref().map(reward));
    lines.extend(record(&host.record));
    lines
}

/// `: 0 to about 12.34 GNK of 82.30 GNK, …`; empty when nothing can be taken.
pub(crate) fn cost(cost: &Cost) -> String {
    if cost.most == 0 && cost.shares == 0 {
        return String::new();
    }
    let shares = match cost.shares {
        0 => String::new(),
        shares => format!("; delegates get up to {} besides", about(cost.unit, shares)),
    };
    format!(": {}, {}{shares}", taken(cost), premise(cost))
}

/// `0 GNK to about 12.34 GNK`.
pub(crate) fn taken(cost: &Cost) -> String {
    let most = about(cost.unit, cost.most);
    if cost.least == cost.most {
        most
    } else {
        format!("{} to {most}", amount(cost.unit, cost.least))
    }
}

/// What the amounts rest on.
pub(crate) fn premise(cost: &Cost) -> String {
    match cost.unit {
        CostUnit::Ngonka => {
            format!("if it pays {} before charges as this epoch does", gnk(cost.of))
        }
        CostUnit::Weight => {
            format!("at its present weight of {}", amount(cost.unit, cost.of))
        }
    }
}

/// An amount that rests on an estimate, and nothing where nothing does.
pub(crate) fn about(unit: CostUnit, n: u64) -> String {
    match unit {
        CostUnit::Ngonka if n > 0 => format!("about {}", amount(unit, n)),
        CostUnit::Ngonka | CostUnit::Weight => amount(unit, n),
    }
}

fn amount(unit: CostUnit, n: u64) -> String {
    match unit {
        CostUnit::Ngonka => gnk(n),
        CostUnit::Weight => count(i64::try_from(n).unwrap_or(i64::MAX)),
    }
}

/// What the chain estimates that a host earns.
pub(crate) fn reward(view: &RewardView) -> String {
    let RewardView { epoch, read_at, reward } = view;
    let before = match reward.before_charges {
        Some(before) if before == reward.estimate => ", and nothing is taken from it".to_owned(),
        Some(before) => format!(" after charges and shares, about {} before them", gnk(before)),
        None => " after charges and shares".to_owned(),
    };
    format!(
        "epoch {epoch} pays it {} by the chain's own estimate at block {}{before}",
        gnk(reward.estimate),
        count(*read_at)
    )
}

/// `forecasts right in 12 of 12 epochs`; none before the first was compared.
pub(crate) fn record(record: &TrackRecord) -> Option<String> {
    let TrackRecord { epochs, right, wrong } = record;
    let wrong = wrong.map_or(String::new(), |epoch| format!(", wrong last in epoch {epoch}"));
    let epochs_word = if *epochs == 1 { "epoch" } else { "epochs" };
    (*epochs > 0).then(|| format!("forecasts right in {right} of {epochs} {epochs_word}{wrong}"))
}

/// `15 %`, or `0 % to 15 %` while it is open.
pub(crate) fn range(range: &ChargeRange) -> String {
    let (least, most) = (range.min.to_string(), range.max.to_string());
    if least == most {
        return percent(&most);
    }
    format!("{} to {}", percent(&least), percent(&most))
}

/// `if eligible: 15 %. It does nothing.`: what the model can take, and the outcomes in which it takes something; those in which nothing
/// happens are only in the JSON.
pub(crate) fn outcomes(forecast: &ModelForecast) -> Vec<String> {
    let open = forecast.branches.len() > 1;
    let mut lines =
        vec![format!("can take {} in epoch {}", range(&forecast.charge), forecast.epoch)];
    let costs = forecast
        .branches
        .iter()
        .filter(|branch| {
            !open || branch.fraction != Fraction::default() || branch.transfer.is_some()
        })
        .map(|branch| {
            let condition = match (open, branch.eligible, branch.pre_eligible) {
                (false, ..) => "",
                (true, true, _) => "if eligible: ",
                (true, false, Some(true)) => "if pre-eligible, not eligible: ",
                (true, false, Some(false)) => "if not pre-eligible nor eligible: ",
                (true, false, None) => "if not eligible: ",
            };
            let transfer = match &branch.transfer {
                Some(transfer) => {
                    format!(", and {} to its delegate", percent(&transfer.share.to_string()))
                }
                None => String::new(),
            };
            let fraction = percent(&branch.fraction.to_string());
            format!("{condition}{fraction}{transfer}. {}", clean(&branch.reason))
        });
    lines.extend(costs);
    lines
}

fn host_model(model: &HostModelView) -> HostModel {
    let choice = match &model.choice.delegate_to {
        Some(delegate) => format!("delegate to {}", clean(delegate.as_str())),
        None => clean(&model.choice.kind),
    };
    let mut notes = Vec::new();
    if let Some(since) = model.choice.since {
        notes.push(format!("since block {}", count(since)));
    }
    if let Some(reaches) = model.reaches {
        notes.push(if reaches { "reaches" } else { "does not reach" }.to_owned());
    }
    if let Some(committed) = model.committed {
        notes.push(format!("{} nonces committed", count(i64::from(committed))));
    }
    notes.extend(model.delegate.as_ref().map(delegate));
    HostModel {
        model: clean(model.model_id.as_str()),
        choice,
        notes: notes.join(", "),
        outcomes: model.forecast.as_ref().map(outcomes).unwrap_or_default(),
        act: model.advice.is_some(),
    }
}

/// What the running and the earlier epochs say of a delegate.
pub(crate) fn delegate(facts: &DelegateFacts) -> String {
    let mut text = if facts.serves {
        "its delegate serves it".to_owned()
    } else {
        "its delegate does not serve it now".to_owned()
    };
    let epochs = |served: bool| {
        let before = facts.before.iter().filter(|service| service.served == served);
        before.map(|service| service.epoch.to_string()).collect::<Vec<_>>().join(", ")
    };
    let (served, absent) = (epochs(true), epochs(false));
    if !served.is_empty() {
        text.push_str(&format!(", served it in epoch {served}"));
    }
    if !absent.is_empty() {
        text.push_str(&format!(", not in {absent}"));
    }
    for service in &facts.before {
        if let Some(exclusion) = &service.excluded {
            let reason = clean(&exclusion.reason);
            text.push_str(&format!(", was excluded in epoch {} ({reason})", service.epoch));
        }
    }
    text
}
