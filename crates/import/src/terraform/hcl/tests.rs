use proptest::prelude::*;

use crate::SourceFile;
use crate::terraform::read::Read;
use crate::terraform::sample::told;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn read(text: &str) -> Read {
    super::read("", &[&file("main.tf", text)])
}

#[test]
fn a_shop_with_modules_is_worked_out() {
    let files = [
        file("shop/main.tf", include_str!("../samples/shop/main.tf")),
        file("shop/prod.auto.tfvars", include_str!("../samples/shop/prod.auto.tfvars")),
        file("shop/staging.tfvars", include_str!("../samples/shop/staging.tfvars")),
        file("shop/modules/net/main.tf", include_str!("../samples/shop/modules/net/main.tf")),
        file("shop/modules/db/main.tf", include_str!("../samples/shop/modules/db/main.tf")),
    ];
    let mut files: Vec<&SourceFile> = files.iter().collect();
    let text = told(&super::read("shop", &files));
    insta::assert_snapshot!(text);
    files.reverse();
    assert_eq!(text, told(&super::read("shop", &files)), "whatever the order of the files");
    let (shown, _) = text.split_once("secrets:").unwrap();
    assert!(!shown.contains("hunter2") && !shown.contains("correct horse"));
}

#[test]
fn modules_that_call_each_other_end() {
    let files = [
        file("a/m.tf", "module \"b\" {\n source = \"../b\"\n count = 3\n}\nresource \"x_y\" \"z\" {}"),
        file("b/m.tf", "module \"a\" {\n source = \"../a\"\n count = 3\n}"),
    ];
    let read = super::read("a", &files.iter().collect::<Vec<_>>());
    assert_eq!(read.resources.len(), 1);
    assert!(!read.absent.is_empty());
}

#[test]
fn values_that_double_end() {
    let mut text = "locals {\n l0 = [1, 2]\n t0 = \"xxxxxxxxxxxxxxxx\"\n".to_owned();
    for at in 1..60 {
        let before = at - 1;
        text.push_str(&format!(" l{at} = [local.l{before}, local.l{before}]\n t{at} = \"${{local.t{before}}}${{local.t{before}}}\"\n"));
    }
    text.push_str("}\nresource \"a_b\" \"c\" {\n l = local.l59\n t = local.t59\n}\n");
    assert_eq!(read(&text).resources.len(), 1);
}

#[test]
fn a_long_chain_of_locals_does_not_overflow() {
    let mut text = "locals {\n l0 = 1\n".to_owned();
    for at in 1..20_000 {
        text.push_str(&format!(" l{at} = local.l{}\n", at - 1));
    }
    text.push_str("}\nresource \"a_b\" \"c\" {\n l = local.l19999\n}\n");
    assert_eq!(read(&text).resources.len(), 1);
}

#[test]
fn a_broken_file_leaves_the_others() {
    let files = [file("a.tf", "resource \"a_b\" \"c\" {}\n"), file("b.tf", "resource \"a_b\" {{{{\n")];
    let read = super::read("", &files.iter().collect::<Vec<_>>());
    assert_eq!((read.resources.len(), read.unseen.len()), (1, 1));
    assert_eq!(read.unseen[0].origin.file, "b.tf");
}

#[test]
fn tf_json_is_the_same_language() {
    let text = r#"{"variable": {"n": {"default": 2, "type": "number"}},
        "resource": {"aws_instance": {"web": {"count": "${var.n}", "name": "web-${count.index}", "tags": {"a": "b"}}}},
        "locals": {"x": 1}, "output": {"o": {"value": "${local.x}"}}}"#;
    let told = told(&super::read("", &[&file("main.tf.json", text)]));
    assert!(told.contains("aws_instance.web[1] at main.tf.json:2"), "{told}");
    assert!(told.contains("name = \"web-1\""), "{told}");
}

const WORDS: [&str; 44] = [
    "resource",
    "\"a_b\"",
    "\"c\"",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "=",
    "\n",
    "\"",
    "${",
    "%{",
    "for",
    "in",
    ":",
    "=>",
    "if",
    "endif",
    "each.key",
    "count",
    "local.a",
    "locals",
    "var.x",
    "variable",
    "module",
    "source",
    "\"./m\"",
    ".",
    "*",
    "...",
    "1",
    "-",
    "?",
    "merge(",
    "element(",
    "<<-E\n",
    "E\n",
    "dynamic",
    "content",
    "a",
    "format(\"%0999d\",",
    "slice(",
];

proptest! {
    #[test]
    fn any_words_in_a_row_end_without_panic(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..60)) {
        read(&words.join(" "));
    }

    #[test]
    fn a_shop_with_bytes_changed_ends_without_panic(changes in prop::collection::vec((0..4000_usize, "[a-z{}\\[\\]\"$.]"), 1..6)) {
        let mut text = include_str!("../samples/shop/main.tf").to_owned();
        for (at, by) in changes {
            if text.is_char_boundary(at) && text.is_char_boundary(at + 1) && at < text.len() {
                text.replace_range(at..=at, &by);
            }
        }
        read(&text);
    }
}

/// `functions.json` is what Terraform 1.11 itself makes of `functions.tf`.
#[test]
fn functions_give_what_terraform_gives() {
    let read = read(include_str!("../samples/functions.tf"));
    let wanted =
        crate::terraform::json::read("", include_str!("../samples/functions.json"), &|_, _| false).unwrap();
    let mut wrong = Vec::new();
    for (key, wanted) in wanted.entries() {
        let address = format!("terraform_data.t[\"{}\"]", key.text);
        let found = read.resources.iter().find(|one| one.address == address);
        let found = found
            .and_then(|one| one.body.get("input"))
            .map(|node| node.text().unwrap_or_else(|| encoded(node)));
        if found != wanted.text() {
            wrong.push(format!("{}: {found:?} and not {:?}", key.text, wanted.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn encoded(node: &crate::value::Node) -> String {
    use crate::value::Value;
    match &node.value {
        Value::List(items) => format!("[{}]", items.iter().map(encoded).collect::<Vec<_>>().join(",")),
        Value::Map(entries) => {
            let mut entries: Vec<_> =
                entries.iter().map(|(key, node)| format!("{:?}:{}", key.text, encoded(node))).collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
        Value::Text(text) => format!("{text:?}"),
        Value::Number(number) => number.to_string(),
        _ => crate::terraform::sample::value(node),
    }
}
