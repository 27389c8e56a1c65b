//! Files of the corpus, changed a little: whatever comes of it, the importer gives a plan that compiles, or says why not.
//!
//! No substitute for the fuzz target, which knows what its bytes reach; this runs with the stable compiler, in every test.

use std::path::Path;

use rollgate_tests::fuzzed::import_file;

/// How many changed files are tried; `ROLLGATE_MUTATIONS` asks for more.
const TRIES: u64 = 1_500;

/// A small generator (SplitMix64): the same files every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}

/// The beginnings and ends of texts, numbers, words and marks: what JSON is made of.
fn pieces(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'"' => {
                let mut end = at + 1;
                while end < bytes.len() && bytes[end] != b'"' {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                (end + 1).min(bytes.len())
            }
            letter if letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'.' => {
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-.+".contains(byte);
                at + bytes[at..].iter().take_while(|byte| is_word(byte)).count()
            }
            _ => at + 1,
        };
        found.push((at, end));
        at = end;
    }
    found
}

/// Words that stand where another stood.
const WORDS: [&str; 16] = [
    "null",
    "true",
    "0",
    "-1",
    "1e300",
    "0.1",
    "99999999999",
    "\"\"",
    "\"a b\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "[[]]",
    "{\"$ref\":\"a\"}",
    "\"targetingKey\"",
    "\"[\"",
];

fn changed(file: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=dice.below(3) {
        let found = pieces(&bytes[1..]);
        let Some((from, to)) = found.get(dice.below(found.len())).map(|(from, to)| (from + 1, to + 1)) else {
            break;
        };
        let theirs = pieces(&other[1..]);
        let replaced: Vec<u8> = match dice.below(5) {
            0 => Vec::new(),
            1 => WORDS[dice.below(WORDS.len())].into(),
            2 => theirs
                .get(dice.below(theirs.len()))
                .map_or(Vec::new(), |(from, to)| other[from + 1..to + 1].to_vec()),
            3 => found
                .get(dice.below(found.len()))
                .map_or(Vec::new(), |(from, to)| bytes[from + 1..to + 1].to_vec()),
            _ => [&bytes[from..to], &bytes[from..to]].concat(),
        };
        bytes.splice(from..to, replaced);
    }
    bytes
}

#[test]
fn files_that_were_changed_a_little_break_nothing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/import");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let files: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let tries = std::env::var("ROLLGATE_MUTATIONS").map_or(TRIES, |count| count.parse().unwrap());
    for seed in 0..tries {
        let mut dice = Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let file = &files[dice.below(files.len())];
        let other = &files[dice.below(files.len())];
        let bytes = changed(file, other, &mut dice);
        if std::panic::catch_unwind(|| import_file(&bytes)).is_err() {
            panic!("seed {seed}: {}", String::from_utf8_lossy(&bytes));
        }
    }
}
