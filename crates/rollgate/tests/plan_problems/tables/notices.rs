//! What can be wrong with notices, and with the channels and values that they name.

use super::Case;

pub(super) const NOTICES: &[Case] = &[
    ("{next.title} follows", "{next.name} follows", "unknown-placeholder", "notices[0].message"),
    ("when: phase_passed", "when: completed", "unknown-placeholder", "notices[0].message"),
    ("channels: [chat], ", "", "missing-key", "notices[0]"),
    ("channels: [chat], ", "channels: [], ", "missing-key", "notices[0]"),
    ("when: phase_passed, ", "", "missing-key", "notices[0]"),
    ("when: phase_passed, ", "when: {}, ", "missing-key", "notices[0].when"),
    ("when: phase_passed, ", "when: phase_failed, ", "wrong-value", "notices[0].when"),
    (", message: \"{phase.title} passed, {next.title} follows\"", "", "missing-key", "notices[0]"),
    (
        "\"{phase.title} passed, {next.title} follows\"",
        "\"half a {brace\"",
        "unknown-placeholder",
        "notices[0].message",
    ),
    (
        "when: phase_passed, channels: [chat], message: \"{phase.title} passed, {next.title} follows\"",
        "when: { before_start: 1d }, channels: [chat], message: \"from {date} on\"",
        "unknown-placeholder",
        "notices[0].message",
    ),
    ("notices:\n", "channels: { mail: {} }\nnotices:\n", "unknown-channel", "notices[0].channels[0]"),
    ("notices:\n", "values: { phase.id: x }\nnotices:\n", "reserved-name", "values.phase.id"),
    (
        "notices:\n",
        "notices:\n  - { when: phase_passed, channels: [chat], message: \"{phase.title} passed, {next.title} follows\" }\n",
        "duplicate-notice",
        "notices[1]",
    ),
    (
        "\"{phase.title} passed, {next.title} follows\"",
        "\"Hi {recipient.name}\"",
        "no-recipient",
        "notices[0].message",
    ),
    (
        "channels: [chat], ",
        "channels: [chat], subject: \"two\\nlines\", ",
        "not-one-line",
        "notices[0].subject",
    ),
    (
        "\"{phase.title} passed, {next.title} follows\"",
        "\"Dear [Team Name]\"",
        "unknown-placeholder",
        "notices[0].message",
    ),
];
