//! keepalived's language as a tree: a line is a word with its values, and may open a block in braces.

use dinghai_estate::Origin;

/// Blocks inside each other, at most.
const DEEPEST: usize = 32;

/// One line, with its block when it opens one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    pub(super) words: Vec<String>,
    pub(super) inside: Vec<Block>,
    pub(super) origin: Origin,
}

impl Block {
    /// The word at a position; empty when there is none.
    pub(super) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    /// The first line inside that begins with a word.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.inside.iter().find(|line| line.word(0) == name)
    }

    /// The lines inside that begin with a word.
    pub(super) fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'b Self> {
        self.inside.iter().filter(move |line| line.word(0) == name)
    }

    /// The line as it is written.
    pub(super) fn says(&self) -> String {
        self.words.join(" ")
    }
}

/// The lines of a file, each with what is inside it.
pub(super) fn read(path: &str, text: &str) -> Vec<Block> {
    let mut stack: Vec<Vec<Block>> = vec![Vec::new()];
    let mut skipped = 0usize;
    for (line, number) in text.lines().zip(1u32..) {
        let column = line.chars().take_while(|c| c.is_whitespace()).count() + 1;
        let origin = || Origin {
            file: path.to_owned(),
            line: number,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        };
        let mut words: Vec<String> = Vec::new();
        let flush = |words: &mut Vec<String>, stack: &mut Vec<Vec<Block>>| {
            if !words.is_empty()
                && let Some(open) = stack.last_mut()
            {
                open.push(Block { words: std::mem::take(words), inside: Vec::new(), origin: origin() });
            }
        };
        for token in tokens(line) {
            match token.as_str() {
                "{" if skipped > 0 => skipped += 1,
                "}" if skipped > 0 => skipped -= 1,
                _ if skipped > 0 => {}
                "{" => {
                    flush(&mut words, &mut stack);
                    let opens = stack.last().is_some_and(|open| !open.is_empty());
                    if opens && stack.len() < DEEPEST {
                        stack.push(Vec::new());
                    } else {
                        skipped = 1;
                    }
                }
                "}" => {
                    flush(&mut words, &mut stack);
                    close(&mut stack);
                }
                _ => words.push(token),
            }
        }
        if skipped == 0 {
            flush(&mut words, &mut stack);
        }
    }
    while stack.len() > 1 {
        close(&mut stack);
    }
    stack.pop().unwrap_or_default()
}

fn close(stack: &mut Vec<Vec<Block>>) {
    if stack.len() < 2 {
        return;
    }
    let inside = stack.pop().unwrap_or_default();
    if let Some(block) = stack.last_mut().and_then(|open| open.last_mut()) {
        block.inside.extend(inside);
    }
}

fn tokens(line: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut template = 0usize;
    let mut chars = line.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, c) if template > 0 => {
                template = match c {
                    '{' => template + 1,
                    '}' => template - 1,
                    _ => template,
                };
                word.get_or_insert_default().push(c);
            }
            (None, '{') if matches!(chars.peek(), Some('{' | '%')) => {
                template = 1;
                word.get_or_insert_default().push(c);
            }
            (None, '#' | '!') if word.is_none() => break,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '{' | '}') => {
                tokens.extend(word.take());
                tokens.push(c.to_string());
            }
            (None, c) if c.is_whitespace() => tokens.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    tokens.extend(word);
    tokens
}
