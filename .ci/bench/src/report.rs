//! The table on the terminal, and the results' files: path.json with every round, path.svg for the README. A run
//! of single parts writes path-part.json and .svg, so that it does not replace a run of everything.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::Options;
use crate::chart;
use crate::place::Place;
use crate::results::{Figures, Results};

/// Prints everything. False where an aim was missed.
pub fn print(results: &Results) -> bool {
    let mut met = true;
    for figures in &results.0 {
        println!("\n{}, {} entries", figures.shape.name(), figures.shape.entries);
        println!(
            "  {:<18} {:>10} {:>10} {:>10} {:<9} {:>8} {:>8} {:>8} {:>8} {:>7}",
            "", "median", "lowest", "highest", "", "mariadb", "redis", "kafka", "daemon", "others"
        );
        for name in &figures.names {
            line(figures, name);
        }
        println!("  CPU in microseconds per entry; others: share of the machine used by everything else");
        let ratios = figures.ratios();
        if !ratios.is_empty() {
            println!("\n  {:<34} {:>10} {:>10}", "", "measured", "aim");
        }
        for ratio in ratios {
            let word = match ratio.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "",
            };
            met &= ratio.met != Some(false);
            println!("  {:<34} {:>10} {:>10}  {word}", ratio.name, shown(ratio.value), ratio.wanted);
        }
    }
    met
}

fn line(figures: &Figures, name: &str) {
    let (Some(spread), Some(taken)) = (figures.spread(name), figures.taken.get(name)) else { return };
    let last = &taken[taken.len() - 1];
    print!(
        "  {name:<18} {:>10} {:>10} {:>10} {:<9}",
        shown(spread.median),
        shown(spread.min),
        shown(spread.max),
        last.unit
    );
    if let Some(entries) = last.entries {
        for process in ["mariadb", "redis", "kafka", "daemon"] {
            let cost = last.usage.per_entry(process, entries);
            print!(" {:>8}", cost.map_or_else(String::new, |us| format!("{us:.2}")));
        }
        print!(" {:>5.0} %", last.usage.others);
    }
    println!();
}

/// Three digits that count: 81,234 · 12.3 · 0.617.
pub fn shown(value: f64) -> String {
    if value >= 1_000.0 {
        let digits = format!("{value:.0}");
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        return out;
    }
    if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

/// Writes the files and says where they are.
pub fn write(place: &Place, options: &Options, conditions: &Value, results: &Results) -> Result<()> {
    let name = if options.whole() { "path" } else { "path-part" };
    let shapes: Vec<Value> = results.0.iter().map(Figures::json).collect();
    let json = json!({ "conditions": conditions, "shapes": shapes });
    let file = place.out.join(format!("{name}.json"));
    fs::write(&file, serde_json::to_vec_pretty(&json)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("\n{}", file.display());
    if let Some(svg) = chart::draw(results)? {
        let file = place.out.join(format!("{name}.svg"));
        fs::write(&file, svg).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{}", file.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn numbers_are_short() {
        assert_eq!(shown(81_234.4), "81,234");
        assert_eq!(shown(1_234_567.0), "1,234,567");
        assert_eq!(shown(1_000.0), "1,000");
        assert_eq!(shown(149.6), "150");
        assert_eq!(shown(12.34), "12.3");
        assert_eq!(shown(0.6174), "0.617");
    }
}
