//! Commands for a host's own machine, safe to paste.

use crate::ModelId;

/// Where commands are sent.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// The options that all transactions have, quoted; none when they cannot be pasted safely.
    options: Option<String>,
    /// Those that questions have.
    asking: Option<String>,
}

/// What a host can send for one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines {
    /// Delegates it; the delegate is a placeholder.
    pub(crate) delegate: Option<String>,
    /// Refuses it.
    pub(crate) refuse: Option<String>,
    /// Declares intent for it.
    pub(crate) intent: Option<String>,
}

/// The placeholder of the key that signs: the host's cold key, which no monitor should know.
const KEY: &str = "<cold-key-name>";
/// The placeholder of a vote.
const VOTE: &str = "<yes|no|abstain|no_with_veto>";
/// The placeholder of a delegate.
const DELEGATE: &str = "<delegate-address>";

impl Terminal {
    /// Commands that go to this node with this chain id.
    #[must_use]
    pub(crate) fn new(node: &str, chain_id: &str) -> Self {
        let options = [
            ("--from", KEY),
            ("--node", node),
            ("--chain-id", chain_id),
            ("--keyring-backend", "file"),
            ("--gas", "auto"),
            ("--gas-adjustment", "1.3"),
        ];
        Self {
            options: quoted(options.into_iter().flat_map(|(option, value)| [option, value])),
            asking: quoted(["--node", node]),
        }
    }

    /// The commands for a model; each is none when the model's id cannot be pasted safely.
    #[must_use]
    pub(crate) fn lines(&self, model: &ModelId) -> Lines {
        let id = model.as_str();
        Lines {
            delegate: self.line("inference", "set-poc-delegation", &[id, DELEGATE]),
            refuse: self.line("inference", "refuse-poc-delegation", &[id]),
            intent: self.line("inference", "declare-poc-intent", &[id]),
        }
    }

    /// Votes on a proposal; the vote is a placeholder.
    #[must_use]
    pub(crate) fn vote(&self, proposal: u64) -> Option<String> {
        self.line("gov", "vote", &[&proposal.to_string(), VOTE])
    }

    /// Shows a proposal.
    #[must_use]
    pub(crate) fn proposal(&self, proposal: u64) -> Option<String> {
        Some(format!("inferenced query gov proposal {proposal} {}", self.asking.as_ref()?))
    }

    fn line(&self, module: &str, message: &str, arguments: &[&str]) -> Option<String> {
        let command = quoted(["inferenced", "tx", module, message])?;
        let options = self.options.as_ref()?;
        // A name that begins with a dash would be read as an option.
        let dashed = arguments.iter().any(|argument| argument.starts_with('-'));
        let arguments = quoted(arguments.iter().copied())?;
        Some(if dashed {
            format!("{command} {options} -- {arguments}")
        } else {
            format!("{command} {arguments} {options}")
        })
    }
}

/// Words as a shell reads them back; none when they cannot be pasted safely. Quotes keep the shell
/// from reading a name, but not the terminal: pasted control characters edit the line. No real
/// name has them.
fn quoted<'w>(words: impl IntoIterator<Item = &'w str> + Clone) -> Option<String> {
    let hostile = |word: &str| word.chars().any(char::is_control);
    if words.clone().into_iter().any(hostile) {
        return None;
    }
    shlex::try_join(words).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terminal() -> Terminal {
        Terminal::new("http://node:26657", "gonka-mainnet")
    }

    fn line(model: &str) -> Option<String> {
        terminal().lines(&ModelId::from(model)).refuse
    }

    #[test]
    fn the_exact_commands() {
        let options = "--from '<cold-key-name>' --node http://node:26657 --chain-id gonka-mainnet \
                       --keyring-backend file --gas auto --gas-adjustment 1.3";
        assert_eq!(
            line("MiniMaxAI/MiniMax-M2.7").unwrap(),
            format!(
                "inferenced tx inference refuse-poc-delegation MiniMaxAI/MiniMax-M2.7 {options}"
            )
        );
        let lines = terminal().lines(&ModelId::from("m"));
        assert_eq!(
            lines.delegate.unwrap(),
            format!("inferenced tx inference set-poc-delegation m '<delegate-address>' {options}")
        );
        assert_eq!(
            lines.intent.unwrap(),
            format!("inferenced tx inference declare-poc-intent m {options}")
        );
    }

    #[test]
    fn a_name_like_an_option_stays_a_name() {
        let line = line("--from=thief").unwrap();
        let words = shlex::split(&line).unwrap();
        assert_eq!(words[words.len() - 2..], ["--", "--from=thief"]);
    }

    #[test]
    fn names_that_would_edit_the_line_have_no_command() {
        for model in ["m\nrm -rf ~", "m\u{3}", "m\0", "\u{1b}[2J", "m\u{9b}"] {
            assert_eq!(line(model), None, "{model:?}");
        }
    }

    proptest! {
        /// A shell reads back exactly the words that were meant.
        #[test]
        fn a_shell_reads_the_name_back(model in "\\PC{0,40}") {
            if let Some(line) = line(&model) {
                let words = shlex::split(&line).unwrap();
                prop_assert!(words.contains(&model), "{line}");
                prop_assert_eq!(words.iter().filter(|word| *word == "--from").count(), 1 + usize::from(model == "--from"));
                prop_assert_eq!(&words[..3], ["inferenced", "tx", "inference"]);
            }
        }
    }
}
