use super::super::decimal::decimal;
use super::*;

fn dec(value: i64, exponent: i32) -> Dec {
    Dec::or_zero(Some(&decimal(value, exponent)))
}

fn key(model: &str, host: &str) -> (ModelId, Address) {
    (model.into(), host.into())
}

/// Hosts a to e, all with weight; model `on` is eligible with a and b; model `off` is not, was
/// reported, and was not pre-eligible.
fn outcome(version: Version) -> Outcome {
    let hosts = ["a", "b", "c", "d", "e"];
    Outcome {
        version,
        epoch: 7,
        refusal: dec(1, -1),
        no_participation: dec(15, -2),
        share: dec(5, -2),
        penalty_start: BTreeMap::new(),
        previous: hosts.iter().map(|host| (Address::from(*host), 100)).collect(),
        upcoming: hosts.iter().map(|host| (Address::from(*host), 100)).collect(),
        eligible: BTreeMap::from([("on".into(), BTreeSet::from(["a".into(), "b".into()]))]),
        refusals: BTreeSet::from([key("on", "c"), key("off", "c")]),
        delegations: BTreeMap::from([(key("on", "d"), "a".into())]),
        report: BTreeMap::from([("off".into(), false)]),
        bootstrap_delegations: BTreeSet::from([key("off", "d")]),
        bootstrap_intents: BTreeSet::from([key("off", "b")]),
        commits: BTreeSet::from([key("off", "a")]),
        voted: BTreeSet::new(),
    }
}

fn fraction(charges: &Charges, host: &str) -> Option<Dec> {
    charges.penalties.get(host).copied()
}

#[test]
fn a_candidate_that_missed_costs_whoever_did_nothing_and_whoever_refused() {
    let charges = outcome(Version::V0_2_14).charges();
    assert_eq!(fraction(&charges, "a"), None, "committed");
    assert_eq!(fraction(&charges, "b"), None, "intent, and the model was not pre-eligible");
    assert_eq!(fraction(&charges, "c"), Some(dec(25, -2)), "refusal protects only where it works");
    assert_eq!(fraction(&charges, "d"), None, "delegated both");
    assert_eq!(fraction(&charges, "e"), Some(dec(3, -1)), "nothing, twice");
    let shares = charges.transfers.iter().map(|t| (&*t.from, &*t.to, t.share)).collect::<Vec<_>>();
    assert_eq!(shares, [("d", "a", dec(5, -2))]);
}

#[test]
fn an_intent_without_a_commit_costs_when_the_model_was_pre_eligible() {
    let mut outcome = outcome(Version::V0_2_14);
    outcome.report.insert("off".into(), true);
    let charges = outcome.charges();
    assert_eq!(fraction(&charges, "b"), Some(dec(15, -2)));
}

#[test]
fn since_0_2_16_a_model_that_missed_pre_eligibility_costs_nobody() {
    let mut outcome = outcome(Version::V0_2_16);
    let charges = outcome.charges();
    assert_eq!(fraction(&charges, "c"), Some(dec(1, -1)));
    assert_eq!(fraction(&charges, "e"), Some(dec(15, -2)));
    outcome.report.insert("off".into(), true);
    outcome.previous.remove("e");
    let charges = outcome.charges();
    assert_eq!(fraction(&charges, "a"), Some(dec(15, -2)), "a commit needs a vote");
    assert_eq!(fraction(&charges, "e"), Some(dec(15, -2)), "new: only the eligible model counts");
    outcome.voted.insert(key("off", "a"));
    assert_eq!(fraction(&outcome.charges(), "a"), None);
}

#[test]
fn a_delegate_that_was_not_accepted_is_no_delegate() {
    let mut outcome = outcome(Version::V0_2_14);
    outcome.delegations.insert(key("on", "d"), "e".into());
    let charges = outcome.charges();
    assert_eq!(fraction(&charges, "d"), Some(dec(15, -2)));
    assert!(charges.transfers.is_empty());
}

#[test]
fn before_its_penalty_epoch_a_model_costs_nothing_and_gives_nothing() {
    let mut outcome = outcome(Version::V0_2_14);
    outcome.penalty_start = BTreeMap::from([("on".into(), 8), ("off".into(), 7)]);
    let charges = outcome.charges();
    assert!(charges.transfers.is_empty());
    assert_eq!(fraction(&charges, "c"), Some(dec(15, -2)));
}

#[test]
fn a_host_without_new_weight_is_not_charged_and_the_sum_stops_at_one() {
    let mut outcome = outcome(Version::V0_2_14);
    outcome.no_participation = dec(9, -1);
    outcome.upcoming.insert("c".into(), 0);
    let charges = outcome.charges();
    assert_eq!(fraction(&charges, "c"), None);
    assert_eq!(fraction(&charges, "e"), Some(Dec::ONE));
}

#[test]
fn whoever_was_there_before_still_transfers() {
    let mut outcome = outcome(Version::V0_2_14);
    outcome.upcoming.remove("d");
    let charges = outcome.charges();
    assert_eq!(charges.transfers.len(), 1, "to no effect, but it is listed");
    outcome.previous.remove("d");
    assert!(outcome.charges().transfers.is_empty());
}

#[test]
fn without_any_rate_there_are_no_charges_at_all() {
    let mut outcome = outcome(Version::V0_2_14);
    (outcome.refusal, outcome.no_participation, outcome.share) = (Dec::ZERO, Dec::ZERO, Dec::ZERO);
    assert_eq!(outcome.charges(), Charges::default());
}

#[test]
fn in_0_2_12_charges_change_weights() {
    let charges = outcome(Version::V0_2_12).charges();
    let mut weights =
        BTreeMap::from([("a", 1_000), ("c", 99), ("d", 1_010)].map(|(h, w)| (Address::from(h), w)));
    charges.act_on_weights(&mut weights);
    assert_eq!(weights["c"], 99 - 24, "25% of 99, floored");
    assert_eq!((weights["d"], weights["a"]), (1_010 - 50, 1_050));
}
