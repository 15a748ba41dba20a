//! What components share: contexts, and logic that is worth a test of its own.

pub(crate) mod choice;
pub(crate) mod clock;
pub(crate) mod desk_address;
pub(crate) mod dialog;
pub(crate) mod fetch;
pub(crate) mod flow_draft;
pub(crate) mod focus;
pub(crate) mod folds;
pub(crate) mod keys;
pub(crate) mod live;
pub(crate) mod media;
pub(crate) mod navigation;
pub(crate) mod pending;
pub(crate) mod policy_draft;
pub(crate) mod push;
pub(crate) mod queue;
pub(crate) mod review;
pub(crate) mod review_state;
pub(crate) mod session;
pub(crate) mod task;
pub(crate) mod title;
pub(crate) mod toasts;
pub(crate) mod told_draft;

pub(crate) use clock::use_now;
pub(crate) use desk_address::use_desk_address;
pub(crate) use fetch::use_fetch;
pub(crate) use live::use_connection;
pub(crate) use push::use_push;
pub(crate) use session::{use_backend, use_is_admin, use_me};
pub(crate) use task::use_task;
pub(crate) use toasts::use_toasts;
