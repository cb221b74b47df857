//! End-to-end tests: the real binary as a separate process, against the simulated node and against
//! an unmodified CometBFT, over real sockets.
//!
//! Some tools are optional: a test whose tool is missing says that it is skipped and how to get the
//! tool. `REQUIRE_TOOLS=cometbft,prometheus,postfix,alertmanager,chromium,axe` makes a missing tool a
//! failure.

mod harness;

mod alertmanager;
mod bad_input;
mod grafana;
mod ingest;
mod mail;
mod metrics;
mod notify;
mod page;
mod postfix;
mod real_node;
mod surface;
