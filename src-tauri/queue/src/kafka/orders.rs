//! What the threads of the Kafka queue ask of each other. Only messages: neither thread ever waits for the other.

use tokio::sync::oneshot;

use super::lane::LaneReader;
use crate::{Bounds, SourceIdentity};
use domain::error::{Error, Result};

/// What is asked of the polling thread.
pub(super) enum Order {
    /// These sources are ours; nothing else may be opened.
    Named(Vec<SourceIdentity>),
    Open {
        source: SourceIdentity,
        offset: i64,
        reply: oneshot::Sender<Result<LaneReader>>,
    },
    /// Answer to `Ask::Bounds`.
    Bounds {
        partition: i32,
        generation: u64,
        bounds: Result<Bounds>,
    },
    Close,
}

/// What is asked of the side thread.
#[derive(Debug)]
pub(super) enum Ask {
    /// These partitions were assigned to us.
    Granted(Vec<i32>),
    /// All were taken away.
    Revoked,
    /// Where does this partition end? Answered with `Order::Bounds`.
    Bounds {
        partition: i32,
        generation: u64,
    },
    /// The polling thread has something to complain of.
    Heard(Error),
    Close,
}
