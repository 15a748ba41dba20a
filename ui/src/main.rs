//! Countersign's user interface: one client-side rendered page for browser, phone and, later, the desktop shell.
//!
//! It draws what the server says and sends what a person decides. It judges nothing by itself: what may be approved,
//! what is escaped and what was redacted is the server's word.

mod app;
mod backend;
mod components;
mod crash;
mod display;
mod hooks;
mod pages;
mod routes;
mod zones;

fn main() {
    crash::say_so_instead_of_going_blank();
    if let Some(root) =
        web_sys::window().and_then(|window| window.document()).and_then(|document| document.get_element_by_id("app"))
    {
        yew::Renderer::<app::App>::with_root(root).render();
    }
}
