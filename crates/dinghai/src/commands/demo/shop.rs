//! The demo's estate: a small shop in three zones of one machine, on free ports.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::Context;

/// The zones of the shop.
pub(crate) const ZONES: [&str; 3] = ["hz-a", "hz-b", "hz-c"];

/// One service of the shop.
struct Service {
    name: &'static str,
    needs: &'static [&'static str],
    /// Where its spares stand.
    spares: &'static [&'static str],
    /// What a request to it is worth.
    value: Option<&'static str>,
}

const SERVICES: [Service; 4] = [
    Service {
        name: "storefront",
        needs: &["{ service: cart, kind: soft, fallback: page without a cart }"],
        spares: &["hz-c"],
        value: None,
    },
    Service { name: "cart", needs: &[], spares: &["hz-a", "hz-c"], value: None },
    Service {
        name: "order",
        needs: &["payment"],
        spares: &["hz-a", "hz-c"],
        value: Some("{ order: 30 USD, come-back: [50%, 25%, 0%] }"),
    },
    Service { name: "payment", needs: &[], spares: &["hz-a", "hz-c"], value: None },
];

/// How many instances it has without spares.
pub(crate) const INSTANCES: usize = SERVICES.len() * ZONES.len();

/// Where the shop's gateway and the console listen.
pub(crate) struct Ports {
    /// Shoppers come here.
    pub(crate) public: SocketAddr,
    /// Services call each other here.
    pub(crate) internal: SocketAddr,
    services: Vec<u16>,
}

impl Ports {
    /// Ports that nobody uses now. They are drawn together, so that none is drawn twice.
    pub(crate) fn free() -> anyhow::Result<Self> {
        let count = SERVICES.iter().map(|service| ZONES.len() + service.spares.len()).sum::<usize>() + 2;
        let held: Vec<TcpListener> = (0..count)
            .map(|_| TcpListener::bind(("127.0.0.1", 0)))
            .collect::<Result<_, _>>()
            .context("cannot find enough free ports on 127.0.0.1")?;
        let mut addresses =
            held.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?.into_iter();
        let (Some(public), Some(internal)) = (addresses.next(), addresses.next()) else {
            anyhow::bail!("cannot find enough free ports on 127.0.0.1");
        };
        Ok(Self { public, internal, services: addresses.map(|address| address.port()).collect() })
    }
}

/// The shop's `dinghai.yaml`. `program` is this program, which plays the shop's services too.
pub(crate) fn estate(ports: &Ports, program: &Path) -> String {
    let mut free = ports.services.iter();
    let mut services = String::new();
    for Service { name, needs, spares, value } in SERVICES {
        let mut instances = |zones: &[&str]| {
            let mut list = String::new();
            for zone in zones {
                let port = free.next().copied().unwrap_or_default();
                let _ = writeln!(
                    list,
                    "      - {{ at: {zone}, address: \"127.0.0.1:{port}\", run: {{ process: [{program:?}, demo-shop, \
                     --role, {name}, --port, \"{port}\", --inner, \"http://{internal}\", --boot, 400ms, --place, {zone}], \
                     stop-within: 1s }} }}",
                    program = program.display().to_string(),
                    internal = ports.internal,
                );
            }
            list
        };
        let (own, spare) = (instances(&ZONES), instances(spares));
        let needs =
            if needs.is_empty() { String::new() } else { format!("    needs: [{}]\n", needs.join(", ")) };
        let value = value.map(|value| format!("    value: {value}\n")).unwrap_or_default();
        let _ = write!(
            services,
            "  {name}:\n    tier: core\n    minimum: 2\n    survive: zone\n    instances:\n{own}    spares:\n{spare}\
             \x20   probe: {{ http: /healthz, every: 200ms, timeout: 300ms }}\n{needs}{value}\
             \x20   autonomy: {{ restart: auto, shift-traffic: auto, scale: auto }}\n"
        );
    }
    format!(
        "# A small shop in three zones of one machine, written by `dinghai demo`.
estate: shop
quiet: 2s
budget: {{ window: 2s }}
places:
  cn-hangzhou: {{ kind: region, zones: [{zones}] }}
services:
{services}gateways:
  public:
    listen: {{ public: \"{public}\", internal: \"{internal}\" }}
    routes:
      - {{ path: /, to: storefront, priority: core }}
      - {{ path: /api/cart, to: cart, priority: core }}
      - {{ path: /api/order, to: order, priority: core }}
      - {{ path: /api/cart, to: cart, listener: internal }}
      - {{ path: /pay, to: payment, listener: internal }}
promises:
  profile: standard
  failover.zone: {{ within: 2s }}
drills:
  kill-order: {{ fault: {{ kill-instance: order@hz-a }}, hold: 1s, every: month, expect: {{ failed-requests: \"< 0.5%\" }} }}
  hang-payment: {{ fault: {{ hang-instance: payment@hz-b }}, hold: 3s, every: month, expect: {{ failed-requests: \"< 0.5%\" }} }}
  zone-loss: {{ fault: {{ kill-place: hz-a }}, hold: 3s, every: month, expect: {{ failed-requests: \"< 0.5%\" }} }}
",
        zones = ZONES.join(", "),
        public = ports.public,
        internal = ports.internal,
    )
}
