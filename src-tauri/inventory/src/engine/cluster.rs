//! The cluster's parts: Kafka and Redis as the configuration names them. Nothing here waits for a server.

use std::collections::HashMap;
use std::sync::Arc;

use super::host;
use crate::config::Config;
use domain::error::Result;
use probe::Finding;
use queue::history::History;
use queue::kafka::{self, Asker, KafkaHistory, KafkaQueue, KafkaSettings, Sender};
use queue::outbox::Outbox;
use queue::{Bounds, Queue, SourceIdentity};
use stock::Stock;
use stock::redis::Redis;

/// What Kafka needs to know. The member id is made of host, program and data directory: a restart costs no
/// rebalance, and an app and a daemon on one host do not take each other's place.
fn settings(config: &Config, program: &str) -> KafkaSettings {
    let folder = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    KafkaSettings {
        bootstrap_servers: config.bootstrap_servers.clone(),
        topic: config.topic.clone(),
        group_id: config.group_id.clone(),
        instance_id: format!("{}-{program}-{}", host(), folder.display()),
        properties: config.kafka_properties.clone(),
    }
}

/// A member of the consumer group.
pub(super) fn queue(config: &Config, program: &str) -> Result<Arc<dyn Queue>> {
    Ok(Arc::new(KafkaQueue::start(settings(config, program))?))
}

/// The topic's past, for a replay.
pub(super) fn history(config: &Config) -> Result<Arc<dyn History>> {
    Ok(Arc::new(KafkaHistory::new(settings(config, "replay"))?))
}

/// What carries the outbox into Kafka.
pub(super) fn sender(config: &Config, outbox: Arc<Outbox>) -> Result<Sender> {
    Sender::start(outbox, settings(config, "sender"))
}

/// Redis or Valkey; connects when it is first used.
pub(super) fn stock(config: &Config) -> Result<Arc<dyn Stock>> {
    Ok(Arc::new(Redis::open(&config.redis_url, config.redis_password.fetch()?.as_deref())?))
}

/// Whom a status asks about the topic and its group.
pub(super) fn asker(config: &Config) -> Asker {
    Asker::new(settings(config, "status"))
}

/// Every partition's log, of a topic that may just have been made.
pub(crate) async fn bounds_when_ready(config: &Config) -> Result<HashMap<SourceIdentity, Bounds>> {
    kafka::bounds_when_ready(&settings(config, "init")).await
}

/// Makes the topic if it is missing; says what it did.
pub(crate) async fn ensure_topic(config: &Config) -> Result<String> {
    kafka::ensure_topic(&settings(config, "init"), config.partitions, config.replication_factor).await
}

/// Kafka tried step by step.
pub(crate) async fn probe(config: &Config) -> Vec<Finding> {
    kafka::probe(&settings(config, "check")).await
}
