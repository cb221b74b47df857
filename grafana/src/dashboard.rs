//! A dashboard as a whole: its variables, annotations and links are the same everywhere.

use serde_json::{Value, json};

use crate::panel::{Kind, Panel};

/// A data source by the variable.
pub(crate) fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

/// What picks the daemon in every query.
pub(crate) const TARGET: &str = r#"job=~"$job", instance=~"$instance""#;

/// One dashboard.
#[derive(Debug)]
pub struct Dashboard {
    /// Its uid, which never changes.
    pub uid: &'static str,
    title: &'static str,
    description: &'static str,
    variables: Vec<Value>,
    panels: Vec<Panel>,
}

impl Dashboard {
    pub(crate) fn new(
        uid: &'static str,
        title: &'static str,
        description: &'static str,
        panels: Vec<Panel>,
    ) -> Self {
        Self { uid, title, description, variables: Vec::new(), panels }
    }

    /// A choice of label values of a metric, several at once.
    pub(crate) fn with(mut self, name: &str, label: &str, metric: &str) -> Self {
        let query = format!("label_values({metric}{{{TARGET}}}, {name})");
        self.variables.push(variable(name, label, &query));
        self
    }

    /// The file it is kept in.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.json", self.uid)
    }

    /// What Grafana reads, with a line break at its end.
    #[must_use]
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(&self.value());
        text.expect("values made of literals have a JSON form") + "\n"
    }

    fn value(&self) -> Value {
        let mut variables = vec![
            json!({
                "name": "datasource", "label": "Data source", "type": "datasource",
                "query": "prometheus", "refresh": 1, "hide": 0, "multi": false, "includeAll": false,
                "regex": "", "options": [], "skipUrlSync": false,
                "current": { "selected": false, "text": "Prometheus", "value": "prometheus" },
            }),
            variable("job", "Job", "label_values(bootwatch_build_info, job)"),
            variable(
                "instance",
                "Instance",
                r#"label_values(bootwatch_build_info{job=~"$job"}, instance)"#,
            ),
        ];
        variables.extend(self.variables.clone());
        json!({
            "id": null,
            "uid": self.uid,
            "title": format!("Bootwatch / {}", self.title),
            "description": self.description,
            "tags": ["bootwatch"],
            "schemaVersion": 39,
            "version": 1,
            "editable": false,
            "graphTooltip": 1,
            "fiscalYearStartMonth": 0,
            "timezone": "browser",
            "refresh": "30s",
            "time": { "from": "now-24h", "to": "now" },
            "timepicker": {},
            "weekStart": "",
            "liveNow": false,
            "links": [{
                "title": "Bootwatch", "type": "dashboards", "tags": ["bootwatch"], "asDropdown": false,
                "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link",
                "tooltip": "", "url": "",
            }],
            "templating": { "list": variables },
            "annotations": { "list": annotations() },
            "panels": layout(&self.panels),
        })
    }
}

fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name, "label": label, "type": "query", "datasource": source(),
        "query": { "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery" },
        "refresh": 2, "sort": 1, "multi": true, "includeAll": true, "allValue": ".+",
        "current": { "selected": true, "text": ["All"], "value": ["$__all"] },
        "hide": 0, "options": [], "regex": "", "skipUrlSync": false,
    })
}

/// What explains a step in a curve.
fn annotations() -> Value {
    let one = |name: &str, color: &str, expr: String, title: &str, text: &str| {
        json!({
            "name": name, "enable": true, "hide": false, "iconColor": color, "datasource": source(),
            "expr": expr, "step": "30s", "titleFormat": title, "textFormat": text,
            "tagKeys": "", "useValueForTime": false,
            "target": { "expr": expr, "refId": "Anno" },
        })
    };
    json!([
        {
            "name": "Annotations & Alerts", "type": "dashboard", "builtIn": 1, "enable": true,
            "hide": true, "iconColor": "rgba(0, 211, 255, 1)",
            "datasource": { "type": "grafana", "uid": "-- Grafana --" },
        },
        one("Captures", "purple",
            format!("changes(bootwatch_model_snapshot_height{{{TARGET}}}[1m]) > 0"),
            "Capture", "{{model_id}}"),
        one("PoC phases", "blue",
            format!("changes(bootwatch_epoch_phase{{{TARGET}, phase!=\"unknown\"}}[1m]) > 0 and bootwatch_epoch_phase{{{TARGET}}} == 1"),
            "Phase", "{{phase}}"),
        one("Parameters", "yellow",
            format!("changes(bootwatch_params_change_height{{{TARGET}}}[1m]) > 0"),
            "Parameters changed", "{{instance}}"),
        one("Restarts", "orange",
            format!("changes(process_start_time_seconds{{{TARGET}}}[1m]) > 0"),
            "Restart", "{{instance}}"),
    ])
}

/// Places panels from left to right, a new row where the line is full or a row begins.
fn layout(panels: &[Panel]) -> Vec<Value> {
    let (mut x, mut y, mut height) = (0, 0, 0);
    let mut placed = Vec::with_capacity(panels.len());
    for (id, panel) in (1..).zip(panels) {
        if x + panel.width > 24 || panel.kind == Kind::Row {
            (x, y) = (0, y + height);
            height = 0;
        }
        let place = json!({ "x": x, "y": y, "w": panel.width, "h": panel.height });
        placed.push(panel.value(id, &place));
        x += panel.width;
        height = height.max(panel.height);
    }
    placed
}
