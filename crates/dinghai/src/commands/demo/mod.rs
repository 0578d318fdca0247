//! `dinghai demo`: one incident through every floor, on real processes of this machine, from nothing.

mod figures;
mod follow;
mod ground;
mod shop;
mod story;
mod tell;

use std::fs;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use dinghai_clock::{Clock, SystemClock};
use dinghai_load::{Arrivals, Load, LoadHandle, LoadPlan, Template};
use dinghai_pages::{Language, promise_measure, promise_state, promise_target};
use dinghai_serve::{Role, new_link};
use http::Method;
use tokio::process::{Child, Command};

use super::reading;
use figures::Figures;
use follow::Follower;
use ground::Ground;
use shop::Ports;
use story::Story;
use tell::Teller;

/// Requests a second that the shoppers send.
const RATE: f64 = 240.0;

/// What a shell answers for a program that Ctrl-C ended: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// See one incident through every floor, on real processes of this machine.
///
/// Opens a small shop in three zones, sends shoppers, drills each kind of action, then takes a zone away, hangs an
/// instance and kills the controller in the middle of a plan. Needs no root and touches nothing but its own processes.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// End when the story is told, and clean up; otherwise the console stays open until Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// Write every figure to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Remove what a killed demo has left, and do nothing else.
    #[arg(long, conflicts_with_all = ["exit", "json"])]
    clean: bool,
}

pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let ground = Ground::of_this_user();
        if args.clean {
            let did = ground.clean().await?;
            println!(
                "{}",
                if did.is_empty() { "there was nothing to clean".to_owned() } else { did.join("\n") }
            );
            return Ok(ExitCode::SUCCESS);
        }
        ground.claim()?;
        let told = tokio::select! {
            told = stage(args, &ground) => told.map(|()| ExitCode::SUCCESS),
            () = super::run::asked_to_stop() => Ok(ExitCode::from(INTERRUPTED)),
        };
        // Whatever happened, nothing is left running.
        let cleaned = ground.clean().await;
        let code = told?;
        cleaned?;
        println!("          the shop is closed, and nothing of it is left");
        Ok(code)
    })
}

async fn stage(args: &DemoArgs, ground: &Ground) -> anyhow::Result<()> {
    let tell = Teller::new();
    let program = std::env::current_exe()?;
    let ports = Ports::free()?;
    fs::write(ground.estate(), shop::estate(&ports, &program))?;
    tell.say(&format!("a shop in three zones: {}", ground.estate().display()));
    check(&program, ground).await?;

    let _watchdog = start(&program, ground)?;
    let follower = Follower::open(&ground.data(), Duration::from_secs(10)).await?;
    let shoppers = LoadPlan {
        target: ports.public,
        arrivals: Arrivals::Poisson(RATE),
        mix: mix(),
        seed: 7,
        timeout: Duration::from_secs(5),
        connections: 64,
        phase: "opening".to_owned(),
    };
    let clock = SystemClock::new();
    open_shop(ground, &tell).await?;
    let shoppers = Load::start(shoppers, Arc::new(clock.clone()))?;
    let mut story = Story {
        data: &ground.data(),
        estate: reading::estate(&ground.data())?,
        follower,
        shoppers: shoppers.clone(),
        clock,
        tell: &tell,
        figures: Figures::default(),
    };
    let played = story.play().await;
    let figures = finish(story, &shoppers).await?;
    if let Some(file) = &args.json {
        fs::write(file, serde_json::to_vec_pretty(&figures)?)
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    played?;
    if args.exit {
        return Ok(());
    }
    console(ground, &tell).await
}

/// Checks the estate as a user would, and shows the last line of what it says.
async fn check(program: &std::path::Path, ground: &Ground) -> anyhow::Result<()> {
    let output =
        Command::new(program).arg("check").arg(ground.estate()).env("NO_COLOR", "1").output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() != Some(0) {
        bail!("the shop's own estate does not pass `dinghai check`:\n{said}");
    }
    println!("          {}", said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default());
    Ok(())
}

fn start(program: &std::path::Path, ground: &Ground) -> anyhow::Result<Child> {
    let log = fs::File::create(ground.log())?;
    let watchdog = Command::new(program)
        .arg("run")
        .arg("--data")
        .arg(ground.data())
        .arg(ground.estate())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C at the terminal is for the demo, which then ends the watchdog in order.
        .process_group(0)
        .spawn()
        .context("cannot start `dinghai run`")?;
    ground.note_watchdog(watchdog.id())?;
    Ok(watchdog)
}

/// Waits until every declared instance answers, as the controller sees it.
async fn open_shop(ground: &Ground, tell: &Teller) -> anyhow::Result<()> {
    let controller = dinghai_wire::UnixClient::new(ground.data().join("run/controller.sock"));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let world: Result<dinghai_record::World, _> =
            controller.get("/api/v1/world", Duration::from_secs(2)).await;
        if let Ok(world) = world {
            let up = world
                .instances
                .iter()
                .filter(|(_, sighting)| sighting.health == dinghai_record::Health::Up)
                .count();
            if up >= shop::INSTANCES {
                tell.say(&format!("{up} instances answer, seen by controller and gateway"));
                return Ok(());
            }
        }
        if tokio::time::Instant::now() >= deadline {
            bail!(
                "the shop did not open within 30 s; see `{}` and the logs beside it",
                ground.log().display()
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What shoppers do; a third of it changes something.
fn mix() -> Vec<Template> {
    let template = |method, path: &str, body: Option<&str>, weight| Template {
        method,
        path: path.to_owned(),
        body: body.map(str::to_owned),
        weight,
    };
    vec![
        template(Method::GET, "/", None, 4),
        template(Method::GET, "/api/cart", None, 4),
        template(Method::POST, "/api/cart", Some(r#"{"item":"longjing"}"#), 2),
        template(Method::POST, "/api/order", Some(r#"{"item":"teapot"}"#), 2),
    ]
}

async fn finish(mut story: Story<'_>, shoppers: &LoadHandle) -> anyhow::Result<Figures> {
    let counted = shoppers.stop().await;
    story.follower.catch_up().await?;
    let (tell, figures) = (story.tell, &mut story.figures);
    figures.phases = figures::phases(&counted);
    let total = counted.total();
    tell.say(&format!("{} requests by shoppers, {} failed", total.sent, total.failed()));

    figures.failed_orders =
        counted.failures.iter().filter(|failure| failure.path == "/api/order").count() as u64;
    let price = story.estate.services.values().find_map(|service| service.value.as_ref()?.order.clone());
    figures.loss =
        price.as_ref().and_then(|price| price.times(figures.failed_orders)).map(|loss| loss.to_string());
    tell.say(&format!(
        "{} orders failed; at {} each at most {} were lost",
        figures.failed_orders,
        price.map_or_else(|| "an unknown price".to_owned(), |price| price.to_string()),
        figures.loss.as_deref().unwrap_or("an unknown amount")
    ));
    tell.say("promises:");

    let board = dinghai_prove::board(&story.estate, &story.follower.book, story.clock.now());
    for row in &board.rows {
        let state = promise_state(Language::En, row.state);
        let target = promise_target(Language::En, &row.target);
        let measured = row.measured.map_or_else(
            || "not measured".to_owned(),
            |value| promise_measure(Language::En, &row.target, value),
        );
        tell.more(&format!("{:<18} {state:<9} {target}, {measured}", row.promise));
        figures.promises.insert(row.promise.to_string(), state);
    }

    figures.ledger_sound = story.follower.verify().await?;
    figures.ledger_entries = story.follower.book.head.0;
    tell.say(&format!(
        "ledger: {} entries, the chain {}",
        figures.ledger_entries,
        if figures.ledger_sound { "verifies" } else { "DOES NOT VERIFY" }
    ));
    figures.story_s = tell.elapsed_s();
    Ok(story.figures)
}

async fn console(ground: &Ground, tell: &Teller) -> anyhow::Result<()> {
    if let Some(console) = super::run::console(&ground.data()) {
        let link = new_link(&ground.data(), Role::Admin, SystemClock::new().now())?;
        tell.say(&format!("console: {}{}", console.url, link.path));
    }
    tell.say("the shop stays open; Ctrl-C closes it and leaves nothing behind");
    std::future::pending().await
}
