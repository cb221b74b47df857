//! The results of a very large block are read within bounded memory: over a real socket, in a
//! process of its own, whose greatest resident size the system counts.
//!
//! `LARGE_BLOCK_MB` sets the size, 40 by default; the worst that was ever seen of a chain of this kind
//! is about 100.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]
#![cfg(target_os = "linux")]

use std::{
    env,
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::Arc,
    thread,
};

use bootwatch::{
    chain::{Endpoint, Rpc, RpcLimits},
    decode,
    metrics::Metrics,
};

const CHAIN: &str = "gonka-test";
const HEIGHT: i64 = 7;
/// Growth of the resident size over the size of the body: the goal.
const GOAL: f64 = 2.5;

/// A node that answers `block` and `block_results`, with or without saying how long the answer is.
fn serve(results: Arc<Vec<u8>>, announced: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for socket in listener.incoming() {
            let results = Arc::clone(&results);
            thread::spawn(move || answer(socket.unwrap(), &results, announced));
        }
    });
    url
}

fn answer(socket: TcpStream, results: &[u8], announced: bool) {
    let mut socket = BufReader::new(socket);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut request = vec![0; length];
    socket.read_exact(&mut request).unwrap();
    let block = block();
    let body =
        if String::from_utf8_lossy(&request).contains("block_results") { results } else { &block };
    let mut out = socket.into_inner();
    let framing = if announced {
        format!("Content-Length: {}", body.len())
    } else {
        "Transfer-Encoding: chunked".to_owned()
    };
    write!(out, "HTTP/1.1 200 OK\r\nConnection: close\r\n{framing}\r\n\r\n").unwrap();
    // The child may have gone; its own exit code says why.
    for piece in body.chunks(1 << 16) {
        let sent = if announced {
            out.write_all(piece)
        } else {
            write!(out, "{:x}\r\n", piece.len())
                .and_then(|()| out.write_all(piece))
                .and_then(|()| out.write_all(b"\r\n"))
        };
        if sent.is_err() {
            return;
        }
    }
    if !announced {
        let _ = out.write_all(b"0\r\n\r\n");
    }
}

fn block() -> Vec<u8> {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"block_id":{{"hash":"AB"}},"block":{{"header":{{
            "chain_id":"{CHAIN}","height":"{HEIGHT}","time":"2026-08-14T00:43:11Z",
            "last_block_id":{{"hash":"AA"}}}},"data":{{"txs":null}}}}}}}}"#
    )
    .into_bytes()
}

/// Two events that hold a quarter of the body each, JSON inside of JSON, and small ones for the
/// rest, one of which is kept.
fn results(bytes: usize) -> Vec<u8> {
    let mut body = String::with_capacity(bytes + (1 << 16));
    write!(
        body,
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"height":"{HEIGHT}","txs_results":null,
            "finalize_block_events":[{{"type":"epoch_error","attributes":[]}}"#
    )
    .unwrap();
    for quarter in 1..=2 {
        body.push_str(
            r#",{"type":"inference.bls.EventGroupPublicKeyGenerated","attributes":[{"key":"data","value":""#,
        );
        while body.len() < bytes / 4 * quarter {
            body.push_str(
                r#"{\"dealer\":\"gonka1xyz\",\"commitments\":[\"q83vEjRWeJCrze8SNFZ4kKvN\"]},"#,
            );
        }
        body.push_str("\"}]}");
    }
    while body.len() < bytes {
        body.push_str(r#",{"type":"transfer","attributes":[{"key":"amount","value":"1ngonka"}]}"#);
    }
    body.push_str("]}}");
    body.into_bytes()
}

/// The greatest resident size of this process so far, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[tokio::main(flavor = "current_thread")]
async fn read(url: &str) {
    let endpoint = Endpoint::new("large", &url.parse().unwrap());
    let metrics = Arc::new(Metrics::new(["large"]));
    let rpc = Rpc::new(endpoint, CHAIN, RpcLimits::default(), metrics).unwrap();
    let before = peak();
    let bodies = rpc.bodies(HEIGHT).await.unwrap();
    let (block, results) = bodies.read().unwrap();
    let facts = decode::fetched(CHAIN, HEIGHT, &block, &results).unwrap();
    assert_eq!((facts.events.len(), facts.malformed.len()), (1, 0));
    println!("grown {}", peak() - before);
}

#[test]
#[ignore = "run by `a_very_large_block_is_read_within_bounded_memory`"]
fn child() {
    // Only on demand: run on its own it has nothing to read.
    if let Ok(url) = env::var("LARGE_BLOCK_URL") {
        read(&url);
    }
}

#[test]
fn a_very_large_block_is_read_within_bounded_memory() {
    let megabytes = env::var("LARGE_BLOCK_MB").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let body = Arc::new(results(megabytes * 1_000_000));
    for announced in [true, false] {
        let url = serve(Arc::clone(&body), announced);
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env("LARGE_BLOCK_URL", url)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let grown: u64 = text
            .split("grown ")
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .parse()
            .unwrap();
        #[expect(clippy::cast_precision_loss, reason = "sizes of bodies")]
        let ratio = grown as f64 / body.len() as f64;
        println!("{} bytes, announced: {announced}: grown {grown}, {ratio:.2} x", body.len());
        assert!(ratio <= GOAL, "grown by {grown} for a body of {} bytes: {ratio:.2} x", body.len());
    }
}
