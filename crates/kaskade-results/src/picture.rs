//! Pictures of our drawings: SVG to PNG, with a font that comes along.
//!
//! The renderer knows a part of SVG only: no variables of styles and no dark schemes, so that a
//! drawing is handed in with its colours in place.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{Options, Tree};

use crate::error::ResultsError;

/// Pixels to one of the drawing's own: letters stay sharp on fine screens and on paper.
const SCALE: f32 = 2.0;

/// A larger drawing has fewer pixels than that: 8192 × 8192 take 256 MiB.
const MAX_SIDE: f32 = 8192.0;

/// Pixels of a drawing to a metre, by which programs know how large it is meant to be.
const PIXELS_PER_METRE: f32 = 96.0 / 0.0254;

/// What texts are set in, whatever the machine has: Ubuntu Light, which egui ships.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_source(Source::Binary(Arc::new(epaint_default_fonts::UBUNTU_LIGHT)));
    let family = fonts.faces().next().map(|face| face.families[0].0.clone());
    fonts.set_sans_serif_family(family.expect("the font is one"));
    Arc::new(fonts)
});

/// `svg` on white; the same drawing gives the same bytes.
///
/// # Errors
/// [`ResultsError::Render`] if the renderer refuses.
pub(crate) fn png(svg: &str) -> Result<Vec<u8>, ResultsError> {
    let options = Options { fontdb: FONTS.clone(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|source| ResultsError::Render { source })?;
    let size = tree.size();
    let scale = SCALE.min(MAX_SIDE / size.width().max(size.height()));
    let pixels = |length: f32| (length * scale).ceil().max(1.0) as u32;
    let pixmap = Pixmap::new(pixels(size.width()), pixels(size.height()));
    let mut pixmap = pixmap.expect("a side has 1 to 8192 pixels");
    pixmap.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    Ok(encode(&pixmap, (scale * PIXELS_PER_METRE).round() as u32))
}

/// `pixmap`, which nothing shines through, as PNG with so many pixels to a metre.
fn encode(pixmap: &Pixmap, per_metre: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixmap.width(), pixmap.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let unit = png::Unit::Meter;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit }));
    let colours = pixmap.data().chunks_exact(4).flat_map(|pixel| &pixel[..3]);
    let colours: Vec<u8> = colours.copied().collect();
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(&colours)?;
        writer.finish()
    });
    written.expect("a vector takes whatever is written to it");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Pixels;

    fn drawing(size: &str, body: &str) -> Vec<u8> {
        let start = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0";
        png(&format!(
            "{start} {size}\"><style>text{{font:12px system-ui,sans-serif}}</style>{body}</svg>"
        ))
        .unwrap()
    }

    #[test]
    fn a_picture_is_twice_the_drawing_on_white() {
        let bytes = drawing("60 30", "<rect width=\"10\" height=\"10\" fill=\"#0072b2\"/>");
        let pixels = Pixels::of(&bytes);
        assert_eq!((pixels.width, pixels.height), (120, 60));
        assert_eq!((pixels.at(5, 5), pixels.at(50, 50)), ([0x00, 0x72, 0xb2], [0xff; 3]));
    }

    #[test]
    fn letters_need_no_font_of_the_machine() {
        for letter in ["a", "Ä", "ж", "λ", "−", "–", "…", "·", "%", "7"] {
            let text = format!("<text x=\"2\" y=\"20\">{letter}</text>");
            let dark = Pixels::of(&drawing("40 30", &text)).count(|[red, ..]| red < 128);
            assert!(dark > 0, "{letter}");
        }
        assert_eq!(Pixels::of(&drawing("40 30", "")).count(|[red, ..]| red < 255), 0);
    }

    #[test]
    fn a_picture_has_an_end() {
        let pixels = Pixels::of(&drawing("20000 10", ""));
        assert_eq!((pixels.width, pixels.height), (8192, 5));
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        assert!(matches!(png("<svg"), Err(ResultsError::Render { .. })));
    }
}
