//! The topic itself: made if missing, measured. Changes nothing that stands already.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode;
use tokio::time::Instant;

use super::asker::bounds;
use super::settings::{Ears, KafkaSettings, PATIENCE, kafka_error, worded};
use super::side::Aside;
use crate::{Bounds, SourceIdentity};
use domain::error::{Code, Error, Result};
use domain::words;

type Admin = AdminClient<Ears>;

fn admin(settings: &KafkaSettings) -> Result<Admin> {
    AdminClient::from_config_and_context(&settings.admin(), Ears::default())
        .map_err(|err| kafka_error(words!("do_make_client", "make a client"), &err))
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE))
}

async fn aside<T: Send + 'static>(
    settings: &KafkaSettings,
    question: impl FnOnce(Aside) -> Result<T> + Send + 'static,
) -> Result<T> {
    let settings = settings.clone();
    let asked = tokio::task::spawn_blocking(move || question(Aside::new(settings)?)).await;
    asked.map_err(|err| {
        Error::new(Code::Internal, words!("kafka_question_ended", "a question to Kafka ended: {err}", err))
    })?
}

/// Makes the topic if it is missing; a topic that is there stays as it is. Says which.
pub async fn ensure_topic(settings: &KafkaSettings, partitions: i32, replication: i32) -> Result<String> {
    let topic = &settings.topic;
    // The first question finds out what keeps us from the servers, in words; creation alone would only time out.
    match aside(settings, |aside| aside.describe()).await {
        Ok((_, there)) => return Ok(format!("topic {topic} is there with {} partitions", there.len())),
        Err(error) if error.code != Code::Refused || !error.message.contains("has no topic") => {
            return Err(error);
        }
        Err(_) => {}
    }
    let admin = admin(settings)?;
    // Entries are kept for ever unless somebody decides otherwise: the queue is what everything is rebuilt from.
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(replication))
        .set("retention.ms", "-1")
        .set("retention.bytes", "-1")
        .set("cleanup.policy", "delete");
    let made = admin.create_topics([&new], &options()).await;
    let made = made.map_err(|err| {
        admin.inner().context().explain(kafka_error(words!("do_create_topic", "create the topic"), &err))
    })?;
    let done = match made.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => format!("topic {topic} is there"),
        Some(Err((_, code))) => {
            return Err(worded(
                Some(code),
                words!("topic_not_created", "cannot create topic {topic}: {code}", topic, code),
            ));
        }
        _ => format!("topic {topic} created with {partitions} partitions, replication {replication}"),
    };
    bounds_when_ready(settings).await?;
    Ok(done)
}

/// Bounds of all partitions of a topic that may just have been made: brokers learn of it a moment after the
/// controller, and so do its leaders of their logs. Waits for them.
pub async fn bounds_when_ready(settings: &KafkaSettings) -> Result<HashMap<SourceIdentity, Bounds>> {
    let until = Instant::now() + 2 * PATIENCE;
    loop {
        match aside(settings, |aside| bounds(&aside)).await {
            Err(error)
                if matches!(error.code, Code::Refused | Code::Unreachable) && Instant::now() < until =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => return other,
        }
    }
}
