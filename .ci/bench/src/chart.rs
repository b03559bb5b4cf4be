//! The chart for the README: entries per second by shape, as bars. The ground is transparent and the words change
//! their colour with the reader's light or dark scheme.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::results::{Figures, Results};

/// Figure, words of the legend, colour: told apart on light and on dark ground.
const BARS: [(&str, &str, RGBColor); 4] = [
    ("raw rows", "MariaDB alone, bare rows", RGBColor(0x8b, 0x95, 0xa5)),
    ("ledger path", "ledger path alone", RGBColor(0x22, 0xa0, 0x8a)),
    ("end to end", "Twinstock, Kafka to both stores", RGBColor(0x3b, 0x82, 0xf6)),
    ("spec daemon", "the specification's daemon", RGBColor(0xe0, 0x86, 0x1a)),
];
/// Of the words where a reader knows no schemes: readable on both.
const WORDS: RGBColor = RGBColor(0x80, 0x80, 0x80);
const STYLE: &str = "<style>text{fill:#1f2328;font-family:system-ui,sans-serif}\
     @media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>";
const WIDTH: i32 = 820;
const LEFT: i32 = 170;
const RIGHT: i32 = 90;
const BAR: i32 = 16;
const GAP: i32 = 14;
const HEAD: i32 = 64;

/// The chart as SVG; none where there is nothing to draw.
pub fn draw(results: &Results) -> Result<Option<String>> {
    let bars = |figures: &Figures| -> Vec<(&'static str, RGBColor, f64)> {
        let bars =
            BARS.iter().filter_map(|(name, words, colour)| Some((*words, *colour, figures.value(name)?)));
        bars.collect()
    };
    let groups: Vec<_> = results.0.iter().map(|figures| (figures.shape.name(), bars(figures))).collect();
    let groups: Vec<_> = groups.into_iter().filter(|(_, bars)| !bars.is_empty()).collect();
    let most = groups.iter().flat_map(|(_, bars)| bars).map(|bar| bar.2).fold(0.0, f64::max);
    if most <= 0.0 {
        return Ok(None);
    }
    let rows: i32 = groups.iter().map(|(_, bars)| bars.len() as i32 * BAR + GAP).sum();
    let mut svg = String::new();
    {
        let root =
            SVGBackend::with_string(&mut svg, (WIDTH as u32, (HEAD + rows + 8) as u32)).into_drawing_area();
        let failed = |error| anyhow!("the chart cannot be drawn: {error:?}");
        let words = |size: i32, pos: Pos| ("sans-serif", size).into_font().color(&WORDS).pos(pos);
        let left = |size| words(size, Pos::new(HPos::Left, VPos::Center));
        let right = |size| words(size, Pos::new(HPos::Right, VPos::Center));
        root.draw(&Text::new("Entries per second", (8, 16), left(18))).map_err(failed)?;
        let mut at = 8;
        for (name, legend, colour) in BARS {
            if !results.0.iter().any(|figures| figures.value(name).is_some()) {
                continue;
            }
            root.draw(&Rectangle::new([(at, 36), (at + 11, 47)], colour.filled())).map_err(failed)?;
            root.draw(&Text::new(legend, (at + 16, 42), left(14))).map_err(failed)?;
            at += 30 + legend.chars().count() as i32 * 7;
        }
        let mut y = HEAD;
        for (name, bars) in groups {
            let middle = y + bars.len() as i32 * BAR / 2;
            root.draw(&Text::new(name, (LEFT - 10, middle), right(15))).map_err(failed)?;
            for (_, colour, value) in bars {
                let long = (f64::from(WIDTH - LEFT - RIGHT) * value / most).round().max(1.0) as i32;
                let corners = [(LEFT, y + 1), (LEFT + long, y + BAR - 2)];
                root.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)?;
                let figure = crate::report::shown(value);
                root.draw(&Text::new(figure, (LEFT + long + 6, y + BAR / 2), left(13))).map_err(failed)?;
                y += BAR;
            }
            y += GAP;
        }
        root.present().map_err(failed)?;
    }
    let head = svg.find("<svg").and_then(|from| Some(from + svg[from..].find('>')? + 1));
    let head = head.ok_or_else(|| anyhow!("the chart has no beginning"))?;
    svg.insert_str(head, STYLE);
    Ok(Some(svg))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Shape;
    use crate::results::Taken;
    use crate::usage::Usage;

    #[test]
    fn bars_are_drawn_to_scale() {
        let shape = Shape { products: 10, days: 1, entries: 1, in_order: false, ids: true, day_tables: 10 };
        let mut results = Results::default();
        assert_eq!(draw(&results).expect("drawn"), None);
        results.add(shape, "raw rows", Taken::plain(100_000.0, "entries/s", Usage::default()));
        results.add(shape, "end to end", Taken::plain(50_000.0, "entries/s", Usage::default()));
        let svg = draw(&results).expect("drawn").expect("a chart");
        let widths: Vec<i32> = svg
            .split("<rect ")
            .skip(1)
            .filter_map(|rect| rect.split("width=\"").nth(1)?.split('"').next()?.parse().ok())
            .filter(|width| *width > 20)
            .collect();
        assert_eq!(widths.len(), 2, "{svg}");
        assert!((widths[0] - 2 * widths[1]).abs() <= 2, "{widths:?}");
        assert!(svg.contains("100,000") && svg.contains("prefers-color-scheme") && svg.is_ascii());
    }
}
