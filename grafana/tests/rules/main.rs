//! The rules of Prometheus, tried by promtool on short stories. In each, the set of alerts that fire
//! is told completely: a rule that is broken fails a story in which it should fire, and one that is
//! too eager fails all the others.

mod stories;
mod well;

use std::{collections::BTreeSet, env, fs, io::Write as _, path::PathBuf, process::Command};

use serde_json::{Value, json};

use self::{
    stories::{Story, stories},
    well::WELL,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/prometheus");

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
