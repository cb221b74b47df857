//! The clocks of this process, moved and sped up where the C library is asked for them.
//!
//! The linker takes these definitions in place of the C library's for everything in this program.
//! Moved is the wall clock alone: the monotonic clock, and with it every timeout, stays as it is, as on
//! a machine whose clock is set. At a rate above 1 both clocks run so many times faster, and what waits
//! for them waits for as much less, as on a machine in a world that does.

#![allow(unsafe_code, reason = "it replaces functions of the C library")]

use std::{
    ptr,
    sync::atomic::{AtomicI64, Ordering},
};

use libc::{
    CLOCK_MONOTONIC, CLOCK_REALTIME, SYS_clock_gettime, SYS_clock_nanosleep, SYS_epoll_pwait,
    c_int, clockid_t, epoll_event, syscall, timespec,
};

const SECOND: i64 = 1_000_000_000;

/// Nanoseconds that the wall clock was ahead of the machine's when it was set.
static AHEAD: AtomicI64 = AtomicI64::new(0);
/// When that was, by the machine's monotonic clock.
static SET_AT: AtomicI64 = AtomicI64::new(0);
/// The machine's monotonic clock when the rate was set.
static BEGAN: AtomicI64 = AtomicI64::new(0);
static RATE: AtomicI64 = AtomicI64::new(1);

/// Sets by how many seconds the wall clock is ahead of the machine's.
pub(crate) fn set(seconds: i64) {
    SET_AT.store(machine(CLOCK_MONOTONIC), Ordering::SeqCst);
    AHEAD.store(seconds.saturating_mul(SECOND), Ordering::SeqCst);
}

/// Has the clocks run so many times faster. Once, before anything waits.
pub(crate) fn run_at(rate: u32) {
    BEGAN.store(machine(CLOCK_MONOTONIC), Ordering::SeqCst);
    RATE.store(i64::from(rate.max(1)), Ordering::SeqCst);
}

fn rate() -> i64 {
    RATE.load(Ordering::SeqCst)
}

/// What the machine's clock shows, in nanoseconds.
fn machine(clock: clockid_t) -> i64 {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes a `timespec` to where one is.
    unsafe { syscall(SYS_clock_gettime, clock, &raw mut time) };
    time.tv_sec * SECOND + time.tv_nsec
}

/// What this process is told instead; `shown` is the machine's.
fn told(clock: clockid_t, shown: i64) -> i64 {
    let faster = rate() - 1;
    match clock {
        CLOCK_REALTIME if faster == 0 => shown + AHEAD.load(Ordering::SeqCst),
        CLOCK_REALTIME => {
            let since = machine(CLOCK_MONOTONIC) - SET_AT.load(Ordering::SeqCst);
            shown + AHEAD.load(Ordering::SeqCst) + faster * since
        }
        CLOCK_MONOTONIC => shown + faster * (shown - BEGAN.load(Ordering::SeqCst)),
        _ => shown,
    }
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
    // SAFETY: the call succeeded, so the kernel wrote there.
    let shown = unsafe { &mut *time };
    let told = told(clock, shown.tv_sec * SECOND + shown.tv_nsec);
    (shown.tv_sec, shown.tv_nsec) = (told.div_euclid(SECOND), told.rem_euclid(SECOND));
    0
}

/// # Safety
/// As the function of that name in Linux.
#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_wait(
    epoll: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout: c_int,
) -> c_int {
    let rate = c_int::try_from(rate()).unwrap_or(1);
    let timeout = if timeout > 0 { (timeout / rate).max(1) } else { timeout };
    // SAFETY: the arguments are the caller's, but for the time; no signal mask is given.
    let ready = unsafe {
        syscall(SYS_epoll_pwait, epoll, events, most, timeout, ptr::null::<libc::sigset_t>(), 8)
    };
    c_int::try_from(ready).unwrap_or(-1)
}

/// # Safety
/// As the function of that name in POSIX.
#[unsafe(no_mangle)]
unsafe extern "C" fn nanosleep(asked: *const timespec, left: *mut timespec) -> c_int {
    // SAFETY: the pointer is the caller's responsibility.
    let asked = unsafe { &*asked };
    let nanos = asked.tv_sec.saturating_mul(SECOND).saturating_add(asked.tv_nsec) / rate();
    let short = timespec { tv_sec: nanos / SECOND, tv_nsec: nanos % SECOND };
    // SAFETY: the first is a `timespec`, the second the caller's responsibility.
    let outcome =
        unsafe { syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &raw const short, left) };
    if outcome == 0 { 0 } else { -1 }
}
