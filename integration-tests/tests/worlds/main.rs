//! Whole worlds: real nodes, real relayers in processes of their own, and what befalls them. One binary, because each is
//! linked with all of the relayer.
#![allow(missing_docs)]

mod api;
mod assets;
mod bad_input;
mod catching_up;
mod chaos;
mod crashes;
mod devnet;
mod hostile_peer;
mod lost_packets;
mod nodes;
mod operations;
mod pairs;
mod parked;
mod partition;
mod remote_signer;
mod reorganisation_campaign;
mod reorganisations;
mod transfer_command;
