//! The charts read back: every picture is parsed and held against the figures it was drawn from, in two themes, with
//! Chinese names, for nothing, one, few and many values. `TWINSTOCK_PICTURES` names a folder that keeps them to look at.

pub mod inputs;
mod picture;

use inputs::{Kind, days, history, look, names};
use inventory::domain::error::Code;
use inventory::report::chart::{self, Chart, Named};
use picture::Picture;
use proptest::prelude::*;

/// From a picture in a corner to a whole screen, and one that is too small to draw in.
const SIZES: [(u32, u32); 4] = [(900, 420), (320, 200), (1800, 900), (10, 10)];

fn drawn(kind: Kind, many: usize, width: u32, height: u32, dark: bool) -> Chart {
    let look = look(width, height, dark);
    match kind {
        Kind::Days => chart::days(&days(many), &look),
        Kind::Movers => chart::movers(&names(many), &look),
        Kind::Shares => chart::shares(&names(many), &look),
        Kind::History => chart::history(&history(many), &look),
    }
    .unwrap()
}

#[test]
fn every_picture_is_sound() {
    for kind in Kind::ALL {
        for (many, (width, height)) in
            [0, 1, 2, 7, 30, 365, 5000].into_iter().flat_map(|n| SIZES.map(|size| (n, size)))
        {
            for dark in [false, true] {
                let chart = drawn(kind, many, width, height, dark);
                let name =
                    format!("{kind:?}-{many}-{width}x{height}-{}", if dark { "dark" } else { "light" });
                if let Some(folder) = std::env::var_os("TWINSTOCK_PICTURES") {
                    let path = std::path::Path::new(&folder).join(format!("{name}.svg"));
                    std::fs::write(path, &chart.svg).unwrap();
                }
                let picture = Picture::read(&chart.svg);
                picture.sound(&name);
                inside(&chart, &picture, &name);
                let background = if dark { "#14171C" } else { "#FFFFFF" };
                assert_eq!(picture.shapes[0].fill.as_deref(), Some(background), "{name}");
            }
        }
    }
}

/// Every point lies in the plot area, and the plot area on the sheet.
fn inside(chart: &Chart, picture: &Picture, name: &str) {
    let area = chart.area;
    assert!(area.x >= 0 && area.y >= 0 && area.width > 0 && area.height > 0, "{name}: {area:?}");
    assert!(
        area.x + area.width <= picture.width && area.y + area.height <= picture.height,
        "{name}: {area:?}"
    );
    for point in chart.series.iter().flat_map(|series| &series.points) {
        let across = (area.x..=area.x + area.width).contains(&point.x);
        let down = (area.y..=area.y + area.height).contains(&point.y);
        assert!(across && down, "{name}: {point:?} outside {area:?}");
    }
}

/// Of two values the greater never stands lower; values far apart stand apart.
fn monotone(points: impl Iterator<Item = (i64, i32)>) {
    let mut sorted: Vec<(i64, i32)> = points.collect();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        assert!(pair[0].1 >= pair[1].1, "{pair:?}");
        assert!(pair[0].0 != pair[1].0 || pair[0].1 == pair[1].1, "one value at two heights: {pair:?}");
    }
    if let (Some(first), Some(last)) = (sorted.first(), sorted.last()) {
        assert!(first.0 == last.0 || first.1 > last.1, "{first:?} {last:?}");
    }
}

#[test]
fn height_follows_value() {
    for many in [2, 30, 365, 5000] {
        let chart = drawn(Kind::Days, many, 900, 420, false);
        let [inward, outward, closing] = &chart.series[..] else { panic!("three series") };
        monotone(inward.points.iter().map(|point| (point.value, point.y)));
        monotone(outward.points.iter().map(|point| (-point.value, point.y)));
        monotone(closing.points.iter().map(|point| (point.value, point.y)));
        let chart = drawn(Kind::History, many, 900, 420, false);
        monotone(chart.series[0].points.iter().map(|point| (point.value, point.y)));
        let chart = drawn(Kind::Movers, many, 900, 420, false);
        monotone(chart.series[0].points.iter().map(|point| (point.value, -point.x)));
    }
}

#[test]
fn points_are_the_figures_themselves() {
    let all = days(365);
    let chart = drawn(Kind::Days, 365, 900, 420, false);
    for (at, day) in all.iter().enumerate() {
        let told =
            chart.series.iter().map(|series| (series.points[at].label.as_str(), series.points[at].value));
        let figures = [day.inward, day.outward, day.closing].map(|value| (day.label.as_str(), value));
        assert_eq!(told.collect::<Vec<_>>(), figures);
    }
    let chart = drawn(Kind::Movers, 7, 900, 420, false);
    let told = chart.series[0].points.iter().map(|point| (point.label.clone(), point.value));
    assert_eq!(
        told.collect::<Vec<_>>(),
        names(7).into_iter().map(|one| (one.name, one.value)).collect::<Vec<_>>()
    );
}

#[test]
fn bars_in_the_picture_end_where_the_points_say() {
    let chart = drawn(Kind::Days, 30, 900, 420, false);
    let picture = Picture::read(&chart.svg);
    for (series, fill) in chart.series.iter().zip(["#2E7D32", "#C2410C"]) {
        let bars: Vec<_> =
            picture.shapes.iter().filter(|shape| shape.fill.as_deref() == Some(fill)).skip(1).collect();
        let moved: Vec<_> = series.points.iter().filter(|point| point.value != 0).collect();
        assert_eq!(bars.len(), moved.len());
        for (bar, point) in bars.iter().zip(moved) {
            assert!(bar.left < point.x && point.x < bar.right, "{bar:?} {point:?}");
            assert!(bar.top == point.y || bar.bottom == point.y, "{bar:?} {point:?}");
        }
    }
    let line = picture.lines.iter().find(|line| line.stroke == "#1D4ED8").expect("the closing line");
    let points: Vec<(i32, i32)> = chart.series[2].points.iter().map(|point| (point.x, point.y)).collect();
    assert_eq!(line.points, points);
}

#[test]
fn many_days_keep_their_extremes_and_few_points() {
    let mut all = days(5000);
    all[1234].closing = 9_999_999;
    all[1240].closing = -9_999_999;
    all[777].inward = 88_888;
    all[778].outward = 77_777;
    let chart = chart::days(&all, &look(600, 400, false)).unwrap();
    let most = usize::try_from(chart.area.width).unwrap();
    let told = |at: usize, label: &str, value: i64| {
        assert!(chart.series[at].points.len() <= 4 * most, "{}", chart.series[at].points.len());
        assert!(
            chart.series[at].points.iter().any(|point| point.label == label && point.value == value),
            "{label}"
        );
    };
    told(2, &all[1234].label, 9_999_999);
    told(2, &all[1240].label, -9_999_999);
    told(0, &all[777].label, 88_888);
    told(1, &all[778].label, 77_777);
    for series in &chart.series {
        assert!(series.points.is_sorted_by_key(|point| point.x), "{}", series.name);
    }
    told(2, &all[0].label, all[0].closing);
    told(2, &all[4999].label, all[4999].closing);
}

#[test]
fn names_are_escaped_and_told_uncut() {
    let evil = r#"</text><script>alert("1")</script>&amp;'"#;
    let named = [evil, "a\u{0}b\nc", "\u{ffff}"].map(|name| Named { name: name.to_owned(), value: 5 });
    for chart in
        [chart::movers(&named, &look(1600, 400, false)), chart::shares(&named, &look(1600, 400, false))]
    {
        let chart = chart.unwrap();
        let picture = Picture::read(&chart.svg);
        assert!(picture.texts.iter().any(|text| text.words == evil), "{:?}", picture.texts);
        assert!(!chart.svg.contains("<script"));
        let labels = chart.series.iter().flat_map(|series| &series.points).map(|point| point.label.as_str());
        assert!(labels.collect::<Vec<_>>().contains(&evil));
    }
    let mut title = look(500, 300, false);
    title.words.title = evil.to_owned();
    assert!(
        Picture::read(&chart::days(&[], &title).unwrap().svg).texts.iter().any(|text| text.words == evil)
    );
}

#[test]
fn long_names_are_cut_and_numbers_never() {
    let name = "超长不锈钢内六角圆柱头螺钉全牙机牙螺丝".repeat(12);
    let named =
        [Named { name: name.clone(), value: i64::MAX }, Named { name: name.clone(), value: i64::MIN }];
    for (width, height) in SIZES {
        for chart in [
            chart::movers(&named, &look(width, height, false)),
            chart::shares(&named, &look(width, height, false)),
        ] {
            let chart = chart.unwrap();
            let picture = Picture::read(&chart.svg);
            picture.sound("long");
            let has = |words: &str| picture.texts.iter().any(|text| text.words == words);
            assert!(
                has("9,223,372,036,854,775,807") && has("-9,223,372,036,854,775,808"),
                "{:?}",
                picture.texts
            );
            assert!(
                !has(&name)
                    && chart.series.iter().all(|series| series.points.iter().all(|p| p.label == name))
            );
        }
    }
}

#[test]
fn nothing_is_said_in_words() {
    for kind in [Kind::Days, Kind::Movers, Kind::Shares] {
        let chart = drawn(kind, 0, 700, 300, false);
        let picture = Picture::read(&chart.svg);
        assert!(picture.texts.iter().any(|text| text.words == "本期无出入库"), "{kind:?}");
        assert!(chart.series.iter().all(|series| series.points.is_empty()));
    }
    let still = drawn(Kind::History, 0, 700, 300, false);
    assert_eq!(still.series[0].points.len(), 1, "a key that never moved still has a balance");
}

#[test]
fn what_has_no_place_is_counted() {
    let chart = drawn(Kind::Movers, 365, 700, 300, false);
    assert_eq!(chart.left_out + chart.series[0].points.len(), 365);
    let all = names(30);
    let chart = chart::shares(&all, &look(700, 600, false)).unwrap();
    let last = chart.series.last().unwrap();
    assert_eq!(last.name, format!("其他 ({})", chart.left_out));
    assert_eq!(chart.left_out + chart.series.len() - 1, 30);
    let told: i64 = chart.series.iter().map(|series| series.points[0].value).sum();
    assert_eq!(told, all.iter().map(|one| one.value).sum::<i64>());
}

#[test]
fn history_out_of_order_or_out_of_time_is_refused() {
    let mut wrong = history(5);
    wrong.moments.swap(1, 3);
    let mut late = history(5);
    late.end = late.moments[2].at;
    let mut empty = history(0);
    empty.end = empty.start;
    for history in [wrong, late, empty] {
        assert_eq!(chart::history(&history, &look(600, 300, false)).unwrap_err().code, Code::Invalid);
    }
}

#[test]
fn history_is_a_line_of_steps_to_both_edges() {
    let chart = drawn(Kind::History, 30, 900, 420, false);
    let picture = Picture::read(&chart.svg);
    let line = picture.lines.iter().find(|line| line.stroke == "#1D4ED8").expect("the line");
    for pair in line.points.windows(2) {
        assert!(pair[0].0 == pair[1].0 || pair[0].1 == pair[1].1, "{pair:?} is no step");
    }
    let (first, last) = (line.points.first().unwrap(), line.points.last().unwrap());
    assert_eq!((first.0, last.0), (chart.area.x, chart.area.x + chart.area.width));
    assert_eq!(last.1, chart.series[0].points.last().unwrap().y);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the figures, sizes and names: a sound picture with every point in its area.
    #[test]
    fn any_figures_give_a_sound_picture(
        figures in prop::collection::vec((any::<i64>(), any::<i64>(), any::<i64>()), 0..60),
        shift in 0_u32..63,
        name in "[ -~一-龥Ａ-Ｚ]{0,40}",
        width in 0_u32..2000,
        height in 0_u32..1200,
    ) {
        let small = |value: i64| value >> shift;
        let look = look(width, height, false);
        let mut all = days(figures.len());
        for (day, (inward, outward, closing)) in all.iter_mut().zip(&figures) {
            (day.inward, day.outward) = (small(*inward).saturating_abs(), small(*outward).saturating_abs());
            day.closing = small(*closing);
        }
        // Four hundred of these are more than a sum of them may be.
        let named: Vec<Named> = figures.iter().map(|(value, _, _)| Named { name: name.clone(), value: small(*value) >> 8 }).collect();
        let mut through = history(figures.len());
        through.moments.iter_mut().zip(&figures).for_each(|(moment, (_, _, closing))| moment.balance = small(*closing));
        for (kind, chart) in [
            ("days", chart::days(&all, &look)),
            ("movers", chart::movers(&named, &look)),
            ("shares", chart::shares(&named, &look)),
            ("history", chart::history(&through, &look)),
        ] {
            let chart = chart.unwrap();
            let picture = Picture::read(&chart.svg);
            picture.sound(kind);
            inside(&chart, &picture, kind);
        }
    }
}
