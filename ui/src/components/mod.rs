//! What pages are made of. One component a file; none of them talks to the server by itself, save dialogs that do one
//! thing.

pub(crate) mod avatar;
pub(crate) mod badge;
pub(crate) mod brand;
pub(crate) mod button;
pub(crate) mod connector_tile;
pub(crate) mod copy_button;
pub(crate) mod dialog;
pub(crate) mod field;
pub(crate) mod icon;
pub(crate) mod keys_dialog;
pub(crate) mod live_dot;
pub(crate) mod message;
pub(crate) mod nav;
pub(crate) mod page_head;
pub(crate) mod queue_bar;
pub(crate) mod request_row;
pub(crate) mod request_table;
pub(crate) mod review;
pub(crate) mod route_link;
pub(crate) mod segments;
pub(crate) mod shell;
pub(crate) mod skeleton;
pub(crate) mod sort_header;
pub(crate) mod toast_region;
pub(crate) mod value_tree;
