//! One source and its claim: the position is read from the ledger, what the stock has not acknowledged is sent again,
//! then batches are read, committed and handed to the stock. Any doubt ends the claim, and the next one begins from what
//! the ledger says.

use std::time::Duration;

use tokio::sync::watch;

use super::lane::Lane;
use super::rules::Fit;
use super::status::State;
use super::{Stores, rules};
use domain::error::{Code, Error, Result};
use domain::ioentry;
use domain::words;
use domain::words::Words;
use ledger::{Batch, Committed, Incoming, SourceCache, SourceRow, payload_hash};
use queue::{Chunk, Message, SourceIdentity};

/// An idle source reads its row again this often: a restored ledger is noticed without traffic.
const IDLE: Duration = Duration::from_secs(1);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A stopped source is looked at again this often: once a person has mended the cause it goes on by itself. Taking
/// it proves first that nothing would be skipped or repeated, so looking does no harm.
const STOPPED_PAUSE: Duration = Duration::from_secs(30);
/// First pause between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Takes the source again and again until told to stop. Faults that heal are waited for; one that would skip or
/// repeat entries stops the source and says so.
pub(super) async fn keep_running(stores: Stores, identity: SourceIdentity, mut stop: watch::Receiver<bool>) {
    let mut cache = SourceCache::default();
    let mut pause = FIRST_PAUSE;
    loop {
        let mut progress = false;
        let taken = take(&stores, &identity, &mut cache, &mut progress, stop.clone()).await;
        let Err(error) = taken else { return };
        if progress {
            pause = FIRST_PAUSE;
        }
        report(&stores, &identity, &error);
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = blame(&stores, &identity, &error) => {}
        }
        let wait = if error.code == Code::Corrupt { STOPPED_PAUSE } else { pause };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(wait) => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn report(stores: &Stores, identity: &SourceIdentity, error: &Error) {
    if matches!(error.code, Code::Fenced | Code::Retry) {
        tracing::debug!(partition = identity.partition, %error, "source taken anew");
        return;
    }
    let state = if error.code == Code::Corrupt { State::Stopped } else { State::Paused };
    stores.board.source(identity, |view| {
        view.state = state;
        view.reason = error.message.clone();
    });
    if state == State::Paused {
        tracing::warn!(topic = identity.topic, partition = identity.partition, %error, "source paused");
    } else {
        tracing::error!(topic = identity.topic, partition = identity.partition, %error, "source stopped");
    }
}

/// Whether a pause is the ledger's trouble. What is out of reach may be the queue, so the ledger itself is asked.
async fn blame(stores: &Stores, identity: &SourceIdentity, error: &Error) {
    let trouble = match error.code {
        Code::Fenced | Code::Retry | Code::Corrupt => return,
        Code::Unreachable => stores.ledger.source(identity).await.err(),
        _ => Some(error.clone()),
    };
    stores.board.ledger_trouble(trouble);
}

/// One taking: resume (rule 6), then batch after batch. `Ok` = asked to stop, drained.
async fn take(
    stores: &Stores,
    identity: &SourceIdentity,
    cache: &mut SourceCache,
    progress: &mut bool,
    mut stop: watch::Receiver<bool>,
) -> Result<()> {
    cache.forget();
    stores.ledger.forget_ids();
    crash_points::pass("take.begun");
    let mut row = resume_row(stores, identity).await?;
    crash_points::pass("take.resumed");
    let mut lane = Lane::open(stores.clone(), identity.clone(), row.stock_offset);
    send_again(stores, &row, &lane).await?;
    crash_points::pass("take.sent_again");
    let mut reader = stores.queue.open(identity, row.next_offset).await?;
    crash_points::pass("take.opened");
    show(stores, identity, &row, &lane);
    stores.board.ledger_trouble(None);
    let guest = stores.room.enter();
    loop {
        let batch = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            batch = guest.next(reader.as_mut(), IDLE) => batch,
        };
        match batch? {
            Some((chunk, room)) => {
                crash_points::pass("batch.read");
                let done = commit(stores, &row, chunk, &lane, cache).await?;
                drop(room);
                guest.wrote_to(done.places);
                *progress = true;
                row = done.source;
                lane.send(done.calls, row.next_offset).await;
                crash_points::pass("batch.handed");
            }
            None => row = idle(stores, row, &lane, cache).await?,
        }
        show(stores, identity, &row, &lane);
        stores.queue.publish_position(identity, row.next_offset);
        crash_points::pass("position.published");
    }
    drop(reader);
    lane.drain().await;
    if lane.acked() > row.stock_offset {
        stores.ledger.acknowledge(&row, lane.acked()).await?;
    }
    Ok(())
}

fn show(stores: &Stores, identity: &SourceIdentity, row: &SourceRow, lane: &Lane) {
    stores.board.source(identity, |view| {
        view.name = Some(row.name.clone());
        view.next_offset = row.next_offset;
        view.stock_offset = lane.acked();
        view.state = State::Running;
        view.reason = Words::none();
    });
}

fn corrupt(words: Words) -> Error {
    Error::new(Code::Corrupt, words)
}

/// The ledger's row for the source, proven to fit the log: nothing skipped, nothing reused.
async fn resume_row(stores: &Stores, identity: &SourceIdentity) -> Result<SourceRow> {
    let bounds = stores.queue.bounds(identity).await?;
    let row = stores.ledger.source(identity).await?;
    let fit = rules::fit(row.as_ref(), bounds);
    let Some(row) = row else {
        if fit == Fit::StartGone {
            return Err(corrupt(words!(
                "first_kept_uncounted",
                "the first message kept is {start} and nothing of this partition was ever counted: run `inv-daemon init` to accept that it begins there",
                start = bounds.start
            )));
        }
        crash_points::pass("source.unknown");
        return stores.ledger.register_source(identity, 0).await;
    };
    match fit {
        Fit::RetentionPassed => Err(corrupt(words!(
            "retention_passed_ours",
            "retention has passed our position: the log begins at {start}, we need {next}; restore the missing messages or a newer ledger",
            start = bounds.start,
            next = row.next_offset
        ))),
        Fit::EndsBefore => Err(behind_us(stores, identity, &row).await?),
        Fit::IfSame(offset) => {
            same_last_message(stores, identity, &row, offset).await?;
            Ok(row)
        }
        Fit::New | Fit::StartGone | Fit::Fits => Ok(row),
    }
}

/// The log ends below our position. A new leader may lag for a moment: asked a few times before it is believed.
async fn behind_us(stores: &Stores, identity: &SourceIdentity, row: &SourceRow) -> Result<Error> {
    let mut end = 0;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        end = stores.queue.bounds(identity).await?.end;
        if row.next_offset <= end {
            return Ok(Error::new(Code::Retry, words!("log_caught_up", "the log's end has caught up")));
        }
    }
    Ok(corrupt(words!(
        "log_ends_below",
        "the log ends at {end}, below our position {next}: it was truncated; nothing is skipped or counted again",
        end,
        next = row.next_offset
    )))
}

/// The last message taken is read again and must be the same, else offsets were reused.
async fn same_last_message(
    stores: &Stores,
    identity: &SourceIdentity,
    row: &SourceRow,
    offset: i64,
) -> Result<()> {
    let message = stores.queue.message_at(identity, offset).await?;
    if message.is_some_and(|message| payload_hash(&message.payload) == row.last_hash) {
        return Ok(());
    }
    Err(corrupt(words!(
        "offsets_reused",
        "the message at offset {offset} is not the one we counted: offsets were reused (unclean leader election, or a restored queue); compare ledger and queue before going on",
        offset = row.last_offset
    )))
}

/// Rule 6: whatever the stock may not have acknowledged is sent again from `balances`, its sum deciding.
async fn send_again(stores: &Stores, row: &SourceRow, lane: &Lane) -> Result<()> {
    let Some(from) = rules::owed_from(row.next_offset, row.stock_offset) else { return Ok(()) };
    let balances = stores.ledger.balances_from(row.id, from).await?;
    crash_points::pass("take.before_send_again");
    let calls = balances.into_iter().map(|balance| rules::again(&row.name, balance)).collect();
    lane.send(calls, row.next_offset).await;
    Ok(())
}

async fn commit(
    stores: &Stores,
    row: &SourceRow,
    chunk: Chunk,
    lane: &Lane,
    cache: &mut SourceCache,
) -> Result<Committed> {
    let batch = Batch {
        messages: chunk.messages.into_iter().map(incoming).collect(),
        next_offset: chunk.next_offset,
        stock_offset: lane.acked(),
    };
    let done = stores.ledger.commit(row, &batch, cache).await?;
    stores.board.change(|view| {
        view.counted += done.counted as u64;
        view.duplicates += done.duplicates as u64;
        view.rejected += done.rejected as u64;
    });
    Ok(done)
}

fn incoming(message: Message) -> Incoming {
    Incoming {
        offset: message.offset,
        timestamp_ms: message.timestamp_ms,
        decoded: ioentry::decode(&message.payload),
        payload: message.payload,
    }
}

/// A second without messages: saves the watermark, or looks whether the ledger is still the one we know.
async fn idle(stores: &Stores, row: SourceRow, lane: &Lane, cache: &mut SourceCache) -> Result<SourceRow> {
    if lane.acked() > row.stock_offset {
        let moved = stores.ledger.acknowledge(&row, lane.acked()).await?;
        cache.follow(&row, &moved);
        return Ok(moved);
    }
    let now = stores.ledger.source(&row.identity).await?;
    if rules::still_ours(&row.stamp, now.as_ref().map(|now| &now.stamp)) {
        stores.board.ledger_trouble(None);
        return Ok(row);
    }
    Err(Error::new(Code::Fenced, words!("source_row_changed", "the ledger's row of this source has changed")))
}
