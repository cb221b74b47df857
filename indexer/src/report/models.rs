//! Models in words.

use bootwatch_rules::situation::{Gap, Gaps, ModelView, Situation, Snapshot};

use super::{
    Bar, Candidate,
    words::{clean, count},
};

pub(super) fn candidate(model: &ModelView, s: &Situation) -> Candidate {
    let costs = if model.penalty_start_epoch > s.epoch.upcoming {
        format!("; costs nothing before epoch {}", model.penalty_start_epoch)
    } else {
        String::new()
    };
    let (verdict, passes) = match &model.gaps {
        Some(gaps) if gaps.pre_eligible => ("would pass the capture now", true),
        Some(_) => ("would not pass the capture now", false),
        None => ("cannot be projected", false),
    };
    let uncertain = match &model.gaps {
        Some(gaps) if gaps.uncertain => ", uncertain",
        _ => "",
    };
    let fell_out = model.fell_out.map_or(String::new(), |fell| {
        format!("; had a group in epoch {}, none since {}", fell.active_in, fell.without_since)
    });
    Candidate {
        model: clean(model.model_id.as_str()),
        verdict: format!("{verdict}{uncertain}{costs}{fell_out}"),
        passes,
        bars: model.gaps.as_ref().map(bars).unwrap_or_default(),
        snapshot: model.snapshot.as_ref().map(outcome),
    }
}

/// What a capture said: `not pre-eligible for epoch 3 at block 114: reach 40 of 67`.
pub(crate) fn outcome(snapshot: &Snapshot) -> String {
    let capture = &snapshot.capture;
    let outcome = if capture.pre_eligible { "pre-eligible" } else { "not pre-eligible" };
    let epoch = snapshot.epoch.map(|epoch| format!(" for epoch {epoch}")).unwrap_or_default();
    let missing: Vec<_> = bars(&snapshot.gaps)
        .into_iter()
        .filter(|bar| !bar.met)
        .map(|bar| format!("{} {} of {}", bar.name, bar.have, bar.need))
        .collect();
    let missing =
        if missing.is_empty() { String::new() } else { format!(": {}", missing.join(", ")) };
    let ours = snapshot.ours.as_ref().map_or(String::new(), |ours| {
        let outcome = if ours.pre_eligible { "pre-eligible" } else { "not pre-eligible" };
        let have = [ours.hosts, ours.weight, ours.reach].map(|gap| count(gap.have));
        let [hosts, weight, reach] = have;
        format!("; by our own count {outcome}: hosts {hosts}, weight {weight}, reach {reach}")
    });
    format!("{outcome}{epoch} at block {}{missing}{ours}", count(capture.snapshot_height))
}

fn bars(gaps: &Gaps) -> Vec<Bar> {
    let bar = |name, gap: Gap| Bar {
        name,
        have: count(gap.have),
        need: gap.need.map_or_else(|| "∞".to_owned(), count),
        missing: match gap.missing {
            None => "out of reach".to_owned(),
            Some(0) => "-".to_owned(),
            Some(missing) => count(missing),
        },
        met: gap.missing == Some(0),
        scale: gap.need.map(|need| (gap.have, need)),
    };
    vec![bar("hosts", gaps.hosts), bar("weight", gaps.weight), bar("reach", gaps.reach)]
}
