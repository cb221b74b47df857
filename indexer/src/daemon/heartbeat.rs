//! Who watches the watcher: a sign of life to somebody else's clock, and to systemd.
//!
//! The URL is called only while blocks are fresh, alerts were judged, and messages get through; else
//! `/fail` is called. When neither comes, whoever is behind the URL raises the alarm.

use std::{sync::Arc, time::Duration};

use bootwatch_alerts::daily::Unwell;
use bootwatch_rules::situation::Situation;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Url, redirect::Policy};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

type Newest = watch::Receiver<Option<Arc<Situation>>>;

const EVERY: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);
/// Waits before further attempts at one call.
const RETRIES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];
/// Alerts are judged every second; a loop that does not come round for so long is stuck.
const STUCK: SignedDuration = SignedDuration::from_mins(2);

/// After a start, blocks have to be caught up with before their absence means anything.
pub(super) const GRACE: Duration = Duration::from_secs(5 * 60);

/// Calls the URL every minute until it is stopped. `patience` is how long a message may wait, and for
/// `grace` after the start trouble is not told.
pub(super) async fn run(
    url: Url,
    newest: Newest,
    patience: SignedDuration,
    grace: Duration,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let started = Instant::now();
    // Whoever answers must be the one that was meant, and a redirect is no answer.
    let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(Policy::none()).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "no sign of life can be given");
            stop.cancelled().await;
            return;
        }
    };
    let failed = fail(&url);
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let trouble = Unwell::of(newest.borrow().as_deref(), patience, Timestamp::now());
        if trouble.is_some() && started.elapsed() < grace {
            continue;
        }
        let target = if trouble.is_some() { &failed } else { &url };
        tokio::select! {
            () = stop.cancelled() => return,
            reached = call(&client, target, trouble.map_or("ok", Unwell::as_str)) => {
                metrics.heartbeat(reached, Timestamp::now());
            }
        }
    }
}

/// The same address with `/fail` behind its path.
fn fail(url: &Url) -> Url {
    let mut failed = url.clone();
    failed.set_path(&format!("{}/fail", url.path().trim_end_matches('/')));
    failed
}

/// One call, tried a few times; whether it got through. The URL is a secret of its kind and is not
/// logged.
async fn call(client: &reqwest::Client, url: &Url, says: &'static str) -> bool {
    for wait in RETRIES.into_iter().map(Some).chain([None]) {
        let sent = client.post(url.clone()).body(says).send().await;
        let error = match sent {
            Ok(answer) if answer.status().is_success() => return true,
            Ok(answer) => answer.status().to_string(),
            Err(error) => error.without_url().to_string(),
        };
        match wait {
            Some(wait) => sleep(wait).await,
            None => tracing::warn!(error, "the sign of life could not be given"),
        }
    }
    false
}

/// Tells systemd that the daemon is up, and goes on telling it while the loop comes round. Does
/// nothing where systemd did not ask for it.
pub(super) async fn systemd(newest: Newest, stop: CancellationToken) {
    tell(sd_notify::NotifyState::Ready);
    let Some(limit) = sd_notify::watchdog_enabled() else {
        stop.cancelled().await;
        tell(sd_notify::NotifyState::Stopping);
        return;
    };
    let mut tick = interval((limit / 3).max(Duration::from_millis(100)));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = tick.tick() => {}
        }
        let judged = newest.borrow().as_ref().and_then(|s| s.service.judged_at);
        // Before the first block there is nothing to judge: an endpoint that is away is no reason
        // to be started anew.
        if judged.is_none_or(|at| Timestamp::now().duration_since(at) <= STUCK) {
            tell(sd_notify::NotifyState::Watchdog);
        }
    }
    tell(sd_notify::NotifyState::Stopping);
}

fn tell(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd cannot be told");
    }
}

#[cfg(test)]
mod tests {
    use bootwatch_rules::situation::ChannelView;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    fn well(now: Timestamp) -> Situation {
        let mut situation = crate::sample::situation();
        situation.stale = false;
        situation.service.judged_at = Some(now);
        situation
    }

    // Fails when a sign of life is given although something is wrong, or withheld although nothing
    // is.
    #[test]
    fn life_is_shown_only_when_all_is_well() {
        let now: Timestamp = "2026-08-13T12:00:00Z".parse().unwrap();
        let patience = SignedDuration::from_mins(10);
        let judge =
            |situation: &Situation| Unwell::of(Some(situation), patience, now).map(Unwell::as_str);
        assert_eq!(judge(&well(now)), None);
        assert!(Unwell::of(None, patience, now).is_some());
        let mut stale = well(now);
        stale.stale = true;
        assert_eq!(judge(&stale), Some("the data is old"));
        assert!(judge(&well(now - SignedDuration::from_mins(3))).is_some());
        let mut stuck = well(now);
        let channel = |minutes| ChannelView {
            name: "email".into(),
            waiting: 1,
            oldest: Some(now - SignedDuration::from_mins(minutes)),
            rejected: 0,
        };
        stuck.service.channels = vec![channel(9)];
        assert_eq!(judge(&stuck), None);
        stuck.service.channels = vec![channel(10)];
        assert_eq!(judge(&stuck), Some("messages do not get through"));
        let mut refused = well(now);
        refused.service.nobody_reached = true;
        assert_eq!(judge(&refused), Some("messages do not get through"));
    }

    // Fails when the right address is not called, or a failure goes to the good one.
    #[tokio::test]
    async fn the_url_is_called_with_fail_behind_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url: Url = format!("http://{address}/ping/secret").parse().unwrap();
        let (sender, newest) = watch::channel(None);
        let stop = CancellationToken::new();
        let patience = SignedDuration::from_mins(10);
        let metrics = Arc::new(Metrics::new([]));
        let task =
            tokio::spawn(run(url.clone(), newest, patience, Duration::ZERO, metrics, stop.clone()));
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = socket.read(&mut request).await.unwrap();
        let text = String::from_utf8_lossy(&request[..read]).into_owned();
        assert!(text.starts_with("POST /ping/secret/fail HTTP/1.1"), "{text}");
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        stop.cancel();
        task.await.unwrap();
        drop(sender);
        assert_eq!(fail(&"https://h/x/".parse().unwrap()).as_str(), "https://h/x/fail");
    }
}
