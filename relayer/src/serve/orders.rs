//! Shows the relayer's own transactions to its operator, and follows orders about them.

use alloy::primitives::Address;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use twinspan_api::ErrorCode;
use twinspan_api::order::Done;
use twinspan_api::transaction::{
    Fees, Intent, Outcome, Pending, Sibling, State as Stand, Transaction,
};
use twinspan_bridge::ids::AccountNonce;
use twinspan_chains::EvmChain;
use twinspan_chains::transactions::{
    self, AccountHandle, Command, CommandRefused, PendingView, StoredTransaction, TransactionState,
};

use super::Api;
use super::refusal::Refusal;
use crate::account_store;

/// A chain's name and an account nonce, in a path.
type ChainAndNonce = Result<Path<(String, u64)>, PathRejection>;

/// Which account of a chain is meant, where there are several.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Which {
    account: Option<Address>,
}

/// See [`Which`].
type WhichAccount = Result<Query<Which>, QueryRejection>;

/// `GET /v1/transactions`
pub(super) async fn pending(State(api): State<Api>) -> Json<Vec<Pending>> {
    let mut all = Vec::new();
    for chain in api.chains.iter() {
        for snapshot in api.accounts_on(chain).map(AccountHandle::snapshot) {
            let account = snapshot.account.address;
            all.extend(snapshot.pending.into_iter().map(|it| shown(chain.name(), account, it)));
        }
    }
    Json(all)
}

/// `GET /v1/transactions/{chain}/{nonce}`
pub(super) async fn stored(
    State(api): State<Api>,
    path: ChainAndNonce,
    which: WhichAccount,
) -> Result<Json<Transaction>, Refusal> {
    let (Path((chain, nonce)), Query(which)) = (path?, which?);
    let account = account_of(&api, &chain, which)?.account();
    let mut all = account_store::transactions(api.store.reader(), account)?.into_iter();
    let found = all.find(|stored| stored.nonce.get() == nonce);
    found.map(transaction).map(Json).ok_or_else(|| {
        let problem =
            "no transaction with that account nonce is kept: it is long final, or never was";
        Refusal::new(ErrorCode::UnknownTransaction, problem)
    })
}

/// `POST /v1/transactions/{chain}/{nonce}/bump`
pub(super) async fn bump(
    State(api): State<Api>,
    path: ChainAndNonce,
    which: WhichAccount,
) -> Result<Json<Done>, Refusal> {
    order(&api, path, which, Command::Bump).await
}

/// `POST /v1/transactions/{chain}/{nonce}/drop`
pub(super) async fn drop_intent(
    State(api): State<Api>,
    path: ChainAndNonce,
    which: WhichAccount,
) -> Result<Json<Done>, Refusal> {
    order(&api, path, which, Command::Drop).await
}

async fn order(
    api: &Api,
    path: ChainAndNonce,
    which: WhichAccount,
    command: Command,
) -> Result<Json<Done>, Refusal> {
    let (Path((chain, nonce)), Query(which)) = (path?, which?);
    let account = account_of(api, &chain, which)?;
    let done = account.command(AccountNonce::new(nonce), command).await.map_err(|refused| {
        let code = match refused {
            CommandRefused::NotPending(_) => ErrorCode::NotPending,
            CommandRefused::NoRoom | CommandRefused::TooOften => ErrorCode::FeeNotRaised,
            CommandRefused::Unsigned => ErrorCode::NotSigned,
            CommandRefused::Gone => ErrorCode::Stopping,
        };
        Refusal::new(code, refused.to_string())
    })?;
    Ok(Json(Done { transaction: done.transaction, fees: done.fees.map(fees) }))
}

fn account_of<'a>(api: &'a Api, chain: &str, which: Which) -> Result<&'a AccountHandle, Refusal> {
    let Some(of) = api.chains.iter().find(|known| known.name() == chain) else {
        let known: Vec<&str> = api.chains.iter().map(EvmChain::name).collect();
        let remedy = format!("this relayer serves {}", known.join(", "));
        let chain = chain.chars().take(100).collect::<String>();
        return Err(Refusal::new(ErrorCode::UnknownChain, format!("no chain `{chain}`")).or(remedy));
    };
    let is_meant =
        |one: &&AccountHandle| which.account.is_none_or(|meant| one.account().address == meant);
    let mut meant = api.accounts_on(of).filter(is_meant);
    if let (Some(account), None) = (meant.next(), meant.next()) {
        return Ok(account);
    }
    let known: Vec<_> = api.accounts_on(of).map(|it| it.account().address.to_string()).collect();
    let problem = format!("not one account of chain `{chain}` is meant");
    let remedy = format!("name one: {}", known.join(", "));
    Err(Refusal::new(ErrorCode::UnknownAccount, problem).or(remedy))
}

fn shown(chain: &str, account: Address, view: PendingView) -> Pending {
    Pending {
        chain: chain.to_owned(),
        account,
        nonce: view.nonce.get(),
        label: view.label,
        transaction: view.transaction,
        fees: view.fees.map(fees),
        siblings: view.siblings as u64,
        created_at: view.created_at,
        waits_for: view.waits_for,
    }
}

const fn fees(fees: transactions::Fees) -> Fees {
    match fees {
        transactions::Fees::Dynamic { max_fee, tip } => Fees::Dynamic { max_fee, tip },
        transactions::Fees::Legacy { gas_price } => Fees::Legacy { gas_price },
    }
}

fn transaction(stored: StoredTransaction) -> Transaction {
    let intent = stored.intent.map(|intent| Intent {
        id: intent.id.0,
        to: intent.to,
        input: intent.input,
        gas_limit: intent.gas_limit,
        label: intent.label,
    });
    let siblings = stored.siblings.into_iter().map(|sibling| Sibling {
        raw: sibling.raw,
        hash: sibling.hash,
        fees: fees(sibling.fees),
        fills: sibling.fills,
    });
    let state = match stored.state {
        TransactionState::Pending => Stand::Pending,
        TransactionState::Included { block, outcome: of } => {
            let (block, block_hash) = (block.number.get(), block.hash);
            Stand::Included { block, block_hash, outcome: outcome(of) }
        }
        TransactionState::Settled { outcome: of } => Stand::Settled { outcome: outcome(of) },
        TransactionState::Abandoned { reason } => Stand::Abandoned { reason },
    };
    Transaction {
        nonce: stored.nonce.get(),
        intent,
        siblings: siblings.collect(),
        state,
        given_up: stored.given_up,
        created_at: stored.created_at,
    }
}

fn outcome(outcome: transactions::Outcome) -> Outcome {
    match outcome {
        transactions::Outcome::Mined { transaction, block, gas_used } => {
            Outcome::Mined { transaction, block: block.get(), gas_used }
        }
        transactions::Outcome::Reverted { transaction, block, gas_used, data } => {
            Outcome::Reverted { transaction, block: block.get(), gas_used, data }
        }
        transactions::Outcome::Abandoned { reason } => Outcome::Abandoned { reason },
    }
}
