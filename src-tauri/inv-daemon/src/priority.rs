//! Whose work comes first where a machine has too little of it for all: an audit only reads, and may take its time.

/// Lets every other process go first, on this machine and until this one ends. To be called before a thread is made:
/// Linux gives each thread a priority of its own, which those that it makes take over.
#[cfg(unix)]
pub fn give_way() {
    const NICER: i32 = 10;
    if let Err(error) = rustix::process::nice(NICER) {
        tracing::debug!("the audit's priority stays as it is: {error}");
    }
}

/// Elsewhere the scheduler decides.
#[cfg(not(unix))]
pub fn give_way() {}
