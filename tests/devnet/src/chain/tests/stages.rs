use super::*;

/// Epochs of 40 blocks: PoC start at 1, 41, …; validation start 5, validation end 10 and effective
/// 13 blocks later; capture 6 blocks before PoC start.
#[test]
fn every_stage_is_where_the_parameters_put_it() {
    let mut run = Run::story("quiet");
    run.to(130);
    let heights = |kind: &str| {
        let with = run.blocks.iter().filter(|(_, b)| b.events.iter().any(|e| e.kind == kind));
        with.map(|(height, _)| *height).collect::<Vec<_>>()
    };
    assert_eq!(heights("cosmos.group.v1.EventCreateGroup"), [1, 41, 81, 121]);
    assert_eq!(heights("bootstrap_model_preeligibility"), [35, 75, 115]);
    assert_eq!(heights("inference.bls.EventKeyGenerationInitiated"), [11, 51, 91]);
    assert_eq!(heights("cosmos.group.v1.EventUpdateGroup"), [11, 51, 91]);
    let epoch =
        |height| run.query::<QueryGetCurrentEpochResponse>("GetCurrentEpoch", &(), height).epoch;
    assert_eq!([13, 14, 53, 54].map(epoch), [0, 1, 1, 2]);
    let latest = |height| {
        let info: QueryEpochInfoResponse = run.query("EpochInfo", &(), height);
        let latest = info.latest_epoch.unwrap();
        assert_eq!(info.block_height, height);
        (latest.index, latest.poc_start_block_height)
    };
    assert_eq!([40, 41, 54, 80, 81].map(latest), [(1, 1), (2, 41), (2, 41), (2, 41), (3, 81)]);
}

#[test]
fn the_event_has_ten_attributes_in_order_and_the_mode_last() {
    let mut run = Run::story("quiet");
    run.to(35);
    let block = &run.blocks[&35];
    let event = &block.events[0];
    assert_eq!(event.kind, "bootstrap_model_preeligibility");
    let keys = event.attributes.iter().map(|a| a.key.as_str()).collect::<Vec<_>>();
    let expected = [
        "snapshot_height",
        "model_id",
        "pre_eligible",
        "meets_weight_threshold",
        "meets_v_min",
        "meets_reachability",
        "intent_host_count",
        "intent_weight",
        "reachable_voting_power",
        "total_network_weight",
        "mode",
    ];
    assert_eq!(keys, expected);
    assert!(event.attributes.iter().all(|attribute| attribute.index));
    assert_eq!(event.attributes[10].value, "EndBlock");
    assert_eq!(event.attributes[0].value, "35");
    let snapshot: BootstrapDelegationSnapshot = run.stored(0x39).unwrap();
    assert_eq!(snapshot.preeligibility.len(), 1);
    assert_eq!(snapshot.total_network_weight.to_string(), event.attributes[9].value);
}

#[test]
fn in_a_lively_network_the_snapshot_says_what_the_events_said() {
    let mut run = Run::story("default");
    let mut seen = 0;
    for _ in 0..400 {
        run.step();
        let height = run.chain.height();
        let told = run.captures().into_iter().filter(|(at, _)| *at == height).collect::<Vec<_>>();
        if told.is_empty() {
            continue;
        }
        let snapshot: BootstrapDelegationSnapshot = run.stored(0x39).unwrap();
        assert_eq!(snapshot.preeligibility.len(), told.len());
        for (row, (_, event)) in snapshot.preeligibility.iter().zip(&told) {
            assert_eq!(event["model_id"], row.model_id);
            assert_eq!(event["pre_eligible"], row.pre_eligible.to_string());
            assert_eq!(event["intent_weight"], row.intent_weight.to_string());
            assert_eq!(event["reachable_voting_power"], row.reachable_voting_power.to_string());
        }
        let sorted = told.windows(2).all(|pair| pair[0].1["model_id"] < pair[1].1["model_id"]);
        assert!(sorted, "ascending by model");
        seen += told.len();
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn validation_end_wipes_refusals_and_intents_and_leaves_delegations() {
    let mut run = Run::story("default");
    run.to(50);
    let before = run.chain.state.choices.clone();
    assert!(!before.refusals.is_empty() && !before.intents.is_empty());
    run.to(51);
    let after = &run.chain.state.choices;
    assert!(after.refusals.is_empty() && after.intents.is_empty());
    assert!(!after.delegations.is_empty());
}

#[test]
fn the_same_blocks_give_the_same_chain() {
    let mut run = Run::story("default");
    run.to(120);
    let mut again = Run::story("default");
    let spec = run.chain.spec().clone();
    let mut replayed = Chain::new(spec).unwrap();
    for height in 1..=120 {
        let txs = again.chain.proposal(height);
        let time = jiff::Timestamp::from_second(1_780_000_000 + height * 5).unwrap();
        again.execute(&txs);
        assert_eq!(replayed.execute(height, time, &txs), run.blocks[&height], "{height}");
    }
    assert_eq!(again.chain.app_hash(), run.chain.app_hash());
    assert_eq!(replayed.app_hash(), run.chain.app_hash());

    // What makes the comparison able to fail: one transaction less.
    let mut other = Run::story("default");
    other.to(119);
    let mut txs = other.chain.proposal(120);
    txs.push(vec![1, 2, 3]);
    other.execute(&txs);
    assert_ne!(other.chain.app_hash(), run.chain.app_hash());
}

#[test]
fn another_seed_is_another_network() {
    let story = Story::load("default").unwrap();
    let one = Chain::new(Spec::new(1, story.clone())).unwrap();
    let two = Chain::new(Spec::new(2, story)).unwrap();
    assert_ne!(one.hosts(), two.hosts());
    assert_ne!(one.app_hash(), two.app_hash());
    assert_eq!(one.hosts().len(), 20);
}

#[test]
fn an_excluded_host_leaves_the_weights_at_once_and_the_group_data_stays() {
    let mut run = Run::story("default");
    // Epoch 3's PoC starts at 81, its capture is at 75; the exclusion is 5 blocks before.
    run.to(69);
    let before = run.chain.state.live_weights();
    run.to(70);
    let events = &run.blocks[&70].events;
    assert!(events.iter().any(|event| event.kind == "cosmos.group.v1.EventUpdateGroup"));
    let host = run.address("tamarack");
    let after = run.chain.state.live_weights();
    assert!(before.contains_key(host.as_str()) && !after.contains_key(host.as_str()));
    let list: QueryExcludedParticipantsResponse =
        run.query("ExcludedParticipants", &QueryExcludedParticipantsRequest { epoch_index: 0 }, 0);
    assert_eq!(list.items.len(), 1);
    assert_eq!(list.items[0].address, host);
    assert_eq!((list.items[0].epoch_index, list.items[0].exclusion_block_height), (2, 70));
    let group: QueryGetEpochGroupDataResponse = run.query("CurrentEpochGroupData", &(), 0);
    let members = group.epoch_group_data.unwrap().validation_weights;
    assert!(members.iter().any(|member| member.member_address == host), "not pruned");
    run.to(75);
    let (_, event) = run.captures().pop().unwrap();
    let total: i64 = after.values().sum();
    assert_eq!(event["total_network_weight"], total.to_string());
}

#[test]
fn a_host_that_joins_is_not_read_until_its_first_epoch() {
    let mut run = Run::story("default");
    let host = run.address("sequoia");
    run.to(36);
    assert!(run.chain.state.participants.contains(host.as_str()));
    let snapshot: BootstrapDelegationSnapshot = run.stored(0x39).unwrap();
    assert!(snapshot.intents.iter().all(|row| row.participant != host));
    assert!(run.chain.state.choices.intents.iter().any(|(_, who)| **who == *host));
    run.to(60);
    assert!(run.chain.state.live_weights().contains_key(host.as_str()));
}

#[test]
fn when_nobody_computes_the_old_members_are_seated_again() {
    let mut run = Run::story("quiet");
    run.to(41);
    while run.chain.height() < 51 {
        run.execute(&[]);
    }
    let fallback =
        run.blocks[&51].events.iter().find(|e| e.kind == "empty_epoch_fallback_applied").unwrap();
    assert_eq!(fallback.attributes[0].value, "2");
    assert_eq!(fallback.attributes[1].value, "8");
    run.to(54);
    assert_eq!((run.chain.state.effective, run.chain.state.live_weights().len()), (2, 8));
}

#[test]
fn when_there_is_nobody_to_seat_nothing_is_formed_and_nothing_is_wiped() {
    let mut run = Run::story("quiet");
    let mut txs = Vec::new();
    for host in &run.chain.roster.hosts {
        let intent = MsgDeclarePoCIntent {
            sender: host.address.to_string(),
            model_id: "moonshotai/Kimi-K2.6".to_owned(),
        };
        let message = tx::message(tx::type_url::INTENT, &intent);
        let draft = tx::Draft::new(&host.address, vec![message]);
        txs.push(draft.encode(dice::Dice::new(1), 1, 1));
    }
    run.execute(&txs);
    while run.chain.height() < 14 {
        run.execute(&[]);
    }
    let error = run.blocks[&11].events.iter().find(|event| event.kind == "epoch_error").unwrap();
    assert_eq!(error.attributes[0].value, "empty_epoch_fallback");
    assert_eq!(run.chain.state.choices.intents.len(), 8);
    assert_eq!(run.chain.state.live_weights().len(), 0);
}

#[test]
fn an_epoch_length_below_what_has_passed_stops_the_clock() {
    let text = "shows = 'stuck'\nhosts = 5\nbackground = { choices = false, failures = false }\n\
        [[step]]\nepoch = 2\nat = 'poc_start-4'\ndo = 'set-params'\nparams = { epoch_length = 25 }\n";
    let mut spec = Spec::new(1, Story::parse("stuck", text).unwrap());
    spec.timing = Timing::scaled(40);
    let mut run = Run::new(spec);
    run.to(120);
    // In force from block 37: PoC start of epoch 2 would have been at 26, and effective at 39.
    assert_eq!(run.chain.state.effective, 2, "flips to an epoch that has no record");
    assert!(!run.chain.state.epochs.contains_key(&2));
    assert!(run.captures().iter().all(|(height, _)| *height <= 35));
}

#[test]
fn before_0_2_14_there_are_no_stored_charges_and_weights_shrink() {
    let run_with = |version| {
        let mut spec = Spec::new(1, Story::load("expired-refusal").unwrap());
        spec.timing = Timing::scaled(40);
        spec.version = version;
        let mut run = Run::new(spec);
        run.through(2);
        run
    };
    let (old, new) = (run_with(Version::V0_2_12), run_with(Version::V0_2_14));
    assert!(old.stored::<DelegationRewardTransferSnapshot>(0x6c).is_none());
    let weight = |run: &Run| {
        let heath = run.address("heath");
        *run.chain.state.groups[&2].weights.get(heath.as_str()).unwrap()
    };
    // Heath refused one model: 10 %.
    assert_eq!(weight(&old), weight(&new) - weight(&new) / 10);
}

#[test]
fn active_models_come_and_go_over_thirty_epochs_of_a_lively_network() {
    let mut run = Run::story("default");
    let mut activity = BTreeMap::<String, Vec<bool>>::new();
    let mut charged = 0;
    for epoch in 1..=30 {
        run.through(epoch);
        let groups = run.chain.state.groups[&epoch].clone();
        assert!(groups.weights.len() > 8, "epoch {epoch} has {} hosts", groups.weights.len());
        for (model, group) in &groups.models {
            let active = group.validation_weights.iter().any(|member| member.voting_power > 0);
            activity.entry(model.to_string()).or_default().push(active);
        }
        let charges: DelegationRewardTransferSnapshot = run.stored(0x6c).unwrap();
        assert_eq!(charges.epoch_index, epoch);
        charged += charges.penalties.len();
    }
    assert!(charged > 100);
    let served = |model: &str| activity[model].iter().filter(|active| **active).count();
    assert!(served("MiniMaxAI/MiniMax-M2.7") >= 15, "{activity:?}");
    let changes =
        |model: &str| activity[model].windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes("deepseek-ai/DeepSeek-V4-Flash-0731") >= 2, "{activity:?}");
    let passed = run.captures().iter().filter(|(_, event)| event["pre_eligible"] == "true").count();
    assert!(passed >= 2, "{passed}");
}

#[test]
fn parameters_that_make_no_sense_are_not_taken() {
    let text = "shows = 'refused'\nhosts = 5\nbackground = { choices = false, failures = false }\n\
        [[step]]\nheight = 20\ndo = 'set-params'\nparams = { w_threshold = { value = 2, exponent = 0 } }\n\
        [[step]]\nheight = 30\ndo = 'set-params'\nparams = { epoch_length = -1 }\n";
    let mut spec = Spec::new(1, Story::parse("refused", text).unwrap());
    spec.timing = Timing::scaled(40);
    let mut run = Run::new(spec);
    let before = run.chain.state.params.clone();
    run.to(45);
    let decided = |height: i64| {
        let block = &run.blocks[&height];
        let event = block.events.iter().find(|event| event.kind == "active_proposal").unwrap();
        (event.attributes[1].value.clone(), event.attributes[2].value.clone())
    };
    assert_eq!(decided(20).0, "proposal_failed");
    assert!(decided(30).1.contains("epoch_length"), "{}", decided(30).1);
    assert_eq!(run.chain.state.params, before);
}

#[test]
fn the_newest_rules_run_too() {
    let mut spec = Spec::new(3, Story::load("default").unwrap());
    spec.timing = Timing::scaled(40);
    spec.version = Version::V0_2_16;
    spec.dkg_event_bytes = 0;
    let mut run = Run::new(spec);
    run.through(10);
    let charges: DelegationRewardTransferSnapshot = run.stored(0x6c).unwrap();
    assert_eq!(charges.epoch_index, 10);
    assert!(run.chain.state.groups[&10].weights.len() > 8);
    let params: QueryParamsResponse = run.query("Params", &(), 0);
    let models = params.params.unwrap().poc_params.unwrap().models;
    assert!(models.iter().all(|model| model.weight_scale_factor.is_none()));
    let pairs = run.chain.query("/store/inference/subspace", &[0x35], 0);
    let pairs = Pairs::decode(pairs.value.as_slice()).unwrap().pairs;
    let value = PoCDelegation::decode(pairs[0].value.as_slice()).unwrap();
    assert!(value.model_id.is_empty() && !value.delegate_to.is_empty());
}

#[test]
fn thousands_of_hosts_form_an_epoch() {
    let mut spec = Spec::new(1, Story::load("default").unwrap());
    spec.timing = Timing::scaled(40);
    spec.hosts = Some(1_000);
    spec.dkg_event_bytes = 0;
    let mut run = Run::new(spec);
    run.through(1);
    let groups = &run.chain.state.groups[&1];
    assert!(groups.weights.len() > 700, "{}", groups.weights.len());
    assert_eq!(run.chain.hosts().len(), 1_000);
}
