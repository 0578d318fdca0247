//! The frame of every page: head with Halt, navigation, foot.
//!
//! There is no style attribute and no script in a page, so that the content policy can forbid both.

use maud::{DOCTYPE, Markup, html};

use crate::shape::{drawings, shape};
use crate::{Language, Scene, format};

/// Which ground the page has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the reader's system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The languages a reader may choose, with their own names.
pub struct LanguageChoice;

impl LanguageChoice {
    /// Tag and name.
    pub const ALL: [(Language, &'static str); 2] = [(Language::En, "English"), (Language::Zh, "中文")];
}

impl Theme {
    /// As in the cookie and in `data-theme`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From the cookie.
    pub fn of(text: &str) -> Option<Self> {
        [Self::System, Self::Light, Self::Dark].into_iter().find(|theme| theme.as_str() == text)
    }
}

/// The page that a reader is on, for the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Overview,
    Incidents,
    Plans,
    Drills,
    Promises,
    Ledger,
    None,
}

/// A whole page of a signed-in reader.
pub(crate) fn page(scene: &Scene<'_>, tab: Tab, title: &str, main: &Markup) -> Markup {
    let head = html! {
        nav.nav #nav data-live aria-label=(scene.say("nav-main", &[])) { (navigation(scene, tab)) }
        div.end {
            (as_of(scene))
            @if scene.may_operate() { div #halt-button data-live { (halt_button(scene)) } }
        }
    };
    document(scene, title, &head, main, true)
}

/// A page of somebody who is not signed in.
pub(crate) fn bare(scene: &Scene<'_>, title: &str, main: &Markup) -> Markup {
    document(scene, title, &html! {}, main, false)
}

fn document(scene: &Scene<'_>, title: &str, head: &Markup, main: &Markup, live: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(scene.language().tag()) data-theme=[(scene.theme != Theme::System).then(|| scene.theme.as_str())] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (scene.estate.name) " · Dinghai" }
                link rel="icon" href="/assets/mark.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/style.css";
                @if live { script src="/assets/console.js" defer {} }
            }
            body data-live=[live.then_some("/events")] data-unknown=(scene.say("unknown", &[])) data-stale=(scene.say("stale-since", &[])) {
                (drawings())
                a.skip href="#main" { (scene.say("skip", &[])) }
                header.head { div.wrap {
                    a.brand href="/" { (shape("mark")) span { "Dinghai " i lang="zh" { "定海" } " · " (scene.estate.name) } }
                    (head)
                } }
                main #main .wrap { (main) }
                (foot(scene))
            }
        }
    }
}

fn navigation(scene: &Scene<'_>, tab: Tab) -> Markup {
    let grade = scene.book.open_incidents().map(|record| record.grade).min();
    let waiting = scene.book.open_plans().filter(|r| r.state == dinghai_record::PlanState::Waiting).count();
    let tabs = [
        (Tab::Overview, "/", "nav-overview"),
        (Tab::Incidents, "/incidents", "nav-incidents"),
        (Tab::Plans, "/plans", "nav-plans"),
        (Tab::Drills, "/drills", "nav-drills"),
        (Tab::Promises, "/promises", "nav-promises"),
        (Tab::Ledger, "/ledger", "nav-ledger"),
    ];
    html! {
        @for (each, path, key) in tabs {
            a href=(path) aria-current=[(each == tab).then_some("page")] {
                (scene.say(key, &[]))
                @if each == Tab::Incidents { @if let Some(grade) = grade { " " (grade_tag(grade)) } }
                @if each == Tab::Plans && waiting > 0 { " " span.weak { (shape("seal")) " " small { (scene.n(waiting)) } } }
            }
        }
    }
}

/// The grade, in solid, outline or dots; the label is always in it.
pub(crate) fn grade_tag(grade: dinghai_record::Grade) -> Markup {
    let label = grade.to_string();
    html! { span.grade.(label.to_lowercase()) { small { (label) } } }
}

/// The same in the size of the text around it.
pub(crate) fn grade_head(grade: dinghai_record::Grade) -> Markup {
    let label = grade.to_string();
    html! { span.grade.(label.to_lowercase()) { (label) } }
}

fn as_of(scene: &Scene<'_>) -> Markup {
    let head = scene.count(scene.book.head.0);
    html! {
        p.asof #as-of data-live { b { (scene.clock(scene.now)) } " " (format::zone(&scene.format.zone, scene.now)) br;
            @if let Some(why) = &scene.refusing {
                span.fails { (scene.say("ledger-refusing", &[("why", why.clone())])) }
            } @else {
                (scene.say("ledger-head", &[("head", head), ("age", scene.age(scene.book.as_of))]))
            }
        }
    }
}

fn halt_button(scene: &Scene<'_>) -> Markup {
    html! {
        @if scene.book.halted.is_some() {
            a.btn.halt href="/halt" { (shape("halt")) (scene.say("halted-button", &[])) }
        } @else {
            a.btn.halt href="/halt" title=(scene.say("halt-hint", &[])) {
                (shape("halt")) (scene.say("halt", &[])) span.opt { (scene.say("halt-automatons", &[])) }
            }
        }
    }
}

/// The hidden fields of every form.
pub(crate) fn token(scene: &Scene<'_>) -> Markup {
    html! {
        @if let Some(visitor) = &scene.visitor { input type="hidden" name="csrf" value=(visitor.csrf); }
    }
}

fn foot(scene: &Scene<'_>) -> Markup {
    let (generation, digest) = scene.book.estate;
    html! {
        footer.foot { div.wrap {
            span {
                @if let Some(visitor) = &scene.visitor {
                    (scene.rich("foot-estate", &[
                        ("estate", scene.estate.name.clone()),
                        ("generation", scene.count(generation)),
                        ("digest", digest.short()),
                    ])) " "
                    (scene.say("foot-person", &[
                        ("name", visitor.name.clone()),
                        ("role", role(scene, visitor.role)),
                    ])) " "
                }
                (scene.say("foot-zone", &[("zone", format::zone(&scene.format.zone, scene.now))]))
            }
            span.choices {
                form.theme method="post" action="/language" aria-label=(scene.say("language", &[])) {
                    (token(scene)) input type="hidden" name="back" value=(scene.here);
                    @for (language, name) in LanguageChoice::ALL {
                        button name="to" value=(language.tag()) lang=(language.tag()) aria-pressed=(pressed(language == scene.language())) { (name) }
                    }
                }
                form.theme method="post" action="/theme" aria-label=(scene.say("theme", &[])) {
                    (token(scene)) input type="hidden" name="back" value=(scene.here);
                    @for (theme, key) in [(Theme::System, "theme-system"), (Theme::Light, "theme-light"), (Theme::Dark, "theme-dark")] {
                        button name="to" value=(theme.as_str()) aria-pressed=(pressed(theme == scene.theme)) { (scene.say(key, &[])) }
                    }
                }
                @if scene.visitor.is_some() {
                    form.theme method="post" action="/sign-out" { (token(scene)) button { (scene.say("sign-out", &[])) } }
                }
            }
        } }
    }
}

fn pressed(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}

fn role(scene: &Scene<'_>, role: &str) -> String {
    match role {
        "admin" => scene.say("role-admin", &[]),
        "operator" => scene.say("role-operator", &[]),
        _ => scene.say("role-viewer", &[]),
    }
}

/// A section with its rule and small title.
pub(crate) fn section(id: &str, order: u8, title: &str, aside: &Markup, body: &Markup) -> Markup {
    html! {
        section #(id) .sec.{ "o" (order) } data-live aria-labelledby={ "h-" (id) } {
            header { h2 id={ "h-" (id) } { (title) } (aside) }
            (body)
        }
    }
}
