//! The words of the API, byte by byte, and what a lane's figures come to in one word.

mod examples;
mod golden;
mod verdict;
