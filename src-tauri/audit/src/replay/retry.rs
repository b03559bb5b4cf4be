//! What lost against others is tried again, in bounds.

use std::time::Duration;

use domain::error::{Code, Result};

/// Tries of a transaction, and of a value that moves on while it is corrected.
pub(super) const TRIES: u32 = 60;
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// A transaction that lost against others, or under which tables changed, is tried again, in bounds.
pub(super) async fn again<T, F: Future<Output = Result<T>>>(transaction: impl Fn() -> F) -> Result<T> {
    let mut tries = 0;
    loop {
        match transaction().await {
            Err(failed) if failed.code == Code::Retry && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}
