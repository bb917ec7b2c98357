//! What drawing a PDF page would cost, found by interpreting it without drawing. The renderer has no
//! limit of its own: 1 KB of compressed operators can ask for a gigabyte of fills, and forms that call
//! forms double with every level. Too dear a page is refused before anything is drawn.

use hayro::hayro_interpret::font::GlyphRun;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt as _, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{BezPath, Rect, Shape as _};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Thrown through the interpreter when the budget is spent: it has no other way out.
struct Overdrawn;

/// The cost of a page, `None` if it is more than `most`. One fill of the whole page costs 1000, which
/// is about 0.3 ms and 25 KB; a small operator costs 5.
pub(super) fn of(page: &Page<'_>, most: u64) -> Option<u64> {
    let (width, height) = page.render_dimensions();
    let sheet = Rect::new(0.0, 0.0, f64::from(width.max(1.0)), f64::from(height.max(1.0)));
    let transform = page.initial_transform(true).to_kurbo();
    let cache = InterpreterCache::new();
    let mut context = Context::new(transform, sheet, &cache, page.xref(), InterpreterSettings::default());
    let mut scales = Scales { sheet, left: most };
    let outcome = catch_unwind(AssertUnwindSafe(|| interpret_page(page, &mut context, &mut scales)));
    match outcome {
        Ok(()) => Some(most - scales.left),
        Err(thrown) if thrown.is::<Overdrawn>() => None,
        // A fault of the interpreter itself: for the fence around.
        Err(thrown) => resume_unwind(thrown),
    }
}

struct Scales {
    sheet: Rect,
    left: u64,
}

impl Scales {
    fn take(&mut self, cost: u64) {
        match self.left.checked_sub(cost) {
            Some(left) => self.left = left,
            // Not a fault of the program: no hook, no message, only the way out.
            None => resume_unwind(Box::new(Overdrawn)),
        }
    }

    /// Thousandths of the page that a rectangle covers.
    fn share(&self, area: Rect) -> u64 {
        let seen = area.intersect(self.sheet);
        let share =
            seen.width().max(0.0) * seen.height().max(0.0) / (self.sheet.width() * self.sheet.height());
        (share.clamp(0.0, 1.0) * 1000.0) as u64
    }
}

impl<'a> Device<'a> for Scales {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, _: &DrawMode) {
        let area = props.transform.transform_rect_bbox(path.bounding_box());
        self.take(5 + path.elements().len() as u64 + self.share(area));
    }

    fn push_clip_path(&mut self, clip_path: &ClipPath) {
        self.take(20 + clip_path.path.elements().len() as u64);
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        // A layer of its own, of the size of the page.
        self.take(1000);
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, _: DrawProps<'a>, _: &DrawMode) {
        self.take(5 + 5 * run.glyphs().len() as u64);
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let dots = u64::from(image.width()) * u64::from(image.height());
        let area = props.transform.transform_rect_bbox(Rect::new(0.0, 0.0, 1.0, 1.0));
        // Decoded at every use: 4 million dots cost like twenty fills.
        self.take(100 + self.share(area) + dots / 200);
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
