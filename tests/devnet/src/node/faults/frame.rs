//! What can happen to an event frame.

use serde_json::Value;

/// A fault of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameFault {
    /// It comes twice.
    Twice,
    /// It comes after the one that follows it.
    Overtaken,
    /// It does not come.
    Lost,
    /// Its second half is missing.
    Cut,
    /// Something else comes in its place.
    Garbage,
    /// A part of the block is `null`.
    Null,
    /// The node ends the subscription, as for a slow client.
    Cancelled,
}

impl FrameFault {
    /// What it is called where faults are counted.
    pub fn name(self) -> &'static str {
        match self {
            FrameFault::Twice => "frame duplicated",
            FrameFault::Overtaken => "frame reordered",
            FrameFault::Lost => "frame lost",
            FrameFault::Cut => "frame truncated",
            FrameFault::Garbage => "frame garbage",
            FrameFault::Null => "frame null field",
            FrameFault::Cancelled => "subscription cancelled",
        }
    }

    /// What is sent in place of `frame`.
    pub(super) fn spoil(self, mut frame: String) -> Vec<String> {
        match self {
            FrameFault::Twice => vec![frame.clone(), frame],
            FrameFault::Overtaken | FrameFault::Lost => Vec::new(),
            FrameFault::Cut => {
                frame.truncate(frame.floor_char_boundary(frame.len() / 2));
                vec![frame]
            }
            FrameFault::Garbage => vec!["<html>\u{0}]]}{\"result\":{".to_owned()],
            FrameFault::Null => vec![null(&frame)],
            FrameFault::Cancelled => vec![
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"Server error","data":"subscription was canceled (reason: internal subscription event buffer is out of capacity)"}}"#
                    .to_owned(),
            ],
        }
    }
}

/// Without its results: what a reader must notice.
fn null(frame: &str) -> String {
    let Ok(mut frame) = serde_json::from_str::<Value>(frame) else { return frame.to_owned() };
    if let Some(results) = frame.pointer_mut("/result/data/value/result_finalize_block") {
        *results = Value::Null;
    }
    frame.to_string()
}
