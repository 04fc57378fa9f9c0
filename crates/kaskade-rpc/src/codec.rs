//! The codec of all services: prost with buffers of the size of our chunks.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::ProstCodec;

use crate::limits::{CODEC_BUFFER_BYTES, CODEC_YIELD_BYTES};

/// As [`ProstCodec`], whose buffers of 8 KiB would be copied again and again while they grow
/// to a chunk: half of the throughput.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChunkCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Codec for ChunkCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = <ProstCodec<T, U> as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<T, U>::raw_decoder(buffers())
    }
}

fn buffers() -> BufferSettings {
    BufferSettings::new(CODEC_BUFFER_BYTES, CODEC_YIELD_BYTES)
}
