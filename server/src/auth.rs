//! Who is at the door: sessions, passkeys, agents' keys and tokens. Nothing here decides what they may do.

pub mod agent_jwt;
pub mod passkeys;
pub mod secrets;
