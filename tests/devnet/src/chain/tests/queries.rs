use super::*;

#[test]
fn past_states_answer_until_they_are_gone() {
    let mut spec = Spec::new(1, Story::load("quiet").unwrap());
    spec.timing = Timing::scaled(40);
    spec.state_history = 20;
    let mut run = Run::new(spec);
    let early = run.chain.query("/inference.inference.Query/Params", &[], 0);
    assert_eq!((early.code, early.log.contains("not ready")), (26, true));
    run.to(60);
    let at = |height| run.chain.query("/inference.inference.Query/GetCurrentEpoch", &[], height);
    assert_eq!(at(0).height, 60);
    assert_eq!((at(41).code, at(41).height), (0, 41));
    let pruned = at(40);
    assert_eq!((pruned.code, pruned.codespace.as_str()), (18, "sdk"));
    assert_eq!(
        pruned.log,
        "failed to load state at height 40; version does not exist (latest height: 60): invalid request"
    );
    assert_eq!((at(61).code, at(61).log.contains("in the future")), (26, true));
    assert_eq!(at(-1).code, 18);
    let key = run.chain.query("/store/inference/key", &[0x39], 40);
    assert_eq!((key.code, key.log.as_str(), key.value.len()), (0, "version does not exist", 0));
    assert_eq!(run.chain.query("/nothing", &[], 0).code, 6);
    assert_eq!(run.chain.query("/store/bank/key", &[1], 0).code, 6);
    assert_eq!(run.chain.query("/inference.inference.Query/Nothing", &[], 0).code, 6);
}

#[test]
fn the_choices_of_every_host_are_those_of_the_raw_store() {
    let mut run = Run::story("default");
    run.to(115);
    let subspace = |prefix: u8| {
        let answer = run.chain.query("/store/inference/subspace", &[prefix], 0);
        Pairs::decode(answer.value.as_slice()).unwrap().pairs
    };
    let split = |key: &[u8]| {
        let zero = key.iter().position(|byte| *byte == 0).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&key[1..zero]), text(&key[zero + 1..]))
    };
    let mut counted = [0; 3];
    for host in run.chain.hosts() {
        let request =
            QueryPoCDelegationRequest { participant: host.address.clone(), ..Default::default() };
        let answer: QueryPoCDelegationResponse = run.query("PoCDelegation", &request, 0);
        counted[0] += answer.delegations.len();
        counted[1] += answer.refusals.len();
        counted[2] += answer.intents.len();
        for row in &answer.delegations {
            let key = [&[0x35], row.model_id.as_bytes(), &[0], row.delegator.as_bytes()].concat();
            let raw = run.chain.query("/store/inference/key", &key, 0);
            assert_eq!(PoCDelegation::decode(raw.value.as_slice()).unwrap(), *row);
            let one = QueryPoCDelegationRequest {
                participant: host.address.clone(),
                model_id: row.model_id.clone(),
            };
            let one: QueryPoCDelegationResponse = run.query("PoCDelegation", &one, 0);
            assert_eq!(one.delegations.as_slice(), std::slice::from_ref(row));
        }
        for row in &answer.refusals {
            let pair = (row.model_id.clone(), row.participant.clone());
            assert!(subspace(0x36).iter().any(|raw| split(&raw.key) == pair));
        }
    }
    assert_eq!(counted, [0x35, 0x36, 0x37].map(|prefix| subspace(prefix).len()));
    assert!(counted.iter().all(|count| *count > 0), "{counted:?}");
    let all = run.chain.query("/store/inference/subspace", &[], 0);
    let all = Pairs::decode(all.value.as_slice()).unwrap().pairs;
    assert_eq!(all.len(), counted.iter().sum::<usize>());
}

#[test]
fn every_query_answers() {
    let mut run = Run::story("default");
    run.to(47);
    let info: GetNodeInfoResponse = {
        let path = "/cosmos.base.tendermint.v1beta1.Service/GetNodeInfo";
        let answer = run.chain.query(path, &[], 0);
        GetNodeInfoResponse::decode(answer.value.as_slice()).unwrap()
    };
    assert_eq!(info.application_version.unwrap().version, "0.2.14");
    let params: QueryParamsResponse = run.query("Params", &(), 0);
    let params = params.params.unwrap();
    assert_eq!(params.poc_params.unwrap().models.len(), 5);
    let guardians = params.genesis_guardian_params.unwrap().guardian_addresses;
    assert_eq!(guardians.len(), 3);
    assert!(guardians.iter().all(|guardian| guardian.starts_with("gonkavaloper1")));
    let stage = QueryStageRequest { poc_stage_start_block_height: 41 };
    let snapshot: QueryPoCValidationSnapshotResponse =
        run.query("PoCValidationSnapshot", &stage, 0);
    assert!(snapshot.found && snapshot.snapshot.unwrap().total_network_weight > 0);
    let distributions: QueryAllMLNodeWeightDistributionsForStageResponse =
        run.query("AllMLNodeWeightDistributionsForStage", &stage, 0);
    assert!(!distributions.distributions.is_empty());
    let preserved: QueryPreservedNodesSnapshotResponse =
        run.query("PreservedNodesSnapshot", &(), 0);
    assert!(preserved.found);
    let upgrade: QueryGetLastUpgradeHeightResponse = run.query("LastUpgradeHeight", &(), 0);
    assert!(!upgrade.found);
    let confirmation: QueryActiveConfirmationPoCEventResponse =
        run.query("ActiveConfirmationPoCEvent", &(), 0);
    assert!(!confirmation.is_active);
    let page = PageRequest { limit: 4, ..PageRequest::default() };
    let first: QueryModelsAllResponse =
        run.query("ModelsAll", &QueryModelsAllRequest { pagination: Some(page) }, 0);
    assert_eq!(first.model.len(), 4);
    let page = PageRequest { key: first.pagination.unwrap().next_key, ..PageRequest::default() };
    let rest: QueryModelsAllResponse =
        run.query("ModelsAll", &QueryModelsAllRequest { pagination: Some(page) }, 0);
    assert_eq!(rest.model.len(), 2);
    assert!(rest.pagination.unwrap().next_key.is_empty());
    let missing = QueryGetEpochGroupDataRequest { epoch_index: 99, model_id: String::new() };
    let path = "/inference.inference.Query/EpochGroupData";
    let answer = run.chain.query(path, &missing.encode_to_vec(), 0);
    assert_eq!(answer.code, 22);
    assert!(answer.log.starts_with("rpc error: code = NotFound"), "{}", answer.log);
    assert_eq!(run.chain.query(path, &[0xff], 0).code, 18);
}

#[test]
fn proposals_come_in_pages_of_their_status() {
    let mut run = Run::story("quiet");
    run.to(10);
    let proposer = run.chain.hosts()[0].address.clone();
    let submit = |number: u64| {
        let proposal = MsgSubmitProposal {
            proposer: proposer.clone(),
            title: format!("number {number}"),
            ..MsgSubmitProposal::default()
        };
        let message = tx::message(tx::type_url::PROPOSE, &proposal);
        tx::Draft::new(&proposer.as_str().into(), vec![message]).encode(
            dice::Dice::new(1),
            11,
            number,
        )
    };
    run.execute(&(1..=5).map(submit).collect::<Vec<_>>());
    let ask = |proposal_status, key: &[u8], limit| {
        let pagination = Some(PageRequest { key: key.to_vec(), limit, ..PageRequest::default() });
        let request = QueryProposalsRequest { proposal_status, pagination }.encode_to_vec();
        let answer = run.chain.query("/cosmos.gov.v1.Query/Proposals", &request, 0);
        let answer = QueryProposalsResponse::decode(answer.value.as_slice()).unwrap();
        let ids = answer.proposals.iter().map(|open| open.id).collect::<Vec<_>>();
        (ids, answer.pagination.unwrap().next_key)
    };
    let (ids, next) = ask(2, &[], 2);
    assert_eq!(ids, [1, 2]);
    let (ids, next) = ask(2, &next, 2);
    assert_eq!(ids, [3, 4]);
    assert_eq!(ask(2, &next, 2), (vec![5], vec![]));
    assert_eq!(ask(0, &[], 0).0.len(), 5);
    assert_eq!(ask(3, &[], 0), (vec![], vec![]), "none has passed");
}

#[test]
fn the_estimate_follows_the_charges() {
    let mut run = Run::story("expired-refusal");
    run.through(2);
    while run.chain.state.effective < 2 {
        run.step();
    }
    let estimate = |name: &str| {
        let request = QueryEstimateBitcoinRewardRequest { participant: run.address(name) };
        let answer: QueryEstimateBitcoinRewardResponse =
            run.query("EstimateBitcoinReward", &request, 0);
        answer.settle_amount.unwrap()
    };
    let weights = run.chain.state.live_weights();
    let weight = |name: &str| weights[run.address(name).as_str()];
    let total: i64 = weights.values().sum();
    let full = |weight: i64| {
        u64::try_from(i128::from(weight) * 285_000_000_000_000 / i128::from(total)).unwrap()
    };
    let heath = weight("heath");
    assert_eq!(estimate("heath").reward_coins, full(heath - heath / 10));
    assert_eq!(estimate("aspen").reward_coins, full(weight("aspen")));
    assert_eq!(estimate("aspen").epoch_index, 2);
    let stranger = QueryEstimateBitcoinRewardRequest { participant: "gonka1x".to_owned() };
    let path = "/inference.inference.Query/EstimateBitcoinReward";
    assert_eq!(run.chain.query(path, &stranger.encode_to_vec(), 0).code, 22);
}
