//! What must never be shown: taken out of the values, and remembered so that output can be scrubbed of it.
//!
//! Terraform marks what a schema or a variable calls sensitive, but older states mark nothing, and `.tf` files only variables. So
//! the names count too: what is called a password is one. Values inside larger texts (JSON, connection strings) stay where they
//! are, since the text is needed, but are remembered all the same.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::terraform::json;
use crate::value::{Node, Value};

/// The reason of a value that was taken out because it is secret.
pub(crate) const SENSITIVE: &str = "sensitive";

/// Shorter values are no secrets, and scrubbing them would make holes in words.
const SHORTEST: usize = 4;
/// Larger JSON texts are not looked into.
const LARGEST_TEXT: usize = 1 << 20;

/// Words that stand where a secret might, and are none.
const WORDS: [&str; 11] = [
    "true", "false", "null", "none", "default", "required", "optional", "enabled", "disabled", "password",
    "secret",
];

/// Takes a whole value out and remembers every text in it.
pub(crate) fn hide(node: &mut Node, secrets: &mut BTreeSet<String>) {
    remember(node, secrets);
    node.value = Value::Unknown(SENSITIVE.to_owned());
}

/// Takes out what `marks` marks: a tree of the same shape with `true` at what is sensitive.
pub(crate) fn hide_marked(node: &mut Node, marks: &Node, secrets: &mut BTreeSet<String>) {
    match (&mut node.value, &marks.value) {
        (_, Value::Bool(true)) => hide(node, secrets),
        (Value::Map(entries), Value::Map(_)) => {
            for (key, value) in entries {
                if let Some(marks) = marks.get(&key.text) {
                    hide_marked(value, marks, secrets);
                }
            }
        }
        (Value::List(items), Value::List(marks)) => {
            for (item, marks) in items.iter_mut().zip(marks) {
                hide_marked(item, marks, secrets);
            }
        }
        _ => {}
    }
}

/// Takes out what is called a secret, and remembers the secrets inside larger texts.
pub(crate) fn hide_named(node: &mut Node, secrets: &mut BTreeSet<String>) {
    // `{ name = "DB_PASSWORD", value = "…" }`, as container definitions have it.
    let named = node.get("name").and_then(Node::str).is_some_and(is_secret_name);
    match &mut node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                let secret = is_secret_name(&key.text) || (named && key.text == "value");
                match value.value {
                    Value::Text(_) | Value::Joined(_) if secret => hide(value, secrets),
                    _ => hide_named(value, secrets),
                }
            }
        }
        Value::List(items) | Value::Joined(items) => {
            for item in items {
                hide_named(item, secrets);
            }
        }
        Value::Text(text) => inside_text(text, secrets),
        _ => {}
    }
}

/// Takes out every text that is known to be secret from elsewhere: a computed copy is not marked.
pub(crate) fn hide_known(node: &mut Node, secrets: &BTreeSet<String>) {
    match &mut node.value {
        Value::Text(text) if secrets.contains(text.as_str()) => {
            node.value = Value::Unknown(SENSITIVE.to_owned())
        }
        Value::Map(entries) => entries.iter_mut().for_each(|(_, node)| hide_known(node, secrets)),
        Value::List(items) | Value::Joined(items) => {
            items.iter_mut().for_each(|node| hide_known(node, secrets))
        }
        _ => {}
    }
}

/// Remembers every text of a secret value.
pub(crate) fn remember(node: &Node, secrets: &mut BTreeSet<String>) {
    match &node.value {
        Value::Text(text) if text.len() >= SHORTEST && !WORDS.contains(&text.to_lowercase().as_str()) => {
            secrets.insert(text.clone());
        }
        Value::Map(entries) => entries.iter().for_each(|(_, node)| remember(node, secrets)),
        Value::List(items) | Value::Joined(items) => items.iter().for_each(|node| remember(node, secrets)),
        _ => {}
    }
}

/// Whether a value of that name is a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let name =
        if plain { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase().replace(['-', '.'], "_")) };
    let about =
        ["_arn", "_name", "_id", "_type", "_policy", "_version", "_path", "_file", "_ref", "_encryption"];
    let within = ["password", "passwd", "passphrase", "private_key", "privatekey", "secret_key", "secretkey"];
    let within_too =
        ["access_key", "accesskey", "api_key", "apikey", "auth_token", "client_secret", "secret_string"];
    let last = ["secret", "token", "pwd", "credentials", "connection_string"];
    (within.iter().chain(&within_too).any(|word| name.contains(word))
        || last.iter().any(|word| name.ends_with(word)))
        && !about.iter().any(|end| name.ends_with(end))
}

fn inside_text(text: &str, secrets: &mut BTreeSet<String>) {
    for (_, after) in
        text.match_indices("://").filter_map(|(at, mark)| Some((at, text.get(at + mark.len()..)?)))
    {
        let authority = after.split(['/', ' ', '"', '\n']).next().unwrap_or_default();
        let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        if let Some((_, password)) = password.filter(|(_, password)| password.len() >= SHORTEST) {
            secrets.insert(password.to_owned());
        }
    }
    let starts = text.trim_start();
    if text.len() <= LARGEST_TEXT
        && starts.starts_with(['{', '['])
        && let Ok(mut inner) = json::read("", text, &|_, _| false)
    {
        hide_named(&mut inner, secrets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "password",
            "DB_PASSWORD",
            "master-password",
            "auth_token",
            "SECRET_KEY",
            "apiKey",
            "ssl.private_key",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["http_tokens", "secret_arn", "password_policy", "kms_key_id", "secret_name", "secrets", "name"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn a_secret_inside_a_larger_text_is_remembered() {
        let text =
            r#"[{"name": "DB_PASSWORD", "value": "hunter22"}, {"url": "postgres://me:s3cret@db:5432/x"}]"#;
        let mut secrets = BTreeSet::new();
        inside_text(text, &mut secrets);
        assert_eq!(secrets.into_iter().collect::<Vec<_>>(), ["hunter22", "s3cret"]);
    }

    #[test]
    fn json_inside_json_ends() {
        // Every level doubles the backslashes, so that the text itself bounds the depth.
        let mut text = r#"{"password":"innermost"}"#.to_owned();
        for _ in 0..10 {
            text = format!("[{}]", quoted(&text));
        }
        let mut secrets = BTreeSet::new();
        inside_text(&text, &mut secrets);
        assert!(secrets.contains("innermost"));
    }

    fn quoted(text: &str) -> String {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
