//! How to reach Kafka, and what its client's failures mean in the engine's words. What exactly-once rests on is set
//! after the user's own properties and cannot be overridden by them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::error::{Code, Error};

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

/// The client's own code, and ours with its words.
type Complaint = (Option<RDKafkaErrorCode>, Error);

impl Ears {
    /// The last complaint since the last `forget`.
    pub(super) fn complaint(&self) -> Option<Error> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, error)| error.clone())
    }

    /// The client's own code of the last complaint.
    pub(super) fn code(&self) -> Option<RDKafkaErrorCode> {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|(code, _)| *code)
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
        let heard = worded(code_of(error), reason);
        let mut complaint = self.complaint.lock().unwrap_or_else(PoisonError::into_inner);
        // "All brokers are down" follows the reason why; the reason stays.
        let vague = code_of(error) == Some(RDKafkaErrorCode::AllBrokersDown);
        if !(vague && complaint.is_some()) {
            *complaint = Some((code_of(error), heard));
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
pub(super) fn kafka_error(what: &str, error: &KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, words, name, value) => Error::new(
            Code::Config,
            format!("Kafka's client refuses the setting {name} = {value}: {words}. Correct [kafka] {name}."),
        ),
        KafkaError::ClientCreation(words) => Error::new(
            Code::Config,
            format!(
                "Kafka's client cannot be made with these settings: {words}. Correct the section [kafka]."
            ),
        ),
        _ => worded(code_of(error), &format!("cannot {what}: {error}")),
    }
}

/// A code of the client's with its reason.
pub(super) fn worded(code: Option<RDKafkaErrorCode>, reason: &str) -> Error {
    use RDKafkaErrorCode as K;
    let (kind, cure) = match code {
        Some(K::Resolve) => (Code::Unreachable, "The host name is unknown: check bootstrap_servers and DNS"),
        Some(K::SSL) => (Code::Refused, "TLS failed: check ssl.ca.location and the server's certificate"),
        Some(K::Authentication | K::SaslAuthenticationFailed) => {
            (Code::Refused, "The login failed: check sasl.mechanism, sasl.username and sasl.password")
        }
        Some(K::TopicAuthorizationFailed) => {
            (Code::Refused, "The login may not use this topic: grant it READ, WRITE and DESCRIBE")
        }
        Some(K::GroupAuthorizationFailed) => {
            (Code::Refused, "The login may not use this consumer group: grant it READ")
        }
        Some(K::ClusterAuthorizationFailed | K::TransactionalIdAuthorizationFailed) => {
            (Code::Refused, "The login lacks a right on the cluster: grant it IDEMPOTENT_WRITE or CREATE")
        }
        Some(K::UnknownTopicOrPartition | K::UnknownTopic | K::UnknownPartition) => {
            (Code::Refused, "The topic is missing: run `inv-daemon init` or correct [kafka] topic")
        }
        Some(K::FencedInstanceId) => (
            Code::Locked,
            "Another process with the same host and data folder has joined the group: give one of them another data_dir",
        ),
        Some(K::NotImplemented | K::UnsupportedFeature | K::UnsupportedVersion) => {
            (Code::Refused, "The server does not know this request: Kafka 2.4 or newer is needed")
        }
        Some(
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
            | K::WaitingForCoordinator,
        ) => (Code::Unreachable, "Check that the servers run and that bootstrap_servers names them"),
        _ => (Code::Internal, "See Kafka's own log"),
    };
    Error::new(kind, format!("Kafka: {reason}. {cure}."))
}
