//! The JSON Schema of an estate's files, from the same definitions as the decoder.

use serde_json::{Value as Json, json};

use super::keys::EstateKeys;
use super::shape::{Decode, Defs};

/// The JSON Schema (draft 2020-12) that one file of an estate conforms to. It says what keys there are and what their
/// values look like; that references lead somewhere and values go together only the decoder can tell.
pub fn json_schema() -> Json {
    let mut defs = Defs::new();
    let root = EstateKeys::schema(&mut defs);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dinghai.yaml",
    });
    if let (Json::Object(schema), Json::Object(root)) = (&mut schema, root) {
        schema.extend(root);
        schema.insert("$defs".to_owned(), Json::Object(defs));
    }
    schema
}
