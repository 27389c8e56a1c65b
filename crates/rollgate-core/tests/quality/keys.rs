//! Targeting keys of the shapes that hosts use.

use std::fmt::Write as _;

/// A shape of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `1`, `2`, `3`, ...
    Sequential,
    /// `000000000001`, ...
    ZeroPadded,
    /// Random version 4 UUIDs as text.
    Uuid,
    /// Names, a number, one of five domains.
    Email,
    /// 280 bytes that are the same in all, then a number: longer than XXH3's long-input limit of 240.
    LongPrefix,
    /// A counter as four bytes, the lowest first.
    Binary,
    /// Six to nine characters of any plane.
    Unicode,
    /// All keys of one byte and of two, then those of three.
    VeryShort,
}

impl Shape {
    pub(crate) const ALL: [Self; 8] = [
        Self::Sequential,
        Self::ZeroPadded,
        Self::Uuid,
        Self::Email,
        Self::LongPrefix,
        Self::Binary,
        Self::Unicode,
        Self::VeryShort,
    ];

    /// The first `count` keys of this shape, no two the same.
    pub(crate) fn keys(self, count: u32) -> Keys {
        let mut keys = Keys::default();
        let mut random = Random(0x5eed_0000 + self as u64);
        let prefix = "tenants/a-very-large-organisation/regions/eu-central-1/".repeat(6);
        let mut text = String::new();
        for number in 0..count {
            text.clear();
            match self {
                Self::Sequential => write!(text, "{}", number + 1),
                Self::ZeroPadded => write!(text, "{number:012}"),
                Self::Uuid => uuid(&mut text, &mut random),
                Self::Email => email(&mut text, number),
                Self::LongPrefix => write!(text, "{}{number}", &prefix[..280]),
                Self::Unicode => unicode(&mut text, &mut random),
                Self::Binary => {
                    keys.push(&number.to_le_bytes());
                    continue;
                }
                Self::VeryShort => {
                    very_short(&mut keys, number);
                    continue;
                }
            }
            .unwrap();
            keys.push(text.as_bytes());
        }
        keys
    }
}

fn uuid(text: &mut String, random: &mut Random) -> std::fmt::Result {
    let (high, low) = (random.next(), random.next());
    let (first, second, third) = (high >> 32, (high >> 16) & 0xffff, (high & 0x0fff) | 0x4000);
    let fourth = ((low >> 48) & 0x3fff) | 0x8000;
    write!(text, "{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{:012x}", low & 0xffff_ffff_ffff)
}

fn email(text: &mut String, number: u32) -> std::fmt::Result {
    const FIRST: [&str; 8] = ["ann", "bob", "chen", "dora", "emil", "fatima", "grace", "hugo"];
    const LAST: [&str; 5] = ["smith", "garcia", "okafor", "tanaka", "ivanova"];
    const DOMAIN: [&str; 5] =
        ["example.com", "example.org", "mail.example.net", "corp.example", "example.co.uk"];
    let at = |list: &[&'static str], number: u32| list[number as usize % list.len()];
    let (first, last) = (at(&FIRST, number), at(&LAST, number / 8));
    write!(text, "{first}.{last}{}@{}", number / 40, at(&DOMAIN, number / 3))
}

fn unicode(text: &mut String, random: &mut Random) -> std::fmt::Result {
    let mut left = 6 + random.next() % 4;
    while left > 0 {
        // The surrogates are no characters; another is drawn.
        if let Some(character) = char::from_u32((random.next() % 0x11_0000) as u32) {
            text.push(character);
            left -= 1;
        }
    }
    Ok(())
}

fn very_short(keys: &mut Keys, number: u32) {
    const ONE: u32 = 1 << 8;
    const TWO: u32 = ONE + (1 << 16);
    match number {
        0..ONE => keys.push(&[number as u8]),
        ONE..TWO => keys.push(&((number - ONE) as u16).to_le_bytes()),
        _ => keys.push(&(number - TWO).to_le_bytes()[..3]),
    }
}

/// Many keys in one piece of memory, so that a check's time goes into hashing.
#[derive(Default)]
pub(crate) struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Keys {
    fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let key = &self.bytes[start..*end];
            start = *end;
            key
        })
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): no relation of XXH3.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }
}

/// The finishing step of SplitMix64.
pub(crate) const fn mix(state: u64) -> u64 {
    let first = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let second = (first ^ (first >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    second ^ (second >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_comes_twice() {
        for shape in Shape::ALL {
            let keys = shape.keys(200_000);
            let distinct: HashSet<&[u8]> = keys.iter().collect();
            assert_eq!(distinct.len(), 200_000, "{shape:?}");
        }
    }
}
