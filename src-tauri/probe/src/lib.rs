//! A connection tried step by step: what every step found, what failed and how to mend it, and what was not reached
//! because an earlier step failed. Names and sockets are tried here, the rest by the room that owns the connection.
//! Never guesses a step from words: whoever walks a step says which one it is.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use domain::error::{Code, Error};
use domain::words;
use domain::words::Words;

/// Longest wait for a name, and for a socket to one address.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What is tried, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// The configuration itself.
    Config,
    /// The data directory may be written.
    Folder,
    /// The disk under it has room.
    Space,
    /// Address and settings can be read.
    Address,
    /// The host's name leads to an address.
    Dns,
    /// Somebody listens there.
    Tcp,
    /// The connection is encrypted as asked for.
    Tls,
    /// Whoever listens speaks the service's own language.
    Protocol,
    /// User and password.
    Login,
    /// The topic is there, every partition with a leader.
    Topic,
    /// The brokers' own addresses, which they tell to everybody, lead to them.
    Brokers,
    /// The database is there.
    Database,
    /// What the service does must be allowed.
    Grant,
    /// The fixed tables are there, in this program's version.
    Tables,
    /// The embedded store opens and can be read.
    Store,
    /// Settings of the server that would lose goods or refuse them.
    Policy,
}

impl Step {
    /// Stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Step::Config => "config",
            Step::Folder => "folder",
            Step::Space => "space",
            Step::Address => "address",
            Step::Dns => "dns",
            Step::Tcp => "tcp",
            Step::Tls => "tls",
            Step::Protocol => "protocol",
            Step::Login => "login",
            Step::Topic => "topic",
            Step::Brokers => "brokers",
            Step::Database => "database",
            Step::Grant => "grant",
            Step::Tables => "tables",
            Step::Store => "store",
            Step::Policy => "policy",
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In order.
    Ok,
    /// Not in order; the code says of what kind.
    Failed(Code),
    /// An earlier step failed.
    NotReached,
}

impl State {
    /// Stable name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Failed(_) => "failed",
            State::NotReached => "not_reached",
        }
    }
}

/// What one step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// config, outbox, queue, ledger or stock.
    pub part: &'static str,
    /// Which step.
    pub step: Step,
    /// How it ended.
    pub state: State,
    /// What was found; none when it was not reached.
    pub message: Words,
    /// What to do; none unless it failed. Where the message is an error's, its last sentence says that.
    pub cure: Words,
}

impl Finding {
    /// The step failed.
    pub fn is_fault(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// What was found and what to do, in English.
    pub fn told(&self) -> (&str, &str) {
        match self.cure.code() {
            "" if self.is_fault() => self.message.cause_and_cure(),
            _ => (&self.message, &self.cure),
        }
    }
}

/// A step failed on which all later ones depend; it stands in the trail.
#[derive(Debug)]
pub struct Stopped;

/// The steps of one part as they are walked.
#[derive(Debug)]
pub struct Trail {
    part: &'static str,
    plan: Vec<Step>,
    found: Vec<Finding>,
}

impl Trail {
    /// A part and the steps that it will take, in order.
    pub fn new(part: &'static str, plan: &[Step]) -> Trail {
        Trail { part, plan: plan.to_vec(), found: Vec::new() }
    }

    /// A step is in order.
    pub fn fine(&mut self, step: Step, message: Words) {
        self.add(step, State::Ok, message, Words::none());
    }

    /// A step is not in order. A step may have several faults.
    pub fn fault(&mut self, step: Step, code: Code, cause: Words, cure: Words) {
        self.add(step, State::Failed(code), cause, cure);
    }

    /// A step failed with an error, whose last sentence says what to do.
    pub fn error(&mut self, step: Step, error: Error) {
        self.fault(step, error.code, error.message, Words::none());
    }

    /// A name or a socket is out of reach.
    pub fn unreached(&mut self, code: Code, unreached: Unreached) -> Stopped {
        if let Some(resolved) = unreached.resolved {
            self.fine(Step::Dns, resolved);
        }
        self.fault(unreached.step, code, unreached.cause, unreached.cure);
        Stopped
    }

    /// Like [`Trail::error`], for a step on which all later ones depend.
    pub fn stop(&mut self, step: Step, error: Error) -> Stopped {
        self.error(step, error);
        Stopped
    }

    /// Whether nothing was found wrong in a step so far.
    pub fn is_sound(&self, step: Step) -> bool {
        !self.found.iter().any(|finding| finding.step == step && finding.is_fault())
    }

    /// Everything in the order of the plan; planned steps of which nothing was told were not reached.
    pub fn end(mut self) -> Vec<Finding> {
        for step in self.plan.clone() {
            if !self.found.iter().any(|finding| finding.step == step) {
                self.add(step, State::NotReached, Words::none(), Words::none());
            }
        }
        let place = |step: Step| self.plan.iter().position(|planned| *planned == step);
        self.found.sort_by_key(|finding| place(finding.step));
        self.found
    }

    fn add(&mut self, step: Step, state: State, message: Words, cure: Words) {
        self.found.push(Finding { part: self.part, step, state, message, cure });
    }
}

/// Resolves and connects every place; gives those that answered, with their sockets. A place that is out of reach is
/// a fault of its own, but only when none answers are later steps out of reach.
pub async fn reach(trail: &mut Trail, places: &[(String, u16)]) -> Result<Vec<(String, TcpStream)>, Stopped> {
    let mut open = Vec::new();
    let mut away = Vec::new();
    for (host, port) in places {
        match connect(host, *port).await {
            Ok((resolved, socket)) => {
                trail.fine(Step::Dns, resolved);
                trail.fine(
                    Step::Tcp,
                    words!("place_takes_connections", "{host}:{port} takes connections", host, port),
                );
                open.push((format!("{host}:{port}"), socket));
            }
            Err(unreached) => away.push(unreached),
        }
    }
    // One of several servers that is away keeps nobody from working.
    let code = if open.is_empty() { Code::Unreachable } else { Code::Config };
    for unreached in away {
        trail.unreached(code, unreached);
    }
    if open.is_empty() { Err(Stopped) } else { Ok(open) }
}

/// Why a place is out of reach: at which step, and how far it came.
#[derive(Debug)]
pub struct Unreached {
    /// Name or socket.
    pub step: Step,
    /// What the name led to, when it did.
    pub resolved: Option<Words>,
    /// What happened.
    pub cause: Words,
    /// What to do.
    pub cure: Words,
}

/// What the name leads to, in words and as addresses.
pub async fn resolve(host: &str, port: u16) -> Result<(Words, Vec<SocketAddr>), Unreached> {
    let unknown = |why: Words| Unreached {
        step: Step::Dns,
        resolved: None,
        cause: words!("name_leads_nowhere", "The name {host} leads nowhere: {why}", host, why),
        cure: words!("cure_host_name", "Correct the host name, or make it known to this machine's DNS"),
    };
    let found = timeout(PATIENCE, lookup_host((host, port))).await;
    let found = found.map_err(|_| {
        unknown(words!("no_answer_within", "no answer within {seconds} s", seconds = PATIENCE.as_secs()))
    })?;
    let addresses: Vec<_> = found.map_err(|error| unknown((&error).into()))?.collect();
    let mut ips: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
    ips.dedup();
    let words = match ips.iter().any(|ip| ip == host) {
        true => words!("host_is_address", "{host} is an address", host),
        false => words!("host_is", "{host} is {addresses}", host, addresses = ips.join(", ")),
    };
    Ok((words, addresses))
}

/// What the name leads to in words, and a socket.
pub async fn connect(host: &str, port: u16) -> Result<(Words, TcpStream), Unreached> {
    let (resolved, addresses) = resolve(host, port).await?;
    let mut last = (io::ErrorKind::NotFound, words!("no_address", "no address"));
    for address in addresses {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok((resolved, socket)),
            Ok(Err(error)) => last = (error.kind(), (&error).into()),
            Err(_) => {
                let words =
                    words!("no_answer_within", "no answer within {seconds} s", seconds = PATIENCE.as_secs());
                last = (io::ErrorKind::TimedOut, words);
            }
        }
    }
    let (kind, why) = last;
    Err(refused(host, port, Some(resolved), (kind, &why)))
}

/// A socket that could not be had.
pub fn refused(
    host: &str,
    port: u16,
    resolved: Option<Words>,
    (kind, error): (io::ErrorKind, &Words),
) -> Unreached {
    let cure = match kind {
        io::ErrorKind::ConnectionRefused => {
            words!("cure_start_server", "Start the server there, or correct the port")
        }
        _ => words!("cure_network", "Check the address, the network in between and its firewalls"),
    };
    let cause =
        words!("nobody_listens", "Nobody takes connections at {host}:{port}: {error}", host, port, error);
    Unreached { step: Step::Tcp, resolved, cause, cure }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_told_was_not_reached_and_the_plan_gives_the_order() {
        let mut trail = Trail::new("stock", &[Step::Dns, Step::Tcp, Step::Login, Step::Policy]);
        trail.fine(Step::Tcp, Words::plain("listens"));
        trail.error(Step::Login, Error::new(Code::Refused, Words::plain("Wrong password. Set another.")));
        trail.fine(Step::Dns, Words::plain("known"));
        let found = trail.end();
        let shown: Vec<_> = found.iter().map(|one| (one.step, one.state)).collect();
        let refused = State::Failed(Code::Refused);
        let wanted = [
            (Step::Dns, State::Ok),
            (Step::Tcp, State::Ok),
            (Step::Login, refused),
            (Step::Policy, State::NotReached),
        ];
        assert_eq!(shown, wanted);
        assert_eq!(found[2].told(), ("Wrong password", "Set another"));
    }

    #[tokio::test]
    async fn a_name_and_a_port_fail_at_their_own_step() {
        let unknown = connect("no-such-host.invalid", 80).await.unwrap_err();
        assert_eq!(unknown.step, Step::Dns, "{unknown:?}");
        let closed = connect("127.0.0.1", 1).await.unwrap_err();
        assert_eq!((closed.step, closed.resolved.is_some()), (Step::Tcp, true), "{closed:?}");
    }

    #[tokio::test]
    async fn one_server_of_several_keeps_the_rest_reachable() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut trail = Trail::new("queue", &[Step::Dns, Step::Tcp]);
        let open = reach(&mut trail, &[("127.0.0.1".into(), 1), ("127.0.0.1".into(), port)]).await.unwrap();
        assert_eq!(open.len(), 1);
        let faults: Vec<_> = trail.end().into_iter().filter(Finding::is_fault).collect();
        assert_eq!(faults.len(), 1);
        assert_eq!((faults[0].step, faults[0].state), (Step::Tcp, State::Failed(Code::Config)));
    }
}
