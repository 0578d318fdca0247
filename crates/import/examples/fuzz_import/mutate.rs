//! Files that people wrote, made hostile: a few changes at a time, each of a kind that breaks parsers.
//!
//! The same seed makes the same files, so an input is known by its number.

use dinghai_clock::Rng;
use dinghai_import::SourceFile;

/// The longest that a file grows to, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;

/// What parsers trip over, of all formats.
const WORDS: &[&str] = &[
    "${",
    "}",
    "%{ for x in y }",
    "%{ endfor }",
    "%{ if",
    "<<-EOT\n",
    "EOT\n",
    "\"",
    "'",
    "\\",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "#",
    "//",
    "/*",
    "*/",
    ":",
    ": ",
    "- ",
    "? ",
    "| ",
    "> ",
    "|+\n",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!binary ",
    "!<tag:x> ",
    "---\n",
    "...\n",
    "%YAML 9.9\n",
    "\t",
    "\r",
    "\r\n",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "é",
    "区",
    "😀",
    "null",
    "~",
    "true",
    "yes",
    "NaN",
    ".inf",
    "0x7fffffff",
    "-1",
    "0",
    "1e308",
    "4294967296",
    "9223372036854775808",
    "18446744073709551616",
    "999999999999999999999999999999",
    "3.5",
    "1m",
    "10y",
    "count = 1000000000\n",
    "for_each = toset([])\n",
    "count.index",
    "each.value",
    "var.x",
    "local.x",
    "module.x.y",
    "x[*].y[0]",
    "data.x.y.z",
    "jsonencode(",
    "range(1e9)",
    "replicas: 2147483648\n",
    "matchLabels: {}\n",
    "namespace: \n",
    "depends_on: [a, a]\n",
    "extends: { file: ./compose.yaml, service: a }\n",
    "include: [.]\n",
    "resources: [.]\n",
    "source = \"./\"\n",
    "source = \"../\"\n",
    "include *;\n",
    "server {",
    "upstream a {",
    "backend a\n",
    "default-server inter 1ms\n",
    "server-template a 1000000 b:1\n",
    "vrrp_instance a {\n",
    "priority 256\n",
    "ttl: -1\n",
    "localhost:99999",
    "[::1]:80",
    "http://a:b@c:1/",
    "../../../../etc/passwd",
    "\u{1b}[2J",
];

/// A source of hostile files.
pub(crate) struct Mutator {
    rng: Rng,
}

impl Mutator {
    /// The one of that seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self { rng: Rng::seeded(seed) }
    }

    /// A number in `0..bound`, or 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.rng.below(bound as u64)).unwrap_or(0)
    }

    /// Changes one to four of the files that `may` be changed; gives back which. `others` lend parts of themselves.
    pub(crate) fn spoil(
        &mut self,
        files: &mut [SourceFile],
        others: &[SourceFile],
        may: impl Fn(&SourceFile) -> bool,
    ) -> Vec<usize> {
        let mut spoilt = Vec::new();
        let open: Vec<usize> = (0..).zip(&*files).filter(|(_, file)| may(file)).map(|(at, _)| at).collect();
        for _ in 0..=self.below(3) {
            let at = self.below(open.len());
            let Some(at) = open.get(at).copied() else { continue };
            let Some(file) = files.get_mut(at) else { continue };
            let mut bytes = std::mem::take(&mut file.text).into_bytes();
            for _ in 0..=self.below(6) {
                self.change(&mut bytes, others);
                bytes.truncate(LONGEST);
            }
            file.text = String::from_utf8_lossy(&bytes).into_owned();
            spoilt.push(at);
        }
        // The text of one format under the name of another.
        if self.below(8) == 0
            && let Some(other) = self.rng.pick(others)
            && files.iter().all(|file| file.path != other.path)
        {
            let at = self.below(files.len());
            files.get_mut(at).into_iter().for_each(|file| file.path.clone_from(&other.path));
        }
        spoilt
    }

    fn change(&mut self, bytes: &mut Vec<u8>, others: &[SourceFile]) {
        let at = self.below(bytes.len() + 1);
        match self.below(16) {
            0 => {
                let bit = self.below(8);
                bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << bit);
            }
            1 => {
                let end = (at + self.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            2 => bytes.truncate(at),
            3 => {
                let part = self.part(bytes);
                insert(bytes, at, &part);
            }
            4 => {
                let times = 1 << self.below(8);
                let part = self.part(bytes).repeat(times);
                insert(bytes, at, &part);
            }
            5 | 6 => {
                let other =
                    self.rng.pick(others).map(|other| other.text.clone().into_bytes()).unwrap_or_default();
                let part = self.part(&other);
                insert(bytes, at, &part);
            }
            7 => self.lines(bytes, |lines, one, other| lines.swap(one, other)),
            8 => self.lines(bytes, |lines, one, _| drop(lines.remove(one))),
            9 => self.lines(bytes, |lines, one, other| {
                let line = lines.get(one).cloned().unwrap_or_default();
                lines.insert(other, line);
            }),
            10 => self.lines(bytes, |lines, one, other| {
                let line = lines.get_mut(one).map(std::mem::take).unwrap_or_default();
                let moved = [&b"  ".repeat(other % 4)[..], line.trim_ascii_start()].concat();
                lines.get_mut(one).into_iter().for_each(|line| line.clone_from(&moved));
            }),
            11 => self.number(bytes, at),
            12 => {
                let deep = self.deep();
                insert(bytes, at, &deep);
            }
            _ => {
                let word = self.rng.pick(WORDS).copied().unwrap_or_default();
                insert(bytes, at, word.as_bytes());
            }
        }
    }

    /// A short run of bytes out of it, or some whole lines.
    fn part(&mut self, bytes: &[u8]) -> Vec<u8> {
        let from = self.below(bytes.len() + 1);
        let length = if self.below(2) == 0 { self.below(32) } else { self.below(1024) };
        bytes.iter().skip(from).take(length).copied().collect()
    }

    fn lines(&mut self, bytes: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Vec<u8>>, usize, usize)) {
        let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        let (one, other) = (self.below(lines.len()), self.below(lines.len()));
        change(&mut lines, one, other);
        *bytes = lines.join(&b'\n');
    }

    /// Puts an extreme number where the next digits stand.
    fn number(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let Some(from) = bytes.iter().skip(at).position(u8::is_ascii_digit).map(|found| at + found) else {
            return;
        };
        let length = bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
        let extremes =
            ["0", "-1", "1", "65536", "2147483648", "4294967295", "18446744073709551615", "1e400", ""];
        let number = self.rng.pick(&extremes).copied().unwrap_or_default();
        bytes.splice(from..from + length, number.bytes());
    }

    /// Something nested in itself, from a few times to very often.
    fn deep(&mut self) -> Vec<u8> {
        let times = 1_usize << self.below(17);
        let openers = [
            "[", "{", "(", "{\"a\":", "- ", "[[", "${", "\"${", "a {\n", "!", "-", "1+", "x ? 1 : ", "f(",
            "a.", "a[", "{ a: ", "&a [*a, ",
        ];
        let opener = self.rng.pick(&openers).copied().unwrap_or_default();
        if self.below(4) > 0 {
            return opener.repeat(times).into_bytes();
        }
        // A staircase of indentation, as YAML nests.
        let steps = times.min(600);
        (0..steps).flat_map(|step| format!("{}a:\n", " ".repeat(step)).into_bytes()).collect()
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    let at = at.min(bytes.len());
    bytes.splice(at..at, part.iter().copied());
}
