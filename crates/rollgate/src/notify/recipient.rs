//! One message to many people: filling `{recipient.…}`.

use rollgate_core::decide::Delivery;
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::id::Key;

const OPEN: &str = "{recipient.";

/// The same notice for one recipient: every `{recipient.FIELD}` of subject and text filled with the recipient's own.
///
/// ```
/// use rollgate::notify::{Delivery, SendError, for_recipient};
///
/// fn mail(notice: &Delivery) -> Result<(), SendError> {
///     for (name, address) in [("Ada", "ada@example.org")] {
///         let mail = for_recipient(notice, &[("name", name)]).map_err(|error| error.to_string())?;
///         println!("To: {address}\nSubject: {}\n\n{}", mail.subject.as_ref().map_or("", |s| s.as_str()), mail.message);
///     }
///     Ok(())
/// }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] for a field that is not among `fields`: nobody should get a letter that begins with
/// `Hi {recipient.name}`.
pub fn for_recipient(notice: &Delivery, fields: &[(&str, &str)]) -> Result<Delivery, Error> {
    let subject = match &notice.subject {
        // A name with a line's end in it must not begin another header.
        Some(text) => Some(Key::new(fill(text.as_str(), fields)?.replace(|c: char| c.is_control(), " "))),
        None => None,
    };
    let message = Key::new(fill(notice.message.as_str(), fields)?);
    Ok(Delivery { subject, message, ..notice.clone() })
}

fn fill(text: &str, fields: &[(&str, &str)]) -> Result<String, Error> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push_str(OPEN);
            rest = after;
            continue;
        };
        let Some((_, value)) = fields.iter().find(|(field, _)| *field == name) else {
            let known: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format_args!("nothing fills `{OPEN}{name}}}`; given are: {}", known.join(", ")),
            ));
        };
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}
