//! The console's own files, which the service brings.

use gloo_net::http::Request;
use leptos::prelude::document;

/// Whether the service now brings another console than the one that runs here. No when it cannot be asked.
pub async fn is_replaced() -> bool {
    let started_by = document().get_element_by_id("boot").and_then(|script| script.get_attribute("src"));
    let Ok(answer) = Request::get("/").send().await else { return false };
    let page = answer.text().await;
    // The name of the file changes with the console.
    answer.ok() && started_by.zip(page.ok()).is_some_and(|(file, page)| !page.contains(&file))
}
