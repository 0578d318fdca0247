//! nginx's language as a tree of directives: words, `;`, and blocks in braces.
//!
//! Tolerant: a file that breaks off keeps what came before, a brace too many is passed over, and what is nested deeper than
//! [`DEEPEST`] is left out. Lua blocks are not nginx's language and are skipped by their braces.

use dinghai_estate::Origin;

/// Blocks inside each other, at most.
const DEEPEST: usize = 64;

/// One directive with its arguments, and its block when it has one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) args: Vec<String>,
    pub(super) block: Option<Vec<Directive>>,
    pub(super) origin: Origin,
}

impl Directive {
    /// The argument at a position; empty when there is none.
    pub(super) fn arg(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }

    /// The value of an argument `key=value`.
    pub(super) fn option(&self, key: &str) -> Option<&str> {
        self.args
            .iter()
            .find_map(|arg| arg.split_once('=').filter(|(name, _)| *name == key))
            .map(|(_, value)| value)
    }

    /// Whether an argument stands there as it is.
    pub(super) fn has(&self, word: &str) -> bool {
        self.args.iter().any(|arg| arg == word)
    }

    /// The directives of its block.
    pub(super) fn inside(&self) -> &[Self] {
        self.block.as_deref().unwrap_or(&[])
    }

    /// The directive as it is written, without its block.
    pub(super) fn says(&self) -> String {
        std::iter::once(self.name.as_str())
            .chain(self.args.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Open,
    Close,
    End,
}

/// The directives of a file.
pub(super) fn read(path: &str, text: &str) -> Vec<Directive> {
    let mut stack: Vec<(Option<Directive>, Vec<Directive>)> = vec![(None, Vec::new())];
    let mut words: Vec<(String, Origin)> = Vec::new();
    let mut skipped = 0usize;
    for (token, line, column) in tokens(text) {
        let origin = || Origin { file: path.to_owned(), line, column };
        if skipped > 0 {
            match token {
                Token::Open => skipped += 1,
                Token::Close => skipped -= 1,
                Token::Word(_) | Token::End => {}
            }
            continue;
        }
        match token {
            Token::Word(word) => words.push((word, origin())),
            Token::End => {
                if let Some(directive) = directive(&mut words, None) {
                    push(&mut stack, directive);
                }
            }
            Token::Open => {
                let lua = words.first().is_some_and(|(word, _)| word.ends_with("_by_lua_block"));
                match directive(&mut words, Some(Vec::new())) {
                    Some(directive) if !lua && stack.len() < DEEPEST => {
                        stack.push((Some(directive), Vec::new()))
                    }
                    _ => skipped = 1,
                }
            }
            Token::Close => {
                words.clear();
                if stack.len() > 1 {
                    close(&mut stack);
                }
            }
        }
    }
    while stack.len() > 1 {
        close(&mut stack);
    }
    stack.pop().map(|(_, directives)| directives).unwrap_or_default()
}

fn directive(words: &mut Vec<(String, Origin)>, block: Option<Vec<Directive>>) -> Option<Directive> {
    let mut words = std::mem::take(words).into_iter();
    let (name, origin) = words.next()?;
    Some(Directive { name, args: words.map(|(word, _)| word).collect(), block, origin })
}

fn push(stack: &mut [(Option<Directive>, Vec<Directive>)], directive: Directive) {
    if let Some((_, directives)) = stack.last_mut() {
        directives.push(directive);
    }
}

fn close(stack: &mut Vec<(Option<Directive>, Vec<Directive>)>) {
    if let Some((Some(mut directive), inside)) = stack.pop() {
        directive.block = Some(inside);
        push(stack, directive);
    }
}

fn tokens(text: &str) -> Vec<(Token, u32, u32)> {
    let mut tokens = Vec::new();
    let mut word: Option<(String, u32, u32)> = None;
    let (mut line, mut column) = (1u32, 0u32);
    let (mut quote, mut comment, mut braces) = (None, false, 0usize);
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        column = column.saturating_add(1);
        let here = (line, column);
        if c == '\n' {
            (line, column) = (line.saturating_add(1), 0);
            comment = false;
        }
        if comment {
            continue;
        }
        let begun = word.is_some();
        let mut grow =
            |c: Option<char>| word.get_or_insert_with(|| (String::new(), here.0, here.1)).0.extend(c);
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), '\\') | (None, '\\') => {
                column = column.saturating_add(1);
                let next = chars.next();
                line = line.saturating_add(u32::from(next == Some('\n')));
                grow(next);
            }
            (Some(_), c) => grow(Some(c)),
            // `${name}` and a template's `{{ name }}` are parts of words.
            (None, c) if braces > 0 => {
                braces = match c {
                    '{' => braces + 1,
                    '}' => braces - 1,
                    '\n' => 0,
                    _ => braces,
                };
                grow(Some(c));
            }
            (None, '$') if chars.peek() == Some(&'{') => {
                grow(Some('$'));
                grow(chars.next());
                column = column.saturating_add(1);
                braces = 1;
            }
            (None, '{') if chars.peek() == Some(&'{') => {
                grow(Some('{'));
                grow(chars.next());
                column = column.saturating_add(1);
                braces = 2;
            }
            (None, '"' | '\'') if !begun => {
                quote = Some(c);
                word = Some((String::new(), line, column));
            }
            (None, '#') if !begun => comment = true,
            (None, c) if c.is_whitespace() || matches!(c, '{' | '}' | ';') => {
                tokens.extend(word.take().map(|(text, line, column)| (Token::Word(text), line, column)));
                let mark = match c {
                    '{' => Some(Token::Open),
                    '}' => Some(Token::Close),
                    ';' => Some(Token::End),
                    _ => None,
                };
                tokens.extend(mark.map(|mark| (mark, here.0, here.1)));
            }
            (None, c) => grow(Some(c)),
        }
    }
    tokens
}
