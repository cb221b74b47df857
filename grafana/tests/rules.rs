//! The rules of Prometheus, tried by promtool on short stories. In each, the set of alerts that fire
//! is told completely: a rule that is broken fails a story in which it should fire, and one that is
//! too eager fails all the others.

use std::{collections::BTreeSet, env, fs, io::Write as _, path::PathBuf, process::Command};

use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/prometheus");

/// A daemon with which all is well: nothing but the watchdog fires. Values are constant unless they
/// say otherwise; `job` and `instance` are added.
const WELL: &[(&str, &str)] = &[
    ("up", "1x9999"),
    ("bootwatch_situation_known", "1x9999"),
    ("bootwatch_ingest_stale", "0x9999"),
    ("bootwatch_chain_height", "1000x9999"),
    ("bootwatch_ingest_height", "1000x9999"),
    ("bootwatch_ingest_block_timestamp_seconds", "0+60x9999"),
    ("bootwatch_ingest_advanced_timestamp_seconds", "0+60x9999"),
    ("bootwatch_epoch", "7x9999"),
    ("bootwatch_epoch_upcoming", "8x9999"),
    ("bootwatch_epoch_poc_start_height", "900x9999"),
    (r#"bootwatch_epoch_phase{phase="inference"}"#, "1x9999"),
    (r#"bootwatch_epoch_phase{phase="poc_generate"}"#, "0x9999"),
    (r#"bootwatch_epoch_phase{phase="poc_exchange"}"#, "0x9999"),
    (r#"bootwatch_epoch_phase{phase="poc_validate"}"#, "0x9999"),
    (r#"bootwatch_deadline_timestamp_seconds{deadline="capture"}"#, "200000x9999"),
    (r#"bootwatch_deadline_height{deadline="capture"}"#, "1500x9999"),
    (r#"bootwatch_deadline_epoch{deadline="capture"}"#, "8x9999"),
    (r#"bootwatch_deadline_height{deadline="commit_deadline"}"#, "1600x9999"),
    (r#"bootwatch_model_active{model_id="new"}"#, "0x9999"),
    (r#"bootwatch_model_active{model_id="old"}"#, "1x9999"),
    (r#"bootwatch_model_penalty_start_epoch{model_id="new"}"#, "1x9999"),
    (r#"bootwatch_model_penalty_start_epoch{model_id="old"}"#, "1x9999"),
    (r#"bootwatch_model_projected_preeligible{model_id="new"}"#, "1x9999"),
    (r#"bootwatch_model_group_voting_power{model_id="old"}"#, "150x9999"),
    (r#"bootwatch_model_group_required_voting_power{model_id="old"}"#, "100x9999"),
    (r#"bootwatch_model_snapshot_height{model_id="new"}"#, "800x9999"),
    (r#"bootwatch_model_preeligible{model_id="new"}"#, "1x9999"),
    (r#"bootwatch_chain_trouble_height{kind="epoch_error"}"#, "0x9999"),
    (r#"bootwatch_chain_trouble_height{kind="empty_epoch_fallback_applied"}"#, "0x9999"),
    (r#"bootwatch_participant_known{participant="me"}"#, "1x9999"),
    (r#"bootwatch_participant_excluded{participant="me"}"#, "0x9999"),
    (r#"bootwatch_participant_penalty_fixed_ratio{participant="me"}"#, "0x9999"),
    (r#"bootwatch_participant_penalty_fixed_epoch{participant="me"}"#, "7x9999"),
    (r#"bootwatch_participant_serves{participant="me", model_id="old"}"#, "1x9999"),
    (
        r#"bootwatch_participant_choice{participant="me", model_id="old", choice="refuse"}"#,
        "0x9999",
    ),
    (r#"bootwatch_delegate_excluded{participant="me", model_id="old"}"#, "0x9999"),
    (r#"bootwatch_delegate_guardian{participant="me", model_id="old"}"#, "0x9999"),
    (r#"bootwatch_delegate_declines{participant="me", model_id="old"}"#, "0x9999"),
    (r#"bootwatch_delegate_committed{participant="me", model_id="old"}"#, "1x9999"),
    (r#"bootwatch_delegate_distributed{participant="me", model_id="old"}"#, "1x9999"),
    (r#"bootwatch_delegate_burned_weight{participant="me", model_id="old"}"#, "0x9999"),
    (r#"bootwatch_delegate_voting_share_ratio{participant="me", model_id="old"}"#, "0.28x9999"),
    (r#"bootwatch_endpoint_up{endpoint="mine"}"#, "1x9999"),
    (r#"bootwatch_endpoint_state{endpoint="mine", state="up"}"#, "1x9999"),
    (r#"bootwatch_endpoint_state{endpoint="mine", state="down"}"#, "0x9999"),
    (r#"bootwatch_endpoint_state{endpoint="mine", state="lagging"}"#, "0x9999"),
    (r#"bootwatch_endpoint_state{endpoint="mine", state="wrong"}"#, "0x9999"),
    ("bootwatch_endpoint_disagreement_height", "0x9999"),
    (r#"bootwatch_notification_oldest_pending_timestamp_seconds{channel="email"}"#, "0x9999"),
    ("bootwatch_db_disk_free_bytes", "5000000000x9999"),
    ("bootwatch_db_writable", "1x9999"),
];

const STAKE: &str = r#"bootwatch_participant_stake_ratio{participant="me", model_id="new", deadline="capture", reason="#;
const CAPTURE: &str = r#"bootwatch_deadline_timestamp_seconds{deadline="capture"}"#;

/// What differs from a daemon with which all is well, and what fires besides the watchdog: at which
/// minute, which alerts, as `Name/severity`.
struct Story {
    name: &'static str,
    series: Vec<(String, &'static str)>,
    fires: Vec<(&'static str, &'static [&'static str])>,
}

fn story(
    name: &'static str,
    series: &[(&str, &'static str)],
    fires: &[(&'static str, &'static [&'static str])],
) -> Story {
    let series = series.iter().map(|(name, values)| ((*name).to_owned(), *values)).collect();
    Story { name, series, fires: fires.to_vec() }
}

/// A stake for a reason, with a capture that is nearer than two hours from the 30th minute on.
fn stake(
    name: &'static str,
    reason: &str,
    fires: &[(&'static str, &'static [&'static str])],
) -> Story {
    let mut story = story(name, &[(CAPTURE, "9000x9999")], fires);
    story.series.push((format!("{STAKE}\"{reason}\"}}"), "0.15x9999"));
    story
}

fn stories() -> Vec<Story> {
    let early_then_late = |alert: &'static [&'static str], late: &'static [&'static str]| {
        [("20m", alert), ("35m", late)]
    };
    let (generate, exchange, validate) = (
        r#"bootwatch_epoch_phase{phase="poc_generate"}"#,
        r#"bootwatch_epoch_phase{phase="poc_exchange"}"#,
        r#"bootwatch_epoch_phase{phase="poc_validate"}"#,
    );
    let commit = r#"bootwatch_deadline_height{deadline="commit_deadline"}"#;
    let delegate =
        |fact: &str| format!("bootwatch_delegate_{fact}{{participant=\"me\", model_id=\"old\"}}");
    let committed = r#"bootwatch_participant_committed_nonces{participant="me", model_id="old"}"#;
    let distributed =
        r#"bootwatch_participant_distributed_nonces{participant="me", model_id="old"}"#;
    let endpoint =
        |state: &str| format!("bootwatch_endpoint_state{{endpoint=\"mine\", state=\"{state}\"}}");
    let snapshot = r#"bootwatch_model_snapshot_height{model_id="new"}"#;
    let votes = r#"bootwatch_model_group_voting_power{model_id="old"}"#;
    let start = r#"bootwatch_model_penalty_start_epoch{model_id="new"}"#;
    let projected = r#"bootwatch_model_projected_preeligible{model_id="new"}"#;
    let mut stories = vec![
        story(
            "all is well",
            &[(committed, "5x9999"), (distributed, "5x9999")],
            &[("30m", &[]), ("300m", &[])],
        ),
        story(
            "no choice, a day before",
            &[(CAPTURE, "88200x9999"), (&format!("{STAKE}\"no_choice\"}}"), "0.15x9999")],
            &[("20m", &[]), ("40m", &["DecisionMissing/info"])],
        ),
        story(
            "no choice, six hours before",
            &[(CAPTURE, "23400x9999"), (&format!("{STAKE}\"no_choice\"}}"), "0.15x9999")],
            &[("20m", &["DecisionMissing/info"]), ("35m", &["DecisionMissing/warning"])],
        ),
        story(
            "no choice, two hours before",
            &[(CAPTURE, "9000x9999"), (&format!("{STAKE}\"no_choice\"}}"), "0.15x9999")],
            &[("20m", &["DecisionMissing/warning"]), ("35m", &["DecisionMissing/critical"])],
        ),
        story(
            "no choice, over",
            &[(CAPTURE, "1200x9999"), (&format!("{STAKE}\"no_choice\"}}"), "0.15x9999")],
            &[("15m", &["DecisionMissing/critical"]), ("25m", &[])],
        ),
        story(
            "expired refusal, over",
            &[(CAPTURE, "600x9999"), (&format!("{STAKE}\"refusal_expired\"}}"), "0.15x9999")],
            &[("25m", &[])],
        ),
        stake(
            "expired refusal",
            "refusal_expired",
            &early_then_late(&["ChoiceExpired/warning"], &["ChoiceExpired/critical"]),
        ),
        stake(
            "expired intent",
            "intent_expired",
            &early_then_late(&["ChoiceExpired/warning"], &["ChoiceExpired/critical"]),
        ),
        stake(
            "refused candidate",
            "refusal_on_candidate",
            &early_then_late(&["RefusalOnCandidate/warning"], &["RefusalOnCandidate/critical"]),
        ),
        stake(
            "too late",
            "too_late",
            &early_then_late(&["ChoiceTooLate/warning"], &["ChoiceTooLate/critical"]),
        ),
        stake(
            "intent on active",
            "intent_on_active",
            &early_then_late(&["DelegationDeleted/warning"], &["DelegationDeleted/critical"]),
        ),
        stake(
            "delegate does not serve",
            "delegate_does_not_serve",
            &early_then_late(
                &["DelegationWithoutEffect/warning"],
                &["DelegationWithoutEffect/critical"],
            ),
        ),
        stake(
            "delegate without intent",
            "delegate_without_intent",
            &early_then_late(
                &["DelegationWithoutEffect/warning"],
                &["DelegationWithoutEffect/critical"],
            ),
        ),
        story(
            "delegate excluded",
            &[(&delegate("excluded"), "0x20 1x9999")],
            &[("10m", &[]), ("30m", &["DelegateAtRisk/critical"])],
        ),
        story(
            "delegate guardian",
            &[(&delegate("guardian"), "1x9999")],
            &[("30m", &["DelegateAtRisk/warning"])],
        ),
        story(
            "delegate declines",
            &[(&delegate("declines"), "1x9999")],
            &[("30m", &["DelegateAtRisk/warning"])],
        ),
        story(
            "delegate capped",
            &[(&delegate("burned_weight"), "10x9999")],
            &[("30m", &["DelegateAtRisk/info"])],
        ),
        story(
            "delegate too large",
            &[(&delegate("voting_share_ratio"), "0.29x9999")],
            &[("30m", &["DelegateAtRisk/info"])],
        ),
        story(
            "delegate has not committed, early",
            &[
                (&delegate("committed"), "0x9999"),
                (generate, "1x9999"),
                (commit, "1021x9999"),
                (committed, "5x9999"),
            ],
            &[("30m", &[])],
        ),
        story(
            "delegate has not committed",
            &[
                (&delegate("committed"), "0x9999"),
                (generate, "1x9999"),
                (commit, "1020x9999"),
                (committed, "5x9999"),
            ],
            &[("30m", &["DelegateAtRisk/critical"])],
        ),
        story(
            "delegate did not commit",
            &[(&delegate("committed"), "0x9999"), (exchange, "1x9999")],
            &[("30m", &["DelegateAtRisk/critical"])],
        ),
        story(
            "delegate without distribution",
            &[(&delegate("distributed"), "0x9999"), (exchange, "1x9999")],
            &[("30m", &["DelegateAtRisk/critical"])],
        ),
        story("no commit, early", &[(generate, "1x9999"), (commit, "1021x9999")], &[("30m", &[])]),
        story(
            "no commit",
            &[(generate, "1x9999"), (commit, "1020x9999")],
            &[("30m", &["CommitMissing/critical"])],
        ),
        story("no commit, no phase", &[(commit, "1020x9999")], &[("30m", &[])]),
        story(
            "no commit, refused",
            &[
                (generate, "1x9999"),
                (commit, "1020x9999"),
                (
                    r#"bootwatch_participant_choice{participant="me", model_id="old", choice="refuse"}"#,
                    "1x9999",
                ),
            ],
            &[("30m", &[])],
        ),
        story(
            "committed",
            &[(generate, "1x9999"), (commit, "1020x9999"), (committed, "5x9999")],
            &[("30m", &[])],
        ),
        story(
            "intent not served",
            &[
                (generate, "1x9999"),
                (commit, "1010x9999"),
                (committed, "5x9999"),
                (&format!("{STAKE}\"intent_not_served\"}}"), "0.15x9999"),
            ],
            &[("30m", &["CommitMissing/critical"])],
        ),
        story(
            "no distribution",
            &[(exchange, "1x9999"), (committed, "5x9999")],
            &[("30m", &["WeightDistributionMissing/warning"])],
        ),
        story(
            "no distribution, late",
            &[(validate, "1x9999"), (committed, "5x9999")],
            &[("30m", &["WeightDistributionMissing/critical"])],
        ),
        story(
            "distribution",
            &[(exchange, "1x9999"), (committed, "5x9999"), (distributed, "5x9999")],
            &[("30m", &[])],
        ),
        story(
            "excluded",
            &[(r#"bootwatch_participant_excluded{participant="me"}"#, "1x9999")],
            &[("30m", &["HostExcluded/critical"])],
        ),
        story(
            "charged",
            &[(r#"bootwatch_participant_penalty_fixed_ratio{participant="me"}"#, "0.05x9999")],
            &[("30m", &["Charged/warning"])],
        ),
        story(
            "charged long ago",
            &[
                (r#"bootwatch_participant_penalty_fixed_ratio{participant="me"}"#, "0.05x9999"),
                (r#"bootwatch_participant_penalty_fixed_epoch{participant="me"}"#, "6x9999"),
            ],
            &[("30m", &[])],
        ),
        story("captured", &[(snapshot, "950x9999")], &[("30m", &["CaptureResult/info"])]),
        story(
            "captured, not pre-eligible",
            &[(snapshot, "950x9999"), (r#"bootwatch_model_preeligible{model_id="new"}"#, "0x9999")],
            &[("30m", &["CaptureResult/warning"])],
        ),
        story(
            "a gap",
            &[(projected, "0x9999"), (CAPTURE, "22800x9999")],
            &[("15m", &[]), ("25m", &["GapBeforeCapture/warning"])],
        ),
        story(
            "a gap, over",
            &[(projected, "0x9999"), (CAPTURE, "600x9999")],
            &[("5m", &["GapBeforeCapture/warning"]), ("25m", &[])],
        ),
        story(
            "a gap that cannot cost",
            &[(projected, "0x9999"), (CAPTURE, "22800x9999"), (start, "9x9999")],
            &[
                ("15m", &["PenaltyStartNear/info"]),
                ("25m", &["GapBeforeCapture/info", "PenaltyStartNear/info"]),
            ],
        ),
        story(
            "proposal",
            &[
                (r#"bootwatch_proposals{effect="moves"}"#, "1x9999"),
                (r#"bootwatch_proposals{effect="other"}"#, "1x9999"),
            ],
            &[("30m", &["ProposalOpen/warning"])],
        ),
        story(
            "lesser proposal",
            &[(r#"bootwatch_proposals{effect="changes"}"#, "1x9999")],
            &[("30m", &["ProposalOpen/info"])],
        ),
        story(
            "upgrade",
            &[
                ("bootwatch_upgrade_height", "9000x9999"),
                ("bootwatch_upgrade_disturbs", "0x9999"),
                ("bootwatch_upgrade_timestamp_seconds", "87600x9999"),
            ],
            &[("15m", &["UpgradeNear/info"]), ("25m", &["UpgradeNear/warning"])],
        ),
        story(
            "upgrade disturbs",
            &[("bootwatch_upgrade_height", "9000x9999"), ("bootwatch_upgrade_disturbs", "1x9999")],
            &[("15m", &["UpgradeNear/warning"])],
        ),
        story(
            "upgrade is over",
            &[("bootwatch_upgrade_height", "900x9999"), ("bootwatch_upgrade_disturbs", "1x9999")],
            &[("15m", &[])],
        ),
        story(
            "fell out",
            &[(r#"bootwatch_model_fell_out_epoch{model_id="new"}"#, "7x9999")],
            &[("30m", &["ModelFellOut/warning"])],
        ),
        story(
            "fell out long ago",
            &[(r#"bootwatch_model_fell_out_epoch{model_id="new"}"#, "6x9999")],
            &[("30m", &[])],
        ),
        story("costs soon", &[(start, "9x9999")], &[("30m", &["PenaltyStartNear/info"])]),
        story("costs next", &[(start, "8x9999")], &[("30m", &["PenaltyStartNear/warning"])]),
        story("costs later", &[(start, "10x9999")], &[("30m", &[])]),
        story("margin", &[(votes, "104x9999")], &[("30m", &["GroupMarginLow/warning"])]),
        story("margin is enough", &[(votes, "105x9999")], &[("30m", &[])]),
        story("vote lost", &[(votes, "99x9999")], &[("30m", &["GroupMarginLow/critical"])]),
        story(
            "epoch error",
            &[(r#"bootwatch_chain_trouble_height{kind="epoch_error"}"#, "950x9999")],
            &[("30m", &["EpochError/warning"])],
        ),
        story(
            "old epoch error",
            &[(r#"bootwatch_chain_trouble_height{kind="epoch_error"}"#, "850x9999")],
            &[("30m", &[])],
        ),
        story(
            "fallback",
            &[(
                r#"bootwatch_chain_trouble_height{kind="empty_epoch_fallback_applied"}"#,
                "950x9999",
            )],
            &[("30m", &["FallbackEpoch/warning"])],
        ),
        story(
            "no endpoint",
            &[
                (&endpoint("up"), "0x9999"),
                (&endpoint("down"), "1x9999"),
                (r#"bootwatch_endpoint_up{endpoint="mine"}"#, "0x9999"),
            ],
            &[
                ("2m", &["NoHealthyEndpoint/critical"]),
                ("30m", &["EndpointDown/warning", "NoHealthyEndpoint/critical"]),
            ],
        ),
        story(
            "lagging",
            &[(&endpoint("up"), "0x9999"), (&endpoint("lagging"), "1x9999")],
            &[("4m", &[]), ("30m", &["EndpointLagging/warning"])],
        ),
        story("wrong", &[(&endpoint("wrong"), "1x9999")], &[("30m", &["EndpointWrong/critical"])]),
        story(
            "disagreement",
            &[("bootwatch_endpoint_disagreement_height", "1001x9999")],
            &[("30m", &["EndpointsDisagree/critical"])],
        ),
        story(
            "stalled",
            &[
                ("bootwatch_ingest_stale", "1x9999"),
                ("bootwatch_chain_height", "1050x9999"),
                ("bootwatch_ingest_advanced_timestamp_seconds", "0+60x2 150x9999"),
            ],
            &[("4m", &[]), ("5m", &["IngestStalled/critical"])],
        ),
        story(
            "halted",
            &[
                ("bootwatch_ingest_stale", "1x9999"),
                ("bootwatch_ingest_block_timestamp_seconds", "0+60x2 150x9999"),
            ],
            &[("4m", &[]), ("5m", &["ChainHalted/critical"])],
        ),
        story(
            "lost blocks",
            &[("bootwatch_ingest_gap_last_height", "950x9999")],
            &[("30m", &["BlocksLost/warning"])],
        ),
        story(
            "blocks lost long ago",
            &[("bootwatch_ingest_gap_last_height", "850x9999")],
            &[("30m", &[])],
        ),
        story(
            "contradicted",
            &[("bootwatch_rule_mismatch_height", "950x9999")],
            &[("30m", &["ForecastMismatch/warning"])],
        ),
        story(
            "mail stuck",
            &[(
                r#"bootwatch_notification_oldest_pending_timestamp_seconds{channel="email"}"#,
                "60x9999",
            )],
            &[("10m", &[]), ("11m", &["NotificationsFailing/critical"])],
        ),
        story(
            "disk low",
            &[("bootwatch_db_disk_free_bytes", "900000000x9999")],
            &[("30m", &["DiskLow/warning"])],
        ),
        story(
            "not writable",
            &[("bootwatch_db_writable", "0x9999")],
            &[("30m", &["DiskLow/critical"])],
        ),
    ];
    stories.extend(robust());
    stories
}

/// The daemon dies after an hour: what held goes on, for six hours, and what was settled before does
/// not come back.
fn robust() -> [Story; 3] {
    let dies = |name, reason: &str, stake: &'static str, fires| {
        let mut story = story(name, &[], fires);
        story.series = WELL
            .iter()
            .filter(|(series, _)| *series != "up")
            .map(|(series, values)| ((*series).to_owned(), ending(series, values)))
            .collect();
        story.series.push(("up".to_owned(), "1x60 0x9999"));
        story.series.retain(|(series, _)| series != CAPTURE);
        story.series.push((CAPTURE.to_owned(), "60000x60 stale"));
        story.series.push((format!("{STAKE}\"{reason}\"}}"), stake));
        story
    };
    [
        dies(
            "dies with a need",
            "no_choice",
            "0.15x60 stale",
            &[
                ("50m", &["DecisionMissing/info"]),
                ("62m", &["DecisionMissing/info"]),
                ("120m", &["BootwatchDown/critical", "DecisionMissing/info"]),
                ("410m", &["BootwatchDown/critical", "DecisionMissing/info"]),
                ("430m", &["BootwatchDown/critical"]),
            ],
        ),
        dies(
            "dies after it was settled",
            "no_choice",
            "0.15x50 stale",
            &[
                ("40m", &["DecisionMissing/info"]),
                ("55m", &[]),
                ("120m", &["BootwatchDown/critical"]),
            ],
        ),
        // Prometheus does not even know the target any more.
        {
            let mut gone = dies(
                "vanishes",
                "no_choice",
                "0.15x60 stale",
                &[("120m", &["BootwatchDown/critical", "DecisionMissing/info"] as &[_])],
            );
            gone.series.retain(|(series, _)| series != "up");
            gone.series.push(("up".to_owned(), "1x60 stale"));
            gone
        },
    ]
}

fn ending(series: &str, values: &str) -> &'static str {
    match (series, values) {
        (
            "bootwatch_ingest_block_timestamp_seconds"
            | "bootwatch_ingest_advanced_timestamp_seconds",
            _,
        ) => "0+60x60 stale",
        (_, values) => {
            let value = values.split('x').next().expect("a value");
            Box::leak(format!("{value}x60 stale").into_boxed_str())
        }
    }
}

fn labelled(series: &str) -> String {
    let own = r#"job="bootwatch", instance="daemon""#;
    match series.split_once('{') {
        Some((name, labels)) => format!("{name}{{{own}, {labels}"),
        None => format!("{series}{{{own}}}"),
    }
}

fn test(story: &Story) -> Value {
    let mut series: Vec<(String, &str)> = WELL
        .iter()
        .filter(|(name, _)| !story.series.iter().any(|(own, _)| own == name))
        .map(|(name, values)| ((*name).to_owned(), *values))
        .collect();
    // As long as the story, and no longer: samples are what takes time here.
    let minutes = |at: &str| at.trim_end_matches('m').parse::<u32>().expect("minutes");
    let last = story.fires.iter().map(|(at, _)| minutes(at)).max().expect("a time");
    series.extend(story.series.iter().map(|(name, values)| (name.clone(), *values)));
    let input: Vec<Value> = series
        .iter()
        .map(|(name, values)| json!({ "series": labelled(name), "values": values.replace("x9999", &format!("x{last}")) }))
        .collect();
    let expected = story.fires.iter().map(|(at, alerts)| {
        let mut names: Vec<&str> = alerts.to_vec();
        names.push("Watchdog/info");
        let samples: Vec<Value> = names
            .iter()
            .map(|name| {
                let (alert, severity) = name.split_once('/').expect("a name and a severity");
                json!({ "labels": format!("{{alertname=\"{alert}\", severity=\"{severity}\"}}"), "value": 1 })
            })
            .collect();
        json!({
            "eval_time": at, "exp_samples": samples,
            "expr": "group by (alertname, severity) (ALERTS{alertstate=\"firing\"})",
        })
    });
    json!({
        "name": story.name, "interval": "1m", "input_series": input,
        "promql_expr_test": expected.collect::<Vec<_>>(),
    })
}

fn promtool() -> Option<PathBuf> {
    let found = env::split_paths(&env::var_os("PATH")?)
        .map(|dir| dir.join("promtool"))
        .find(|p| p.is_file());
    if found.is_none() {
        let required = env::var("REQUIRE_TOOLS")
            .is_ok_and(|list| list.split(',').any(|t| t.trim() == "prometheus"));
        assert!(!required, "promtool is required and was not found: apt-get install prometheus");
        // Past the test harness, which swallows what tests that pass print.
        let skipped =
            b"SKIPPED: promtool was not found; to run this test: apt-get install prometheus\n";
        std::io::stderr().write_all(skipped).expect("write to standard error");
    }
    found
}

/// Runs promtool on the stories with these rules; what it says when it is not content.
fn run(stories: &[Story], alerts: &str) -> Result<(), String> {
    let Some(promtool) = promtool() else { return Ok(()) };
    let dir = tempfile::TempDir::new().expect("a folder");
    fs::copy(format!("{FOLDER}/bootwatch.rules.yml"), dir.path().join("recording.yml"))
        .expect("copied");
    fs::write(dir.path().join("alerts.yml"), alerts).expect("written");
    let tests = json!({
        "rule_files": ["recording.yml", "alerts.yml"], "evaluation_interval": "1m",
        "tests": stories.iter().map(test).collect::<Vec<_>>(),
    });
    let file = dir.path().join("test.yml");
    // JSON is YAML.
    fs::write(&file, tests.to_string()).expect("written");
    let output =
        Command::new(promtool).args(["test", "rules"]).arg(&file).output().expect("promtool runs");
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout)),
    }
}

fn alert_rules() -> String {
    fs::read_to_string(format!("{FOLDER}/bootwatch.alerts.yml")).expect("the alert rules")
}

/// Fails when a rule fires otherwise than its story says.
#[test]
fn rules_fire_as_their_stories_say() {
    if let Err(said) = run(&stories(), &alert_rules()) {
        panic!("{said}");
    }
}

/// Fails when a rule, of any severity, is in no story: then nothing would notice that it is broken.
#[test]
fn every_rule_has_a_story_in_which_it_fires() {
    let stories = stories();
    let told: BTreeSet<&str> = stories
        .iter()
        .flat_map(|story| &story.fires)
        .flat_map(|(_, alerts)| *alerts)
        .copied()
        .collect();
    let text = alert_rules();
    let mut rules = BTreeSet::new();
    for part in text.split("- alert: ").skip(1) {
        let name = part.lines().next().expect("a name").trim();
        let severity = part.split("severity: ").nth(1).expect("a severity");
        let severity = severity.split([' ', '}', '\n']).next().expect("a word");
        rules.insert(format!("{name}/{severity}"));
        for key in ["summary:", "description:", "runbook_url:"] {
            assert!(part.contains(key), "{name} has no {key}");
        }
    }
    rules.remove("Watchdog/info");
    let untold: Vec<_> = rules.iter().filter(|rule| !told.contains(rule.as_str())).collect();
    assert!(untold.is_empty(), "no story has {untold:?}");
    assert!(rules.len() > 30, "only {} rules were read", rules.len());
}
