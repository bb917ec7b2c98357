//! Finds our reply sheet (返信票) on a page: the printed code, which way is up, and where ink lies
//! (fax-loop.md section 5). A code is read from a QR or not at all; two codes that disagree are no
//! code. Boxes are proposals for a person's one click: this module never says `marked`.

mod bitmap;
mod boxes;
pub mod classifier;
mod corners;
mod crop;
mod faint;
mod foreign;
mod judge;
mod marks;
mod network;
mod patch;
mod qr;
mod rectify;
mod streaks;

pub use kakehashi_core::sheet_geometry as geometry;
use kakehashi_core::sheet_geometry::SheetLayout;

use crate::pages::Page;
use bitmap::Bitmap;
use kakehashi_core::envelope::{Handwriting, Mark, MarkState};
use kakehashi_core::reply_code::{QrPlace, ReplyCode};
use kakehashi_core::sheet_form::{SheetCode, SheetForm};
use marks::Fit;

/// A sheet on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetFind {
    /// The code, whose row decides whether it may act.
    pub code: ReplyCode,
    /// The kind of sheet, by which its boxes are known.
    pub form: SheetForm,
    /// Number of the first line of a まとめ便 on this sheet, else 1.
    pub first: u16,
    /// Page number printed in the QR.
    pub page: u16,
    /// Which of the two QR were read; at least one.
    pub places: Vec<QrPlace>,
    /// Degrees by which the page must be turned clockwise to stand upright: 0, 90, 180, 270.
    pub orientation: u16,
    /// How it was found.
    pub source: SheetSource,
}

/// How a code was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetSource {
    /// At the place told by the registration marks.
    Guided,
    /// By searching the page for a QR.
    Searched,
    /// By a QR that was found, on the page laid flat by its corners: a photograph, or a copy in another size.
    LaidFlat,
}

/// Outcome of looking at one page.
#[derive(Debug, Clone, PartialEq)]
pub enum SheetSearch {
    /// One sheet.
    Found(Box<SheetReading>),
    /// The codes on the page contradict each other: a person must look.
    Contradiction,
    /// No code of ours.
    Nothing,
}

/// A sheet with what is written on it.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetReading {
    /// The code and how it was found.
    pub find: SheetFind,
    /// All boxes, `empty` or `unsure`.
    pub marks: Vec<Mark>,
    /// Areas with ink; the page number is that of the QR and must be replaced by that of the file.
    pub handwriting: Vec<Handwriting>,
    /// A straightened picture of each of them, PNG, in the same order.
    pub crops: Vec<Vec<u8>>,
}

impl SheetReading {
    /// Whether something is written on the sheet; a name in the field for names is no writing.
    #[must_use]
    pub fn has_writing(&self, layout: &SheetLayout) -> bool {
        let name = layout.name.map(geometry::LayoutArea::area);
        self.handwriting.iter().any(|h| {
            let [x, y, width, height] = h.area_mm;
            name.is_none_or(|n| x < n.x || y < n.y || x + width > n.right() || y + height > n.bottom())
        })
    }
}

/// The sheet on a page, if there is one and it does not contradict itself.
#[must_use]
pub fn find(page: &Page) -> Option<SheetFind> {
    match locate(page) {
        Located::Found(find, _) => Some(find),
        Located::Contradiction | Located::Nothing => None,
    }
}

impl SheetFind {
    fn of(code: &SheetCode, places: Vec<QrPlace>, orientation: u16, source: SheetSource) -> Self {
        Self {
            code: code.code.clone(),
            form: code.form,
            first: code.first,
            page: code.page,
            places,
            orientation,
            source,
        }
    }

    /// Whether the page was no plain scan in its own size.
    #[must_use]
    pub fn was_laid_flat(&self) -> bool {
        self.source == SheetSource::LaidFlat
    }

    /// The signs as the codes carry them, of those that were read.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        let (code, form, page, first) = (&self.code, self.form, self.page, self.first);
        let text =
            |place: &QrPlace| SheetCode { code: code.clone(), form, page, first, place: *place }.text();
        self.places.iter().map(text).collect()
    }

    /// What lies where on this very page.
    #[must_use]
    pub fn layout(&self) -> SheetLayout {
        self.form.layout_from(self.first)
    }
}

/// What is printed on a page of ours, told by its code: for whoever writes on it.
#[must_use]
pub fn printed(page: &Page) -> Option<SheetLayout> {
    find(page).map(|found| found.form.layout_from(found.first))
}

/// The sheet on a page with boxes and handwriting, as its kind is laid out.
#[must_use]
pub fn read(page: &Page) -> SheetSearch {
    reading(page, None)
}

/// The sheet on a page with the boxes and writing areas of this layout.
#[must_use]
pub fn read_with(page: &Page, layout: &SheetLayout) -> SheetSearch {
    reading(page, Some(layout))
}

fn reading(page: &Page, layout: Option<&SheetLayout>) -> SheetSearch {
    let (find, place) = match locate(page) {
        Located::Found(find, place) => (find, place),
        Located::Contradiction => return SheetSearch::Contradiction,
        Located::Nothing => return SheetSearch::Nothing,
    };
    let own = find.layout();
    let layout = layout.unwrap_or(&own);
    let (mut marks, handwriting, crops) = match place {
        Some((bitmap, fit)) => {
            let handwriting = boxes::handwriting(&bitmap, &fit, layout, u32::from(find.page));
            let crops = handwriting
                .iter()
                .map(|written| {
                    let [x, y, width, height] = written.area_mm;
                    crop::crop(&bitmap, &fit, geometry::Area { x, y, width, height })
                })
                .collect();
            (boxes::read_boxes(&bitmap, &fit, layout), handwriting, crops)
        }
        None => (boxes::all_unsure(layout), Vec::new(), Vec::new()),
    };
    // Rows are missing: a tick may have been in them.
    if page.damaged {
        marks.iter_mut().for_each(|m| m.state = MarkState::Unsure);
    }
    SheetSearch::Found(Box::new(SheetReading { find, marks, handwriting, crops }))
}

enum Located {
    /// The bitmap and the map from millimetres of the upright sheet into it, where marks were found.
    Found(SheetFind, Option<(Bitmap, Fit)>),
    Contradiction,
    Nothing,
}

/// By the marks first, as the file says and with other row heights: some files lie about their
/// resolution, and a page whose upper part was cut off fools the guess for files that say nothing
/// (fax-loop.md section 2, rule 9). Then by the slow free search, which is repeated with other row
/// heights only where the page would have an odd length.
fn locate(page: &Page) -> Located {
    let inches = |y_dpi: f32| page.height as f32 / y_dpi;
    let others = [2.0, 0.5]
        .into_iter()
        .map(|factor| page.y_dpi * factor)
        .filter(|y_dpi| (4.5..=15.0).contains(&inches(*y_dpi)))
        .map(|y_dpi| Page { y_dpi, ..page.clone() });
    let odd = !(10.5..=14.5).contains(&inches(page.y_dpi));

    let mut views = vec![View::of(page)];
    if let Some(located) = views[0].guided() {
        return located;
    }
    for other in others {
        let view = View::of(&other);
        if let Some(located) = view.guided() {
            return located;
        }
        if odd {
            views.push(view);
        }
    }
    if let Some(located) = views[0].guided_by_few_dots() {
        return located;
    }
    views.into_iter().find_map(|view| view.searched(page)).unwrap_or(Located::Nothing)
}

/// A page as it looks with one row height.
struct View {
    bitmap: Bitmap,
    fits: Vec<Fit>,
}

impl View {
    fn of(page: &Page) -> Self {
        let bitmap = Bitmap::of(page);
        let fits = marks::fits(&bitmap);
        Self { bitmap, fits }
    }

    fn guided(&self) -> Option<Located> {
        self.guided_on(&self.bitmap, &self.fits)
    }

    /// As [`View::guided`] where a machine left only few dots of what was black.
    fn guided_by_few_dots(&self) -> Option<Located> {
        let thick = self.bitmap.thickened();
        self.guided_on(&thick, &marks::fits(&thick))
    }

    /// By marks and codes as they look on `bitmap`; boxes are judged on the page as it is.
    fn guided_on(&self, bitmap: &Bitmap, fits: &[Fit]) -> Option<Located> {
        match guided(bitmap, fits) {
            // Few pages come this far, so a copy is cheaper than carrying ownership around.
            Guided::Found(find, fit) => Some(Located::Found(find, Some((self.bitmap.clone(), fit)))),
            Guided::Contradiction => Some(Located::Contradiction),
            Guided::Nothing => None,
        }
    }

    fn searched(self, page: &Page) -> Option<Located> {
        let hits = qr::search(&self.bitmap);
        let first = hits.first()?;
        // Several slips are pasted on one page of a notebook, each with a code of its own: the uppermost stands for
        // the page.
        let slips = hits.iter().all(|h| h.code.form == SheetForm::PasteSlip);
        if !slips && hits.iter().any(|h| !same(&h.code, &first.code)) {
            return Some(Located::Contradiction);
        }
        let orientation = first.orientation;
        let find = SheetFind::of(&first.code, places(&hits), orientation, SheetSource::Searched);
        // The marks once more, on the page laid flat: photographs and small copies have them too.
        for plane in rectify::planes(&hits) {
            let rough = Self::of(&plane.draw(page));
            let view = match plane.refined(&marks::candidates(&rough.bitmap)) {
                Some(better) => Self::of(&better.draw(page)),
                None => rough,
            };
            if let Guided::Found(guided, fit) = guided(&view.bitmap, &view.fits)
                && (&guided.code, guided.form, guided.page) == (&find.code, find.form, find.page)
                && !fit.upside_down
            {
                let find = SheetFind { source: SheetSource::LaidFlat, ..find };
                return Some(Located::Found(find, Some((view.bitmap, fit))));
            }
        }
        // And on the page turned upright: a page scanned sideways has them too.
        if matches!(orientation, 90 | 270) {
            let upright = Bitmap::of(&page.turned(orientation));
            let fit = marks::fits(&upright).into_iter().find(|f| !f.upside_down);
            return Some(Located::Found(find, fit.map(|fit| (upright, fit))));
        }
        let fit = self.fits.iter().copied().find(|f| f.upside_down == (orientation == 180));
        Some(Located::Found(find, fit.map(|fit| (self.bitmap, fit))))
    }
}

/// The places of all hits, A first.
fn places(hits: &[qr::Hit]) -> Vec<QrPlace> {
    [QrPlace::A, QrPlace::B].into_iter().filter(|p| hits.iter().any(|h| h.code.place == *p)).collect()
}

enum Guided {
    Found(SheetFind, Fit),
    Contradiction,
    Nothing,
}

/// Both QR at the places that the marks tell, in both orientations.
fn guided(bitmap: &Bitmap, fits: &[Fit]) -> Guided {
    for fit in fits {
        let mut found: Option<SheetCode> = None;
        let mut places = Vec::new();
        for (place, area) in [(QrPlace::A, geometry::QR_A), (QrPlace::B, geometry::QR_B)] {
            let Some(read) = qr::sample(bitmap, fit, area) else { continue };
            if read.place != place {
                continue;
            }
            places.push(place);
            match &found {
                Some(other) if !same(other, &read) => return Guided::Contradiction,
                Some(_) => {}
                None => found = Some(read),
            }
        }
        if let Some(code) = found {
            let orientation = if fit.upside_down { 180 } else { 0 };
            return Guided::Found(SheetFind::of(&code, places, orientation, SheetSource::Guided), *fit);
        }
    }
    Guided::Nothing
}

/// Whether two codes may stand on one sheet.
fn same(one: &SheetCode, other: &SheetCode) -> bool {
    SheetCode { place: other.place, ..one.clone() } == *other
}

#[cfg(test)]
pub(crate) mod tests;
