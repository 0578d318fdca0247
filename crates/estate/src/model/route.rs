//! What a route asks of a request, and what it does to requests and answers on their way.

use serde::{Deserialize, Serialize};

use crate::{ListenerId, Origin, RouteId};

/// How a route's path is compared with a request's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathKind {
    /// The request's path is it or stands below it, at a `/` border.
    #[default]
    Prefix,
    /// The request's path is it, to the letter.
    Exact,
    /// It is a regular expression that the whole of the request's path fits.
    Regex,
}

/// What a route asks of a request beside its host and path. What is empty asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct When {
    /// How the path is compared.
    pub path: PathKind,
    /// The method is one of these.
    pub methods: Vec<String>,
    /// Every one of these holds.
    pub headers: Vec<HeaderRule>,
}

impl When {
    /// How much it asks. Of two routes with one host and path the one that asks more is looked at first.
    pub fn demands(&self) -> usize {
        self.headers.len() + usize::from(!self.methods.is_empty())
    }
}

/// One header field as a route wants it. A field that is sent several times fits when one of its values does.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HeaderRule {
    /// The field's name, in small letters.
    pub name: String,
    /// What is wanted of it.
    pub wants: HeaderWants,
}

/// What is wanted of a header field.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderWants {
    /// This value, to the letter.
    Exact(String),
    /// A value that begins so.
    Prefix(String),
    /// A value that as a whole fits this regular expression.
    Regex(String),
    /// Any value.
    Present,
    /// That it is not sent.
    Absent,
}

/// A route's part of the requests that it shares with routes that ask the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Split {
    /// Its part, in proportion to the other parts.
    pub weight: u32,
    /// What keeps a client on its side.
    pub sticky: Option<Sticky>,
}

impl Default for Split {
    fn default() -> Self {
        Self { weight: 1, sticky: None }
    }
}

/// What keeps a client on its side of a split: requests with the same value go to the same side. Requests without it
/// are dealt by chance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sticky {
    /// The value of this cookie.
    Cookie(String),
    /// The value of this header field, in small letters.
    Header(String),
}

/// What a route changes in requests and answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edits {
    /// What stands in place of the route's own path: of the prefix, of the whole exact path, or what the expression
    /// makes of it (`$1`, `${name}`).
    pub rewrite: Option<String>,
    /// Changes of a request's header fields.
    pub request: HeaderEdits,
    /// Changes of an instance's answer's header fields.
    pub response: HeaderEdits,
}

/// Changes of header fields: what is removed goes first, then what is set, then what is appended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeaderEdits {
    /// Fields with these values and no others of the name.
    pub set: Vec<(String, String)>,
    /// Fields beside those that are there.
    pub append: Vec<(String, String)>,
    /// Fields that do not pass, in small letters.
    pub remove: Vec<String>,
}

/// Requests that are sent elsewhere by the gateway itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// Its name, unique among the routes of its gateway.
    pub id: RouteId,
    /// The listener it belongs to.
    pub listener: ListenerId,
    /// The host it is for, as for routes.
    pub host: Option<String>,
    /// The path it is for.
    pub path: String,
    /// What else it asks.
    pub when: When,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// The scheme to go to; the request's own where it is not stated.
    pub scheme: Option<String>,
    /// The host to go to, with its port where that is not the scheme's; the request's own where it is not stated.
    pub to_host: Option<String>,
    /// The path to go to.
    pub to_path: Option<PathChange>,
    /// Where it is declared.
    #[serde(default)]
    pub origin: Origin,
}

/// What becomes of the path of a redirected request. The query stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathChange {
    /// This path, whatever the request's was.
    Whole(String),
    /// This in place of the route's prefix.
    Prefix(String),
}

/// The most memory that one compiled expression may take, in bytes. Expressions that would need more are refused.
const EXPRESSION_BYTES: usize = 256 << 10;

/// Compiles an expression that has to fit a whole text. The error says what is wrong with it, in one line.
pub fn whole_expression(text: &str) -> Result<regex::Regex, String> {
    let compile = |text: &str| {
        let mut builder = regex::RegexBuilder::new(text);
        builder.size_limit(EXPRESSION_BYTES).dfa_size_limit(EXPRESSION_BYTES).nest_limit(50);
        builder.build().map_err(|error| plain(&error))
    };
    // Alone first: `a)|(b` would close our bracket and be no whole expression any more.
    compile(text)?;
    compile(&format!("^(?:{text})$"))
}

fn plain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            format!("needs more than {} KiB when it is compiled", EXPRESSION_BYTES >> 10)
        }
        // The last line of a syntax error says what is wrong; those before it show where.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

/// Whether a gateway lets a route change this field. Those that frame a message, belong to one connection, or say who
/// asks are its own.
pub fn is_editable(name: &str) -> bool {
    const OWN: [&str; 17] = [
        "connection",
        "content-length",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "date",
    ];
    !OWN.iter().any(|own| name.eq_ignore_ascii_case(own))
}
