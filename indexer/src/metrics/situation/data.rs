//! How complete and how fresh the data is, and how Bootwatch itself stands.

use bootwatch_rules::situation::Situation;

use super::{Families, count, flag, number, seconds};

/// The data, and the service.
pub(super) fn families(out: &mut Families, s: &Situation) {
    out.gauge(
        "bootwatch_chain_height",
        "Newest height that any endpoint told of.",
        &[],
        number(s.head),
    );
    out.gauge(
        "bootwatch_ingest_height",
        "Every block up to this height is stored, from bootwatch_ingest_first_height on.",
        &[],
        number(s.complete_to),
    );
    out.gauge(
        "bootwatch_ingest_first_height",
        "First height of the contiguous range that ends at bootwatch_ingest_height.",
        &[],
        number(s.complete_from),
    );
    out.gauge(
        "bootwatch_ingest_block_timestamp_seconds",
        "Time of the block at bootwatch_ingest_height.",
        &[],
        seconds(s.head_time),
    );
    out.gauge(
        "bootwatch_ingest_stale",
        "1 when the data is too old to say what holds now.",
        &[],
        flag(s.stale),
    );
    out.gauge(
        "bootwatch_ingest_gap_blocks",
        "Blocks that are missing because no endpoint has them; fetched if one turns up that does.",
        &[],
        s.data.unfillable.iter().map(|(first, last)| number(last - first + 1)).sum(),
    );
    out.gauge(
        "bootwatch_endpoint_disagreement_height",
        "Lowest block that endpoints show differently, which stops ingestion; 0 while they agree.",
        &[],
        s.data.disagreement.as_ref().map_or(0.0, |differ| number(differ.height)),
    );
    out.counter(
        "bootwatch_ingest_malformed_total",
        "Things in blocks that could not be read, since the database began.",
        &[],
        count(s.data.malformed),
    );
    out.counter(
        "bootwatch_ledger_corrections_total",
        "Times the ledger differed from the chain's state and was corrected, since the database began.",
        &[],
        count(s.data.reconciled),
    );
    if let Some(last) = s.data.unfillable.iter().map(|(_, last)| *last).max() {
        out.gauge(
            "bootwatch_ingest_gap_last_height",
            "Last of the blocks that are missing for good; absent while none is.",
            &[],
            number(last),
        );
    }
    out.gauge(
        "bootwatch_forecasts",
        "Epochs in which forecasts of charges were held against the chain, over all hosts.",
        &[],
        count(s.record.epochs),
    );
    out.gauge(
        "bootwatch_forecasts_right",
        "Those in which every forecast was right.",
        &[],
        count(s.record.right),
    );
    service(out, s);
}

fn service(out: &mut Families, s: &Situation) {
    let service = &s.service;
    if let Some(advanced) = service.advanced_at {
        out.gauge(
            "bootwatch_ingest_advanced_timestamp_seconds",
            "When the newest block was taken in, by this machine's clock.",
            &[],
            seconds(advanced),
        );
    }
    if let Some(free) = service.disk_free {
        out.gauge(
            "bootwatch_db_disk_free_bytes",
            "Free on the disk of the database.",
            &[],
            count(free),
        );
    }
    out.gauge(
        "bootwatch_db_writable",
        "0 while the database cannot be written, so that no block can be taken in.",
        &[],
        flag(service.store_trouble.is_none()),
    );
    out.gauge(
        "bootwatch_notifications_nobody_reached",
        "1 while everybody refused the last message to them, so that nobody hears anything.",
        &[],
        flag(service.nobody_reached),
    );
    if let Some(mismatch) = &service.mismatch {
        out.gauge(
            "bootwatch_rule_mismatch_height",
            "Newest block since the start in which the chain contradicted our rules; absent without.",
            &[],
            number(mismatch.height),
        );
    }
}
