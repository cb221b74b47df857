//! One task for each endpoint: asks it how it stands and, while blocks are taken from it, listens to
//! its subscription.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use bootwatch_rules::{BlockFacts, Height};
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep},
};

use super::endpoints::{Endpoints, Ruling};
use crate::{
    chain::{ChainError, Class, Frame, NodeStatus, Subscription},
    decode::{self, Decoded, Proof},
    metrics::{Disconnect, Metrics},
};

/// How often an endpoint is asked; see `Pace`.
const SLOWEST_POLL: Duration = Duration::from_secs(5);
const FASTEST_POLL: Duration = Duration::from_millis(200);
/// A status now and then even while frames come: heights are pruned, nodes begin to sync.
const ROUTINE: Duration = Duration::from_secs(60);
/// No frame for so long, or for three block intervals, is silence.
const SILENCE: Duration = Duration::from_secs(15);
/// CometBFT 0.38 leaks a little memory for every event it delivers on a connection.
const RECYCLE: Duration = Duration::from_secs(24 * 3600);
/// A node that serves no websocket is asked again after this.
const NO_WEBSOCKET: Duration = Duration::from_secs(600);
/// Frames larger than this are read on a thread of their own.
const LARGE_FRAME: usize = 256 << 10;

/// A block that came in a frame.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) endpoint: usize,
    pub(crate) facts: Box<BlockFacts>,
    pub(crate) proof: Proof,
    /// When the frame was there, unread.
    pub(crate) arrived: Instant,
}

/// What a watcher works with.
#[derive(Debug, Clone)]
pub(crate) struct Watcher {
    pub(crate) index: usize,
    pub(crate) endpoints: Arc<Endpoints>,
    pub(crate) blocks: mpsc::Sender<Pushed>,
    /// Measured time between blocks.
    pub(crate) interval: watch::Receiver<Duration>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Watcher {
    /// Never ends by itself.
    pub(crate) async fn run(self) {
        let mut selection = self.endpoints.selection();
        let mut delays = delays().build();
        let mut websocket_after = Instant::now();
        let mut losses = delays_of_websocket();
        let mut reconnects = false;
        loop {
            if let Some(left) = self.endpoints.quarantine(self.index) {
                tokio::select! {
                    () = sleep(left) => {}
                    // It may be needed after all.
                    () = self.endpoints.poked(self.index) => {}
                }
                if self.endpoints.quarantine(self.index).is_some() {
                    continue;
                }
            }
            let Some(_) = self.look().await else {
                let delay = delays.next().unwrap_or(SLOWEST_POLL);
                tokio::select! {
                    () = sleep(delay) => {}
                    () = self.endpoints.poked(self.index) => {}
                }
                continue;
            };
            delays = delays_of_status();
            let selected = *selection.borrow_and_update() == Some(self.index);
            if selected && Instant::now() >= websocket_after {
                let began = Instant::now();
                websocket_after = match self.listen(&mut selection, &mut reconnects).await {
                    Ok(()) => Instant::now(),
                    Err(pause) => {
                        if began.elapsed() > ROUTINE {
                            losses = delays_of_websocket();
                        }
                        Instant::now()
                            + pause.unwrap_or_else(|| losses.next().unwrap_or(SLOWEST_POLL))
                    }
                };
                continue;
            }
            let pause = self.poll_interval(selected);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.endpoints.poked(self.index) => {}
                Ok(()) = selection.changed() => {}
            }
        }
    }

    /// Asks the endpoint about itself, and examines it when it has come back; none when it does not
    /// answer as it should.
    async fn look(&self) -> Option<NodeStatus> {
        // The tip must not wait where polling is all that keeps it alive.
        let selected = *self.endpoints.selection().borrow() == Some(self.index);
        let rpc = self.endpoints.rpc(self.index);
        let status = if selected { rpc.status().await } else { rpc.routine().status().await };
        match status {
            Ok(status) => {
                self.metrics.endpoint_message(self.endpoints.name(self.index), Timestamp::now());
                self.endpoints.note_status(self.index, &status);
                self.examine(&status).await;
                Some(status)
            }
            Err(error) => {
                self.endpoints.note_failure(self.index, &error);
                None
            }
        }
    }

    /// Whether it serves our chain, and whether it keeps results: once each time it comes back.
    async fn examine(&self, status: &NodeStatus) {
        let Some(questions) = self.endpoints.examination(self.index, status) else { return };
        let rpc = self.endpoints.rpc(self.index);
        let mut known = false;
        if let Some(height) = questions.hash_at {
            match rpc.hash_at(height).await {
                Ok(hash) => match self.endpoints.note_hash(self.index, height, &hash) {
                    Ruling::Contradicts => {
                        // Seen once more, it is believed.
                        self.endpoints.poke(self.index);
                        return;
                    }
                    ruling => known = ruling == Ruling::Confirms,
                },
                Err(error) if error.class == Class::Fatal => {
                    tracing::info!(%error, "the endpoint cannot be asked for a known block");
                }
                // The next look asks again.
                Err(error) => {
                    tracing::debug!(%error, "a known block was not shown");
                    return;
                }
            }
        }
        match rpc.keeps_results(questions.results_at).await {
            Ok(keeps) => self.endpoints.note_results(self.index, keeps),
            Err(error) if error.class == Class::Fatal => {
                self.endpoints.note_failure(self.index, &error);
                return;
            }
            Err(error) => {
                tracing::debug!(%error, "it is not known whether results are kept");
                return;
            }
        }
        self.endpoints.note_examined(self.index, known);
    }

    /// As [`Self::look`] while frames come: they prove more than a status that fails, so only
    /// another chain counts against the endpoint.
    async fn look_beside_frames(&self) -> Option<NodeStatus> {
        match self.endpoints.rpc(self.index).routine().status().await {
            Ok(status) => {
                self.endpoints.note_status(self.index, &status);
                self.examine(&status).await;
                Some(status)
            }
            Err(error) => {
                if error.class == Class::WrongChain {
                    self.endpoints.note_failure(self.index, &error);
                } else {
                    tracing::debug!(%error, "status not answered; frames still come");
                }
                None
            }
        }
    }

    /// Half a block interval where polling is all there is; less often otherwise. Of a budget, a
    /// third goes into asking for the head, so that two thirds are left for the blocks.
    fn poll_interval(&self, selected: bool) -> Duration {
        let interval = *self.interval.borrow();
        let pause = if selected {
            (interval / 2).clamp(FASTEST_POLL, SLOWEST_POLL)
        } else {
            (interval * 3).clamp(SLOWEST_POLL, ROUTINE)
        };
        let limit = self.endpoints.rpc(self.index).budget().limit();
        limit.map_or(pause, |limit| pause.max(ROUTINE * 3 / limit.get()).min(ROUTINE))
    }

    /// Listens until the subscription is lost or another endpoint is preferred. The error is how
    /// long to go without a websocket, if that is known.
    async fn listen(
        &self,
        selection: &mut watch::Receiver<Option<usize>>,
        reconnects: &mut bool,
    ) -> Result<(), Option<Duration>> {
        let name = self.endpoints.name(self.index);
        let mut subscription =
            Subscription::open(self.endpoints.rpc(self.index)).await.map_err(|error| {
                self.without_websocket(&error);
                (error.class == Class::Fatal).then_some(NO_WEBSOCKET)
            })?;
        self.metrics.ws_connected(name);
        self.endpoints.note_websocket(self.index, true);
        self.endpoints.note_reservation(self.index, None);
        if std::mem::replace(reconnects, true) {
            // Another connection may lead to another node.
            self.endpoints.examine_again(self.index);
        }
        tracing::info!(endpoint = name, "websocket subscribed");
        // What came between the last status and the subscription.
        self.look().await;
        let outcome = self.receive(&mut subscription, selection).await;
        self.endpoints.note_websocket(self.index, false);
        if let Err((reason, text)) = outcome {
            self.metrics.ws_disconnected(name, reason);
            tracing::warn!(endpoint = name, reason = reason.as_str(), text, "websocket lost");
            return Err(None);
        }
        Ok(())
    }

    fn without_websocket(&self, error: &ChainError) {
        let reason = format!("no websocket ({}), so blocks are polled", error.problem);
        self.endpoints.note_reservation(self.index, Some(reason));
    }

    async fn receive(
        &self,
        subscription: &mut Subscription,
        selection: &mut watch::Receiver<Option<usize>>,
    ) -> Result<(), (Disconnect, String)> {
        let recycle = Instant::now() + RECYCLE;
        let mut newest: Height = 0;
        let mut routine = Instant::now() + ROUTINE;
        loop {
            let silence = SILENCE.max(*self.interval.borrow() * 3);
            tokio::select! {
                frame = subscription.next(silence) => match frame {
                    Ok(frame) => newest = newest.max(self.take(frame).await?),
                    // A halted chain is silent too: only a head that moved on proves a loss.
                    Err((Disconnect::Idle, text)) => match self.look().await {
                        Some(status) if status.head <= newest => {
                            tracing::warn!(height = newest, "no new block: the chain seems halted");
                        }
                        _ => return Err((Disconnect::Idle, text)),
                    },
                    Err(lost) => return Err(lost),
                },
                () = tokio::time::sleep_until(routine) => {
                    routine = Instant::now() + ROUTINE;
                    self.look_beside_frames().await;
                }
                () = self.endpoints.poked(self.index) => {
                    self.look_beside_frames().await;
                }
                Ok(()) = selection.changed() => {
                    if *selection.borrow_and_update() != Some(self.index) {
                        return Ok(());
                    }
                }
            }
            if Instant::now() >= recycle {
                return Ok(());
            }
        }
    }

    /// Reads a frame and hands the block over; gives its height, or 0.
    async fn take(&self, frame: Frame) -> Result<Height, (Disconnect, String)> {
        let arrived = Instant::now();
        self.metrics.endpoint_message(self.endpoints.name(self.index), Timestamp::now());
        let chain_id = Arc::clone(self.endpoints.rpc(self.index).chain_id());
        let read = if frame.text().len() > LARGE_FRAME {
            tokio::task::spawn_blocking(move || read(&chain_id, &frame))
                .await
                .unwrap_or_else(|e| Err((Disconnect::Error, format!("the decoder failed: {e}"))))
        } else {
            read(&chain_id, &frame)
        };
        let (facts, proof) = match read? {
            Reading::Block(facts, proof) => (facts, proof),
            Reading::Nothing => return Ok(0),
            Reading::Refused(reason) => {
                tracing::warn!(
                    endpoint = self.endpoints.name(self.index),
                    reason,
                    "frame not taken; the block is fetched instead"
                );
                return Ok(self.look().await.map_or(0, |status| status.head));
            }
        };
        let height = facts.height;
        let hash = facts.hash.clone();
        let pushed = Pushed { endpoint: self.index, facts, proof, arrived };
        if self.blocks.try_send(pushed).is_err() {
            // The writer is behind: the block is fetched when its turn comes. Waiting here would
            // leave pings unanswered.
            self.endpoints.note_block(self.index, height, &hash);
        }
        Ok(height)
    }
}

enum Reading {
    Block(Box<BlockFacts>, Proof),
    Nothing,
    Refused(String),
}

fn read(chain_id: &str, frame: &Frame) -> Result<Reading, (Disconnect, String)> {
    Ok(match frame.read()? {
        None => Reading::Nothing,
        Some(block) => match decode::pushed(chain_id, &block) {
            Ok(Decoded { facts, proof }) => Reading::Block(Box::new(facts), proof),
            Err(error) => Reading::Refused(error.to_string()),
        },
    })
}

fn delays() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_max_delay(Duration::from_secs(30))
        .with_jitter()
        .without_max_times()
}

fn delays_of_status() -> backon::ExponentialBackoff {
    delays().with_max_delay(Duration::from_secs(5)).build()
}

fn delays_of_websocket() -> backon::ExponentialBackoff {
    delays().build()
}
