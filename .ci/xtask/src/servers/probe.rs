//! Is a server ready? Each is asked in its own protocol: an open port alone proves nothing.
use crate::process::{self, Server};
use anyhow::{Result, bail};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(90);

/// Asks until the answer is yes; gives up early when the process has died.
pub fn until(server: &Server, mut ready: impl FnMut() -> Option<bool>) -> Result<()> {
    let done = process::wait_for(LIMIT, || ready() == Some(true) || !server.alive());
    if !server.alive() {
        bail!("{} (pid {}) has ended", server.name, server.pid);
    }
    if !done {
        bail!("no answer within {} seconds", LIMIT.as_secs());
    }
    Ok(())
}

fn connect(port: u16) -> Option<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    Some(stream)
}

/// PING is answered by +PONG, and by an error while a data set is still being loaded.
pub fn redis(port: u16) -> Option<bool> {
    let mut stream = connect(port)?;
    stream.write_all(b"PING\r\n").ok()?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).ok()?;
    Some(&answer == b"+PONG")
}

/// The server speaks first: three bytes of length, a number, and protocol version 10.
pub fn mysql(port: u16) -> Option<bool> {
    let mut stream = connect(port)?;
    let mut greeting = [0; 5];
    stream.read_exact(&mut greeting).ok()?;
    Some(greeting[4] == 10)
}

/// A Metadata request (version 1, no topics) tells how many brokers have joined.
pub fn kafka(port: u16, brokers: usize) -> Option<bool> {
    let mut stream = connect(port)?;
    stream.write_all(&metadata_request()).ok()?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).ok()?;
    let joined = u32::from_be_bytes([answer[8], answer[9], answer[10], answer[11]]);
    Some(usize::try_from(joined).ok()? == brokers)
}

fn metadata_request() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(3i16.to_be_bytes()); // Metadata
    body.extend(1i16.to_be_bytes()); // version
    body.extend(7i32.to_be_bytes()); // correlation
    body.extend((-1i16).to_be_bytes()); // no client id
    body.extend(0i32.to_be_bytes()); // no topics
    let mut frame = (body.len() as u32).to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_request_is_framed_by_its_length() {
        let frame = super::metadata_request();
        assert_eq!(frame.len(), 18);
        assert_eq!(&frame[..4], [0, 0, 0, 14]);
    }
}
