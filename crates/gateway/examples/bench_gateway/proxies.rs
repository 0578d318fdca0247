//! The instances, and the three proxies before them.
//!
//! nginx and haproxy run with the settings that their reference measurement uses: one worker, no access log, connections
//! to instances kept (`keepalive`, `http-reuse always`), round-robin. `keepalive` is raised from 128 to 1024, so that nginx
//! need not open connections anew at 1,000 clients.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use dinghai_estate::{Address, Balance, Check, CutOff, Edits, ListenerId, Priority, ProbeSpec, Split, When};
use dinghai_record::Fence;
use dinghai_wire::{Fenced, GatewayStatus, Member, ServiceTable, Table, TableRoute, UnixClient};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::Failed;

/// The core of the proxies, and the core of everybody else.
pub(crate) const PROXY_CORE: &str = "0";
pub(crate) const OTHER_CORE: &str = "1";

/// A proxy that runs.
pub(crate) struct Proxy {
    pub(crate) name: &'static str,
    /// Whose CPU and memory count.
    pub(crate) pid: u32,
    /// Its port by the number of instances behind it.
    pub(crate) ports: BTreeMap<usize, u16>,
}

/// Everything that runs; it is killed, though not waited for, when this is dropped.
pub(crate) struct Stage {
    pub(crate) proxies: Vec<Proxy>,
    children: Vec<Child>,
    _folder: TempDir,
}

impl Stage {
    pub(crate) async fn set() -> Result<Self, Failed> {
        let folder = tempfile::tempdir()?;
        let at = folder.path();
        let instances = [free()?, free()?, free()?];
        std::fs::write(at.join("64k"), "x".repeat(64 * 1024))?;
        let mut children = vec![nginx(at, "instances", OTHER_CORE, &serving(at, instances))?];
        let (nginx_1, nginx_3) = (free()?, free()?);
        let text = proxying(nginx_1, 1, instances) + &proxying(nginx_3, 3, instances);
        let nginx = nginx(at, "nginx", PROXY_CORE, &text)?;
        let (haproxy_1, haproxy_3) = (free()?, free()?);
        let config = at.join("haproxy.cfg");
        std::fs::write(&config, haproxy(haproxy_1, haproxy_3, instances))?;
        let haproxy = pinned(PROXY_CORE, "haproxy").arg("-db").arg("-f").arg(&config).spawn()?;
        let own = at.join("dinghai");
        std::fs::create_dir(&own)?;
        let dinghai =
            pinned(PROXY_CORE, &std::env::current_exe()?.to_string_lossy()).arg("serve").arg(&own).spawn()?;
        let dinghai_ports = give(&own, instances).await?;
        for port in instances.into_iter().chain([nginx_1, nginx_3, haproxy_1, haproxy_3]) {
            answers(port).await?;
        }
        let proxies = vec![
            Proxy { name: "dinghai", pid: pid(&dinghai)?, ports: dinghai_ports },
            Proxy { name: "nginx", pid: pid(&nginx)?, ports: [(1, nginx_1), (3, nginx_3)].into() },
            Proxy { name: "haproxy", pid: pid(&haproxy)?, ports: [(1, haproxy_1), (3, haproxy_3)].into() },
        ];
        children.extend([nginx, haproxy, dinghai]);
        Ok(Self { proxies, children, _folder: folder })
    }

    /// Ends everything that runs.
    pub(crate) async fn end(mut self) -> Result<(), Failed> {
        for child in &mut self.children {
            child.kill().await?;
        }
        Ok(())
    }
}

fn pid(child: &Child) -> Result<u32, Failed> {
    child.id().ok_or_else(|| "it has ended already".into())
}

fn free() -> Result<u16, Failed> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

async fn answers(port: u16) -> Result<(), Failed> {
    let asking = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let asked = tokio::time::timeout(Duration::from_secs(10), asking).await;
    asked.map_err(|_| format!("nobody listens on port {port}").into())
}

fn pinned(core: &str, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core, program]).stdin(Stdio::null()).kill_on_drop(true);
    command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
    command
}

/// nginx as one process, so that its id is the one that counts.
fn nginx(folder: &Path, name: &str, core: &str, servers: &str) -> Result<Child, Failed> {
    let at = folder.display();
    let text = format!(
        "daemon off; master_process off; worker_processes 1; pid {at}/{name}.pid; error_log {at}/{name}.err;
events {{ worker_connections 8192; }}
http {{ access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
 client_body_temp_path {at}/{name}.1; proxy_temp_path {at}/{name}.2; fastcgi_temp_path {at}/{name}.3;
 uwsgi_temp_path {at}/{name}.4; scgi_temp_path {at}/{name}.5;
{servers}}}
"
    );
    let config = folder.join(format!("{name}.conf"));
    std::fs::write(&config, text)?;
    let mut command = pinned(core, "nginx");
    command.arg("-e").arg(folder.join(format!("{name}.err"))).arg("-c").arg(&config);
    Ok(command.spawn()?)
}

fn serving(folder: &Path, ports: [u16; 3]) -> String {
    let listen: String = ports.iter().map(|port| format!("listen 127.0.0.1:{port} backlog=1024; ")).collect();
    let at = folder.display();
    format!(
        " server {{ {listen}
  location / {{ default_type text/plain; return 200 \"hello, world\\n\"; }}
  location = /64k {{ root {at}; default_type text/plain; }} }}\n"
    )
}

fn proxying(port: u16, count: usize, instances: [u16; 3]) -> String {
    let servers: String =
        instances.iter().take(count).map(|port| format!("server 127.0.0.1:{port}; ")).collect();
    format!(
        " upstream be{count} {{ {servers}keepalive 1024; keepalive_requests 100000000; }}
 server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ proxy_pass http://be{count}; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}\n"
    )
}

fn haproxy(one: u16, three: u16, instances: [u16; 3]) -> String {
    let part = |name: usize, port: u16| {
        let servers: String =
            instances.iter().take(name).map(|port| format!(" server s{port} 127.0.0.1:{port}\n")).collect();
        format!(
            "frontend f{name}\n bind 127.0.0.1:{port}\n default_backend b{name}\nbackend b{name}\n balance roundrobin\n{servers}"
        )
    };
    format!(
        "global\n nbthread 1\n maxconn 8192\ndefaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n http-reuse always\n{}{}",
        part(1, one),
        part(3, three)
    )
}

/// Gives our gateway its table, and says where it listens.
async fn give(folder: &Path, instances: [u16; 3]) -> Result<BTreeMap<usize, u16>, Failed> {
    let control = UnixClient::new(folder.join("gateway.sock"));
    let fence = Fence { incarnation: "bench".to_owned(), lease: 1 };
    let patience = Duration::from_secs(5);
    let order = Fenced { fence, body: table(instances)? };
    let mut left = 200;
    while let Err(error) = control.send::<_, ()>("PUT", "/table", &order, patience).await {
        left -= 1;
        if left == 0 {
            return Err(error.into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    loop {
        let status: GatewayStatus = control.get("/status", patience).await?;
        let port = |name: &str| status.listening.get(&ListenerId::from(name)).map(std::net::SocketAddr::port);
        if let (Some(one), Some(three)) = (port("one"), port("three")) {
            return Ok([(1, one), (3, three)].into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn table(instances: [u16; 3]) -> Result<Table, Failed> {
    let probe = ProbeSpec {
        check: Check::Http("/".to_owned()),
        every: Duration::from_millis(200),
        timeout: Duration::from_millis(300),
        fall: 3,
        rise: 2,
        slow: None,
    };
    let member = |port: &u16| {
        let address = Address { host: "127.0.0.1".to_owned(), port: *port };
        (format!("i{port}").as_str().into(), Member { address, share: 100, places: vec![] })
    };
    let service = |count: usize| ServiceTable {
        probe: Some(probe.clone()),
        tls: None,
        proxy_protocol: None,
        members: instances.iter().take(count).map(member).collect(),
    };
    let route = |name: &str| TableRoute {
        id: name.into(),
        listener: name.into(),
        host: None,
        path: "/".to_owned(),
        when: When::default(),
        split: Split::default(),
        edits: Edits::default(),
        to: name.into(),
        priority: Priority::Normal,
        balance: Balance::LeastRequest,
        when_cut_off: CutOff::Serve,
        timeout_ms: 15_000,
    };
    let any = "127.0.0.1:0".parse()?;
    Ok(Table {
        generation: 1,
        gateway: "bench".into(),
        listeners: [("one".into(), any), ("three".into(), any)].into(),
        routes: vec![route("one"), route("three")],
        redirects: vec![],
        entrances: std::collections::BTreeMap::new(),
        services: [("one".into(), service(1)), ("three".into(), service(3))].into(),
        trusted_proxies: vec![],
        panic_below: 0.5,
    })
}
