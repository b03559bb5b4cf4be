//! What was sent: the queue's whole content, read back. The oracle judges the stores by this alone.

use std::collections::BTreeMap;

/// One message as it lies in the queue.
#[derive(Debug, Clone)]
pub struct Message {
    /// Offset in its partition.
    pub offset: i64,
    /// The message's own timestamp.
    pub timestamp_ms: Option<i64>,
    /// Raw value.
    pub payload: Vec<u8>,
}

/// All partitions of one topic, from their start.
#[derive(Debug, Clone, Default)]
pub struct Topic {
    /// The topic's name; "outbox" in standalone mode.
    pub name: String,
    /// Messages by partition, in offset order.
    pub messages: BTreeMap<i32, Vec<Message>>,
    /// Offset after the last message, by partition.
    pub ends: BTreeMap<i32, i64>,
}

impl Topic {
    /// A topic of one partition made by hand.
    pub fn of(payloads: &[Vec<u8>]) -> Topic {
        let messages = payloads.iter().enumerate().map(|(offset, payload)| Message {
            offset: offset as i64,
            timestamp_ms: None,
            payload: payload.clone(),
        });
        Topic {
            name: "outbox".into(),
            messages: BTreeMap::from([(0, messages.collect())]),
            ends: BTreeMap::from([(0, payloads.len() as i64)]),
        }
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.messages.values().map(Vec::len).sum()
    }

    /// Is there no message at all?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
