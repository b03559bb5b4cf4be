//! A TCP proxy between the daemon and a server: cuts, delays, holds or swallows what passes, in either direction,
//! and can wait for a word in a request to do it. Understands no protocol; loses nothing unless told to.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

/// What happens to a request that holds the awaited word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It never reaches the server; the connection is cut.
    Lost,
    /// It reaches the server, whose answer never comes; the connection is cut when the server has answered.
    Unanswered,
    /// It reaches the server this much later, and so does what follows it; the connection stays.
    Delayed(Duration),
    /// The client's connection is cut at once; the request reaches the server this much later.
    Late(Duration),
}

#[derive(Default)]
struct Rules {
    port: AtomicU16,
    /// Nothing passes, in either direction, and nobody is told.
    held: AtomicBool,
    /// New connections are refused and old ones cut.
    down: AtomicBool,
    /// Each piece from the client waits so many milliseconds, each connection another share of it.
    delay: AtomicU64,
    ended: AtomicBool,
    /// The word, what happens to its request, and how often yet.
    trap: Mutex<Option<(Vec<u8>, Fate, u32)>>,
    sprung: AtomicU64,
    lines: Mutex<Vec<TcpStream>>,
}

/// The proxy. Ends with this value.
pub struct Proxy {
    port: u16,
    rules: Arc<Rules>,
}

impl Proxy {
    /// Listens on a free port and leads to `port` on this machine.
    pub fn start(port: u16) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let rules = Arc::new(Rules { port: AtomicU16::new(port), ..Rules::default() });
        let shared = rules.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.ended.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(client) = client {
                    connect(client, &shared);
                }
            }
        });
        Proxy { port: own, rules }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections lead to another server from now on; old ones are cut.
    pub fn lead_to(&self, port: u16) {
        self.rules.port.store(port, Ordering::Release);
        self.cut();
    }

    /// Cuts all connections; new ones are served.
    pub fn cut(&self) {
        for line in self.rules.lines.lock().unwrap().drain(..) {
            line.shutdown(Shutdown::Both).ok();
        }
    }

    /// Cuts all connections and refuses new ones, until told otherwise.
    pub fn down(&self, down: bool) {
        self.rules.down.store(down, Ordering::Release);
        if down {
            self.cut();
        }
    }

    /// A black hole: connections stay open, nothing passes, until told otherwise. What was sent meanwhile arrives.
    pub fn hold(&self, held: bool) {
        self.rules.held.store(held, Ordering::Release);
    }

    /// Requests arrive late, on some connections later than on others.
    pub fn delay(&self, most: Duration) {
        self.rules.delay.store(most.as_millis() as u64, Ordering::Release);
    }

    /// The next `times` requests that hold `word` meet this fate.
    pub fn trap(&self, word: &str, fate: Fate, times: u32) {
        *self.rules.trap.lock().unwrap() = Some((word.as_bytes().to_vec(), fate, times));
    }

    /// How many requests have met their fate.
    pub fn sprung(&self) -> u64 {
        self.rules.sprung.load(Ordering::Acquire)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.rules.ended.store(true, Ordering::Release);
        self.rules.held.store(false, Ordering::Release);
        self.cut();
        // Wakes the listener, so that its thread ends.
        TcpStream::connect(("127.0.0.1", self.port)).ok();
    }
}

fn connect(client: TcpStream, rules: &Arc<Rules>) {
    if rules.down.load(Ordering::Acquire) {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", rules.port.load(Ordering::Acquire))) else { return };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let clone = |line: &TcpStream| line.try_clone().unwrap();
    rules.lines.lock().unwrap().extend([clone(&client), clone(&server)]);
    let deaf = Arc::new(AtomicBool::new(false));
    let (from, to, shared, quiet) = (clone(&client), clone(&server), rules.clone(), deaf.clone());
    std::thread::spawn(move || requests(from, to, &shared, &quiet));
    let shared = rules.clone();
    std::thread::spawn(move || answers(server, client, &shared, &deaf));
}

fn wait_while_held(rules: &Rules) {
    while rules.held.load(Ordering::Acquire) {
        sleep(Duration::from_millis(5));
    }
}

fn requests(mut client: TcpStream, mut server: TcpStream, rules: &Rules, deaf: &AtomicBool) {
    let own = client.peer_addr().map_or(0, |peer| u64::from(peer.port()));
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        wait_while_held(rules);
        let delay = rules.delay.load(Ordering::Acquire);
        if delay > 0 {
            sleep(Duration::from_millis(own * 7919 % (delay + 1)));
        }
        let piece = &buffer[..read];
        match caught(rules, piece) {
            None if server.write_all(piece).is_ok() => {}
            None | Some(Fate::Lost) => break,
            Some(Fate::Delayed(pause)) => {
                sleep(pause);
                if server.write_all(piece).is_err() {
                    break;
                }
            }
            Some(Fate::Unanswered) => {
                deaf.store(true, Ordering::Release);
                server.write_all(piece).ok();
                // The other thread cuts when the server's answer has come.
                return;
            }
            Some(Fate::Late(pause)) => {
                deaf.store(true, Ordering::Release);
                client.shutdown(Shutdown::Both).ok();
                sleep(pause);
                server.write_all(piece).ok();
                return;
            }
        }
    }
    client.shutdown(Shutdown::Both).ok();
    server.shutdown(Shutdown::Both).ok();
}

/// Whether a trap is set for this piece.
fn caught(rules: &Rules, piece: &[u8]) -> Option<Fate> {
    let mut trap = rules.trap.lock().unwrap();
    let (word, fate, left) = trap.as_mut()?;
    if *left == 0 || !piece.windows(word.len()).any(|window| window == word.as_slice()) {
        return None;
    }
    *left -= 1;
    rules.sprung.fetch_add(1, Ordering::AcqRel);
    Some(*fate)
}

fn answers(mut server: TcpStream, mut client: TcpStream, rules: &Rules, deaf: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = server.read(&mut buffer) {
        wait_while_held(rules);
        if deaf.load(Ordering::Acquire) || client.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    client.shutdown(Shutdown::Both).ok();
    server.shutdown(Shutdown::Both).ok();
}
