//! `/api/v1/stream`: a word to whoever looks that something has changed, as server-sent events.
//!
//! Each event is a few hundred bytes that say where the chain is and what to look at again; the
//! numbers themselves are in `/api/v1/status` and on the page. It is made once, whatever the number
//! of readers, and each of them holds only a receiver of the newest: who reads slowly skips what
//! came between, and nothing is kept for anybody.

use std::{
    convert::Infallible,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use bootwatch_rules::{
    EpochIndex, Height,
    situation::{Phase, Situation},
};
use bootwatch_schema::IncidentState;
use jiff::Timestamp;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Published,
    routes::{Problem, problem},
};

/// Open streams at a time.
pub(super) const STREAMS: usize = 200;
/// A stream ends after this, before its connection does; the reader comes back by itself.
const LIFETIME: Duration = Duration::from_secs(540);
/// A sign of life where nothing happens, so that nothing on the way gives the connection up.
const QUIET: Duration = Duration::from_secs(15);
/// After which a reader that lost its stream comes back.
const COME_BACK: Duration = Duration::from_secs(3);
/// Least time between two events: a chain that is caught up on moves faster than anybody reads.
const PAUSE: Duration = Duration::from_millis(250);

/// What an event says.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub(super) struct Beat {
    /// Every block up to this one has been taken in; 0 before the first.
    complete_to: Height,
    /// The newest height that any endpoint has told of.
    head: Height,
    /// The time of block `complete_to`.
    head_time: Option<Timestamp>,
    /// The data is too old to say what holds now.
    stale: bool,
    /// The epoch in force.
    epoch: EpochIndex,
    phase: Phase,
    /// Things that watched hosts have to do.
    to_do: usize,
    /// Incidents that fire.
    firing: usize,
    /// Another value means that something else has changed: an endpoint, an incident, a silence.
    revision: String,
}

/// Where streams come from; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    newest: watch::Receiver<Option<Arc<str>>>,
    permits: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Feed {
    /// Begins to make events, until `stop`.
    pub(super) fn start(published: Published, stop: CancellationToken) -> Self {
        let (sender, newest) = watch::channel(None);
        tokio::spawn(beats(published, sender, stop.clone()));
        Self { newest, permits: Arc::new(Semaphore::new(STREAMS)), stop }
    }
}

/// The responsibility of this loop: whenever anything that is published changes, say so once.
async fn beats(
    mut published: Published,
    sender: watch::Sender<Option<Arc<str>>>,
    stop: CancellationToken,
) {
    let mut last = None;
    loop {
        let beat = Beat::of(&published);
        if last.as_ref() != Some(&beat) {
            match serde_json::to_string(&beat) {
                Ok(text) => _ = sender.send_replace(Some(text.into())),
                Err(error) => tracing::error!(%error, "an event cannot be made"),
            }
            last = Some(beat);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed(&mut published.situation) => {}
            () = changed(&mut published.beginning) => {}
            () = changed(&mut published.incidents) => {}
            () = changed(&mut published.silences) => {}
            () = changed(&mut published.chronicle) => {}
        }
    }
}

/// Waits for the next value; for ever when there will be none.
async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

impl Beat {
    fn of(published: &Published) -> Self {
        let situation = published.situation.borrow().clone();
        let incidents = published.incidents.borrow().clone();
        let firing =
            incidents.iter().filter(|incident| incident.state == IncidentState::Firing).count();
        let revision = revision(published, situation.as_deref());
        let Some(s) = situation else {
            return Self {
                complete_to: 0,
                head: 0,
                head_time: None,
                stale: false,
                epoch: 0,
                phase: Phase::Unknown,
                to_do: 0,
                firing,
                revision,
            };
        };
        let models = s.hosts.iter().flat_map(|host| &host.models);
        Self {
            complete_to: s.complete_to,
            head: s.head,
            head_time: Some(s.head_time),
            stale: s.stale,
            epoch: s.epoch.index,
            phase: s.epoch.phase,
            to_do: models.filter(|model| model.advice.is_some()).count(),
            firing,
            revision,
        }
    }
}

/// Of what changes without a block. Not of latencies and counts of requests, which always do.
fn revision(published: &Published, situation: Option<&Situation>) -> String {
    let mut hasher = DefaultHasher::new();
    let beginning = published.beginning.borrow().clone();
    beginning.reason.hash(&mut hasher);
    let endpoints = situation.map_or(&beginning.endpoints, |s| &s.endpoints);
    for endpoint in endpoints {
        let state = std::mem::discriminant(&endpoint.state);
        (state, &endpoint.reason, endpoint.selected, endpoint.websocket).hash(&mut hasher);
    }
    for incident in published.incidents.borrow().iter() {
        let quiet = (incident.acknowledged.is_some(), incident.silenced_by, &incident.inhibited_by);
        let life = (incident.state, incident.severity, incident.unknown_since.is_some());
        (&incident.fingerprint, life, quiet).hash(&mut hasher);
    }
    for silence in &published.silences.borrow().silences {
        (silence.id, silence.expired_at).hash(&mut hasher);
    }
    let chronicle = published.chronicle.borrow().clone();
    (chronicle.captures.len(), chronicle.captures_before).hash(&mut hasher);
    chronicle.captures.last().map(|record| record.at).hash(&mut hasher);
    for said in &chronicle.forecasts {
        (said.epoch, said.kept.outcome, said.kept.stored).hash(&mut hasher);
    }
    if let Some(s) = situation {
        (s.state_height, s.data.state_unread, s.data.disagreement.is_some()).hash(&mut hasher);
        s.data.unfillable.hash(&mut hasher);
        s.plans.as_ref().map(|plans| plans.read_at).hash(&mut hasher);
        s.service.store_trouble.hash(&mut hasher);
        s.service.nobody_reached.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// One reader.
struct Reader {
    feed: Feed,
    /// The first event is what stands now.
    begun: bool,
    end: Instant,
    _permit: OwnedSemaphorePermit,
}

/// Server-sent events of the kind `change`: that something has changed since the one before.
#[utoipa::path(
    get, path = "/api/v1/stream", tag = "now",
    responses(
        (status = 200, description = "each event's data is of this form", body = Beat,
            content_type = "text/event-stream"),
        (status = 503, description = "too many streams are open", body = Problem),
    ),
)]
pub(super) async fn stream(State(feed): State<Feed>) -> Response {
    let Ok(permit) = Arc::clone(&feed.permits).try_acquire_owned() else {
        let full = problem(StatusCode::SERVICE_UNAVAILABLE, "too many streams are open; ask again");
        return ([(header::RETRY_AFTER, "30")], full).into_response();
    };
    let end = Instant::now() + LIFETIME;
    let reader = Reader { feed, begun: false, end, _permit: permit };
    let events = futures_util::stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(QUIET));
    // nginx would collect events before it passes them on.
    ([(HeaderName::from_static("x-accel-buffering"), "no")], events).into_response()
}

impl Reader {
    /// The next event; none at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.begun {
                tokio::select! {
                    biased;
                    () = self.feed.stop.cancelled() => return None,
                    () = sleep_until(self.end) => return None,
                    changed = self.feed.newest.changed() => changed.ok()?,
                }
            }
            let first = !std::mem::replace(&mut self.begun, true);
            if let Some(text) = self.feed.newest.borrow_and_update().clone() {
                let event = Event::default().event("change").data(text);
                return Some(if first { event.retry(COME_BACK) } else { event });
            }
        }
    }
}
