//! The two questions of Kafka's protocol that are allowed before any login, asked by hand: do you speak Kafka, and
//! how must I log in? The client library tells neither: a broken handshake is "disconnected" to it, whatever the reason.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use domain::words;
use domain::words::Words;
use probe::PATIENCE;

/// Kafka's numbers of the two requests.
const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
/// No broker sends a longer answer to these; more is another protocol.
const LONGEST: usize = 1 << 20;
/// "Not in this state": the listener wants no login.
const ILLEGAL_SASL_STATE: i16 = 34;

/// Who answers at a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Speaker {
    /// Kafka.
    Kafka,
    /// TLS, where a plain connection was made.
    Tls,
    /// Something else, in words.
    Other(Words),
}

/// What a listener wants of those who come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entrance {
    /// Nothing: everybody is let in.
    Open,
    /// A login by one of these mechanisms.
    Login(Vec<String>),
    /// It did not say.
    Unknown,
}

/// Asks a plain socket whether Kafka is behind it.
pub(super) async fn speaker(socket: &mut TcpStream) -> Speaker {
    let request = frame(API_VERSIONS, 0, 1, &[]);
    let silent = || {
        Speaker::Other(words!(
            "says_nothing_within",
            "it says nothing within {seconds} s",
            seconds = PATIENCE.as_secs()
        ))
    };
    let asked = timeout(PATIENCE, ask(socket, &request)).await;
    match asked {
        Err(_) => silent(),
        Ok(Err(error)) => {
            Speaker::Other(words!("ends_connection", "it ends the connection ({error})", error))
        }
        Ok(Ok(Heard::Frame(body))) if body.get(..4) == Some(&1_i32.to_be_bytes()) => Speaker::Kafka,
        Ok(Ok(Heard::Frame(_))) => {
            Speaker::Other(words!("answer_is_none", "its answer is none to what was asked"))
        }
        // A TLS alert: kind 21, version 3.x.
        Ok(Ok(Heard::Noise([21, 3, ..]))) => Speaker::Tls,
        Ok(Ok(Heard::Noise(bytes))) => Speaker::Other(it_says(&String::from_utf8_lossy(&bytes))),
    }
}

fn it_says(text: &str) -> Words {
    words!("it_says", "it says {text}", text = format!("{text:?}"))
}

/// Asks Kafka how to log in. The mechanism asked for exists nowhere: the refusal lists those that do.
pub(super) async fn entrance(socket: &mut TcpStream) -> Entrance {
    let request = frame(SASL_HANDSHAKE, 1, 2, &text("NONE-JUST-ASKING"));
    let Ok(Ok(Heard::Frame(body))) = timeout(PATIENCE, ask(socket, &request)).await else {
        return Entrance::Unknown;
    };
    understood(&body).unwrap_or(Entrance::Unknown)
}

/// correlation, error, array of texts.
fn understood(body: &[u8]) -> Option<Entrance> {
    let code = i16::from_be_bytes(body.get(4..6)?.try_into().ok()?);
    if code == ILLEGAL_SASL_STATE {
        return Some(Entrance::Open);
    }
    let count = i32::from_be_bytes(body.get(6..10)?.try_into().ok()?);
    let mut rest = body.get(10..)?;
    let mut mechanisms = Vec::new();
    for _ in 0..count {
        let length = usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?));
        mechanisms.push(String::from_utf8_lossy(rest.get(2..2 + length)?).into_owned());
        rest = rest.get(2 + length..)?;
    }
    Some(Entrance::Login(mechanisms))
}

enum Heard {
    /// An answer behind its length.
    Frame(Vec<u8>),
    /// First bytes that are no length of an answer.
    Noise([u8; 4]),
}

async fn ask(socket: &mut TcpStream, request: &[u8]) -> io::Result<Heard> {
    socket.write_all(request).await?;
    let mut head = [0; 4];
    socket.read_exact(&mut head).await?;
    let length = usize::try_from(i32::from_be_bytes(head)).unwrap_or(0);
    if !(4..=LONGEST).contains(&length) {
        return Ok(Heard::Noise(head));
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    Ok(Heard::Frame(body))
}

/// A request with the old header: key, version, correlation, client id.
fn frame(key: i16, version: i16, correlation: i32, body: &[u8]) -> Vec<u8> {
    let mut words = Vec::new();
    words.extend(key.to_be_bytes());
    words.extend(version.to_be_bytes());
    words.extend(correlation.to_be_bytes());
    words.extend(text("twinstock"));
    words.extend(body);
    let length = i32::try_from(words.len()).unwrap_or(i32::MAX);
    [&length.to_be_bytes()[..], &words].concat()
}

fn text(words: &str) -> Vec<u8> {
    let length = i16::try_from(words.len()).unwrap_or(i16::MAX);
    [&length.to_be_bytes()[..], words.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_and_nonsense_is_not() {
        let listed = [&[0, 0, 0, 2, 0, 33, 0, 0, 0, 2][..], &text("PLAIN"), &text("SCRAM-SHA-512")].concat();
        let wanted = vec!["PLAIN".to_owned(), "SCRAM-SHA-512".to_owned()];
        assert_eq!(understood(&listed), Some(Entrance::Login(wanted)));
        assert_eq!(understood(&[0, 0, 0, 2, 0, 34, 0, 0, 0, 0]), Some(Entrance::Open));
        for cut in 0..listed.len() {
            assert_eq!(understood(&listed[..cut]), None, "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn other_protocols_are_told_apart() {
        for (says, wanted) in [
            (&b"\x15\x03\x03\x00\x02\x02\x46"[..], Speaker::Tls),
            (b"-ERR unknown command", Speaker::Other(it_says("-ERR"))),
            (b"HTTP/1.1 400", Speaker::Other(it_says("HTTP"))),
        ] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let served = tokio::spawn(async move {
                let (mut socket, _) = listener.accept().await.unwrap();
                socket.write_all(says).await.unwrap();
                let mut rest = Vec::new();
                socket.read_to_end(&mut rest).await.ok();
            });
            let mut socket = TcpStream::connect(address).await.unwrap();
            assert_eq!(speaker(&mut socket).await, wanted);
            drop(socket);
            served.await.unwrap();
        }
    }
}
