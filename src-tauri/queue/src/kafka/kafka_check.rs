//! Kafka tried step by step: names and sockets, its own language, the login, the topic with its brokers, our rights on
//! topic and group, and the topic's settings. Changes nothing and joins no group.

mod topic;

use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode as K;
use rdkafka::producer::{BaseProducer, Producer};
use tokio::net::TcpStream;

use super::native::{self, Described};
use super::raw::{Entrance, Speaker, entrance, speaker};
use super::settings::{Ears, KafkaSettings, PATIENCE, kafka_error};
use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;
use probe::{Finding, Step, Stopped, Trail, reach};

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
    let client: BaseProducer<Ears> = client.map_err(|error| {
        trail.stop(Step::Address, kafka_error(words!("do_make_client", "make a client"), &error))
    })?;
    let places = places(&settings.bootstrap_servers).map_err(|error| trail.stop(Step::Address, error))?;
    let words = words!(
        "servers_protocol",
        "{servers}, security.protocol {protocol}",
        servers = settings.bootstrap_servers,
        protocol = security.protocol
    );
    trail.fine(Step::Address, words);
    let open = reach(trail, &places).await?;
    if !security.tls {
        door(trail, security, open).await?;
    }
    let (client, described) = describe(trail, settings, security, client).await?;
    topic::brokers(trail, &places, &described).await;
    let group = settings.group_id.clone();
    let asked = tokio::task::spawn_blocking(move || {
        let asked = native::describe_group(client.client(), &group, PATIENCE);
        client.poll(Duration::ZERO);
        asked.map_err(|error| client.client().context().explain(error))
    });
    topic::rights(trail, settings, described.rights, asked.await);
    topic::policy(trail, settings).await;
    Ok(())
}

/// `host:port,host:port`; without a port it is Kafka's usual one, and a listener's name in front is left out.
fn places(servers: &str) -> Result<Vec<(String, u16)>> {
    let wrong = |one: &str| {
        let words = words!(
            "servers_wrong",
            "{one} in [kafka] bootstrap_servers is no host:port. Write host:port,host:port.",
            one = format!("{one:?}")
        );
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
        let cure = words!("cure_servers_port", "Correct the port in bootstrap_servers");
        match speaker(&mut socket).await {
            Speaker::Kafka => {
                trail.fine(Step::Protocol, words!("speaks_kafka_at", "{place} speaks Kafka", place));
                inside = Some((place, entrance(&mut socket).await));
            }
            Speaker::Tls => trail.fault(
                Step::Protocol,
                Code::Config,
                words!(
                    "speaks_tls_but",
                    "{place} speaks TLS, and security.protocol is {protocol}",
                    place,
                    protocol = security.protocol
                ),
                words!("cure_ssl", "Set security.protocol = SSL or SASL_SSL in [kafka]"),
            ),
            Speaker::Other(says) => trail.fault(
                Step::Protocol,
                Code::Config,
                words!("not_kafka", "{place} does not speak Kafka: {says}", place, says),
                cure,
            ),
        }
    }
    let (place, wants) = inside.ok_or(Stopped)?;
    let refused = |cause: Words, cure: Words| {
        Error::new(Code::Refused, words!("cause_cure", "{cause}. {cure}.", cause, cure))
    };
    let error = match wants {
        Entrance::Login(offered) if !security.sasl => refused(
            words!(
                "wants_login",
                "{place} wants a login ({offered}), and security.protocol is {protocol}",
                place,
                offered = offered.join(", "),
                protocol = security.protocol
            ),
            words!(
                "cure_sasl",
                "Set security.protocol = SASL_PLAINTEXT with sasl.mechanism, sasl.username and sasl.password"
            ),
        ),
        Entrance::Login(offered) if !offered.contains(&security.mechanism) => refused(
            words!(
                "mechanism_not_offered",
                "{place} offers the mechanisms {offered}, not {mechanism}",
                place,
                offered = offered.join(", "),
                mechanism = security.mechanism
            ),
            words!("cure_mechanism", "Set sasl.mechanism in [kafka] to one of them"),
        ),
        Entrance::Open if security.sasl => refused(
            words!(
                "knows_no_login",
                "{place} knows no login, and security.protocol is {protocol}",
                place,
                protocol = security.protocol
            ),
            words!("cure_plaintext", "Set security.protocol = PLAINTEXT, or name the port that wants logins"),
        ),
        _ => return Ok(()),
    };
    Err(trail.stop(Step::Login, error))
}

fn ended(err: &tokio::task::JoinError) -> Error {
    Error::new(Code::Internal, words!("kafka_question_ended", "a question to Kafka ended: {err}", err))
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
    let (client, asked) = asked.await.map_err(|err| trail.stop(Step::Login, ended(&err)))?;
    let ears = client.client().context().clone();
    let encrypted = |trail: &mut Trail| {
        if security.tls {
            trail.fine(Step::Tls, words!("tls_trusted", "encrypted, and the certificate is trusted"));
            trail.fine(Step::Protocol, words!("speaks_kafka", "speaks Kafka"));
        }
    };
    let let_in = |trail: &mut Trail| {
        encrypted(trail);
        let words = match security.sasl {
            true => words!("logged_in_by", "logged in by {mechanism}", mechanism = security.mechanism),
            false => words!("no_login_asked", "no login is asked for"),
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
            let name = format!("{:?}", settings.topic);
            let cause = words!("no_topic", "Kafka has no topic {topic}", topic = name);
            let cure = words!("cure_init_topic", "Run `inv-daemon init`, or correct [kafka] topic");
            trail.fault(Step::Topic, Code::Refused, cause, cure);
            Err(Stopped)
        }
        Err(error) => match ears.code() {
            // Sockets were open: what breaks off under encryption is the encryption.
            complaint if security.tls && !matches!(complaint, None | Some(K::Authentication)) => {
                let cause = ears.heard().unwrap_or_else(|| ears.explain(error).message);
                let cure = words!(
                    "cure_kafka_tls",
                    "Check security.protocol, ssl.ca.location and the server's certificate"
                );
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
