//! A MySQL or MariaDB server tried step by step: name and socket, its greeting, encryption, the login, the database,
//! what we may do there, and its limits. A scratch table is made and dropped again, for only doing proves a right.

use std::io::ErrorKind;
use std::time::Duration;

use sqlx::mysql::{MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{ConnectOptions, Connection, Executor, Row};
use tokio::time::timeout;
use uuid::Uuid;

use super::{MysqlDatabase, SETTINGS, fault};
use domain::error::{Code, Error};
use domain::words;
use domain::words::Words;
use probe::{Step, Stopped, Trail, Unreached, connect, refused, resolve};

/// Below it, batches would be cut into many texts.
const COMFORTABLE_PACKET: i64 = 16 << 20;
/// The whole way in, some round trips.
const LOGIN: Duration = Duration::from_secs(8);
/// Refusals that come instead of a greeting, before user and password are looked at: too many connections (1040,
/// 1203), a host that failed too often (1129) or may not come at all (1130).
const AT_THE_GATE: [u16; 4] = [1040, 1129, 1130, 1203];

impl MysqlDatabase {
    /// Walks all steps but the fixed tables.
    pub(crate) async fn walk(&self, trail: &mut Trail) -> Result<(), Stopped> {
        let options = &self.without_database;
        let (host, port) = (options.get_host(), options.get_port());
        trail.fine(
            Step::Address,
            words!(
                "place_as_user",
                "{place} as user {user}",
                place = self.place,
                user = options.get_username()
            ),
        );
        match options.get_socket() {
            Some(path) => trail.fine(
                Step::Dns,
                words!("socket_here_at", "a socket on this machine: {path}", path = path.display()),
            ),
            None => match resolve(host, port).await {
                Ok((words, _)) => trail.fine(Step::Dns, words),
                Err(unreached) => return Err(trail.unreached(Code::Unreachable, unreached)),
            },
        }
        let mut conn = self.enter(trail).await?;
        let walked = self.inside(trail, &mut conn).await;
        let _ = conn.close().await;
        walked
    }

    /// From the socket to the login.
    async fn enter(&self, trail: &mut Trail) -> Result<MySqlConnection, Stopped> {
        let options = &self.without_database;
        let (host, port) = (options.get_host(), options.get_port());
        let here = format!("{host}:{port}");
        let greeted = |trail: &mut Trail| {
            trail.fine(Step::Tcp, words!("takes_connections", "{here} takes connections", here));
            trail.fine(Step::Protocol, words!("greets_as_mysql", "greets as MySQL and MariaDB do"));
        };
        let error = match timeout(LOGIN, options.connect()).await {
            Ok(Ok(mut conn)) => {
                greeted(trail);
                let cipher = cipher(&mut conn).await;
                trail.fine(Step::Tls, cipher);
                trail.fine(
                    Step::Login,
                    words!("logged_in_as", "logged in as {user}", user = options.get_username()),
                );
                return Ok(conn);
            }
            Ok(Err(error)) => error,
            Err(_) => return Err(self.silent(trail).await),
        };
        let words = Words::plain(&error);
        match error {
            sqlx::Error::Io(io) if never_connected(io.kind()) => {
                Err(trail.unreached(Code::Unreachable, refused(host, port, None, (io.kind(), &(&io).into()))))
            }
            // Whatever breaks off later is the greeting, or else the encryption: its library calls it bad data.
            sqlx::Error::Io(io) if io.kind() != ErrorKind::InvalidData => Err(stranger(trail, &here, words)),
            sqlx::Error::Protocol(_) => Err(stranger(trail, &here, words)),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => {
                greeted(trail);
                let cure = words!(
                    "cure_mysql_certificate",
                    "Check the server's certificate, and ssl-mode and ssl-ca in [mysql] url"
                );
                trail.fault(
                    Step::Tls,
                    Code::Refused,
                    words!("encryption_fails", "The encryption fails: {words}", words),
                    cure,
                );
                Err(Stopped)
            }
            other => {
                greeted(trail);
                let number = number(&other);
                if number.is_none_or(|number| !AT_THE_GATE.contains(&number)) {
                    let words = match options.get_ssl_mode() {
                        MySqlSslMode::Disabled => words!("tls_off", "not encrypted, as the URL says"),
                        MySqlSslMode::Preferred => {
                            words!(
                                "tls_if_offered",
                                "encrypted if the server offers it; the URL does not insist"
                            )
                        }
                        _ => words!("tls_on", "encrypted"),
                    };
                    trail.fine(Step::Tls, words);
                }
                Err(trail.stop(Step::Login, fault(other).error))
            }
        }
    }

    /// No word came in time: is it the way there, or who is there?
    async fn silent(&self, trail: &mut Trail) -> Stopped {
        let (host, port) = (self.without_database.get_host(), self.without_database.get_port());
        match connect(host, port).await {
            Err(Unreached { step, cause, cure, .. }) => {
                let away = Unreached { step, resolved: None, cause, cure };
                trail.unreached(Code::Unreachable, away)
            }
            Ok(_) => stranger(trail, &format!("{host}:{port}"), words!("says_nothing", "it says nothing")),
        }
    }

    /// Everything behind the login.
    async fn inside(&self, trail: &mut Trail, conn: &mut MySqlConnection) -> Result<(), Stopped> {
        let usable = conn.execute(sqlx::raw_sql(&format!("USE `{}`", self.name))).await;
        if let Err(error) = usable {
            return Err(match number(&error) {
                Some(1049) => {
                    let cause = words!(
                        "no_database",
                        "There is no database {name}",
                        name = format!("{:?}", self.name)
                    );
                    trail.fault(
                        Step::Database,
                        Code::Refused,
                        cause,
                        words!("cure_init_create", "Run `inv-daemon init` to create it"),
                    );
                    Stopped
                }
                _ => trail.stop(Step::Database, fault(error).error),
            });
        }
        trail.fine(Step::Database, words!("is_there", "{name} is there", name = self.name));
        if let Err(error) = conn.execute(sqlx::raw_sql(SETTINGS)).await {
            return Err(trail.stop(Step::Policy, fault(error).error));
        }
        self.grants(trail, conn).await;
        self.policy(trail, conn).await;
        Ok(())
    }

    /// Does what the ledger does, with a table of its own; names each right that is missing.
    async fn grants(&self, trail: &mut Trail, conn: &mut MySqlConnection) {
        let table = format!("probe_{}", Uuid::new_v4().simple());
        let deeds = [
            ("CREATE", format!("CREATE TABLE {table} (id INT PRIMARY KEY)")),
            ("INSERT", format!("INSERT INTO {table} VALUES (1)")),
            ("SELECT", format!("SELECT id FROM {table}")),
            ("UPDATE", format!("UPDATE {table} SET id = 2 WHERE id = 1")),
            ("DELETE", format!("DELETE FROM {table} WHERE id = 2")),
            ("DROP", format!("DROP TABLE {table}")),
        ];
        let cure =
            words!("cure_grant_all", "GRANT ALL ON `{name}`.* TO the user of [mysql] url", name = self.name);
        for (right, deed) in &deeds {
            if let Err(error) = conn.execute(sqlx::raw_sql(deed)).await {
                let SqlWords { code, words } = SqlWords::of(error);
                trail.fault(
                    Step::Grant,
                    code,
                    words!("user_may_not", "This user may not {right}: {words}", right, words),
                    cure.clone(),
                );
                // Without its table nothing else can be tried.
                if *right == "CREATE" {
                    return;
                }
            }
        }
        if trail.is_sound(Step::Grant) {
            trail.fine(Step::Grant, words!("may_do_tables", "may create, fill, change and drop tables"));
        }
    }

    async fn policy(&self, trail: &mut Trail, conn: &mut MySqlConnection) {
        let asked = "SELECT VERSION(), CAST(@@max_allowed_packet AS CHAR)";
        let told = match conn.fetch_one(sqlx::raw_sql(asked)).await {
            Ok(row) => (row.try_get_unchecked::<String, _>(0), row.try_get_unchecked::<String, _>(1)),
            Err(error) => return trail.error(Step::Policy, fault(error).error),
        };
        let (Ok(version), Ok(packet)) = told else {
            let words = words!("version_untold", "The server does not tell its version. Please report this.");
            return trail.error(Step::Policy, Error::new(Code::Internal, words));
        };
        if let Some(least) = too_old(&version) {
            let cause = words!("server_too_old", "The server's version {version} is too old", version);
            trail.fault(
                Step::Policy,
                Code::Config,
                cause,
                words!("cure_use_newer", "Use {least} or newer", least),
            );
        }
        if packet.parse().is_ok_and(|packet: i64| packet < COMFORTABLE_PACKET) {
            trail.fault(
                Step::Policy,
                Code::Refused,
                words!(
                    "packet_is",
                    "max_allowed_packet of {place} is {packet} bytes",
                    place = self.place,
                    packet
                ),
                words!(
                    "cure_packet",
                    "Set it to 16M or more; larger rejected messages cannot be kept otherwise"
                ),
            );
        }
        if trail.is_sound(Step::Policy) {
            trail.fine(
                Step::Policy,
                words!("mysql_version", "version {version}, max_allowed_packet {packet}", version, packet),
            );
        }
    }
}

struct SqlWords {
    code: Code,
    words: Words,
}

impl SqlWords {
    /// The server's own words, with our code.
    fn of(error: sqlx::Error) -> SqlWords {
        let words = match &error {
            sqlx::Error::Database(db) => Words::plain(db.message()),
            other => Words::plain(other),
        };
        SqlWords { code: fault(error).error.code, words }
    }
}

fn number(error: &sqlx::Error) -> Option<u16> {
    let db = error.as_database_error()?;
    db.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// Errors of a socket that was never open.
fn never_connected(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
    )
}

/// Somebody listens who is no MySQL server.
fn stranger(trail: &mut Trail, here: &str, says: Words) -> Stopped {
    trail.fine(Step::Tcp, words!("takes_connections", "{here} takes connections", here));
    let cause = words!("not_mysql", "{here} does not greet as MySQL and MariaDB do: {says}", here, says);
    trail.fault(
        Step::Protocol,
        Code::Config,
        cause,
        words!("cure_mysql_place", "Correct host and port in [mysql] url"),
    );
    Stopped
}

async fn cipher(conn: &mut MySqlConnection) -> Words {
    let asked = conn.fetch_optional(sqlx::raw_sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'")).await;
    let told = asked.ok().flatten().and_then(|row| row.try_get_unchecked::<String, _>(1).ok());
    match told.filter(|cipher| !cipher.is_empty()) {
        Some(cipher) => words!("encrypted_with", "encrypted with {cipher}", cipher),
        None => words!("tls_not_insisted", "not encrypted; the URL does not insist"),
    }
}

/// What to use instead of a version below the oldest that is supported.
fn too_old(version: &str) -> Option<&'static str> {
    let (least, name) = match version.to_lowercase().contains("mariadb") {
        true => ((10, 6), "MariaDB 10.6"),
        false => ((8, 0), "MySQL 8.0"),
    };
    let mut numbers =
        version.split(|c: char| !c.is_ascii_digit()).map(|text| text.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (found < least).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_told_by_their_version() {
        for fine in
            ["10.11.11-MariaDB-0+deb12u1", "10.6.1-MariaDB", "11.4.2-MariaDB", "9.7.0", "8.0.11-TiDB-v8.5.0"]
        {
            assert_eq!(too_old(fine), None, "{fine}");
        }
        assert_eq!(too_old("10.5.9-MariaDB"), Some("MariaDB 10.6"));
        assert_eq!(too_old("5.7.44-log"), Some("MySQL 8.0"));
    }
}
