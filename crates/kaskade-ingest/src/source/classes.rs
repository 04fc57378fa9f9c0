//! Arc classes: the words of a column that say which channel each arc belongs to.
//!
//! A block numbers the classes that it meets, and hands over arcs by the numbers that these have
//! among all blocks. Which numbers those are depends on the race of the threads and means
//! nothing: once all is read the classes are put in order by name, and only their set counts.

use std::sync::{Arc, Mutex, PoisonError};

use kaskade_model::dynamics::MAX_CHANNELS;

use super::block::InputFile;
use crate::arcs::ChannelSet;
use crate::error::IngestError;

/// The classes of a piece of input that is parsed alone, numbered as they come.
#[derive(Default)]
pub(crate) struct BlockClasses {
    /// Names, and the line that each was found in first. One more than there can be channels is
    /// kept, for the error; what comes after it is not.
    found: Vec<(String, u64)>,
}

impl BlockClasses {
    /// The class called `name` alone, by its number here; no class where it is one too many.
    #[inline]
    pub(super) fn set_of(&mut self, name: &str, line: impl FnOnce() -> u64) -> ChannelSet {
        let known = self.found.iter().position(|(known, _)| known == name);
        match known.unwrap_or_else(|| self.add(name, line)) {
            number @ ..MAX_CHANNELS => ChannelSet(1 << number),
            _ => ChannelSet::default(),
        }
    }

    #[cold]
    fn add(&mut self, name: &str, line: impl FnOnce() -> u64) -> usize {
        let number = self.found.len();
        if number <= MAX_CHANNELS {
            self.found.push((name.to_owned(), line()));
        }
        number
    }

    /// Whether no arc had a class.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// The classes of all inputs, which many threads add to.
#[derive(Default)]
pub(super) struct Classes {
    found: Mutex<Vec<Class>>,
}

/// A class and where it stands first, as far as was read.
struct Class {
    name: String,
    file: Arc<InputFile>,
    line: u64,
}

impl Class {
    fn place(&self) -> (usize, u64) {
        (self.file.order, self.line)
    }
}

impl Classes {
    /// Adds those of `block`, a piece of `file`; gives the numbers that they have here.
    ///
    /// # Errors
    /// As [`Classes::check`].
    pub(super) fn join(
        &self,
        block: &BlockClasses,
        file: &Arc<InputFile>,
    ) -> Result<Renumbering, IngestError> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut numbers = Vec::with_capacity(block.found.len());
        for (name, line) in &block.found {
            let here = Class { name: name.clone(), file: Arc::clone(file), line: *line };
            match found.iter().position(|class| class.name == *name) {
                Some(number) => {
                    if here.place() < found[number].place() {
                        found[number] = here;
                    }
                    numbers.push(number);
                }
                None => {
                    numbers.push(found.len());
                    found.push(here);
                }
            }
        }
        check(&found)?;
        Ok(Renumbering::to(&numbers))
    }

    /// Whether there are no more of them than there can be channels.
    ///
    /// # Errors
    /// [`IngestError::TooManyClasses`] with the first that is one too many in the order of the
    /// input: all that stands before it was read.
    pub(super) fn check(&self) -> Result<(), IngestError> {
        check(&self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those of all inputs in order, at most [`MAX_CHANNELS`].
    pub(super) fn into_sorted(self) -> SortedClasses {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let found: Vec<String> = found.into_iter().map(|class| class.name).collect();
        let rank = |name: &String| found.iter().filter(|other| *other < name).count();
        let numbers = Renumbering::to(&found.iter().map(rank).collect::<Vec<_>>());
        let mut names = found;
        names.sort_unstable();
        SortedClasses { names, numbers }
    }
}

fn check(found: &[Class]) -> Result<(), IngestError> {
    let mut in_order: Vec<&Class> = found.iter().collect();
    in_order.sort_unstable_by_key(|class| class.place());
    let Some((first, [one_more, ..])) = in_order.split_at_checked(MAX_CHANNELS) else {
        return Ok(());
    };
    let mut known: Vec<&str> = first.iter().map(|class| class.name.as_str()).collect();
    known.sort_unstable();
    Err(IngestError::TooManyClasses {
        path: one_more.file.path.clone(),
        line: one_more.line,
        name: one_more.name.clone(),
        known: known.join(", "),
    })
}

/// Classes in ascending bytewise order of their names.
#[derive(Debug, Default)]
pub(crate) struct SortedClasses {
    /// The names.
    pub(crate) names: Vec<String>,
    /// From the numbers that arcs were handed over by to places in the order.
    pub(crate) numbers: Renumbering,
}

/// Sets of classes by other numbers.
#[derive(Debug)]
pub(crate) struct Renumbering {
    /// Every set under the old numbers, by the new ones.
    sets: [u8; 1 << u8::BITS],
}

impl Default for Renumbering {
    /// Every number as it is.
    fn default() -> Self {
        Self::to(&[])
    }
}

impl Renumbering {
    /// From a place in `numbers` to the number that stands there, which is below
    /// [`MAX_CHANNELS`]; numbers beyond those places stay: channels that no column names have
    /// their numbers from the start.
    fn to(numbers: &[usize]) -> Self {
        let new = |set: usize| {
            let members = (0..MAX_CHANNELS).filter(|old| set >> old & 1 == 1);
            members.fold(0, |sets, old| sets | 1u8 << numbers.get(old).unwrap_or(&old))
        };
        Self { sets: std::array::from_fn(new) }
    }

    /// `set` by the new numbers.
    #[inline]
    pub(super) fn set(&self, set: ChannelSet) -> ChannelSet {
        ChannelSet(self.sets[usize::from(set.0)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block with these classes, one a line from `first_line` on, and their sets there.
    fn block(names: &[&str], first_line: u64) -> (BlockClasses, Vec<ChannelSet>) {
        let mut classes = BlockClasses::default();
        let sets =
            (first_line..).zip(names).map(|(line, name)| classes.set_of(name, || line)).collect();
        (classes, sets)
    }

    #[test]
    fn whatever_block_comes_first_the_names_give_the_order() {
        let file = InputFile::new(0, "arcs.csv".into(), None);
        let (one, one_sets) = block(&["sms", "mail", "sms"], 1);
        let (other, other_sets) = block(&["chat", "sms"], 4);
        assert_eq!(one_sets, [1, 2, 1].map(ChannelSet));
        for one_is_first in [true, false] {
            let classes = Classes::default();
            let early = if one_is_first { classes.join(&one, &file).ok() } else { None };
            let of_other = classes.join(&other, &file).unwrap();
            let of_one = early.unwrap_or_else(|| classes.join(&one, &file).unwrap());
            let sorted = classes.into_sorted();
            assert_eq!(sorted.names, ["chat", "mail", "sms"]);
            let in_order = |numbers: &Renumbering, sets: &[ChannelSet]| -> Vec<u8> {
                sets.iter().map(|set| sorted.numbers.set(numbers.set(*set)).0).collect()
            };
            assert_eq!(in_order(&of_one, &one_sets), [4, 2, 4]);
            assert_eq!(in_order(&of_other, &other_sets), [1, 4]);
            assert_eq!(sorted.numbers.set(ChannelSet(7)), ChannelSet(7), "all stay all");
        }
        assert_eq!(SortedClasses::default().numbers.set(ChannelSet(0xa5)), ChannelSet(0xa5));
    }

    #[test]
    fn the_first_class_too_many_is_named_whatever_block_comes_first() {
        let file = InputFile::new(0, "arcs.csv".into(), None);
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        let (early, early_sets) = block(&names, 2);
        assert_eq!(early_sets[7..], [128, 0, 0, 0].map(ChannelSet));
        let (late, _) = block(&["z", "y", "a"], 100);
        for early_is_first in [true, false] {
            let classes = Classes::default();
            let blocks = if early_is_first { [&early, &late] } else { [&late, &early] };
            assert_eq!(classes.join(blocks[0], &file).is_err(), early_is_first);
            classes.join(blocks[1], &file).unwrap_err();
            let error = classes.check().unwrap_err().to_string();
            assert!(error.starts_with("arcs.csv:10: \"i\" "), "{error}");
            assert!(error.contains("a, b, c, d, e, f, g, h"), "{error}");
        }
    }
}
