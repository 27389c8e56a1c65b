//! Alerts of the program.

use std::ffi::c_char;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::snapshot::Severity as CoreSeverity;

use super::error::Status;
use super::guard::status;
use super::handle::EngineHandle;
use super::slots::hold;
use super::text::text;

/// How bad an alert is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Somebody should know.
    Info = 0,
    /// Somebody should look.
    Warning = 1,
    /// Somebody should get up.
    Critical = 2,
}

/// Makes alerts live: that there are none is evidence from here on. The two functions below do it too.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_alerts_watch(engine: EngineHandle) -> Status {
    status("rollgate_alerts_watch", || {
        hold(engine.id)?.alerts();
        Ok(())
    })
}

/// Opens an alert; an id that is open counts once. Triggers on alerts are judged before the call returns.
///
/// `severity` is one of `ROLLGATE_SEVERITY_...`. `INVALID_ARGUMENT` for another number, or an id that is empty or longer
/// than 256 bytes.
///
/// # Safety
/// `id` points to `len` readable bytes.
///
/// Ownership: borrows `id`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_alert_open(
    engine: EngineHandle,
    severity: u32,
    id: *const c_char,
    len: usize,
) -> Status {
    status("rollgate_alert_open", || {
        let severity = match severity {
            0 => CoreSeverity::Info,
            1 => CoreSeverity::Warning,
            2 => CoreSeverity::Critical,
            other => {
                let why = format!("severity: expected a ROLLGATE_SEVERITY_..., found {other}");
                return Err(Error::new(ErrorKind::InvalidArgument, why));
            }
        };
        // SAFETY: the caller's promise.
        let id = unsafe { text("id", id, len) }?;
        hold(engine.id)?.alerts().open_alert(severity, id)
    })
}

/// Closes an alert; one that is not open is left alone.
///
/// # Safety
/// `id` points to `len` readable bytes.
///
/// Ownership: borrows `id`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_alert_close(engine: EngineHandle, id: *const c_char, len: usize) -> Status {
    status("rollgate_alert_close", || {
        // SAFETY: the caller's promise.
        let id = unsafe { text("id", id, len) }?;
        hold(engine.id)?.alerts().close_alert(id);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_have_their_numbers() {
        let numbers = [Severity::Info, Severity::Warning, Severity::Critical].map(|severity| severity as u32);
        assert_eq!(numbers, [0, 1, 2]);
    }
}
