//! The pictures in pixels: decoded again, and held against what the points and the theme say.

use crate::chart::inputs::{Kind, days, history, look, names};
use inventory::domain::error::Code;
use inventory::report::chart::{self, Chart, Colour, Fonts};
use resvg::tiny_skia::Pixmap;

fn drawn(kind: Kind, dark: bool) -> Chart {
    let look = look(900, 420, dark);
    match kind {
        Kind::Days => chart::days(&days(30), &look),
        Kind::Movers => chart::movers(&names(6), &look),
        Kind::Shares => chart::shares(&names(6), &look),
        Kind::History => chart::history(&history(30), &look),
    }
    .unwrap()
}

fn pixel(pixels: &Pixmap, x: i32, y: i32) -> Colour {
    let at = pixels.pixel(x.unsigned_abs(), y.unsigned_abs()).expect("on the sheet").demultiply();
    assert_eq!(at.alpha(), 255);
    Colour(at.red(), at.green(), at.blue())
}

/// How many pixels of the title's line are no background.
fn title_ink(pixels: &Pixmap, scale: i32) -> usize {
    let background = pixel(pixels, 0, 0);
    let line = (10 * scale..26 * scale).flat_map(|y| (12 * scale..332 * scale).map(move |x| (x, y)));
    line.filter(|(x, y)| pixel(pixels, *x, *y) != background).count()
}

#[test]
fn pixels_show_what_the_points_say() {
    let fonts = Fonts::of_this_machine().expect("the machine that tests has fonts");
    for kind in Kind::ALL {
        for (dark, scale) in [(false, 1), (true, 2), (false, 3)] {
            let chart = drawn(kind, dark);
            let png = chart::png(&chart.svg, scale, &fonts).unwrap();
            let (pixels, scale) = (Pixmap::decode_png(&png).unwrap(), i32::from(scale));
            assert_eq!(
                (pixels.width(), pixels.height()),
                (900 * scale.unsigned_abs(), 420 * scale.unsigned_abs())
            );
            assert_eq!(pixel(&pixels, 0, 0), look(1, 1, dark).theme.background);
            assert!(title_ink(&pixels, scale) > 500, "{kind:?}: no words");
            for series in &chart.series {
                for point in series.points.iter().filter(|point| point.value != 0) {
                    // Just inside a bar's end, on a line's corner, in the middle of a share.
                    let near = (-2..=2)
                        .flat_map(|dx| (-2..=2).map(move |dy| (point.x * scale + dx, point.y * scale + dy)));
                    let colour: Colour = series.colour.parse().unwrap();
                    let seen = near.filter(|(x, y)| pixel(&pixels, *x, *y) == colour).count();
                    assert!(seen > 0, "{kind:?} x {scale}: {} at {point:?}", series.name);
                }
            }
        }
    }
}

#[test]
fn chinese_words_are_drawn_each_as_itself() {
    let fonts = Fonts::of_this_machine().expect("the machine that tests has fonts");
    let titled = |title: &str| {
        let mut look = look(900, 420, false);
        look.words.title = title.to_owned();
        chart::png(&chart::days(&days(3), &look).unwrap().svg, 1, &fonts).unwrap()
    };
    // A font that lacks the signs would draw the same empty box for each.
    assert_ne!(titled("入"), titled("出"));
    assert_ne!(titled("库存"), titled("期末"));
}

#[test]
fn pictures_beyond_measure_are_refused() {
    let fonts = Fonts::of_this_machine().expect("the machine that tests has fonts");
    let chart = chart::days(&days(3), &look(8192, 8192, false)).unwrap();
    for scale in [0, 1, 8, 9] {
        assert_eq!(chart::png(&chart.svg, scale, &fonts).unwrap_err().code, Code::Invalid, "{scale}");
    }
    assert_eq!(chart::png("<svg", 1, &fonts).unwrap_err().code, Code::Invalid);
}
