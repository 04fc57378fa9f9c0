//! Words that the model crate already knows how to read.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

/// A parser for `words`, each of which the type knows from the spec's format. The list is
/// for help, completion and suggestions.
pub(crate) fn word<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|text| {
        let word: StrDeserializer<'_, Error> = text.as_str().into_deserializer();
        T::deserialize(word)
    })
}
