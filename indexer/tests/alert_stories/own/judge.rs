//! The daemon's own incidents, and the engine with a clock that the test turns.

use std::{sync::Arc, time::Duration};

use bootwatch::config::{Config, Environment};
use bootwatch_alerts::{Engine, Form, Pacing, Policy, Recipient, Thresholds};
use bootwatch_rules::situation::{EndpointState, EndpointView, Situation};
use bootwatch_schema::{Ending, Incident, IncidentState, ReadStore as _, SqliteReader};
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use crate::{
    bench::{Bench, Run},
    told::Told,
};

/// The chain that every simulated node is of.
const CHAIN: &str = "gonka-devnet";
/// Nothing in the configuration waits.
const HURRIED: &str = "chain_halted_after = \"1s\"\ningest_stalled_after = \"1s\"\n\
                       endpoint_down_after = \"1s\"\nendpoint_lagging_after = \"1s\"\n\
                       delivery_failing_after = \"1s\"\nfirst_notice_delay = \"0s\"\n\
                       batch_every = \"0s\"\nbundle_from = \"1000\"\nper_hour = \"1000\"\n";

/// A configuration without hosts; `more` stands before `[alerts]`.
pub(super) fn config(
    bench: &Bench,
    endpoints: &[(&str, String)],
    more: &str,
    alerts: &str,
) -> Config {
    let mut text = format!(
        "[chain]\nchain_id = {CHAIN:?}\n[store]\npath = {:?}\n[http]\nlisten = \"127.0.0.1:0\"\n",
        bench.database()
    );
    for (name, url) in endpoints {
        text += &format!("[[endpoint]]\nname = {name:?}\nrpc = {url:?}\n");
    }
    text += &format!("{more}\n[alerts]\n{HURRIED}{alerts}");
    Config::parse("test.toml", &text, &Environment::new()).unwrap()
}

/// Waits until a Situation shows what is wanted.
pub(super) async fn shows(run: &Run, wanted: impl Fn(&Situation) -> bool) -> Arc<Situation> {
    let mut newest = run.daemon.situation();
    let shown = newest.wait_for(|shown| shown.as_ref().is_some_and(|shown| wanted(shown)));
    match timeout(Duration::from_secs(60), shown).await {
        Ok(situation) => situation.unwrap().clone().unwrap(),
        Err(_) => panic!("not shown: {:?}", run.daemon.situation().borrow()),
    }
}

/// Waits until the daemon has kept an incident of an alert as it is wanted.
pub(super) async fn kept(
    bench: &Bench,
    alert: &str,
    wanted: impl Fn(&Incident) -> bool,
) -> Incident {
    let patience = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let mut incidents =
            SqliteReader::open(&bench.database()).unwrap().load().unwrap().incidents;
        incidents.retain(|incident| incident.alert == alert);
        if let Some(found) = incidents.iter().find(|incident| wanted(incident)) {
            return found.clone();
        }
        assert!(tokio::time::Instant::now() < patience, "{alert} is kept as {incidents:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) async fn fired(bench: &Bench, alert: &str) -> Incident {
    kept(bench, alert, |incident| incident.state == IncidentState::Firing).await
}

/// Noticed; whether it fires already is a matter of seconds that are not waited for.
pub(super) async fn noticed(bench: &Bench, alert: &str) -> Incident {
    kept(bench, alert, |incident| incident.state != IncidentState::Resolved).await
}

/// Its condition is gone, and it is about to end.
pub(super) async fn clearing(bench: &Bench, alert: &str) -> Incident {
    let over = |i: &Incident| i.clearing.is_some() || i.state == IncidentState::Resolved;
    kept(bench, alert, over).await
}

/// The engine with a clock that the test turns.
pub(super) struct Judge {
    engine: Engine,
    alert: &'static str,
}

impl Judge {
    pub(super) fn of(alert: &'static str) -> Self {
        Self::with(alert, Thresholds::default())
    }

    pub(super) fn with(alert: &'static str, thresholds: Thresholds) -> Self {
        let program = Recipient { form: Form::Json, ..Recipient::new("webhook", "story") };
        let recipients = vec![program];
        let policy =
            Policy { recipients, thresholds, pacing: Pacing::hurried(), ..Policy::default() };
        Self { engine: Engine::new(policy), alert }
    }

    fn look(&mut self, situation: &Situation, now: Timestamp) -> (Option<Incident>, Vec<Told>) {
        let decision = self.engine.evaluate(situation, now);
        let mut told: Vec<Told> = decision.messages.iter().map(Told::from).collect();
        told.retain(|told| told.is_about(self.alert, ""));
        // What is over and of an epoch that is over is forgotten once it has been decided.
        let known = decision.incidents.into_iter().chain(self.engine.incidents().cloned());
        ({ known }.find(|incident| incident.alert == self.alert), told)
    }

    pub(super) fn state(&mut self, situation: &Situation, now: Timestamp) -> Option<IncidentState> {
        self.look(situation, now).0.map(|incident| incident.state)
    }

    /// It waits for so many seconds from the moment on at which it is seen, and fires then.
    pub(super) fn fires_in(&mut self, seconds: i64, trouble: &Situation, seen: Timestamp) -> Told {
        let after = |seconds| seen + SignedDuration::from_secs(seconds);
        for earlier in [seen, after(seconds - 1)] {
            assert_eq!(self.state(trouble, earlier), Some(IncidentState::Pending));
        }
        self.fires_at(trouble, after(seconds))
    }

    /// It is nothing before so many seconds after a moment of which the Situation tells.
    pub(super) fn fires_after(
        &mut self,
        seconds: i64,
        trouble: &Situation,
        since: Timestamp,
    ) -> Told {
        let after = |seconds| since + SignedDuration::from_secs(seconds);
        assert_eq!(self.state(trouble, after(seconds - 1)), None);
        self.fires_at(trouble, after(seconds))
    }

    /// It fires now, and one message tells it.
    pub(super) fn fires_at(&mut self, trouble: &Situation, now: Timestamp) -> Told {
        let (incident, mut told) = self.look(trouble, now);
        assert_eq!(incident.map(|incident| incident.state), Some(IncidentState::Firing));
        assert_eq!(told.len(), 1, "{told:?}");
        told.remove(0)
    }

    /// What is told of it now.
    pub(super) fn tells(&mut self, situation: &Situation, now: Timestamp) -> Vec<Told> {
        self.look(situation, now).1
    }

    /// It is over when it has been gone for so many seconds, and not before.
    pub(super) fn clears_in(&mut self, seconds: i64, well: &Situation, ending: Ending) {
        let gone = self.engine.incidents().map(|incident| incident.changed_at).max().unwrap();
        let after = |seconds| gone + SignedDuration::from_secs(seconds);
        for earlier in [gone, after(seconds - 1)] {
            assert_eq!(self.state(well, earlier), Some(IncidentState::Firing));
        }
        let (incident, _) = self.look(well, after(seconds));
        let incident = incident.unwrap();
        assert_eq!((incident.state, incident.ending), (IncidentState::Resolved, Some(ending)));
    }
}

pub(super) fn all(situation: &Situation, state: EndpointState) -> bool {
    situation.endpoints.iter().all(|endpoint| endpoint.state == state)
}

pub(super) fn endpoint<'a>(situation: &'a Situation, name: &str) -> &'a EndpointView {
    situation.endpoints.iter().find(|endpoint| endpoint.name == name).unwrap()
}
