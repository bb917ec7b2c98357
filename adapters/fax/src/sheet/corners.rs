//! What searching a picture for codes would cost, before it is searched. The decoder takes every three places that
//! look like a corner of a code for a code, and copies the whole picture for each try: among dots and noise a page
//! could take minutes. Here the corners it would see are counted in one pass, with its own rules.

/// So many rows may look like a corner; the decoder fills areas for each of them.
const MOST_ROWS: usize = 20_000;
/// So many dots may be copied for all tries together: twenty corners on a page of A4.
const MOST_COPIED: u64 = 10_000_000_000;

/// Whether the decoder gets through the picture within a bounded amount of work.
pub(super) fn is_affordable(dots: &[bool], width: usize) -> bool {
    let runs = Runs::of(dots, width);
    let rows = runs.corner_rows();
    if rows.len() > MOST_ROWS {
        return false;
    }
    let corners = runs.corners(&rows) as u64;
    // Each corner with every one beside it and every one below it, which are half of the others each at most.
    corners.pow(3) / 4 * dots.len() as u64 <= MOST_COPIED
}

/// Black runs of all rows, one after another.
struct Runs {
    /// First place and the one behind the last.
    spans: Vec<(u32, u32)>,
    /// Where each row begins among the spans, and where the last one ends.
    rows: Vec<usize>,
}

impl Runs {
    fn of(dots: &[bool], width: usize) -> Self {
        let (mut spans, mut rows) = (Vec::new(), vec![0]);
        for row in dots.chunks_exact(width.max(1)) {
            let mut from = None;
            for (x, black) in row.iter().copied().chain([false]).enumerate() {
                match (from, black) {
                    (None, true) => from = Some(x),
                    (Some(start), false) => {
                        spans.push((start as u32, x as u32));
                        from = None;
                    }
                    _ => {}
                }
            }
            rows.push(spans.len());
        }
        Self { spans, rows }
    }

    /// The first of every three runs of a row that lie as in a corner of a code: 1:1:3:1:1, with three quarters of
    /// a module to spare.
    fn corner_rows(&self) -> Vec<usize> {
        let like_a_corner = |at: usize| {
            let [a, b, c] = [self.spans[at], self.spans[at + 1], self.spans[at + 2]];
            let parts = [a.1 - a.0, b.0 - a.1, b.1 - b.0, c.0 - b.1, c.1 - c.0];
            let module = (parts[0] + parts[1] + parts[3] + parts[4]) / 4;
            let spare = module * 3 / 4;
            parts.iter().zip([1, 1, 3, 1, 1]).all(|(part, of)| part.abs_diff(of * module) <= spare)
        };
        self.rows
            .windows(2)
            .flat_map(|row| row[0]..row[1].saturating_sub(2).max(row[0]))
            .filter(|at| like_a_corner(*at))
            .collect()
    }

    /// How many areas surround another as the ring of a corner does: black to both sides belongs together, what is
    /// between does not and is a tenth to seven tenths as large. An area is the ring of one corner at most.
    fn corners(&self, rows: &[usize]) -> usize {
        if rows.is_empty() {
            return 0;
        }
        let mut areas = Areas::of(self);
        let mut rings: Vec<u32> = rows
            .iter()
            .filter_map(|at| {
                let [left, stone, right] = [0, 1, 2].map(|n| areas.root((at + n) as u32));
                let share =
                    u64::from(areas.sizes[stone as usize]) * 100 / u64::from(areas.sizes[right as usize]);
                (left == right && left != stone && (11..70).contains(&share)).then_some(left)
            })
            .collect();
        rings.sort_unstable();
        rings.dedup();
        rings.len()
    }
}

/// Which runs hang together, by rows that touch.
struct Areas {
    parents: Vec<u32>,
    /// Dots of an area, kept at its root.
    sizes: Vec<u32>,
}

impl Areas {
    fn of(runs: &Runs) -> Self {
        let mut areas = Self {
            parents: (0..runs.spans.len() as u32).collect(),
            sizes: runs.spans.iter().map(|(from, to)| to - from).collect(),
        };
        for rows in runs.rows.windows(3) {
            let (mut above, mut here) = (rows[0], rows[1]);
            while above < rows[1] && here < rows[2] {
                let (one, other) = (runs.spans[above], runs.spans[here]);
                if one.0 < other.1 && other.0 < one.1 {
                    areas.join(above as u32, here as u32);
                }
                if one.1 < other.1 {
                    above += 1;
                } else {
                    here += 1;
                }
            }
        }
        areas
    }

    fn root(&mut self, mut at: u32) -> u32 {
        while self.parents[at as usize] != at {
            let next = self.parents[at as usize];
            self.parents[at as usize] = self.parents[next as usize];
            at = next;
        }
        at
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            let (small, large) = if self.sizes[one as usize] < self.sizes[other as usize] {
                (one, other)
            } else {
                (other, one)
            };
            self.parents[small as usize] = large;
            self.sizes[large as usize] += self.sizes[small as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Corners of codes, seven modules of two dots each, in a field of so many.
    fn corners(across: usize, down: usize) -> (Vec<bool>, usize) {
        let (width, height) = (across * 20 + 6, down * 20 + 6);
        let dots = (0..width * height).map(|at| {
            let (x, y) = (at % width, at / width);
            let within =
                |at: usize, count: usize| (at >= 3 && at < 3 + count * 20).then(|| (at - 3) % 20 / 2);
            let (Some(x), Some(y)) = (within(x, across), within(y, down)) else { return false };
            let far = x.abs_diff(3).max(y.abs_diff(3));
            far == 3 || far < 2
        });
        (dots.collect(), width)
    }

    fn counted(dots: &[bool], width: usize) -> usize {
        let runs = Runs::of(dots, width);
        runs.corners(&runs.corner_rows())
    }

    #[test]
    fn every_corner_is_counted_once() {
        for (across, down) in [(0, 0), (1, 1), (3, 2), (20, 30)] {
            let (dots, width) = corners(across, down);
            assert_eq!(counted(&dots, width), across * down);
        }
        // A ring that is open to the left is none.
        let (mut dots, width) = corners(1, 1);
        for at in (3..5).flat_map(|x| (3..18).map(move |y| y * width + x)) {
            dots[at] = false;
        }
        assert_eq!(counted(&dots, width), 0);
    }

    #[test]
    fn what_is_copied_is_bounded() {
        let (few, width) = corners(3, 4);
        assert!(is_affordable(&few, width));
        let (many, width) = corners(20, 30);
        assert!(!is_affordable(&many, width));
        assert!(is_affordable(&[], 0));
        assert!(is_affordable(&[true; 400], 20));
    }
}
