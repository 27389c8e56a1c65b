//! Flags of other systems as flags of a plan: Unleash, LaunchDarkly, GrowthBook, flagd.
//!
//! Behind the feature `import`. A text of theirs becomes a [`Config`](crate::core::config::Config) of flags without
//! phases, and [`Note`]s: all that changed, that the plan format cannot say, or that nobody could read. Nothing is left
//! out without one.
//!
//! Every subject stays on its side: shares and variants are hashed by the functions of where they come from
//! (`hash: unleash` and its like), salts and cuts come along. What follows where a thing cannot be said exactly:
//!
//! - An operator that is not known makes its rule not match, and `rollgate check` warns of it.
//! - A flag that cannot be read gives `PARSE_ERROR` and the caller's default; the other flags are whole.
//! - A file that is no JSON, or JSON of another shape, is an error that says what was expected.
//!
//! # How a host gives its context
//! | source | the targeting key is | attributes |
//! | --- | --- | --- |
//! | Unleash | `userId` | `sessionId`, `remoteAddress`, `environment`, `appName`, `currentTime` (evaluation has no clock), `hostname`, and every property by its name, as text |
//! | LaunchDarkly | the key of the context of kind `user` | attributes of `user` by their names; of any other kind with it in front, `org.key` and `org.name`; a member of an object with dots, `address.city`; `kind` |
//! | GrowthBook | the attribute `id` | every other attribute by its name, members of objects with dots |
//! | flagd | `targetingKey` | every other by its name, members with dots; `$flagd.timestamp` in seconds |
//!
//! What is hashed is hashed as text: an attribute that is a number is given as the text of it.
//!
//! ```
//! use rollgate::import::{Source, import};
//!
//! let text = r#"{ "features": [ { "name": "search", "enabled": true, "strategies": [
//!     { "name": "gradualRolloutUserId", "parameters": { "percentage": "50", "groupId": "AB12A" } } ] } ] }"#;
//! let imported = import(Source::Unleash, text, "from-unleash")?;
//! assert!(imported.notes.is_empty());
//! let engine = rollgate::Engine::builder().config(&imported.config)?.build()?;
//! assert!(engine.is_on("search", "122") && !engine.is_on("search", "155"));
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```

mod draft;
mod fields;
mod flagd;
mod growthbook;
mod imported;
mod launchdarkly;
mod settle;
mod unleash;
mod words;

pub use imported::{Imported, Note, NoteKind, Source, import};
