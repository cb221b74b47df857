//! Our own JSON, for programs. Its fields are documented in [`crate::channel::webhook`].

use bootwatch_schema::IncidentState;
use serde_json::{Value, json};

use crate::message::{About, Notice};

/// Raised when a field changes its meaning or goes; new fields may come at any time.
const SCHEMA_VERSION: u32 = 1;

pub(super) fn render(notice: &Notice, about: &About<'_>, subject: &str) -> String {
    let incident = about.incident;
    let lang = about.lang();
    let by = notice.by.as_ref().map(|by| {
        json!({
            "deadline": by.fact.name.as_str(),
            "height": by.fact.height,
            "blocks_left": by.fact.blocks_left,
            "time": by.fact.eta.map(|time| time.to_string()),
            "time_error_seconds": by.fact.eta_error_seconds.filter(|error| error.is_finite()),
            "left": by.left,
        })
    });
    let steps: Vec<Value> = notice
        .steps
        .iter()
        .map(|step| json!({ "does": step.words(lang), "command": step.line }))
        .collect();
    let rows = notice.list.iter().chain(&notice.numbers);
    let numbers: Vec<Value> =
        rows.map(|row| json!({ "name": row.name, "value": row.value })).collect();
    let basis = about.basis.map(|basis| {
        json!({
            "chain_id": basis.chain_id,
            "complete_to": basis.complete_to,
            "head_time": basis.head_time.to_string(),
            "rule_set": basis.rule_set,
        })
    });
    json!({
        "schema_version": SCHEMA_VERSION,
        "id": about.message_id,
        "time": about.now.to_string(),
        "status": if incident.state == IncidentState::Resolved { "resolved" } else { "firing" },
        "tag": notice.tag.word(),
        "lang": lang.as_str(),
        "subject": subject,
        "headline": notice.headline,
        "what": notice.what,
        "by": by,
        "cost": notice.cost,
        "steps": steps,
        "numbers": numbers,
        "page": about.page,
        "basis": basis,
        "incident": {
            "fingerprint": incident.fingerprint,
            "alert": incident.alert,
            "labels": incident.labels,
            "window": incident.window,
            "severity": incident.severity,
            "opened_height": incident.opened_height,
            "opened_at": incident.opened_at.to_string(),
            "ending": incident.ending,
        },
    })
    .to_string()
}
