//! What holds for parameters of every route, said once for all of them: none is null, and what an id looks like.

use utoipa::openapi::{
    OpenApi, RefOr,
    path::{Parameter, ParameterIn, PathItem},
    schema::{Object, OneOf, Schema, SchemaType, Type},
};

/// The names of parameters that take what `dicom_uid::parse_public_id` takes.
const IDS: [&str; 4] = ["study_id", "series_id", "image_id", "study"];
/// What stands in no id, as the inside of a character class: the backslash, controls, what has no width or turns the
/// direction, and what stands for no character.
const UNSEEN: &str = r"\\\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffd";

/// States them at each parameter.
pub(super) fn state(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for parameter in parameters_of(item) {
            let RefOr::T(parameter) = parameter else { continue };
            let Some(RefOr::T(schema)) = &mut parameter.schema else { continue };
            without_null(schema);
            // In a path, what is none is a 404 like any id of nothing.
            if matches!(parameter.parameter_in, ParameterIn::Query)
                && IDS.contains(&parameter.name.as_str())
                && let Schema::Object(object) = schema
            {
                object.pattern = Some(id());
            }
        }
    }
}

fn parameters_of(item: &mut PathItem) -> impl Iterator<Item = &mut RefOr<Parameter>> {
    let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
    operations.into_iter().flatten().flat_map(|operation| operation.parameters.iter_mut().flatten())
}

/// A parameter that may be left out is written as one that may be null, and there is no null in a path, query or header.
fn without_null(schema: &mut Schema) {
    match schema {
        Schema::Object(Object { schema_type, .. }) => {
            if let SchemaType::Array(types) = schema_type
                && let [one, Type::Null] | [Type::Null, one] = types.as_slice()
            {
                *schema_type = SchemaType::Type(one.clone());
            }
        }
        Schema::OneOf(OneOf { items, .. }) => {
            items.retain(|item| !matches!(item, RefOr::T(Schema::Object(object)) if is_null(object)));
        }
        _ => {}
    }
}

fn is_null(object: &Object) -> bool {
    matches!(object.schema_type, SchemaType::Type(Type::Null))
}

/// A UUID of ours, or what a file names itself by: up to 64 characters without space around them.
fn id() -> String {
    format!(r"^[^\s{UNSEEN}]([^{UNSEEN}]{{0,62}}[^\s{UNSEEN}])?$")
}
