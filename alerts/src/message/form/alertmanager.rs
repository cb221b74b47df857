//! An alert as Alertmanager's API, version 2, takes it.
//!
//! Labels are the identity there, annotations what people read. A firing alert is stored without
//! its end, which is given when it is posted; see [`crate::channel::alertmanager`].

use bootwatch_schema::IncidentState;
use serde_json::{Map, Value, json};

use crate::message::{About, Notice, plain, words};

pub(super) fn render(notice: &Notice, about: &About<'_>) -> String {
    let incident = about.incident;
    let mut labels = Map::new();
    for (name, value) in &incident.labels {
        labels.insert(label(name), plain(value, 200).into());
    }
    labels.insert("alertname".into(), format!("Bootwatch{}", label(&incident.alert)).into());
    labels.insert("severity".into(), json!(incident.severity));
    labels.insert("window".into(), plain(&incident.window, 60).into());
    if let Some(basis) = about.basis {
        labels.insert("chain_id".into(), basis.chain_id.clone().into());
    }
    let mut annotations = Map::new();
    let mut annotate = |name: &str, text: String| {
        if !text.is_empty() {
            annotations.insert(name.to_owned(), Value::from(text));
        }
    };
    annotate("summary", notice.headline.clone());
    annotate("description", notice.what.clone());
    if let Some(by) = &notice.by {
        let time = by.fact.eta.map(|eta| words::utc(eta, by.fact.eta_error_seconds, about.lang()));
        annotate(
            "by",
            [Some(by.what.clone()), time].into_iter().flatten().collect::<Vec<_>>().join(", "),
        );
        annotate("last_block", by.fact.height.to_string());
    }
    annotate("cost", notice.cost.clone().unwrap_or_default());
    let lines: Vec<&str> = notice.steps.iter().filter_map(|step| step.line.as_deref()).collect();
    annotate("commands", lines.join("\n"));
    annotate("basis", about.foot());
    let mut alert = json!({
        "labels": labels,
        "annotations": annotations,
        "startsAt": incident.opened_at.to_string(),
    });
    if let Some(page) = about.page {
        alert["generatorURL"] = page.into();
    }
    if incident.state == IncidentState::Resolved {
        alert["endsAt"] = about.now.to_string().into();
    }
    alert.to_string()
}

/// A name as Prometheus allows it: `[a-zA-Z_][a-zA-Z0-9_]*`.
fn label(name: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().take(64).map(clean).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}
