//! The evidence as one flat table. Every row has the same columns; `kind` says what it is.
//!
//! | kind | host | model_id | name | value |
//! |---|---|---|---|---|
//! | `about` | | | `chain_id`, `epoch`, … | |
//! | `block` | | | which height of the epoch | |
//! | `params` | | | `capture.v_min`, a path | number or text |
//! | `event` | | | `type.attribute` | as the chain wrote it |
//! | `member`, `member_before` | yes | | `weight` | |
//! | `exclusion`, `exclusion_before` | yes | | the reason | |
//! | `group_member` | yes | yes | `weight`, `voting_power` | |
//! | `choice` | yes | yes, empty for all | `capture` or `validation_start` | the choice |
//! | `choice_tx` | yes | yes | `delegate`, `clear`, … | delegate |
//! | `work` | yes | yes | `committed`, `distributed` | nonces, weight |
//! | `charge` | yes | | `fraction` | decimal |
//! | `transfer` | yes | yes | the delegate | share |
//! | `forecast` | yes | | `min`, `max`; `outcome` | fraction; `right`, `wrong` |
//! | `missing` | | | | what is not there |

use bootwatch_rules::{Choice, ChoiceAction, ChoiceTx, Height, forecast::KeptForecast};
use bootwatch_schema::{BlockRef, ChoiceOrigin, Dated, EpochRecord};
use serde::Serialize;
use serde_json::Value;

use super::{Evidence, Frozen};

#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
struct Row<'a> {
    kind: &'static str,
    epoch: u64,
    height: Option<Height>,
    block_hash: &'a str,
    time: String,
    seq: Option<u32>,
    tx_index: Option<u32>,
    message_path: String,
    tx_hash: &'a str,
    code: Option<u32>,
    host: &'a str,
    model_id: &'a str,
    name: String,
    value: String,
}

struct Table<'a> {
    epoch: u64,
    rows: Vec<Row<'a>>,
}

pub(super) fn table(evidence: &Evidence) -> Result<String, csv::Error> {
    let mut table = Table { epoch: evidence.epoch, rows: Vec::new() };
    table.about(evidence);
    table.chain(evidence);
    table.groups(evidence);
    table.hosts(evidence);
    table.outcome(evidence);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in &table.rows {
        writer.serialize(row)?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8(bytes).expect("every cell is text"))
}

impl<'a> Table<'a> {
    fn push(&mut self, row: Row<'a>) {
        self.rows.push(Row { epoch: self.epoch, ..row });
    }

    fn named(&mut self, kind: &'static str, name: &str, value: String) {
        self.push(Row { kind, name: name.to_owned(), value, ..Row::default() });
    }

    fn about(&mut self, evidence: &'a Evidence) {
        self.named("about", "chain_id", evidence.chain_id.clone());
        self.named("about", "exported_at", evidence.exported_at.to_string());
        self.named("about", "complete_to", evidence.complete_to.to_string());
        self.named("about", "first_height", evidence.heights.0.to_string());
        self.named("about", "last_height", evidence.heights.1.to_string());
        self.named("about", "app_version", evidence.app_version.clone().unwrap_or_default());
        for text in &evidence.missing {
            self.named("missing", "", text.clone());
        }
    }

    fn chain(&mut self, evidence: &'a Evidence) {
        for (name, block) in &evidence.blocks {
            self.push(Row { name: (*name).to_owned(), ..at(block, "block") });
        }
        for (name, params) in &evidence.params {
            let mut leaves = Vec::new();
            let value = serde_json::to_value(&params.params).unwrap_or_default();
            flatten((*name).to_owned(), &value, &mut leaves);
            for (path, value) in leaves {
                self.push(Row {
                    kind: "params",
                    height: Some(params.height),
                    name: path,
                    value,
                    ..Row::default()
                });
            }
        }
        for dated in &evidence.captures {
            let c = &dated.fact;
            let attributes = [
                ("snapshot_height", c.snapshot_height.to_string()),
                ("pre_eligible", c.pre_eligible.to_string()),
                ("meets_weight_threshold", c.meets_weight_threshold.to_string()),
                ("meets_v_min", c.meets_v_min.to_string()),
                ("meets_reachability", c.meets_reachability.to_string()),
                ("intent_host_count", c.intent_host_count.to_string()),
                ("intent_weight", c.intent_weight.to_string()),
                ("reachable_voting_power", c.reachable_voting_power.to_string()),
                ("total_network_weight", c.total_network_weight.to_string()),
            ];
            for (name, value) in attributes {
                self.push(Row {
                    model_id: c.model_id.as_str(),
                    name: format!("bootstrap_model_preeligibility.{name}"),
                    value,
                    ..at(&dated.block, "event")
                });
            }
        }
        for dated in &evidence.events {
            let event = &dated.fact;
            for (key, value) in &event.attributes {
                self.push(Row {
                    seq: Some(event.seq),
                    tx_index: event.tx_index,
                    name: format!("{}.{key}", event.kind),
                    value: value.clone(),
                    ..at(&dated.block, "event")
                });
            }
        }
    }

    fn groups(&mut self, evidence: &'a Evidence) {
        let groups = [
            ("member_before", "exclusion_before", &evidence.members_before),
            ("member", "exclusion", &evidence.members),
        ];
        for (member, exclusion, record) in groups {
            if let Some(record) = record {
                self.group(member, exclusion, record);
            }
        }
        for group in evidence.members.iter().flat_map(|record| &record.model_groups) {
            for member in &group.members {
                let values = [("weight", member.weight), ("voting_power", member.voting_power)];
                for (name, value) in values {
                    self.push(Row {
                        kind: "group_member",
                        host: member.host.as_str(),
                        model_id: group.model_id.as_str(),
                        name: name.to_owned(),
                        value: value.to_string(),
                        ..Row::default()
                    });
                }
            }
        }
    }

    fn group(&mut self, kind: &'static str, exclusion: &'static str, record: &'a EpochRecord) {
        for member in &record.members {
            self.rows.push(Row {
                kind,
                epoch: record.index,
                height: Some(record.last_read),
                host: member.host.as_str(),
                name: "weight".to_owned(),
                value: member.weight.to_string(),
                ..Row::default()
            });
            if let Some(excluded) = &member.excluded {
                self.rows.push(Row {
                    kind: exclusion,
                    epoch: record.index,
                    height: Some(excluded.height),
                    host: member.host.as_str(),
                    name: excluded.reason.clone(),
                    ..Row::default()
                });
            }
        }
    }

    fn hosts(&mut self, evidence: &'a Evidence) {
        for host in &evidence.hosts {
            let snapshots =
                [("capture", &host.capture), ("validation_start", &host.validation_start)];
            for (name, frozen) in snapshots {
                self.frozen(host.host.as_str(), name, frozen);
            }
            let origins = [&host.capture, &host.validation_start]
                .into_iter()
                .flat_map(|frozen| frozen.choices.values())
                .filter_map(|stored| match &stored.origin {
                    ChoiceOrigin::Tx(dated) => Some(dated),
                    ChoiceOrigin::State { .. } => None,
                });
            // A delegation may be older than the heights covered.
            let mut listed: Vec<&Dated<ChoiceTx>> = Vec::new();
            for dated in host.txs.iter().chain(origins) {
                if !listed.iter().any(|known| known.fact.position == dated.fact.position) {
                    listed.push(dated);
                    self.choice_tx(dated);
                }
            }
        }
    }

    fn choice_tx(&mut self, dated: &'a Dated<ChoiceTx>) {
        let tx = &dated.fact;
        let (name, to) = match &tx.action {
            ChoiceAction::Delegate { delegate_to } => ("delegate", delegate_to.as_str()),
            ChoiceAction::Clear => ("clear", ""),
            ChoiceAction::Refuse => ("refuse", ""),
            ChoiceAction::Intent => ("intent", ""),
        };
        self.push(Row {
            tx_index: Some(tx.position.tx_index),
            message_path: tx.position.path.to_string(),
            tx_hash: &tx.tx_hash,
            code: Some(tx.code),
            host: tx.host.as_str(),
            model_id: tx.model_id.as_str(),
            name: name.to_owned(),
            value: to.to_owned(),
            ..at(&dated.block, "choice_tx")
        });
    }

    /// A row for each choice that stood; the hash is that of the block that froze it.
    fn frozen(&mut self, host: &'a str, name: &str, frozen: &'a Frozen) {
        let base = || match &frozen.block {
            Some(block) => at(block, "choice"),
            None => Row { kind: "choice", height: frozen.height, ..Row::default() },
        };
        for (model, stored) in &frozen.choices {
            let value = match &stored.choice {
                Choice::Delegate { delegate_to } => format!("delegate={delegate_to}"),
                Choice::Refuse => "refuse".to_owned(),
                Choice::Intent => "intent".to_owned(),
            };
            let mut row =
                Row { host, model_id: model.as_str(), name: name.to_owned(), value, ..base() };
            if let ChoiceOrigin::Tx(dated) = &stored.origin {
                row.tx_hash = &dated.fact.tx_hash;
                row.tx_index = Some(dated.fact.position.tx_index);
                row.message_path = dated.fact.position.path.to_string();
            }
            self.push(row);
        }
        if frozen.choices.is_empty() && frozen.completeness == super::Completeness::Complete {
            let (name, value) = (name.to_owned(), "none".to_owned());
            self.push(Row { host, name, value, ..base() });
        }
    }

    fn outcome(&mut self, evidence: &'a Evidence) {
        for work in &evidence.work {
            let values = [
                ("committed", work.committed.map(|n| n.to_string()), work.last_commit),
                ("distributed", work.distributed.map(|n| n.to_string()), work.last_distribution),
            ];
            for (name, value, height) in values {
                let Some(value) = value else { continue };
                self.push(Row {
                    kind: "work",
                    height,
                    host: work.host.as_str(),
                    model_id: work.model_id.as_str(),
                    name: name.to_owned(),
                    value,
                    ..Row::default()
                });
            }
        }
        if let Some(forecast) = &evidence.forecast {
            self.forecast(forecast);
        }
        let Some(charges) = &evidence.charges else { return };
        for penalty in &charges.snapshot.penalties {
            self.push(Row {
                kind: "charge",
                height: Some(charges.read_after),
                host: penalty.host.as_str(),
                name: "fraction".to_owned(),
                value: penalty.fraction.to_string(),
                ..Row::default()
            });
        }
        for transfer in &charges.snapshot.transfers {
            self.push(Row {
                kind: "transfer",
                height: Some(charges.read_after),
                host: transfer.from.as_str(),
                model_id: transfer.model_id.as_str(),
                name: transfer.to.to_string(),
                value: transfer.share.to_string(),
                ..Row::default()
            });
        }
    }

    fn forecast(&mut self, forecast: &'a KeptForecast) {
        for (host, kept) in &forecast.hosts {
            let values = [
                ("min", Some(kept.range.min.to_string()), Some(forecast.height)),
                ("max", Some(kept.range.max.to_string()), Some(forecast.height)),
                ("outcome", kept.outcome.map(|o| o.as_str().to_owned()), forecast.checked),
            ];
            for (name, value, height) in values {
                let Some(value) = value else { continue };
                self.push(Row {
                    kind: "forecast",
                    height,
                    host: host.as_str(),
                    name: name.to_owned(),
                    value,
                    ..Row::default()
                });
            }
        }
    }
}

fn at<'a>(block: &'a BlockRef, kind: &'static str) -> Row<'a> {
    Row {
        kind,
        height: Some(block.height),
        block_hash: &block.hash,
        time: block.time.to_string(),
        ..Row::default()
    }
}

/// Every number and text of a JSON value with its path, such as `capture.models.0.model_id`.
fn flatten(path: String, value: &Value, leaves: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                flatten(format!("{path}.{key}"), value, leaves);
            }
        }
        Value::Array(entries) => {
            for (index, value) in entries.iter().enumerate() {
                flatten(format!("{path}.{index}"), value, leaves);
            }
        }
        Value::String(text) => leaves.push((path, text.clone())),
        Value::Null => leaves.push((path, String::new())),
        other => leaves.push((path, other.to_string())),
    }
}
