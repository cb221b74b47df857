//! Configuration files for the daemon under test.

use std::path::{Path, PathBuf};

/// A configuration in the making.
pub(crate) struct Config {
    text: String,
}

impl Config {
    /// A daemon on `rpc` with its store in the test's folder and its page on a free port.
    pub(crate) fn new(chain_id: &str, rpc: &str) -> Self {
        Self {
            text: format!(
                "[chain]\nchain_id = {chain_id:?}\n\n[[endpoint]]\nname = \"node\"\nrpc = {rpc:?}\n\n\
                 [store]\npath = \"bootwatch.db\"\n\n[http]\nlisten = \"127.0.0.1:0\"\n"
            ),
        }
    }

    /// Replaces a piece of the text.
    pub(crate) fn replace(mut self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "{from:?} is not in the configuration");
        self.text = self.text.replace(from, to);
        self
    }

    /// Another endpoint, after those that are there.
    pub(crate) fn endpoint(mut self, name: &str, rpc: &str) -> Self {
        self.text.push_str(&format!("\n[[endpoint]]\nname = {name:?}\nrpc = {rpc:?}\n"));
        self
    }

    /// Watches a host.
    pub(crate) fn host(mut self, name: &str, address: &str) -> Self {
        self.text.push_str(&format!("\n[[host]]\nname = {name:?}\naddress = {address:?}\n"));
        self
    }

    /// Mails to a server without TLS on loopback, without waits, and never several in one.
    pub(crate) fn email(mut self, smtp: &str, to: &str) -> Self {
        self.text.push_str(&format!(
            "\n[email]\nsmtp = {smtp:?}\ntls = \"none\"\nfrom = \"bootwatch@example.org\"\nto = [{to:?}]\n\
             \n[alerts]\nfirst_notice_delay = \"0s\"\nbatch_every = \"0s\"\nper_hour = \"1000\"\n\
             bundle_from = \"1000\"\n"
        ));
        self
    }

    /// Adds sections as they are.
    pub(crate) fn more(mut self, text: &str) -> Self {
        self.text.push('\n');
        self.text.push_str(text);
        self
    }

    /// Writes it into the test's folder.
    pub(crate) fn write(self, dir: &Path) -> PathBuf {
        let path = dir.join("bootwatch.toml");
        std::fs::write(&path, self.text).expect("write a configuration");
        path
    }
}
