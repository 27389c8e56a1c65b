//! Notices as events of the `tracing` crate.

use rollgate_core::decide::Delivery;

use super::{SendError, Sink};

/// Emits each notice as one `tracing` event of target `rollgate::notice`: a warning where it is urgent, else of level info.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traced;

impl Sink for Traced {
    fn send(&self, notice: &Delivery) -> Result<(), SendError> {
        macro_rules! emit {
            ($level:ident) => {
                tracing::$level!(
                    target: "rollgate::notice",
                    id = notice.id.as_str(),
                    plan = notice.plan.as_str(),
                    when = notice.when.as_str(),
                    channel = notice.channel.as_str(),
                    audience = notice.audience.as_str(),
                    late = notice.late,
                    attempt = notice.attempt,
                    subject = notice.subject.as_ref().map(rollgate_core::id::Key::as_str),
                    "{}",
                    notice.message
                )
            };
        }
        if notice.urgent {
            emit!(warn);
        } else {
            emit!(info);
        }
        Ok(())
    }
}
