//! Connections with limits: how many, how long, how large a head. `axum::serve` has none of them.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::stream::STREAMS;

/// Open connections at a time, beside those that carry streams. A browser uses six, a Prometheus one.
const CONNECTIONS: usize = 128 + STREAMS;
/// From a connection's start, or its last answer, to the end of the next request's head. Longer
/// than the usual scrape interval, so that a scraper keeps its connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// A connection ends after this, so that a reader who stops reading does not keep it for ever.
const LIFETIME: Duration = Duration::from_secs(600);
/// How long running answers may take when the daemon stops.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after a failed accept: usually the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The responsibility of this loop: accept, hand over, and at `stop` wait for answers under way.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        // Waiting for a slot leaves further connections in the system's queue.
        let slot = tokio::select! {
            () = stop.cancelled() => break,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let Ok(slot) = slot else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = graceful.watch(connection(stream, router.clone()));
        tokio::spawn(async move {
            // Errors are the other side's: it went away, or sent no HTTP.
            let _ = timeout(LIFETIME, connection).await;
            drop(slot);
        });
    }
    let _ = timeout(GRACE, graceful.shutdown()).await;
}

fn connection(
    stream: TcpStream,
    router: Router,
) -> http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>> {
    // An answer is written at once; waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}
