//! What a probe says of the topic itself: its partitions' leaders and the addresses that they give, our rights on topic
//! and group, and settings that would lose entries.

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode as K;

use super::super::native::{Described, Rights};
use super::super::settings::{Ears, KafkaSettings, PATIENCE, kafka_error, worded};
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;
use probe::{Step, Trail, connect};

/// Every partition's leader, and whether the address that it gives of itself leads to it from here.
pub(super) async fn brokers(trail: &mut Trail, known: &[(String, u16)], described: &Described) {
    let lost: Vec<String> = described
        .partitions
        .iter()
        .zip(&described.leaders)
        .filter(|(_, leader)| leader.is_none())
        .map(|(partition, _)| partition.to_string())
        .collect();
    let count = described.partitions.len();
    match lost.as_slice() {
        [] => trail
            .fine(Step::Topic, words!("partitions_led", "has {count} partitions, each with a leader", count)),
        _ => trail.fault(
            Step::Topic,
            Code::Unreachable,
            words!(
                "partitions_unled",
                "partitions without a leader: {partitions}",
                partitions = lost.join(", ")
            ),
            words!("cure_start_brokers", "Start the brokers that hold them"),
        ),
    }
    let mut leaders: Vec<&(String, u16)> = described.leaders.iter().flatten().collect();
    leaders.sort();
    leaders.dedup();
    for (host, port) in &leaders {
        if known.contains(&(host.clone(), *port)) {
            continue;
        }
        if let Err(away) = connect(host, *port).await {
            trail.fault(
                Step::Brokers,
                Code::Unreachable,
                words!(
                    "broker_unreached",
                    "A broker calls itself {host}:{port}. {cause}",
                    host,
                    port,
                    cause = away.cause
                ),
                words!(
                    "cure_listeners",
                    "Correct advertised.listeners of that broker, or make its address reachable from here"
                ),
            );
        }
    }
    if trail.is_sound(Step::Brokers) {
        let shown: Vec<String> = leaders.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        trail.fine(
            Step::Brokers,
            words!("leaders_are", "the leaders call themselves {leaders}", leaders = shown.join(", ")),
        );
    }
}

pub(super) fn rights(
    trail: &mut Trail,
    settings: &KafkaSettings,
    topic: Option<Rights>,
    group: std::result::Result<Result<Option<Rights>>, tokio::task::JoinError>,
) {
    let (name, group_name) = (&settings.topic, &settings.group_id);
    let mut lacks = |right: &str, what: Words| {
        let cause = words!("login_may_not", "The login may not {right} {what}", right, what);
        trail.fault(
            Step::Grant,
            Code::Refused,
            cause,
            words!("cure_grant", "Grant it {right} on {what} (kafka-acls)", right, what),
        );
    };
    if let Some(topic) = topic {
        for (given, right) in [(topic.read, "READ"), (topic.write, "WRITE")] {
            if !given {
                lacks(right, words!("the_topic", "topic {name}", name));
            }
        }
    }
    match group {
        Ok(Ok(Some(group))) if !group.read => {
            lacks("READ", words!("the_group", "group {group_name}", group_name))
        }
        Ok(Ok(_)) => {}
        Ok(Err(error)) => trail.error(Step::Grant, error),
        Err(ended) => trail.error(Step::Grant, Error::new(Code::Internal, Words::plain(ended))),
    }
    if trail.is_sound(Step::Grant) {
        let words = match topic {
            Some(_) => words!(
                "may_use_topic",
                "may read and write topic {name}, and consume as group {group_name}",
                name,
                group_name
            ),
            None => words!(
                "rights_untold",
                "the brokers do not tell what this login may do (Kafka 2.3 and newer do)"
            ),
        };
        trail.fine(Step::Grant, words);
    }
}

/// Settings of the topic that would lose entries.
pub(super) async fn policy(trail: &mut Trail, settings: &KafkaSettings) {
    let topic = &settings.topic;
    let asked = async {
        let admin = AdminClient::from_config_and_context(&settings.admin(), Ears::default());
        let admin: AdminClient<Ears> =
            admin.map_err(|error| kafka_error(words!("do_make_client", "make a client"), &error))?;
        let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        let asked = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await;
        let asked = asked
            .map_err(|error| kafka_error(words!("do_read_settings", "read the topic's settings"), &error))?;
        let config = asked.into_iter().next();
        let config = config.ok_or_else(|| {
            Error::new(
                Code::Internal,
                words!("topic_settings_untold", "Kafka told no settings of the topic."),
            )
        })?;
        config.map_err(|code| match code {
            K::TopicAuthorizationFailed => Error::new(
                Code::Refused,
                words!(
                    "topic_settings_refused",
                    "The login may not read the settings of topic {topic}. Grant it DESCRIBE_CONFIGS on it.",
                    topic
                ),
            ),
            _ => worded(
                Some(code),
                words!(
                    "topic_settings_unread",
                    "cannot read the settings of topic {topic}: {code}",
                    topic,
                    code
                ),
            ),
        })
    };
    let config = match asked.await {
        Ok(config) => config,
        Err(error) => return trail.error(Step::Policy, error),
    };
    let value = |name: &str| config.get(name).and_then(|entry| entry.value.clone()).unwrap_or_default();
    if value("cleanup.policy").contains("compact") {
        return trail.fault(
            Step::Policy,
            Code::Refused,
            words!(
                "topic_compacted",
                "topic {topic} is compacted: Kafka throws away all but the newest entry of a key",
                topic
            ),
            words!(
                "cure_cleanup_policy",
                "set cleanup.policy=delete on topic {topic} before anything is sent, or name another topic",
                topic
            ),
        );
    }
    let kept = match value("retention.ms").parse::<i64>() {
        Ok(ms) if ms >= 0 => {
            words!("kept_hours", "entries are kept for {hours} hours", hours = ms / 3_600_000)
        }
        _ => words!("kept_for_ever", "entries are kept for ever"),
    };
    trail.fine(Step::Policy, words!("not_compacted", "not compacted; {kept}", kept));
}
