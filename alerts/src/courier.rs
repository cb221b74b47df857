//! The delivery loop: takes what is due from the outbox and hands it to a channel, at least once
//! each, in the order of each incident.
//!
//! A message leaves the outbox only by what the channel said of it. Between the channel's yes and
//! the outbox's record lies the one moment in which a crash makes a duplicate; it has the same id.

use std::{collections::HashSet, error::Error, future::Future, sync::Arc, time::Duration};

use bootwatch_schema::{Delivery, NewMessage, PendingMessage, Severity};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    backoff::Backoff,
    channel::{Channel, SendError},
    trouble::Trouble,
};

/// What went wrong with the outbox; it is tried again.
pub type OutboxError = Box<dyn Error + Send + Sync>;

/// The messages of one channel that wait to be sent.
pub trait Outbox: Send + Sync {
    /// Messages that are due at `now`, in the order in which they were decided. While an older
    /// message of the same incident and recipient waits, a newer one is not due.
    fn due(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<PendingMessage>, OutboxError>> + Send;

    /// Records what became of messages; once it returns, it is on disk.
    fn settle(
        &self,
        deliveries: Vec<Delivery>,
    ) -> impl Future<Output = Result<(), OutboxError>> + Send;

    /// The last delivered message of each incident that goes on, for a channel that
    /// [refreshes](Channel::refresh).
    fn standing(&self) -> impl Future<Output = Result<Vec<NewMessage>, OutboxError>> + Send {
        std::future::ready(Ok(Vec::new()))
    }

    /// Tells of a trouble by the other channels. Once it returns, that is on disk; the same
    /// trouble may be told again.
    fn tell(&self, _trouble: Trouble) -> impl Future<Output = Result<(), OutboxError>> + Send {
        std::future::ready(Ok(()))
    }

    /// An attempt failed, for the metrics.
    fn failed(&self, _error: &SendError) {}
}

/// How the courier goes about it.
#[derive(Debug, Clone)]
pub struct CourierPolicy {
    /// Waits between attempts, of a message and of a channel that is not available.
    pub backoff: Backoff,
    /// The longest time without a look into the outbox, whatever wakes are lost.
    pub poll: Duration,
    /// The shortest time between attempts at a channel that is not available; a fresh message may
    /// shorten the wait down to this.
    pub probe: Duration,
    /// The longest wait between attempts while something critical waits: its deadline does not.
    pub urgent: Duration,
    /// Messages taken at a time.
    pub batch: u32,
    /// A message that could not be delivered for so long is given up. RFC 5321 §4.5.4.1 asks
    /// senders for 4 to 5 days.
    pub give_up: SignedDuration,
    /// But not before so many attempts: a clock that jumps ahead, or a machine that was off, makes
    /// a message old that nobody has tried.
    pub give_up_attempts: u32,
    /// How long an attempt that is under way may still run when the courier is stopped.
    pub grace: Duration,
}

impl Default for CourierPolicy {
    fn default() -> Self {
        Self {
            backoff: Backoff::default(),
            poll: Duration::from_secs(5),
            probe: Duration::from_secs(30),
            urgent: Duration::from_secs(120),
            batch: 64,
            give_up: SignedDuration::from_hours(5 * 24),
            give_up_attempts: 8,
            grace: Duration::from_secs(3),
        }
    }
}

/// Delivers until it is stopped. `wake` cuts the wait short when a message was added.
///
/// Returns within `grace` and the outbox's own time after `stop`; what was not sent stays due.
pub async fn run(
    outbox: impl Outbox,
    channel: impl Channel,
    policy: CourierPolicy,
    wake: Arc<Notify>,
    stop: CancellationToken,
) {
    Box::pin(run_with_clock(outbox, channel, policy, wake, stop, Timestamp::now)).await;
}

/// [`run`] with a clock of one's own.
pub async fn run_with_clock(
    outbox: impl Outbox,
    channel: impl Channel,
    policy: CourierPolicy,
    wake: Arc<Notify>,
    stop: CancellationToken,
    clock: impl Fn() -> Timestamp + Send + Sync,
) {
    let mut courier = Courier {
        outbox,
        channel,
        policy,
        clock,
        unsettled: Vec::new(),
        troubles: Vec::new(),
        outbox_failures: 0,
        outage: None,
        urgent: false,
        refreshed: None,
    };
    loop {
        let wait = courier.round(&stop).await;
        if stop.is_cancelled() {
            break;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
            () = wake.notified() => courier.woken(),
        }
    }
    // What the channel has accepted must not be sent again by the next process.
    let grace = courier.policy.grace;
    if timeout(grace, courier.settle()).await.is_err() {
        warn!("the last deliveries could not be recorded before the stop; they may be repeated");
    }
    courier.channel.rest().await;
}

struct Courier<O, C, K> {
    outbox: O,
    channel: C,
    policy: CourierPolicy,
    clock: K,
    /// Results that the outbox has not recorded yet. While there are any, nothing is sent: it would
    /// be sent again.
    unsettled: Vec<Delivery>,
    /// Troubles that have not been told yet.
    troubles: Vec<Trouble>,
    outbox_failures: u32,
    /// Since when the channel does not work.
    outage: Option<Outage>,
    /// Something critical is due.
    urgent: bool,
    /// When what stands was last said again.
    refreshed: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Outage {
    failures: u32,
    last: Instant,
    next: Instant,
    /// The other side asked for this pause: nothing shortens it.
    asked_for: bool,
}

/// What became of a batch.
enum Batch {
    /// There may be more.
    Full,
    /// Nothing else is due.
    Empty,
    /// The channel does not work, or the courier is stopped.
    Broken,
}

impl<O, C, K> Courier<O, C, K>
where
    O: Outbox,
    C: Channel,
    K: Fn() -> Timestamp + Send + Sync,
{
    /// Sends what is due, and says how long to wait then.
    async fn round(&mut self, stop: &CancellationToken) -> Duration {
        loop {
            if !self.settle().await {
                return self.policy.backoff.after(self.outbox_failures).min(self.policy.poll);
            }
            if stop.is_cancelled() {
                return Duration::ZERO;
            }
            let until_probe =
                self.outage.map_or(Duration::ZERO, |o| o.next.duration_since(Instant::now()));
            if !until_probe.is_zero() {
                return until_probe;
            }
            if !self.refresh().await {
                continue;
            }
            match self.outbox.due((self.clock)(), self.policy.batch).await {
                Ok(messages) => {
                    self.outbox_failures = 0;
                    match self.deliver(messages, stop).await {
                        Batch::Full => {}
                        Batch::Broken if !stop.is_cancelled() => {}
                        Batch::Empty | Batch::Broken => {
                            if !self.settle().await {
                                continue;
                            }
                            self.channel.rest().await;
                            return self.policy.poll;
                        }
                    }
                }
                Err(error) => {
                    self.outbox_failed("read", &error);
                    return self.policy.backoff.after(self.outbox_failures).min(self.policy.poll);
                }
            }
        }
    }

    async fn deliver(&mut self, messages: Vec<PendingMessage>, stop: &CancellationToken) -> Batch {
        self.urgent = messages.iter().any(|m| m.message.severity == Severity::Critical);
        // While the channel is down one message tries it for all.
        let limit = if self.outage.is_some() { 1 } else { messages.len() };
        let full = messages.len() >= usize::try_from(self.policy.batch).unwrap_or(usize::MAX);
        let mut held = HashSet::new();
        let mut progress = false;
        for message in messages.iter().take(limit.max(1)) {
            let thread = (message.message.incident.as_str(), message.message.recipient.as_str());
            if held.contains(&thread) {
                continue;
            }
            let Some(result) = self.attempt(message, stop).await else { return Batch::Broken };
            let recovered = result.is_ok() && self.outage.is_some();
            if !matches!(result, Ok(()) | Err(SendError::Refused(_))) {
                held.insert(thread);
            }
            let stopped =
                matches!(result, Err(SendError::Unavailable(_) | SendError::Throttled { .. }));
            if let Err(error) = &result {
                self.outbox.failed(error);
            }
            let delivery = self.judge(message, result);
            if let Delivery::Rejected { error, .. } = &delivery {
                self.trouble(message.message.recipient.clone(), error.clone());
            }
            self.unsettled.push(delivery);
            progress = true;
            if stopped {
                return Batch::Broken;
            }
            if recovered {
                return Batch::Full;
            }
            // Each yes is recorded at once: a crash repeats one mail, not a batch of them.
            if !self.settle().await {
                return Batch::Full;
            }
        }
        if progress && (full || limit < messages.len()) { Batch::Full } else { Batch::Empty }
    }

    /// One attempt. `None` when the courier was stopped and the attempt did not end in time; the
    /// message stays due.
    async fn attempt(
        &self,
        message: &PendingMessage,
        stop: &CancellationToken,
    ) -> Option<Result<(), SendError>> {
        let mut attempt = std::pin::pin!(self.channel.send(message));
        tokio::select! {
            biased;
            result = &mut attempt => Some(result),
            () = stop.cancelled() => timeout(self.policy.grace, attempt).await.ok(),
        }
    }

    /// What an attempt's result means for the message and for the channel.
    fn judge(&mut self, message: &PendingMessage, result: Result<(), SendError>) -> Delivery {
        let now = (self.clock)();
        let message_id = message.message.message_id.clone();
        let failures = message.attempts.saturating_add(1);
        if !matches!(result, Err(SendError::Unavailable(_) | SendError::Throttled { .. })) {
            self.recovered();
        }
        match result {
            Ok(()) => {
                debug!(channel = self.channel.name(), message_id, "delivered");
                Delivery::Delivered { message_id, at: now }
            }
            Err(SendError::Refused(error)) => {
                warn!(channel = self.channel.name(), message_id, error, "refused for good");
                Delivery::Rejected { message_id, at: now, error }
            }
            Err(SendError::Later(error)) => {
                if self.is_too_old(message, now) {
                    return self.given_up(message_id, now, error);
                }
                let critical = message.message.severity == Severity::Critical;
                let next = later(now, self.wait(failures, critical));
                info!(channel = self.channel.name(), message_id, error, %next, "put off");
                Delivery::Retry { message_id, next, error }
            }
            Err(SendError::Throttled { text: error, pause }) => {
                info!(channel = self.channel.name(), message_id, error, ?pause, "asked to pause");
                self.pause(pause);
                Delivery::Retry { message_id, next: now, error }
            }
            Err(SendError::Unavailable(error)) => {
                self.unavailable(failures, &error);
                if self.is_too_old(message, now) {
                    return self.given_up(message_id, now, error);
                }
                // It stays due: it is the channel that waits.
                Delivery::Retry { message_id, next: now, error }
            }
        }
    }

    fn recovered(&mut self) {
        if let Some(outage) = self.outage.take() {
            let channel = self.channel.name();
            info!(channel, attempts = outage.failures, "the channel works again");
        }
    }

    fn is_too_old(&self, message: &PendingMessage, now: Timestamp) -> bool {
        message.attempts.saturating_add(1) >= self.policy.give_up_attempts
            && now.duration_since(message.message.created_at) > self.policy.give_up
    }

    fn given_up(&self, message_id: String, now: Timestamp, error: String) -> Delivery {
        let channel = self.channel.name();
        let error = format!("given up after {:#}: {error}", self.policy.give_up);
        warn!(channel, message_id, error, "given up");
        Delivery::Rejected { message_id, at: now, error }
    }

    /// How long to wait after so many failures.
    fn wait(&self, failures: u32, urgent: bool) -> Duration {
        let wait = self.policy.backoff.after(failures);
        if urgent { wait.min(self.policy.urgent) } else { wait }
    }

    /// `failures` of the message that tried it: after a restart they say how long the outage is.
    fn unavailable(&mut self, failures: u32, error: &str) {
        let now = Instant::now();
        let failures = self.outage.map_or(failures, |o| o.failures.saturating_add(1));
        let wait = self.wait(failures, self.urgent);
        let channel = self.channel.name().to_owned();
        if self.outage.is_none() {
            warn!(channel, error, ?wait, "the channel does not work; messages wait");
        } else {
            debug!(channel, error, failures, ?wait, "the channel still does not work");
        }
        let next = now + wait;
        self.outage = Some(Outage { failures, last: now, next, asked_for: false });
    }

    /// The channel works, but not now.
    fn pause(&mut self, pause: Duration) {
        let now = Instant::now();
        let next = now + pause.max(Duration::from_millis(100));
        self.outage = Some(Outage { failures: 0, last: now, next, asked_for: true });
    }

    /// To be told by the other channels.
    fn trouble(&mut self, recipient: String, error: String) {
        self.troubles.push(Trouble { channel: self.channel.name().to_owned(), recipient, error });
    }

    /// Says again what stands, when it is time. False when the channel turns out not to work.
    async fn refresh(&mut self) -> bool {
        let Some(every) = self.channel.refresh() else { return true };
        if self.refreshed.is_some_and(|at| at.elapsed() < every) {
            return true;
        }
        let standing = match self.outbox.standing().await {
            Ok(standing) => standing,
            Err(error) => {
                self.outbox_failed("read", &error);
                return true;
            }
        };
        self.refreshed = Some(Instant::now());
        match self.channel.remind(&standing).await {
            Ok(()) => {
                self.recovered();
                true
            }
            Err(error) => {
                self.outbox.failed(&error);
                match error {
                    SendError::Throttled { pause, .. } => self.pause(pause),
                    error => self.unavailable(1, &error.to_string()),
                }
                self.refreshed = None;
                false
            }
        }
    }

    /// Something was added: a fresh message is worth an early attempt at a broken channel.
    fn woken(&mut self) {
        if let Some(outage) = self.outage.as_mut().filter(|outage| !outage.asked_for) {
            outage.next = outage.next.min(outage.last + self.policy.probe);
        }
    }

    /// Records what is known so far. False when the outbox does not take it.
    async fn settle(&mut self) -> bool {
        // Told before it is recorded: a crash in between tells it twice, under the same ids.
        while let Some(trouble) = self.troubles.first() {
            if let Err(error) = self.outbox.tell(trouble.clone()).await {
                self.outbox_failed("write", &error);
                return false;
            }
            self.troubles.remove(0);
        }
        if self.unsettled.is_empty() {
            return true;
        }
        match self.outbox.settle(self.unsettled.clone()).await {
            Ok(()) => {
                self.unsettled.clear();
                self.outbox_failures = 0;
                true
            }
            Err(error) => {
                self.outbox_failed("write", &error);
                false
            }
        }
    }

    fn outbox_failed(&mut self, what: &str, error: &OutboxError) {
        self.outbox_failures = self.outbox_failures.saturating_add(1);
        if self.outbox_failures == 1 {
            warn!(%error, "cannot {what} the outbox; trying again");
        }
    }
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait)
        .ok()
        .and_then(|wait| now.checked_add(wait).ok())
        .unwrap_or(Timestamp::MAX)
}
