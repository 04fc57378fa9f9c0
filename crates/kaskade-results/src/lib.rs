//! Estimates, Parquet, summary: from merged statistics to what people read.
