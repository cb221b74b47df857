//! A small real SMTP server on loopback that keeps what it is sent: the demo shows its mails, tests
//! read them and script its faults. It speaks plain text only and believes every password; it is
//! no server for mail that matters.

mod fault;
mod session;
mod shelf;

pub use fault::{Fault, Stage};

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, ToSocketAddrs},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{fault::Script, session::Session, shelf::Shelf};

/// Conversations held at the same time; further ones wait for their greeting.
const CONVERSATIONS: usize = 64;

/// A mail as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender of the envelope; empty for a bounce.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// The message: headers and body, CRLF line ends, dots unstuffed.
    pub data: Vec<u8>,
    /// Who logged in on this connection.
    pub login: Option<Login>,
}

impl Mail {
    /// The message as text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

/// What a client said in `AUTH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password, whatever it was.
    pub password: String,
}

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Mailbox {
    address: SocketAddr,
    shelf: Arc<Shelf>,
    script: Arc<Script>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Mailbox {
    /// Listens on `address`; port 0 takes a free one, see [`Mailbox::address`].
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let mailbox = Self {
            address: listener.local_addr()?,
            shelf: Arc::default(),
            script: Arc::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        mailbox.tasks.spawn(accept(
            listener,
            mailbox.shelf.clone(),
            mailbox.script.clone(),
            mailbox.stop.clone(),
            mailbox.tasks.clone(),
        ));
        Ok(mailbox)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The mails that are kept, oldest first. Old ones go when there are too many.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.shelf.all()
    }

    /// How many mails came, kept or not.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.shelf.received()
    }

    /// How many connections were opened.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.script.connections()
    }

    /// Waits for the next mail that this method has not returned yet. `None` once the server was
    /// stopped. Cancel safe.
    pub async fn next(&self) -> Option<Mail> {
        tokio::select! {
            biased;
            mail = self.shelf.next() => Some(mail),
            () = self.stop.cancelled() => None,
        }
    }

    /// Adds a fault; faults of the same stage act in the order in which they were added.
    pub fn inject(&self, fault: Fault) {
        self.script.add(fault);
    }

    /// Removes all faults.
    pub fn calm(&self) {
        self.script.clear();
    }

    /// Closes the port and every conversation.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Takes connections until it is stopped; each is a conversation of its own.
async fn accept(
    listener: TcpListener,
    shelf: Arc<Shelf>,
    script: Arc<Script>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(CONVERSATIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // A connection that failed before it was taken (reset, out of descriptors) is the
        // client's to repeat.
        let Ok((stream, _)) = accepted else {
            tokio::task::yield_now().await;
            continue;
        };
        script.connected();
        let session = Session::new(stream, shelf.clone(), script.clone());
        let (places, stop) = (places.clone(), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // The end of a conversation, orderly or not, concerns nobody but the client.
                _ = async {
                    let _place = places.acquire().await.map_err(io::Error::other)?;
                    session.run().await
                } => {}
            }
        });
    }
}
