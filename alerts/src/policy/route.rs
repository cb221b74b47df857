//! Routes: who hears of what.

use bootwatch_schema::Severity;

use super::Recipient;

/// What some recipients want to hear of. Every part that is given must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Only recipients of this channel.
    pub channel: Option<String>,
    /// Only these addresses; none means all of the channel.
    pub to: Vec<String>,
    /// What is at least that urgent.
    pub severity: Severity,
    /// What is about these hosts, by name or address, or about none at all.
    pub hosts: Vec<String>,
    /// What is about these models, or about none at all.
    pub models: Vec<String>,
    /// Only these alerts.
    pub alerts: Vec<String>,
}

impl Default for Route {
    /// Everybody and everything.
    fn default() -> Self {
        Self {
            channel: None,
            to: Vec::new(),
            severity: Severity::Info,
            hosts: Vec::new(),
            models: Vec::new(),
            alerts: Vec::new(),
        }
    }
}

/// What a notice is about, as far as routes can tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Topic<'a> {
    pub(crate) alert: &'a str,
    pub(crate) severity: Severity,
    /// Address and name.
    pub(crate) host: Option<(&'a str, &'a str)>,
    pub(crate) model: Option<&'a str>,
}

impl Route {
    pub(super) fn names(&self, recipient: &Recipient) -> bool {
        self.channel.as_ref().is_none_or(|channel| *channel == recipient.channel)
            && (self.to.is_empty() || self.to.contains(&recipient.address))
    }

    pub(super) fn covers(&self, topic: &Topic<'_>) -> bool {
        let listed = |list: &[String], name: &str| list.iter().any(|entry| entry == name);
        topic.severity >= self.severity
            && (self.alerts.is_empty() || listed(&self.alerts, topic.alert))
            && topic.host.is_none_or(|(address, name)| {
                self.hosts.is_empty() || listed(&self.hosts, address) || listed(&self.hosts, name)
            })
            && topic.model.is_none_or(|model| self.models.is_empty() || listed(&self.models, model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    fn recipient(address: &str) -> Recipient {
        Recipient { channel: "email".into(), address: address.into() }
    }

    // Fails when a route keeps something from a recipient that it does not name, or lets something
    // through that it excludes.
    #[test]
    fn a_route_limits_those_it_names() {
        let policy = Policy {
            routes: vec![
                Route {
                    to: vec!["pager@x".into()],
                    severity: Severity::Critical,
                    ..Route::default()
                },
                Route {
                    to: vec!["second@x".into()],
                    hosts: vec!["rack-2".into()],
                    ..Route::default()
                },
                Route {
                    to: vec!["second@x".into()],
                    alerts: vec!["ChainHalted".into()],
                    hosts: vec!["none of them".into()],
                    ..Route::default()
                },
            ],
            ..Policy::default()
        };
        let topic = |alert, severity, host| Topic { alert, severity, host, model: Some("m") };
        let rack = |name| Some(("gonka1a", name));
        let warning = topic("GroupMarginLow", Severity::Warning, rack("rack-1"));
        assert!(policy.concerns(&recipient("all@x"), &warning));
        assert!(!policy.concerns(&recipient("pager@x"), &warning));
        let critical = Topic { severity: Severity::Critical, ..warning };
        assert!(policy.concerns(&recipient("pager@x"), &critical));
        assert!(!policy.concerns(&recipient("second@x"), &critical));
        assert!(
            policy.concerns(&recipient("second@x"), &Topic { host: rack("rack-2"), ..warning })
        );
        assert!(
            policy.concerns(&recipient("second@x"), &topic("ChainHalted", Severity::Info, None))
        );
    }
}
