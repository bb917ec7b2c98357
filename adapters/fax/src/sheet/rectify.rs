//! A page that lies askew in its picture, as photographs and small copies show it, laid flat: the corners of
//! the codes that were found tell where the paper is, and the page is drawn anew as an upright A4. It only
//! moves dots and never decides what they mean; what it makes must still prove itself by its marks.

use super::geometry::{Area, MARK_CENTRES, PAGE_HEIGHT, PAGE_WIDTH, QR_A, QR_B};
use super::marks::Point;
use super::qr::Hit;
use crate::pages::{Ink, Page};
use kakehashi_core::reply_code::QrPlace;

/// How far a mark may lie from where the codes alone would have it, in mm.
const FAR: f32 = 9.0;
/// Dots an inch of the page that is drawn.
const DPI: f32 = 200.0;

/// From millimetres of the upright sheet to millimetres of the picture, lines staying lines.
pub(super) struct Plane([f64; 8]);

impl Plane {
    /// Through at least four pairs of points. The two numbers of the perspective are held near
    /// zero unless the points insist, or are zero where it is not `seen_from_the_side`.
    fn through(pairs: &[(Point, Point)], seen_from_the_side: bool) -> Option<Self> {
        let unknowns = if seen_from_the_side { 8 } else { 6 };
        // Numbers about 1, so that no row outweighs another.
        let near = |(x, y): (f32, f32)| (f64::from(x) / 100.0 - 1.0, f64::from(y) / 100.0 - 1.5);
        let mut sums = [[0.0_f64; 9]; 8];
        // Corners are true to about a tenth of a millimetre, perspectives of a tenth are usual.
        sums[6][6] = 1e-4;
        sums[7][7] = 1e-4;
        for (sheet, picture) in pairs {
            let (x, y) = near(*sheet);
            let (u, v) = (f64::from(picture.0) / 100.0, f64::from(picture.1) / 100.0);
            for row in
                [[x, y, 1.0, 0.0, 0.0, 0.0, -x * u, -y * u, u], [0.0, 0.0, 0.0, x, y, 1.0, -x * v, -y * v, v]]
            {
                for i in 0..unknowns {
                    for j in 0..unknowns {
                        sums[i][j] += row[i] * row[j];
                    }
                    sums[i][8] += row[i] * row[8];
                }
            }
        }
        solve(&mut sums, unknowns).map(Self)
    }

    fn map(&self, x: f32, y: f32) -> (f32, f32) {
        let [a, b, c, d, e, f, g, h] = self.0;
        let (x, y) = (f64::from(x) / 100.0 - 1.0, f64::from(y) / 100.0 - 1.5);
        let depth = g * x + h * y + 1.0;
        let depth = if depth.abs() < 1e-3 { 1e-3 } else { depth };
        (((a * x + b * y + c) / depth * 100.0) as f32, ((d * x + e * y + f) / depth * 100.0) as f32)
    }

    /// Codes are small, so the far corners are only roughly known; the marks that were found there tell better.
    pub(super) fn refined(&self, found: &[Point]) -> Option<Self> {
        let pairs: Vec<(Point, Point)> = MARK_CENTRES
            .iter()
            .filter_map(|centre| {
                let distance = |p: &Point| (p.0 - centre.0).hypot(p.1 - centre.1);
                let nearest = found.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)))?;
                (distance(nearest) <= FAR).then(|| (*centre, self.map(nearest.0, nearest.1)))
            })
            .collect();
        if pairs.len() < 3 {
            return None;
        }
        Self::through(&pairs, pairs.len() == 4).filter(Self::is_sane)
    }

    /// The page as an upright A4.
    pub(super) fn draw(&self, page: &Page) -> Page {
        draw(page, self)
    }

    /// Whether a sheet of paper can look like this: neither tiny nor folded.
    fn is_sane(&self) -> bool {
        let corners = [(0.0, 0.0), (PAGE_WIDTH, 0.0), (PAGE_WIDTH, PAGE_HEIGHT), (0.0, PAGE_HEIGHT)];
        let [a, b, c, d] = corners.map(|(x, y)| self.map(x, y));
        let side = |p: (f32, f32), q: (f32, f32)| (p.0 - q.0).hypot(p.1 - q.1);
        let (top, right, bottom, left) = (side(a, b), side(b, c), side(c, d), side(d, a));
        let alike = |p: f32, q: f32| p > 30.0 && q > 30.0 && p < 2.0 * q && q < 2.0 * p;
        alike(top, bottom)
            && alike(left, right)
            && (0.8..=2.6).contains(&((left + right) / (top + bottom)))
            && top.max(bottom).max(left).max(right) < 2000.0
    }
}

/// Gauss with the largest pivot.
fn solve(sums: &mut [[f64; 9]; 8], n: usize) -> Option<[f64; 8]> {
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| sums[*a][column].abs().total_cmp(&sums[*b][column].abs()))?;
        if sums[pivot][column].abs() < 1e-9 {
            return None;
        }
        sums.swap(column, pivot);
        let head = sums[column];
        for row in (0..n).filter(|row| *row != column) {
            let share = sums[row][column] / head[column];
            for k in (column..n).chain([8]) {
                sums[row][k] -= share * head[k];
            }
        }
    }
    let mut out = [0.0; 8];
    for (at, slot) in out.iter_mut().enumerate().take(n) {
        *slot = sums[at][8] / sums[at][at];
    }
    Some(out)
}

/// How the page may lie, by the corners of its codes: with both codes as one seen from the side, and as a copy.
/// None if they tell no sheet of paper.
pub(super) fn planes(hits: &[Hit]) -> Vec<Plane> {
    let mut pairs = Vec::with_capacity(8);
    for (place, area) in [(QrPlace::A, QR_A), (QrPlace::B, QR_B)] {
        // Two codes of one place are a page and its copy: none of them is trusted.
        let mut of_place = hits.iter().filter(|hit| hit.code.place == place);
        if let (Some(hit), None) = (of_place.next(), of_place.next()) {
            pairs.extend(corners(area).into_iter().zip(hit.corners));
        }
    }
    let ways: &[bool] = match pairs.len() {
        8.. => &[true, false],
        4.. => &[false],
        _ => &[],
    };
    ways.iter().filter_map(|way| Plane::through(&pairs, *way)).filter(Plane::is_sane).collect()
}

const fn corners(area: Area) -> [(f32, f32); 4] {
    [(area.x, area.y), (area.right(), area.y), (area.right(), area.bottom()), (area.x, area.bottom())]
}

fn draw(page: &Page, plane: &Plane) -> Page {
    let across = (PAGE_WIDTH / 25.4 * DPI).round() as u32;
    let down = (PAGE_HEIGHT / 25.4 * DPI).round() as u32;
    let (px, py) = (page.x_dpi / 25.4, page.y_dpi / 25.4);
    let place = |x: u32, y: u32| {
        let (u, v) = plane.map((x as f32 + 0.5) / DPI * 25.4, (y as f32 + 0.5) / DPI * 25.4);
        (u * px, v * py)
    };
    let mut out = Page {
        width: across,
        height: down,
        x_dpi: DPI,
        y_dpi: DPI,
        ink: Ink::Bilevel(vec![0; (across as usize).div_ceil(8) * down as usize]),
        damaged: page.damaged,
    };
    match &page.ink {
        Ink::Bilevel(_) => {
            for y in 0..down {
                for x in 0..across {
                    let (u, v) = place(x, y);
                    if u >= 0.0 && v >= 0.0 && page.is_black(u as u32, v as u32) {
                        out.blacken(y, x, x + 1);
                    }
                }
            }
        }
        Ink::Grey(dots) => {
            let (w, h) = (page.width as usize, page.height as usize);
            let dot = |x: i64, y: i64| {
                let (x, y) = (x.clamp(0, w as i64 - 1) as usize, y.clamp(0, h as i64 - 1) as usize);
                f32::from(dots[y * w + x])
            };
            let mut grey = Vec::with_capacity(across as usize * down as usize);
            for y in 0..down {
                for x in 0..across {
                    let (u, v) = place(x, y);
                    if !(0.0..=w as f32).contains(&u) || !(0.0..=h as f32).contains(&v) {
                        grey.push(255);
                        continue;
                    }
                    let (u, v) = (u - 0.5, v - 0.5);
                    let (left, top) = (u.floor(), v.floor());
                    let (sx, sy) = (u - left, v - top);
                    let (x0, y0) = (left as i64, top as i64);
                    let upper = dot(x0, y0) * (1.0 - sx) + dot(x0 + 1, y0) * sx;
                    let lower = dot(x0, y0 + 1) * (1.0 - sx) + dot(x0 + 1, y0 + 1) * sx;
                    grey.push((upper * (1.0 - sy) + lower * sy + 0.5) as u8);
                }
            }
            out.ink = Ink::Grey(grey);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_through_two_codes_finds_the_far_corner() {
        let truth = Plane([0.9, 0.05, 1.2, -0.04, 0.95, 1.4, 0.06, -0.08]);
        let pairs: Vec<_> =
            corners(QR_A).into_iter().chain(corners(QR_B)).map(|(x, y)| ((x, y), truth.map(x, y))).collect();
        let found = Plane::through(&pairs, true).unwrap();
        for (x, y) in [(0.0, 0.0), (210.0, 0.0), (62.0, 154.0), (0.0, 297.0)] {
            let (a, b) = (truth.map(x, y), found.map(x, y));
            assert!((a.0 - b.0).hypot(a.1 - b.1) < 1.0, "{a:?} {b:?}");
        }
        assert!(found.is_sane());
        assert!(Plane::through(&pairs[..1], false).is_none());
        let same = [((10.0, 10.0), (5.0, 5.0)); 8];
        assert!(Plane::through(&same, true).is_none());
    }
}
