//! The whole path told as stories: what happens (`story`), where (`local`, `cluster`), and what must come of it
//! (`replay`). Each test file uses one of the two places.
#![allow(dead_code)]

pub mod cluster;
pub mod local;
pub mod replay;
pub mod site;
pub mod story;
