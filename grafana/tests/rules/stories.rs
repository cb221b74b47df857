//! What happens, and what fires then.

use crate::well::WELL;

const STAKE: &str = r#"bootwatch_participant_stake_ratio{participant="me", model_id="new", deadline="capture", reason="#;
const CAPTURE: &str = r#"bootwatch_deadline_timestamp_seconds{deadline="capture"}"#;

/// What differs from a daemon with which all is well, and what fires besides the watchdog: at which
/// minute, which alerts, as `Name/severity`.
pub(crate) struct Story {
    pub(crate) name: &'static str,
    pub(crate) series: Vec<(String, &'static str)>,
    pub(crate) fires: Vec<(&'static str, &'static [&'static str])>,
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

pub(crate) fn stories() -> Vec<Story> {
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
