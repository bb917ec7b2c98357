//! A sheet that lies on a desk and is photographed with a telephone: seen from the side, with shadow, blur
//! and the camera's JPEG.

use crate::paper::{HEIGHT, PER_MM, Paper, WIDTH};
use crate::rng::Rng;
use image::{ExtendedColorType, ImageEncoder as _, codecs::jpeg::JpegEncoder};

/// The photograph as a JPEG file.
pub(crate) fn photograph(paper: &Paper, rng: &mut Rng) -> Result<Vec<u8>, String> {
    let (width, height) = [(1536_usize, 2048_usize), (1944, 2592), (1200, 1600)][rng.below(3)];
    let fill = rng.range(0.78, 0.98);
    let turn = (rng.normal() * 3.0).clamp(-8.0, 8.0).to_radians();
    let (sin, cos) = turn.sin_cos();
    let (tilt_x, tilt_y) = (rng.range(-0.12, 0.12), rng.range(-0.12, 0.12));
    let (white, black, desk) = (rng.range(150.0, 235.0), rng.range(20.0, 60.0), rng.range(50.0, 140.0));
    let shade = (rng.range(-0.35, 0.35), rng.range(-0.35, 0.35));
    // The edge of a hand's shadow.
    let edge = rng.chance(0.5).then(|| (rng.range(-0.4, 0.4), rng.range(0.6, 0.85), rng.range(0.01, 0.08)));
    let mut grey = Vec::with_capacity(width * height);
    for py in 0..height {
        for px in 0..width {
            let p = (
                (px as f32 - width as f32 / 2.0) / height as f32,
                (py as f32 - height as f32 / 2.0) / height as f32,
            );
            let depth = 1.0 + tilt_x * p.0 + tilt_y * p.1;
            let scale = 297.0 / fill / depth;
            let x = 105.0 + scale * (cos * p.0 + sin * p.1);
            let y = 148.5 + scale * (cos * p.1 - sin * p.0);
            let mut light = desk;
            if (0.0..210.0).contains(&x) && (0.0..297.0).contains(&y) {
                let (cx, cy) =
                    (((x * PER_MM) as usize).min(WIDTH - 2), ((y * PER_MM) as usize).min(HEIGHT - 2));
                let ink = [0, 1, WIDTH, WIDTH + 1].map(|d| u32::from(paper.ink[cy * WIDTH + cx + d]));
                let ink = ink.iter().sum::<u32>() as f32 / 1020.0;
                light = white - (white - black) * ink;
            }
            light *= 1.0 + shade.0 * p.0 + shade.1 * p.1;
            if let Some((place, dark, soft)) = edge {
                let side = ((p.0 + 0.3 * p.1 - place) / soft).clamp(-1.0, 1.0) * 0.5 + 0.5;
                light *= 1.0 - (1.0 - dark) * side;
            }
            grey.push(light);
        }
    }
    let blurred = rng.chance(0.6);
    let dots: Vec<u8> = (0..grey.len())
        .map(|i| {
            let mean = if blurred && i > width && i + width + 1 < grey.len() {
                (grey[i] * 4.0 + 2.0 * (grey[i - 1] + grey[i + 1] + grey[i - width] + grey[i + width])) / 12.0
            } else {
                grey[i]
            };
            (mean + rng.normal() * 4.0).clamp(0.0, 255.0) as u8
        })
        .collect();
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, 55 + rng.below(35) as u8)
        .write_image(&dots, width as u32, height as u32, ExtendedColorType::L8)
        .map_err(|e| e.to_string())?;
    Ok(out)
}
