//! Answers from a database that was filled by hand.

use bootwatch_rules::{
    BlockFacts, ChainEvent, ChainState, Choice, ChoiceTx, Decimal, DelegationParams, Epoch,
    EpochParams, Height, HostChoices, Member, MessagePath, ModelParams, Observation, Params,
    Position, RuleSet, forecast::KeptForecast, ledger::Ledger,
};
use bootwatch_schema::{ChoiceOrigin, Commit, SqliteStore, Store as _, Unfillable};
use tempfile::TempDir;

use super::*;

const BASE: Height = 1070;
const HOST: &str = "a";

struct Chain {
    folder: TempDir,
    store: SqliteStore,
    ledger: Ledger,
}

/// Epoch 11: capture 1080, PoC start 1100, validation start 1115, validation end 1135, effective
/// 1145. Two members of 100, one candidate.
fn state(height: Height) -> ChainState {
    let epoch = |index, poc_start| Epoch { index, poc_start };
    let latest = if height >= 1100 { epoch(11, 1100) } else { epoch(10, 1000) };
    let member = |host: &str| Member { host: host.into(), weight: 100, excluded: None };
    ChainState {
        height,
        params: Params {
            epoch: EpochParams {
                epoch_length: 100,
                poc_stage_duration: 10,
                poc_validation_delay: 5,
                poc_validation_duration: 20,
                set_new_validators_delay: 10,
                ..EpochParams::default()
            },
            delegation: Some(DelegationParams {
                deploy_window: 20,
                v_min: 1,
                refusal_penalty: Decimal::new(1, -1),
                no_participation_penalty: Decimal::new(15, -2),
                ..DelegationParams::default()
            }),
            models: vec![ModelParams {
                model_id: "m".into(),
                coefficient: None,
                dynamic: false,
                penalty_start_epoch: 11,
            }],
            ..Params::default()
        },
        effective: epoch(10, 1000),
        latest,
        members: vec![member(HOST), member("b")],
        governance_models: vec!["m".into()],
        ..ChainState::default()
    }
}

impl Chain {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("b.db"), "c").unwrap();
        Self { folder, store, ledger: Ledger::default() }
    }

    fn desk(&self) -> Desk {
        Desk::of_store(&self.folder.path().join("b.db"))
    }

    /// The base at its first block, then empty blocks up to `to`.
    fn run(&mut self, blocks: std::ops::RangeInclusive<Height>, change: impl Fn(&mut BlockFacts)) {
        for height in blocks {
            let mut facts = BlockFacts {
                height,
                hash: format!("{height:X}"),
                parent: format!("{:X}", height - 1),
                time: Timestamp::from_second(1_787_000_000 + height * 5).unwrap(),
                tx_count: 0,
                captures: vec![],
                choices: vec![],
                commits: vec![],
                distributions: vec![],
                events: vec![],
                malformed: vec![],
            };
            change(&mut facts);
            let observation = (height == BASE).then(|| Observation {
                state: Some(state(height)),
                choices: vec![HostChoices { host: HOST.into(), choices: vec![] }],
                app_version: Some("0.2.14".into()),
                ..Observation::default()
            });
            let kept = self
                .ledger
                .forms_at(height)
                .then(|| KeptForecast::new(&self.ledger, RuleSet::V0_2_14, BASE, &[]).unwrap());
            let changes = self.ledger.apply(&facts, observation.as_ref());
            let commit = Commit {
                facts: &facts,
                forecast: kept.as_ref(),
                observation: observation.as_ref(),
                changes: &changes,
                ledger: &self.ledger,
                incidents: &[],
                messages: &[],
            };
            self.store.commit(&commit).unwrap();
        }
    }
}

fn refusal_at_1110(facts: &mut BlockFacts) {
    if facts.height == 1110 {
        facts.choices.push(ChoiceTx {
            position: Position { height: 1110, tx_index: 3, path: MessagePath(vec![0, 1]) },
            tx_hash: "AB".into(),
            host: HOST.into(),
            model_id: "m".into(),
            action: ChoiceAction::Refuse,
            code: 0,
        });
        facts.events.push(ChainEvent {
            seq: 7,
            tx_index: None,
            kind: "slash_collateral".into(),
            attributes: vec![("reason".into(), "a \"quoted\", text\nwith a line".into())],
        });
    }
}

#[test]
fn a_choice_is_traced_to_its_transaction_at_the_height_that_froze_it() {
    let mut chain = Chain::new();
    chain.run(BASE..=1120, refusal_at_1110);
    let now = Timestamp::UNIX_EPOCH;
    let answer = chain.desk().explain(&HOST.into(), None, None, now).unwrap();
    assert_eq!((answer.epoch, answer.height), (11, 1120));
    let heights = (answer.course.capture, answer.course.validation_start, answer.course.effective);
    assert_eq!(heights, (Some(1080), Some(1115), Some(1145)));
    assert_eq!(answer.rule_set.name, RuleSet::V0_2_14.to_string());
    let model = &answer.models[0];
    assert!(model.at_capture.frozen && model.at_capture.known);
    assert_eq!(model.at_capture.choice, None, "the refusal came after the capture");
    let stored = model.at_validation_start.choice.as_ref().unwrap();
    assert_eq!(stored.choice, Choice::Refuse);
    let ChoiceOrigin::Tx(origin) = &stored.origin else { panic!("{stored:?}") };
    assert_eq!((origin.block.hash.as_str(), origin.fact.tx_hash.as_str()), ("456", "AB"));
    assert_eq!(answer.missing, Vec::<String>::new());
    let text = text::explanation(&answer);
    assert!(text.contains("at validation start 1,115: refuse\n    tx AB\n"), "{text}");
}

#[test]
fn what_is_not_stored_is_named_and_never_made_up() {
    let mut chain = Chain::new();
    chain.run(BASE..=1090, |_| ());
    chain
        .store
        .give_up(&Unfillable {
            first: 1091,
            last: 1115,
            reason: "pruned".into(),
            at: Timestamp::UNIX_EPOCH,
        })
        .unwrap();
    chain.run(1116..=1140, |_| ());
    let now = Timestamp::UNIX_EPOCH;
    let evidence = chain.desk().export(11, &[HOST.into(), "b".into()], now).unwrap();
    let has = |text: &str| evidence.missing.iter().any(|missing| missing.contains(text));
    assert!(has("blocks 1091 to 1115: no endpoint has them any more: pruned"), "{evidence:?}");
    assert!(has("choices of a at validation start: block 1115 is not covered"));
    assert!(has("the choices of b were never read"));
    assert!(has("the charges of epoch 11 were not read"));
    assert!(has("epoch 11 is not over: its taking effect is block 1145"));
    assert!(has("the header of block 1115 (validation_start) is not stored"));
    assert_eq!(evidence.charges, None);

    let early = chain.desk().explain(&HOST.into(), None, Some(3), now).unwrap_err();
    assert!(matches!(early, EvidenceError::NotStored(_)), "{early:?}");
    assert!(early.to_string().contains("before the base: the first epoch that was read is 10"));
    let late = chain.desk().export(13, &[], now).unwrap_err();
    assert!(late.to_string().contains("too far ahead"), "{late}");
    let base = chain.desk().export(10, &[HOST.into()], now).unwrap();
    assert!(base.missing.iter().any(|text| text.contains("lies before the base")), "{base:?}");
}

#[test]
fn a_comparison_shows_both_sides_and_what_is_not_known() {
    let mut chain = Chain::new();
    chain.run(BASE..=1075, |_| ());
    let ask = ChoiceAction::Intent;
    let now = Timestamp::UNIX_EPOCH;
    let answer = chain.desk().whatif(&HOST.into(), &"m".into(), &ask, now).unwrap();
    let text = text::comparison(&answer);
    let row = |name: &str| {
        let row = text.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(row("choice"), ["choice", "none", "intent"]);
    assert_eq!(row("all models").len(), 3, "{text}");
    assert!(text.contains("amounts: not known"), "{text}");
}

#[test]
fn the_table_quotes_what_the_chain_says() {
    let mut chain = Chain::new();
    chain.run(BASE..=1120, refusal_at_1110);
    let evidence = chain.desk().export(11, &[HOST.into()], Timestamp::UNIX_EPOCH).unwrap();
    let table = evidence.csv().unwrap();
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let header = reader.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: &csv::StringRecord, name: &str| {
        row[header.iter().position(|column| column == name).unwrap()].to_owned()
    };
    let of = |kind: &str| rows.iter().filter(|row| cell(row, "kind") == kind).collect::<Vec<_>>();
    let [event] = of("event")[..] else { panic!("{table}") };
    assert_eq!(cell(event, "value"), "a \"quoted\", text\nwith a line");
    assert_eq!(cell(event, "name"), "slash_collateral.reason");
    let choices: Vec<_> =
        of("choice").into_iter().map(|row| (cell(row, "name"), cell(row, "value"))).collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(choices, [pair("capture", "none"), pair("validation_start", "refuse")]);
    let [tx] = of("choice_tx")[..] else { panic!("{table}") };
    assert_eq!((cell(tx, "message_path"), cell(tx, "block_hash")), ("0.1".into(), "456".into()));
    assert_eq!(of("missing").len(), evidence.missing.len());
}

/// Undecided here, because nobody reads charges: then nothing is said of how it held.
#[test]
fn a_forecast_that_was_kept_is_exported() {
    let mut chain = Chain::new();
    chain.run(BASE..=1134, refusal_at_1110);
    let export =
        |chain: &Chain| chain.desk().export(11, &[HOST.into()], Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(export(&chain).forecast, None);
    chain.run(1135..=1136, |_| ());
    let evidence = export(&chain);
    let forecast = evidence.forecast.as_ref().unwrap();
    assert_eq!((forecast.epoch, forecast.height, forecast.checked), (11, 1134, None));
    let range = forecast.hosts[&Address::from(HOST)].range;
    let table = evidence.csv().unwrap();
    let rows: Vec<_> = table.lines().filter(|row| row.starts_with("forecast,")).collect();
    let expected = [("min", range.min), ("max", range.max)]
        .map(|(name, value)| format!("forecast,11,1134,,,,,,,,{HOST},,{name},{value}"));
    assert_eq!(rows[..2], expected);
    assert_eq!(rows.len(), 2 * forecast.hosts.len());
}

#[test]
fn what_people_type_is_checked() {
    let address = "gonka1f2zxksuqyvk2zrvwflxryyk7e387wcl6x9y0uj";
    assert_eq!(choice("none"), Ok(ChoiceAction::Clear));
    assert_eq!(
        choice(&format!("delegate={}", address.to_ascii_uppercase())),
        Ok(ChoiceAction::Delegate { delegate_to: address.into() })
    );
    for wrong in ["", "delegate", "delegate=", "refuse=1", "Refuse", "delegate=gonka1x"] {
        assert!(choice(wrong).is_err(), "{wrong}");
    }
}
