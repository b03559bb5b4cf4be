//! Which log an entry came from: the one name that queue, outbox and ledger share for it.
//! It is only a name; it never says how far anybody has read.

use uuid::Uuid;

/// One partition of one incarnation of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceIdentity {
    /// Topic name (standalone: "outbox").
    pub topic: String,
    /// The topic's UUID; a recreated topic has a new one.
    pub topic_uuid: Uuid,
    /// Partition number.
    pub partition: i32,
}

/// Name of a source as it stands in `at`: first 8 hex digits of the topic's UUID, a dot, the partition.
pub type SourceName = std::sync::Arc<str>;
