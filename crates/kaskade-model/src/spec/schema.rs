//! The spec as a JSON Schema, for editors.

use std::borrow::Cow;

use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::{ModelKind, OriginalId, Placement, Probability, Spec};
use crate::diffusion::{FactorColumns, SegmentMatrix};
use crate::until::Until;

/// The JSON Schema (draft 2020-12) of a spec file: keys, types, ranges, and what the docs of the
/// types say.
#[must_use]
pub fn json_schema() -> Schema {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<Spec>();
    RecursiveTransform(leave_out_null).transform(&mut schema);
    schema.insert("title".to_owned(), "A job of kaskade".into());
    add_sweep(&mut schema);
    schema
}

/// A file may be of many jobs: `[sweep]` says what varies, and may say who starts, too.
fn add_sweep(schema: &mut Schema) {
    let values = serde_json::json!({
        "description": "The values that a key takes: a list, or a range.",
        "anyOf": [{ "type": "array", "minItems": 1 }, { "type": "object" }],
    });
    let sweep = serde_json::json!({
        "description": "Many jobs of this spec, one for each combination of the values of these keys.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": values,
    });
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("sweep".to_owned(), sweep);
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|key| key != "seeds");
    }
    let either = serde_json::json!([{ "required": ["seeds"] }, { "required": ["sweep"] }]);
    schema.insert("anyOf".to_owned(), either);
}

/// A key that may be left out: TOML has no null to say so.
fn leave_out_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [only] = choices.as_slice()
            && let Value::Object(only) = only.clone()
        {
            schema.remove("anyOf");
            only.into_iter().for_each(|(key, value)| {
                schema.insert(key, value);
            });
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
}

/// `ic` and `lt` stand for the long names.
pub(super) fn add_short_names(schema: &mut Schema) {
    if let Some(Value::Array(kinds)) = schema.get_mut("oneOf") {
        for (short, kind) in
            [("ic", ModelKind::IndependentCascade), ("lt", ModelKind::LinearThreshold)]
        {
            let description = format!("Short for `{kind}`.");
            kinds.push(serde_json::json!({ "const": short, "description": description }));
        }
    }
}

impl JsonSchema for Probability {
    fn schema_name() -> Cow<'static, str> {
        "Probability".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let factors = generator.subschema_for::<FactorColumns>();
        let matrix = generator.subschema_for::<SegmentMatrix>();
        json_schema!({
            "description": "A number in [0, 1], or a word or table that says how an arc's probability is found.",
            "anyOf": [
                { "type": "number", "minimum": 0.0, "maximum": 1.0 },
                { "enum": Self::WORDS.map(|(word, _)| word) },
                { "type": "string", "pattern": "^[0-9.eE+-]+ */in-degree$" },
                factors,
                matrix,
            ],
        })
    }
}

impl JsonSchema for OriginalId {
    fn schema_name() -> Cow<'static, str> {
        "OriginalId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A node id: a whole number, in quotes from 2^63 on, or a name.",
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string" }],
        })
    }
}

impl JsonSchema for Placement {
    fn schema_name() -> Cow<'static, str> {
        "Placement".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How a cluster shares a job's work.",
            "type": "string",
            "pattern": "^(auto|replicate|partition|hybrid:[1-9][0-9]*x[1-9][0-9]*)$",
        })
    }
}

impl JsonSchema for Until {
    fn schema_name() -> Cow<'static, str> {
        "Until".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "When fewer simulations are enough: `relative-error=1%,confidence=95%`.",
            "type": "string",
            "pattern": "^relative-error=[0-9.eE+-]+%?(,confidence=[0-9.eE+-]+%?)?$",
        })
    }
}
