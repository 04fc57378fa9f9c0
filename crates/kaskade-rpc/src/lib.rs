//! The only place where wire and domain meet: generated code, conversions, error codes, channels, versions.
