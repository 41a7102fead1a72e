//! Refuses answers of a kind that the method never has: no honest node gives them, and another endpoint may tell more.

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use tower::ServiceExt;

use super::classify;
use super::fault::RpcFault;
use super::method::{self, Kind};
use super::quantity::Quantity;
use super::service::{CallOutcome, Rpc, service};

/// Looks at the kind of each answer's JSON value, and into it only where it is a number of what a chain counts.
#[derive(Clone, Debug)]
pub(crate) struct Shape<S> {
    inner: S,
}

impl<S: Rpc> Shape<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        let want = method::kind(&request);
        let label = method::label(&request);
        let outcome = self.inner.oneshot(request).await;
        let Ok(ResponsePacket::Single(response)) = &outcome else { return outcome };
        match (want, response.payload.as_success()) {
            (Some(want), Some(answer)) if !is_of(want, answer.get()) => Err(classify::as_error(
                RpcFault::Malformed(format!("{label} answers another kind")),
            )),
            _ => outcome,
        }
    }
}

/// Whether the JSON value is of that kind.
fn is_of(want: Kind, json: &str) -> bool {
    let json = json.trim_start();
    match want {
        Kind::Text => json.starts_with('"'),
        Kind::Count => json.starts_with('"') && serde_json::from_str::<Quantity>(json).is_ok(),
        Kind::List => json.starts_with('['),
        Kind::Object => json.starts_with('{'),
        Kind::ObjectOrNull => json.starts_with('{') || json.trim_end() == "null",
    }
}

service!(Shape);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    #[tokio::test]
    async fn an_answer_of_another_kind_is_the_endpoints_fault() {
        for (method, good, bad) in [
            ("eth_getLogs", "[]", "null"),
            ("eth_getLogs", " [ {} ]", "{}"),
            ("eth_call", "\"0x\"", "null"),
            ("eth_getTransactionCount", "\"0x7\"", "7"),
            ("eth_getTransactionCount", "\"0x7\"", "\"0xffffffffffffffff\""),
            ("eth_blockNumber", "\"0x0\"", "\"0xzz\""),
            ("eth_getProof", "{}", "null"),
            ("eth_getTransactionReceipt", "null", "[]"),
            ("eth_getBlockByNumber", "{}", "\"0x\""),
        ] {
            for (json, is_good) in [(good, true), (bad, false)] {
                let script = Script::new(move |_| async move { Ok(answer(json)) });
                let outcome = Shape::new(script.service()).oneshot(request(method)).await;
                let fault = classify::fault_in(&outcome);
                assert_eq!(fault.is_none(), is_good, "{method}: {json}");
                assert!(fault.is_none_or(|fault| fault.is_endpoints_own()));
            }
        }
    }

    #[tokio::test]
    async fn errors_and_unknown_methods_pass() {
        let script = Script::new(|_| async { Err(classify::as_error(RpcFault::UnknownBlock)) });
        let outcome = Shape::new(script.service()).oneshot(request("eth_call")).await;
        assert_eq!(classify::fault_in(&outcome), Some(RpcFault::UnknownBlock));
        let script = Script::new(|_| async { Ok(answer("7")) });
        assert!(Shape::new(script.service()).oneshot(request("anvil_mine")).await.is_ok());
    }
}
