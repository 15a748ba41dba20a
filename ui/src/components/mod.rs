//! What pages are made of, one part a file. Parts that keep something or listen are components; the others are plain
//! functions, since every component adds about a kilobyte to what a visitor loads.

pub(crate) mod agent_dialog;
pub(crate) mod agent_row;
pub(crate) mod avatar;
pub(crate) mod badge;
pub(crate) mod brand;
pub(crate) mod button;
pub(crate) mod callback_dialog;
pub(crate) mod confirm;
pub(crate) mod connector_item;
pub(crate) mod connector_tile;
pub(crate) mod copy_button;
pub(crate) mod delivery_item;
pub(crate) mod dialog;
pub(crate) mod field;
pub(crate) mod form;
pub(crate) mod grant_item;
pub(crate) mod icon;
pub(crate) mod invite_dialog;
pub(crate) mod key_dialog;
pub(crate) mod keys_dialog;
pub(crate) mod live_dot;
pub(crate) mod message;
pub(crate) mod nav;
pub(crate) mod page_head;
pub(crate) mod person_dialog;

pub(crate) mod pick;
pub(crate) mod policy_row;
pub(crate) mod queue_bar;
pub(crate) mod request_row;
pub(crate) mod request_table;
pub(crate) mod review;
pub(crate) mod role_picker;
pub(crate) mod route_link;
pub(crate) mod scope_picker;
pub(crate) mod secret;
pub(crate) mod segments;
pub(crate) mod shell;
pub(crate) mod skeleton;
pub(crate) mod sort_header;
pub(crate) mod toast_region;
pub(crate) mod tool_row;
pub(crate) mod value_tree;
pub(crate) mod wait_budget;
