//! The scan over every key: SCAN names them, MGET reads them, and while one page is read the next one is named already.

use ::redis::{RedisResult, cmd};

use super::link::{Conn, routed};
use super::{Redis, health};
use crate::{Page, Place};

/// Redis' own word for both ends of a scan.
const END: &str = "0";

impl Redis {
    /// One page, and where to go on: keys of the next one among them.
    pub(super) async fn page(&self, conn: &Conn, from: Option<&Place>, count: usize) -> RedisResult<Page> {
        let first;
        let place = match from {
            Some(place) => place,
            None => {
                first = named(conn, 0, END, count).await?;
                &first
            }
        };
        let (values, next) =
            futures::try_join!(self.read(conn, &place.named), further(conn, &place.at, count))?;
        let values = place.named.iter().cloned().zip(values);
        Ok(Page { values: values.filter_map(|(key, value)| Some((key, value?))).collect(), next })
    }
}

/// The place after this one: on the same node, or on the next.
async fn further(conn: &Conn, at: &str, count: usize) -> RedisResult<Option<Place>> {
    // A place is the node's first slot and its cursor; one server is the node of slot 0.
    let (slot, cursor) = at.split_once('/').unwrap_or((END, END));
    let slot: u16 = slot.parse().unwrap_or(0);
    if cursor != END {
        return named(conn, slot, cursor, count).await.map(Some);
    }
    match health::nodes(conn).await?.into_iter().find(|node| *node > slot) {
        Some(node) => named(conn, node, END, count).await.map(Some),
        None => Ok(None),
    }
}

/// One SCAN on one node.
async fn named(conn: &Conn, slot: u16, cursor: &str, count: usize) -> RedisResult<Place> {
    let mut command = cmd("SCAN");
    command.arg(cursor).arg("COUNT").arg(count.max(1));
    let (next, keys): (String, Vec<Vec<u8>>) = routed(conn, slot, command).await?;
    let mut named: Vec<String> =
        keys.into_iter().map(|key| String::from_utf8_lossy(&key).into_owned()).collect();
    named.sort_unstable();
    named.dedup();
    Ok(Place { at: format!("{slot}/{next}"), named })
}
