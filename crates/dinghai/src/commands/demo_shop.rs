//! `dinghai demo-shop`: one service of the small shop that the demo keeps standing.
//!
//! The shop is real enough to lose orders: the storefront asks the cart, an order asks the payment, and both go through
//! the gateway's inner listener. What is in a process's memory dies with it. It knows nothing of Dinghai.

mod inner;
mod roles;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use dinghai_clock::{Clock, SystemClock};
use http::Uri;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use self::inner::Inner;
use self::roles::Shop;

#[derive(Args)]
pub(crate) struct DemoShopArgs {
    /// Which service of the shop this process is
    #[arg(long, value_enum)]
    role: Role,
    /// The port to listen on, on 127.0.0.1; 0 takes a free one
    #[arg(long)]
    port: u16,
    /// The gateway's inner listener, through which the shop's services ask each other
    #[arg(long, value_name = "URL")]
    inner: Uri,
    /// How long it takes to start; nobody listens until then
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = dinghai_clock::parse_span)]
    boot: Duration,
    /// Where it runs; told in every answer
    #[arg(long, default_value = "nowhere")]
    place: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    Storefront,
    Cart,
    Order,
    Payment,
    Recommend,
}

pub(crate) fn run(args: &DemoShopArgs) -> anyhow::Result<ExitCode> {
    let inner = Inner::new(&args.inner)?;
    // One thread: a dozen of these run beside the thing that is shown.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(args, inner))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &DemoShopArgs, inner: Inner) -> anyhow::Result<()> {
    let mut stop = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        () = tokio::time::sleep(args.boot) => {}
        _ = stop.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    println!("demo-shop {} listens on {address}", args.role.name());
    let shop = Shop::new(args.role, &args.place, address.port(), SystemClock::new().now(), inner);
    // Stops listening, lets requests under way finish, closes idle connections.
    axum::serve(listener, roles::router(shop))
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = stop.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await?;
    Ok(())
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Storefront => "storefront",
            Self::Cart => "cart",
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Recommend => "recommend",
        }
    }
}
