use super::*;
use crate::{Decimal, DelegationParams, Member, ModelGroup, Network, ledger::Standing};

const GUARDIAN: &str = "gonka1y2a9p56kv044327uycmqdexl7zs82fs5ryv5le";

fn host(name: &str) -> Address {
    Address::from(name)
}

fn to(name: &str) -> Choice {
    Choice::Delegate { delegate_to: host(name) }
}

/// Members with weight, and with voting power in the group of `m`.
fn ledger(members: &[(&str, Weight, Weight)], choices: &[(&str, Choice)]) -> Ledger {
    let group = members.iter().filter(|(_, _, power)| *power > 0);
    let state = ChainState {
        params: Params {
            delegation: Some(DelegationParams {
                max_model_voting_power: Decimal::new(3, -1),
                ..DelegationParams::default()
            }),
            ..Params::default()
        },
        members: members
            .iter()
            .map(|(name, weight, _)| Member { host: host(name), weight: *weight, excluded: None })
            .collect(),
        model_groups: vec![ModelGroup {
            model_id: ModelId::from("m"),
            members: group
                .map(|(name, _, power)| GroupMember {
                    host: host(name),
                    weight: 7,
                    voting_power: *power,
                })
                .collect(),
        }],
        ..ChainState::default()
    };
    let stands = |choice: &Choice| Standing { choice: choice.clone(), origin: None, since: 1 };
    let of_model = choices.iter().map(|(name, choice)| (host(name), stands(choice))).collect();
    Ledger {
        state: Some(state),
        choices: [(ModelId::from("m"), of_model)].into(),
        ..Ledger::default()
    }
}

fn with<T>(ledger: &Ledger, ask: impl FnOnce(&Delegates<'_>) -> T) -> T {
    let network = Network::new(ledger.live_members()).unwrap();
    let guardians = [host("g")].into();
    let choices = ledger.choices[&ModelId::from("m")].iter().map(|(host, s)| (host, &s.choice));
    let support = Support::new(&network, choices);
    ask(&Delegates::new(ledger, &support, &guardians, &ModelId::from("m")).unwrap())
}

fn sound(ledger: &Ledger) -> Vec<Address> {
    with(ledger, |delegates| delegates.sound().into_iter().map(|facts| facts.host).collect())
}

#[test]
fn guardians_are_compared_by_their_bytes() {
    let (_, bytes) = bech32::decode(GUARDIAN).unwrap();
    let operator = bech32::encode::<Bech32>(Hrp::parse_unchecked("gonkavaloper"), &bytes).unwrap();
    let params = Params {
        guardians: vec![operator, GUARDIAN.to_owned(), "nonsense".to_owned()],
        ..Params::default()
    };
    assert_eq!(guardian_accounts(&params), [host(GUARDIAN)].into());
}

#[test]
fn what_hangs_on_a_delegate_and_what_the_cap_burns() {
    let members = [("a", 100, 200), ("b", 100, 100), ("c", 100, 0), ("z", 0, 0)];
    let choices = [("c", to("a")), ("z", to("a")), ("stranger", to("a"))];
    with(&ledger(&members, &choices), |delegates| {
        let facts = delegates.facts(&host("a"));
        assert_eq!((facts.delegators, facts.delegated_weight), (1, 100));
        assert_eq!(facts.voting_share.unwrap().to_string(), "2/3");
        assert_eq!(facts.burned, Some(110), "200 ahead, capped at 30% of 300");
        assert!(facts.serves && !facts.guardian);
        let stranger = delegates.facts(&host("stranger"));
        assert_eq!((stranger.weight, stranger.serves), (None, false));
        assert_eq!((stranger.burned, stranger.choice), (None, None));
    });
}

#[test]
fn sound_delegates_of_an_active_model_serve_it_and_spread_the_load() {
    let mut members = vec![("a", 30, 30), ("b", 20, 20), ("c", 25, 25), ("d", 25, 25)];
    members.extend([("g", 10, 10), ("idle", 4, 0), ("zero", 0, 1)]);
    let ledger = ledger(&members, &[("d", Choice::Refuse), ("idle", to("c"))]);
    assert_eq!(
        sound(&ledger),
        [host("b"), host("c"), host("a")],
        "c carries idle's weight; d refuses, g is a guardian, zero has no weight"
    );
    let guardian = |name| with(&ledger, |delegates| delegates.facts(&host(name)).guardian);
    assert!(guardian("g") && !guardian("a"), "by its account, not by the chain's own list");
}

#[test]
fn sound_delegates_of_a_candidate_declared_intent() {
    let members = [("a", 30, 0), ("b", 20, 0), ("c", 25, 0), ("d", 25, 0), ("e", 26, 0)];
    let intent = || Choice::Intent;
    let choices = [("a", intent()), ("b", intent()), ("c", intent()), ("d", intent())];
    let found = sound(&ledger(&members, &choices));
    assert_eq!(found, [host("b"), host("c"), host("d"), host("a")]);
    assert_eq!(sound(&ledger(&members, &[])), []);
}
