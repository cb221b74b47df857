//! One test for each way to lose.

use bootwatch_rules::{
    Choice, ChoiceAction, Exclusion, Height, Observation, Params, RuleSet, StoreCommit,
    ledger::Ledger,
    situation::{Advice, DeadlineName, assess},
};

use crate::{kit::*, situation};

const HOSTS: [&str; 3] = ["s", "a", "b"];

/// A chain that is followed by a daemon that reads everything it asks for.
struct Followed {
    ledger: Ledger,
    rule_set: RuleSet,
    params: Params,
}

impl Followed {
    /// From the inference phase of epoch 10, every host known, nothing chosen.
    fn new() -> Self {
        let mut followed =
            Self { ledger: Ledger::default(), rule_set: RuleSet::V0_2_14, params: params() };
        let choices = HOSTS.map(|name| answers(name, &[])).to_vec();
        let state = Some(followed.state(1030));
        let observation = Observation { state, choices, ..Observation::default() };
        followed.ledger.apply(&block(1030), Some(&observation));
        followed
    }

    fn state(&self, height: Height) -> bootwatch_rules::ChainState {
        bootwatch_rules::ChainState { params: self.params.clone(), ..state(height, &HOSTS) }
    }

    fn to(&mut self, height: Height) -> &mut Self {
        for height in self.ledger.tip.unwrap().height + 1..=height {
            self.block(&block(height));
        }
        self
    }

    fn block(&mut self, facts: &bootwatch_rules::BlockFacts) {
        let read = self.ledger.needs(facts, &[], 0).state;
        let state = read.then(|| self.state(facts.height));
        self.ledger.apply(facts, Some(&Observation { state, ..Observation::default() }));
    }

    fn send(&mut self, height: Height, who: &str, what: &str, action: ChoiceAction) -> &mut Self {
        self.to(height - 1);
        let mut facts = block(height);
        choose(&mut facts, who, what, action, 0);
        self.block(&facts);
        self
    }

    fn capture(&mut self, pre_eligible: bool) -> &mut Self {
        self.to(CAPTURE - 1);
        let mut facts = block(CAPTURE);
        let mut taken = capture(CAPTURE, "n");
        taken.pre_eligible = pre_eligible;
        facts.captures.push(taken);
        self.block(&facts);
        self
    }

    fn commit(&mut self, height: Height, who: &str, what: &str) -> &mut Self {
        self.to(height - 1);
        let mut facts = block(height);
        facts
            .commits
            .push(StoreCommit { model_id: model(what), ..commit(height, who, NEXT_POC_START, 7) });
        self.block(&facts);
        self
    }

    /// The advice for a host and model; `m` is active, `n` a candidate.
    fn advice(&self, who: &str, what: &str) -> Option<Advice> {
        let hosts = [situation::watched(who)];
        let mut inputs = situation::inputs(&self.ledger, &hosts);
        inputs.rule_set = Some(self.rule_set);
        let found = assess(&inputs).hosts.remove(0);
        found.models.into_iter().find(|entry| entry.model_id == model(what)).unwrap().advice
    }

    #[track_caller]
    fn expect(
        &self,
        who: &str,
        what: &str,
        why: &str,
        deadline: DeadlineName,
        last_height: Height,
        messages: &[&str],
    ) {
        let advice = self.advice(who, what).unwrap();
        assert!(advice.why.contains(why), "{}", advice.why);
        assert_eq!((advice.deadline, advice.last_height), (deadline, last_height));
        assert_eq!(advice.charge, "3/20");
        let sent: Vec<_> =
            advice.commands.iter().map(|c| c.line.split(' ').nth(3).unwrap()).collect();
        assert_eq!(sent, messages, "{advice:?}");
    }
}

const DELEGATE: &str = "set-poc-delegation";
const REFUSE: &str = "refuse-poc-delegation";
const INTENT: &str = "declare-poc-intent";

use DeadlineName::{Capture, CommitDeadline, ValidationStart};

#[test]
fn who_chose_nothing_is_told_before_each_deadline() {
    let followed = Followed::new();
    followed.expect(
        "a",
        "m",
        "No choice stands for this model, which costs 15 % of the reward.",
        ValidationStart,
        1113,
        &[DELEGATE, REFUSE],
    );
    followed.expect("a", "n", "No choice stands", Capture, CAPTURE, &[DELEGATE, INTENT]);
    let advice = followed.advice("a", "m").unwrap();
    assert_eq!(
        advice.commands[1].line,
        "inferenced tx inference refuse-poc-delegation m --from '<cold-key-name>' \
         --node http://node:26657 --chain-id gonka-test --keyring-backend file --gas auto \
         --gas-adjustment 1.3"
    );
    assert_eq!(advice.commands[1].does, "refuse; it costs 10 %");
}

#[test]
fn who_serves_or_chose_well_is_left_alone() {
    let mut followed = Followed::new();
    assert_eq!(followed.advice("s", "m"), None, "it is in the model's group");
    followed
        .send(1031, "a", "m", delegate("s"))
        .send(1032, "b", "m", ChoiceAction::Refuse)
        .send(1033, "s", "n", ChoiceAction::Intent)
        .send(1034, "a", "n", delegate("s"));
    for (who, what) in [("a", "m"), ("b", "m"), ("s", "n"), ("a", "n")] {
        assert_eq!(followed.advice(who, what), None, "{who} {what}");
    }
}

#[test]
fn a_refusal_does_not_protect_on_a_candidate() {
    let mut followed = Followed::new();
    followed.send(1031, "a", "n", ChoiceAction::Refuse);
    followed.expect("a", "n", "A refusal does not protect", Capture, CAPTURE, &[DELEGATE, INTENT]);
    // After the capture only serving helps, and only until commits close.
    followed.capture(false);
    followed.expect("a", "n", "did not read the refusal", CommitDeadline, 1111, &[]);
    followed.to(1110).expect("a", "n", "did not read the refusal", CommitDeadline, 1111, &[]);
    assert_eq!(followed.to(1111).advice("a", "n"), None);
    // From v0.2.16 a candidate that was not pre-eligible costs nothing while it stays one.
    let mut newest = Followed::new();
    newest.rule_set = RuleSet::V0_2_16;
    newest.send(1031, "a", "n", ChoiceAction::Refuse).capture(false);
    assert_eq!(newest.advice("a", "n"), None);
}

#[test]
fn a_refusal_has_to_be_sent_again_after_each_wipe() {
    let mut followed = Followed::new();
    followed.send(1031, "a", "m", ChoiceAction::Refuse);
    followed.send(1032, "b", "n", ChoiceAction::Intent);
    followed.capture(false).to(1113);
    assert_eq!(followed.advice("a", "m"), None, "it counts for the epoch being formed");
    followed.to(1128);
    followed.expect(
        "a",
        "m",
        "The refusal expired at block 1123",
        ValidationStart,
        1213,
        &[DELEGATE, REFUSE],
    );
    followed.expect(
        "b",
        "n",
        "The intent expired at block 1123",
        Capture,
        1180,
        &[DELEGATE, INTENT],
    );
}

#[test]
fn a_delegate_without_intent_does_not_count_for_reach() {
    let mut followed = Followed::new();
    followed.send(1031, "a", "n", delegate("b"));
    followed.expect(
        "a",
        "n",
        "The delegate b has not declared intent",
        Capture,
        CAPTURE,
        &[DELEGATE, INTENT],
    );
    assert!(followed.advice("a", "n").unwrap().commands[0].does.contains("will serve it"));
    followed.send(1032, "s", "n", ChoiceAction::Intent);
    let advice = followed.advice("a", "n").unwrap();
    assert_eq!(
        advice.commands[0].does,
        "delegate to a host that declared intent, such as s; 5 % goes to it"
    );
    // Its delegate declares intent after all.
    followed.send(1033, "b", "n", ChoiceAction::Intent);
    assert_eq!(followed.advice("a", "n"), None);
}

#[test]
fn a_guardian_is_never_the_example() {
    let guardian = "gonka1y2a9p56kv044327uycmqdexl7zs82fs5ryv5le";
    let operator = {
        // The same bytes, as the chain's parameters list them.
        let (_, bytes) = bech32::decode(guardian).unwrap();
        bech32::encode::<bech32::Bech32>(bech32::Hrp::parse("gonkavaloper").unwrap(), &bytes)
            .unwrap()
    };
    let mut ledger = Ledger::default();
    let mut state = state(1030, &["a", "b", guardian]);
    state.members[2].weight = 1000;
    state.params.guardians = vec![operator];
    let choices = vec![
        answers("a", &[]),
        answers("b", &[("n", Choice::Intent)]),
        answers(guardian, &[("n", Choice::Intent)]),
    ];
    let observation = Observation { state: Some(state), choices, ..Observation::default() };
    ledger.apply(&block(1030), Some(&observation));
    let hosts = [situation::watched("a")];
    let found = assess(&situation::inputs(&ledger, &hosts));
    let advice = found.hosts[0].models[1].advice.clone().unwrap();
    assert!(advice.commands[0].does.contains("such as b;"), "{advice:?}");
}

#[test]
fn a_delegation_after_the_capture_waits_for_the_next_one() {
    let mut followed = Followed::new();
    followed.send(1031, "s", "n", ChoiceAction::Intent);
    followed.capture(false).send(CAPTURE + 1, "a", "n", delegate("s"));
    followed.expect(
        "a",
        "n",
        "The delegation came after the capture at block 1080",
        CommitDeadline,
        1111,
        &[],
    );
    // In the capture's own block it is in time.
    let mut in_time = Followed::new();
    in_time.send(1031, "s", "n", ChoiceAction::Intent).to(CAPTURE - 1);
    let mut facts = block(CAPTURE);
    choose(&mut facts, "a", "n", delegate("s"), 0);
    facts.captures.push(capture(CAPTURE, "n"));
    in_time.block(&facts);
    assert_eq!(in_time.advice("a", "n"), None);
}

#[test]
fn an_intent_after_the_capture_is_sent_in_vain() {
    let mut followed = Followed::new();
    followed.capture(false).send(CAPTURE + 1, "a", "n", ChoiceAction::Intent);
    let why = "The intent of block 1081 came after the capture at block 1080: it counts for \
               nothing and is wiped at block 1123";
    followed.expect("a", "n", why, Capture, 1180, &[INTENT, DELEGATE]);
    // It is said until the wipe, also while the epoch is being formed.
    followed.to(1122).expect("a", "n", why, Capture, 1180, &[INTENT, DELEGATE]);
    assert_eq!(followed.to(1123).advice("a", "n"), None, "the epoch is being formed");
    followed.to(1128).expect("a", "n", "The intent expired", Capture, 1180, &[DELEGATE, INTENT]);
}

#[test]
fn a_refusal_after_validation_start_is_sent_in_vain() {
    let mut followed = Followed::new();
    followed.to(1113).send(1114, "a", "m", ChoiceAction::Refuse);
    let why = "The refusal of block 1114 came after validation start at block 1113";
    followed.expect("a", "m", why, ValidationStart, 1213, &[DELEGATE, REFUSE]);
}

/// A snapshot is taken at the end of its block: a transaction in that very block counts.
#[test]
fn what_comes_in_the_block_of_the_snapshot_is_not_in_vain() {
    let mut followed = Followed::new();
    followed.send(CAPTURE, "a", "n", ChoiceAction::Intent).to(CAPTURE + 1);
    assert_eq!(followed.advice("a", "n"), None);
    followed.send(1113, "a", "m", ChoiceAction::Refuse).to(1114);
    assert_eq!(followed.advice("a", "m"), None);
}

#[test]
fn an_intent_on_an_active_model_only_deletes_the_delegation() {
    let mut followed = Followed::new();
    followed.send(1031, "a", "m", delegate("s")).send(1032, "a", "m", ChoiceAction::Intent);
    followed.expect("a", "m", "removed any delegation", ValidationStart, 1113, &[DELEGATE, REFUSE]);
    // A host that serves the model loses nothing by it.
    followed.send(1033, "s", "m", ChoiceAction::Intent);
    assert_eq!(followed.advice("s", "m"), None);
}

#[test]
fn a_delegate_that_does_not_serve_counts_as_nothing() {
    let mut followed = Followed::new();
    followed.send(1031, "a", "m", delegate("b"));
    followed.expect(
        "a",
        "m",
        "The delegate b does not serve this model",
        ValidationStart,
        1113,
        &[DELEGATE, REFUSE],
    );
    // The delegate joins the model in this stage.
    followed.commit(1105, "b", "m");
    assert_eq!(followed.advice("a", "m"), None);

    // A delegate that did serve is removed from the running epoch.
    let mut followed = Followed::new();
    followed.send(1031, "a", "m", delegate("s"));
    let mut state = followed.state(1032);
    state.members[0].excluded = Some(Exclusion { reason: "downtime".to_owned(), height: 1032 });
    // Another member keeps the model active.
    state.model_groups[0].members.push(bootwatch_rules::GroupMember {
        host: host("b"),
        weight: 1,
        voting_power: 1,
    });
    let observation = Observation { state: Some(state), ..Observation::default() };
    followed.ledger.apply(&block(1032), Some(&observation));
    followed.expect(
        "a",
        "m",
        "The delegate s does not serve",
        ValidationStart,
        1113,
        &[DELEGATE, REFUSE],
    );
}

#[test]
fn between_commit_deadline_and_validation_start_a_missing_commit_counts() {
    let mut followed = Followed::new();
    followed.send(1031, "a", "m", delegate("s")).to(1110);
    assert_eq!(followed.advice("a", "m"), None, "it may still commit");
    followed.to(1111);
    followed.expect(
        "a",
        "m",
        "The delegate s does not serve",
        ValidationStart,
        1113,
        &[DELEGATE, REFUSE],
    );
    followed.expect("s", "m", "No choice stands", ValidationStart, 1113, &[DELEGATE, REFUSE]);
    let mut committed = Followed::new();
    committed.send(1031, "a", "m", delegate("s")).commit(1105, "s", "m").to(1111);
    assert_eq!(committed.advice("a", "m"), None);
}

// Fails when a commit counts beyond its own stage: a host whose work was rejected, and who delegates to
// such a host, would hear of nothing until the next epoch has charged it.
#[test]
fn what_was_committed_for_the_epoch_before_serves_no_more() {
    let mut followed = Followed::new();
    followed.send(1031, "a", "m", delegate("b")).commit(1105, "b", "m").to(1112);
    assert_eq!((followed.advice("a", "m"), followed.advice("b", "m")), (None, None));
    // The new epoch is in force, and its group does not have it.
    followed.to(1130);
    followed.expect("b", "m", "No choice stands", ValidationStart, 1213, &[DELEGATE, REFUSE]);
    let why = "The delegate b does not serve";
    followed.expect("a", "m", why, ValidationStart, 1213, &[DELEGATE, REFUSE]);
}

#[test]
fn after_the_capture_validation_start_still_decides_if_the_model_activates() {
    let mut followed = Followed::new();
    followed.capture(true);
    followed.expect(
        "a",
        "n",
        "The capture at block 1080 found no choice",
        ValidationStart,
        1113,
        &[DELEGATE, REFUSE],
    );
    let refuse = &followed.advice("a", "n").unwrap().commands[1];
    assert_eq!(refuse.does, "refuse; it costs 10 % if the model becomes eligible");
    followed.commit(1105, "a", "n");
    assert_eq!(followed.advice("a", "n"), None);

    let mut newest = Followed::new();
    newest.rule_set = RuleSet::V0_2_16;
    newest.capture(false);
    assert!(newest.advice("a", "n").unwrap().why.contains("costs nothing"));
}

#[test]
fn an_intent_that_passed_has_to_be_served() {
    let mut followed = Followed::new();
    followed.send(1031, "a", "n", ChoiceAction::Intent).capture(true);
    followed.expect("a", "n", "without a store commit", CommitDeadline, 1111, &[]);
    followed.commit(1104, "a", "n");
    assert_eq!(followed.advice("a", "n"), None);
    let mut missed = Followed::new();
    missed.send(1031, "a", "n", ChoiceAction::Intent).capture(false);
    assert_eq!(missed.advice("a", "n"), None);
}

#[test]
fn what_the_capture_took_outlives_what_is_chosen_later() {
    // The intent that the capture took protects or binds, although a refusal replaced it.
    for (pre_eligible, says) in [(false, None), (true, Some("without a store commit"))] {
        let mut followed = Followed::new();
        followed.send(1031, "a", "n", ChoiceAction::Intent).capture(pre_eligible);
        followed.send(CAPTURE + 5, "a", "n", ChoiceAction::Refuse);
        let why = followed.advice("a", "n").map(|advice| advice.why);
        assert_eq!(why.is_some(), says.is_some(), "{why:?}");
        assert!(says.is_none_or(|says| why.unwrap().contains(says)));
    }
    // A delegation that it took still protects while the model stays a candidate.
    let mut followed = Followed::new();
    followed.send(1031, "s", "n", ChoiceAction::Intent);
    followed.send(1032, "a", "n", delegate("s")).capture(true);
    followed.send(CAPTURE + 5, "a", "n", ChoiceAction::Clear);
    let why = "No choice stands for this model. If it becomes eligible";
    followed.expect("a", "n", why, ValidationStart, 1113, &[DELEGATE, REFUSE]);
    // Nobody committed: the model cannot become eligible any more.
    assert_eq!(followed.to(1111).advice("a", "n"), None);
}

#[test]
fn nothing_is_said_before_a_model_can_cost_anything() {
    for (start, says) in [(12, false), (11, true), (10, true)] {
        let mut followed = Followed::new();
        for entry in &mut followed.params.models {
            entry.penalty_start_epoch = start;
        }
        let state = Some(followed.state(1031));
        followed.ledger.apply(&block(1031), Some(&Observation { state, ..Observation::default() }));
        for what in ["m", "n"] {
            assert_eq!(followed.advice("a", what).is_some(), says, "{what} from epoch {start}");
        }
        // One epoch later every one of them counts.
        followed.to(1128);
        assert!(followed.advice("a", "m").is_some());
    }
}

#[test]
fn nothing_is_said_where_nothing_is_charged_or_known() {
    let mut free = Followed::new();
    free.params.delegation.as_mut().unwrap().no_participation_penalty =
        bootwatch_rules::Decimal::default();
    let state = Some(free.state(1031));
    free.ledger.apply(&block(1031), Some(&Observation { state, ..Observation::default() }));
    assert_eq!(free.advice("a", "m"), None);

    let followed = Followed::new();
    assert_eq!(followed.advice("stranger", "m"), None, "its choices were never read");
    let mut unread = Ledger::default();
    let state = Some(followed.state(1030));
    unread.apply(&block(1030), Some(&Observation { state, ..Observation::default() }));
    let unread = Followed { ledger: unread, ..followed };
    assert_eq!(unread.advice("a", "m"), None);
}

#[test]
fn a_host_outside_the_epoch_is_told_once_it_commits() {
    let mut followed = Followed::new();
    let choices = vec![answers("new", &[])];
    followed.ledger.apply(&block(1031), Some(&Observation { choices, ..Observation::default() }));
    assert_eq!(followed.advice("new", "m"), None);
    assert_eq!(followed.advice("new", "n"), None);
    // It serves the candidate: for the active model its choice at validation start counts.
    followed.capture(false).commit(1105, "new", "n");
    followed.expect("new", "m", "No choice stands", ValidationStart, 1113, &[DELEGATE, REFUSE]);
    assert_eq!(followed.advice("new", "n"), None);
}

#[test]
fn hostile_names_are_quoted_or_have_no_command() {
    let mut followed = Followed::new();
    let names = ["$(reboot)", "a; b", "-rf", "two\nlines"];
    let template = followed.params.models[1].clone();
    followed.params.models.extend(names.map(|id| {
        let mut entry = template.clone();
        entry.model_id = model(id);
        entry
    }));
    let state = Some(followed.state(1031));
    followed.ledger.apply(&block(1031), Some(&Observation { state, ..Observation::default() }));
    for name in names {
        let commands = followed.advice("a", name).unwrap().commands;
        if name.contains('\n') {
            assert!(commands.is_empty());
            continue;
        }
        for command in commands {
            assert!(shlex::split(&command.line).unwrap().contains(&name.to_owned()), "{command:?}");
        }
    }
}
