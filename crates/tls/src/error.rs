//! Why files cannot be used.

use std::path::PathBuf;

/// Why files cannot be used. All of them may be mended while we run: the files are looked at again when they change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read.
    #[error("cannot read `{}`: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// There is no certificate in it.
    #[error("`{}` holds no certificate that can be read", .0.display())]
    NoCertificate(PathBuf),
    /// There is no private key in it. What is in it is not told.
    #[error("`{}` holds no private key that can be read", .0.display())]
    NoKey(PathBuf),
    /// Its kind or size is not supported.
    #[error("the private key in `{}` is of no kind that can be used", .0.display())]
    UnusableKey(PathBuf),
    /// The two do not belong together.
    #[error("the private key in `{}` is not the one of the certificate in `{}`", key.display(), certificate.display())]
    Strangers {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A certificate cannot be understood.
    #[error("the certificate in `{}` cannot be used: {why}", path.display())]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// They cannot be put to use together.
    #[error("cannot be used: {0}")]
    Unusable(String),
}
