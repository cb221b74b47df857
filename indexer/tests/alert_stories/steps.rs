//! What happens in a story, as the lines that the simulated chain reads. Every height is one of
//! [`crate::calendar`], give or take a few blocks.

fn step(height: i64, deed: &str, keys: &[(&str, &str)]) -> String {
    let keys: Vec<String> =
        keys.iter().map(|(key, value)| format!("{key} = {value:?}\n")).collect();
    format!("[[step]]\nheight = {height}\ndo = {deed:?}\n{}", keys.concat())
}

pub(crate) fn refuse(height: i64, host: &str, model: &str) -> String {
    step(height, "refuse", &[("host", host), ("model", model)])
}

pub(crate) fn intend(height: i64, host: &str, model: &str) -> String {
    step(height, "intent", &[("host", host), ("model", model)])
}

pub(crate) fn delegate(height: i64, host: &str, model: &str, to: &str) -> String {
    step(height, "delegate", &[("host", host), ("model", model), ("to", to)])
}

pub(crate) fn clear(height: i64, host: &str, model: &str) -> String {
    step(height, "clear", &[("host", host), ("model", model)])
}

/// From here on the host computes for the model.
pub(crate) fn serve(height: i64, host: &str, model: &str) -> String {
    step(height, "serve", &[("host", host), ("model", model)])
}

/// The host computes for nothing any more.
pub(crate) fn stop_all(height: i64, host: &str) -> String {
    step(height, "stop", &[("host", host)])
}

/// It computes again for everything that it served at first.
pub(crate) fn serve_all(height: i64, host: &str) -> String {
    step(height, "serve", &[("host", host)])
}

/// From here on it does not.
pub(crate) fn stop(height: i64, host: &str, model: &str) -> String {
    step(height, "stop", &[("host", host), ("model", model)])
}

/// From here on it sends no weight distribution.
pub(crate) fn withhold(height: i64, host: &str) -> String {
    step(height, "withhold", &[("host", host)])
}

pub(crate) fn exclude(height: i64, host: &str, reason: &str) -> String {
    step(height, "exclude", &[("host", host), ("reason", reason)])
}

/// The capture of that block fails.
pub(crate) fn fail_capture(height: i64) -> String {
    step(height, "fail-capture", &[])
}

/// Governance decides in that block; the vote is open for the four blocks before.
pub(crate) fn set_params(height: i64, params: &str) -> String {
    format!("{}params = {{ {params} }}\n", step(height, "set-params", &[]))
}

/// The same under a title.
pub(crate) fn set_params_as(height: i64, title: &str, params: &str) -> String {
    format!("{}title = {title:?}\n", set_params(height, params))
}

/// Scheduled by that block, to come so many blocks later.
pub(crate) fn schedule_upgrade(height: i64, name: &str, after: i64) -> String {
    format!("{}after = {after}\n", step(height, "schedule-upgrade", &[("name", name)]))
}

pub(crate) fn cancel_upgrade(height: i64) -> String {
    step(height, "cancel-upgrade", &[])
}
