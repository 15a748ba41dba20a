//! The last resort: if the program ever stops, the page says so and offers a way on. Ordinary failures never come here.

use wasm_bindgen::JsValue;

/// Makes a panic visible: `data-crashed` on `<html>` lets the styles show the notice that stands in the page.
pub(crate) fn say_so_instead_of_going_blank() {
    std::panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&JsValue::from_str(&info.to_string()));
        let root =
            web_sys::window().and_then(|window| window.document()).and_then(|document| document.document_element());
        if let Some(root) = root {
            let _ = root.set_attribute("data-crashed", "");
        }
    }));
}
