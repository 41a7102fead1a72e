//! A stranger at the peers' door: whatever it sends is refused and counted, and the relayer goes on.

use std::time::Duration;

use alloy::primitives::B256;
use eyre::ensure;
use futures::StreamExt;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use twinspan_bridge::abstain::{Abstention, Reason};
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{Count, Epoch};
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::side::Direction;
use twinspan_chains::Clock;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::Live;
use twinspan_relayer::peers::wire::{
    ABSTENTIONS_MAX, ATTESTATIONS_MAX, WireAbstention, WireAttestation,
};

const MESSAGES: &str = "twinspan_peer_messages_total";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_stranger_sends_is_refused_and_counted() -> eyre::Result<()> {
    let mut live = Live::start("hostile_peer", |_| {}).await?;
    live.load(6).await?;
    let stranger = Stranger::at(&live);
    let honest = stranger.attestation(&live).await?;
    let with = |field: &str, value: Value| {
        let mut changed = honest.clone();
        changed[field] = value;
        json!({ "attestations": [changed] })
    };
    let mut unsigned = honest.clone();
    if let Some(fields) = unsigned.as_object_mut() {
        fields.remove("vs");
    }
    let post = |body: Value| stranger.post().json(&body);
    let raw =
        |kind: &'static str, body: Vec<u8>| stranger.post().header("content-type", kind).body(body);
    let noise: Vec<u8> =
        (0..4_096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let json = "application/json";
    let nested = format!("{{\"attestations\":{}", "[".repeat(50_000)).into_bytes();
    let many = vec![honest.clone(); ATTESTATIONS_MAX + 1];
    let lane = live.world.lane(Direction::ToService).id();
    let other_lane = json!(B256::repeat_byte(7));
    let said = stranger.abstention(&live).await?;
    let say = |field: &str, value: Value| {
        let mut changed = said.clone();
        changed[field] = value;
        json!({ "attestations": [], "abstentions": [changed] })
    };
    let told = vec![said.clone(); ABSTENTIONS_MAX + 1];
    let bad = [
        ("garbage", raw(json, noise.clone()), StatusCode::BAD_REQUEST),
        ("an empty body", raw(json, Vec::new()), StatusCode::BAD_REQUEST),
        ("deep nesting", raw(json, nested), StatusCode::BAD_REQUEST),
        ("another content type", raw("text/plain", b"{}".to_vec()), StatusCode::BAD_REQUEST),
        ("over 128 KiB", raw(json, vec![b' '; 129 * 1024]), StatusCode::PAYLOAD_TOO_LARGE),
        ("no signature", post(json!({ "attestations": [unsigned] })), StatusCode::BAD_REQUEST),
        ("an unknown field", post(with("extra", json!(1))), StatusCode::BAD_REQUEST),
        ("a forged signature", post(with("r", json!(B256::repeat_byte(1)))), StatusCode::FORBIDDEN),
        ("another head", post(with("head", json!(B256::ZERO))), StatusCode::FORBIDDEN),
        ("no member", post(json!({ "attestations": [honest] })), StatusCode::FORBIDDEN),
        ("an unknown lane", post(with("lane", other_lane.clone())), StatusCode::NOT_FOUND),
        ("too many", post(json!({ "attestations": many })), StatusCode::PAYLOAD_TOO_LARGE),
        ("an abstention of no member", post(say("count", json!(1))), StatusCode::FORBIDDEN),
        (
            "one in a member's name",
            post(say("signer", json!(live.world.relayers[1].address))),
            StatusCode::FORBIDDEN,
        ),
        ("one of an unknown lane", post(say("lane", other_lane.clone())), StatusCode::NOT_FOUND),
        ("one for no reason", post(say("reason", json!("none"))), StatusCode::BAD_REQUEST),
        (
            "too many abstentions",
            post(json!({ "attestations": [], "abstentions": told })),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        ("a question without a lane", stranger.get("/v1/attestations"), StatusCode::BAD_REQUEST),
        (
            "a question of an unknown lane",
            stranger.get(&format!("/v1/attestations?lane={}&above=0", B256::ZERO)),
            StatusCode::NOT_FOUND,
        ),
        (
            "a question above every count there can be",
            stranger.get(&format!("/v1/attestations?lane={lane}&above={}", u64::MAX)),
            StatusCode::BAD_REQUEST,
        ),
        ("another path", stranger.get("/v1/keys"), StatusCode::NOT_FOUND),
        ("another method", stranger.delete("/v1/attestations"), StatusCode::METHOD_NOT_ALLOWED),
    ];
    for (what, message, wanted) in bad {
        let refusals = stranger.refusals(&live).await?;
        let status = message.send().await?.status();
        ensure!(status == wanted, "{what}: answered {status}, want {wanted}");
        ensure!(stranger.refusals(&live).await? > refusals, "{what} is not counted");
    }

    // Of another day: no fault of the sender, whose clock may be wrong.
    let late = post(say("time", json!(1_000))).send().await?.status();
    ensure!(late == StatusCode::ACCEPTED, "a late abstention: {late}");
    let status = live.world.relayers[0].status().await?;
    ensure!(status.lanes().all(|lane| lane.abstentions.is_empty()), "it is believed");

    // As a member, but with a signature of its own key.
    let member = json!(live.world.relayers[1].address);
    let refused = post(with("signer", member)).send().await?.status();
    ensure!(refused == StatusCode::FORBIDDEN, "in a member's name: {refused}");

    stranger.stall().await?;
    let open = stranger.crowd().await?;
    ensure!(open == 128, "one address has {open} connections");
    stranger.flood().await?;
    // The quota is of an address, and the honest peers have the same one here.
    tokio::time::sleep(Duration::from_secs(2)).await;
    live.load(12).await?;
    live.close(Ending::default()).await?;
    ensure!(live.metric("twinspan_alarms_total").await == 0.0, "an alarm was raised");
    Ok(())
}

struct Stranger {
    client: Client,
    port: u16,
}

impl Stranger {
    fn at(live: &Live) -> Self {
        Self { client: Client::new(), port: live.world.relayers[0].peer_port }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn post(&self) -> RequestBuilder {
        self.client.post(self.url("/v1/attestations"))
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    fn delete(&self, path: &str) -> RequestBuilder {
        self.client.delete(self.url(path))
    }

    /// A well-formed attestation ahead of the lane, by a key that is in no relayer set.
    async fn attestation(&self, live: &Live) -> eyre::Result<Value> {
        let status = live.lane(0, Direction::ToService).await?;
        let key = AttestationKey::from_bytes([7; 32])?;
        let count = Count::new(status.linked.count + 1_000);
        let position = LanePosition { count, head: B256::repeat_byte(9) };
        let lane = live.world.lane(Direction::ToService);
        let signed = key.sign(Checkpoint { lane, epoch: Epoch::new(status.epoch), position });
        Ok(serde_json::to_value(WireAttestation::from(signed.get()))?)
    }

    /// A fresh abstention, by a key that is in no relayer set.
    async fn abstention(&self, live: &Live) -> eyre::Result<Value> {
        let status = live.lane(0, Direction::ToService).await?;
        let key = AttestationKey::from_bytes([7; 32])?;
        let said = key.abstain(Abstention {
            lane: live.world.lane(Direction::ToService),
            epoch: Epoch::new(status.epoch),
            count: Count::new(status.newest.count),
            reason: Reason::Paused,
            time: Clock::system().unix_millis(),
        });
        Ok(serde_json::to_value(WireAbstention::from(&said))?)
    }

    /// Messages counted as something else than taken or answered.
    async fn refusals(&self, live: &Live) -> eyre::Result<f64> {
        let url = format!("{}/metrics", live.world.relayers[0].api_url());
        let text = self.client.get(url).send().await?.text().await?;
        let refused = text.lines().filter(|line| {
            let is_good = line.contains("\"taken\"") || line.contains("\"answered\"");
            line.starts_with(MESSAGES) && !is_good
        });
        Ok(refused.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Connections that say little or nothing, and stay.
    async fn stall(&self) -> eyre::Result<()> {
        for n in 0..100 {
            let mut connection = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await?;
            if n % 2 == 0 {
                connection.write_all(b"POST /v1/attestations HTTP/1.1\r\ncontent-le").await?;
            }
            // Left open for the rest of the test.
            std::mem::forget(connection.into_std()?);
        }
        Ok(())
    }

    /// More connections than one address may have, from one that no peer has. How many of them stay open.
    async fn crowd(&self) -> eyre::Result<usize> {
        let mut connections = Vec::new();
        for _ in 0..200 {
            let socket = TcpSocket::new_v4()?;
            socket.bind("127.0.0.2:0".parse()?)?;
            connections.push(socket.connect(([127, 0, 0, 1], self.port).into()).await?);
        }
        let mut open = 0;
        for connection in &mut connections {
            let read = tokio::time::timeout(Duration::from_millis(50), connection.read_u8()).await;
            open += usize::from(read.is_err());
        }
        Ok(open)
    }

    /// More messages than an address may send in a second.
    async fn flood(&self) -> eyre::Result<()> {
        let messages = (0..500).map(|_| self.post().json(&json!({ "attestations": [] })).send());
        let answers: Vec<_> = futures::stream::iter(messages).buffer_unordered(10).collect().await;
        let over = answers
            .iter()
            .flatten()
            .filter(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS)
            .count();
        ensure!(over > 100, "only {over} of 500 messages were over the quota");
        Ok(())
    }
}
