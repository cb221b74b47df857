//! What others may read over HTTP: metrics, health, the Situation as JSON, and a page; and what
//! operators order.
//!
//! Everything but the evidence and the lists of the past is answered from memory: from what is
//! [`Published`]. Those are read from the database, a few answers at a time. No request touches a
//! node or waits for ingestion, and none can change anything but silences and acknowledgements, with
//! a token.

mod api;
mod assets;
mod connections;
mod evidence;
mod lists;
mod orders;
mod page;
mod routes;
mod stream;
#[cfg(test)]
mod tests;

use std::{io, net::SocketAddr, sync::Arc};

use bootwatch_rules::situation::Situation;
use bootwatch_schema::{Incident, Orders};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

pub use self::{evidence::EvidenceDesk, orders::OrderCounter};
use crate::{chronicle::Chronicle, metrics::Metrics, situation::Beginning};

/// What the daemon publishes; cheap to clone.
#[derive(Debug, Clone)]
pub struct Published {
    /// The newest Situation; none until the first block has been judged.
    pub situation: watch::Receiver<Option<Arc<Situation>>>,
    /// How things are before that.
    pub beginning: watch::Receiver<Beginning>,
    /// The incidents that go with the newest Situation.
    pub incidents: watch::Receiver<Arc<[Incident]>>,
    /// What operators have ordered.
    pub silences: watch::Receiver<Orders>,
    /// The past.
    pub chronicle: watch::Receiver<Arc<Chronicle>>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Answers from the database; none where there is no database to read.
    pub evidence: Option<EvidenceDesk>,
    /// Takes orders; none where there is no database to keep them.
    pub orders: Option<OrderCounter>,
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {}", why(.source, *.address))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

fn why(error: &io::Error, address: SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "port {} is in use; stop the other program or choose another [http] listen",
            address.port()
        ),
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; correct [http] listen".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            format!("port {} needs privileges; choose one above 1023", address.port())
        }
        _ => error.to_string(),
    }
}

/// A bound socket: whoever holds it has the port, nothing is answered yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Takes the port. Do this before anything that costs, such as opening the database.
    ///
    /// # Errors
    /// [`ServeError::Bind`] names the address and what to do.
    pub async fn bind(listen: SocketAddr) -> Result<Self, ServeError> {
        let bind = |source| ServeError::Bind { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        Ok(Self { listener, address })
    }

    /// The address, with the port that the system chose when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop`, then lets running answers finish for a moment.
    pub async fn run(self, published: Published, stop: CancellationToken) {
        let feed = stream::Feed::start(published.clone(), stop.clone());
        connections::serve(self.listener, routes::router(published, feed), stop).await;
    }
}
