//! Rules on attributes, variants, prerequisites, holdbacks and exclusive flags.
//!
//! # Rules
//!
//! A rule says whom it is for, and what they get. The first that matches decides, before the flag's share:
//!
//! ```
//! use rollgate::core::evaluate::{Attribute, Context};
//! use rollgate::{Engine, read::Format};
//!
//! let plan = r#"
//! version: 1
//! name: checkout
//! conditions:
//!   eu: { attribute: country, in: [DE, AT, FR] }
//! flags:
//!   NEW_CART:
//!     share: 0%
//!     rules:
//!       - { name: staff, when: { attribute: mail, ends_with: "@example.com" }, serve: true }
//!       - { name: too old, when: { attribute: app, version_below: 2.1.0 }, serve: false }
//!       - { when: { condition: eu }, share: 100% }
//! "#;
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//! let asked = |attributes: &[(&str, Attribute<'_>)]| {
//!     engine.is_on_for("NEW_CART", &Context::new("user-42").with_attributes(attributes))
//! };
//! assert!(asked(&[("mail", Attribute::Text("ann@example.com"))]));
//! assert!(asked(&[("country", Attribute::Text("DE")), ("app", Attribute::Text("2.1.0"))]));
//! assert!(!asked(&[("country", Attribute::Text("DE")), ("app", Attribute::Text("2.1.0-rc.1"))]));
//! assert!(!asked(&[]));
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! A rule serves `true` (on), `false` (off) or a variant by its name; or it has a `share` of those it matches, `variants`
//! with shares of their own, or both. Whoever its share leaves out gets off, or goes on to the next rule with
//! `otherwise: next`.
//!
//! | operator | holds where the attribute |
//! | --- | --- |
//! | `equals`, `in` | is this text, number or truth value, or one of these; types are kept apart |
//! | `starts_with`, `ends_with`, `contains` | has this text there, or one of these |
//! | `matches` | has a place where the regular expression matches |
//! | `below`, `above`, `at_most`, `at_least` | is a number (or a text that is one) on that side |
//! | `before`, `after`, `not_before`, `not_after` | is a time on that side: RFC 3339 with its offset, a date (00:00 UTC), or milliseconds since the Unix epoch |
//! | `version_equals`, `version_below`, `version_above`, `version_at_most`, `version_at_least` | is a version on that side, strictly by SemVer 2.0.0 |
//! | `in_network` | is an address in this network, or in one of these |
//! | `present` | is there, or is not |
//! | `not_equals`, `not_in`, `not_in_network` | is not what these words say: also where it is missing |
//!
//! `ignore_case: true` compares texts in lower case, letter by letter. Of a list of texts any may pass. An attribute that
//! is missing or of another type passes nothing, but for the opposites. `attribute: targeting_key` is the targeting key.
//! `all`, `any` and `not` group conditions; `condition: NAME` is one of the plan's `conditions`; `flag: F` with `serves`
//! asks another flag.
//!
//! Evaluation reads no clock: a rule on time compares an attribute that the caller gives. Regular expressions become whole
//! automata as the plan is compiled, of at most 1 MiB, so that a match takes no lock and no memory and its time grows with
//! the text alone. What would not fit, look-arounds, and word boundaries of Unicode are refused; `(?-u:\b)` is fine.
//!
//! # Variants
//!
//! A flag that serves more than on and off has `variants` of one type: `boolean`, `string`, `number` or `json`. Whoever is
//! on gets one of them by its share; whoever is off gets the `default`, or without one what the caller brings along:
//!
//! ```
//! use rollgate::core::evaluate::Context;
//! use rollgate::{Engine, read::Format};
//!
//! let plan = "
//! version: 1
//! name: batches
//! flags:
//!   BATCH:
//!     share: 100%
//!     default: small
//!     variants: { small: { value: 10, share: 50% }, large: { value: 200, share: 50% } }
//! ";
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//! let served = engine.serve("BATCH", &Context::new("user-42"));
//! let size = served.number().ok().flatten().unwrap_or(10.0);
//! assert!(size == 10.0 || size == 200.0);
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
//!
//! [`is_on`](crate::Engine::is_on) goes on answering which side a subject is on, whatever it is served: sides are what
//! shares raise, and what gates compare.
//!
//! When shares of variants change, a plan by itself cuts its buckets anew from the first variant to the last, and some
//! subjects get another variant though they need not. `rollgate recut NEW --from OLD` writes `ranges` for the new plan with
//! which exactly half the sum of all differences moves, and no more.
//!
//! # What flags ask of each other
//!
//! `prerequisites: { PAYMENTS: true, THEME: dark }` shuts a flag where others do not serve that: `true` is on, `false` off, a
//! name a variant while on. Circles are refused, and so are flags of which one evaluation would ask more than
//! [`FLAGS_ASKED_MAX`](crate::core::limits::FLAGS_ASKED_MAX).
//!
//! `holdbacks: { winter: { share: 5% } }` is a part of all subjects that gets none of the flags with `holdback: winter`, so
//! that what all of them do together can be measured. No list, rule or operator's share reaches those subjects; 100 % is
//! then everybody but them.
//!
//! `exclusive: { checkout: { NEW_CART: 30%, NEW_PAY: 30% } }` gives flags ranges of one salt's buckets: a subject gets at
//! most one of them, whatever lists and rules say, and the share of each, which is one of all subjects, may grow up to its
//! range. New members go behind the last one; a change of the order deals subjects anew.
//!
//! # Order
//!
//! Final; killed; malformed; disabled; prerequisites; parent; exclusive range; holdback; an operator's share; `always_off`,
//! `always_on`; rules; share; and at last the choice of a variant. `rollgate evaluate --explain` shows every step of one answer.
