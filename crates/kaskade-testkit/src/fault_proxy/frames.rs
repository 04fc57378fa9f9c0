//! Where the frames of an HTTP/2 connection begin and end.

/// What a client says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Length, type, flags, stream.
const HEADER_BYTES: usize = 9;

const DATA: u8 = 0;
const END_STREAM: u8 = 1;
const PADDED: u8 = 8;

/// One frame with its header, or the preface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) bytes: &'a [u8],
    is_preface: bool,
}

impl Frame<'_> {
    pub(super) fn is_data(&self) -> bool {
        !self.is_preface && self.bytes[3] == DATA && self.bytes.len() > HEADER_BYTES
    }

    /// Whether it is data that begins and ends with gRPC messages: said twice, it is whole
    /// messages said twice.
    pub(super) fn holds_whole_messages(&self) -> bool {
        if !self.is_data() || self.bytes[4] & (END_STREAM | PADDED) != 0 {
            return false;
        }
        let mut rest = &self.bytes[HEADER_BYTES..];
        while let Some((head, tail)) = rest.split_at_checked(5) {
            let n_bytes = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let Some((_, after)) = tail.split_at_checked(n_bytes).filter(|_| head[0] == 0) else {
                return false;
            };
            rest = after;
        }
        rest.is_empty()
    }
}

/// Bytes of one direction, cut into frames.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    begin: usize,
    awaits_preface: bool,
}

impl Frames {
    pub(super) fn new(is_client: bool) -> Self {
        Self { buffer: Vec::new(), begin: 0, awaits_preface: is_client }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.begin);
        self.begin = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame.
    pub(super) fn next(&mut self) -> Option<Frame<'_>> {
        let rest = &self.buffer[self.begin..];
        let n_bytes = if self.awaits_preface {
            PREFACE.len()
        } else {
            let header = rest.get(..HEADER_BYTES)?;
            HEADER_BYTES + u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize
        };
        let bytes = rest.get(..n_bytes)?;
        self.begin += n_bytes;
        let is_preface = std::mem::take(&mut self.awaits_preface);
        Some(Frame { bytes, is_preface })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn frames_are_found_wherever_reads_end() {
        let message = [0, 0, 0, 0, 2, 7, 8];
        let twice = [message, message].concat();
        let wire = [
            PREFACE.to_vec(),
            frame(4, 0, &[1; 6]),
            frame(DATA, 0, &message),
            frame(DATA, 0, &message[..6]),
            frame(DATA, END_STREAM, &message),
            frame(DATA, 0, &twice),
        ];
        let all = wire.concat();
        for step in [1, 2, 5, all.len()] {
            let mut frames = Frames::new(true);
            let mut seen = Vec::new();
            for bytes in all.chunks(step) {
                frames.push(bytes);
                while let Some(frame) = frames.next() {
                    seen.push((
                        frame.bytes.to_vec(),
                        frame.is_data(),
                        frame.holds_whole_messages(),
                    ));
                }
            }
            let bytes: Vec<_> = seen.iter().map(|(bytes, _, _)| bytes.clone()).collect();
            assert_eq!(bytes, wire);
            let is_data: Vec<_> = seen.iter().map(|seen| seen.1).collect();
            assert_eq!(is_data, [false, false, true, true, true, true]);
            let is_whole: Vec<_> = seen.iter().map(|seen| seen.2).collect();
            assert_eq!(is_whole, [false, false, true, false, false, true]);
        }
    }
}
