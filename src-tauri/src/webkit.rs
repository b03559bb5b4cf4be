//! WebKitGTK's environment. Its DMA-BUF renderer leaves the window blank or crashes with several drivers; a value
//! that somebody set is left alone.

/// Sets what is unset. Called first in `main`, while there is one thread only.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub fn prepare() {
    for (name, value) in [("WEBKIT_DISABLE_DMABUF_RENDERER", "1"), ("NO_AT_BRIDGE", "1")] {
        if std::env::var_os(name).is_none() {
            // SAFETY: no other thread runs yet, so nobody reads the environment meanwhile.
            unsafe { std::env::set_var(name, value) };
        }
    }
}

/// Nothing to set elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn prepare() {}
