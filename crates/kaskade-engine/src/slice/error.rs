/// A payload that [`super::encode`] did not write: a peer broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The payload ends inside a block.
    #[error("frontier payload ends inside a block")]
    Truncated,
    /// An encoding that this version does not know.
    #[error("frontier payload has unknown encoding {byte} of {section}")]
    UnknownEncoding {
        /// Ids or masks.
        section: &'static str,
        /// The byte found.
        byte: u8,
    },
    /// A number of mask planes that no model of this version sends.
    #[error("frontier payload has {n_planes} mask planes, 1 is known")]
    UnknownPlanes {
        /// The planes found.
        n_planes: u8,
    },
    /// A side that the job does not have.
    #[error("frontier payload is of side {side}, the job has {n_sides}")]
    UnknownSide {
        /// The side found.
        side: usize,
        /// The sides of the job.
        n_sides: usize,
    },
    /// Ids out of order, out of range, or not as many as stated.
    #[error("frontier payload has ids that are out of order, out of range or miscounted")]
    BadIds,
    /// Masks that are empty, name lanes outside the batch, or are miscounted.
    #[error("frontier payload has masks that are empty, outside the batch or miscounted")]
    BadMasks,
}
