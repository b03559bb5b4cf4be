//! Kafka tried step by step: names and sockets, its own language, the login, the topic with its brokers, our rights on
//! topic and group, and the topic's settings. Changes nothing and joins no group.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode as K;
use rdkafka::producer::{BaseProducer, Producer};
use tokio::net::TcpStream;

use super::native::{self, Described, Rights};
use super::raw::{Entrance, Speaker, entrance, speaker};
use super::settings::{Ears, KafkaSettings, PATIENCE, kafka_error, worded};
use crate::error::{Code, Error, Result};
use crate::probe::{Finding, Step, Stopped, Trail, connect, reach};

/// What the properties ask for.
struct Security {
    tls: bool,
    sasl: bool,
    /// As written, or the client's default.
    protocol: String,
    mechanism: String,
}

impl Security {
    fn of(settings: &KafkaSettings) -> Security {
        let value = |names: &[&str], usual: &str| {
            let set = settings.properties.iter().rev().find(|(name, _)| names.contains(&name.as_str()));
            set.map_or(usual, |(_, value)| value.as_str()).to_owned()
        };
        let protocol = value(&["security.protocol"], "plaintext").to_lowercase();
        let mechanism = value(&["sasl.mechanism", "sasl.mechanisms"], "GSSAPI");
        let (sasl, tls) = (protocol.starts_with("sasl"), protocol.ends_with("ssl"));
        Security { tls, sasl, protocol, mechanism }
    }
}

/// Walks all steps.
pub async fn probe(settings: &KafkaSettings) -> Vec<Finding> {
    use Step::{Address, Brokers, Dns, Grant, Login, Policy, Protocol, Tcp, Tls, Topic};
    let security = Security::of(settings);
    let mut plan = vec![Address, Dns, Tcp, Protocol, Login, Topic, Brokers, Grant, Policy];
    if security.tls {
        plan.insert(3, Tls);
    }
    let mut trail = Trail::new("queue", &plan);
    // Where it stopped, and why, stands in the trail.
    let _stopped = walk(settings, &security, &mut trail).await;
    trail.end()
}

async fn walk(settings: &KafkaSettings, security: &Security, trail: &mut Trail) -> Result<(), Stopped> {
    let client = settings.admin().create_with_context(Ears::default());
    let client: BaseProducer<Ears> =
        client.map_err(|error| trail.stop(Step::Address, kafka_error("make a client", &error)))?;
    let places = places(&settings.bootstrap_servers).map_err(|error| trail.stop(Step::Address, error))?;
    let words = format!("{}, security.protocol {}", settings.bootstrap_servers, security.protocol);
    trail.fine(Step::Address, words);
    let open = reach(trail, &places).await?;
    if !security.tls {
        door(trail, security, open).await?;
    }
    let (client, described) = describe(trail, settings, security, client).await?;
    brokers(trail, &places, &described).await;
    let group = settings.group_id.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let asked = native::describe_group(client.client(), &group, PATIENCE);
        client.poll(Duration::ZERO);
        asked.map_err(|error| client.client().context().explain(error))
    });
    rights(trail, settings, described.rights, asked.await);
    policy(trail, settings).await;
    Ok(())
}

/// `host:port,host:port`; without a port it is Kafka's usual one, and a listener's name in front is left out.
fn places(servers: &str) -> Result<Vec<(String, u16)>> {
    let wrong = |one: &str| {
        let words =
            format!("{one:?} in [kafka] bootstrap_servers is no host:port. Write host:port,host:port.");
        Error::new(Code::Config, words)
    };
    let place = |one: &str| {
        let bare = one.split_once("://").map_or(one, |(_, rest)| rest);
        let (host, port) = match bare.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.starts_with('[') => (host, port),
            _ => (bare, "9092"),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().map_err(|_| wrong(one))?;
        if host.is_empty() { Err(wrong(one)) } else { Ok((host.to_owned(), port)) }
    };
    servers.split(',').map(str::trim).map(place).collect()
}

/// Plain sockets are asked by hand who is behind them and how they want us to log in.
async fn door(trail: &mut Trail, security: &Security, open: Vec<(String, TcpStream)>) -> Result<(), Stopped> {
    let mut inside = None;
    for (place, mut socket) in open {
        let cure = "Correct the port in bootstrap_servers";
        match speaker(&mut socket).await {
            Speaker::Kafka => {
                trail.fine(Step::Protocol, format!("{place} speaks Kafka"));
                inside = Some((place, entrance(&mut socket).await));
            }
            Speaker::Tls => trail.fault(
                Step::Protocol,
                Code::Config,
                format!("{place} speaks TLS, and security.protocol is {}", security.protocol),
                "Set security.protocol = SSL or SASL_SSL in [kafka]",
            ),
            Speaker::Other(says) => trail.fault(
                Step::Protocol,
                Code::Config,
                format!("{place} does not speak Kafka: {says}"),
                cure,
            ),
        }
    }
    let (place, wants) = inside.ok_or(Stopped)?;
    let refused = |cause: String, cure: &str| Error::new(Code::Refused, format!("{cause}. {cure}."));
    let error = match wants {
        Entrance::Login(offered) if !security.sasl => refused(
            format!(
                "{place} wants a login ({}), and security.protocol is {}",
                offered.join(", "),
                security.protocol
            ),
            "Set security.protocol = SASL_PLAINTEXT with sasl.mechanism, sasl.username and sasl.password",
        ),
        Entrance::Login(offered) if !offered.contains(&security.mechanism) => refused(
            format!("{place} offers the mechanisms {}, not {}", offered.join(", "), security.mechanism),
            "Set sasl.mechanism in [kafka] to one of them",
        ),
        Entrance::Open if security.sasl => refused(
            format!("{place} knows no login, and security.protocol is {}", security.protocol),
            "Set security.protocol = PLAINTEXT, or name the port that wants logins",
        ),
        _ => return Ok(()),
    };
    Err(trail.stop(Step::Login, error))
}

/// The first question that needs a login: who is the topic?
async fn describe(
    trail: &mut Trail,
    settings: &KafkaSettings,
    security: &Security,
    client: BaseProducer<Ears>,
) -> Result<(BaseProducer<Ears>, Described), Stopped> {
    let topic = settings.topic.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let asked = native::describe_topic(client.client(), &topic, PATIENCE, true);
        client.poll(Duration::from_millis(1));
        (client, asked)
    });
    let ended = |error| Error::new(Code::Internal, format!("a question to Kafka ended: {error}"));
    let (client, asked) = asked.await.map_err(|error| trail.stop(Step::Login, ended(error)))?;
    let ears = client.client().context().clone();
    let encrypted = |trail: &mut Trail| {
        if security.tls {
            trail.fine(Step::Tls, "encrypted, and the certificate is trusted");
            trail.fine(Step::Protocol, "speaks Kafka");
        }
    };
    let let_in = |trail: &mut Trail| {
        encrypted(trail);
        let words = match security.sasl {
            true => format!("logged in by {}", security.mechanism),
            false => "no login is asked for".to_owned(),
        };
        trail.fine(Step::Login, words);
    };
    match asked {
        Ok(Some(described)) => {
            let_in(trail);
            Ok((client, described))
        }
        Ok(None) => {
            let_in(trail);
            let cause = format!("Kafka has no topic {:?}", settings.topic);
            trail.fault(Step::Topic, Code::Refused, cause, "Run `inv-daemon init`, or correct [kafka] topic");
            Err(Stopped)
        }
        Err(error) => match ears.code() {
            // Sockets were open: what breaks off under encryption is the encryption.
            complaint if security.tls && !matches!(complaint, None | Some(K::Authentication)) => {
                let cause = ears.explain(error).message;
                let cause = cause.rsplit_once(". ").map_or(cause.as_str(), |(cause, _)| cause).to_owned();
                let cure = "Check security.protocol, ssl.ca.location and the server's certificate";
                trail.fault(Step::Tls, Code::Refused, cause, cure);
                Err(Stopped)
            }
            Some(K::Authentication | K::SaslAuthenticationFailed) => {
                encrypted(trail);
                Err(trail.stop(Step::Login, ears.complaint().unwrap_or(error)))
            }
            _ if error.code == Code::Unreachable => Err(trail.stop(Step::Login, ears.explain(error))),
            // It was answered, and so we are in.
            _ => {
                let_in(trail);
                let step = if error.code == Code::Refused { Step::Grant } else { Step::Topic };
                Err(trail.stop(step, error))
            }
        },
    }
}

/// Every partition's leader, and whether the address that it gives of itself leads to it from here.
async fn brokers(trail: &mut Trail, known: &[(String, u16)], described: &Described) {
    let lost: Vec<String> = described
        .partitions
        .iter()
        .zip(&described.leaders)
        .filter(|(_, leader)| leader.is_none())
        .map(|(partition, _)| partition.to_string())
        .collect();
    let count = described.partitions.len();
    match lost.as_slice() {
        [] => trail.fine(Step::Topic, format!("has {count} partitions, each with a leader")),
        _ => trail.fault(
            Step::Topic,
            Code::Unreachable,
            format!("partitions without a leader: {}", lost.join(", ")),
            "Start the brokers that hold them",
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
                format!("A broker calls itself {host}:{port}. {}", away.cause),
                "Correct advertised.listeners of that broker, or make its address reachable from here",
            );
        }
    }
    if trail.is_sound(Step::Brokers) {
        let shown: Vec<String> = leaders.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        trail.fine(Step::Brokers, format!("the leaders call themselves {}", shown.join(", ")));
    }
}

fn rights(
    trail: &mut Trail,
    settings: &KafkaSettings,
    topic: Option<Rights>,
    group: std::result::Result<Result<Option<Rights>>, tokio::task::JoinError>,
) {
    let (name, group_name) = (&settings.topic, &settings.group_id);
    let mut lacks = |right: &str, what: String| {
        let cause = format!("The login may not {right} {what}");
        trail.fault(Step::Grant, Code::Refused, cause, format!("Grant it {right} on {what} (kafka-acls)"));
    };
    if let Some(topic) = topic {
        for (given, right) in [(topic.read, "READ"), (topic.write, "WRITE")] {
            if !given {
                lacks(right, format!("topic {name}"));
            }
        }
    }
    match group {
        Ok(Ok(Some(group))) if !group.read => lacks("READ", format!("group {group_name}")),
        Ok(Ok(_)) => {}
        Ok(Err(error)) => trail.error(Step::Grant, error),
        Err(ended) => trail.error(Step::Grant, Error::new(Code::Internal, ended)),
    }
    if trail.is_sound(Step::Grant) {
        let words = match topic {
            Some(_) => format!("may read and write topic {name}, and consume as group {group_name}"),
            None => "the brokers do not tell what this login may do (Kafka 2.3 and newer do)".to_owned(),
        };
        trail.fine(Step::Grant, words);
    }
}

/// Settings of the topic that would lose entries.
async fn policy(trail: &mut Trail, settings: &KafkaSettings) {
    let topic = &settings.topic;
    let asked = async {
        let admin = AdminClient::from_config_and_context(&settings.admin(), Ears::default());
        let admin: AdminClient<Ears> = admin.map_err(|error| kafka_error("make a client", &error))?;
        let options = AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        let asked = admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options).await;
        let asked = asked.map_err(|error| kafka_error("read the topic's settings", &error))?;
        let config = asked.into_iter().next();
        let config =
            config.ok_or_else(|| Error::new(Code::Internal, "Kafka told no settings of the topic."))?;
        config.map_err(|code| match code {
            K::TopicAuthorizationFailed => Error::new(
                Code::Refused,
                format!(
                    "The login may not read the settings of topic {topic}. Grant it DESCRIBE_CONFIGS on it."
                ),
            ),
            _ => worded(Some(code), &format!("cannot read the settings of topic {topic}: {code}")),
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
            format!("topic {topic} is compacted: Kafka throws away all but the newest entry of a key"),
            format!(
                "set cleanup.policy=delete on topic {topic} before anything is sent, or name another topic"
            ),
        );
    }
    let kept = match value("retention.ms").parse::<i64>() {
        Ok(ms) if ms >= 0 => format!("entries are kept for {} hours", ms / 3_600_000),
        _ => "entries are kept for ever".to_owned(),
    };
    trail.fine(Step::Policy, format!("not compacted; {kept}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_servers_are_read_as_the_client_does() {
        let read = |text: &str| places(text).map_err(|error| error.message);
        let one = |host: &str, port| (host.to_owned(), port);
        assert_eq!(read("a:1, SASL_SSL://b:2,c").unwrap(), [one("a", 1), one("b", 2), one("c", 9092)]);
        assert_eq!(read("[::1]:9093,::1").unwrap(), [one("::1", 9093), one("::1", 9092)]);
        assert!(read("a:x").unwrap_err().contains("bootstrap_servers"));
        assert!(read("").is_err());
    }

    #[test]
    fn the_properties_decide_what_is_tried() {
        let of = |properties: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let settings = KafkaSettings {
                bootstrap_servers: "a:1".into(),
                topic: "t".into(),
                group_id: "g".into(),
                instance_id: "i".into(),
                properties: properties.iter().map(owned).collect(),
            };
            Security::of(&settings)
        };
        let plain = of(&[]);
        assert_eq!((plain.tls, plain.sasl, plain.protocol.as_str()), (false, false, "plaintext"));
        let both = of(&[("security.protocol", "SASL_SSL"), ("sasl.mechanisms", "PLAIN")]);
        assert_eq!((both.tls, both.sasl, both.mechanism.as_str()), (true, true, "PLAIN"));
        assert!(!of(&[("security.protocol", "sasl_plaintext")]).tls);
    }
}
