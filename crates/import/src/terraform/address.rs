//! Addresses of resources: `module.shop["eu"].aws_instance.web[0]`, and what may follow one in an expression.

/// An address in an expression, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    /// The name without its index.
    pub(crate) name: &'a str,
    /// The name with its index, as written: `web[0]`.
    pub(crate) whole: &'a str,
}

/// The parts between the dots, where a dot inside `["…"]` is none.
pub(crate) fn steps(address: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut quoted = false;
    let mut escaped = false;
    let mut brackets = 0_usize;
    let mut start = 0;
    let mut name_end = None;
    let mut push = |start: usize, name_end: Option<usize>, end: usize| {
        let whole = address.get(start..end).unwrap_or_default();
        let name = address.get(start..name_end.unwrap_or(end)).unwrap_or_default();
        steps.push(Step { name, whole });
    };
    for (at, character) in address.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if brackets > 0 => quoted = !quoted,
            _ if quoted => {}
            '[' => {
                brackets += 1;
                name_end = name_end.or(Some(at));
            }
            ']' => brackets = brackets.saturating_sub(1),
            '.' if brackets == 0 => {
                push(start, name_end, at);
                start = at + 1;
                name_end = None;
            }
            _ => {}
        }
    }
    push(start, name_end, address.len());
    steps
}

/// The module part of an address (empty for the root module) and the rest.
pub(crate) fn split_module(address: &str) -> (&str, &str) {
    let mut end = 0;
    let steps = steps(address);
    for pair in steps.chunks(2) {
        match pair {
            [Step { whole: "module", .. }, named] => end += "module.".len() + named.whole.len() + 1,
            _ => break,
        }
    }
    let module = address.get(..end.saturating_sub(1)).unwrap_or(address);
    (module, address.get(end..).unwrap_or_default())
}

/// The address without its last index.
pub(crate) fn without_index(address: &str) -> &str {
    let last = steps(address).pop();
    let index = last.map_or(0, |step| step.whole.len() - step.name.len());
    address.get(..address.len() - index).unwrap_or(address)
}

/// Something inside a module: `module.a` and `b.c` give `module.a.b.c`.
pub(crate) fn inside(module: &str, rest: &str) -> String {
    if module.is_empty() { rest.to_owned() } else { format!("{module}.{rest}") }
}

/// A key as an index: `["a\"b"]`.
pub(crate) fn key_index(key: &str) -> String {
    format!("[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_a_key_does_not_part() {
        let address = r#"module.shop["eu.west"].aws_instance.web["a\"].b"]"#;
        let whole: Vec<_> = steps(address).into_iter().map(|step| step.whole).collect();
        assert_eq!(whole, ["module", r#"shop["eu.west"]"#, "aws_instance", r#"web["a\"].b"]"#]);
        assert_eq!(split_module(address), (r#"module.shop["eu.west"]"#, r#"aws_instance.web["a\"].b"]"#));
        assert_eq!(without_index(address), r#"module.shop["eu.west"].aws_instance.web"#);
        assert_eq!(split_module("aws_instance.web"), ("", "aws_instance.web"));
        assert_eq!(without_index("aws_instance.web"), "aws_instance.web");
        assert_eq!(key_index("a\"b"), r#"["a\"b"]"#);
    }
}
