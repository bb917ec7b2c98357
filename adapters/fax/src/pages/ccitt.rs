//! One strip of Group 3 or Group 4 data to rows (ITU-T T.4 and T.6), as leniently as a person at a
//! machine would wish: what decodes is kept, what is lost is counted. Never more rows than asked for.

use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

/// How a strip is coded, from TIFF tags 259 and 292.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Compression 2: rows of run lengths on byte boundaries, no EOL.
    RunLengths,
    /// Compression 3; two-dimensional if T4Options bit 0.
    Group3 { two_dimensional: bool },
    /// Compression 4.
    Group4,
}

/// Rows of a strip, packed, 1 is black.
#[derive(Debug, Clone, Default)]
pub(super) struct Strip {
    pub(super) bits: Vec<u8>,
    pub(super) rows: u32,
    /// The decoder gave up before the end.
    pub(super) broken: bool,
    /// Colour changes, to tell text from noise.
    changes: u64,
}

struct Rows {
    width: u32,
    limit: u32,
    strip: Strip,
}

impl Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        if self.strip.rows >= self.limit {
            return;
        }
        let start = self.strip.bits.len();
        self.strip.bits.resize(start + (self.width as usize).div_ceil(8), 0);
        let row = &mut self.strip.bits[start..];
        for pair in changes.chunks(2) {
            let end = pair.get(1).copied().unwrap_or(self.width);
            fill(row, pair[0].min(self.width), end.min(self.width));
        }
        self.strip.rows += 1;
        self.strip.changes += changes.len() as u64;
    }
}

/// Blackens `from..to` of a packed row.
pub(crate) fn fill(row: &mut [u8], from: u32, to: u32) {
    if from >= to {
        return;
    }
    let (first, last) = ((from / 8) as usize, ((to - 1) / 8) as usize);
    let head = 0xff_u8 >> (from % 8);
    let tail = 0xff_u8 << (7 - (to - 1) % 8);
    if first == last {
        row[first] |= head & tail;
        return;
    }
    row[first] |= head;
    row[first + 1..last].fill(0xff);
    row[last] |= tail;
}

/// Decodes a strip of at most `rows` rows. Data that claims Group 3 and does not begin with an EOL is
/// tried as Group 4 as well, since some machines write the wrong tag.
pub(super) fn decode(data: &[u8], width: u32, rows: u32, coding: Coding) -> Strip {
    let Coding::Group3 { two_dimensional } = coding else {
        return match coding {
            Coding::RunLengths => run(data, width, rows, EncodingMode::Group3_1D, true),
            _ => run(data, width, rows, EncodingMode::Group4, false),
        };
    };
    let mode = if two_dimensional { EncodingMode::Group3_2D } else { EncodingMode::Group3_1D };
    let as_tagged = run(data, width, rows, mode, false);
    if begins_with_eol(data) {
        return as_tagged;
    }
    let as_group4 = run(data, width, rows, EncodingMode::Group4, false);
    // Without an EOL the Group 3 reader stops at the first damage, and noise has many colour changes.
    let whole = |s: &Strip| !s.broken && s.rows == rows;
    let better = match (whole(&as_tagged), whole(&as_group4)) {
        (true, true) => as_group4.changes < as_tagged.changes,
        (false, true) => true,
        (true, false) => false,
        (false, false) => as_group4.rows > as_tagged.rows,
    };
    if better { as_group4 } else { as_tagged }
}

fn run(data: &[u8], width: u32, rows: u32, encoding: EncodingMode, aligned: bool) -> Strip {
    let mut sink = Rows { width, limit: rows, strip: Strip::default() };
    let mut context = DecoderContext::new(DecodeSettings {
        columns: width,
        rows,
        end_of_block: !aligned,
        end_of_line: false,
        // Alignment zeros before an EOL are fill to the decoder (T4Options bit 2 needs nothing).
        rows_are_byte_aligned: aligned,
        encoding,
        strict: false,
    });
    let result = hayro_ccitt::decode(data, &mut sink, &mut context);
    sink.strip.broken = result.is_err();
    sink.strip
}

/// Eleven zeros and a one within the first bytes, nothing but zeros before.
fn begins_with_eol(data: &[u8]) -> bool {
    let zeros: u32 = {
        let mut count = 0;
        for byte in data.iter().take(64) {
            count += byte.leading_zeros();
            if *byte != 0 {
                break;
            }
        }
        count
    };
    zeros >= 11 && (zeros as usize) < 64 * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling_touches_the_asked_dots_only() {
        for from in 0..20_u32 {
            for to in from..=24 {
                let mut row = [0_u8; 3];
                fill(&mut row, from, to);
                for x in 0..24 {
                    let black = row[(x / 8) as usize] & (0x80 >> (x % 8)) != 0;
                    assert_eq!(black, (from..to).contains(&x), "{from}..{to} at {x}");
                }
            }
        }
    }
}
