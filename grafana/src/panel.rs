//! A panel: what it asks, and how it shows the answer.

use serde_json::{Value, json};

use crate::dashboard::{TARGET, source};

/// Kinds of panels that Grafana brings itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Row,
    Stat,
    TimeSeries,
    Timeline,
    Table,
    BarGauge,
    Heatmap,
}

#[derive(Debug, Clone)]
struct Target {
    expr: String,
    legend: &'static str,
}

/// One panel.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) kind: Kind,
    pub(crate) width: u32,
    pub(crate) height: u32,
    title: &'static str,
    description: &'static str,
    unit: &'static str,
    targets: Vec<Target>,
    /// Values from which on a colour holds; the first one holds from the start.
    steps: Vec<(Option<f64>, &'static str)>,
    mappings: Vec<(&'static str, &'static str, &'static str)>,
    columns: Vec<(&'static str, &'static str, &'static str)>,
    stacked: bool,
}

fn panel(kind: Kind, title: &'static str, description: &'static str, size: (u32, u32)) -> Panel {
    Panel {
        kind,
        width: size.0,
        height: size.1,
        title,
        description,
        unit: "none",
        targets: Vec::new(),
        steps: vec![(None, "green")],
        mappings: Vec::new(),
        columns: Vec::new(),
        stacked: false,
    }
}

/// A heading; what is below belongs to it.
pub(crate) fn row(title: &'static str) -> Panel {
    panel(Kind::Row, title, "", (24, 1))
}

/// One number, large.
pub(crate) fn stat(title: &'static str, description: &'static str) -> Panel {
    panel(Kind::Stat, title, description, (4, 4))
}

/// Curves.
pub(crate) fn curves(title: &'static str, description: &'static str) -> Panel {
    panel(Kind::TimeSeries, title, description, (12, 8))
}

/// States over time.
pub(crate) fn timeline(title: &'static str, description: &'static str) -> Panel {
    panel(Kind::Timeline, title, description, (12, 8))
}

/// Rows with what holds now.
pub(crate) fn table(title: &'static str, description: &'static str) -> Panel {
    panel(Kind::Table, title, description, (12, 8))
}

/// Bars of what holds now.
pub(crate) fn bars(title: &'static str, description: &'static str) -> Panel {
    panel(Kind::BarGauge, title, description, (8, 8))
}

/// A histogram over time.
pub(crate) fn heatmap(title: &'static str, description: &'static str) -> Panel {
    panel(Kind::Heatmap, title, description, (12, 8))
}

impl Panel {
    /// A query; `@` stands for what picks the daemon.
    pub(crate) fn ask(mut self, expr: &str, legend: &'static str) -> Self {
        self.targets.push(Target { expr: expr.replace('@', TARGET), legend });
        self
    }

    pub(crate) fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub(crate) fn size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    /// Colours: the first from the start, each further one from its value on.
    pub(crate) fn colours(mut self, first: &'static str, steps: &[(f64, &'static str)]) -> Self {
        self.steps = vec![(None, first)];
        self.steps.extend(steps.iter().map(|(from, colour)| (Some(*from), *colour)));
        self
    }

    /// A word and a colour for a value.
    pub(crate) fn say(
        mut self,
        value: &'static str,
        word: &'static str,
        colour: &'static str,
    ) -> Self {
        self.mappings.push((value, word, colour));
        self
    }

    /// A column of a table: the field, its title, its unit.
    pub(crate) fn column(
        mut self,
        field: &'static str,
        title: &'static str,
        unit: &'static str,
    ) -> Self {
        self.columns.push((field, title, unit));
        self
    }

    pub(crate) fn stacked(mut self) -> Self {
        self.stacked = true;
        self
    }

    pub(crate) fn value(&self, id: u32, place: &Value) -> Value {
        if self.kind == Kind::Row {
            return json!({
                "id": id, "type": "row", "title": self.title, "collapsed": false, "panels": [],
                "gridPos": place,
            });
        }
        let mut value = json!({
            "id": id,
            "type": self.plugin(),
            "title": self.title,
            "description": self.description,
            "datasource": source(),
            "gridPos": place,
            "targets": self.targets(),
            "fieldConfig": { "defaults": self.defaults(), "overrides": self.overrides() },
            "options": self.options(),
        });
        if self.kind == Kind::Table {
            value["transformations"] = self.transformations();
        }
        value
    }

    fn plugin(&self) -> &'static str {
        match self.kind {
            Kind::Row => "row",
            Kind::Stat => "stat",
            Kind::TimeSeries => "timeseries",
            Kind::Timeline => "state-timeline",
            Kind::Table => "table",
            Kind::BarGauge => "bargauge",
            Kind::Heatmap => "heatmap",
        }
    }

    /// It shows what holds now, and no course.
    fn is_instant(&self) -> bool {
        matches!(self.kind, Kind::Stat | Kind::Table | Kind::BarGauge)
    }

    fn targets(&self) -> Vec<Value> {
        let letters = 'A'..='Z';
        let form = match self.kind {
            Kind::Table => "table",
            Kind::Heatmap => "heatmap",
            _ => "time_series",
        };
        self.targets
            .iter()
            .zip(letters)
            .map(|(target, letter)| {
                json!({
                    "refId": letter.to_string(), "datasource": source(), "expr": target.expr,
                    "legendFormat": target.legend, "format": form, "editorMode": "code",
                    "instant": self.is_instant(), "range": !self.is_instant(),
                })
            })
            .collect()
    }

    fn defaults(&self) -> Value {
        let steps: Vec<Value> = self
            .steps
            .iter()
            .map(|(from, colour)| json!({ "value": from, "color": colour }))
            .collect();
        let mappings: serde_json::Map<String, Value> = (0..)
            .zip(&self.mappings)
            .map(|(index, (value, word, colour))| {
                let word = json!({ "text": word, "color": colour, "index": index });
                ((*value).to_owned(), word)
            })
            .collect();
        let mappings = match mappings.is_empty() {
            true => json!([]),
            false => json!([{ "type": "value", "options": mappings }]),
        };
        let palette = self.kind == Kind::TimeSeries;
        let mut defaults = json!({
            "unit": self.unit,
            "noValue": "no data",
            "color": { "mode": if palette { "palette-classic" } else { "thresholds" } },
            "mappings": mappings,
            "thresholds": { "mode": "absolute", "steps": steps },
        });
        match self.kind {
            Kind::TimeSeries => {
                defaults["custom"] = json!({
                    "drawStyle": "line", "lineWidth": 1, "fillOpacity": if self.stacked { 30 } else { 8 },
                    "showPoints": "never", "spanNulls": false,
                    "stacking": { "group": "A", "mode": if self.stacked { "normal" } else { "none" } },
                });
            }
            Kind::Timeline => {
                defaults["custom"] = json!({ "lineWidth": 0, "fillOpacity": 75 });
            }
            Kind::Table => {
                defaults["custom"] = json!({
                    "align": "auto", "filterable": true, "inspect": false,
                    "cellOptions": { "type": "auto" },
                });
            }
            Kind::BarGauge => defaults["min"] = json!(0),
            _ => {}
        }
        defaults
    }

    fn overrides(&self) -> Vec<Value> {
        let columns = self.columns.iter().filter(|(_, _, unit)| !unit.is_empty());
        columns
            .map(|(_, title, unit)| {
                json!({
                    "matcher": { "id": "byName", "options": title },
                    "properties": [{ "id": "unit", "value": unit }],
                })
            })
            .collect()
    }

    fn options(&self) -> Value {
        let legend = json!({
            "displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": [],
        });
        let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        match self.kind {
            Kind::Row => json!({}),
            Kind::Stat => json!({
                "reduceOptions": last, "colorMode": "value", "graphMode": "none",
                "justifyMode": "auto", "orientation": "auto", "textMode": "auto", "wideLayout": true,
                "percentChangeColorMode": "standard", "showPercentChange": false,
            }),
            Kind::TimeSeries => json!({
                "legend": legend,
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            Kind::Timeline => json!({
                "legend": legend, "tooltip": { "mode": "single", "sort": "none" },
                "mergeValues": true, "showValue": "auto", "alignValue": "left", "rowHeight": 0.9,
            }),
            Kind::Table => json!({
                "showHeader": true, "cellHeight": "sm", "frameIndex": 0,
                "footer": { "show": false, "reducer": ["sum"], "countRows": false },
            }),
            Kind::BarGauge => json!({
                "reduceOptions": last, "displayMode": "basic", "orientation": "horizontal",
                "showUnfilled": true, "valueMode": "color", "namePlacement": "auto",
                "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300, "sizing": "auto",
                "legend": { "displayMode": "list", "placement": "bottom", "showLegend": false, "calcs": [] },
            }),
            Kind::Heatmap => json!({
                "calculate": false, "cellGap": 1, "showValue": "never",
                "color": { "mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "dark-orange", "reverse": false },
                "yAxis": { "axisPlacement": "left", "unit": self.unit, "reverse": false },
                "rowsFrame": { "layout": "auto" }, "legend": { "show": true },
                "tooltip": { "mode": "single", "yHistogram": false, "showColorScale": false },
                "filterValues": { "le": 1e-9 }, "exemplars": { "color": "rgba(255,0,255,0.7)" },
            }),
        }
    }

    /// One row for each set of labels, and only the columns that have a title.
    fn transformations(&self) -> Value {
        let names: serde_json::Map<String, Value> = self
            .columns
            .iter()
            .map(|(field, title, _)| ((*field).to_owned(), json!(title)))
            .collect();
        let order: serde_json::Map<String, Value> = (0..)
            .zip(&self.columns)
            .map(|(index, (field, ..))| ((*field).to_owned(), json!(index)))
            .collect();
        let shown: Vec<&str> = self.columns.iter().map(|(field, ..)| *field).collect();
        json!([
            { "id": "merge", "options": {} },
            { "id": "filterFieldsByName", "options": { "include": { "names": shown } } },
            { "id": "organize", "options": {
                "excludeByName": {}, "includeByName": {}, "indexByName": order, "renameByName": names,
            } },
        ])
    }
}
