//! Boxes of a sheet, cut out of the picture of its page: for the person who decides about them, and for the
//! labelled crops with which the reading is checked. Both are the very cells that the reading looks at.

use kakehashi_fax::pages::{Page, PageLimits, read_pages};
use kakehashi_fax::sheet::classifier::{Patch, views};
use kakehashi_fax::sheet::find;

/// The page of a picture that the reader made.
pub(crate) fn page_of(picture: &[u8]) -> Result<Page, String> {
    let limits = PageLimits { pages: 1, ..PageLimits::default() };
    let mut pages = read_pages(picture, &limits).map_err(|e| e.to_string())?.pages;
    if pages.is_empty() { Err("no page in it".to_owned()) } else { Ok(pages.swap_remove(0)) }
}

/// Its boxes by name; empty if there is no sheet on it, or no marks that tell where they are.
pub(crate) fn of_page(page: &Page) -> Vec<(String, Patch)> {
    let Some(found) = find(page) else { return Vec::new() };
    let layout = found.layout();
    let cut = views(page, &layout).unwrap_or_default();
    layout.boxes.into_iter().zip(cut).map(|(b, view)| (b.id, view.patch)).collect()
}
