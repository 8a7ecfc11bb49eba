//! Lists that are shown whole: there is an end to how many rows they can have.

use super::{ApiError, Client};
use serde::de::DeserializeOwned;
use shared::{Page, page::MAX_LIMIT};

impl Client {
    /// Reads a list to its end, as one page.
    pub(super) async fn whole<T: DeserializeOwned>(self, path: &str) -> Result<Page<T>, ApiError> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            // The letters of a cursor stand for themselves in a query.
            let page: Page<T> = self.get(&format!("{path}?limit={MAX_LIMIT}{cursor}")).await?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(Page { items, next_cursor: None, total: None }),
            }
        }
    }
}
