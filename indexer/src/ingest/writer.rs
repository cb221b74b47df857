//! The one thread that writes to the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bootwatch_alerts::Decision;
use bootwatch_rules::{
    BlockFacts, Observation,
    forecast::KeptForecast,
    ledger::{Changes, Ledger},
};
use bootwatch_schema::{
    Commit, Delivery, Incident, NewMessage, QuietBlock, ServiceRecord, Store, StoreError,
    Unfillable,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::metrics::Metrics;

/// Orders that may wait. Whoever gives one waits for its answer, so few ever do.
const WAITING: usize = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Everything of one block, owned, on its way to the store.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) facts: BlockFacts,
    pub(crate) observation: Option<Observation>,
    pub(crate) changes: Changes,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) forecast: Option<Arc<KeptForecast>>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) messages: Vec<NewMessage>,
}

/// Consecutive quiet blocks, owned, on their way to the store.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) blocks: Vec<(BlockFacts, Changes)>,
    /// The ledger after the last of them.
    pub(crate) ledger: Arc<Ledger>,
}

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The store refused, and will again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread is gone: it panicked, or the daemon is stopping.
    #[error("the writer has stopped")]
    Stopped,
}

type Answer = oneshot::Sender<Result<(), WriteError>>;

#[derive(Debug)]
enum Order {
    Commit(Box<Batch>),
    CommitRun(Run),
    Decide(Decision),
    Keep(Vec<BlockFacts>),
    GiveUp(Unfillable),
    Settle(Vec<Delivery>),
    Post(Vec<NewMessage>),
    Service(ServiceRecord),
}

/// Gives orders to the writer; cheap to clone. The thread ends when the last one is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    orders: mpsc::Sender<(Order, Answer)>,
    trouble: watch::Receiver<Option<String>>,
}

/// Waits for the thread to end.
#[derive(Debug)]
pub(crate) struct WriterEnd {
    hurry: Arc<AtomicBool>,
    ended: oneshot::Receiver<()>,
}

impl WriterEnd {
    /// Waits until all orders are carried out and the database is closed. What the disk does not
    /// take now is left for the next start.
    pub(crate) async fn wait(self) {
        self.hurry.store(true, Ordering::Relaxed);
        // An error means that the thread panicked, which it has logged itself.
        let _ = self.ended.await;
    }
}

impl Writer {
    /// Starts the thread, which owns the store from now on.
    ///
    /// # Errors
    /// The system's reason for not giving a thread.
    pub(crate) fn start(
        store: impl Store + 'static,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Self, WriterEnd)> {
        let (orders, inbox) = mpsc::channel(WAITING);
        let (troubled, trouble) = watch::channel(None);
        let (end, ended) = oneshot::channel();
        let hurry = Arc::new(AtomicBool::new(false));
        let hurried = Arc::clone(&hurry);
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            write(store, inbox, &troubled, &hurried, &metrics);
            // Nobody waits when the daemon failed before.
            let _ = end.send(());
        })?;
        Ok((Self { orders, trouble }, WriterEnd { hurry, ended }))
    }

    /// What keeps the writer from writing right now, if anything does.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Result<(), WriteError> {
        self.order(Order::Commit(Box::new(batch))).await
    }

    pub(crate) async fn commit_run(&self, run: Run) -> Result<(), WriteError> {
        self.order(Order::CommitRun(run)).await
    }

    /// What was decided without a block.
    pub(crate) async fn decide(&self, decision: Decision) -> Result<(), WriteError> {
        self.order(Order::Decide(decision)).await
    }

    pub(crate) async fn keep(&self, blocks: Vec<BlockFacts>) -> Result<(), WriteError> {
        self.order(Order::Keep(blocks)).await
    }

    pub(crate) async fn give_up(&self, range: Unfillable) -> Result<(), WriteError> {
        self.order(Order::GiveUp(range)).await
    }

    pub(crate) async fn settle(&self, deliveries: Vec<Delivery>) -> Result<(), WriteError> {
        self.order(Order::Settle(deliveries)).await
    }

    pub(crate) async fn post(&self, messages: Vec<NewMessage>) -> Result<(), WriteError> {
        self.order(Order::Post(messages)).await
    }

    pub(crate) async fn note_service(&self, service: ServiceRecord) -> Result<(), WriteError> {
        self.order(Order::Service(service)).await
    }

    async fn order(&self, order: Order) -> Result<(), WriteError> {
        let (answer, answered) = oneshot::channel();
        self.orders.send((order, answer)).await.map_err(|_| WriteError::Stopped)?;
        answered.await.unwrap_or(Err(WriteError::Stopped))
    }
}

fn write(
    mut store: impl Store,
    mut inbox: mpsc::Receiver<(Order, Answer)>,
    trouble: &watch::Sender<Option<String>>,
    hurry: &AtomicBool,
    metrics: &Metrics,
) {
    while let Some((order, answer)) = inbox.blocking_recv() {
        let began = Instant::now();
        let outcome = persist(&mut store, &order, trouble, hurry, metrics);
        if matches!(order, Order::Commit(_) | Order::CommitRun(_)) && outcome.is_ok() {
            metrics.committed(began.elapsed());
        }
        for (channel, count) in store.gave_way() {
            tracing::error!(channel, count, "the outbox is full: the least urgent messages went");
            metrics.gave_way(&channel, count);
        }
        // Before the answer: whoever gave the order may then change the ledger without a copy.
        drop(order);
        // Whoever asked may be gone; what was written stays.
        let _ = answer.send(outcome.map_err(WriteError::from));
    }
}

/// Carries an order out, for as long as the disk needs: a full disk is somebody's to empty, and
/// nothing is lost until then.
fn persist(
    store: &mut impl Store,
    order: &Order,
    trouble: &watch::Sender<Option<String>>,
    hurry: &AtomicBool,
    metrics: &Metrics,
) -> Result<(), StoreError> {
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match carry_out(store, order) {
            Ok(()) => {
                if trouble.borrow().is_some() {
                    tracing::info!("the database can be written again");
                    trouble.send_replace(None);
                }
                return Ok(());
            }
            Err(error) if error.is_retryable() => error,
            Err(error) => return Err(error),
        };
        metrics.database_busy();
        let text = error.to_string();
        if trouble.borrow().as_ref() != Some(&text) {
            tracing::error!(error = text, "the database cannot be written; trying again");
            trouble.send_replace(Some(text));
        }
        if hurry.load(Ordering::Relaxed) {
            return Err(error);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn carry_out(store: &mut impl Store, order: &Order) -> Result<(), StoreError> {
    match order {
        Order::Commit(batch) => store.commit(&Commit {
            facts: &batch.facts,
            observation: batch.observation.as_ref(),
            changes: &batch.changes,
            ledger: &batch.ledger,
            forecast: batch.forecast.as_deref(),
            incidents: &batch.incidents,
            messages: &batch.messages,
        }),
        Order::CommitRun(run) => {
            let blocks: Vec<_> =
                run.blocks.iter().map(|(facts, changes)| QuietBlock { facts, changes }).collect();
            store.commit_run(&blocks, &run.ledger)
        }
        Order::Decide(decision) => store.decide(&decision.incidents, &decision.messages),
        Order::Keep(blocks) => store.keep(blocks),
        Order::GiveUp(range) => store.give_up(range),
        Order::Settle(deliveries) => store.settle(deliveries),
        Order::Post(messages) => store.post(messages),
        Order::Service(service) => store.note_service(service),
    }
}
