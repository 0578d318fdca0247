//! Which keys hold secrets, by their names.
//!
//! A key is taken apart into its words (`DB_PASSWORD`, `dbPassword` and `db-password` are the same two), and its words decide. What
//! only speaks *of* a secret, such as its name, its length or the file that holds it, is none.

/// Words that make a key secret wherever they stand in it.
const SECRET: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "pass",
    "secret",
    "secrets",
    "token",
    "tokens",
    "credential",
    "credentials",
    "creds",
    "apikey",
    "authkey",
    "privatekey",
    "secretkey",
    "accesskey",
    "bearer",
    "authorization",
    "requirepass",
    "masterauth",
    "userpass",
    "htpasswd",
    "dockerconfigjson",
    "sas",
    "psk",
];

/// Ends of a longer word that make it secret: `dbpassword`, `clientsecret`.
const ENDS: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "apikey", "credentials"];

/// What stands before `key` in a key that is secret: `api_key`, `secret-access-key`.
const KEYS: &[&str] = &[
    "api",
    "access",
    "private",
    "secret",
    "encryption",
    "signing",
    "master",
    "account",
    "storage",
    "shared",
    "auth",
    "session",
    "client",
    "service",
    "app",
    "license",
    "ssh",
    "hmac",
    "deploy",
];

/// A last word that only speaks of a secret.
const ABOUT: &[&str] = &[
    "algorithm",
    "arn",
    "bucket",
    "class",
    "count",
    "days",
    "duration",
    "enabled",
    "encryption",
    "endpoint",
    "engine",
    "expiration",
    "expiry",
    "file",
    "files",
    "format",
    "group",
    "groups",
    "id",
    "ids",
    "issuer",
    "key",
    "keyref",
    "length",
    "limit",
    "manager",
    "mode",
    "name",
    "names",
    "namespace",
    "path",
    "policy",
    "provider",
    "ref",
    "refs",
    "required",
    "role",
    "rotation",
    "seconds",
    "size",
    "store",
    "timeout",
    "ttl",
    "type",
    "update",
    "uri",
    "url",
    "version",
    "window",
];

/// Directives of nginx that end in `pass` and name a backend.
const PASSES: &[&str] = &["proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached", "by"];

/// Whether the value of such a key is a secret.
pub(super) fn is_secret(key: &str) -> bool {
    let words = words(key);
    let Some(last) = words.last() else { return false };
    let before_key = |at: usize| {
        at.checked_sub(1).and_then(|at| words.get(at)).is_some_and(|word| KEYS.contains(&word.as_str()))
    };
    let is_key = |word: &str| matches!(word, "key" | "keys" | "keydata");
    if is_key(last)
        || last == "data" && words.len() > 1 && words.get(words.len() - 2).is_some_and(|w| w == "key")
    {
        let at = words.iter().rposition(|word| is_key(word)).unwrap_or(0);
        return before_key(at) || words.iter().any(|word| secret_word(word));
    }
    if ABOUT.contains(&last.as_str()) {
        return false;
    }
    if last == "pass" && words.len() > 1 {
        let before = words.get(words.len() - 2).map(String::as_str).unwrap_or_default();
        return !PASSES.contains(&before);
    }
    words.iter().any(|word| secret_word(word))
        || (1..words.len()).any(|at| words.get(at).is_some_and(|word| is_key(word)) && before_key(at))
}

/// Whether the key names something whose value follows under another key: `name: DB_PASSWORD`, then `value: …`.
pub(super) fn names_another(key: &str) -> bool {
    matches!(key.to_ascii_lowercase().as_str(), "name" | "key" | "variable" | "env" | "field")
}

/// Whether the key holds the value of something that another key names.
pub(super) fn holds_named(key: &str) -> bool {
    matches!(key.to_ascii_lowercase().as_str(), "value" | "default" | "values" | "val")
}

fn secret_word(word: &str) -> bool {
    SECRET.contains(&word) || ENDS.iter().any(|end| word.ends_with(end))
}

/// The words of a key in small letters: parted by signs and by capitals after small letters.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for sign in key.chars() {
        let starts = sign.is_ascii_uppercase() && small;
        if (starts || !sign.is_alphanumeric()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if sign.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(sign.to_lowercase());
        }
        small = sign.is_lowercase() || sign.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_hold_secrets_are_known_however_they_are_written() {
        for key in [
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "db-password",
            "MYSQL_ROOT_PASSWORD",
            "dbpassword",
            "passwd",
            "PGPASSWORD",
            "auth_pass",
            "requirepass",
            "MYSQL_PASS",
            "secret",
            "clientSecret",
            "AWS_SECRET_ACCESS_KEY",
            "access_key",
            "api_key",
            "apiKey",
            "apikey",
            "private_key",
            "privateKey",
            "token",
            "GITHUB_TOKEN",
            "auth-token",
            "credentials",
            "insecure-password",
            "client-key-data",
            "secret_key_base",
            "Authorization",
            "accessKeySecret",
            "master_password",
            "account_password",
            "stringSecret",
            "vault.token",
            "tokens",
        ] {
            assert!(is_secret(key), "{key}");
        }
    }

    #[test]
    fn keys_that_only_speak_of_secrets_are_left_readable() {
        for key in [
            "secret_name",
            "secretName",
            "password_length",
            "token_ttl",
            "POSTGRES_PASSWORD_FILE",
            "secret_arn",
            "proxy_pass",
            "fastcgi_pass",
            "kms_key_id",
            "key",
            "availability_zone",
            "compass",
            "bypass_mode",
            "secretKeyRef",
            "password_encryption",
            "primary_key",
            "partition_key",
            "key_name",
            "tokenizer",
            "monkey",
            "secrets_manager",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
