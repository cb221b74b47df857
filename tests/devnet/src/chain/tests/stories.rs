//! Each story shows what it claims.

use super::*;

const CANDIDATE: &str = "deepseek-ai/DeepSeek-V4-Flash-0731";
const KIMI: &str = "moonshotai/Kimi-K2.6";

fn is_active(run: &Run, model: &str) -> bool {
    run.chain.state.is_active(model)
}

fn captures_of_candidate(run: &Run) -> Vec<(i64, String, String)> {
    let told = run.captures().into_iter().filter(|(_, event)| event["model_id"] == CANDIDATE);
    told.map(|(height, e)| (height, e["pre_eligible"].clone(), e["intent_host_count"].clone()))
        .collect()
}

#[test]
fn misses_then_passes() {
    // The story must hold for any seed and for other lengths.
    for (seed, length) in [(1, 40), (7, 60), (99, 120)] {
        let mut spec = Spec::new(seed, Story::load("misses-then-passes").unwrap());
        spec.timing = Timing::scaled(length);
        spec.dkg_event_bytes = 100;
        let mut run = Run::new(spec);
        run.through(2);
        let told = captures_of_candidate(&run);
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].1.as_str(), told[0].2.as_str()), ("false", "1"));
        let event = run.captures().pop().unwrap().1;
        assert_eq!(event["meets_weight_threshold"], "true");
        assert_eq!(
            (event["meets_v_min"].as_str(), event["meets_reachability"].as_str()),
            ("false", "false")
        );
        let quarter = Some(decimal::decimal(15, -2));
        assert_eq!(run.fraction("aspen"), None, "intent");
        assert_eq!(run.fraction("beech"), None, "delegation");
        assert_eq!(run.fraction("heath"), quarter, "a refusal does not protect");
        assert_eq!(run.fraction("cypress"), quarter, "an intent after the capture neither");
        assert_eq!(run.fraction("grove"), quarter);
        run.through(3);
        let told = captures_of_candidate(&run);
        assert_eq!(told.len(), 2);
        assert_eq!((told[1].1.as_str(), told[1].2.as_str()), ("true", "3"));
        let group = &run.chain.state.groups[&3].models[CANDIDATE];
        assert_eq!(group.validation_weights.len(), 3);
        while run.chain.state.effective < 3 {
            run.step();
        }
        assert!(is_active(&run, CANDIDATE));
    }
}

#[test]
fn failed_delegate() {
    let mut run = Run::story("failed-delegate");
    run.through(2);
    assert_eq!(run.fraction("heath"), None);
    let charges: DelegationRewardTransferSnapshot = run.stored(0x6c).unwrap();
    assert_eq!(charges.transfers.len(), 1);
    let transfer = &charges.transfers[0];
    assert_eq!((&*transfer.model_id, &*transfer.from), (KIMI, &*run.address("heath")));
    assert_eq!(transfer.to, run.address("fjord"));
    assert_eq!(transfer.share, Some(decimal::decimal(5, -2)));
    run.through(3);
    assert!(run.chain.state.groups[&3].models[KIMI].validation_weights.len() >= 6);
    assert_eq!(run.fraction("heath"), Some(decimal::decimal(15, -2)));
    let charges: DelegationRewardTransferSnapshot = run.stored(0x6c).unwrap();
    assert!(charges.transfers.is_empty());
    let request =
        QueryPoCDelegationRequest { participant: run.address("heath"), ..Default::default() };
    let choices: QueryPoCDelegationResponse = run.query("PoCDelegation", &request, 0);
    assert_eq!(choices.delegations.len(), 1, "it changed nothing");
}

#[test]
fn expired_refusal() {
    let mut run = Run::story("expired-refusal");
    let fractions = [2, 3, 4, 5].map(|epoch| {
        run.through(epoch);
        run.fraction("heath").unwrap()
    });
    let (ten, fifteen) = (decimal::decimal(1, -1), decimal::decimal(15, -2));
    assert_eq!(fractions, [ten, fifteen, ten, fifteen]);
}

#[test]
fn moved_capture() {
    let mut run = Run::story("moved-capture");
    run.to(170);
    let told = captures_of_candidate(&run);
    let heights = told.iter().map(|(height, _, _)| *height).collect::<Vec<_>>();
    // PoC starts at 41, 81, 121, 161: moved to 41−8, twice at 81−8 and 81−3, missed for 121,
    // and 161−10.
    assert_eq!(heights, [33, 73, 78, 151]);
    let counts = told.iter().map(|(_, _, count)| count.as_str()).collect::<Vec<_>>();
    assert_eq!(
        counts,
        ["1", "1", "2", "0"],
        "the intent between two captures counts in the second"
    );
    let decided = run.blocks.iter().filter(|(_, block)| {
        block.events.iter().any(|event| {
            event.kind == "active_proposal"
                && event.attributes.iter().any(|a| a.value == "proposal_passed")
        })
    });
    assert_eq!(decided.map(|(height, _)| *height).collect::<Vec<_>>(), [27, 75, 115]);
    let kinds = run.blocks.values().flat_map(|block| &block.tx_results);
    let kinds = kinds.flat_map(|result| &result.events).map(|event| event.kind.as_str());
    let kinds = kinds.collect::<Vec<_>>();
    assert_eq!(kinds.iter().filter(|kind| **kind == "submit_proposal").count(), 6);
    assert!(kinds.contains(&"proposal_vote"));
}

#[test]
fn governance() {
    let open = |run: &Run| {
        let ask = QueryProposalsRequest { proposal_status: 2, pagination: None };
        let answer = run.chain.query("/cosmos.gov.v1.Query/Proposals", &ask.encode_to_vec(), 0);
        QueryProposalsResponse::decode(answer.value.as_slice()).unwrap().proposals
    };
    let plan = |run: &Run| {
        let answer = run.chain.query("/cosmos.upgrade.v1beta1.Query/CurrentPlan", &[], 0);
        let answer = QueryCurrentPlanResponse::decode(answer.value.as_slice()).unwrap();
        answer.plan.map(|plan| (plan.name, plan.height))
    };
    // PoC starts at 41, 81, 121; epochs are effective 13 blocks later.
    let mut run = Run::story("governance");
    run.to(55);
    assert_eq!(open(&run), vec![]);
    run.to(56);
    let [vote] = <[GovProposal; 1]>::try_from(open(&run)).unwrap();
    assert_eq!((vote.id, vote.title.as_str()), (1, "Refusals <b>cost</b> more"));
    assert_eq!(vote.messages[0].type_url, "/inference.inference.MsgUpdateParams");
    let seconds = [vote.submit_time, vote.voting_end_time].map(|time| time.unwrap().seconds);
    let submitted = 1_780_000_000 + 56 * 5;
    assert_eq!(seconds, [submitted, submitted + 5 * 60]);
    run.to(59);
    assert_eq!(
        (open(&run).len(), run.chain.state.delegation_params().refusal_penalty),
        (1, Some(decimal::decimal(1, -1)))
    );
    run.to(60);
    assert_eq!(
        (open(&run).len(), run.chain.state.delegation_params().refusal_penalty),
        (0, Some(decimal::decimal(12, -2)))
    );

    run.to(79);
    assert_eq!((open(&run).len(), plan(&run)), (1, None));
    run.to(80);
    assert_eq!(plan(&run), Some(("v0.2.15".to_owned(), 83)));
    run.to(82);
    assert!(plan(&run).is_some());
    run.to(83);
    assert_eq!(plan(&run), None, "it was carried out");
    let last: QueryGetLastUpgradeHeightResponse = run.query("LastUpgradeHeight", &(), 0);
    assert_eq!((last.found, last.last_upgrade_height), (true, 83));

    run.to(139);
    assert_eq!(plan(&run), Some(("v0.2.16".to_owned(), 339)));
    run.to(144);
    assert_eq!(plan(&run), None, "it was taken back");
}

#[test]
fn quiet() {
    let mut run = Run::story("quiet");
    run.to(80);
    let between = (55..75).filter(|height| !run.blocks[height].tx_results.is_empty()).count();
    assert_eq!(between, 0);
    assert_eq!(captures_of_candidate(&run).len(), 2);
    let charges: DelegationRewardTransferSnapshot = run.stored(0x6c).unwrap();
    assert!(charges.penalties.is_empty() && charges.transfers.is_empty());
}
