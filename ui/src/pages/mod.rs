//! One page a file.

pub(crate) mod approve;
pub(crate) mod gate;
pub(crate) mod not_found;
pub(crate) mod requests;
pub(crate) mod sign_in;
pub(crate) mod sign_in_link;
