//! Redis or Valkey tried step by step: names and sockets, its own language, encryption, the login, the database's
//! number, every command that the stock sends, and settings that would lose balances. Writes one scratch key without
//! a colon, which expires by itself.

use ::redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Script, ServerErrorKind, Value, cmd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::link::Conn;
use super::link::routed;
use super::{Redis, SCRIPT, health};
use crate::SENTINEL;
use domain::error::Code;
use domain::words;
use domain::words::Words;
use probe::{Finding, PATIENCE, Step, Stopped, Trail, reach};

/// Reads and writes within a script, as the stock's own script does, and answers what may not be done there; the key
/// is gone after half a minute. Redis 6 cannot be asked so: there the call itself is refused by NOPERM.
const SCRATCH: &str = "local lacks = {}
if redis.acl_check_cmd then
  if not redis.acl_check_cmd('GET', KEYS[1]) then lacks[#lacks + 1] = 'GET' end
  if not redis.acl_check_cmd('SET', KEYS[1], '0', 'EX', 30) then lacks[#lacks + 1] = 'SET' end
end
if #lacks == 0 then
  redis.call('GET', KEYS[1])
  redis.call('SET', KEYS[1], '0', 'EX', 30)
end
return lacks";
/// The scratch key; in a cluster with the tag of its node's sentinel behind it.
const SCRATCH_KEY: &str = "TWINSTOCK_PROBE";
/// What a user needs, for the cure.
const NEEDED: &str =
    "~* +evalsha +script|load +get +set +mget +type +scan +incr +info +ping +select +cluster|slots";

impl Redis {
    /// Walks all steps.
    pub(super) async fn walk(&self) -> Vec<Finding> {
        let mut plan = super::STEPS.to_vec();
        if self.link.is_encrypted() {
            plan.insert(3, Step::Tls);
        }
        if self.link.is_cluster() {
            plan.retain(|step| *step != Step::Database);
        }
        let mut trail = Trail::new("stock", &plan);
        // Where it stopped, and why, stands in the trail.
        let _stopped = self.steps(&mut trail).await;
        trail.end()
    }

    async fn steps(&self, trail: &mut Trail) -> Result<(), Stopped> {
        let user = self.link.user();
        trail.fine(
            Step::Address,
            words!("place_as_user", "{place} as user {user}", place = self.link.place, user),
        );
        let places = self.link.sockets();
        if places.is_empty() {
            trail.fine(Step::Dns, words!("socket_here", "a socket on this machine"));
        } else {
            let open = reach(trail, &places).await?;
            if !self.link.is_encrypted() {
                language(trail, open).await?;
            }
        }
        let mut conn = self.enter(trail).await?;
        self.database(trail, &mut conn).await?;
        match health::sentinels(&conn).await {
            Ok(nodes) => {
                for (slot, sentinel) in nodes {
                    let key = sentinel.replace(SENTINEL, SCRATCH_KEY);
                    self.grants(trail, &conn, slot, &key).await;
                }
                if trail.is_sound(Step::Grant) {
                    trail.fine(
                        Step::Grant,
                        words!("may_run_commands", "may run every command that the stock sends"),
                    );
                }
            }
            Err(error) => trail.error(Step::Grant, self.link.words(&error)),
        }
        self.policy(trail, &conn).await;
        Ok(())
    }

    /// Encryption and login, over a connection of its own.
    async fn enter(&self, trail: &mut Trail) -> Result<Conn, Stopped> {
        let tls = self.link.is_encrypted();
        let spoken = |trail: &mut Trail| {
            if tls {
                trail.fine(Step::Tls, words!("tls_trusted", "encrypted, and the certificate is trusted"));
                trail.fine(Step::Protocol, words!("speaks_redis", "speaks Redis"));
            }
        };
        let mut conn = match self.link.dial_to_database_0().await {
            Ok(conn) => conn,
            // The socket was open, and so what breaks off is the encryption.
            Err(error) if tls && error.kind() == ErrorKind::Io => {
                let cause = words!("encryption_fails_with", "The encryption fails: {error}", error);
                let cure = words!(
                    "cure_redis_tls",
                    "Write redis:// if this port is not encrypted, or check the server's certificate"
                );
                trail.fault(Step::Tls, Code::Refused, cause, cure);
                return Err(Stopped);
            }
            Err(error) if error.kind() == ErrorKind::Parse => {
                let cause = words!(
                    "not_redis_error",
                    "{place} does not speak Redis: {error}",
                    place = self.link.place,
                    error
                );
                trail.fault(
                    Step::Protocol,
                    Code::Config,
                    cause,
                    words!("cure_redis_place", "Correct host and port in [redis] url"),
                );
                return Err(Stopped);
            }
            Err(error) => {
                spoken(trail);
                return Err(trail.stop(Step::Login, self.link.words(&error)));
            }
        };
        spoken(trail);
        match cmd("PING").query_async::<Value>(&mut conn).await {
            // Who may not even ask this has logged in all the same.
            Ok(_) => {}
            Err(error) if lacks(&error) => {}
            Err(error) => return Err(trail.stop(Step::Login, self.link.words(&error))),
        }
        trail.fine(Step::Login, words!("logged_in_as", "logged in as {user}", user = self.link.user()));
        Ok(conn)
    }

    async fn database(&self, trail: &mut Trail, conn: &mut Conn) -> Result<(), Stopped> {
        if self.link.is_cluster() {
            return Ok(());
        }
        let number = self.link.database();
        if number != 0
            && let Err(error) = cmd("SELECT").arg(number).query_async::<Value>(conn).await
        {
            let cause = words!(
                "redis_no_database",
                "Redis does not give us its database {number}: {text}",
                number,
                text = self.link.text(&error)
            );
            trail.fault(
                Step::Database,
                Code::Refused,
                cause,
                words!("cure_redis_number", "Name another number at the end of [redis] url"),
            );
            return Err(Stopped);
        }
        trail.fine(Step::Database, words!("number_is", "number {number}", number));
        Ok(())
    }

    /// Sends each command that the stock sends, to one node.
    async fn grants(&self, trail: &mut Trail, conn: &Conn, slot: u16, key: &str) {
        let scratch = Script::new(SCRATCH);
        let run = |script: &Script| command("EVALSHA", &[script.get_hash(), "1", key]);
        let mut step = run(&self.script);
        for word in ["step", "probe.0", "", "0", "0", "0"] {
            step.arg(word);
        }
        let deeds = [
            ("SCRIPT LOAD", command("SCRIPT", &["LOAD", SCRIPT])),
            ("SCRIPT LOAD", command("SCRIPT", &["LOAD", SCRATCH])),
            ("EVALSHA", run(&scratch)),
            ("EVALSHA", step),
            ("GET", command("GET", &[key])),
            ("MGET", command("MGET", &[key])),
            ("TYPE", command("TYPE", &[key])),
            ("INCR", command("INCR", &[key])),
            ("SCAN", command("SCAN", &["0", "COUNT", "1"])),
            ("INFO", command("INFO", &["server"])),
        ];
        let mut missing: Vec<String> = Vec::new();
        for (name, deed) in deeds {
            match routed::<Value>(conn, slot, deed).await {
                // Only the scratch script answers with words.
                Ok(Value::Array(told)) if name == "EVALSHA" => {
                    let words = told.into_iter().filter_map(|one| String::from_redis_value(one).ok());
                    missing.extend(words.filter(|word| word.parse::<i64>().is_err()));
                }
                Ok(_) => {}
                Err(error) if lacks(&error) => missing.push(name.to_owned()),
                // What could not be loaded is not there to be run.
                Err(error) if unloaded(&error) => {}
                Err(error) => return trail.error(Step::Policy, self.link.words(&error)),
            }
        }
        missing.sort();
        missing.dedup();
        if !missing.is_empty() {
            let user = self.link.user();
            let cause = words!(
                "redis_user_lacks",
                "Redis does not allow user {user}: {commands}",
                user,
                commands = missing.join(", ")
            );
            trail.fault(
                Step::Grant,
                Code::Refused,
                cause,
                Words::plain(format!("ACL SETUSER {user} {NEEDED}")),
            );
        }
    }

    async fn policy(&self, trail: &mut Trail, conn: &Conn) {
        match self.examine(conn).await {
            Ok((about, faults)) => {
                for (cause, cure) in faults {
                    trail.fault(Step::Policy, Code::Refused, cause, cure);
                }
                if trail.is_sound(Step::Policy) {
                    trail.fine(Step::Policy, about);
                }
            }
            // Told above as a missing right; without it nothing can be said of settings.
            Err(error) if lacks(&error) && !trail.is_sound(Step::Grant) => {}
            Err(error) => trail.error(Step::Policy, self.link.words(&error)),
        }
    }
}

fn command(name: &str, words: &[&str]) -> Cmd {
    let mut command = cmd(name);
    for word in words {
        command.arg(*word);
    }
    command
}

/// The user lacks the right; within a script the server's word stands inside the text.
fn lacks(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
        || error.code() == Some("NOPERM")
        || error.to_string().contains("NOPERM")
}

fn unloaded(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Asks plain sockets whether Redis is behind them: any answer of its protocol will do, a refusal too.
async fn language(trail: &mut Trail, open: Vec<(String, TcpStream)>) -> Result<(), Stopped> {
    let mut spoken = false;
    for (place, mut socket) in open {
        let asked = timeout(PATIENCE, async {
            socket.write_all(b"PING\r\n").await?;
            let mut head = [0; 5];
            socket.read_exact(&mut head).await?;
            Ok::<_, std::io::Error>(head)
        });
        let cause = match asked.await {
            Ok(Ok([b'+' | b'-', rest @ ..])) if rest.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
                trail.fine(Step::Protocol, words!("speaks_redis_at", "{place} speaks Redis", place));
                spoken = true;
                continue;
            }
            Ok(Ok([21, 3, ..])) => words!("speaks_tls", "{place} speaks TLS", place),
            Ok(Ok(head)) => {
                words!(
                    "not_redis_says",
                    "{place} does not speak Redis: it says {text}",
                    place,
                    text = format!("{:?}", String::from_utf8_lossy(&head))
                )
            }
            Ok(Err(error)) => words!(
                "not_redis_ends",
                "{place} does not speak Redis: it ends the connection ({error})",
                place,
                error
            ),
            Err(_) => {
                words!(
                    "not_redis_silent",
                    "{place} does not speak Redis: it says nothing within {seconds} s",
                    place,
                    seconds = PATIENCE.as_secs()
                )
            }
        };
        let cure = match cause.ends_with("TLS") {
            true => words!("cure_rediss", "Write [redis] url with rediss://"),
            false => words!("cure_redis_place", "Correct host and port in [redis] url"),
        };
        trail.fault(Step::Protocol, Code::Config, cause, cure);
    }
    if spoken { Ok(()) } else { Err(Stopped) }
}
