//! Evidence, and what the board makes of it.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

#[path = "../../record/tests/shop/mod.rs"]
mod shop;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::*;
use dinghai_prove::*;
use dinghai_record::*;
use proptest::prelude::*;
use shop::*;

fn running() -> Running {
    Running {
        controller: "0.1.0".into(),
        hand: Some("0.1.0".into()),
        gateways: BTreeMap::from([("public".into(), "0.1.0".into())]),
    }
}

fn kill(place: &str) -> Fault {
    let instances =
        vec![format!("order@{place}").as_str().into(), format!("payment@{place}").as_str().into()];
    Fault::KillPlace { place: place.into(), instances }
}

fn measures(failing_ms: u64, healed_ms: Option<u64>) -> Measures {
    Measures {
        requests: Some(1600),
        failed: Some(1),
        failing_ms: Some(failing_ms),
        incident_ms: Some(1000),
        healed_ms,
        ..Measures::default()
    }
}

/// A run of a drill from `from` to `from + 17`; with an incident and its heal plan when `heal`.
fn drilled(story: &mut Story, from: f64, fault: Fault, verdict: Verdict, measures: Measures, heal: bool) {
    let run = story.book.next_drill();
    let about = match &fault {
        Fault::KillPlace { place, .. } => Subject::Place(place.clone()),
        Fault::KillInstance(id) | Fault::HangInstance(id) => Subject::Instance(id.clone()),
    };
    let started = Event::DrillStarted {
        run,
        drill: match &fault {
            Fault::KillPlace { .. } => "zone-loss".into(),
            Fault::KillInstance(_) => "kill-order".into(),
            Fault::HangInstance(_) => "hang-order".into(),
        },
        fault,
        by: operator(),
        consent: Consent::default(),
        places: BTreeSet::new(),
        services: BTreeSet::new(),
    };
    story.tell(from, [started, Event::DrillBroke { run, happened: at(from + 1.2) }]);
    if heal {
        story.ejects(from + 1.5, "order@hz-a").ejects(from + 1.6, "payment@hz-a");
        let incident = story.incident(from + 2.2, Grade::P1, FindingKind::PlaceLost, about, Some(run.0));
        let plan = story.heals(from + 2.4, incident);
        story.does(from + 2.5, from + 2.7, plan, 1).does(from + 2.8, from + 12.0, plan, 2);
        story.tell(from + 11.5, [Event::DrillMended { run, happened: at(from + 11.5) }]);
        story.does(from + 12.1, from + 15.2, plan, 3).does(from + 15.3, from + 16.0, plan, 4);
        story.ends_plan(from + 16.1, plan, PlanEnd::Done).clears(from + 16.5);
    } else {
        story.tell(from + 11.5, [Event::DrillMended { run, happened: at(from + 11.5) }]);
    }
    story.tell(from + 17.0, [Event::DrillEnded { run, verdict, measures, reasons: vec![] }]);
}

fn file(story: &mut Story, estate: &Estate, seconds: f64) -> Vec<Event> {
    let run = *story.book.drills.keys().next_back().unwrap();
    let filed = evidence(estate, &story.book, &facts(estate, &running()), run);
    story.tell(seconds, filed.clone());
    assert_eq!(evidence(estate, &story.book, &facts(estate, &running()), run), [], "filed once");
    filed
}

fn proofs(events: &[Event]) -> Vec<(String, f64, bool)> {
    let proof = |event: &Event| match event {
        Event::EvidenceFiled { evidence } => match &evidence.shows {
            Proof::Promise { promise, measured, kept } => Some((promise.to_string(), *measured, *kept)),
            Proof::Action { .. } => None,
        },
        _ => None,
    };
    events.iter().filter_map(proof).collect()
}

#[test]
fn a_passed_drill_files_what_it_measured_and_which_actions_worked() {
    let mut story = Story::default();
    drilled(&mut story, 0.0, kill("hz-a"), Verdict::Passed, measures(400, Some(4500)), true);
    insta::assert_snapshot!("files", lines(&file(&mut story, &estate(), 17.1)));
}

#[test]
fn a_failed_action_is_filed_as_one_that_does_not_work() {
    let mut story = Story::default();
    let run = DrillRunId(1);
    drilled(&mut story, 0.0, kill("hz-a"), Verdict::Passed, measures(400, None), true);
    assert_eq!(story.book.drills[&run].incidents.len(), 1);
    let plan = story.heals(18.0, IncidentId(1));
    story.tell(18.1, [Event::StepStarted { plan, step: StepNo(1), attempt: 1 }]);
    let outcome = StepOutcome::Failed(vec![reason("outcome-unknown")]);
    story.tell(18.2, [Event::StepEnded { plan, step: StepNo(1), outcome, observed: false }]);
    let shown: Vec<_> = file(&mut story, &estate(), 18.3)
        .into_iter()
        .filter_map(|event| match event {
            Event::EvidenceFiled { evidence } => match evidence.shows {
                Proof::Action { kind, worked, .. } => Some((kind, worked)),
                Proof::Promise { .. } => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(shown, [(ActionKind::Restart, true), (ActionKind::ShiftTraffic, false)]);
}

#[test]
fn what_ended_long_ago_is_not_bound_to_the_facts_of_today() {
    let mut story = Story::default();
    drilled(&mut story, 0.0, kill("hz-a"), Verdict::Passed, measures(400, Some(4500)), true);
    story.tell(400.0, [Event::ControllerStarted { version: "0.2.0".into(), lease: 2 }]);
    assert_eq!(file(&mut story, &estate(), 401.0), []);
}

#[test]
fn a_missing_measure_files_nothing() {
    let mut story = Story::default();
    let unmeasured = Measures { incident_ms: Some(900), ..Measures::default() };
    drilled(&mut story, 0.0, kill("hz-a"), Verdict::Unknown, unmeasured, false);
    assert_eq!(proofs(&file(&mut story, &estate(), 18.0)), [("detect.zone".into(), 900.0, true)]);
}

#[test]
fn a_stopped_drill_shows_broken_and_never_kept() {
    let mut story = Story::default();
    drilled(&mut story, 0.0, kill("hz-a"), Verdict::Stopped, measures(3500, Some(10)), false);
    assert_eq!(proofs(&file(&mut story, &estate(), 18.0)), [("failover.zone".into(), 3500.0, false)]);
}

#[test]
fn a_drill_that_was_given_up_shows_that_healing_takes_longer() {
    let mut estate = estate();
    let mut story = Story::default();
    drilled(&mut story, 0.0, kill("hz-a"), Verdict::Failed, measures(400, None), false);
    assert!(!proofs(&file(&mut story, &estate, 18.0)).iter().any(|(id, ..)| id == "restart.zone"));

    estate.promises.get_mut(&"restart.zone".into()).unwrap().target = PromiseTarget::Within(secs(5.0));
    let mut story = Story::default();
    drilled(&mut story, 0.0, kill("hz-a"), Verdict::Failed, measures(400, None), false);
    assert!(proofs(&file(&mut story, &estate, 18.0)).contains(&("restart.zone".into(), 5500.0, false)));
}

#[test]
fn a_real_incident_proves_promises_once_it_is_closed() {
    let (estate, mut story) = (estate(), Story::default());
    let incident =
        story.incident(2.0, Grade::P1, FindingKind::PlaceLost, Subject::Place("hz-a".into()), None);
    let measures = measures(2500, None);
    story.tell(3.0, [Event::IncidentMeasured { incident, measures }]);
    let facts = facts(&estate, &running());
    assert_eq!(evidence_from_incident(&estate, &story.book, &facts, incident), []);
    story.clears(20.0).tell(620.0, [Event::IncidentClosed { incident, reasons: vec![] }]);
    let filed = evidence_from_incident(&estate, &story.book, &facts, incident);
    assert_eq!(
        proofs(&filed),
        [("detect.zone".into(), 1000.0, true), ("failover.zone".into(), 2500.0, false)]
    );
    story.tell(620.1, filed);
    assert_eq!(evidence_from_incident(&estate, &story.book, &facts, incident), []);
}

#[test]
fn a_halt_is_kept_only_when_every_unit_obeyed_in_time() {
    let (estate, book) = (estate(), Book::default());
    let facts = facts(&estate, &running());
    let halt =
        |took, unreached| proofs(&evidence_from_halt(&estate, &book, &facts, secs(took), unreached, at(0.0)));
    assert_eq!(halt(0.2, 0), [("halt.all".into(), 200.0, true)]);
    assert_eq!(halt(0.2, 1), [("halt.all".into(), 200.0, false)]);
    assert_eq!(halt(1.2, 0), [("halt.all".into(), 1200.0, false)]);
}

#[test]
fn facts_do_not_depend_on_the_order_of_declaration() {
    let mut other = estate();
    for service in other.services.values_mut() {
        service.instances.reverse();
        service.needs.reverse();
        service.origin.line += 7;
    }
    for gateway in other.gateways.values_mut() {
        gateway.routes.reverse();
    }
    assert_eq!(facts(&estate(), &running()), facts(&other, &running()));
}

#[test]
fn a_changed_fact_voids_only_what_rests_on_it_and_is_named() {
    let mut story = Story::default();
    drilled(
        &mut story,
        0.0,
        Fault::KillInstance("order@hz-a".into()),
        Verdict::Passed,
        measures(1, Some(1)),
        false,
    );
    file(&mut story, &estate(), 18.0);
    let look = |story: &Story, estate: &Estate, running: &Running| {
        voided(&story.book, &facts(estate, running), at(20.0))
    };
    assert_eq!(look(&story, &estate(), &running()), []);

    let mut payment = estate();
    payment.services.get_mut(&"payment".into()).unwrap().minimum = 1;
    assert_eq!(look(&story, &payment, &running()), [], "order's evidence does not rest on payment");

    let mut order = estate();
    order.services.get_mut(&"order".into()).unwrap().minimum = 1;
    let events = look(&story, &order, &running());
    let [Event::EvidenceVoided { fact, then, now, .. }, ..] = &events[..] else { panic!("{events:?}") };
    assert_eq!((fact.as_str(), then.as_str(), now.as_deref()), ("order.minimum", "2", Some("1")));
    story.tell(20.0, events);
    assert_eq!(look(&story, &order, &running()), []);
}

#[test]
fn how_connections_are_taken_and_made_is_among_the_facts_of_a_proof() {
    let mut story = Story::default();
    let fault = Fault::KillInstance("order@hz-a".into());
    drilled(&mut story, 0.0, fault, Verdict::Passed, measures(1, Some(1)), false);
    let secured = |ca: &str| Secured { ca: ca.into(), server_name: None, client: None };
    let taken = |minimum| Entrance {
        tls: Some(Termination { certificates: vec![], clients: None, minimum }),
        ..Entrance::default()
    };
    let with = |change: &dyn Fn(&mut Service, &mut Gateway)| {
        let mut estate = estate();
        let gateway = estate.gateways.get_mut(&"public".into()).unwrap();
        gateway.entrances.insert("a".into(), taken(TlsVersion::V1_2));
        let service = estate.services.get_mut(&"order".into()).unwrap();
        service.tls = Some(secured("/etc/one.pem"));
        change(service, gateway);
        estate
    };
    let proven = with(&|_, _| {});
    file(&mut story, &proven, 18.0);
    let voids = |change: &dyn Fn(&mut Service, &mut Gateway)| {
        let events = voided(&story.book, &facts(&with(change), &running()), at(20.0));
        let names: BTreeSet<String> = events
            .into_iter()
            .map(|event| match event {
                Event::EvidenceVoided { fact, .. } => fact,
                other => panic!("{other:?}"),
            })
            .collect();
        names.into_iter().collect::<Vec<_>>()
    };
    assert!(voids(&|_, _| {}).is_empty());
    assert_eq!(voids(&|service, _| service.tls = Some(secured("/etc/other.pem"))), ["order.tls"]);
    assert_eq!(voids(&|service, _| service.tls = None), ["order.tls"]);
    assert_eq!(
        voids(&|service, _| service.proxy_protocol = Some(ProxyVersion::V2)),
        ["order.proxy-protocol"]
    );
    let stricter = voids(&|_, gateway| {
        gateway.entrances.insert("a".into(), taken(TlsVersion::V1_3));
    });
    assert_eq!(stricter, ["gateway public.entrances"]);
    let redirect = Redirect {
        id: "away".into(),
        listener: "a".into(),
        host: None,
        path: "/old".into(),
        when: When::default(),
        status: 308,
        scheme: None,
        to_host: None,
        to_path: None,
        origin: Origin::default(),
    };
    assert_eq!(voids(&|_, gateway| gateway.redirects.push(redirect.clone())), ["gateway public.redirects"]);
}

#[test]
fn a_proof_rests_on_the_gateway_that_passes_a_services_connections() {
    let mut passing = estate();
    let gateway = passing.gateways.get_mut(&"public".into()).unwrap();
    let passage = Passage { to: "order".into(), balance: Balance::default(), idle: secs(60.0) };
    gateway.routes.clear();
    gateway.entrances.insert("a".into(), Entrance { tcp: Some(passage), ..Entrance::default() });
    let mut story = Story::default();
    let fault = Fault::KillInstance("order@hz-a".into());
    drilled(&mut story, 0.0, fault, Verdict::Passed, measures(1, Some(1)), false);
    file(&mut story, &passing, 18.0);
    passing.gateways.get_mut(&"public".into()).unwrap().panic_below = 0.25;
    assert!(!voided(&story.book, &facts(&passing, &running()), at(20.0)).is_empty());
}

/// Of two expressions that fit, the one that was declared first answers.
#[test]
fn the_order_of_routes_is_a_fact_where_it_says_who_answers() {
    let swapped = |paths: [&str; 2], kind| {
        let mut estate = estate();
        let routes = &mut estate.gateways.get_mut(&"public".into()).unwrap().routes;
        for (route, path) in routes.iter_mut().zip(paths) {
            (route.path, route.when.path) = (path.to_owned(), kind);
            route.listener = "public".into();
        }
        let before = facts(&estate, &running());
        estate.gateways.get_mut(&"public".into()).unwrap().routes.swap(0, 1);
        before != facts(&estate, &running())
    };
    assert!(swapped(["/a.*", "/.*b"], PathKind::Regex));
    assert!(!swapped(["/a", "/b"], PathKind::Prefix));
}

#[test]
fn what_cannot_be_read_voids_nothing_and_is_void_once_it_can_when_filed_so() {
    let unheard = Running { hand: None, ..running() };
    let mut story = Story::default();
    drilled(&mut story, 0.0, kill("hz-a"), Verdict::Passed, measures(400, Some(4500)), false);
    let mut blind = story.clone();
    file(&mut story, &estate(), 18.0);
    assert_eq!(voided(&story.book, &facts(&estate(), &unheard), at(20.0)), []);

    let filed = evidence(&estate(), &blind.book, &facts(&estate(), &unheard), DrillRunId(1));
    blind.tell(18.0, filed.clone());
    let events = voided(&blind.book, &facts(&estate(), &running()), at(20.0));
    assert_eq!(events.len(), filed.len());
}

/// All four states on one board.
fn told() -> (Story, Estate) {
    let (mut story, estate) = (Story::default(), estate());
    drilled(
        &mut story,
        -3_000_000.0,
        Fault::HangInstance("order@hz-b".into()),
        Verdict::Passed,
        measures(600, Some(1)),
        false,
    );
    file(&mut story, &estate, -2_999_900.0);
    drilled(
        &mut story,
        0.0,
        Fault::KillInstance("order@hz-a".into()),
        Verdict::Failed,
        measures(1600, Some(1)),
        false,
    );
    file(&mut story, &estate, 20.0);
    drilled(&mut story, 100.0, kill("hz-a"), Verdict::Passed, measures(400, Some(4500)), true);
    file(&mut story, &estate, 120.0);
    let failover = story.book.evidence.values().find(|filed| {
        matches!(&filed.evidence.shows, Proof::Promise { promise, .. } if promise.as_str() == "failover.zone")
    });
    let evidence = failover.unwrap().evidence.id;
    let (fact, then) = ("order.probe".to_owned(), "tcp".to_owned());
    story.tell(200.0, [Event::EvidenceVoided { evidence, fact, then, now: Some("http /".into()) }]);
    (story, estate)
}

#[test]
fn the_board_tells_kept_broken_unproven_and_expired_apart() {
    let (story, estate) = told();
    let shown = board(&estate, &story.book, at(3600.0));
    assert_eq!((shown.kept, shown.broken, shown.unproven, shown.expired), (2, 1, 1, 2));
    insta::assert_json_snapshot!("board", shown);
    assert_eq!(shown, board(&estate, &story.book, at(3600.0)));
}

#[test]
fn a_proof_at_one_zone_does_not_hide_a_miss_at_another() {
    let (mut story, estate) = (Story::default(), estate());
    let state = |story: &Story| {
        let shown = board(&estate, &story.book, at(600.0));
        shown.rows.iter().find(|row| row.promise.as_str() == "failover.zone").unwrap().state
    };
    drilled(&mut story, 0.0, kill("hz-b"), Verdict::Failed, measures(9000, Some(1)), false);
    file(&mut story, &estate, 20.0);
    drilled(&mut story, 100.0, kill("hz-a"), Verdict::Passed, measures(10, Some(1)), false);
    file(&mut story, &estate, 120.0);
    assert_eq!(state(&story), PromiseState::Broken);
    drilled(&mut story, 200.0, kill("hz-b"), Verdict::Passed, measures(10, Some(1)), false);
    file(&mut story, &estate, 220.0);
    assert_eq!(state(&story), PromiseState::Kept);
}

#[test]
fn a_tightened_target_is_judged_by_what_was_measured() {
    let (story, mut estate) = told();
    estate.promises.get_mut(&"restart.zone".into()).unwrap().target = PromiseTarget::Within(secs(4.0));
    let shown = board(&estate, &story.book, at(3600.0));
    let row = shown.rows.iter().find(|row| row.promise.as_str() == "restart.zone").unwrap();
    assert_eq!(row.state, PromiseState::Broken);
}

fn filed() -> impl Strategy<Value = (usize, f64, i64, bool, bool)> {
    let value = prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), 0.0..5000.0f64];
    (0usize..3, value, -4_000_000i64..0, any::<bool>(), any::<bool>())
}

proptest! {
    #[test]
    fn unknown_never_counts_as_kept(all in prop::collection::vec(filed(), 0..12)) {
        let (estate, mut story) = (estate(), Story::default());
        for place in ["hz-a", "hz-b", "hz-c"] {
            drilled(&mut story, 0.0, kill(place), Verdict::Passed, Measures::default(), false);
        }
        for (n, (place, measured, seconds, kept, void)) in (1..).zip(&all) {
            let promise = "failover.zone".into();
            let evidence = Evidence {
                id: EvidenceId(n),
                shows: Proof::Promise { promise, measured: *measured, kept: *kept },
                from: Fact { name: "estate".into(), value: "shop".into() },
                drill: Some(DrillRunId(*place as u64 + 1)),
                incident: None,
                slice: Slice::default(),
                at: at(*seconds as f64),
                max_age: secs(30.0 * 86_400.0),
                reasons: vec![],
            };
            story.tell(0.0, [Event::EvidenceFiled { evidence }]);
            if *void {
                let (fact, then) = (String::new(), String::new());
                story.tell(0.0, [Event::EvidenceVoided { evidence: EvidenceId(n), fact, then, now: None }]);
            }
        }
        let shown = board(&estate, &story.book, at(0.0));
        let row = shown.rows.iter().find(|row| row.promise.as_str() == "failover.zone").unwrap();
        let lives = |(_, measured, seconds, _, void): &&(usize, f64, i64, bool, bool)| {
            !void && *seconds >= -30 * 86_400 && (0.0..=2000.0).contains(measured)
        };
        if row.state == PromiseState::Kept {
            prop_assert!(all.iter().any(|one| lives(&one)));
            prop_assert!(row.measured.is_some_and(|measured| (0.0..=2000.0).contains(&measured)));
        }
        prop_assert_eq!(shown.kept + shown.broken + shown.unproven + shown.expired, shown.rows.len());
    }
}
