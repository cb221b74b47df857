//! The page in a real browser, on a live daemon over real sockets.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{
    browser::{Browser, Tab},
    config::Config,
    daemon::Daemon,
    node::Node,
    process::until,
};
use bootwatch::report::words::count;

const TOKEN: &str = "0123456789abcdef0123";
/// Slow enough that a countdown can be seen to count.
const BLOCK_TIME: &str = "400ms";
const PATIENCE: Duration = Duration::from_secs(60);

/// The gaps as the page has them: model, check, then have, need and missing.
const GAPS: &str =
    "Object.fromEntries([...document.querySelectorAll('#candidates article')].map((a) =>
    [a.dataset.key, Object.fromEntries([...a.querySelectorAll('[data-gap]')].map((row) =>
        [row.dataset.gap, [...row.querySelectorAll('data')].map((d) => Number(d.value))]))]))";
const CAPTURES: &str = "document.querySelectorAll('[data-capture]').length";
const STALE: &str = "document.body.innerText.includes('Stale since')";

type Gaps = BTreeMap<String, BTreeMap<String, Vec<i64>>>;

/// Fails when the page has to be loaded anew to be true, when a number on it is not that of the API,
/// when an order does not get through, or when somebody could not read it.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_alive() {
    let Some(browser) = Browser::start().await else { return };
    let dir = TempDir::new().unwrap();
    let node = Node::simulated_at("default", dir.path(), BLOCK_TIME).await;
    std::fs::write(dir.path().join("token"), TOKEN).unwrap();
    let mut config = Config::new(&node.chain_id(), node.url())
        .replace("listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1:0\"\ntoken_file = \"token\"");
    for (index, host) in node.hosts().iter().enumerate().take(3) {
        config = config.host(&format!("rack-{index}"), host);
    }
    let config = config.write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    let origin = daemon.page().await;
    daemon.comes_to_say("an epoch", |said| said["epoch"]["index"].as_u64() > Some(0)).await;

    let tab = browser.open(&format!("{origin}/"), true).await;
    let _: bool = tab.js("window.same = true").await;
    let captures: usize = tab.js(CAPTURES).await;
    tab.comes_to("a new capture", &format!("{CAPTURES} > {captures}")).await;
    assert!(tab.js::<bool>("window.same === true").await, "the page was loaded anew");

    let html = reqwest::get(&origin).await.unwrap().text().await.unwrap();
    assert!(html.len() < 100_000, "{} bytes", html.len());
    counts_by_itself(&tab, &mut daemon).await;
    tab.comes_to("an incident that can be acknowledged", FIRING).await;
    node.freeze();
    same_gaps(&tab, &daemon).await;
    readable(&tab, "firing").await;
    acknowledges(&tab, &origin).await;
    without_script(&browser, &origin, &daemon).await;
    tab.see().await;

    tab.comes_to("word that the data is old", STALE).await;
    assert!(tab.text().await.to_lowercase().contains("not known"), "{}", tab.text().await);
    readable(&tab, "stale").await;
    node.thaw();
    tab.comes_to("fresh data", &format!("!{STALE}")).await;
    assert!(tab.js::<bool>("window.same === true").await, "the page was loaded anew");
    assert_eq!(tab.foreign_requests(&origin), Vec::<String>::new());
    // It ends although the page holds its stream.
    daemon.stop().await;
    tab.comes_to("word that nobody answers", "!document.getElementById('connection').hidden").await;
    browser.close().await;
}

/// Fails when the page of a daemon that has nothing yet says anything else, or nobody can read it.
#[tokio::test(flavor = "multi_thread")]
async fn the_empty_page_says_so() {
    let Some(browser) = Browser::start().await else { return };
    let dir = TempDir::new().unwrap();
    let config = Config::new("gonka-test", "http://127.0.0.1:1").write(dir.path());
    let daemon = Daemon::start(dir.path(), &config);
    let origin = daemon.page().await;
    let tab = browser.open(&format!("{origin}/"), true).await;
    tab.comes_to("the endpoint's reason", "document.body.innerText.includes('refused')").await;
    let text = tab.text().await;
    assert!(text.contains("Nothing is known yet"), "{text}");
    readable(&tab, "empty").await;
    assert_eq!(tab.foreign_requests(&origin), Vec::<String>::new());
    daemon.stop().await;
    browser.close().await;
}

/// While the daemon hangs nothing comes from it, so what moves is moved by the script.
async fn counts_by_itself(tab: &Tab, daemon: &mut Daemon) {
    let far = "[...document.querySelectorAll('#deadlines time[data-left]')].at(-1).textContent";
    // With at least three seconds left.
    tab.comes_to("a deadline ahead", &format!("parseInt({far}) > 3")).await;
    daemon.process().freeze();
    let before: String = tab.js(far).await;
    let changed = format!("{far} !== {}", Value::from(before));
    tab.comes_to("the countdown's next second", &changed).await;
    daemon.process().thaw();
}

/// The chain stands still: both sides speak of the same block.
async fn same_gaps(tab: &Tab, daemon: &Daemon) {
    let compared = until("the same gaps on both sides", PATIENCE, || async {
        let (shown, said): (Gaps, Value) = (tab.js(GAPS).await, daemon.says().await);
        let told = gaps(&said);
        (!told.is_empty() && shown == told).then_some(told.len())
    })
    .await;
    assert!(compared > 0, "no gap was compared");
    let said = daemon.says().await;
    let snapshots = said["models"].as_array().expect("models").iter().map(|m| &m["snapshot"]);
    for snapshot in snapshots.filter(|snapshot| snapshot.is_object()) {
        let (height, model) = (&snapshot["snapshot_height"], &snapshot["model_id"]);
        let numbers = ["intent_host_count", "intent_weight", "reachable_voting_power"];
        let numbers = numbers.map(|name| count(snapshot[name].as_i64().expect("a number")));
        let row = format!(
            "[...document.querySelectorAll('[data-capture=\"{}\"]')].filter((row) =>
                row.querySelector('th').textContent === {model}).map((row) =>
                [...row.querySelectorAll('td.number')].slice(1, 4).map((cell) => cell.textContent.split(' ')[0]))",
            count(height.as_i64().expect("a height"))
        );
        let shown: Vec<Vec<String>> = tab.js(&row).await;
        assert_eq!(shown, [numbers], "the capture of {model} at {height}");
    }
}

/// The gaps as the API has them.
fn gaps(said: &Value) -> Gaps {
    let models = said["models"].as_array().expect("models").iter();
    models
        .filter(|model| model["gaps"].is_object())
        .map(|model| {
            let rows = ["hosts", "weight", "reach"].map(|check| {
                let gap = &model["gaps"][check];
                let numbers = ["have", "need", "missing"].map(|name| gap[name].as_i64());
                (check.to_owned(), numbers.into_iter().flatten().collect())
            });
            (model["model_id"].as_str().expect("an id").to_owned(), rows.into())
        })
        .collect()
}

/// On a desk and on a phone, in light and in dark: no barrier, nothing wider than the window.
async fn readable(tab: &Tab, state: &str) {
    for (width, scheme) in [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")] {
        tab.look(width, scheme).await;
        let barriers = tab.barriers().await;
        assert!(barriers.is_empty(), "{state}, {width}, {scheme}: {barriers:#?}");
        let wide = tab.overflow().await;
        assert!(wide.is_empty(), "{state}, {width}, {scheme}: {wide:#?}");
    }
    tab.look(1280, "light").await;
}

const FIRING: &str = "!!document.querySelector('#alerts [data-order$=\"/ack\"]')";

/// By the button, the dialog that asks for the token, and what the API says afterwards.
async fn acknowledges(tab: &Tab, origin: &str) {
    let id: String = tab
        .js("(() => {
            const button = document.querySelector('#alerts [data-order$=\"/ack\"]');
            button.click();
            return button.dataset.order.split('/')[3];
        })()")
        .await;
    for (token, shown) in [("a wrong token", "not accepted"), (TOKEN, "Done")] {
        tab.comes_to("a question for the token", "document.getElementById('token').open").await;
        assert_eq!(tab.barriers().await, Vec::<String>::new(), "the question for the token");
        let typed = Value::from(token);
        let _: bool = tab
            .js(&format!(
                "document.getElementById('token-text').value = {typed};
                 document.querySelector('#token button[value=ok]').click(); true"
            ))
            .await;
        let said = format!(
            "(document.getElementById('token').open ? document.getElementById('token-why')
                : document.getElementById('answer')).textContent.includes('{shown}')"
        );
        tab.comes_to(shown, &said).await;
    }
    let client = reqwest::Client::new();
    let asked = client.get(format!("{origin}/api/v1/incidents")).bearer_auth(TOKEN);
    until("the acknowledgement in the API", PATIENCE, || async {
        let said: Value = asked.try_clone()?.send().await.ok()?.json().await.ok()?;
        let incidents = said.as_array()?.iter();
        let found = incidents.filter(|incident| incident["fingerprint"] == id.as_str());
        found.map(|incident| incident["acknowledged"].is_object()).find(|known| *known)
    })
    .await;
    let row = format!(
        "document.querySelector('#alerts [data-key=\"{}\"]').innerText.includes('known to')",
        &id[..8]
    );
    tab.comes_to("the acknowledgement on the page", &row).await;
    silences(tab).await;
    let kept: Vec<usize> = tab.js("[localStorage.length, document.cookie.length]").await;
    assert_eq!(kept, [0, 0], "the token is kept beyond the tab");
}

/// By the form, with the token that the tab knows by now; and ends it again.
async fn silences(tab: &Tab) {
    let why = "racks move <b>";
    let _: bool = tab
        .js(&format!(
            "(() => {{
                document.querySelector('#alerts [data-silence]').click();
                document.getElementById('silence-why').value = {};
                document.querySelector('#silence button[value=ok]').click();
                return true;
            }})()",
            Value::from(why)
        ))
        .await;
    let end = "#alerts [data-order$=\"/expire\"]";
    let shown = format!("!!document.querySelector('{end}')");
    tab.comes_to("the silence on the page", &shown).await;
    assert!(tab.text().await.contains(why), "{}", tab.text().await);
    let _: bool = tab.js(&format!("document.querySelector('{end}').click(); true")).await;
    tab.comes_to("the end of the silence", &format!("!({shown})")).await;
}

/// What needs me, by when and with which command is there without a script; no dead button is.
async fn without_script(browser: &Browser, origin: &str, daemon: &Daemon) {
    let tab = browser.open(&format!("{origin}/"), false).await;
    let text = tab.text().await;
    for words in ["Deadlines", "UTC", "Candidate models", "have", "Where this comes from"] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    let said = daemon.says().await;
    for model in said["models"].as_array().expect("models") {
        let id = model["model_id"].as_str().expect("an id");
        assert!(text.contains(id), "{id} is not in\n{text}");
    }
    let buttons =
        "[...document.querySelectorAll('button')].filter((b) => b.checkVisibility()).length";
    assert_eq!(tab.js::<usize>(buttons).await, 0, "a button that does nothing is shown");
    assert_eq!(tab.overflow().await, Vec::<String>::new());
    let refreshes = "!!document.querySelector('noscript meta[http-equiv=refresh]')";
    assert!(tab.js::<bool>(refreshes).await, "the page would never look again");
    tab.close().await;
}

/// Fails when 200 readers of the stream cost what 200 copies of something would, or hold the daemon
/// up when it is told to stop.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_streams_cost_little() {
    let dir = TempDir::new().unwrap();
    let node = Node::simulated("default", dir.path()).await;
    let config = Config::new(&node.chain_id(), node.url()).write(dir.path());
    let mut daemon = Daemon::start(dir.path(), &config);
    let url = format!("{}/api/v1/stream", daemon.page().await);
    daemon.reaches(10).await;
    let before = daemon.process().resident_bytes();

    let client = reqwest::Client::new();
    let mut streams = Vec::new();
    for _ in 0..200 {
        let answer = client.get(&url).send().await.unwrap().error_for_status().unwrap();
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        streams.push(answer);
    }
    assert_eq!(client.get(&url).send().await.unwrap().status(), 503, "there is no limit");
    // Half of them read and half do not, for some blocks.
    for _ in 0..5 {
        for stream in streams.iter_mut().take(100) {
            let heard = tokio::time::timeout(PATIENCE, stream.chunk()).await;
            let heard = heard.expect("an event in time").unwrap().expect("the stream goes on");
            let text = String::from_utf8(heard.to_vec()).unwrap();
            assert!(text.contains("event: change") && text.contains("complete_to"), "{text}");
        }
    }
    let cost = daemon.process().resident_bytes().saturating_sub(before);
    assert!(cost < 10_000_000, "200 streams cost {cost} bytes");
    drop(streams.drain(..1));
    until("room for another reader", PATIENCE, || async {
        client.get(&url).send().await.ok()?.error_for_status().ok()
    })
    .await;
    daemon.stop().await;
}
