//! Networks of namespaces: a switch in one, a machine in each other, nothing in the host's own.

use std::error::Error;
use std::io::Write;
use std::process::{Child, Command, Stdio};

/// Undoes all namespaces of this process once it ends, however it ends: it waits for the end of a pipe that only we hold.
pub struct Guard {
    pub prefix: String,
    _waits: Child,
}

const UNDO: &str = r#"
trap '' INT TERM HUP
read -r _ || true
for name in $(ip netns list | cut -d' ' -f1 | grep "^$1-"); do
  for pid in $(ip netns pids "$name"); do kill -9 "$pid" 2>/dev/null; done
  ip netns del "$name"
done
"#;

impl Guard {
    pub fn new() -> Result<Self, Box<dyn Error>> {
        let prefix = format!("dh{}", std::process::id());
        let waits = Command::new("sh").args(["-c", UNDO, "undo", &prefix]).stdin(Stdio::piped()).spawn()?;
        Ok(Self { prefix, _waits: waits })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut pipe) = self._waits.stdin.take() {
            let _ = pipe.write_all(b"\n");
        }
        let _ = self._waits.wait();
    }
}

/// One network: machines by name at `10.77.0.N`.
pub struct Network {
    prefix: String,
    names: Vec<String>,
}

impl Network {
    pub fn new(guard: &Guard, number: usize, machines: &[(&str, u8)]) -> Result<Self, Box<dyn Error>> {
        let mut network = Self { prefix: format!("{}-{number}", guard.prefix), names: Vec::new() };
        let switch = network.add("switch")?;
        ip(&[
            "-n",
            &switch,
            "link",
            "add",
            "br0",
            "type",
            "bridge",
            "mcast_snooping",
            "0",
            "forward_delay",
            "0",
        ])?;
        ip(&["-n", &switch, "link", "set", "br0", "up"])?;
        for (name, last) in machines {
            let machine = network.add(name)?;
            ip(&[
                "-n", &switch, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &machine,
            ])?;
            ip(&["-n", &switch, "link", "set", name, "master", "br0", "up"])?;
            ip(&["-n", &machine, "addr", "add", &format!("10.77.0.{last}/24"), "dev", "eth0"])?;
            ip(&["-n", &machine, "link", "set", "eth0", "up"])?;
        }
        Ok(network)
    }

    fn add(&mut self, name: &str) -> Result<String, Box<dyn Error>> {
        let full = self.name(name);
        ip(&["netns", "add", &full])?;
        self.names.push(full.clone());
        ip(&["-n", &full, "link", "set", "lo", "up"])?;
        Ok(full)
    }

    pub fn name(&self, machine: &str) -> String {
        format!("{}-{machine}", self.prefix)
    }

    /// A command that runs on a machine.
    pub fn on(&self, machine: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(machine), program]).stdin(Stdio::null());
        command
    }

    /// Nothing comes in or goes out any more, without a word.
    pub fn silence(&self, machine: &str) -> Result<(), Box<dyn Error>> {
        let rules = "table inet gone { chain in { type filter hook input priority 0; policy drop; }; chain out { type filter hook output priority 0; policy drop; }; }";
        call(self.on(machine, "nft").arg(rules))
    }

    pub fn unsilence(&self, machine: &str) -> Result<(), Box<dyn Error>> {
        call(self.on(machine, "nft").args(["delete", "table", "inet", "gone"]))
    }

    /// The cable of a machine, at the switch.
    pub fn cable(&self, machine: &str, state: &str) -> Result<(), Box<dyn Error>> {
        ip(&["-n", &self.name("switch"), "link", "set", machine, state])
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = ip(&["netns", "del", name]);
        }
    }
}

fn ip(args: &[&str]) -> Result<(), Box<dyn Error>> {
    call(Command::new("ip").args(args))
}

pub fn call(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = command.stdin(Stdio::null()).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
