use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::{Walked, walk};

struct Ground(tempfile::TempDir);

impl Ground {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn link(&self, path: &str, to: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(to, path).unwrap();
    }

    fn walk(&self) -> Walked {
        self.walk_in("")
    }

    fn walk_in(&self, path: &str) -> Walked {
        walk(&self.0.path().join(path), &mut io::empty()).unwrap()
    }

    /// The names of what was read, as seen from the ground.
    fn names(&self, walked: &Walked) -> Vec<String> {
        walked.files.iter().map(|file| self.short(&file.path)).collect()
    }

    /// What was skipped, with its reason.
    fn reasons(&self, walked: &Walked) -> Vec<String> {
        walked.skipped.iter().map(|each| format!("{}: {}", self.short(&each.path), each.why)).collect()
    }

    fn short(&self, path: &str) -> String {
        let ground = self.0.path().to_str().unwrap();
        path.strip_prefix(ground).unwrap().trim_start_matches('/').to_owned()
    }
}

#[test]
fn files_of_interest_are_read_in_the_order_of_their_names_and_others_are_counted() {
    let ground = Ground::new();
    for name in [
        "z.tf",
        "b/a.yaml",
        "b.YML",
        "a.tf.json",
        "prod.tfvars",
        "lb/haproxy.cfg",
        "terraform.tfstate",
        ".env",
    ] {
        ground.write(name, name);
    }
    for name in ["README.md", "main.go", "terraform.tfstate.backup", "Dockerfile", ".gitlab-ci.yml"] {
        ground.write(name, name);
    }
    let walked = ground.walk();
    assert_eq!(
        ground.names(&walked),
        [
            ".env",
            "a.tf.json",
            "b.YML",
            "b/a.yaml",
            "lb/haproxy.cfg",
            "prod.tfvars",
            "terraform.tfstate",
            "z.tf"
        ]
    );
    assert_eq!((walked.passed, walked.skipped.len()), (5, 0));
    assert_eq!(walked.bytes, walked.files.iter().map(|file| file.text.len() as u64).sum::<u64>());
}

#[test]
fn caches_and_hidden_folders_are_not_entered() {
    let ground = Ground::new();
    for name in [".git/a.yaml", ".terraform/modules/m/main.tf", "app/node_modules/p/package.json", "app/a.tf"]
    {
        ground.write(name, "");
    }
    let walked = ground.walk();
    assert_eq!(ground.names(&walked), ["app/a.tf"]);
    assert_eq!(walked.closed, 3);
}

#[test]
fn a_hidden_folder_that_is_named_is_read() {
    let ground = Ground::new();
    ground.write(".infra/a.tf", "");
    assert_eq!(ground.names(&ground.walk_in(".infra")), [".infra/a.tf"]);
}

#[test]
fn servers_of_nginx_need_no_ending() {
    let ground = Ground::new();
    ground.write("nginx/sites-available/shop", "server {}");
    ground.link("nginx/sites-enabled/shop", "../sites-available/shop");
    assert_eq!(ground.names(&ground.walk()), ["nginx/sites-enabled/shop"]);
}

#[test]
fn a_file_that_roots_share_by_a_link_is_read_in_each_of_them() {
    let ground = Ground::new();
    ground.write("common/common.tf", "locals {}");
    ground.link("prod/common.tf", "../common/common.tf");
    ground.link("dev/common.tf", "../common/common.tf");
    ground.link("prod/modules", "../modules");
    ground.write("modules/db/main.tf", "");
    let walked = ground.walk();
    assert_eq!(
        ground.names(&walked),
        [
            "common/common.tf",
            "dev/common.tf",
            "modules/db/main.tf",
            "prod/common.tf",
            "prod/modules/db/main.tf"
        ]
    );
}

#[test]
fn links_in_a_circle_end() {
    let ground = Ground::new();
    ground.write("a/x.tf", "");
    ground.link("a/self", ".");
    ground.link("a/root", "..");
    ground.link("loop.tf", "loop.tf");
    let walked = ground.walk();
    assert_eq!(ground.names(&walked), ["a/x.tf"]);
    assert_eq!(
        ground.reasons(&walked),
        [
            "a/root: this link leads back to a folder that contains it",
            "a/self: this link leads back to a folder that contains it",
            "loop.tf: this link leads nowhere",
        ]
    );
}

#[test]
fn folders_that_all_link_to_each_other_cost_little() {
    let ground = Ground::new();
    for from in 0..12 {
        ground.write(&format!("d{from}/x.tf"), "");
        for to in (0..12).filter(|to| *to != from) {
            ground.link(&format!("d{from}/to{to}"), &format!("../d{to}"));
        }
    }
    let walked = ground.walk();
    assert!(walked.files.len() <= 12 * (super::ENTERED as usize + 1), "{}", walked.files.len());
    assert!(walked.skipped.iter().any(|each| each.why.contains("more than 16 links")));
}

#[test]
fn links_that_lead_out_or_nowhere_are_told_and_not_followed() {
    let ground = Ground::new();
    ground.write("secret/outside.tf", "");
    ground.link("in/file.tf", "../secret/outside.tf");
    ground.link("in/folder", "../secret");
    ground.link("in/gone.yaml", "nowhere.yaml");
    ground.link("in/gone.txt", "nowhere.txt");
    let walked = ground.walk_in("in");
    assert!(walked.files.is_empty());
    assert_eq!(
        ground.reasons(&walked),
        [
            "in/file.tf: this link leads out of the folder that was named: name a folder that holds both",
            "in/folder: this link leads out of the folder that was named: name a folder that holds both",
            "in/gone.yaml: this link leads nowhere",
        ]
    );
}

#[test]
fn a_root_that_is_a_link_is_followed() {
    let ground = Ground::new();
    ground.write("real/a.tf", "");
    ground.link("named", "real");
    assert_eq!(ground.names(&ground.walk_in("named")), ["named/a.tf"]);
}

#[test]
fn what_is_no_text_is_told() {
    let ground = Ground::new();
    ground.write("binary.json", b"PK\x03\x04\0\0\0");
    ground.write("latin1.yaml", b"a: 1\nname: caf\xe9\n");
    ground.write("half.json", b"\xff\xfe{\0}");
    let walked = ground.walk();
    assert_eq!(
        ground.reasons(&walked),
        [
            "binary.json: it is binary",
            "half.json: it is not UTF-16 text, though it begins like one: save it as UTF-8",
            "latin1.yaml: it is not UTF-8 text, from line 2 on: save it as UTF-8",
        ]
    );
}

#[test]
fn what_powershell_writes_is_text() {
    let ground = Ground::new();
    let bytes = "\u{feff}{\"区\": 1}".encode_utf16().flat_map(u16::to_le_bytes);
    ground.write("plan.json", bytes.collect::<Vec<_>>());
    assert_eq!(ground.walk().files[0].text, "{\"区\": 1}");
}

#[test]
fn only_what_machines_write_may_be_huge() {
    let ground = Ground::new();
    for (name, mebibytes) in [("a.tf", 17), ("plan.json", 17), ("state.tfstate", 129)] {
        // Sparse: it takes no room on the disk.
        fs::File::create(ground.0.path().join(name)).unwrap().set_len(mebibytes * 1024 * 1024).unwrap();
    }
    assert_eq!(
        ground.reasons(&ground.walk()),
        [
            "a.tf: it is larger than 16 MiB",
            "plan.json: it is binary",
            "state.tfstate: it is larger than 128 MiB",
        ]
    );
}

#[test]
fn pipes_and_sockets_are_never_opened() {
    let ground = Ground::new();
    ground.write("a.tf", "");
    let pipe = ground.0.path().join("pipe.yaml");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    let _listening = UnixListener::bind(ground.0.path().join("socket.json")).unwrap();
    ground.link("null.conf", "/dev/null");
    let walked = ground.walk();
    assert_eq!(ground.names(&walked), ["a.tf"]);
    assert_eq!(
        ground.reasons(&walked),
        [
            "null.conf: it is a device, not a file: it was not opened",
            "pipe.yaml: it is a pipe, not a file: it was not opened",
            "socket.json: it is a socket, not a file: it was not opened",
        ]
    );
    let refused = walk(&pipe, &mut io::empty()).unwrap_err().to_string();
    assert!(refused.contains("is a pipe: name a file or a folder, or `-`"), "{refused}");
}

#[test]
fn what_may_not_be_read_is_told_and_the_rest_is_read() {
    let ground = Ground::new();
    ground.write("a.tf", "");
    ground.write("locked.tf", "");
    ground.write("closed/b.tf", "");
    let locked = ground.0.path().join("locked.tf");
    let closed = ground.0.path().join("closed");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let for_all = fs::File::open(&locked).is_ok();
    let walked = ground.walk();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    // Root may read everything.
    if !for_all {
        assert_eq!(ground.names(&walked), ["a.tf"]);
        assert_eq!(
            ground.reasons(&walked),
            [
                "closed: this folder cannot be listed: it may not be read by you",
                "locked.tf: it may not be read by you",
            ]
        );
    }
}

#[test]
fn one_file_is_read_whatever_its_name() {
    let ground = Ground::new();
    ground.write("compose", "services: {}");
    assert_eq!(ground.names(&ground.walk_in("compose")), ["compose"]);
}

#[test]
fn a_dash_is_standard_input() {
    let walked = walk(Path::new("-"), &mut "services: {}".as_bytes()).unwrap();
    assert_eq!((&*walked.files[0].path, &*walked.files[0].text), ("stdin", "services: {}"));
}

#[test]
fn nothing_there_is_an_error() {
    let ground = Ground::new();
    let missing = walk(&ground.0.path().join("missing"), &mut io::empty()).unwrap_err();
    assert!(missing.to_string().ends_with("missing` cannot be looked at"));
}

#[test]
fn names_cannot_move_the_cursor() {
    let ground = Ground::new();
    ground.write("a\u{1b}[2J.tf", "");
    assert_eq!(ground.names(&ground.walk()), ["a\u{fffd}[2J.tf"]);
}

#[test]
fn the_same_folder_twice_gives_the_same() {
    let ground = Ground::new();
    for name in ["b.tf", "a/c.yaml", "a.d/c.yaml", "a-b.yaml"] {
        ground.write(name, "");
    }
    assert_eq!(ground.names(&ground.walk()), ground.names(&ground.walk()));
    assert_eq!(ground.names(&ground.walk()), ["a-b.yaml", "a.d/c.yaml", "a/c.yaml", "b.tf"]);
}
