//! How to reach Kafka, and what its client's failures mean in the engine's words. What exactly-once rests on is set
//! after the user's own properties and cannot be overridden by them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use domain::error::{Code, Error};
use domain::words;
use domain::words::Words;

/// How long one question to the servers may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Everything needed to take part.
#[derive(Debug, Clone)]
pub struct KafkaSettings {
    /// `host:port,host:port`.
    pub bootstrap_servers: String,
    /// The topic of entries.
    pub topic: String,
    /// The consumer group.
    pub group_id: String,
    /// Static member id: host and data folder, so that a restart costs no rebalance. Two living processes with the
    /// same one throw each other out. Characters that Kafka refuses are replaced.
    pub instance_id: String,
    /// librdkafka's own properties (security.protocol, sasl.…, ssl.…), passed on as they are.
    pub properties: Vec<(String, String)>,
}

impl KafkaSettings {
    fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "twinstock")
            .set("topic.metadata.refresh.interval.ms", "10000")
            .set("reconnect.backoff.max.ms", "2000")
            .set("socket.keepalive.enable", "true")
            .set("socket.nagle.disable", "true");
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config
    }

    fn reading(&self) -> ClientConfig {
        let mut config = self.base();
        config
            .set("group.id", &self.group_id)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "error")
            // For readers in no group too: the client refuses a max.poll.interval.ms of the user's below it.
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "1500")
            .set("enable.partition.eof", "true");
        config
    }

    /// A member of the group.
    pub(super) fn member(&self) -> ClientConfig {
        let mut config = self.reading();
        config
            .set("partition.assignment.strategy", "range")
            .set("group.instance.id", legal(&self.instance_id))
            .set("queued.max.messages.kbytes", "8192")
            .set("queued.min.messages", "10000")
            // Compressed bytes of all partitions in one answer: unpacked they are several times as many, beyond any limit of
            // the queue. One answer still holds some twenty thousand entries.
            .set("fetch.max.bytes", "2097152")
            // A partition whose local queue is full asks again at once when there is room, not a second later.
            .set("fetch.queue.backoff.ms", "10");
        config
    }

    /// A reader of its own, in no group.
    pub(super) fn aside(&self) -> ClientConfig {
        self.reading()
    }

    /// A reader of the whole log, in no group, that holds little of it at a time.
    pub(super) fn past(&self) -> ClientConfig {
        let mut config = self.reading();
        config.set("queued.max.messages.kbytes", "16384").set("fetch.queue.backoff.ms", "10");
        config
    }

    /// The producer of the outbox.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.base();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            // An entry waits as long as the network is away; it is never given up.
            .set("message.timeout.ms", "0");
        config
    }

    /// A client that only administers.
    pub(super) fn admin(&self) -> ClientConfig {
        self.base()
    }
}

/// Kafka's names know letters, digits, `.`, `_` and `-`.
fn legal(text: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let tail: Vec<char> = text.chars().map(kept).collect();
    // The end of a path tells more than its beginning.
    tail[tail.len().saturating_sub(200)..].iter().collect()
}

/// Listens to one client (its clones hear the same): keeps the last thing it complained of, and its log.
#[derive(Debug, Clone, Default)]
pub(super) struct Ears {
    complaint: Arc<Mutex<Option<Complaint>>>,
}

/// The client's own code and words, and ours with them.
type Complaint = (Option<RDKafkaErrorCode>, Words, Error);

impl Ears {
    /// The last complaint since the last `forget`.
    pub(super) fn complaint(&self) -> Option<Error> {
        self.complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|(.., error)| error.clone())
    }

    /// The client's own code of the last complaint.
    pub(super) fn code(&self) -> Option<RDKafkaErrorCode> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|(code, ..)| *code)
    }

    /// The client's own words of the last complaint, without a cure.
    pub(super) fn heard(&self) -> Option<Words> {
        self.complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|(_, words, _)| words.clone())
    }

    /// All is well again.
    pub(super) fn forget(&self) {
        *self.complaint.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// `error`, in the words of the complaint behind it where there is one: "timed out" alone helps nobody.
    pub(super) fn explain(&self, error: Error) -> Error {
        match self.complaint() {
            Some(complaint) if matches!(error.code, Code::Unreachable | Code::Internal) => complaint,
            _ => error,
        }
    }

    pub(super) fn hear(&self, error: &KafkaError, reason: &str) {
        let words = words!("kafka_heard", "Kafka: {reason}", reason);
        let heard = worded(code_of(error), Words::plain(reason));
        let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        // "All brokers are down" follows the reason why; the reason stays.
        let vague = code_of(error) == Some(RDKafkaErrorCode::AllBrokersDown);
        if !(vague && complaint.is_some()) {
            *complaint = Some((code_of(error), words, heard));
        }
    }
}

impl ClientContext for Ears {
    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.hear(&error, reason);
    }
}

/// The client's log is for those who look for it: what matters is told as an error of ours.
pub(super) fn log(level: RDKafkaLogLevel, fac: &str, message: &str) {
    tracing::debug!(target: "librdkafka", ?level, fac, "{message}");
}

fn code_of(error: &KafkaError) -> Option<RDKafkaErrorCode> {
    error.rdkafka_error_code()
}

/// A failure of the client while doing `what` ("read the topic").
pub(super) fn kafka_error(what: Words, error: &KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, words, name, value) => Error::new(
            Code::Config,
            words!(
                "kafka_setting_refused",
                "Kafka's client refuses the setting {name} = {value}: {words}. Correct [kafka] {name}.",
                name,
                value,
                words
            ),
        ),
        KafkaError::ClientCreation(words) => Error::new(
            Code::Config,
            words!(
                "kafka_settings_unfit",
                "Kafka's client cannot be made with these settings: {words}. Correct the section [kafka].",
                words
            ),
        ),
        _ => worded(code_of(error), words!("cannot_do", "cannot {what}: {error}", what, error)),
    }
}

/// A code of the client's with its reason.
pub(super) fn worded(code: Option<RDKafkaErrorCode>, reason: Words) -> Error {
    let (kind, cure) = code.and_then(refused).unwrap_or_else(|| match code {
        Some(code) if is_away(code) => (
            Code::Unreachable,
            words!("cure_kafka_reach", "Check that the servers run and that bootstrap_servers names them"),
        ),
        _ => (Code::Internal, words!("cure_kafka_log", "See Kafka's own log")),
    });
    Error::new(kind, words!("kafka_says", "Kafka: {reason}. {cure}.", reason, cure))
}

/// Codes that say what a person must do.
fn refused(code: RDKafkaErrorCode) -> Option<(Code, Words)> {
    use RDKafkaErrorCode as K;
    let found = match code {
        K::Resolve => (
            Code::Unreachable,
            words!("cure_kafka_resolve", "The host name is unknown: check bootstrap_servers and DNS"),
        ),
        K::SSL => (
            Code::Refused,
            words!("cure_kafka_ssl", "TLS failed: check ssl.ca.location and the server's certificate"),
        ),
        K::Authentication | K::SaslAuthenticationFailed => (
            Code::Refused,
            words!(
                "cure_kafka_login",
                "The login failed: check sasl.mechanism, sasl.username and sasl.password"
            ),
        ),
        K::TopicAuthorizationFailed => (
            Code::Refused,
            words!(
                "cure_kafka_topic_rights",
                "The login may not use this topic: grant it READ, WRITE and DESCRIBE"
            ),
        ),
        K::GroupAuthorizationFailed => (
            Code::Refused,
            words!("cure_kafka_group_rights", "The login may not use this consumer group: grant it READ"),
        ),
        K::ClusterAuthorizationFailed | K::TransactionalIdAuthorizationFailed => (
            Code::Refused,
            words!(
                "cure_kafka_cluster_rights",
                "The login lacks a right on the cluster: grant it IDEMPOTENT_WRITE or CREATE"
            ),
        ),
        K::UnknownTopicOrPartition | K::UnknownTopic | K::UnknownPartition => (
            Code::Refused,
            words!(
                "cure_kafka_topic_missing",
                "The topic is missing: run `inv-daemon init` or correct [kafka] topic"
            ),
        ),
        K::FencedInstanceId => (
            Code::Locked,
            words!(
                "cure_kafka_instance",
                "Another process with the same host and data folder has joined the group: give one of them another data_dir"
            ),
        ),
        K::NotImplemented | K::UnsupportedFeature | K::UnsupportedVersion => (
            Code::Refused,
            words!("cure_kafka_old", "The server does not know this request: Kafka 2.4 or newer is needed"),
        ),
        _ => return None,
    };
    Some(found)
}

/// The servers do not answer, or not yet.
fn is_away(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as K;
    matches!(
        code,
        K::BrokerTransportFailure
            | K::AllBrokersDown
            | K::OperationTimedOut
            | K::TimedOutQueue
            | K::RequestTimedOut
            | K::MessageTimedOut
            | K::NetworkException
            | K::LeaderNotAvailable
            | K::NotLeaderForPartition
            | K::BrokerNotAvailable
            | K::CoordinatorNotAvailable
            | K::NotEnoughReplicas
            | K::NotEnoughReplicasAfterAppend
            | K::WaitingForCoordinator
    )
}
