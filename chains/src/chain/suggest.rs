//! Elects a fee among those that providers suggest, where no answer is the only true one.

use std::collections::BTreeMap;

use alloy::rpc::json_rpc::{RpcRecv, RpcSend};

use super::EvmChain;
use crate::rpc::fault::RpcFault;

/// How far apart suggestions may be where too few providers answer to outvote a liar among them.
const APART_MAX: u128 = 4;

impl EvmChain {
    /// The fee that the providers suggest, as `read` finds it in their answers; `None`: the chain has no such fee.
    ///
    /// With a quorum of `k` it is the `k`-th least of the providers' suggestions, so that fewer than `k` liars cannot
    /// lower it. Where `2k - 1` providers answer they cannot raise it either; where fewer do, suggestions that are far
    /// apart are a disagreement. With a quorum of 1 any one is believed.
    pub(crate) async fn request_suggestion<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
        read: impl Fn(R) -> Option<u128>,
    ) -> Result<Option<u128>, RpcFault> {
        let quorum = self.config().quorum;
        if quorum < 2 {
            return self.request(method, params).await.map(read);
        }
        let asked = self.endpoints().iter().map(|endpoint| {
            let call = endpoint.ask(method, params.clone());
            async move { (endpoint.provider(), call.await) }
        });
        let mut votes = BTreeMap::new();
        let mut last = RpcFault::QuorumUnavailable { want: quorum, answered: 0 };
        for (provider, answer) in futures::future::join_all(asked).await {
            match answer.map(&read) {
                Ok(fee) => {
                    let vote = votes.entry(provider).or_insert(fee);
                    *vote = fee.min(*vote);
                }
                // That the nodes do not know the method says more than that one is down.
                Err(fault) if !matches!(last, RpcFault::Refused { .. }) => last = fault,
                Err(_) => {}
            }
        }
        elect(votes.into_values().collect(), quorum).unwrap_or(Err(last))
    }
}

/// The vote of at least two that counts; `None`: there are too few.
fn elect(mut votes: Vec<Option<u128>>, quorum: usize) -> Option<Result<Option<u128>, RpcFault>> {
    votes.sort_unstable();
    let (least, elected) = (*votes.first()?, *votes.get(quorum - 1)?);
    let outvotes = votes.len() >= 2 * quorum - 1;
    let (low, high) = (least.unwrap_or_default(), elected.unwrap_or_default());
    if !outvotes && high > low.saturating_mul(APART_MAX) {
        return Some(Err(RpcFault::Disagreement { want: quorum, agreed: 1 }));
    }
    Some(Ok(elected))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::U128;
    use serde_json::json;
    use twinspan_bridge::ids::ChainId;

    use super::*;
    use crate::config::{ChainConfig, EndpointConfig};
    use crate::rpc::scripted;

    /// The fee that is elected where endpoints of these providers suggest these prices.
    async fn suggested(quorum: usize, said: &[(&str, u128)]) -> Result<Option<u128>, RpcFault> {
        let endpoint = |(n, (provider, _)): (usize, &(&str, u128))| EndpointConfig {
            provider: (*provider).to_owned(),
            ..EndpointConfig::in_process(&format!("node-{n}"))
        };
        let node = |&(_, price): &(&str, u128)| {
            scripted(move |method, _| match method {
                "eth_chainId" => Ok(json!("0x9")),
                _ => Ok(json!(U128::from(price))),
            })
        };
        let endpoints = said.iter().enumerate().map(endpoint).collect();
        let config = ChainConfig { quorum, ..ChainConfig::new("c", ChainId::new(9), endpoints) };
        let chain = EvmChain::connect_over(config, said.iter().map(node).collect()).await;
        let read = |price: U128| Some(price.to());
        chain.expect("connects").request_suggestion("eth_gasPrice", (), read).await
    }

    #[tokio::test]
    async fn one_provider_with_two_endpoints_alone_does_not_set_what_is_paid() {
        let disagreement = Err(RpcFault::Disagreement { want: 2, agreed: 1 });
        let lie = 10_u128.pow(15);
        assert_eq!(suggested(2, &[("acme", lie), ("acme", lie), ("own", 100)]).await, disagreement);
        assert_eq!(suggested(2, &[("acme", 0), ("acme", 0), ("own", 100)]).await, disagreement);
        let with_third = [("acme", lie), ("acme", lie), ("own", 100), ("other", 90)];
        assert_eq!(suggested(2, &with_third).await, Ok(Some(100)));
        let with_third = [("acme", 0), ("acme", 0), ("own", 100), ("other", 90)];
        assert_eq!(suggested(2, &with_third).await, Ok(Some(90)));
    }

    #[tokio::test]
    async fn two_providers_that_are_near_to_each_other_are_enough() {
        assert_eq!(suggested(2, &[("acme", 100), ("own", 150)]).await, Ok(Some(150)));
        assert_eq!(suggested(2, &[("acme", 0), ("own", 0)]).await, Ok(Some(0)));
        assert_eq!(suggested(1, &[("acme", 7)]).await, Ok(Some(7)));
    }

    #[test]
    fn too_few_votes_elect_nothing() {
        assert_eq!(elect(Vec::new(), 2), None);
        assert_eq!(elect(vec![Some(1)], 2), None);
        assert_eq!(elect(vec![None, None], 2), Some(Ok(None)));
    }
}
