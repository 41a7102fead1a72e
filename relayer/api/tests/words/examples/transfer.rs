//! Examples of transfers.

use alloy_primitives::{Bytes, U256};
use twinspan_api::transfer::{
    AssetKind, Attestations, Certificate, Confirmations, Ended, ParkReason, Parked, Place, Request,
    Stage, Transfer, Transfers,
};
use twinspan_bridge::ids::{BridgeAt, ChainId, Nonce, TransferId};

use super::{CHAIN, address, as_of, hash};

fn id(chain_id: u64, nonce: u64) -> TransferId {
    let source = BridgeAt { chain_id: ChainId::new(chain_id), address: address(0x51) };
    TransferId { source, nonce: Nonce::new(nonce) }
}

fn request() -> Request {
    Request {
        nonce: 7,
        kind: AssetKind::Erc20,
        sender: address(0x21),
        recipient: address(0x22),
        token: address(0x23),
        counterpart_token: address(0x24),
        amount_units: U256::MAX,
        amount: Some("1.5".to_owned()),
        decimals: Some(18),
        ids: vec![U256::from(7), U256::MAX],
        amounts: vec![U256::from(1), U256::from(2)],
        uri: Some("ipfs://token".to_owned()),
        data: Bytes::from_static(&[0xda]),
        payload: Bytes::from_static(&[0xda, 0x7a]),
    }
}

fn place(chain_id: u64, block: u64, n: u8) -> Place {
    Place {
        chain_id,
        block,
        block_hash: Some(hash(n)),
        time: Some(1_764_100_000),
        transaction: hash(n + 1),
        submitter: Some(address(n)),
    }
}

/// Paid, and everything about it is known.
pub(crate) fn transfer_known() -> Transfer {
    let signers = vec![address(0x0a), address(0x0b), address(0x0c)];
    Transfer {
        id: id(CHAIN, 7),
        stage: Stage::HandedOver,
        waits_for: String::new(),
        request: Some(request()),
        request_hash: Some(hash(0x31)),
        head: Some(hash(0x32)),
        source: Some(place(CHAIN, 1_399_900, 0x41)),
        destination: Some(place(1_001, 98_000, 0x43)),
        confirmations: Some(Confirmations { had: 64, wanted: Some(64) }),
        attestations: Some(Attestations { count: 9, signers: signers.clone() }),
        certificate: Some(Certificate { epoch: 2, count: 8, head: hash(0x33), signers }),
        parked: None,
        return_of: Some(id(1_001, 3)),
        as_of: Some(as_of()),
    }
}

/// Not final, and nothing about it is known but that it is there.
pub(crate) fn transfer_observed() -> Transfer {
    Transfer {
        id: id(CHAIN, 8),
        stage: Stage::Observed,
        waits_for: "its source block to become final".to_owned(),
        request: None,
        request_hash: None,
        head: None,
        source: None,
        destination: None,
        confirmations: None,
        attestations: None,
        certificate: None,
        parked: None,
        return_of: None,
        as_of: None,
    }
}

/// Parked, and sent back.
pub(crate) fn transfer_returned() -> Transfer {
    let bare = |chain_id, block, n| Place {
        block_hash: None,
        time: None,
        submitter: None,
        ..place(chain_id, block, n)
    };
    Transfer {
        id: id(CHAIN, 9),
        stage: Stage::Returned,
        request: Some(Request {
            kind: AssetKind::Native,
            amount: None,
            decimals: None,
            ids: Vec::new(),
            amounts: Vec::new(),
            uri: None,
            data: Bytes::new(),
            payload: Bytes::new(),
            ..request()
        }),
        source: Some(bare(CHAIN, 1_399_901, 0x45)),
        destination: Some(bare(1_001, 98_001, 0x47)),
        confirmations: Some(Confirmations { had: 3, wanted: None }),
        parked: Some(Parked {
            reason: ParkReason::RateLimited,
            earliest: Some(1_764_103_600),
            ended: Some(Ended {
                chain_id: 1_001,
                block: Some(98_100),
                transaction: hash(0x49),
                returned_as: Some(id(1_001, 4)),
                released_to: None,
            }),
        }),
        waits_for: String::new(),
        ..transfer_observed()
    }
}

/// One that is parked, one that was released; and up to where each source chain is read.
pub(crate) fn transfers() -> Transfers {
    let parked = |stage, ended| Transfer {
        stage,
        parked: Some(Parked { reason: ParkReason::DataRefused, earliest: None, ended }),
        ..transfer_returned()
    };
    let released = Ended {
        chain_id: 1_001,
        block: None,
        transaction: hash(0x4a),
        returned_as: None,
        released_to: Some(address(0x25)),
    };
    Transfers {
        transfers: vec![parked(Stage::Parked, None), parked(Stage::Released, Some(released))],
        as_of: vec![as_of()],
    }
}
