//! A real browser: Chromium without a window, by its DevTools protocol.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use chromiumoxide::{
    BrowserConfig, Page,
    cdp::{
        browser_protocol::{
            emulation::{
                MediaFeature, SetDeviceMetricsOverrideParams, SetScriptExecutionDisabledParams,
            },
            network::EventRequestWillBeSent,
        },
        js_protocol::runtime::EvaluateParams,
    },
};
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{process::until, require};

const HOW: &str = "apt-get install chromium";
const HOW_AXE: &str = "cd tests/e2e/axe && npm ci";
const AXE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/e2e/axe/node_modules/axe-core/axe.min.js");
/// How long the page may take to show something.
const PATIENCE: Duration = Duration::from_secs(60);

/// The browser, and what finds barriers in a page.
pub(crate) struct Browser {
    inner: chromiumoxide::Browser,
    handler: JoinHandle<()>,
    axe: String,
    _home: TempDir,
}

/// A page in it.
pub(crate) struct Tab {
    page: Page,
    axe: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Browser {
    /// Starts it; none where the machine lacks it, which was then said.
    pub(crate) async fn start() -> Option<Self> {
        let program = require::tool("chromium", "chromium", HOW)?;
        let axe = require::file("axe", PathBuf::from(AXE), HOW_AXE)?;
        let axe = std::fs::read_to_string(axe).expect("read axe-core");
        let home = TempDir::new().expect("a folder for the browser");
        let config = BrowserConfig::builder()
            .chrome_executable(program)
            .user_data_dir(home.path())
            // Tests run as root in containers, where there is neither a sandbox nor shared memory.
            .no_sandbox()
            .arg("disable-dev-shm-usage")
            .viewport(None)
            .launch_timeout(PATIENCE)
            .request_timeout(PATIENCE)
            .build()
            .expect("a good configuration");
        let (inner, mut events) =
            chromiumoxide::Browser::launch(config).await.expect("Chromium starts");
        let handler = tokio::spawn(async move { while events.next().await.is_some() {} });
        Some(Self { inner, handler, axe, _home: home })
    }

    /// Opens a page as on a desk in daylight.
    pub(crate) async fn open(&self, url: &str, script: bool) -> Tab {
        let page = self.inner.new_page("about:blank").await.expect("a tab");
        let mut sent = page.event_listener::<EventRequestWillBeSent>().await.expect("a listener");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Some(event) = sent.next().await {
                kept.lock().expect("no test has failed").push(event.request.url.clone());
            }
        });
        let tab = Tab { page, axe: self.axe.clone(), requests };
        tab.look(1280, "light").await;
        let scripts = SetScriptExecutionDisabledParams::new(!script);
        tab.page.execute(scripts).await.expect("scripts are allowed or not");
        tab.page.goto(url).await.expect("the page opens");
        tab
    }

    /// Ends it.
    pub(crate) async fn close(mut self) {
        self.inner.close().await.expect("Chromium ends");
        self.inner.wait().await.expect("Chromium has ended");
        self.handler.abort();
    }
}

impl Tab {
    /// Looks at it with this width, and in a light or a dark room.
    pub(crate) async fn look(&self, width: i64, scheme: &str) {
        let mut size = SetDeviceMetricsOverrideParams::new(width, 800, 1.0, width < 500);
        (size.screen_width, size.screen_height) = (Some(width), Some(800));
        self.page.execute(size).await.expect("a size");
        let scheme = MediaFeature::new("prefers-color-scheme", scheme);
        self.page.emulate_media_features(vec![scheme]).await.expect("a colour scheme");
    }

    /// The value of an expression in the page; waits for a promise.
    pub(crate) async fn js<T: DeserializeOwned>(&self, expression: &str) -> T {
        let asked = EvaluateParams::builder()
            .expression(expression)
            .await_promise(true)
            .return_by_value(true)
            .build()
            .expect("an expression");
        let value = self.page.evaluate_expression(asked).await;
        let shown: String = expression.chars().take(300).collect();
        let value = value.unwrap_or_else(|error| panic!("{shown}: {error}"));
        value.into_value().unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    /// Waits until an expression is true.
    pub(crate) async fn comes_to(&self, what: &str, expression: &str) {
        until(what, PATIENCE, || async { self.js::<bool>(expression).await.then_some(()) }).await;
    }

    /// The text that a reader sees.
    pub(crate) async fn text(&self) -> String {
        self.js("document.body.innerText").await
    }

    /// What makes the page wider than its window; what scrolls by itself may be.
    pub(crate) async fn overflow(&self) -> Vec<String> {
        self.js(
            "(() => {
                const root = document.documentElement;
                if (root.scrollWidth <= window.screen.width) return [];
                const wide = [...document.body.querySelectorAll('*')].filter((e) =>
                    e.getBoundingClientRect().right > window.screen.width + 1 && !e.closest('.scroll'));
                return [`${root.scrollWidth} of ${window.screen.width}`, ...wide.map((e) => e.outerHTML.slice(0, 200))];
            })()",
        )
        .await
    }

    /// Closes it.
    pub(crate) async fn close(self) {
        self.page.close().await.expect("the tab closes");
    }

    /// Brings it to the front: a page that nobody sees fetches nothing.
    pub(crate) async fn see(&self) {
        self.page.bring_to_front().await.expect("the tab comes to the front");
    }

    /// What keeps somebody from using the page, by axe-core's rules of WCAG A and AA and its own best
    /// practices. The policy of the page does not hinder it: it comes by DevTools.
    pub(crate) async fn barriers(&self) -> Vec<String> {
        let _: bool = self.js(&format!("{};true", self.axe)).await;
        self.js(
            "axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations.map(
                (v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200) + ' ' + n.failureSummary).join('; ')}`))",
        )
        .await
    }

    /// Where everything that was asked for came from, but for `origin`.
    pub(crate) fn foreign_requests(&self, origin: &str) -> Vec<String> {
        let requests = self.requests.lock().expect("no test has failed");
        assert!(!requests.is_empty(), "no request was seen: this proved nothing");
        let ours = format!("{origin}/");
        requests.iter().filter(|url| !url.starts_with(&ours)).cloned().collect()
    }
}
