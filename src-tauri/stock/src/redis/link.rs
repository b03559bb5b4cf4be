//! The connection to Redis, single or cluster: made when first needed, made anew after it broke.
//! Waits between attempts grow up to a bound; every command has a time limit, none is repeated here.
//! Must never put a password into words.

use std::time::Duration;

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::cluster::ClusterClient;
use ::redis::cluster_async::ClusterConnection;
use ::redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use ::redis::{AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind};
use ::redis::{
    FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind,
    Value,
};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};

use domain::error::{Code, Error, Result};
use domain::words;
use domain::words::Words;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for a reply. The crate's own default of 500 ms is shorter than one busy second of a server.
const REPLY: Duration = Duration::from_secs(5);
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// An open connection; clones share it.
#[derive(Clone)]
pub enum Conn {
    /// One server.
    Single(MultiplexedConnection),
    /// A cluster.
    Cluster(ClusterConnection),
}

impl ConnectionLike for Conn {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Conn::Single(conn) => conn.req_packed_command(cmd),
            Conn::Cluster(conn) => conn.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Conn::Single(conn) => conn.req_packed_commands(pipeline, offset, count),
            Conn::Cluster(conn) => conn.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Conn::Single(conn) => conn.get_db(),
            Conn::Cluster(conn) => conn.get_db(),
        }
    }
}

/// Sends a command to the node that holds a slot.
pub async fn routed<T: FromRedisValue>(conn: &Conn, slot: u16, command: Cmd) -> RedisResult<T> {
    match conn.clone() {
        Conn::Single(mut conn) => command.query_async(&mut conn).await,
        Conn::Cluster(mut conn) => {
            let node = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
            let value = conn.route_command(command, RoutingInfo::SingleNode(node)).await?;
            Ok(T::from_redis_value(value.extract_error()?)?)
        }
    }
}

enum Target {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// The way to the server.
pub struct Link {
    target: Target,
    /// Every server that the URL names; for a cluster the first nodes to ask.
    infos: Vec<ConnectionInfo>,
    /// Host and port, for words.
    pub place: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    conn: Option<Conn>,
    /// Counts connections, so that a broken one is dropped once.
    generation: u64,
    failed: Option<(Instant, Error)>,
    wait: Duration,
}

impl Link {
    /// Reads the URL; connects to nothing yet. `password` wins over one in the URL.
    pub fn new(url: &str, password: Option<&str>) -> Result<Link> {
        let (target, infos) = match cluster_nodes(url) {
            Some(nodes) => {
                let infos = nodes.iter().map(|node| info(node, password)).collect::<Result<Vec<_>>>()?;
                let builder = ClusterClient::builder(infos.clone());
                let builder = builder.connection_timeout(CONNECT).response_timeout(REPLY);
                let builder = builder.retries(3).overall_response_timeout(Some(REPLY * 2));
                (Target::Cluster(Box::new(builder.build().map_err(|error| wrong_url(&error))?)), infos)
            }
            None => {
                let info = info(url, password)?;
                let client = Client::open(info.clone()).map_err(|error| wrong_url(&error))?;
                (Target::Single(Box::new(client)), vec![info])
            }
        };
        let place = infos.iter().map(|info| info.addr().to_string()).collect::<Vec<_>>().join(",");
        Ok(Link { target, infos, place, state: Mutex::default() })
    }

    /// Host and port of every server that the URL names; none for a socket on this machine.
    pub fn sockets(&self) -> Vec<(String, u16)> {
        let place = |info: &ConnectionInfo| match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some((host.clone(), *port))
            }
            _ => None,
        };
        self.infos.iter().filter_map(place).collect()
    }

    /// Whether the URL asks for encryption.
    pub fn is_encrypted(&self) -> bool {
        self.infos.iter().any(|info| matches!(info.addr(), ConnectionAddr::TcpTls { .. }))
    }

    /// Who we are there.
    pub fn user(&self) -> &str {
        self.infos.first().and_then(|info| info.redis_settings().username()).unwrap_or("default")
    }

    /// Number of the database.
    pub fn database(&self) -> i64 {
        self.infos.first().map_or(0, |info| info.redis_settings().db())
    }

    /// A connection apart from all others, to the database that every server has; never repeated, never shared.
    pub async fn dial_to_database_0(&self) -> RedisResult<Conn> {
        let attempt = async {
            match (&self.target, self.infos.first()) {
                (Target::Single(_), Some(info)) => {
                    let settings = info.redis_settings().clone().set_db(0);
                    let client = Client::open(info.clone().set_redis_settings(settings))?;
                    single(&client).await
                }
                _ => self.dial().await,
            }
        };
        let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time");
        timeout(CONNECT + REPLY, attempt).await.unwrap_or_else(|_| Err(late().into()))
    }

    async fn dial(&self) -> RedisResult<Conn> {
        match &self.target {
            Target::Single(client) => single(client).await,
            Target::Cluster(client) => client.get_async_connection().await.map(Conn::Cluster),
        }
    }

    /// Whether keys are spread over slots.
    pub fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    /// The connection and its number. After a failure, waits a growing while before it tries again; whoever
    /// waited meanwhile shares the outcome of one attempt.
    pub async fn conn(&self) -> Result<(u64, Conn)> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(conn) = &state.conn {
            return Ok((state.generation, conn.clone()));
        }
        if let Some((at, error)) = &state.failed {
            if *at >= asked {
                return Err(error.clone());
            }
            sleep_until(*at + state.wait).await;
        }
        match self.connect().await {
            Ok(conn) => {
                *state =
                    State { conn: Some(conn.clone()), generation: state.generation + 1, ..State::default() };
                Ok((state.generation, conn))
            }
            Err(error) => {
                state.wait = (state.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Conn> {
        match timeout(CONNECT + REPLY, self.dial()).await {
            Ok(done) => done.map_err(|error| self.words(&error)),
            Err(_) => Err(self.unreachable(words!("no_answer_in_time", "no answer in time"))),
        }
    }

    /// Puts an error into words and drops the connection when it is of no more use.
    pub async fn failed(&self, generation: u64, error: RedisError) -> Error {
        let broken = match error.kind() {
            // A master that became a replica: the name may lead elsewhere by now.
            ErrorKind::Server(ServerErrorKind::ReadOnly) | ErrorKind::Io => true,
            _ => error.is_unrecoverable_error(),
        };
        if broken {
            let mut state = self.state.lock().await;
            if state.generation == generation {
                state.conn = None;
            }
        }
        self.words(&error)
    }

    fn unreachable(&self, cause: Words) -> Error {
        let words = words!(
            "redis_unreachable",
            "Redis at {place} is out of reach ({cause}). Check that it runs and that the network lets us through.",
            place = self.place,
            cause
        );
        Error::new(Code::Unreachable, words)
    }

    /// The server's own text.
    pub fn text(&self, error: &RedisError) -> String {
        server_text(error)
    }

    /// The error's code and words.
    pub fn words(&self, error: &RedisError) -> Error {
        let place = &self.place;
        let text = server_text(error);
        // The server's word stands in front or, for errors inside a script of Redis 6, within the text.
        let says = |word: &str| text.contains(&format!("{word} "));
        if says("OOM") {
            let words = words!(
                "redis_full",
                "Redis at {place} is full (maxmemory). Raise maxmemory or free memory there.",
                place
            );
            return Error::new(Code::Full, words);
        }
        if says("MISCONF") {
            let words = words!(
                "redis_disk_refuses",
                "Redis at {place} cannot write to its disk and refuses changes. Free space there.",
                place
            );
            return Error::new(Code::Full, words);
        }
        let waiting = [
            "LOADING",
            "READONLY",
            "CLUSTERDOWN",
            "MASTERDOWN",
            "TRYAGAIN",
            "BUSY ",
            "NOREPLICAS",
            "UNBLOCKED",
        ];
        if let Some(word) = waiting.into_iter().find(|word| says(word)) {
            return self.unreachable(words!("it_answers", "it answers {word}", word));
        }
        if says("MOVED") && !self.is_cluster() {
            let words = words!(
                "redis_is_cluster",
                "Redis at {place} is a cluster. Write the URL as redis+cluster://host:port,host:port.",
                place
            );
            return Error::new(Code::Config, words);
        }
        let refused = ["NOAUTH", "WRONGPASS", "NOPERM", "DENIED"].into_iter().any(says);
        match error.kind() {
            ErrorKind::AuthenticationFailed => self.refused(words!("wrong_login", "wrong user or password")),
            _ if refused => self.refused(Words::plain(text)),
            ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => self.unreachable(Words::plain(text)),
            _ => Error::new(
                Code::Internal,
                words!("redis_answered", "Redis at {place} answered: {text}. Run `check`.", place, text),
            ),
        }
    }

    fn refused(&self, cause: Words) -> Error {
        let place = &self.place;
        let words = words!(
            "redis_refuses",
            "Redis at {place} refuses us ({cause}). Set [redis] url and password, and the user's grants.",
            place,
            cause
        );
        Error::new(Code::Refused, words)
    }
}

async fn single(client: &Client) -> RedisResult<Conn> {
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(REPLY));
    client.get_multiplexed_async_connection_with_config(&config).await.map(Conn::Single)
}

/// The first error that the server sent, word first; else the error's own text.
fn server_text(error: &RedisError) -> String {
    let server = error.clone().into_server_errors();
    match server.as_deref().and_then(<[_]>::first) {
        Some((_, first)) => format!("{} {}", first.code(), first.details().unwrap_or_default()),
        None => error.to_string(),
    }
}

/// `redis+cluster://user@a:1,b:2` as one URL per node; `None` for a single server.
fn cluster_nodes(url: &str) -> Option<Vec<String>> {
    let (scheme, rest) = match url.split_once("://")? {
        ("redis+cluster", rest) => ("redis", rest),
        ("rediss+cluster", rest) => ("rediss", rest),
        _ => return None,
    };
    let (user, hosts) = match rest.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), rest),
    };
    let hosts = hosts.trim_end_matches('/').split(',').map(str::trim);
    Some(hosts.map(|host| format!("{scheme}://{user}{host}")).collect())
}

fn info(url: &str, password: Option<&str>) -> Result<ConnectionInfo> {
    let info = url.into_connection_info().map_err(|error| wrong_url(&error))?;
    let Some(password) = password else { return Ok(info) };
    let settings = info.redis_settings().clone().set_password(password);
    Ok(info.set_redis_settings(settings))
}

/// The URL itself is not repeated: it may hold a password.
fn wrong_url(error: &RedisError) -> Error {
    let words = words!(
        "redis_url_wrong",
        "[redis] url cannot be used ({reason}). Write redis://host:port/0 or redis+cluster://host:port,host:port.",
        reason = error.category()
    );
    Error::new(Code::Config, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_both_kinds_are_read_and_keep_their_password_to_themselves() {
        let nodes = cluster_nodes("redis+cluster://me:secret@a:1,b:2").unwrap();
        assert_eq!(nodes, ["redis://me:secret@a:1", "redis://me:secret@b:2"]);
        let link = Link::new("redis+cluster://me:secret@a:1,b:2", None).unwrap();
        assert_eq!((link.is_cluster(), link.place.as_str()), (true, "a:1,b:2"));
        let link = Link::new("redis://me:secret@a:1/3", Some("other")).unwrap();
        assert_eq!((link.is_cluster(), link.place.as_str()), (false, "a:1"));
        let refused = Link::new("nonsense://me:secret@a", None).err().unwrap();
        assert_eq!(refused.code, Code::Config);
        assert!(!refused.message.contains("secret"), "{refused}");
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable_in_bounded_time() {
        let link = Link::new("redis://127.0.0.1:1", None).unwrap();
        for _ in 0..3 {
            assert_eq!(link.conn().await.err().map(|error| error.code), Some(Code::Unreachable));
        }
    }
}
