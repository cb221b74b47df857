use super::*;
use crate::{Decimal, ModelId, Network};

fn host(name: &str) -> Address {
    Address::from(name)
}

fn to(name: &str) -> Choice {
    Choice::Delegate { delegate_to: host(name) }
}

fn names(plan: Option<&Plan>) -> Vec<&str> {
    plan.unwrap().steps.iter().map(|step| step.host.as_str()).collect()
}

#[test]
fn the_fewest_hosts_are_named() {
    let members = [("a", 40), ("b", 30), ("c", 20), ("d", 10)].map(|(n, w)| (host(n), w));
    let network = Network::new(members.iter().map(|(host, weight)| (host, *weight))).unwrap();
    let choices = [(host("d"), Choice::Intent), (host("c"), to("b"))];
    let support = Support::new(&network, choices.iter().map(|(host, choice)| (host, choice)));
    let params = DelegationParams {
        w_threshold: Decimal::new(45, -2),
        v_min: 3,
        ..DelegationParams::default()
    };
    let closing = Closing::new(&params, &support);
    assert_eq!(names(closing.hosts.as_ref()), ["a", "b"]);
    assert_eq!(names(closing.weight.as_ref()), ["a"]);
    // b brings c along, which delegates to it; a then needs no hardware of its own.
    assert_eq!(names(closing.reach.as_ref()), ["b", "a"]);
    let steps = &closing.reach.as_ref().unwrap().steps;
    assert_eq!((&steps[0].choose, steps[0].adds_reach), (&Choice::Intent, 50));
    assert_eq!((&steps[1].choose, steps[1].adds_reach), (&to("b"), 40));
    assert_eq!(names(closing.all.as_ref()), ["a", "b"]);
}

#[test]
fn what_cannot_be_closed_is_null() {
    let members = [(host("a"), 10), (host("z"), 0)];
    let network = Network::new(members.iter().map(|(host, weight)| (host, *weight))).unwrap();
    let support = Support::new(&network, []);
    let params = DelegationParams {
        w_threshold: Decimal::new(11, -1),
        v_min: 2,
        ..DelegationParams::default()
    };
    let closing = Closing::new(&params, &support);
    assert_eq!((closing.hosts, closing.weight, closing.all), (None, None, None));
    assert_eq!(closing.reach.unwrap().count, 1);

    let nobody = Network::new([]).unwrap();
    let closing = Closing::new(&DelegationParams::default(), &Support::new(&nobody, []));
    assert_eq!(closing.reach, None);
    assert_eq!(closing.weight, Some(Plan::default()));
}

#[test]
fn one_hosts_choice_is_weighed() {
    let members = [("a", 100), ("b", 60), ("c", 40)].map(|(n, w)| (host(n), w));
    let network = Network::new(members.iter().map(|(host, weight)| (host, *weight))).unwrap();
    let choices = [(host("a"), Choice::Intent), (host("c"), to("b"))];
    let support = Support::new(&network, choices.iter().map(|(host, choice)| (host, choice)));
    let params = DelegationParams { v_min: 2, ..DelegationParams::default() };
    let model = ModelParams {
        model_id: ModelId::from("m"),
        coefficient: None,
        dynamic: false,
        penalty_start_epoch: 0,
    };
    let of = |name| Effects::new(&params, &model, &support, &host(name)).unwrap();

    let intent = of("b").intent.unwrap();
    assert_eq!((intent.hosts_missing, intent.adds_reach, intent.pre_eligible), (0, 100, true));
    let delegate = of("b").delegate.unwrap();
    assert_eq!((delegate.hosts_missing, delegate.adds_reach), (1, 60));
    assert_eq!(of("a"), Effects { intent: None, delegate: None });
    assert_eq!(Effects::new(&params, &model, &support, &host("stranger")), None);
}

#[test]
fn a_long_plan_names_only_its_first_steps() {
    let members: Vec<_> = (0..50).map(|n| (host(&format!("h{n:02}")), 1)).collect();
    let network = Network::new(members.iter().map(|(host, weight)| (host, *weight))).unwrap();
    let params = DelegationParams { v_min: 30, ..DelegationParams::default() };
    let plan = Closing::new(&params, &Support::new(&network, [])).hosts.unwrap();
    assert_eq!((plan.count, plan.steps.len()), (30, MAX_NAMED));
    assert_eq!(plan.steps[0].host.as_str(), "h00");
}
