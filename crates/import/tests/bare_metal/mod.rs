//! The configurations that the tests of machines read.

use super::SourceFile;

/// Files of `fixtures`, by their paths in it.
macro_rules! fixtures {
    ($($path:literal),* $(,)?) => {
        vec![$(SourceFile {
            path: $path.to_owned(),
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/", $path)).to_owned(),
        }),*]
    };
}

/// Two balancers with an address that moves, before a database of three members.
pub(crate) fn bare_metal() -> Vec<SourceFile> {
    fixtures![
        "bare-metal/lb-a/haproxy.cfg",
        "bare-metal/lb-a/keepalived.conf",
        "bare-metal/lb-b/haproxy.cfg",
        "bare-metal/lb-b/keepalived.conf",
        "bare-metal/pg-1/patroni.yml",
        "bare-metal/pg-2/patroni.yml",
        "bare-metal/pg-3/patroni.yml",
    ]
}
