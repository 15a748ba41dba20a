//! One page a file.

pub(crate) mod account;
pub(crate) mod agents;
pub(crate) mod approve;
pub(crate) mod connectors;
pub(crate) mod deliveries;
pub(crate) mod first_start;
pub(crate) mod flow_form;
pub(crate) mod flows;
pub(crate) mod gate;
pub(crate) mod invitation;
pub(crate) mod not_found;
pub(crate) mod outside;
pub(crate) mod people;
pub(crate) mod policies;
pub(crate) mod policy_form;
pub(crate) mod requests;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod sign_in_app;
pub(crate) mod sign_in_link;
