//! The threads that move bytes, one for each core.
//!
//! Each has a runtime of its own that only it runs, its own share of every listener (`SO_REUSEPORT` lets the kernel deal
//! connections out) and its own idle connections to instances: a request is born, served and forgotten on one core. What
//! is known of instances, the budgets and the counters are the process's, in `core`.

use std::cell::RefCell;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use arc_swap::{ArcSwap, Cache};
use dinghai_clock::Timestamp;
use dinghai_estate::ListenerId;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};
use tracing::error;

use crate::accept;
use crate::buffer::Store;
use crate::core::Core;
use crate::entrance::Terms;
use crate::http1::date::Date;
use crate::routing::Routing;
use crate::wheel::Wheel;

/// What one thread has for itself.
pub(crate) struct Worker {
    pub(crate) core: Arc<Core>,
    /// Its number, from 0.
    pub(crate) index: usize,
    pub(crate) wheel: Wheel,
    pub(crate) store: Store,
    routing: RefCell<Cache<Arc<ArcSwap<Routing>>, Arc<Routing>>>,
    date: RefCell<Date>,
}

/// What a thread is told.
pub(crate) enum Order {
    /// Serve this listener until told to stop. `ended` is dropped when its last request has ended.
    Listen {
        id: ListenerId,
        terms: Arc<Terms>,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
        ended: mpsc::Sender<()>,
    },
    /// Something has changed that requests under way must look at.
    Look,
    /// End.
    End,
}

/// Speaks to all threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Vec<mpsc::UnboundedSender<Order>>);

/// The threads; they end when this is dropped.
pub(crate) struct Workers(Bell);

impl Bell {
    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells one thread. One that has ended has nothing to do any more.
    pub(crate) fn tell(&self, index: usize, order: Order) {
        if let Some(worker) = self.0.get(index) {
            let _ = worker.send(order);
        }
    }

    /// Has all requests under way look again.
    pub(crate) fn ring(&self) {
        (0..self.len()).for_each(|index| self.tell(index, Order::Look));
    }
}

/// What the threads are started with.
pub(crate) struct Desks(Vec<mpsc::UnboundedReceiver<Order>>);

/// As many desks as there are cores that this process may use, and the bell that reaches them.
pub(crate) fn desks() -> (Bell, Desks) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (bell, desks) = (0..cores).map(|_| mpsc::unbounded_channel()).unzip();
    (Bell(bell), Desks(desks))
}

impl Workers {
    /// Starts a thread at each desk.
    pub(crate) fn start(core: &Arc<Core>, desks: Desks) -> std::io::Result<Self> {
        let workers = Self(core.bell.clone());
        for (index, orders) in desks.0.into_iter().enumerate() {
            let core = Arc::clone(core);
            // Made here, so that a start that fails is told to who starts.
            let mut runtime = Builder::new_current_thread();
            runtime.enable_io().enable_time();
            let name = format!("gateway-{index}");
            thread::Builder::new().name(name).spawn(move || {
                match runtime.build_local(LocalOptions::default()) {
                    Ok(runtime) => runtime.block_on(work(std::rc::Rc::new(Worker::new(core, index)), orders)),
                    Err(error) => error!(%error, index, "a thread of the gateway cannot run; others serve"),
                }
            })?;
        }
        Ok(workers)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        (0..self.0.len()).for_each(|index| self.0.tell(index, Order::End));
    }
}

impl Worker {
    pub(crate) fn new(core: Arc<Core>, index: usize) -> Self {
        let routing = RefCell::new(Cache::new(Arc::clone(&core.routing)));
        Self { core, index, wheel: Wheel::new(), store: Store::default(), routing, date: RefCell::default() }
    }

    /// Looks at the table in force.
    pub(crate) fn routing<R>(&self, look: impl FnOnce(&Routing) -> R) -> R {
        look(self.routing.borrow_mut().load())
    }

    /// Writes something that needs the date.
    pub(crate) fn dated<R>(&self, now: Timestamp, write: impl FnOnce(&str) -> R) -> R {
        write(self.date.borrow_mut().at(now))
    }
}

async fn work(worker: std::rc::Rc<Worker>, mut orders: mpsc::UnboundedReceiver<Order>) {
    let turning = std::rc::Rc::clone(&worker);
    tokio::task::spawn_local(async move { turning.wheel.turn().await });
    let tidying = std::rc::Rc::clone(&worker);
    tokio::task::spawn_local(async move { tidy(&tidying).await });
    while let Some(order) = orders.recv().await {
        match order {
            Order::Listen { id, terms, listener, stop, ended } => {
                let worker = std::rc::Rc::clone(&worker);
                tokio::task::spawn_local(accept::serve(worker, id, terms, listener, stop, ended));
            }
            Order::Look => worker.wheel.wake_all(),
            Order::End => return,
        }
    }
}

/// Closes connections to instances that were idle for too long.
async fn tidy(worker: &Worker) {
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        worker.routing(|routing| {
            for seat in routing.services.values().flat_map(|service| &service.members) {
                seat.instance.pool.prune(worker.index);
            }
        });
    }
}
