//! The parts that look at one box, for the program that trains and measures them (`examples/sheets`) and
//! for whoever checks crops of real marks. Reading a page goes through [`super::read`].

pub use super::judge::{MARKED_LEAD, Opinion, PLACES, UNTOUCHED_LEAD, judge, lead, lead_of_both, opinion};
pub use super::network::{
    CHANNELS, CLASSES, Class, FLAT, HIDDEN, INPUTS, LAYERS, Network, SIZES, Trace, WEIGHTS, WINDOWS,
};
pub use super::patch::{AROUND, BoxView, Patch, SIDE};

use super::geometry::SheetLayout;
use super::{Located, locate, patch};
use crate::pages::Page;

/// The pictures of all boxes of a page, in the order of the layout; `None` if it has no code or no marks.
#[must_use]
pub fn views(page: &Page, layout: &SheetLayout) -> Option<Vec<BoxView>> {
    let Located::Found(_, Some((bitmap, fit))) = locate(page) else { return None };
    Some(patch::views(&bitmap, &fit, layout.boxes.iter().map(|b| b.area())))
}
