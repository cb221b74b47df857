//! One conversation, as in RFC 5321: what a sending client needs, and nothing more.

use std::{io, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::{
    Login, Mail,
    fault::{Act, Script, Stage},
    shelf::Shelf,
};

/// Bytes of a command line; RFC 5321 asks for 512, AUTH for more.
const LINE: u64 = 16 << 10;
/// Bytes of a message.
const MESSAGE: usize = 4 << 20;
/// Recipients of a message; RFC 5321 asks for 100.
const RECIPIENTS: usize = 100;

pub(crate) struct Session {
    stream: BufReader<TcpStream>,
    shelf: Arc<Shelf>,
    script: Arc<Script>,
    login: Option<Login>,
    from: Option<String>,
    to: Vec<String>,
}

/// Whether the conversation goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Close,
}

impl Session {
    pub(crate) fn new(stream: TcpStream, shelf: Arc<Shelf>, script: Arc<Script>) -> Self {
        let stream = BufReader::new(stream);
        Self { stream, shelf, script, login: None, from: None, to: Vec::new() }
    }

    pub(crate) async fn run(mut self) -> io::Result<()> {
        if self.answer(Stage::Greeting, "220 mailbox.test ESMTP bootwatch").await? == Next::Close {
            return Ok(());
        }
        while let Some(line) = self.line().await? {
            if self.command(&line).await? == Next::Close {
                break;
            }
        }
        self.stream.get_mut().shutdown().await
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                self.reset();
                let features = format!(
                    "250-mailbox.test\r\n250-SIZE {MESSAGE}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN"
                );
                self.answer(Stage::Hello, &features).await
            }
            "HELO" => {
                self.reset();
                self.answer(Stage::Hello, "250 mailbox.test").await
            }
            "AUTH" => self.auth(rest).await,
            "MAIL" => self.mail(rest).await,
            "RCPT" => self.rcpt(rest).await,
            "DATA" => self.data().await,
            "RSET" => {
                self.reset();
                self.say("250 2.0.0 forgotten").await
            }
            "NOOP" => self.say("250 2.0.0 ok").await,
            "VRFY" => self.say("252 2.5.0 send it and see").await,
            "QUIT" => {
                self.say("221 2.0.0 bye").await?;
                Ok(Next::Close)
            }
            _ => self.say("500 5.5.1 unknown command").await,
        }
    }

    async fn auth(&mut self, rest: &str) -> io::Result<Next> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let login = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let answer = match initial {
                    "" => self.ask("").await?,
                    initial => decode(initial),
                };
                // authorization id NUL user NUL password (RFC 4616)
                let mut parts = answer.splitn(3, '\0').skip(1).map(str::to_owned);
                parts
                    .next()
                    .zip(parts.next())
                    .map(|(username, password)| Login { username, password })
            }
            "LOGIN" => {
                let username = match initial {
                    "" => self.ask("Username:").await?,
                    initial => decode(initial),
                };
                let password = self.ask("Password:").await?;
                Some(Login { username, password })
            }
            _ => return self.say("504 5.5.4 PLAIN or LOGIN").await,
        };
        let Some(login) = login else {
            return self.say("501 5.5.2 cannot decode").await;
        };
        self.login = Some(login);
        self.answer(Stage::Auth, "235 2.7.0 welcome").await
    }

    /// A challenge and its answer, decoded.
    async fn ask(&mut self, challenge: &str) -> io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(challenge))).await?;
        Ok(self.line().await?.map(|line| decode(line.trim())).unwrap_or_default())
    }

    async fn mail(&mut self, rest: &str) -> io::Result<Next> {
        if self.from.is_some() {
            return self.say("503 5.5.1 one at a time").await;
        }
        let Some(from) = path(rest, "FROM:") else {
            return self.say("501 5.5.4 MAIL FROM:<address>").await;
        };
        match self.script.strike(Stage::Mail, None) {
            Some(act) => self.act(act).await,
            None => {
                self.from = Some(from);
                self.say("250 2.1.0 ok").await
            }
        }
    }

    async fn rcpt(&mut self, rest: &str) -> io::Result<Next> {
        if self.from.is_none() {
            return self.say("503 5.5.1 MAIL first").await;
        }
        let Some(to) = path(rest, "TO:").filter(|to| !to.is_empty()) else {
            return self.say("501 5.5.4 RCPT TO:<address>").await;
        };
        if self.to.len() >= RECIPIENTS {
            return self.say("452 4.5.3 too many recipients").await;
        }
        match self.script.strike(Stage::Rcpt, Some(&to)) {
            Some(act) => self.act(act).await,
            None => {
                self.to.push(to);
                self.say("250 2.1.5 ok").await
            }
        }
    }

    async fn data(&mut self) -> io::Result<Next> {
        if self.to.is_empty() {
            return self.say("503 5.5.1 RCPT first").await;
        }
        let last = self.to.last().cloned();
        if let Some(act) = self.script.strike(Stage::Data, last.as_deref()) {
            return self.act(act).await;
        }
        self.say("354 end with a dot").await?;
        let Some(data) = self.message().await? else {
            self.reset();
            return self.say("552 5.3.4 too large").await;
        };
        let mail = Mail {
            from: self.from.take().unwrap_or_default(),
            to: std::mem::take(&mut self.to),
            data,
            login: self.login.clone(),
        };
        match self.script.strike(Stage::Body, last.as_deref()) {
            Some(act) => {
                // Refused, or taken without saying so.
                if !matches!(act, Act::Reply(_)) {
                    self.shelf.put(mail);
                }
                self.act(act).await
            }
            None => {
                self.shelf.put(mail);
                self.say("250 2.0.0 kept").await
            }
        }
    }

    /// Reads a message up to its dot; `None` when it is too large, once all of it was read.
    async fn message(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut data = Vec::new();
        let mut too_large = false;
        let mut line = Vec::new();
        let mut fresh = true;
        loop {
            line.clear();
            let read = (&mut self.stream).take(LINE).read_until(b'\n', &mut line).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // A line longer than the limit comes in pieces; only its start may be a dot.
            let start = std::mem::replace(&mut fresh, line.ends_with(b"\n"));
            if start && matches!(line.as_slice(), b".\r\n" | b".\n") {
                return Ok((!too_large).then_some(data));
            }
            let content = if start { line.strip_prefix(b".").unwrap_or(&line) } else { &line };
            too_large |= data.len() + content.len() > MESSAGE;
            if !too_large {
                data.extend_from_slice(content);
            }
        }
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    /// Answers as it should be, unless the script says otherwise.
    async fn answer(&mut self, stage: Stage, reply: &str) -> io::Result<Next> {
        match self.script.strike(stage, None) {
            Some(act) => self.act(act).await,
            None => self.say(reply).await,
        }
    }

    async fn act(&mut self, act: Act) -> io::Result<Next> {
        match act {
            Act::Reply(reply) => {
                self.say(&reply).await?;
                Ok(if reply.starts_with("421") { Next::Close } else { Next::Go })
            }
            Act::Drop => Ok(Next::Close),
            // Ended by `Mailbox::stop`, or by the client: its close is read here.
            Act::Hang => {
                let mut sink = [0; 1024];
                while self.stream.read(&mut sink).await? > 0 {}
                Ok(Next::Close)
            }
        }
    }

    async fn say(&mut self, reply: &str) -> io::Result<Next> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        stream.flush().await?;
        Ok(Next::Go)
    }

    /// The next command without its line end; `None` when the client has closed.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        let read = (&mut self.stream).take(LINE).read_until(b'\n', &mut line).await?;
        if read == 0 {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "command line too long"));
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
    }
}

/// The address of `FROM:<a@b> SIZE=9`.
fn path(rest: &str, keyword: &str) -> Option<String> {
    let head = rest.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, _) = rest[keyword.len()..].trim_start().strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

fn decode(text: &str) -> String {
    STANDARD
        .decode(text)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
