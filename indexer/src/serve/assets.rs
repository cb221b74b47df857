//! What the page needs beside itself, from within the binary. Each has a hash of its content in its
//! address, so that a browser keeps it for ever and never uses one of another version.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};

use super::routes::problem;

/// Bytes of the hash in an address: enough that two versions never share one.
const HASH: usize = 8;

/// A file.
#[derive(Debug)]
pub(super) struct Asset {
    name: String,
    kind: &'static str,
    content: String,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Assets {
    pub(super) style: Asset,
    pub(super) script: Asset,
    pub(super) icon: Asset,
}

/// Made once.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new(
        "style",
        "css",
        "text/css; charset=utf-8",
        &[
            include_str!("../../assets/style/ground.css"),
            include_str!("../../assets/style/head.css"),
            include_str!("../../assets/style/sections.css"),
            include_str!("../../assets/style/orders.css"),
        ],
    ),
    // One module, so that its parts share a scope of their own.
    script: Asset::new(
        "page",
        "js",
        "text/javascript; charset=utf-8",
        &[
            include_str!("../../assets/script/clock.js"),
            include_str!("../../assets/script/morph.js"),
            include_str!("../../assets/script/live.js"),
            include_str!("../../assets/script/orders.js"),
            include_str!("../../assets/script/start.js"),
        ],
    ),
    icon: Asset::new("icon", "svg", "image/svg+xml", &[include_str!("../../assets/icon.svg")]),
});

impl Asset {
    fn new(name: &str, ending: &str, kind: &'static str, parts: &[&str]) -> Self {
        let content = parts.concat();
        let mut hash = String::new();
        for byte in Sha256::digest(&content).iter().take(HASH) {
            let _ = write!(hash, "{byte:02x}");
        }
        Self { name: format!("{name}-{hash}.{ending}"), kind, content }
    }

    /// Its address, seen from the page.
    pub(super) fn address(&self) -> String {
        format!("assets/{}", self.name)
    }
}

pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let Assets { style, script, icon } = &*ASSETS;
    match [style, script, icon].into_iter().find(|asset| asset.name == name) {
        Some(Asset { kind, content, .. }) => {
            const FOR_EVER: &str = "public, max-age=31536000, immutable";
            let headers = [(header::CONTENT_TYPE, *kind), (header::CACHE_CONTROL, FOR_EVER)];
            (headers, content.as_str()).into_response()
        }
        None => problem(StatusCode::NOT_FOUND, "there is nothing at this address"),
    }
}
