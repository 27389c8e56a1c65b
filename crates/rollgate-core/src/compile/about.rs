//! What a plan says of itself as a document.

use super::reader::{Map, Reader};
use crate::snapshot::About;

/// Reads the keys of the document; its date is read with the zone that it is in.
pub(super) fn about(reader: &mut Reader, map: &mut Map<'_>) -> About {
    let mut owners = Vec::new();
    if let Some(item) = map.take("owners") {
        for item in reader.list(&item, "a list of names", 256) {
            owners.extend(reader.text(&item));
        }
    }
    About {
        description: reader.opt_text(map.take("description")),
        revision: reader.opt_text(map.take("revision")),
        date: String::new(),
        owners,
        risk: reader.opt_text(map.take("risk")),
        next_review: reader.opt_text(map.take("next_review")),
    }
}
