//! Asks several endpoints the same question and answers only what enough of them agree on.

use std::sync::Arc;

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use tower::ServiceExt;

use super::classify;
use super::endpoint::Endpoint;
use super::fault::RpcFault;
use super::service::{CallOutcome, RpcService};

/// Asks all endpoints at once and returns as soon as `want` providers gave the same answer. Endpoints of one
/// provider may fail or lie together: they have one vote.
///
/// Endpoints that fail or do not know the block yet have no vote. There is no fallback to fewer: a
/// missing quorum is a fault, because an attacker who floods the honest endpoints would decide
/// otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Quorum {
    endpoints: Arc<[Endpoint]>,
    want: usize,
}

impl Quorum {
    /// `want` of 0 counts as 1.
    pub(crate) fn new(endpoints: Arc<[Endpoint]>, want: usize) -> Self {
        Self { endpoints, want: want.max(1) }
    }

    pub(crate) fn boxed(self) -> RpcService {
        RpcService::new(tower::service_fn(move |request| self.clone().run(request)))
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        let mut asked: FuturesUnordered<_> = self
            .endpoints
            .iter()
            .map(|endpoint| {
                let call = endpoint.service().oneshot(request.clone());
                async move { (endpoint, call.await) }
            })
            .collect();
        // At most one entry an endpoint: (what it says, the answer itself, which providers say so).
        let mut groups: Vec<(Vec<Value>, ResponsePacket, Vec<&str>)> = Vec::new();
        let mut common_fault = None;
        while let Some((endpoint, outcome)) = asked.next().await {
            let packet = match vote(outcome) {
                Ok(packet) => packet,
                Err(fault) => {
                    tracing::debug!(endpoint = endpoint.label(), %fault, "no vote");
                    // That some have no state of old blocks any more says most.
                    if common_fault != Some(RpcFault::StatePruned) {
                        common_fault = Some(fault);
                    }
                    continue;
                }
            };
            let said = said(&packet);
            match groups.iter_mut().find(|(other, _, _)| *other == said) {
                Some((_, _, voters)) if voters.contains(&endpoint.provider()) => {}
                Some((_, _, voters)) => voters.push(endpoint.provider()),
                None => groups.push((said, packet, vec![endpoint.provider()])),
            }
            if let Some(at) = groups.iter().position(|(_, _, who)| who.len() >= self.want) {
                return Ok(groups.swap_remove(at).1);
            }
        }
        Err(classify::as_error(self.verdict(&groups, common_fault)))
    }

    fn verdict<A, B>(&self, groups: &[(A, B, Vec<&str>)], fault: Option<RpcFault>) -> RpcFault {
        let answered: usize = groups.iter().map(|(_, _, voters)| voters.len()).sum();
        let agreed = groups.iter().map(|(_, _, voters)| voters.len()).max().unwrap_or(0);
        if groups.len() > 1 {
            let camps: Vec<_> = groups.iter().map(|(_, _, voters)| voters).collect();
            tracing::warn!(?camps, want = self.want, "endpoints disagree");
            return RpcFault::Disagreement { want: self.want, agreed };
        }
        // Nobody answered: why says more than that. A block unknown to all is the common case.
        match fault {
            Some(fault) if answered == 0 || fault == RpcFault::StatePruned => fault,
            Some(_) | None => RpcFault::QuorumUnavailable { want: self.want, answered },
        }
    }
}

/// An executed revert is an answer too, but not one that anybody acts on: it has no vote.
fn vote(outcome: CallOutcome) -> Result<ResponsePacket, RpcFault> {
    let fault = classify::fault_in(&outcome);
    match (fault, outcome) {
        (None, Ok(packet)) => Ok(packet),
        (Some(fault), _) => Err(fault),
        (None, Err(_)) => Err(RpcFault::Malformed("neither an answer nor an error".to_owned())),
    }
}

/// The fields of a block that are read anywhere here. Clients differ in the further fields that they show; a liar may
/// put anything beside a true hash.
const OF_A_BLOCK: [&str; 7] =
    ["hash", "number", "parentHash", "stateRoot", "timestamp", "gasLimit", "baseFeePerGas"];

/// The content of the answers, apart from their spelling.
fn said(packet: &ResponsePacket) -> Vec<Value> {
    let read = |raw: &serde_json::value::RawValue| {
        let value: Value = serde_json::from_str(raw.get()).unwrap_or(Value::Null);
        match value.get("hash") {
            Some(_) if value.get("parentHash").is_some() => {
                OF_A_BLOCK.iter().map(|field| value[*field].clone()).collect()
            }
            Some(_) | None => value,
        }
    };
    packet.payloads().filter_map(|payload| payload.as_success()).map(|raw| read(raw)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    fn says(json: &'static str) -> Script {
        Script::new(move |_| async move { Ok(answer(json)) })
    }

    fn fails(fault: RpcFault) -> Script {
        Script::new(move |_| {
            let fault = fault.clone();
            async move { Err(classify::as_error(fault)) }
        })
    }

    async fn ask(want: usize, scripts: &[Script]) -> CallOutcome {
        let endpoints = scripts
            .iter()
            .enumerate()
            .map(|(n, script)| Endpoint::over(format!("node-{n}"), script.service()))
            .collect();
        Quorum::new(endpoints, want).run(request("eth_call")).await
    }

    #[tokio::test]
    async fn too_few_archives_for_a_quorum_are_told_from_too_few_endpoints() {
        let scripts = [says("1"), fails(RpcFault::StatePruned), fails(RpcFault::Timeout)];
        let outcome = ask(2, &scripts).await;
        assert_eq!(classify::fault_in(&outcome), Some(RpcFault::StatePruned));
    }

    #[tokio::test]
    async fn enough_equal_answers_are_an_answer() {
        let outcome = ask(2, &[says("\"0x1\""), says("\"0x2\""), says("\"0x1\"")]).await;
        let packet = outcome.expect("two agree");
        assert_eq!(
            packet.first_payload().and_then(|p| p.as_success()).map(|r| r.get()),
            Some("\"0x1\"")
        );
    }

    #[tokio::test]
    async fn a_lone_liar_is_not_believed() {
        let outcome = ask(2, &[says("\"0x1\""), says("\"0x2\"")]).await;
        let want = RpcFault::Disagreement { want: 2, agreed: 1 };
        assert_eq!(classify::fault_in(&outcome), Some(want));
    }

    #[tokio::test]
    async fn endpoints_of_one_provider_have_one_vote() {
        let scripts = [says("\"0x1\""), says("\"0x1\"")];
        let mut endpoints: Vec<_> = scripts
            .iter()
            .enumerate()
            .map(|(n, script)| Endpoint::over(format!("node-{n}"), script.service()))
            .collect();
        let one = endpoints[0].provider().to_owned();
        endpoints[1].set_provider(&one);
        let outcome = Quorum::new(endpoints.into(), 2).run(request("eth_call")).await;
        let want = RpcFault::QuorumUnavailable { want: 2, answered: 1 };
        assert_eq!(classify::fault_in(&outcome), Some(want));
    }

    #[tokio::test]
    async fn a_block_with_another_field_that_is_read_is_another_answer() {
        for field in OF_A_BLOCK {
            let block = |value: &str| {
                let mut block = serde_json::json!({ "hash": "0x1", "parentHash": "0x0" });
                block[field] = value.into();
                let text: &'static str = block.to_string().leak();
                says(text)
            };
            let want = RpcFault::Disagreement { want: 2, agreed: 1 };
            let outcome = ask(2, &[block("0x5"), block("0x6")]).await;
            assert_eq!(classify::fault_in(&outcome), Some(want), "{field}");
        }
    }

    #[tokio::test]
    async fn it_never_falls_below_the_quorum() {
        let outcome = ask(2, &[says("\"0x1\""), fails(RpcFault::Timeout)]).await;
        let want = RpcFault::QuorumUnavailable { want: 2, answered: 1 };
        assert_eq!(classify::fault_in(&outcome), Some(want));
    }

    #[tokio::test]
    async fn a_block_unknown_to_all_is_told() {
        let unknown = || fails(RpcFault::UnknownBlock);
        let outcome = ask(2, &[unknown(), unknown()]).await;
        assert_eq!(classify::fault_in(&outcome), Some(RpcFault::UnknownBlock));
    }

    #[tokio::test]
    async fn blocks_are_compared_by_hash() {
        let a = says(r#"{"hash":"0x1","parentHash":"0x0","totalDifficulty":"0x1"}"#);
        let b = says(r#"{"parentHash":"0x0","hash":"0x1"}"#);
        assert!(ask(2, &[a, b]).await.is_ok());
    }
}
