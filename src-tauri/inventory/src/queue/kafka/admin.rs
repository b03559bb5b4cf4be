//! The topic itself: made if missing, tried part by part, measured. Changes nothing that stands already.

use std::collections::HashMap;
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use tokio::time::Instant;

use super::settings::{Ears, KafkaSettings, PATIENCE, kafka_error, worded};
use super::side::Aside;
use crate::error::{Code, Error, Result};
use crate::queue::{Bounds, SourceIdentity};

type Admin = AdminClient<Ears>;

fn admin(settings: &KafkaSettings) -> Result<Admin> {
    AdminClient::from_config_and_context(&settings.admin(), Ears::default())
        .map_err(|err| kafka_error("make a client", &err))
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
    asked.map_err(|err| Error::new(Code::Internal, format!("a question to Kafka ended: {err}")))?
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
    let made = made.map_err(|err| admin.inner().context().explain(kafka_error("create the topic", &err)))?;
    let done = match made.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => format!("topic {topic} is there"),
        Some(Err((_, code))) => {
            return Err(worded(Some(code), &format!("cannot create topic {topic}: {code}")));
        }
        _ => format!("topic {topic} created with {partitions} partitions, replication {replication}"),
    };
    seen(settings).await?;
    Ok(done)
}

/// Waits until the brokers tell of a topic just made: they learn of it a moment after the controller, and
/// whatever is called next must find it.
async fn seen(settings: &KafkaSettings) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        match aside(settings, |aside| aside.describe()).await {
            Err(error) if error.code == Code::Refused && Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => return other.map(|_| ()),
        }
    }
}

/// Bounds of all partitions.
pub async fn bounds(settings: &KafkaSettings) -> Result<HashMap<SourceIdentity, Bounds>> {
    aside(settings, |aside| {
        let mut found = HashMap::new();
        for source in aside.sources()? {
            let bounds = aside.watermarks(source.partition)?;
            found.insert(source, bounds);
        }
        Ok(found)
    })
    .await
}

/// How many members the consumer group has now: 0 = nobody consumes.
pub async fn members(settings: &KafkaSettings) -> Result<usize> {
    let group = settings.group_id.clone();
    aside(settings, move |aside| aside.members(&group)).await
}

/// Tries servers, login, topic, group and the topic's settings: (what is wrong, what to do) for each; empty when all
/// is in order. An error means that the servers could not even be asked.
pub async fn check(settings: &KafkaSettings) -> Result<Vec<(String, String)>> {
    let mut findings = Vec::new();
    let partitions = match aside(settings, |aside| aside.describe()).await {
        Ok((_, partitions)) => partitions,
        Err(error) if error.code == Code::Refused => return Ok(vec![split(error)]),
        Err(error) => return Err(error),
    };
    findings.extend(topic_settings(settings).await?);
    let (topic, settings) = (settings.topic.clone(), settings.clone());
    let group = tokio::task::spawn_blocking(move || group(&settings, &topic, &partitions)).await;
    let group =
        group.map_err(|err| Error::new(Code::Internal, format!("a question to Kafka ended: {err}")))?;
    findings.extend(group.err().map(split));
    Ok(findings)
}

/// An error's words as cause and cure.
fn split(error: Error) -> (String, String) {
    match error.message.trim_end_matches('.').rsplit_once(". ") {
        Some((cause, cure)) => (cause.to_string(), cure.to_string()),
        None => (error.message, String::new()),
    }
}

fn group(settings: &KafkaSettings, topic: &str, partitions: &[i32]) -> Result<()> {
    let words = |err| kafka_error("ask for the group's offsets", &err);
    let client: BaseConsumer<Ears> = settings.aside().create_with_context(Ears::default()).map_err(words)?;
    let mut list = TopicPartitionList::new();
    for partition in partitions {
        list.add_partition(topic, *partition);
    }
    let asked = client.committed_offsets(list, PATIENCE);
    let _ = client.poll(Duration::ZERO);
    asked.map_err(|err| client.client().context().explain(words(err)))?;
    Ok(())
}

async fn topic_settings(settings: &KafkaSettings) -> Result<Vec<(String, String)>> {
    let topic = &settings.topic;
    let admin = admin(settings)?;
    let asked = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options()).await;
    let asked = asked.map_err(|err| kafka_error("read the topic's settings", &err))?;
    let config = match asked.into_iter().next() {
        Some(Ok(config)) => config,
        Some(Err(code)) => {
            let words = worded(Some(code), &format!("cannot read the settings of topic {topic}: {code}"));
            return Ok(vec![split(words)]);
        }
        None => return Ok(Vec::new()),
    };
    let value = |name: &str| config.get(name).and_then(|entry| entry.value.clone()).unwrap_or_default();
    let mut findings = Vec::new();
    if value("cleanup.policy").contains("compact") {
        findings.push((
            format!("topic {topic} is compacted: Kafka throws away all but the newest entry of a key"),
            format!(
                "set cleanup.policy=delete on topic {topic} before anything is sent, or name another topic"
            ),
        ));
    }
    Ok(findings)
}
