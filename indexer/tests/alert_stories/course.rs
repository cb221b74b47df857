//! A story that is played to a height: every block goes the daemon's way (decoding, ledger, store,
//! Situation, engine), at the block's own time, and what became of every incident is written down.

use std::collections::BTreeMap;

use bootwatch::situation::{Moment, Subject};
use bootwatch_alerts::{Engine, Form, Ladder, Pacing, Policy, Recipient, Rung, Thresholds};
use bootwatch_devnet::chain::{HostInfo, Spec, Story};
use bootwatch_rules::{
    BlockFacts, ChargeSnapshot, Height,
    forecast::TrackRecords,
    situation::{DataView, Situation},
};
use bootwatch_schema::{
    Commit, Ending, Incident, IncidentState, NewMessage, ReadStore as _, Severity, SqliteStore,
    Store as _,
};
use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    calendar::{BLOCK, TIMING, validation_end},
    player::Player,
};

pub(crate) const MINIMAX: &str = "MiniMaxAI/MiniMax-M2.7";
pub(crate) const QWEN: &str = "Qwen/Qwen3-235B-A22B-Instruct-2507-FP8";
pub(crate) const KIMI: &str = "moonshotai/Kimi-K2.6";
pub(crate) const DEEPSEEK: &str = "deepseek-ai/DeepSeek-V4-Flash-0731";

/// Whatever its labels.
pub(crate) const ANY: &str = "";

/// What an epoch of the simulated chain pays in all, ngonka, as its settlement has it.
const EPOCH_REWARD: i128 = 285_000_000_000_000;

const CAST: &str = include_str!("cast.toml");

/// A story before it is played.
pub(crate) struct Play {
    text: String,
    watched: Vec<&'static str>,
    pub(crate) policy: Policy,
}

/// What came of it.
pub(crate) struct Course {
    pub(crate) blocks: BTreeMap<Height, Block>,
    /// Addresses by name.
    hosts: BTreeMap<String, String>,
    lives: Vec<(Incident, Vec<Turn>)>,
    messages: Vec<Told>,
}

/// One block of it.
pub(crate) struct Block {
    pub(crate) facts: BlockFacts,
    pub(crate) situation: Situation,
    /// What the chain itself keeps as charges after it.
    pub(crate) charges: Option<ChargeSnapshot>,
    /// What the chain's hosts weigh after it.
    pub(crate) hosts: Vec<HostInfo>,
}

/// Everything that became of one incident.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) window: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) turns: Vec<Turn>,
}

/// A block after which an incident stood otherwise than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) height: Height,
    pub(crate) state: IncidentState,
    pub(crate) severity: Severity,
    pub(crate) ending: Option<Ending>,
}

/// It begins, and waits.
pub(crate) fn waits(height: Height, severity: Severity) -> Turn {
    Turn { height, state: IncidentState::Pending, severity, ending: None }
}

/// It fires, or has become more urgent.
pub(crate) fn fires(height: Height, severity: Severity) -> Turn {
    Turn { height, state: IncidentState::Firing, severity, ending: None }
}

/// It is over.
pub(crate) fn ends(height: Height, severity: Severity, ending: Ending) -> Turn {
    Turn { height, state: IncidentState::Resolved, severity, ending: Some(ending) }
}

/// A message as a program gets it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) height: Height,
    pub(crate) severity: Severity,
    pub(crate) subject: String,
    pub(crate) body: Value,
}

impl Play {
    /// The cast, with these steps and further tables.
    pub(crate) fn new(steps: &[String]) -> Self {
        let minutes = SignedDuration::from_mins;
        let rung = |within, blocks, severity| Rung { within: minutes(within), blocks, severity };
        let thresholds = Thresholds {
            gap_within: minutes(10),
            upgrade_within: minutes(10),
            commit_blocks: 5,
            ..Thresholds::default()
        };
        // A program is told of each incident by itself, and nothing waits for its sake.
        let program = Recipient { form: Form::Json, ..Recipient::new("webhook", "story") };
        let ladder = Ladder::new(vec![
            rung(15, 30, Severity::Info),
            rung(5, 10, Severity::Warning),
            rung(1, 2, Severity::Critical),
        ]);
        let policy = Policy {
            recipients: vec![program],
            ladder: ladder.unwrap(),
            thresholds,
            pacing: Pacing { remind_critical: None, remind_warning: None, ..Pacing::hurried() },
            ..Policy::default()
        };
        Self { text: format!("{CAST}\n{}", steps.join("\n")), watched: Vec::new(), policy }
    }

    pub(crate) fn watching(mut self, hosts: &[&'static str]) -> Self {
        self.watched = hosts.to_vec();
        self
    }

    /// With other words in the cast.
    pub(crate) fn with(mut self, what: &str, instead: &str) -> Self {
        assert!(self.text.contains(what), "{what} is not in the cast");
        self.text = self.text.replace(what, instead);
        self
    }

    /// DeepSeek costs from an epoch on.
    pub(crate) fn deepseek_costs_from(self, epoch: u64) -> Self {
        self.with("penalty_start_epoch = 500", &format!("penalty_start_epoch = {epoch}"))
    }

    /// Plays the blocks up to a height.
    pub(crate) fn through(self, last: Height) -> Course {
        let story = Story::parse("story", &self.text).unwrap_or_else(|error| panic!("{error}"));
        let spec = Spec { timing: TIMING, dkg_event_bytes: 0, ..Spec::new(7, story) };
        let mut player = Player::new(spec).at_pace(BLOCK);
        let chosen = |name: &str| self.watched.iter().any(|watched| *watched == name);
        let watched: Vec<_> =
            player.watched.iter().filter(|host| chosen(&host.name)).cloned().collect();
        assert_eq!(watched.len(), self.watched.len(), "a watched host is not in the cast");
        let subject = Subject {
            chain_id: "gonka-devnet".into(),
            addresses: watched.iter().map(|host| host.address.clone()).collect(),
            watched,
            rule_set: None,
            node: "http://node:26657".to_owned(),
        };
        let place = tempfile::tempdir().unwrap();
        let mut store =
            SqliteStore::open(&place.path().join("bootwatch.db"), &subject.chain_id).unwrap();
        let mut engine = Engine::new(self.policy);
        let hosts =
            player.watched.iter().map(|host| (host.name.clone(), host.address.to_string()));
        let mut course = Course {
            blocks: BTreeMap::new(),
            hosts: hosts.collect(),
            lives: Vec::new(),
            messages: Vec::new(),
        };
        while course.blocks.len() < usize::try_from(last).unwrap() {
            let facts = player.execute();
            let observation = player.observe(&facts);
            let changes = player.take_in(&facts, observation.as_ref());
            let situation = subject.judge(
                &player.ledger,
                Moment {
                    head: facts.height,
                    complete_from: 1,
                    endpoints: &[],
                    data: DataView::default(),
                    records: &TrackRecords::default(),
                    now: facts.time,
                },
            );
            let decision = engine.evaluate(&situation, facts.time);
            store
                .commit(&Commit {
                    facts: &facts,
                    observation: observation.as_ref(),
                    changes: &changes,
                    ledger: &player.ledger,
                    forecast: None,
                    incidents: &decision.incidents,
                    messages: &decision.messages,
                })
                .unwrap();
            for incident in decision.incidents {
                course.follow(facts.height, incident);
            }
            course.messages.extend(decision.messages.iter().map(Told::from));
            let (charges, hosts) = (player.charges(), player.weights());
            course.blocks.insert(facts.height, Block { facts, situation, charges, hosts });
        }
        // What a restart would know is what the engine knows.
        let known = |mut incidents: Vec<Incident>| {
            incidents.retain(|incident| incident.state != IncidentState::Resolved);
            incidents.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
            incidents
        };
        let kept = known(store.load().unwrap().incidents);
        assert_eq!(kept, known(engine.incidents().cloned().collect()));
        course
    }
}

impl Course {
    fn follow(&mut self, height: Height, incident: Incident) {
        let turn = Turn {
            height,
            state: incident.state,
            severity: incident.severity,
            ending: incident.ending,
        };
        let known = self.lives.iter_mut().find(|(i, _)| i.fingerprint == incident.fingerprint);
        match known {
            None => self.lives.push((incident, vec![turn])),
            Some((_, turns)) => {
                let last = turns.last().unwrap();
                if (Turn { height, ..*last }) != turn {
                    turns.push(turn);
                }
            }
        }
    }

    /// The address of a host.
    pub(crate) fn address(&self, host: &str) -> &str {
        &self.hosts[host]
    }

    /// Every incident of an alert that has this label, with all that became of it, in the order in
    /// which they began.
    pub(crate) fn lives(&self, alert: &str, label: &str) -> Vec<Life> {
        let label = self.hosts.get(label).map_or(label, String::as_str);
        let of_alert = self.lives.iter().filter(|(incident, _)| {
            incident.alert == alert
                && (label == ANY || incident.labels.values().any(|value| value == label))
        });
        let life = |(incident, turns): &(Incident, Vec<Turn>)| Life {
            window: incident.window.clone(),
            labels: incident.labels.clone(),
            turns: turns.clone(),
        };
        of_alert.map(life).collect()
    }

    /// How an incident should have gone. Hosts may be given by their names.
    pub(crate) fn life(
        &self,
        window: impl ToString,
        labels: &[(&str, &str)],
        turns: &[Turn],
    ) -> Life {
        let value = |value: &str| self.hosts.get(value).map_or(value, String::as_str).to_owned();
        Life {
            window: window.to_string(),
            labels: labels.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect(),
            turns: turns.to_vec(),
        }
    }

    /// What was told of an alert with this label after a block: exactly one message.
    pub(crate) fn told(&self, alert: &str, label: &str, height: Height) -> &Told {
        let value = self.hosts.get(label).map_or(label, String::as_str);
        let mut found = self
            .messages
            .iter()
            .filter(|told| told.is_about(alert, value) && told.height == height);
        let (first, more) = (found.next(), found.next());
        assert!(more.is_none(), "{alert} is told twice at {height}: {first:?} {more:?}");
        first.unwrap_or_else(|| panic!("{alert} of {label} is not told at {height}"))
    }

    /// The heights at which an alert was told of, with how urgent it was.
    pub(crate) fn told_at(&self, alert: &str, label: &str) -> Vec<(Height, Severity)> {
        let label = self.hosts.get(label).map_or(label, String::as_str);
        let told = self.messages.iter().filter(|told| told.is_about(alert, label));
        told.map(|told| (told.height, told.severity)).collect()
    }

    /// What a host weighs after a block, and the whole network.
    pub(crate) fn weight(&self, host: &str, height: Height) -> (i64, i64) {
        let hosts = &self.blocks[&height].hosts;
        let own = hosts.iter().find(|info| info.name == host).unwrap().weight;
        (own, hosts.iter().map(|info| info.weight).sum())
    }

    /// What an epoch pays a host before charges by the weights after a block: its part of what the
    /// chain pays in all.
    pub(crate) fn reward(&self, host: &str, height: Height) -> u64 {
        let (own, all) = self.weight(host, height);
        u64::try_from(EPOCH_REWARD * i128::from(own) / i128::from(all)).unwrap()
    }

    /// The charge that the chain stored for a host in the block that formed an epoch, such as `3/20`.
    pub(crate) fn charge(&self, host: &str, epoch: u64) -> String {
        let formed = validation_end(i64::try_from(epoch).unwrap());
        assert!(self.blocks[&(formed - 1)].charges.as_ref().is_none_or(|c| c.epoch_index < epoch));
        let charges = self.blocks[&formed].charges.as_ref().unwrap();
        assert_eq!(charges.epoch_index, epoch);
        charges.of(&self.address(host).into()).unwrap().to_string()
    }
}

impl From<&NewMessage> for Told {
    fn from(message: &NewMessage) -> Self {
        Self {
            height: message.created_height,
            severity: message.severity,
            subject: message.subject.clone(),
            body: serde_json::from_str(&message.text).unwrap(),
        }
    }
}

impl Told {
    fn is_about(&self, alert: &str, label: &str) -> bool {
        let incident = &self.body["incident"];
        let mut labels = incident["labels"].as_object().unwrap().values();
        incident["alert"] == alert && (label == ANY || labels.any(|value| value == label))
    }

    /// A text of its body.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_else(|| panic!("no {key} in {:#}", self.body))
    }

    /// A number behind it, by its name.
    pub(crate) fn number(&self, name: &str) -> &str {
        let rows = self.body["numbers"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name);
        row.and_then(|row| row["value"].as_str())
            .unwrap_or_else(|| panic!("no {name:?} in {:#}", self.body))
    }

    /// The deadline, the last block that counts, and how many blocks are left.
    pub(crate) fn by(&self) -> (&str, Height, Height) {
        let by = &self.body["by"];
        let number = |key: &str| by[key].as_i64().unwrap();
        (by["deadline"].as_str().unwrap(), number("height"), number("blocks_left"))
    }

    /// The commands that it gives.
    pub(crate) fn commands(&self) -> Vec<&str> {
        let steps = self.body["steps"].as_array().unwrap();
        steps.iter().filter_map(|step| step["command"].as_str()).collect()
    }
}

/// `14,174`.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2,043.53 GNK`, rounded down.
pub(crate) fn gnk(ngonka: u64) -> String {
    let hundredths = ngonka / 10_000_000;
    let whole = grouped(i64::try_from(hundredths / 100).unwrap());
    format!("{whole}.{:02} GNK", hundredths % 100)
}
