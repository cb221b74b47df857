//! `bootwatch notify test`: a real message through the real channels, and what to do where none
//! arrives.

use bootwatch_alerts::{
    channel::{AnyChannel, Channel as _, SendError},
    trouble::test_message,
};
use bootwatch_schema::PendingMessage;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Source, block_on, failure::Failure, output};
use crate::{
    config::nearest,
    daemon::channels::{self, Line},
};

#[derive(Debug, Args)]
pub(super) struct NotifyArgs {
    #[command(subcommand)]
    command: NotifyCommand,
}

#[derive(Debug, Subcommand)]
enum NotifyCommand {
    /// Send a test message to every recipient of every channel, and say which arrived.
    Test(TestArgs),
}

#[derive(Debug, Args)]
struct TestArgs {
    #[command(flatten)]
    source: Source,
    /// Only this channel: email, or the name of another.
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
}

/// Sends, and says per recipient how it went. Fails when any did not take it.
pub(super) fn run(args: &NotifyArgs) -> Result<(), Failure> {
    let NotifyCommand::Test(args) = &args.command;
    let config = args.source.load()?;
    let mut lines = channels::open(&config).map_err(|error| Failure::Usage(error.to_string()))?;
    if let Some(wanted) = &args.channel {
        let known: Vec<String> = lines.iter().map(|line| line.channel.name().to_owned()).collect();
        lines.retain(|line| line.channel.name() == wanted);
        if lines.is_empty() && !known.is_empty() {
            let hint = nearest(wanted, &known);
            return Err(Failure::Usage(format!("no channel is named {wanted:?}; {hint}")));
        }
    }
    if lines.is_empty() {
        return Err(Failure::Usage(
            "no channel is configured: there is neither [email] nor [[telegram]], [[slack]], \
             [[discord]], [[webhook]] or [[alertmanager]]"
                .to_owned(),
        ));
    }
    let (failed, all) = block_on(try_all(lines))?;
    if failed > 0 {
        return Err(Failure::Failed(format!("{failed} of {all} test messages did not go out")));
    }
    Ok(())
}

/// Tries one after the other; how many failed, and of how many.
async fn try_all(lines: Vec<Line>) -> Result<(usize, usize), Failure> {
    let (mut failed, mut all) = (0, 0);
    for Line { channel, recipients } in lines {
        for recipient in recipients {
            let message = test_message(&recipient, Timestamp::now());
            let pending = PendingMessage { message, attempts: 0, last_error: None };
            let sent = channel.send(&pending).await;
            all += 1;
            failed += usize::from(sent.is_err());
            let who = if recipient.address == recipient.channel {
                recipient.channel.clone()
            } else {
                format!("{} to {}", recipient.channel, recipient.address)
            };
            output::print(&line(&who, &channel, sent))?;
        }
        channel.rest().await;
    }
    Ok((failed, all))
}

fn line(who: &str, channel: &AnyChannel, sent: Result<(), SendError>) -> String {
    match sent {
        Ok(()) => format!("ok      {who}\n"),
        Err(error) => {
            format!("failed  {who}: {error}\n        {}\n", what_to_do(channel, &error))
        }
    }
}

fn what_to_do(channel: &AnyChannel, error: &SendError) -> &'static str {
    match (channel, error) {
        (_, SendError::Throttled { .. } | SendError::Later(_)) => {
            "The other side put it off; the daemon would try again by itself. Try later."
        }
        (AnyChannel::Email(_), SendError::Unavailable(_)) => {
            "Check `smtp`, `tls`, `ca_file`, `from`, `username` and the password in [email], and \
             that this machine may reach the server."
        }
        (AnyChannel::Email(_), SendError::Refused(_)) => {
            "Check the address in `to`, and whether the server lets `from` send to it."
        }
        (AnyChannel::Telegram(_), SendError::Unavailable(_)) => {
            "Check the token, as BotFather gave it, and that this machine may reach the API."
        }
        (AnyChannel::Telegram(_), SendError::Refused(_)) => {
            "Check `chat`, and that it has begun a conversation with the bot or made it a member."
        }
        (AnyChannel::Chat(_), _) => {
            "Check the address: make a new webhook in the chat, and write its address into \
             `url_file`."
        }
        (AnyChannel::Webhook(_), _) => {
            "Check `url` and the secret, and what the receiver says in its log."
        }
        (AnyChannel::Alertmanager(_), _) => {
            "Check `url`: the base address, such as \"http://alertmanager:9093\", and the token."
        }
    }
}
