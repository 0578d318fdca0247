//! Status as shape and word, then colour; and the drawings that every page refers to.

use maud::{Markup, PreEscaped, html};

/// What a status says of a thing. The class is the colour; the shape and word carry the meaning without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Holds,
    Fails,
    Weak,
    Unknown,
    Plain,
}

impl Tone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Weak => "weak",
            Self::Unknown => "unk",
            Self::Plain => "plain",
        }
    }

    /// The class inside a figure.
    pub(crate) const fn figure(self) -> &'static str {
        match self {
            Self::Holds => "k-h",
            Self::Fails => "k-f",
            Self::Weak => "k-w",
            Self::Unknown => "k-u",
            Self::Plain => "k-i",
        }
    }

    /// The class of words inside a figure.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Holds => "t-h",
            Self::Fails => "t-f",
            Self::Weak => "t-w",
            Self::Unknown => "t-u",
            Self::Plain => "tq",
        }
    }
}

/// A shape by itself; a word must follow it.
pub(crate) fn shape(name: &str) -> Markup {
    html! { svg.sh aria-hidden="true" { use href={ "#s-" (name) } {} } }
}

/// A shape in the colour of its tone.
pub(crate) fn toned(tone: Tone, name: &str) -> Markup {
    html! { svg.sh.(tone.class()) aria-hidden="true" { use href={ "#s-" (name) } {} } }
}

/// Shape and the name of a thing: the shape is its status, and the name stays when that is unknown.
pub(crate) fn named(tone: Tone, name: &str, of: &str) -> Markup {
    html! { span.st.(tone.class()) data-name { (shape(name)) (of) } }
}

/// Shape and word.
pub(crate) fn status(tone: Tone, name: &str, word: &str) -> Markup {
    html! { span.st.(tone.class()) { (shape(name)) (word) } }
}

/// A shape inside a figure, by its upper left corner.
pub(crate) fn mark(tone: Tone, name: &str, x: f64, y: f64, size: f64) -> Markup {
    html! {
        svg.(tone.figure()) x=(x) y=(y) width=(size) height=(size) { use href={ "#s-" (name) } {} }
    }
}

/// The drawings, once a page.
pub(crate) fn drawings() -> Markup {
    PreEscaped(include_str!("../assets/shapes.svg").to_owned())
}
