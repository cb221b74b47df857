//! The event bus: who subscribed to what, and what happens to those who do not keep up.
//!
//! Sources: CometBFT v0.38 `libs/pubsub/pubsub.go`, `types/event_bus.go`, `rpc/core/events.go`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::query::{EventMap, Query};

/// `experimental_subscription_buffer_size`: events that may wait for one subscription.
const BUFFER: usize = 200;
/// `max_subscription_clients`.
const MAX_CLIENTS: usize = 100;
/// `max_subscriptions_per_client`.
const MAX_PER_CLIENT: usize = 5;
/// `maxQueryLength` of `rpc/core/events.go`.
const MAX_QUERY_BYTES: usize = 512;

/// One connection, as the bus tells them apart.
pub(crate) type ClientId = u64;

/// An event on its way to subscribers; encoded once for all of them.
#[derive(Debug)]
pub(crate) struct Published {
    /// `data` of the frame, JSON.
    pub(crate) data: String,
    /// `events` of the frame, JSON.
    pub(crate) events: String,
}

/// One subscription's receiving end.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) events: mpsc::Receiver<Arc<Published>>,
    /// Cancelled when the client unsubscribed, or when its buffer was full.
    pub(crate) ended: CancellationToken,
    /// Cancelled before `ended` when the buffer was full.
    pub(crate) out_of_capacity: CancellationToken,
}

/// Why the bus refuses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BusError {
    #[error("max_subscription_clients {MAX_CLIENTS} reached")]
    TooManyClients,
    #[error("max_subscriptions_per_client {MAX_PER_CLIENT} reached")]
    TooManySubscriptions,
    #[error("maximum query length exceeded")]
    QueryTooLong,
    #[error("failed to parse query: {0}")]
    Query(String),
    #[error("already subscribed")]
    AlreadySubscribed,
    #[error("subscription not found")]
    NotFound,
}

/// The bus.
#[derive(Debug, Default)]
pub(crate) struct Bus {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The queries each client registered. A subscription that overflowed stays registered, so
    /// that the same client cannot subscribe to that query again (a real node behaves so too).
    registered: HashMap<ClientId, HashSet<String>>,
    active: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    client: ClientId,
    name: String,
    query: Query,
    events: mpsc::Sender<Arc<Published>>,
    ended: CancellationToken,
    out_of_capacity: CancellationToken,
}

impl Bus {
    pub(crate) fn subscribe(&self, client: ClientId, text: &str) -> Result<Subscription, BusError> {
        let mut state = self.lock();
        if state.registered.len() >= MAX_CLIENTS {
            return Err(BusError::TooManyClients);
        }
        if state.registered.get(&client).is_some_and(|all| all.len() >= MAX_PER_CLIENT) {
            return Err(BusError::TooManySubscriptions);
        }
        if text.len() > MAX_QUERY_BYTES {
            return Err(BusError::QueryTooLong);
        }
        let query = Query::parse(text).map_err(|error| BusError::Query(error.to_string()))?;
        let name = query.to_string();
        if !state.registered.entry(client).or_default().insert(name.clone()) {
            return Err(BusError::AlreadySubscribed);
        }
        let (events, received) = mpsc::channel(BUFFER);
        let (ended, out_of_capacity) = (CancellationToken::new(), CancellationToken::new());
        state.active.push(Active {
            client,
            name,
            query,
            events,
            ended: ended.clone(),
            out_of_capacity: out_of_capacity.clone(),
        });
        Ok(Subscription { events: received, ended, out_of_capacity })
    }

    pub(crate) fn unsubscribe(&self, client: ClientId, text: &str) -> Result<(), BusError> {
        let query = Query::parse(text).map_err(|error| BusError::Query(error.to_string()))?;
        let name = query.to_string();
        let mut state = self.lock();
        let queries = state.registered.get_mut(&client).ok_or(BusError::NotFound)?;
        if !queries.remove(&name) {
            return Err(BusError::NotFound);
        }
        if queries.is_empty() {
            state.registered.remove(&client);
        }
        state.end(|active| active.client == client && active.name == name);
        Ok(())
    }

    pub(crate) fn unsubscribe_all(&self, client: ClientId) -> Result<(), BusError> {
        let mut state = self.lock();
        state.registered.remove(&client).ok_or(BusError::NotFound)?;
        state.end(|active| active.client == client);
        Ok(())
    }

    /// Whether nobody listens, so that nothing needs to be encoded.
    pub(crate) fn is_idle(&self) -> bool {
        self.lock().active.is_empty()
    }

    /// Hands an event to every matching subscription. `data` is called at most once.
    pub(crate) fn publish(&self, events: &EventMap, data: impl FnOnce() -> String) {
        self.hand_out(events, || {
            Arc::new(Published { data: data(), events: super::go_json::to_string(events) })
        });
    }

    /// `encode` is called at most once.
    fn hand_out(&self, events: &EventMap, encode: impl FnOnce() -> Arc<Published>) {
        let mut state = self.lock();
        let mut encode = Some(encode);
        let mut published: Option<Arc<Published>> = None;
        state.active.retain(|active| {
            if !active.query.matches(events) {
                return true;
            }
            if let Some(encode) = encode.take() {
                published = Some(encode());
            }
            let Some(event) = &published else { return true };
            let taken = active.events.try_send(event.clone()).is_ok();
            if !taken {
                active.out_of_capacity.cancel();
                active.ended.cancel();
            }
            taken
        });
    }

    /// Hands an event that is encoded already to every matching subscription.
    pub(crate) fn publish_encoded(&self, events: &EventMap, published: &Arc<Published>) {
        self.hand_out(events, || Arc::clone(published));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end(&mut self, ends: impl Fn(&Active) -> bool) {
        self.active.retain(|active| {
            let ended = ends(active);
            if ended {
                active.ended.cancel();
            }
            !ended
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tx_event() -> EventMap {
        EventMap::from([("tm.event".to_owned(), vec!["Tx".to_owned()])])
    }

    #[test]
    fn a_subscription_that_overflows_ends_and_stays_registered() {
        let bus = Bus::default();
        let subscription = bus.subscribe(1, "tm.event='Tx'").unwrap();
        for _ in 0..BUFFER {
            bus.publish(&tx_event(), String::new);
        }
        assert!(!subscription.ended.is_cancelled());
        bus.publish(&tx_event(), String::new);
        assert!(subscription.out_of_capacity.is_cancelled() && subscription.ended.is_cancelled());
        assert!(bus.is_idle());
        let again = bus.subscribe(1, "tm.event = 'Tx'").unwrap_err();
        assert!(matches!(again, BusError::AlreadySubscribed));
    }

    #[test]
    fn limits_are_those_of_the_default_configuration() {
        let bus = Bus::default();
        let subscriptions: Vec<_> =
            (0..5).map(|i| bus.subscribe(1, &format!("a={i}")).unwrap()).collect();
        let sixth = bus.subscribe(1, "not a query").unwrap_err();
        assert_eq!(sixth.to_string(), "max_subscriptions_per_client 5 reached");
        assert!(matches!(bus.unsubscribe(1, "a=9"), Err(BusError::NotFound)));
        bus.unsubscribe(1, "a=4").unwrap();
        assert!(subscriptions[4].ended.is_cancelled());
        bus.unsubscribe_all(1).unwrap();
        assert!(subscriptions.iter().all(|subscription| subscription.ended.is_cancelled()));
        assert!(matches!(bus.unsubscribe_all(1), Err(BusError::NotFound)));
        let long = format!("a='{}'", "x".repeat(510));
        assert!(matches!(bus.subscribe(2, &long), Err(BusError::QueryTooLong)));
    }

    #[test]
    fn an_event_is_encoded_only_for_those_who_want_it() {
        let bus = Bus::default();
        let _other = bus.subscribe(1, "tm.event='NewBlock'").unwrap();
        bus.publish(&tx_event(), || panic!("nobody asked for it"));
    }
}
