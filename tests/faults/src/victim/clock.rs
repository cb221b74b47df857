//! The wall clock of this process, moved where the C library is asked for it.
//!
//! The linker takes this definition in place of the C library's for everything in this program. The
//! monotonic clock, and with it every timeout, stays as it is: as on a machine whose clock is set.

#![allow(unsafe_code, reason = "it replaces a function of the C library")]

use std::sync::atomic::{AtomicI64, Ordering};

use libc::{CLOCK_REALTIME, SYS_clock_gettime, c_int, clockid_t, syscall, timespec};

static AHEAD: AtomicI64 = AtomicI64::new(0);

/// Sets by how many seconds the clock is ahead of the machine's.
pub(crate) fn set(seconds: i64) {
    AHEAD.store(seconds, Ordering::SeqCst);
}

/// # Safety
/// As the function of that name in POSIX: `time` points to a `timespec` that may be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    // SAFETY: the kernel checks the clock; the pointer is the caller's responsibility.
    let outcome = unsafe { syscall(SYS_clock_gettime, clock, time) };
    if outcome != 0 {
        return -1;
    }
    if clock == CLOCK_REALTIME {
        // SAFETY: the call succeeded, so the kernel wrote there.
        unsafe { (*time).tv_sec += AHEAD.load(Ordering::SeqCst) };
    }
    0
}
