//! What an error of Redis means here.

use redis::{ErrorKind as Kind, RedisError, ServerErrorKind};
use rollgate_core::error::{Error, ErrorKind};

use super::address::Address;
use super::scripts::{LAYOUT, LAYOUT_TOO_NEW, PARTS_LOST};

/// The store cannot be used now.
pub(super) fn away(at: &Address, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::StoreAway, format_args!("the store {at} is away: {what}"))
}

/// What does not fit, and how to go on.
pub(super) fn damaged(at: &Address, what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::StoreDamaged,
        format_args!(
            "the store {at} is damaged: {what}. Nothing was written to it. Restore the server from a good copy, or give the \
             plan a store of another name; the keys stay readable with redis-cli"
        ),
    )
}

/// A later version of rollgate wrote the keys.
pub(super) fn too_new(at: &Address, layout: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::StoreTooNew,
        format_args!(
            "the store {at} was written by a later version of rollgate (layout {layout}; this one knows up to {LAYOUT}). \
             Nothing was written to it; use that version, or a store of another name"
        ),
    )
}

fn refused(at: &Address) -> Error {
    away(at, "the server refuses the user or the password, or wants one; they stand in the URL")
}

/// What an error means: the keys are not what they were, or the server cannot be reached or does not want to.
pub(super) fn meaning(at: &Address, error: &RedisError) -> Error {
    let detail = error.detail().unwrap_or_default();
    match (error.kind(), error.code()) {
        (_, Some(LAYOUT_TOO_NEW)) => too_new(at, detail.split(' ').next().unwrap_or_default()),
        (_, Some(PARTS_LOST)) => {
            away(at, "the server has lost windows that were sent in parts; they are sent again")
        }
        (_, Some("WRONGTYPE")) => {
            damaged(at, "one of its keys is of another kind: another program writes there")
        }
        (Kind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => refused(at),
        // What a server without a password from us says to a command as long as a script's.
        _ if detail.contains("unauthenticated") => refused(at),
        (Kind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::CrossSlot), _) => {
            away(
                at,
                format_args!(
                    "this node of a cluster does not have these keys; name the one that has ({detail})"
                ),
            )
        }
        (Kind::Io, _) if error.is_timeout() => {
            away(at, format_args!("no answer within {} ms", at.answer.as_millis()))
        }
        // Of the client's own errors the text has no part of the URL; what the server says is quoted.
        _ => away(at, error),
    }
}
