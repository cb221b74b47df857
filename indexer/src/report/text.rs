//! The report for a terminal, narrow enough for a phone.

use super::{
    Report,
    table::{self, Side},
};
use crate::report::Level;

/// Whether to use colours. Meaning never hangs on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// A terminal that shows them.
    On,
    /// A file, a pipe, or `NO_COLOR`.
    Off,
}

struct Page {
    out: String,
    colour: Colour,
}

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "33";
const GREEN: &str = "32";

/// The whole report, with a line end after each line.
#[must_use]
pub fn render(report: &Report, colour: Colour) -> String {
    let mut page = Page { out: String::new(), colour };
    page.facts(report);
    page.actions(report);
    page.deadlines(report);
    page.plans(report);
    page.models(report);
    page.hosts(report);
    page.sources(report);
    page.out
}

impl Page {
    fn line(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }

    fn paint(&self, style: &str, text: &str) -> String {
        match self.colour {
            Colour::On => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
            Colour::Off => text.to_owned(),
        }
    }

    fn head(&mut self, title: &str) {
        let title = self.paint(BOLD, title);
        self.line("");
        self.line(&title);
    }

    fn table(&mut self, sides: &[Side], rows: &[Vec<String>]) {
        for line in table::lines(sides, rows) {
            self.line(&format!("  {line}"));
        }
    }

    fn facts(&mut self, report: &Report) {
        let style = match report.level {
            Level::Act => RED,
            Level::Unknown => YELLOW,
            Level::Calm => GREEN,
        };
        let headline = self.paint(style, &report.headline);
        self.line(&headline);
        for notice in &report.notices {
            let notice = self.paint(YELLOW, &format!("! {notice}"));
            self.line(&notice);
        }
        let rows: Vec<_> = report
            .facts
            .iter()
            .map(|(name, value)| vec![(*name).to_owned(), value.clone()])
            .collect();
        self.line("");
        self.table(&[Side::Left, Side::Left], &rows);
    }

    fn actions(&mut self, report: &Report) {
        if report.actions.is_empty() {
            return;
        }
        self.head("To do");
        for (number, action) in report.actions.iter().enumerate() {
            let title = self.paint(RED, &format!("{} · {}", action.host, action.model));
            self.line(&format!("  {}. {title}", number + 1));
            self.line(&format!("     by {}", action.by));
            self.line(&format!("     otherwise {} of the reward", action.charge));
            self.line(&format!("     {}", action.why));
            for (does, line) in &action.commands {
                self.line(&format!("     {does}:"));
                self.line(&format!("       {line}"));
            }
        }
    }

    fn deadlines(&mut self, report: &Report) {
        self.head("Deadlines");
        if report.deadlines.is_empty() {
            self.line("  not known yet");
        }
        let rows: Vec<_> = report
            .deadlines
            .iter()
            .map(|due| {
                let at = if due.at == "-" { String::new() } else { due.at.clone() };
                vec![due.name.to_owned(), due.height.clone(), due.left.clone(), at]
            })
            .collect();
        self.table(&[Side::Left, Side::Right, Side::Left, Side::Left], &rows);
    }

    fn plans(&mut self, report: &Report) {
        if report.plans.is_empty() {
            return;
        }
        self.head("Governance");
        for plan in &report.plans {
            let what = if plan.moves { self.paint(YELLOW, &plan.what) } else { plan.what.clone() };
            self.line(&format!("  {what}"));
            self.line(&format!("    {}", plan.when));
            for detail in &plan.details {
                self.line(&format!("    {detail}"));
            }
            for (does, line) in &plan.commands {
                self.line(&format!("    {does}:"));
                self.line(&format!("      {line}"));
            }
        }
    }

    fn models(&mut self, report: &Report) {
        self.head("Candidate models");
        if report.candidates.is_empty() {
            self.line("  none");
        }
        for candidate in &report.candidates {
            let style = if candidate.passes { GREEN } else { YELLOW };
            let verdict = self.paint(style, &candidate.verdict);
            self.line(&format!("  {}", candidate.model));
            self.line(&format!("    {verdict}"));
            let rows: Vec<_> = candidate
                .bars
                .iter()
                .map(|bar| {
                    let missing = if bar.met {
                        "enough".to_owned()
                    } else {
                        format!("{} missing", bar.missing)
                    };
                    vec![
                        format!("  {}", bar.name),
                        bar.have.clone(),
                        "of".to_owned(),
                        bar.need.clone(),
                        missing,
                    ]
                })
                .collect();
            let sides = [Side::Left, Side::Right, Side::Left, Side::Right, Side::Left];
            self.table(&sides, &rows);
            if let Some(snapshot) = &candidate.snapshot {
                self.line(&format!("    last capture: {snapshot}"));
            }
        }
        if !report.active.is_empty() {
            self.head("Active models");
            for model in &report.active {
                self.line(&format!("  {model}"));
            }
        }
    }

    fn hosts(&mut self, report: &Report) {
        if report.hosts.is_empty() {
            return;
        }
        self.head("Hosts");
        for host in &report.hosts {
            let name = self.paint(BOLD, &host.name);
            self.line(&format!("  {name}  {}", host.weight));
            self.line(&format!("    {}", host.address));
            for charge in &host.charges {
                self.line(&format!("    {charge}"));
            }
            for model in &host.models {
                let mark = if model.act { "! " } else { "" };
                self.line(&format!("    {mark}{}", model.model));
                let notes = if model.notes.is_empty() { "" } else { ", " };
                self.line(&format!("      {}{notes}{}", model.choice, model.notes));
                for outcome in &model.outcomes {
                    self.line(&format!("      {outcome}"));
                }
            }
        }
    }

    fn sources(&mut self, report: &Report) {
        self.head("Endpoints");
        let rows: Vec<_> = report
            .endpoints
            .iter()
            .map(|endpoint| {
                vec![endpoint.name.clone(), endpoint.state.to_owned(), endpoint.notes.clone()]
            })
            .collect();
        self.table(&[Side::Left; 3], &rows);
        self.head("Data");
        for line in &report.data {
            self.line(&format!("  {line}"));
        }
    }
}
