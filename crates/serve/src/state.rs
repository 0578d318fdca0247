//! What every handler shares.

use std::path::PathBuf;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use dinghai_access::{Action, Resource};
use dinghai_engine::Handle;
use dinghai_pages::{Format, Language, Scene, Theme, Visitor};
use dinghai_ports::StoreState;

use crate::door::{Guest, cookie};
use crate::sessions::Sessions;

/// What every handler shares.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) handle: Handle,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) data_dir: Arc<PathBuf>,
    pub(crate) zone: jiff::tz::TimeZone,
}

/// The values of a scene, held while a page is written.
pub(crate) struct Present {
    estate: Arc<dinghai_estate::Estate>,
    pub(crate) book: Arc<dinghai_record::Book>,
    world: Arc<dinghai_record::World>,
    now: dinghai_clock::Timestamp,
    format: Format,
    theme: Theme,
    visitor: Option<Visitor>,
    refusing: Option<String>,
    here: String,
}

impl State {
    /// Everything that a page may know, as of now.
    pub(crate) fn present(&self, headers: &HeaderMap, guest: Option<&Guest>, here: &str) -> Present {
        let journal = self.handle.journal();
        Present {
            estate: self.handle.estate(),
            book: journal.book(),
            world: self.handle.world(),
            now: self.handle.now(),
            format: Format { language: language(headers), zone: self.zone.clone() },
            theme: cookie(headers, "theme").and_then(Theme::of).unwrap_or_default(),
            visitor: guest.map(|guest| Visitor {
                name: guest.name().to_owned(),
                role: guest.role().as_str(),
                csrf: guest.csrf().to_owned(),
                may_operate: guest.may(Action::Halt, &Resource::Estate),
            }),
            refusing: match journal.state() {
                StoreState::Writable => None,
                StoreState::Refusing(why) => Some(why),
            },
            here: here.to_owned(),
        }
    }
}

impl Present {
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene {
            estate: &self.estate,
            book: &self.book,
            world: &self.world,
            now: self.now,
            format: self.format.clone(),
            theme: self.theme,
            visitor: self.visitor.clone(),
            refusing: self.refusing.clone(),
            here: self.here.clone(),
        }
    }
}

/// The reader's choice, else what their browser asks for, else English.
pub(crate) fn language(headers: &HeaderMap) -> Language {
    let chosen = cookie(headers, "language").and_then(Language::of);
    let accepted = || {
        headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .and_then(Language::accepted)
    };
    chosen.or_else(accepted).unwrap_or_default()
}
