//! Sheets that were photographed: from a desk, or from a monitor on which somebody has opened the page that left,
//! with the moiré of its dots and the glare of a lamp. Mailed by the member, or as a picture in a FAX. However sure
//! the marks are and however untouched the sheet: after the trial, and where 「このまま返送＝了解」 is on, a person looks.

#![expect(clippy::unwrap_used, reason = "a test program: what does not hold must end it")]

mod trial;

use kakehashi_fax::pages::{Ink, Page};
use kakehashi_tests::database::Database;
use kakehashi_tests::digests::{PHARMACY, acknowledged, digest, switch_untouched_on};
use kakehashi_tests::letters;
use kakehashi_tests::network::send_mail;
use kakehashi_tests::office::Office;
use kakehashi_tests::paper;

const MAILBOX: &str = "kusuri@aozora.example";

/// How a monitor is photographed.
struct Camera {
    /// Share of the picture's height that the page fills.
    fill: f32,
    /// How much nearer one edge is, across and down.
    tilt: (f32, f32),
    /// Dots of the monitor along the page's height; each has a dark gap around it.
    dots: f32,
    /// Brightness that a lamp adds in the middle of its reflection.
    glare: f32,
}

/// The page on a monitor, as a telephone sees it.
fn photographed(page: &Page, camera: &Camera) -> Page {
    let (width, height) = (1500_u32, 2000_u32);
    let mut dots = Vec::with_capacity((width * height) as usize);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x as f32 / height as f32 - 0.375, y as f32 / height as f32 - 0.5);
            let scale = 297.0 / camera.fill / (1.0 + camera.tilt.0 * u + camera.tilt.1 * v);
            let (mx, my) = (105.0 + scale * u, 148.5 + scale * v);
            let mut light = 25.0;
            if (0.0..210.0).contains(&mx) && (0.0..297.0).contains(&my) {
                // The monitor shows the page by its own dots, with dark lines between them.
                let (dx, dy) = (mx / 297.0 * camera.dots, my / 297.0 * camera.dots);
                let (cx, cy) = ((dx.floor() + 0.5) / camera.dots, (dy.floor() + 0.5) / camera.dots);
                let (px, py) = (cx * 297.0 / 25.4 * page.x_dpi, cy * 297.0 / 25.4 * page.y_dpi);
                let black = page.is_black(px as u32, py as u32);
                let gap = dx.fract() < 0.18 || dy.fract() < 0.18;
                light = match (black, gap) {
                    (true, _) => 30.0,
                    (false, true) => 140.0,
                    (false, false) => 225.0,
                };
            }
            let lamp = ((u - 0.18).powi(2) + (v + 0.2).powi(2)) / 0.01;
            dots.push((light + camera.glare * (-lamp).exp()).clamp(0.0, 255.0) as u8);
        }
    }
    let dpi = height as f32 / (297.0 / 25.4);
    Page { width, height, x_dpi: dpi, y_dpi: dpi, ink: Ink::Grey(dots), damaged: false }
}

#[test]
fn a_photographed_sheet_never_acts_alone() {
    for database in Database::all() {
        println!("on {database:?}");
        let network = trial::over(&database);
        network.register("endpoints.csv", &format!("F05,email,{MAILBOX},verified,no,,,,,,,,"));
        let mut gateway = network.start("2026-06-10 09:00:00");
        switch_untouched_on(&mut Office::log_in(&gateway));
        gateway.stop();
        let posts = [("G01", "七件目"), ("G03", "八件目")];
        let (mut gateway, mut pages) = digest(&network, "2026-06-10", &posts, 0);
        let clean = pages.pop().unwrap();
        let mut ticked = clean.clone();
        paper::tick(&mut ticked, "acknowledge_all");
        let mut office = Office::log_in(&gateway);
        let mut waiting = office.triage().len();
        let both = || [("G01", "七件目"), ("G03", "八件目")].map(|(g, t)| acknowledged(&network, g, t));
        let straight = Camera { fill: 0.95, tilt: (0.0, 0.0), dots: 1900.0, glare: 0.0 };
        let aslant = Camera { fill: 0.85, tilt: (0.1, -0.08), dots: 1400.0, glare: 0.0 };
        let glaring = Camera { fill: 0.9, tilt: (-0.06, 0.05), dots: 1600.0, glare: 190.0 };
        let mut read = 0;
        for (what, sheet) in [("untouched", &paper::as_grey(&clean)), ("ticked", &ticked)] {
            for (how, camera) in [("straight", &straight), ("aslant", &aslant), ("glaring", &glaring)] {
                let picture = photographed(sheet, camera).to_png();
                send_mail(
                    &gateway,
                    MAILBOX,
                    "intake@in.kakehashi.example",
                    &letters::photograph(MAILBOX, &picture),
                );
                network.fax_file(&gateway, PHARMACY, "image/png", &picture);
                network.settled();
                assert_eq!(both(), [false, false], "{what}, {how}: a person looks");
                let items = office.triage();
                assert_eq!(items.len(), waiting + 2, "{what}, {how}: the mail and the FAX wait");
                waiting = items.len();
                for item in &items[items.len() - 2..] {
                    let (_, page) = office.get(item);
                    read += usize::from(page.contains("写真か、縮めた写しの返信票です"));
                    assert!(!page.contains("name=\"untouched\""), "{what}, {how}: nothing is proposed");
                }
            }
        }
        assert!(read >= 6, "most of them are read as sheets and wait as such: {read} of 12");
        // The same ticked sheet from a machine acts at once: what held the others back was the photograph.
        network.fax(&gateway, PHARMACY, &[ticked]);
        network.settled();
        assert_eq!(both(), [true, true]);
        gateway.stop();
    }
}
