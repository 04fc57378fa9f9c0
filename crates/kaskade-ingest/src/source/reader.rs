//! The reading thread: every input in turn, decompressed and cut into blocks.

mod binary;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;

use super::block::{Block, Buffers, Content, InputFile, Promise};
use super::open::{Opened, open_file};
use super::pairs::Packing;
use super::parquet::{ParquetFile, Source};
use super::plan::{Kind, Plan, Planned};
use super::sniff;
use super::table::Top;
use crate::error::{IngestError, Malformed, Place};
use crate::progress::Progress;
use crate::spec::{Format, IdKind, Input, ReadSpec};

/// Reads the inputs of a build.
pub(super) struct Reader<'a> {
    pub(super) spec: &'a ReadSpec,
    pub(super) progress: &'a dyn Progress,
    /// Set by the parsers when no further block is wanted.
    pub(super) stop: &'a AtomicBool,
    pub(super) buffers: &'a Buffers,
    pub(super) blocks: SyncSender<Block>,
    /// Whether ids are strings.
    pub(super) has_names: bool,
    /// What the headers said so far.
    pub(super) promises: Vec<Promise>,
}

/// Whether the parsers want more.
#[derive(PartialEq)]
enum Wanted {
    More,
    Nothing,
}

/// The first input, which is opened before the others to see what its ids are.
pub(super) struct First<'a> {
    opened: Option<Opened<'a>>,
    pub(super) has_names: bool,
}

impl<'a> First<'a> {
    /// Looks at the first input of `plan`.
    ///
    /// # Errors
    /// [`IngestError`] about that input.
    pub(super) fn look(
        spec: &ReadSpec,
        plan: &Plan,
        progress: &'a dyn Progress,
    ) -> Result<Self, IngestError> {
        match (spec.ids, plan.inputs.first()) {
            (IdKind::Auto, Some(Planned { file, kind: Kind::Stream { input, forced, named } })) => {
                let opened = Opened::new(input, progress)?;
                let format =
                    forced.unwrap_or_else(|| sniff::by_first_bytes(*named, opened.first()));
                let has_names = match format {
                    Format::Text | Format::Konect => sniff::text_has_names(opened.first_text()),
                    Format::Csv | Format::Tsv => {
                        let top = Top::read(opened.first_text(), format, spec, &file.path)?;
                        top.is_some_and(|top| top.has_names(opened.first_text()))
                    }
                    Format::Parquet => open_parquet(input, &opened, spec, file)?.has_names,
                    _ => false,
                };
                Ok(Self { opened: Some(opened), has_names })
            }
            (ids, _) => Ok(Self { opened: None, has_names: ids == IdKind::String }),
        }
    }
}

impl Reader<'_> {
    /// Sends the blocks of all inputs, in order, until the end or [`Reader::stop`]; gives
    /// what their headers promised.
    ///
    /// # Errors
    /// [`IngestError`]: an input cannot be read or is not what it should be, or the caller
    /// interrupted.
    pub(super) fn read_all(
        mut self,
        plan: &Plan,
        mut first: Option<Opened<'_>>,
    ) -> Result<Vec<Promise>, IngestError> {
        for planned in &plan.inputs {
            let wanted = match &planned.kind {
                Kind::Stream { input, forced, named } => {
                    let opened = match first.take() {
                        Some(opened) => opened,
                        None => Opened::new(input, self.progress)?,
                    };
                    let format =
                        forced.unwrap_or_else(|| sniff::by_first_bytes(*named, opened.first()));
                    self.read_stream(&planned.file, input, opened, format)?
                }
                Kind::Graphalytics { parts, vertices } => {
                    self.refuse_named_columns(&planned.file)?;
                    self.read_graphalytics(&planned.file, parts, vertices)?
                }
                Kind::BvGraph { graph, properties } => {
                    self.refuse_named_columns(&planned.file)?;
                    self.read_bvgraph(&planned.file, graph, properties)?
                }
            };
            if wanted == Wanted::Nothing {
                break;
            }
        }
        Ok(self.promises)
    }

    fn read_stream(
        &mut self,
        file: &Arc<InputFile>,
        input: &Input,
        opened: Opened<'_>,
        format: Format,
    ) -> Result<Wanted, IngestError> {
        if !matches!(format, Format::Csv | Format::Tsv | Format::Parquet) {
            self.refuse_named_columns(file)?;
        }
        let refuse = |format: Format| {
            Err(file.malformed(Place::Whole, Malformed::NeedsFile { format: format.word() }))
        };
        match format {
            Format::Text => self.read_text(file, opened.into_contents()),
            Format::Konect => self.read_konect(file, opened),
            Format::Csv | Format::Tsv => self.read_table(file, opened.into_contents(), format),
            Format::MatrixMarket => self.read_matrix_market(file, opened.into_contents()),
            Format::Metis => self.read_metis(file, opened.into_contents()),
            Format::PairsU32 => self.read_pairs(file, opened.into_contents(), Packing::U32),
            Format::PairsU64 => self.read_pairs(file, opened.into_contents(), Packing::U64),
            Format::Graph500 => self.read_pairs(file, opened.into_contents(), Packing::Graph500),
            // It is opened twice.
            Format::GapSg if !can_be_reopened(input) => refuse(format),
            Format::GapSg => self.read_gap_sg(file, input, opened),
            Format::Parquet => {
                let parquet = open_parquet(input, &opened, self.spec, file)?;
                self.read_parquet(file, parquet)
            }
            Format::Graphalytics | Format::BvGraph => refuse(format),
        }
    }

    fn send(
        &self,
        file: &Arc<InputFile>,
        bytes: Vec<u8>,
        content: Content,
    ) -> Result<Wanted, IngestError> {
        if self.progress.interrupted() {
            return Err(IngestError::Interrupted);
        }
        let block = Block { file: Arc::clone(file), bytes, content };
        let is_wanted = !self.stop.load(Relaxed) && self.blocks.send(block).is_ok();
        Ok(if is_wanted { Wanted::More } else { Wanted::Nothing })
    }

    fn refuse_named_columns(&self, file: &InputFile) -> Result<(), IngestError> {
        if self.spec.source_column.is_none() && self.spec.target_column.is_none() {
            return Ok(());
        }
        Err(file.malformed(Place::Whole, Malformed::NoNamedColumns))
    }
}

impl<'a> First<'a> {
    /// The first input, if it was opened.
    pub(super) fn into_opened(self) -> Option<Opened<'a>> {
        self.opened
    }
}

/// Whether an input gives the same bytes when it is opened again.
fn can_be_reopened(input: &Input) -> bool {
    match input {
        Input::Stdin => false,
        Input::Bytes { .. } => true,
        Input::File(path) => path.is_file(),
    }
}

/// Opens an input as Parquet, which is read from any place in it.
fn open_parquet(
    input: &Input,
    opened: &Opened<'_>,
    spec: &ReadSpec,
    file: &InputFile,
) -> Result<ParquetFile, IngestError> {
    let word = Format::Parquet.word();
    let needs_file = || file.malformed(Place::Whole, Malformed::NeedsFile { format: word });
    if !opened.is_plain {
        return Err(needs_file());
    }
    let source = match input {
        Input::Stdin => return Err(needs_file()),
        Input::Bytes { bytes, .. } => Source::Bytes(Arc::clone(bytes)),
        Input::File(_) if !can_be_reopened(input) => return Err(needs_file()),
        Input::File(path) => {
            Source::of_file(open_file(path)?).map_err(|error| file.unreadable(error))?
        }
    };
    ParquetFile::open(source, spec, file)
}
