//! A client that is kept for the few questions of a status, which is asked every few seconds: making one each time costs
//! threads, connections and a handshake with every broker. Remembers no answer, and never outlives a failure: an outage
//! and its end are told by a client that knows nothing of what was before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::settings::KafkaSettings;
use super::side::Aside;
use crate::{Bounds, Message, SourceIdentity};
use domain::error::{Code, Error, Result};
use domain::words;

/// Asks about the topic and its group. Clones share the client.
#[derive(Clone)]
pub struct Asker {
    settings: KafkaSettings,
    kept: Arc<Mutex<Option<Aside>>>,
}

impl Asker {
    /// Connects when it is first asked.
    pub fn new(settings: KafkaSettings) -> Self {
        Asker { settings, kept: Arc::default() }
    }

    /// Bounds of all partitions.
    pub async fn bounds(&self) -> Result<HashMap<SourceIdentity, Bounds>> {
        self.ask(bounds).await
    }

    /// One message of each of these partitions; left out where none stands at its offset, which must lie within the
    /// log.
    pub async fn messages_at(&self, places: Vec<(i32, i64)>) -> Result<HashMap<i32, Message>> {
        self.ask(move |aside| aside.messages_at(&places)).await
    }

    /// How many members the consumer group has now: 0 = nobody consumes.
    pub async fn members(&self) -> Result<usize> {
        let group = self.settings.group_id.clone();
        self.ask(move |aside| aside.members(&group)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl Fn(&Aside) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let asker = self.clone();
        let asked = tokio::task::spawn_blocking(move || asker.ask_here(question)).await;
        asked.map_err(|err| {
            Error::new(
                Code::Internal,
                words!("kafka_question_ended", "a question to Kafka ended: {err}", err),
            )
        })?
    }

    /// Taken out while it is asked: of several questions at once each has a client of its own.
    fn ask_here<T>(&self, question: impl Fn(&Aside) -> Result<T>) -> Result<T> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (answer, client) = match kept {
            // What failed may be the client's own past: a broker that moved, a connection that died unseen.
            Some(old) => match question(&old) {
                Ok(answer) => (answer, old),
                Err(_) => {
                    drop(old);
                    self.ask_anew(question)?
                }
            },
            None => self.ask_anew(question)?,
        };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
        Ok(answer)
    }

    fn ask_anew<T>(&self, question: impl Fn(&Aside) -> Result<T>) -> Result<(T, Aside)> {
        let new = Aside::new(self.settings.clone())?;
        let answer = question(&new)?;
        Ok((answer, new))
    }
}

/// Bounds of all partitions of the topic's present life.
pub(super) fn bounds(aside: &Aside) -> Result<HashMap<SourceIdentity, Bounds>> {
    let mut found = HashMap::new();
    for source in aside.sources()? {
        let bounds = aside.watermarks(source.partition)?;
        found.insert(source, bounds);
    }
    Ok(found)
}
