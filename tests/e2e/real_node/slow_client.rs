//! A subscriber that reads too slowly loses its subscription without being told.

use std::time::{Duration, Instant};

use bootwatch_devnet::cometbft::Settings;
use tempfile::TempDir;

use crate::harness::{
    compare,
    config::Config,
    daemon::{Daemon, complete_to, endpoint},
    network,
    node::{Node, spec},
    process::until,
    proxy::{Proxy, SLOW},
    require,
};

/// Messages that may wait for a subscriber, in its subscription and again in its socket: the least
/// that CometBFT takes.
const BUFFER: u32 = 100;
/// Bytes that every block has at least.
const BLOCK: usize = 200_000;
/// More blocks than both buffers and the kernel's hold, which has 4 MB at most.
const TOO_MANY: i64 = 300;

/// What CometBFT 0.38 logs when the queue of a subscriber is so full that not even the error about
/// its lost subscription fits (`rpc/core/events.go`): nobody tells the subscriber, and pings go on.
const LOST_IN_SILENCE: [&str; 2] = ["slow client", "out of capacity"];
/// What it tells the subscriber where that just fits.
const LOST: &str = "out of capacity";

/// The smallest buffers that there are, blocks as fast as CometBFT makes them, and a reader in front
/// of the daemon that dawdles until the subscription is lost. A daemon that waits for the next frame
/// waits for ever; one that goes on with the next frame of a new subscription has a hole.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_subscription_loses_no_block() {
    let Some(binary) = require::cometbft() else { return };
    let _turn = network::turn().await;
    let dir = TempDir::new().unwrap();
    let mut spec = spec("default");
    spec.ballast_bytes = BLOCK;
    spec.dkg_event_bytes = BLOCK;
    // The daemon falls behind, and reads states that a node of a slower chain would have, too.
    spec.state_history = 10_000;
    let node = Node::cometbft_with(binary, spec, dir.path(), |options| {
        options.block_time = Duration::from_millis(1);
        options.settings = Settings {
            subscriber_buffer: Some(BUFFER),
            without_index: true,
            log_level: Some("rpc:info,*:error".to_owned()),
            ..Settings::default()
        };
    })
    .await;
    let oracle = node.oracle();
    let proxy = Proxy::start(node.url()).await;
    let config = Config::new(&node.chain_id(), &proxy.url()).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    let height = oracle.height().await.unwrap();
    daemon.reaches(height + 5).await;
    let began = complete_to(&dir.path().join("bootwatch.db")).unwrap();
    daemon
        .comes_to_say("it is subscribed", |said| endpoint(said, "node")["websocket"] == true)
        .await;
    let sockets = proxy.websockets();

    let (from, since) = (oracle.height().await.unwrap(), Instant::now());
    proxy.dawdle();
    until("more blocks than fit anywhere", Duration::from_secs(60), || async {
        let read = since.elapsed().as_secs_f64() * SLOW as f64 / BLOCK as f64;
        let made = oracle.height().await? - from;
        (made as f64 - read > TOO_MANY as f64).then_some(())
    })
    .await;
    assert_eq!(proxy.websockets(), sockets, "the daemon left before anything was lost");
    proxy.hurry();
    let lost_at = oracle.height().await.unwrap();
    daemon.reaches(lost_at).await;
    until("a new subscription", Duration::from_secs(60), || async {
        (proxy.websockets() > sockets).then_some(())
    })
    .await;
    daemon.reaches(lost_at + 10).await;
    let silent = |line: &str| LOST_IN_SILENCE.iter().all(|word| line.contains(word));
    assert!(
        node.log().lines().any(silent) || daemon.process().log().contains(LOST),
        "no subscription was lost, so nothing was tested; the daemon's log:\n{}\nthe node's:\n{}",
        daemon.process().log(),
        node.log()
    );
    daemon.stop().await;

    let reader = compare::reader(dir.path());
    compare::blocks(&oracle, &reader, began).await;
    compare::whole(&oracle, &node.hosts(), &reader, 2).await;
}
