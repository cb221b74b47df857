use super::*;

const KIMI: &str = "moonshotai/Kimi-K2.6";

fn bytes(signer: &str, messages: Vec<Any>) -> Vec<u8> {
    tx::Draft::new(&signer.into(), messages).encode(dice::Dice::new(1), 1, 7)
}

fn delegation(sender: &str, to: &str) -> Any {
    let set = MsgSetPoCDelegation {
        sender: sender.to_owned(),
        model_id: KIMI.to_owned(),
        delegate_to: to.to_owned(),
    };
    tx::message(tx::type_url::SET, &set)
}

fn kinds(result: &TxResult) -> Vec<(&str, Vec<(&str, &str)>)> {
    let events = result.events.iter();
    events
        .map(|event| {
            let pairs = event.attributes.iter().map(|a| (a.key.as_str(), a.value.as_str()));
            (event.kind.as_str(), pairs.collect())
        })
        .collect()
}

#[test]
fn a_choice_leaves_nothing_but_the_events_that_every_transaction_has() {
    let mut run = Run::story("quiet");
    let (aspen, beech) = (run.address("aspen"), run.address("beech"));
    let direct = bytes(&aspen, vec![delegation(&aspen, &beech)]);
    let result = run.execute(&[direct]).tx_results[0].clone();
    assert_eq!((result.code, result.log.as_str()), (0, ""));
    let events = kinds(&result);
    let names = events.iter().map(|(kind, pairs)| (*kind, pairs[0].0)).collect::<Vec<_>>();
    assert_eq!(
        names,
        [("tx", "fee"), ("tx", "acc_seq"), ("tx", "signature"), ("message", "action")]
    );
    let message = [
        ("action", "/inference.inference.MsgSetPoCDelegation"),
        ("sender", aspen.as_str()),
        ("module", "inference"),
        ("msg_index", "0"),
    ];
    assert_eq!(events[3].1, message);
    assert_eq!(events[0].1, [("fee", ""), ("fee_payer", aspen.as_str())]);
    let data = TxMsgData::decode(result.data.as_slice()).unwrap();
    assert_eq!(data.msg_responses[0].type_url, "/inference.inference.MsgSetPoCDelegationResponse");
}

#[test]
fn a_warm_key_may_act_and_only_the_outer_action_shows() {
    let mut run = Run::story("quiet");
    let host = run.chain.roster.named("aspen").unwrap().clone();
    let beech = run.address("beech");
    let inner = tx::wrapped(&host.warm, vec![delegation(&host.address, &beech)]);
    let nested = tx::wrapped(&host.warm, vec![inner]);
    let result = run.execute(&[bytes(&host.warm, vec![nested])]).tx_results[0].clone();
    assert_eq!(result.code, 0, "{}", result.log);
    let events = kinds(&result);
    let actions = events.iter().filter(|(kind, _)| *kind == "message").collect::<Vec<_>>();
    assert_eq!(actions.len(), 1);
    assert_eq!(actions[0].1[0], ("action", "/cosmos.authz.v1beta1.MsgExec"));
    assert_eq!(actions[0].1[2], ("module", "authz"));
    let key = (KIMI.into(), host.address.clone());
    assert_eq!(run.chain.state.choices.delegations[&key].as_ref(), beech);
    // A stranger may not.
    let other = run.chain.roster.named("dune").unwrap().clone();
    let stranger = tx::wrapped(&other.warm, vec![delegation(&host.address, "")]);
    let result = run.execute(&[bytes(&other.warm, vec![stranger])]).tx_results[0].clone();
    assert_eq!((result.codespace.as_str(), result.code), ("authz", 2));
}

#[test]
fn every_refusal_has_its_code() {
    let mut run = Run::story("quiet");
    let aspen = run.address("aspen");
    let stranger = address::account(5, "stranger").to_string();
    let model = |id: &str| {
        let intent = MsgDeclarePoCIntent { sender: aspen.clone(), model_id: id.to_owned() };
        tx::message(tx::type_url::INTENT, &intent)
    };
    let cases = [
        (delegation("cosmos1xyz", ""), "sdk", 7, "invalid address"),
        (delegation(&aspen, "gonka1nonsense"), "sdk", 7, "invalid delegate_to address"),
        (model(""), "sdk", 18, "invalid request"),
        (delegation(&aspen, &aspen), "inference", 1175, "self-delegation not allowed"),
        (delegation(&stranger, ""), "inference", 1103, "participant not found"),
        (delegation(&aspen, &stranger), "inference", 1103, "participant not found"),
        (model("nobody/Nothing"), "inference", 1134, "invalid model"),
    ];
    for (message, codespace, code, text) in cases {
        let result = run.execute(&[bytes(&aspen, vec![message])]).tx_results[0].clone();
        assert_eq!((result.codespace.as_str(), result.code), (codespace, code), "{}", result.log);
        assert!(result.log.contains(text), "{}", result.log);
        // Refused before the ante handler: no events. Refused by the module: its events stay.
        let stateful = result.log.starts_with("failed to execute message; message index: 0: ");
        assert_eq!(!result.events.is_empty(), stateful, "{}", result.log);
    }
    let none = run.execute(&[bytes(&aspen, vec![])]).tx_results[0].clone();
    assert_eq!(none.code, 18);
    assert_eq!(run.chain.check(&[0xff, 0xff]).code, 2);
}

#[test]
fn all_messages_of_a_transaction_or_none() {
    let mut run = Run::story("quiet");
    let (aspen, beech) = (run.address("aspen"), run.address("beech"));
    let good = delegation(&aspen, &beech);
    let bad = delegation(&aspen, &address::account(5, "stranger"));
    let result = run.execute(&[bytes(&aspen, vec![good.clone(), bad])]).tx_results[0].clone();
    assert_eq!(result.code, 1103);
    assert!(result.log.contains("message index: 1"), "{}", result.log);
    assert!(run.chain.state.choices.delegations.is_empty());
    let twice = delegation(&aspen, "");
    let result = run.execute(&[bytes(&aspen, vec![good, twice])]).tx_results[0].clone();
    let indexes = kinds(&result).into_iter().filter(|(kind, _)| *kind == "message");
    let indexes = indexes.map(|(_, pairs)| pairs[3].1.to_owned()).collect::<Vec<_>>();
    assert_eq!(indexes, ["0", "1"]);
    assert!(run.chain.state.choices.delegations.is_empty(), "set, then cleared");
}

#[test]
fn commits_keep_to_their_window_and_grow() {
    let mut run = Run::story("quiet");
    run.execute(&[]);
    let aspen = run.address("aspen");
    let commit = |stage: i64, count: u32| {
        let entry = PoCV2CommitEntry { model_id: KIMI.to_owned(), count, root_hash: vec![1; 32] };
        let commit = MsgPoCV2StoreCommit {
            creator: aspen.clone(),
            poc_stage_start_block_height: stage,
            entries: vec![entry],
        };
        bytes(&aspen, vec![tx::message(tx::type_url::COMMIT, &commit)])
    };
    let codes = |executed: &Executed| {
        executed.tx_results.iter().map(|result| result.code).collect::<Vec<_>>()
    };
    // Block 2 of the window 2..=5: wrong stage, none, good, second in the same block.
    let txs = [commit(9, 5), commit(1, 0), commit(1, 5), commit(1, 6)];
    assert_eq!(codes(run.execute(&txs)), [1107, 1137, 0, 1137]);
    assert_eq!(codes(run.execute(&[commit(1, 5)])), [1137], "no more than before");
    assert_eq!(codes(run.execute(&[commit(1, 6)])), [0]);
    run.execute(&[]);
    assert_eq!(codes(run.execute(&[commit(1, 7)])), [1108], "block 6 is too late");
    let request = QueryStageRequest { poc_stage_start_block_height: 1 };
    let all: QueryAllPoCV2StoreCommitsForStageResponse =
        run.query("AllPoCV2StoreCommitsForStage", &request, 0);
    assert_eq!((all.commits.len(), all.commits[0].count), (1, 6));
}

#[test]
fn a_fee_shows_as_a_transfer_and_a_send_as_another() {
    let mut run = Run::story("quiet");
    let (aspen, beech) = (run.address("aspen"), run.address("beech"));
    let send = MsgSend {
        from_address: aspen.clone(),
        to_address: beech.clone(),
        amount: vec![Coin { denom: "ngonka".to_owned(), amount: "5".to_owned() }],
    };
    let mut draft =
        tx::Draft::new(&aspen.as_str().into(), vec![tx::message(tx::type_url::SEND, &send)]);
    draft.fee = 9;
    draft.memo = "x".repeat(256);
    let tx = draft.clone().encode(dice::Dice::new(1), 1, 1);
    let result = run.execute(&[tx]).tx_results[0].clone();
    let events = kinds(&result);
    let names = events.iter().map(|(kind, _)| *kind).collect::<Vec<_>>();
    let bank = ["coin_spent", "coin_received", "transfer", "message"];
    let expected = [&bank[..], &["tx", "tx", "tx", "message"], &bank[..]].concat();
    assert_eq!(names, expected);
    assert_eq!(events[4].1[0], ("fee", "9ngonka"));
    assert_eq!(
        events[8].1,
        [("spender", aspen.as_str()), ("amount", "5ngonka"), ("msg_index", "0")]
    );
    draft.memo.push('x');
    let result = run.chain.check(&draft.encode(dice::Dice::new(1), 1, 1));
    assert_eq!(result.code, 12);
}

#[test]
fn the_background_has_every_kind_of_transaction() {
    let mut run = Run::story("default");
    run.to(400);
    let mut codes = BTreeMap::<(String, u32), usize>::new();
    let mut actions = BTreeMap::<String, usize>::new();
    for result in run.blocks.values().flat_map(|block| &block.tx_results) {
        *codes.entry((result.codespace.clone(), result.code)).or_default() += 1;
        for event in result.events.iter().filter(|event| event.kind == "message") {
            if event.attributes[0].key == "action" {
                *actions.entry(event.attributes[0].value.clone()).or_default() += 1;
            }
        }
    }
    for code in [("authz", 2), ("inference", 1103), ("inference", 1134), ("sdk", 2), ("sdk", 11)] {
        assert!(codes.contains_key(&(code.0.to_owned(), code.1)), "{code:?} of {codes:?}");
    }
    for action in [
        tx::type_url::SET,
        tx::type_url::REFUSE,
        tx::type_url::INTENT,
        tx::type_url::EXEC,
        tx::type_url::COMMIT,
        tx::type_url::DISTRIBUTE,
        tx::type_url::SEND,
        tx::type_url::PROPOSE,
        tx::type_url::VOTE,
    ] {
        assert!(actions.contains_key(action), "{action} of {actions:?}");
    }
}
