use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::convert::testing::{assert_golden, assert_round_trip, attempt, attempts, peer_messages};

proptest! {
    #[test]
    fn round_trips(
        attempt in attempts(),
        epoch in any::<u64>(),
        from in any::<u64>(),
        message in peer_messages(),
        receipt in any::<(u64, u64, u64, u64)>(),
    ) {
        let from = WorkerId(from);
        let hello = ExchangeMessage::Hello(Hello { attempt, from });
        assert_round_trip::<_, pb::ExchangeMessage>(hello);
        let envelope = Envelope { epoch: Epoch(epoch), from, message };
        assert_round_trip::<_, pb::ExchangeMessage>(ExchangeMessage::Peer(envelope));
        let (worker, n_messages, n_bytes, credit_bytes) = receipt;
        let receipt = Receipt { worker: WorkerId(worker), n_messages, n_bytes, credit_bytes };
        assert_round_trip::<_, pb::ExchangeReply>(receipt);
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(message) = pb::ExchangeMessage::decode(&bytes[..]) {
            let _ = ExchangeMessage::try_from(message);
        }
    }
}

fn chunk(payload: Bytes) -> Envelope {
    let chunk = Chunk { batch: BatchId(9), round: Round(4), sequence: 2, payload };
    Envelope { epoch: Epoch(3), from: WorkerId(5), message: PeerMessage::Chunk(chunk) }
}

fn marker() -> Envelope {
    let (batch, round) = (BatchId(9), Round(4));
    let marker = Marker { batch, round, n_chunks: 3, n_bytes: 300, n_new: 17, n_pending: 1 };
    Envelope { epoch: Epoch(3), from: WorkerId(5), message: PeerMessage::Marker(marker) }
}

#[test]
fn golden_bytes() {
    let golden = assert_golden::<pb::ExchangeMessage>;
    let hello = Hello { attempt: attempt(), from: WorkerId(5) };
    golden(ExchangeMessage::Hello(hello), "0a110802120b0a056a6f622d37100218031805");
    golden(ExchangeMessage::Peer(chunk("slice".into())), "1211080310051809200428023205736c696365");
    golden(ExchangeMessage::Peer(marker()), "1215080310051809200428033a09080310ac0218112001");
    let credit = PeerMessage::Credit(Credit { batch: BatchId(9), n_bytes: 300 });
    let credit = Envelope { epoch: Epoch(3), from: WorkerId(5), message: credit };
    golden(ExchangeMessage::Peer(credit), "120b080310051809420308ac02");
    let receipt =
        Receipt { worker: WorkerId(6), n_messages: 4, n_bytes: 300, credit_bytes: 8 << 20 };
    assert_golden::<pb::ExchangeReply>(receipt, "0806100418ac022080808004");
}

#[test]
fn a_received_payload_is_a_slice_of_its_message() {
    let message = pb::ExchangeMessage::from(ExchangeMessage::Peer(chunk("slice".into())));
    let bytes = Bytes::from(message.encode_to_vec());
    let decoded = pb::ExchangeMessage::decode(bytes.clone()).unwrap();
    let ExchangeMessage::Peer(envelope) = decoded.try_into().unwrap() else { panic!("no peer") };
    let PeerMessage::Chunk(chunk) = envelope.message else { panic!("no chunk") };
    assert!(bytes.as_ptr_range().contains(&chunk.payload.as_ptr()), "it was copied");
}

#[test]
fn the_largest_chunk_fits_a_message() {
    let largest = chunk(vec![0; CHUNK_BYTES].into());
    let message = pb::ExchangeMessage::from(ExchangeMessage::Peer(largest));
    assert!(message.encoded_len() <= EXCHANGE_MESSAGE_BYTES);
    ExchangeMessage::try_from(message).unwrap();
}

#[test]
fn broken_messages_are_refused() {
    let refuse = |change: fn(&mut pb::PeerMessage)| {
        let mut message = pb::PeerMessage::from(marker());
        change(&mut message);
        Envelope::try_from(message).unwrap_err().to_string()
    };
    assert_eq!(
        refuse(|message| message.sequence = 2),
        "invalid PeerMessage: field sequence is 2, of 3 chunks"
    );
    assert!(refuse(|message| message.content = None).contains("content is missing"));
    let credit = PeerMessage::Credit(Credit { batch: BatchId(9), n_bytes: 300 });
    let credit = Envelope { epoch: Epoch(3), from: WorkerId(5), message: credit };
    let of_a_round = pb::PeerMessage { round: 4, ..credit.into() };
    let error = Envelope::try_from(of_a_round).unwrap_err();
    assert!(error.to_string().contains("must be 0 for a credit"), "{error}");
    let overlong = vec![0; CHUNK_BYTES + 1].into();
    for payload in [Bytes::new(), overlong] {
        let error = Envelope::try_from(pb::PeerMessage::from(chunk(payload))).unwrap_err();
        assert!(error.to_string().contains("must be 1 to 262144"), "{error}");
    }
}

#[test]
fn a_hello_of_another_version_is_refused() {
    let hello = Hello { attempt: attempt(), from: WorkerId(5) };
    let hello = pb::Hello { protocol_version: 7, ..hello.into() };
    let error = Hello::try_from(hello).unwrap_err();
    assert!(error.to_string().starts_with("worker 5 has protocol version 7, this worker"));
}
