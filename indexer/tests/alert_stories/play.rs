//! A story before it is played, and how it is played: every block goes the daemon's way (decoding,
//! ledger, Situation, engine, store), at the block's own time.

use std::{ops::RangeInclusive, path::PathBuf};

use bootwatch::{
    replay::replay,
    situation::{Moment, Subject},
};
use bootwatch_alerts::{
    Decision, Engine, Form, Ladder, Pacing, Policy, Recipient, Rung, Thresholds,
};
use bootwatch_devnet::chain::{Spec, Story};
use bootwatch_rules::{BlockFacts, Height, forecast::TrackRecords, situation::DataView};
use bootwatch_schema::{
    Commit, Incident, IncidentState, ReadStore as _, Severity, SqliteReader, SqliteStore,
    Store as _,
};
use jiff::SignedDuration;
use tempfile::TempDir;

use crate::{
    calendar::{BLOCK, TIMING},
    course::Course,
    player::Player,
};

const CAST: &str = include_str!("cast.toml");

/// A story before it is played.
#[derive(Clone)]
pub(crate) struct Play {
    text: String,
    watched: Vec<&'static str>,
    unjudged: Option<RangeInclusive<Height>>,
    policy: Policy,
}

impl Play {
    /// The cast, and what happens.
    pub(crate) fn new(steps: &[String]) -> Self {
        let minutes = SignedDuration::from_mins;
        let rung = |within, blocks, severity| Rung { within: minutes(within), blocks, severity };
        let ladder = Ladder::new(vec![
            rung(15, 30, Severity::Info),
            rung(5, 10, Severity::Warning),
            rung(1, 2, Severity::Critical),
        ]);
        let thresholds = Thresholds {
            gap_within: minutes(10),
            upgrade_within: minutes(10),
            commit_blocks: 5,
            ..Thresholds::default()
        };
        // A program is told of each incident by itself, and nothing waits for its sake.
        let program = Recipient { form: Form::Json, ..Recipient::new("webhook", "story") };
        let pacing = Pacing { remind_critical: None, remind_warning: None, ..Pacing::hurried() };
        let policy = Policy {
            recipients: vec![program],
            ladder: ladder.unwrap(),
            thresholds,
            pacing,
            ..Policy::default()
        };
        let text = format!("{CAST}\n{}", steps.join("\n"));
        Self { text, watched: Vec::new(), unjudged: None, policy }
    }

    pub(crate) fn watching(mut self, hosts: &[&'static str]) -> Self {
        self.watched = hosts.to_vec();
        self
    }

    /// With something in the cast replaced.
    pub(crate) fn with(mut self, what: &str, instead: &str) -> Self {
        assert!(self.text.contains(what), "{what} is not in the cast");
        self.text = self.text.replace(what, instead);
        self
    }

    /// These blocks are taken in and not judged, as by a daemon that is behind.
    pub(crate) fn behind_at(self, unjudged: RangeInclusive<Height>) -> Self {
        Self { unjudged: Some(unjudged), ..self }
    }

    /// With another threshold.
    pub(crate) fn tuned(mut self, tune: impl FnOnce(&mut Thresholds)) -> Self {
        tune(&mut self.policy.thresholds);
        self
    }

    /// DeepSeek costs from an epoch on.
    pub(crate) fn deepseek_costs_from(self, epoch: u64) -> Self {
        self.with("penalty_start_epoch = 500", &format!("penalty_start_epoch = {epoch}"))
    }

    /// Plays the blocks up to a height.
    pub(crate) fn through(self, last: Height) -> Course {
        self.watched_through(last).0
    }

    /// The same, and what `bootwatch alerts replay` tells of what was stored: the height and the
    /// subject of each message.
    pub(crate) fn replayed_through(self, last: Height) -> (Course, Vec<(Height, String)>) {
        let policy = self.policy.clone();
        let (course, watcher) = self.watched_through(last);
        let reader = SqliteReader::open(&watcher.database()).unwrap();
        let replay = replay(&reader, &watcher.subject, policy, (1, last)).unwrap();
        assert_eq!((replay.from, replay.to), (1, last));
        let messages = replay.messages.into_iter();
        (course, messages.map(|message| (message.height, message.subject)).collect())
    }

    fn watched_through(self, last: Height) -> (Course, Watcher) {
        let story = Story::parse("story", &self.text).unwrap_or_else(|error| panic!("{error}"));
        let spec = Spec { timing: TIMING, dkg_event_bytes: 0, ..Spec::new(7, story) };
        let player = Player::new(spec).at_pace(BLOCK);
        let mut course = Course::new(player);
        let mut watcher = Watcher::new(&course.player, &self.watched, self.policy);
        for height in 1..=last {
            let judged = self.unjudged.as_ref().is_none_or(|unjudged| !unjudged.contains(&height));
            let (facts, decision) = watcher.take_in(&mut course.player, judged);
            course.note(facts, decision);
        }
        watcher.assert_kept();
        (course, watcher)
    }
}

/// What the daemon has besides the ledger.
struct Watcher {
    subject: Subject,
    engine: Engine,
    store: SqliteStore,
    place: TempDir,
}

impl Watcher {
    fn new(player: &Player, names: &[&str], policy: Policy) -> Self {
        let chosen = |name: &str| names.contains(&name);
        let watched: Vec<_> =
            player.watched.iter().filter(|host| chosen(&host.name)).cloned().collect();
        assert_eq!(watched.len(), names.len(), "a watched host is not in the cast");
        let subject = Subject {
            chain_id: "gonka-devnet".into(),
            addresses: watched.iter().map(|host| host.address.clone()).collect(),
            watched,
            rule_set: None,
            node: "http://node:26657".to_owned(),
        };
        let place = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&database_in(&place), &subject.chain_id).unwrap();
        Self { subject, engine: Engine::new(policy), store, place }
    }

    fn database(&self) -> PathBuf {
        database_in(&self.place)
    }

    /// The chain's next block, and what it calls for.
    fn take_in(&mut self, player: &mut Player, judged: bool) -> (BlockFacts, Decision) {
        let facts = player.execute();
        let observation = player.observe(&facts);
        let changes = player.take_in(&facts, observation.as_ref());
        let moment = Moment {
            head: facts.height,
            complete_from: 1,
            endpoints: &[],
            data: DataView::default(),
            records: &TrackRecords::default(),
            now: facts.time,
        };
        let decision = if judged {
            let situation = self.subject.judge(&player.ledger, moment);
            self.engine.evaluate(&situation, facts.time)
        } else {
            Decision::default()
        };
        let commit = Commit {
            facts: &facts,
            observation: observation.as_ref(),
            changes: &changes,
            ledger: &player.ledger,
            forecast: None,
            incidents: &decision.incidents,
            messages: &decision.messages,
        };
        self.store.commit(&commit).unwrap();
        (facts, decision)
    }

    /// What goes on is what a restart would find.
    fn assert_kept(&self) {
        let going_on = |mut incidents: Vec<Incident>| {
            incidents.retain(|incident| incident.state != IncidentState::Resolved);
            incidents.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
            incidents
        };
        let kept = going_on(self.store.load().unwrap().incidents);
        assert_eq!(kept, going_on(self.engine.incidents().cloned().collect()));
    }
}

fn database_in(place: &TempDir) -> PathBuf {
    place.path().join("bootwatch.db")
}
