use super::*;
use crate::paper::page_to_tiff_g4;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::time::Instant;

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/fax");
const THIRD_PARTY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/fax/public");

fn corpus(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(CORPUS).join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn read(name: &str) -> Result<Pages, Unreadable> {
    let bytes = corpus(name);
    let start = Instant::now();
    let outcome = read_pages(&bytes, &PageLimits::default());
    let took = start.elapsed();
    let pages = outcome.as_ref().map_or(0, |p| p.pages.len());
    println!("{name}: {pages} pages in {:.2} ms", took.as_secs_f64() * 1000.0);
    outcome
}

#[test]
fn well_formed_files_give_all_pages() {
    let cases: &[(&str, usize, u32, u32, f32, f32)] = &[
        ("generated/01_visit_g3-1d_204x98_2p_lsb.tif", 2, 1728, 1146, 204.0, 98.0),
        ("generated/02_visit_g4_204x196_2p.tif", 2, 1728, 2292, 204.0, 196.0),
        ("generated/03_pharmacy_g3-2d_204x196_1p.tif", 1, 1728, 2292, 204.0, 196.0),
        ("generated/04_dayservice_g3-1d-eolaligned_204x98_1p_bigendian.tif", 1, 1728, 1146, 204.0, 98.0),
        ("generated/05_hospital_g4_204x391_2p.tif", 2, 1728, 4572, 204.0, 391.0),
        ("generated/06_hospital_g4_200x200_2p_noresunit.tif", 2, 1696, 2200, 200.0, 200.0),
        ("generated/07_dayservice_g4_minisblack-tag.tif", 1, 1728, 2292, 204.0, 196.0),
        ("generated/08_visit_p2_upside_down_g4.tif", 1, 1728, 2292, 204.0, 196.0),
        ("generated/09_visit_g4_noresolution-tags.tif", 1, 1728, 1146, 204.0, 98.0),
    ];
    for (name, count, width, height, x_dpi, y_dpi) in cases {
        let pages = read(name).unwrap();
        assert_eq!(pages.pages.len(), *count, "{name}");
        assert!(pages.warnings.is_empty(), "{name}: {:?}", pages.warnings);
        for page in &pages.pages {
            assert_eq!(page.width, *width, "{name}");
            assert!(page.height.abs_diff(*height) <= 60, "{name}: {}", page.height);
            assert!((page.x_dpi - x_dpi).abs() < 1.0 && (page.y_dpi - y_dpi).abs() < 1.5, "{name}");
            assert!(!page.damaged, "{name}");
            assert!((0.005..0.3).contains(&page.blackness()), "{name}: {}", page.blackness());
        }
    }
}

#[test]
fn the_same_page_in_other_codings_is_the_same_picture() {
    let ones = read("generated/02_visit_g4_204x196_2p.tif").unwrap().pages;
    let coarse = read("generated/01_visit_g3-1d_204x98_2p_lsb.tif").unwrap().pages;
    let untagged = read("generated/09_visit_g4_noresolution-tags.tif").unwrap().pages;
    assert_eq!(coarse[0].ink, untagged[0].ink);
    // Two resolutions of one page: the ink per millimetre agrees.
    assert!((ones[0].blackness() - coarse[0].blackness()).abs() < 0.01);
    let mislabelled = read("broken/b07_g4-data_tagged-as-g3.tif").unwrap();
    assert!(mislabelled.pages.iter().all(|p| !p.damaged));
}

#[test]
fn pdf_pages() {
    let scanned = read("generated/10_hospital_ccitt_2p.pdf").unwrap();
    assert_eq!(scanned.pages.len(), 2);
    assert!(scanned.pages.iter().all(|p| matches!(p.ink, Ink::Bilevel(_)) && p.blackness() > 0.005));
    assert!(read("generated/11_pharmacy_textlayer.pdf").unwrap().pages[0].blackness() > 0.002);
    let code = |name: &str| read(name).unwrap_err().code;
    assert_eq!(
        code("generated/12_pharmacy_textlayer_userpassword-sample1234.pdf"),
        UnreadableCode::Encrypted
    );
    assert_eq!(code("broken/b12_truncated.pdf"), UnreadableCode::Damaged);
    let pdf = corpus("generated/10_hospital_ccitt_2p.pdf");
    assert_eq!(pdf_page_count(&pdf).unwrap(), 2);
    let png = pdf_page_png(&pdf, 1, 800).unwrap();
    let page = photo::read(&png, &PageLimits::default()).unwrap();
    assert!(page.width.abs_diff(800) <= 1 && page.height > 1000);
    assert!(pdf_page_png(&pdf, 2, 800).is_err());
}

#[test]
fn damaged_files_keep_what_they_have() {
    let cut = read("broken/b01_truncated-strip_g4.tif").unwrap();
    assert!(cut.pages[0].damaged && cut.pages[0].height == 1146);
    assert_eq!(last_black_row(&cut.pages[0]) / 10, 55, "555 rows decode");
    assert_eq!(cut.warnings[0].code, "page_damaged");

    let noisy = &read("broken/b02_line-noise_damaged-eols_g3.tif").unwrap().pages[0];
    assert!(noisy.damaged && last_black_row(noisy) > 1000);

    let unsized_strip = &read("broken/b03_stripbytecounts-zero_g4.tif").unwrap().pages[0];
    assert!(unsized_strip.damaged && last_black_row(unsized_strip) > 1000);

    let looped = read("broken/b06_ifd-loop.tif").unwrap();
    assert_eq!(looped.pages.len(), 2);
    assert_eq!(looped.warnings[0].code, "page_chain_loop");

    let short = &read("broken/b10_rows-fewer-than-imagelength_g3.tif").unwrap().pages[0];
    assert!(short.damaged);
    assert!((300..=364).contains(&last_black_row(short)), "{}", last_black_row(short));
}

fn last_black_row(page: &Page) -> u32 {
    (0..page.height).rev().find(|y| (0..page.width).any(|x| page.is_black(x, *y))).unwrap_or(0)
}

#[test]
fn refusals_name_their_cause_and_cost_nothing() {
    use UnreadableCode::{Damaged, Empty, TooLarge, UnknownFormat, Unsupported};
    for (name, code) in [
        ("broken/b04_bomb_65535x65535_white_g4.tif", TooLarge),
        ("broken/b05_bomb_header_2147483647x2147483647.tif", TooLarge),
        ("broken/b08_zero-width.tif", Damaged),
        ("broken/b09_jbig-compression-34661.tif", Unsupported),
        ("broken/b11_not-a-tiff.tif", UnknownFormat),
        ("broken/b13_empty.tif", Empty),
    ] {
        let bytes = corpus(name);
        let start = Instant::now();
        let refusal = read_pages(&bytes, &PageLimits::default()).unwrap_err();
        let took = start.elapsed();
        println!("{name}: refused in {:.1} µs: {refusal}", took.as_secs_f64() * 1e6);
        assert_eq!(refusal.code, code, "{name}");
        assert!(took.as_millis() < 20, "{name} took {took:?}");
    }
}

#[test]
fn third_party_files_when_present() {
    let Ok(folder) = std::fs::read_dir(THIRD_PARTY) else {
        println!("third-party FAX corpus is not here: skipped");
        return;
    };
    let files: Vec<PathBuf> = folder.flatten().map(|f| f.path()).collect();
    for path in files {
        let pages = read_pages(&std::fs::read(&path).unwrap(), &PageLimits::default());
        let pages = pages.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(pages.pages.iter().all(|p| !p.damaged), "{}", path.display());
        assert!(pages.pages.iter().any(|p| p.blackness() > 0.0), "{}", path.display());
    }
}

#[test]
fn pictures_have_square_dots_and_moderate_size() {
    for name in ["generated/01_visit_g3-1d_204x98_2p_lsb.tif", "generated/05_hospital_g4_204x391_2p.tif"] {
        let page = &read(name).unwrap().pages[0];
        let start = Instant::now();
        let png = page.to_png();
        println!("{name}: PNG of {} bytes in {:.1} ms", png.len(), start.elapsed().as_secs_f64() * 1000.0);
        assert!(png.len() < 500_000);
        let back = photo::read(&png, &PageLimits::default()).unwrap();
        let ratio = back.height as f32 / back.width as f32;
        assert!((1.3..1.45).contains(&ratio), "{name}: {ratio}");
        assert!((back.to_bilevel().blackness() - page.blackness()).abs() < 0.03);
    }
}

#[test]
fn a_small_pdf_that_unfolds_without_end_is_refused() {
    use std::io::Write as _;
    let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let data = bomb.finish().unwrap();
    let mut pdf = format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>endobj\n\
         4 0 obj<</Length {}/Filter/FlateDecode>>stream\n",
        data.len()
    )
    .into_bytes();
    pdf.extend_from_slice(&data);
    pdf.extend_from_slice(b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF");
    let limits = PageLimits { unfolded_bytes: 32 << 20, ..PageLimits::default() };
    assert_eq!(read_pages(&pdf, &limits).unwrap_err().code, UnreadableCode::TooLarge);
    assert_eq!(read_pages(&pdf, &PageLimits::default()).unwrap().pages.len(), 1);
}

#[test]
fn a_pdf_with_a_giant_picture_is_refused() {
    let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n\
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>endobj\n\
        4 0 obj<</Length 30>>stream\nq 200 0 0 200 0 0 cm /I Do Q  \nendstream endobj\n\
        5 0 obj<</Type/XObject/Subtype/Image/Width 65535/Height 65535/BitsPerComponent 1/ColorSpace/DeviceGray/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 65535/Rows 65535>>/Length 4>>stream\n\xff\xff\xff\xff\nendstream endobj\n\
        trailer<</Root 1 0 R>>\n%%EOF";
    assert_eq!(read_pages(pdf, &PageLimits::default()).unwrap_err().code, UnreadableCode::TooLarge);
}

/// The renderer's own guards, on which we rely: deep nesting, pages and forms that hold themselves.
#[test]
fn twisted_pdfs_end_well() {
    let tail = "trailer<</Root 1 0 R>>\n%%EOF";
    let head = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n";
    let tree = "2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n";
    let page = "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</XObject<</F 5 0 R>>>>/X 6 0 R>>endobj\n";
    let stream = |text: &str| format!("4 0 obj<</Length {}>>stream\n{text}\nendstream endobj\n", text.len());
    let form = "5 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 200 200]/Resources<</XObject<</F 5 0 R>>>>/Length 11>>stream\n/F Do /F Do\nendstream endobj\n";
    let deep = 50_000;
    let files = [
        format!(
            "{head}{tree}{page}{}6 0 obj {}{} endobj\n{tail}",
            stream("q Q"),
            "[".repeat(deep),
            "]".repeat(deep)
        ),
        format!(
            "{head}{tree}{page}{}6 0 obj {}1{} endobj\n{tail}",
            stream("q Q"),
            "<</A".repeat(deep),
            ">>".repeat(deep)
        ),
        format!("{head}{tree}{page}{}{tail}", stream(&format!("{}{} d", "[".repeat(deep), "]".repeat(deep)))),
        format!("{head}{tree}{page}{}{tail}", stream(&"q ".repeat(deep))),
        format!("{head}{tree}{page}{}{form}{tail}", stream("/F Do")),
        format!("{head}2 0 obj<</Type/Pages/Count 1/Kids[2 0 R 2 0 R]>>endobj\n{tail}"),
        format!("{head}{tree}3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e30 1]>>endobj\n{tail}"),
    ];
    for file in &files {
        let _ = read_pages(file.as_bytes(), &PageLimits::default());
    }
}

#[test]
fn pdfs_that_ask_for_endless_drawing_are_refused() {
    let head = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 1/Kids[3 0 R]>>endobj\n";
    let tail = "trailer<</Root 1 0 R>>\n%%EOF";
    let page = |more: &str| {
        format!("3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R{more}>>endobj\n")
    };
    let stream = |text: &str| format!("4 0 obj<</Length {}>>stream\n{text}\nendstream endobj\n", text.len());
    let fills = format!("{head}{}{}{tail}", page(""), stream(&"0 0 595 842 re f\n".repeat(40_000)));
    // Sixty forms, each of which calls the next one twice.
    let mut forms = String::new();
    for i in 5..65 {
        forms += &format!(
            "{i} 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 600 900]/Resources<</XObject<</F {} 0 R>>>>/Length 11>>stream\n/F Do /F Do\nendstream endobj\n",
            i + 1
        );
    }
    let resources = "/Resources<</XObject<</F 5 0 R>>>>";
    let laughs = format!("{head}{}{}{forms}{tail}", page(resources), stream("/F Do"));
    for (name, file) in [("fills", fills), ("forms", laughs)] {
        let start = Instant::now();
        let outcome = read_pages(file.as_bytes(), &PageLimits::default());
        println!("{name}: {:.0} ms", start.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(outcome.unwrap_err().code, UnreadableCode::TooLarge, "{name}");
    }
}

#[test]
fn only_the_first_pages_are_read() {
    let mut page = Page::white_a4(98.0);
    page.fill_rect_mm(20.0, 20.0, 30.0, 5.0);
    let file = page_to_tiff_g4(&vec![page; 5]);
    let limits = PageLimits { pages: 3, ..PageLimits::default() };
    let pages = read_pages(&file, &limits).unwrap();
    assert_eq!(pages.pages.len(), 3);
    assert_eq!(pages.warnings[0].code, "too_many_pages");
}

#[test]
fn uncompressed_and_packed_pages() {
    // 16×4 dots, left half black.
    let tiff = |compression: u32, data: &[u8], photometric: u32| {
        let mut out = b"II*\0\x08\0\0\0".to_vec();
        let entries: [(u16, u32); 8] = [
            (256, 16),
            (257, 4),
            (258, 1),
            (259, compression),
            (262, photometric),
            (273, 8 + 2 + 12 * 8 + 4),
            (278, 4),
            (279, data.len() as u32),
        ];
        out.extend_from_slice(&8_u16.to_le_bytes());
        for (tag, value) in entries {
            out.extend_from_slice(&tag.to_le_bytes());
            out.extend_from_slice(&4_u16.to_le_bytes());
            out.extend_from_slice(&1_u32.to_le_bytes());
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(data);
        out
    };
    let rows = [0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0];
    let inverted = rows.map(|b: u8| !b);
    let packed = [7, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0];
    let deflated = {
        use std::io::Write as _;
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&rows).unwrap();
        encoder.finish().unwrap()
    };
    for file in [tiff(1, &rows, 0), tiff(1, &inverted, 1), tiff(32773, &packed, 0), tiff(8, &deflated, 0)] {
        let page = &read_pages(&file, &PageLimits::default()).unwrap().pages[0];
        assert!(page.is_black(7, 3) && !page.is_black(8, 3) && !page.damaged);
    }
}

#[test]
fn turning_is_undone_by_turning_back() {
    let mut page = Page::white_a4(98.0);
    page.fill_rect_mm(10.0, 20.0, 30.0, 5.0);
    for degrees in [90, 180, 270] {
        assert_eq!(page.turned(degrees).turned(360 - degrees), page, "{degrees}");
    }
    assert!(page.turned(180).is_black(1727 - 100, 1146 - 1 - 80));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(width in 1_u32..300, rows in proptest::collection::vec(proptest::collection::vec(0_u32..300, 0..6), 1..20)) {
        let mut page = Page { width, height: rows.len() as u32, x_dpi: 204.0, y_dpi: 196.0, ink: Ink::Bilevel(vec![0; width.div_ceil(8) as usize * rows.len()]), damaged: false };
        for (y, runs) in rows.iter().enumerate() {
            for pair in runs.chunks_exact(2) {
                page.blacken(y as u32, pair[0].min(pair[1]), pair[0].max(pair[1]));
            }
        }
        prop_assume!(page.blackness() <= 0.6);
        let read = read_pages(&page_to_tiff_g4(std::slice::from_ref(&page)), &PageLimits::default()).unwrap();
        prop_assert_eq!(&read.pages[0].ink, &page.ink);
        prop_assert!(!read.pages[0].damaged);
    }

    #[test]
    fn any_bytes_end_well(bytes in proptest::collection::vec(any::<u8>(), 0..400), head in 0_usize..4) {
        let mut file = [&b"II*\0"[..], b"MM\0*", b"\x89PNG\r\n\x1a\n", b""][head].to_vec();
        file.extend(bytes);
        let _ = read_pages(&file, &PageLimits::default());
    }

    #[test]
    fn changed_pdfs_end_well(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), cut in any::<prop::sample::Index>()) {
        let mut bytes = corpus("generated/11_pharmacy_textlayer.pdf");
        let length = bytes.len();
        for (at, value) in changes {
            bytes[at.index(length)] = value;
        }
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(length));
        }
        let _ = read_pages(&bytes, &PageLimits::default());
    }

    #[test]
    fn changed_files_end_well(name in 0_usize..4, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut in any::<prop::sample::Index>()) {
        let file = ["generated/01_visit_g3-1d_204x98_2p_lsb.tif", "generated/03_pharmacy_g3-2d_204x196_1p.tif", "generated/09_visit_g4_noresolution-tags.tif", "broken/b10_rows-fewer-than-imagelength_g3.tif"][name];
        let mut bytes = corpus(file);
        let length = bytes.len();
        for (at, value) in changes {
            // Half of the changes hit the directory at the end, where it hurts.
            let at = if value % 2 == 0 { length - 1 - at.index(length.min(260)) } else { at.index(length) };
            bytes[at] = value;
        }
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(length));
        }
        let limits = PageLimits { width: 3000, rows: 5000, ..PageLimits::default() };
        if let Ok(pages) = read_pages(&bytes, &limits) {
            for page in pages.pages {
                prop_assert!(page.width <= 3000 && page.height <= 5000);
            }
        }
    }
}
