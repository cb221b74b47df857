//! Commands for a host's own machine, safe to paste.

use crate::{ModelId, situation::Command};

/// Where commands are sent.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// The options that all commands have, quoted; none when they cannot be pasted safely.
    options: Option<String>,
}

/// The placeholder of the key that signs: the host's cold key, which no monitor should know.
const KEY: &str = "<cold-key-name>";
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
        Self { options: quoted(options.into_iter().flat_map(|(option, value)| [option, value])) }
    }

    /// Delegates a model; the delegate is a placeholder. None when the model's id cannot be pasted
    /// into a terminal safely; so too below.
    #[must_use]
    pub(crate) fn delegate(&self, model: &ModelId, does: String) -> Option<Command> {
        self.command("set-poc-delegation", &[model.as_str(), DELEGATE], does)
    }

    /// Refuses a model.
    #[must_use]
    pub(crate) fn refuse(&self, model: &ModelId, does: String) -> Option<Command> {
        self.command("refuse-poc-delegation", &[model.as_str()], does)
    }

    /// Declares intent for a model.
    #[must_use]
    pub(crate) fn intent(&self, model: &ModelId, does: String) -> Option<Command> {
        self.command("declare-poc-intent", &[model.as_str()], does)
    }

    fn command(&self, message: &str, arguments: &[&str], does: String) -> Option<Command> {
        let command = quoted(["inferenced", "tx", "inference", message])?;
        let options = self.options.as_ref()?;
        // A name that begins with a dash would be read as an option.
        let dashed = arguments.iter().any(|argument| argument.starts_with('-'));
        let arguments = quoted(arguments.iter().copied())?;
        let line = if dashed {
            format!("{command} {options} -- {arguments}")
        } else {
            format!("{command} {arguments} {options}")
        };
        Some(Command { does, line })
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
        terminal().refuse(&ModelId::from(model), String::new()).map(|command| command.line)
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
        let model = ModelId::from("m");
        assert_eq!(
            terminal().delegate(&model, String::new()).unwrap().line,
            format!("inferenced tx inference set-poc-delegation m '<delegate-address>' {options}")
        );
        assert_eq!(
            terminal().intent(&model, String::new()).unwrap().line,
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
