//! HAProxy's sections: which proxies there are, with the settings that apply to each.

use std::collections::BTreeMap;

use dinghai_estate::{Handling, Origin};

use super::settings::{Params, Said, Settings};
use super::words::{Line, Word, lines};
use crate::SourceFile;
use crate::fragment::Fragment;

/// What a proxy section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Frontend,
    Backend,
    Listen,
}

/// One frontend, backend or listen section.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) binds: Vec<Said<Word>>,
    pub(super) servers: Vec<Server>,
    /// Backends that it sends requests to, by name.
    pub(super) uses: Vec<Said<Word>>,
    /// Whether it shows statistics.
    pub(super) stats: bool,
    pub(super) disabled: bool,
    pub(super) origin: Origin,
}

/// One `server` or `server-template` line.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) name: String,
    pub(super) address: Word,
    pub(super) params: Params,
    /// Whether names are filled in by a resolver: how many there are is not in the file.
    pub(super) template: bool,
    pub(super) origin: Origin,
}

const SECTIONS: [&str; 19] = [
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "peers",
    "resolvers",
    "mailers",
    "userlist",
    "program",
    "http-errors",
    "ring",
    "log-forward",
    "cache",
    "fcgi-app",
    "crt-list",
    "crt-store",
    "traces",
    "log-profile",
];

pub(super) fn is_section(word: &str) -> bool {
    SECTIONS.contains(&word)
}

/// The proxies of a file.
pub(super) fn read(fragment: &mut Fragment, file: &SourceFile) -> Vec<Proxy> {
    let mut proxies: Vec<Proxy> = Vec::new();
    let mut defaults = Settings::default();
    let mut named: BTreeMap<String, Settings> = BTreeMap::new();
    let mut section = Inside::Other;
    let mut conditions = 0usize;
    for line in lines(&file.path, &file.text) {
        match line.word(0) {
            ".if" => {
                if conditions == 0 {
                    fragment.unseen(line.origin.clone(), "what stands between `.if` and `.endif` depends on how HAProxy is started, and is left out");
                }
                conditions += 1;
            }
            ".endif" => conditions = conditions.saturating_sub(1),
            word if word.starts_with("{%") => {
                fragment.unseen(line.origin.clone(), "a template: render it first and check what comes out");
            }
            _ if conditions > 0 => {}
            word if is_section(word) => {
                let from = line.words.iter().position(|word| word.text == "from").map(|at| line.word(at + 1));
                let inherited = from.and_then(|name| named.get(name)).unwrap_or(&defaults).clone();
                section = match word {
                    "defaults" => {
                        defaults = if from.is_some() { inherited } else { Settings::default() };
                        Inside::Defaults(line.word(1).to_owned())
                    }
                    "frontend" | "backend" | "listen" => {
                        proxies.push(Proxy::new(&line, inherited));
                        Inside::Proxy
                    }
                    _ => Inside::Other,
                };
            }
            _ => {
                let unread = match &section {
                    Inside::Defaults(name) => {
                        let unread = defaults.take(&line);
                        named.insert(name.clone(), defaults.clone());
                        unread
                    }
                    Inside::Proxy => proxies.last_mut().is_some_and(|proxy| proxy.take(&line)),
                    Inside::Other => false,
                };
                if unread {
                    fragment.unseen(
                        line.origin.clone(),
                        format!("a value of `{}` cannot be worked out from the file", line.word(0)),
                    );
                    fragment.count("haproxy setting", Handling::Unknown);
                }
            }
        }
    }
    proxies
}

enum Inside {
    Defaults(String),
    Proxy,
    Other,
}

impl Proxy {
    fn new(line: &Line, settings: Settings) -> Self {
        let kind = match line.word(0) {
            "frontend" => Kind::Frontend,
            "backend" => Kind::Backend,
            _ => Kind::Listen,
        };
        let mut proxy = Self {
            kind,
            name: line.word(1).to_owned(),
            settings,
            binds: Vec::new(),
            servers: Vec::new(),
            uses: Vec::new(),
            stats: false,
            disabled: false,
            origin: line.origin.clone(),
        };
        // Old files name the address behind the proxy's name.
        if let Some(address) =
            line.words.get(2).filter(|word| word.text.contains(':') && kind != Kind::Backend)
        {
            proxy.binds.push(Said { value: address.clone(), says: line.says(), origin: line.origin.clone() });
        }
        proxy
    }

    fn take(&mut self, line: &Line) -> bool {
        let said = |at: usize| {
            let value = line.words.get(at).cloned()?;
            Some(Said {
                value,
                says: format!("{} {}", line.word(0), line.word(1)),
                origin: line.origin.clone(),
            })
        };
        match line.word(0) {
            "bind" => self.binds.extend(said(1)),
            "default_backend" | "use_backend" => self.uses.extend(said(1)),
            "stats" => self.stats |= matches!(line.word(1), "enable" | "uri" | "realm" | "auth" | "admin"),
            "http-request" => self.stats |= line.words.iter().any(|word| word.text == "prometheus-exporter"),
            "disabled" => self.disabled = true,
            "server" | "server-template" => {
                let template = line.word(0) == "server-template";
                let at = if template { 3 } else { 2 };
                let Some(address) = line.words.get(at).cloned() else { return true };
                let mut params = self.settings.servers.clone();
                let unread = params.take(line, at + 1);
                let (name, origin) = (line.word(1).to_owned(), line.origin.clone());
                self.servers.push(Server { name, address, params, template, origin });
                return unread;
            }
            _ => return self.settings.take(line),
        }
        false
    }
}
