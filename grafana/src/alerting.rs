//! Whether people are told, and how the daemon itself does.

use crate::{
    dashboard::Dashboard,
    panel::{curves, row, stat, table, timeline},
};

pub(crate) fn dashboard() -> Dashboard {
    let panels = vec![
        stat("Last evaluation", "Time since the alerts were last judged.")
            .ask("max(time() - bootwatch_alert_last_evaluation_timestamp_seconds{@})", "ago")
            .unit("s")
            .colours("green", &[(30.0, "orange"), (120.0, "red")]),
        stat("Waiting", "Messages that wait for delivery.")
            .ask("sum by (channel) (bootwatch_notification_queue_length{@})", "{{channel}}")
            .colours("green", &[(1.0, "orange"), (20.0, "red")]),
        stat("Oldest that waits", "How long the oldest message has been waiting.")
            .ask("max by (channel) (time() - (bootwatch_notification_oldest_pending_timestamp_seconds{@} > 0)) or on() vector(0)", "{{channel}}")
            .unit("s")
            .colours("green", &[(60.0, "orange"), (600.0, "red")]),
        stat("Last delivery", "Time since a message was last accepted.")
            .ask("min by (channel) (time() - (bootwatch_notification_last_success_timestamp_seconds{@} > 0))", "{{channel}}")
            .unit("s")
            .colours("blue", &[]),
        stat("Heartbeat", "Time since the heartbeat's address was last reached.")
            .ask("max(time() - (bootwatch_heartbeat_last_success_timestamp_seconds{@} > 0))", "ago")
            .unit("s")
            .colours("green", &[(180.0, "red")]),
        stat("Silences", "Silences that have not ended.")
            .ask("max(bootwatch_silences{@})", "silences")
            .colours("blue", &[]),
        stat("Nobody reached", "Whether what has to be told reaches nobody.")
            .ask("max(bootwatch_notifications_nobody_reached{@})", "nobody reached")
            .unit("bool_yes_no")
            .colours("green", &[(1.0, "red")]),
        row("Alerts"),
        curves("Incidents", "Incidents that go on, by severity and state.")
            .ask("sum by (severity, state) (bootwatch_incidents{@}) > 0", "{{severity}} {{state}}")
            .stacked(),
        timeline("Alerts", "Alerts with incidents.")
            .ask("sum by (alert) (bootwatch_alerts_firing{@}) > 0", "{{alert}}")
            .colours("red", &[]),
        curves("Evaluations", "How often the alerts were judged.")
            .ask("sum(rate(bootwatch_alert_evaluations_total{@}[$__rate_interval]))", "evaluations")
            .unit("ops"),
        curves("Rules of Prometheus", "Alerts of grafana/prometheus that fire there, if its rules are loaded.")
            .ask("count by (alertname, severity) (ALERTS{@, alertstate=\"firing\"})", "{{alertname}} {{severity}}"),
        row("Delivery"),
        curves("Accepted", "Messages accepted by the other side.")
            .ask("sum by (channel) (increase(bootwatch_notifications_total{@}[$__rate_interval]))", "{{channel}}"),
        curves("Failed", "Attempts that failed, by reason, and messages that were given up.")
            .ask("sum by (channel, reason) (increase(bootwatch_notification_failures_total{@}[$__rate_interval]))", "{{channel}} {{reason}}")
            .ask("sum by (channel, reason) (increase(bootwatch_notifications_lost_total{@}[$__rate_interval]))", "{{channel}} lost, {{reason}}"),
        curves("Time to delivery", "95 of 100 messages were accepted within this time of their decision.")
            .ask("histogram_quantile(0.95, sum by (le) (rate(bootwatch_notification_delivery_seconds_bucket{@}[$__rate_interval])))", "p95")
            .unit("s"),
        curves("Heartbeat failures", "Signs of life that could not be given.")
            .ask("sum(increase(bootwatch_heartbeat_failures_total{@}[$__rate_interval]))", "failures"),
        row("Daemon"),
        table("Builds", "What runs where, on which chain, by which rules.")
            .ask("max by (instance, version) (bootwatch_build_info{@})", "")
            .ask("max by (instance, chain_id, rule_set) (bootwatch_chain_info{@})", "")
            .column("instance", "Instance", "")
            .column("version", "Version", "")
            .column("chain_id", "Chain", "")
            .column("rule_set", "Rules", "")
            .size(12, 6),
        stat("Database", "Whether it can be written, and what is free on its disk.")
            .ask("min(bootwatch_db_disk_free_bytes{@})", "free")
            .unit("bytes")
            .colours("red", &[(1e9, "green")])
            .size(6, 6),
        stat("Writable", "0 while the database cannot be written.")
            .ask("min(bootwatch_db_writable{@})", "writable")
            .unit("bool_yes_no")
            .colours("red", &[(1.0, "green")])
            .size(6, 6),
        curves("Database size", "The database and its write-ahead log.")
            .ask("sum(bootwatch_db_size_bytes{@})", "database")
            .ask("sum(bootwatch_db_wal_size_bytes{@})", "log")
            .unit("bytes"),
        curves("Database busy", "Transactions that had to wait for another process.")
            .ask("sum(increase(bootwatch_db_busy_total{@}[$__rate_interval]))", "waits"),
        curves("Memory", "Resident and virtual memory of the process.")
            .ask("sum by (instance) (process_resident_memory_bytes{@})", "{{instance}} resident")
            .ask("sum by (instance) (process_virtual_memory_bytes{@})", "{{instance}} virtual")
            .unit("bytes"),
        curves("CPU", "Cores in use.")
            .ask("sum by (instance) (rate(process_cpu_seconds_total{@}[$__rate_interval]))", "{{instance}}"),
        curves("Open files and threads", "Open files of the process against its limit, and its threads.")
            .ask("max by (instance) (process_open_fds{@})", "{{instance}} open")
            .ask("max by (instance) (process_max_fds{@})", "{{instance}} limit")
            .ask("max by (instance) (process_threads{@})", "{{instance}} threads"),
        curves("Uptime", "Time since the process started.")
            .ask("time() - max by (instance) (process_start_time_seconds{@})", "{{instance}}")
            .unit("dtdurations"),
    ];
    Dashboard::new(
        "bootwatch-daemon",
        "Alerting and daemon",
        "Whether people are told, and how the daemon itself does.",
        panels,
    )
}
