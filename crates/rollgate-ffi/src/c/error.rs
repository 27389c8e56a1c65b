//! Statuses, frozen numbers; and what went wrong last in this thread.

use std::cell::RefCell;
use std::ffi::c_char;

use rollgate::core::error::{Error, ErrorKind};

use super::guard::guard;
use super::text::copy_text;

/// What became of a call. A number never changes its meaning: 1xx the caller, 2xx configuration, 3xx evaluation
/// (OpenFeature's codes), 4xx metrics, 5xx rollout, 7xx store. Later versions may give numbers that are not listed here.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was done.
    Ok = 0,
    /// An argument is out of its range or not of its form.
    InvalidArgument = 100,
    /// A name that the plan does not have: a flag, a metric, a role, a phase.
    UnknownName = 101,
    /// A file could not be read or written.
    Io = 102,
    /// A handle is stale, foreign, null or of another kind.
    InvalidHandle = 103,
    /// The buffer is too small for what is to be written into it; the length that is needed has been written.
    BufferTooSmall = 104,
    /// A plan file is not what the format asks for.
    InvalidConfig = 200,
    /// A line of a trace is not what the format asks for.
    InvalidTrace = 201,
    /// The flag does not exist (OpenFeature FLAG_NOT_FOUND).
    FlagNotFound = 300,
    /// The flag cannot be read (OpenFeature PARSE_ERROR).
    ParseError = 301,
    /// The flag is of another type (OpenFeature TYPE_MISMATCH).
    TypeMismatch = 302,
    /// A split needs a targeting key and there is none (OpenFeature TARGETING_KEY_MISSING).
    TargetingKeyMissing = 303,
    /// The evaluation context is not what it should be (OpenFeature INVALID_CONTEXT).
    InvalidContext = 304,
    /// No snapshot yet (OpenFeature PROVIDER_NOT_READY).
    ProviderNotReady = 305,
    /// Anything else (OpenFeature GENERAL).
    General = 306,
    /// The metric is of another kind than the call.
    WrongMetricKind = 400,
    /// A command was refused; the rollout is as it was.
    Refused = 500,
    /// The operation needs a plan, and this setup has flags only.
    NoPlan = 501,
    /// The journal does not fit its own hashes or this plan.
    BrokenJournal = 700,
    /// The store cannot be reached.
    StoreAway = 701,
    /// Another writer was faster; read again.
    StoreConflict = 702,
    /// Another node holds the lease now; nothing was written.
    LeaseLost = 703,
    /// What is stored does not fit its own sums.
    StoreDamaged = 704,
    /// The store was written by a later version of rollgate.
    StoreTooNew = 705,
    /// A panic was caught: a bug of rollgate, please report it. The process lives, and so does the engine.
    Panic = 900,
}

/// Every status but OK, with its name.
const ALL: [(Status, ErrorKind, &std::ffi::CStr); 24] = [
    (Status::InvalidArgument, ErrorKind::InvalidArgument, c"InvalidArgument"),
    (Status::UnknownName, ErrorKind::UnknownName, c"UnknownName"),
    (Status::Io, ErrorKind::Io, c"Io"),
    (Status::InvalidHandle, ErrorKind::InvalidHandle, c"InvalidHandle"),
    (Status::BufferTooSmall, ErrorKind::BufferTooSmall, c"BufferTooSmall"),
    (Status::InvalidConfig, ErrorKind::InvalidConfig, c"InvalidConfig"),
    (Status::InvalidTrace, ErrorKind::InvalidTrace, c"InvalidTrace"),
    (Status::FlagNotFound, ErrorKind::FlagNotFound, c"FlagNotFound"),
    (Status::ParseError, ErrorKind::ParseError, c"ParseError"),
    (Status::TypeMismatch, ErrorKind::TypeMismatch, c"TypeMismatch"),
    (Status::TargetingKeyMissing, ErrorKind::TargetingKeyMissing, c"TargetingKeyMissing"),
    (Status::InvalidContext, ErrorKind::InvalidContext, c"InvalidContext"),
    (Status::ProviderNotReady, ErrorKind::ProviderNotReady, c"ProviderNotReady"),
    (Status::General, ErrorKind::General, c"General"),
    (Status::WrongMetricKind, ErrorKind::WrongMetricKind, c"WrongMetricKind"),
    (Status::Refused, ErrorKind::Refused, c"Refused"),
    (Status::NoPlan, ErrorKind::NoPlan, c"NoPlan"),
    (Status::BrokenJournal, ErrorKind::BrokenJournal, c"BrokenJournal"),
    (Status::StoreAway, ErrorKind::StoreAway, c"StoreAway"),
    (Status::StoreConflict, ErrorKind::StoreConflict, c"StoreConflict"),
    (Status::LeaseLost, ErrorKind::LeaseLost, c"LeaseLost"),
    (Status::StoreDamaged, ErrorKind::StoreDamaged, c"StoreDamaged"),
    (Status::StoreTooNew, ErrorKind::StoreTooNew, c"StoreTooNew"),
    (Status::Panic, ErrorKind::Panic, c"Panic"),
];

impl Status {
    pub(super) fn of(kind: ErrorKind) -> Self {
        ALL.iter().find(|(_, known, _)| *known == kind).map_or(Self::General, |(status, ..)| *status)
    }
}

thread_local! {
    /// What the last call that failed in this thread said.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Remembers what went wrong; gives its status.
#[cold]
pub(super) fn failed(error: &Error) -> Status {
    remember(error.to_string());
    Status::of(error.kind())
}

/// Remembers a message. A thread that is ending has nowhere to keep it.
pub(super) fn remember(message: String) {
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = message));
}

/// Copies the message of the last call of this thread that did not return OK: one sentence or more, UTF-8, that say what
/// was wrong and how to mend it.
///
/// Writes at most `capacity` bytes, the last one NUL; a message that is too long is cut between characters. Returns the
/// length of the whole message without its NUL: where that is `capacity` or more, it was cut. Empty before the first
/// failure. A call that succeeds leaves the message as it is.
///
/// # Safety
/// `buf` points to `capacity` writable bytes, or is NULL with `capacity` 0.
///
/// Ownership: the caller's buffer. Threads: each has a message of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_error_message(buf: *mut c_char, capacity: usize) -> usize {
    guard("rollgate_error_message", 0, || {
        let message = LAST.try_with(|last| last.borrow().clone()).unwrap_or_default();
        // SAFETY: the caller's promise.
        unsafe { copy_text(&message, buf, capacity) }
    })
}

/// The name of a status, such as "InvalidHandle"; "Ok" for 0, and "" for a number that this version does not know.
///
/// # Safety
/// Any number is fine.
///
/// Ownership: a constant of the library; do not free it. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_status_name(status: u32) -> *const c_char {
    guard("rollgate_status_name", c"".as_ptr(), || {
        let name = ALL.iter().find(|(known, ..)| *known as u32 == status).map(|(_, _, name)| *name);
        name.unwrap_or(if status == 0 { c"Ok" } else { c"" }).as_ptr()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_numbers_of_the_book() {
        let book = include_str!("../../../../tests/spec/errors.toml");
        let field = |line: &str, name: &str| line.strip_prefix(name).map(str::to_owned);
        let numbers: Vec<u16> = book
            .lines()
            .filter_map(|line| field(line, "number = "))
            .map(|text| text.parse().unwrap())
            .collect();
        let names: Vec<String> = book
            .lines()
            .filter_map(|line| field(line, "name = "))
            .map(|text| text.trim_matches('"').to_owned())
            .collect();
        assert_eq!(numbers.len(), names.len());
        for (number, name) in numbers.iter().zip(&names) {
            let (status, kind, known) = ALL
                .iter()
                .find(|(status, ..)| *status as u32 == u32::from(*number))
                .unwrap_or_else(|| panic!("{name}"));
            assert_eq!((kind.number(), known.to_str().unwrap()), (*number, name.as_str()));
            assert_eq!(Status::of(*kind), *status);
        }
        assert_eq!(ALL.len(), numbers.len());
    }
}
