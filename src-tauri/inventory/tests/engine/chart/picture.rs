//! A chart's SVG read back with an XML parser, and what holds for every picture: texts are on the sheet, none lies on
//! another, all shapes have a sound size. Widths of texts are reckoned here anew.

use roxmltree::{Document, Node};

#[derive(Debug)]
pub struct Text {
    pub words: String,
    left: i32,
    right: i32,
    middle: i32,
}

#[derive(Debug)]
pub struct Shape {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
    pub fill: Option<String>,
}

#[derive(Debug)]
pub struct Line {
    pub points: Vec<(i32, i32)>,
    pub stroke: String,
}

#[derive(Debug)]
pub struct Picture {
    pub width: i32,
    pub height: i32,
    pub texts: Vec<Text>,
    pub shapes: Vec<Shape>,
    pub lines: Vec<Line>,
}

fn number(node: Node<'_, '_>, name: &str) -> i32 {
    let text = node.attribute(name).unwrap_or_else(|| panic!("{:?} has no {name}", node.tag_name()));
    text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no whole number"))
}

/// Columns of a sans-serif font at 12 pixels: Chinese signs are squares, digits and small letters 7 pixels wide at most.
fn advance(words: &str) -> i32 {
    words.chars().map(|c| if c.is_ascii() { 7 } else { 12 }).sum()
}

fn text(node: Node<'_, '_>) -> Text {
    let words = node.text().unwrap_or_default().trim_matches('\n').to_owned();
    let wide = advance(&words);
    let (x, middle) = (number(node, "x"), number(node, "y"));
    let left = match node.attribute("text-anchor") {
        Some("start") => x,
        Some("middle") => x - wide / 2,
        Some("end") => x - wide,
        other => panic!("an anchor of {other:?}"),
    };
    assert_eq!(node.attribute("font-size"), Some("12"), "plotters took another size");
    Text { words, left, right: left + wide, middle }
}

impl Picture {
    pub fn read(svg: &str) -> Picture {
        let document = Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
        let root = document.root_element();
        let all = |name: &'static str| {
            root.descendants().filter(move |node| node.has_tag_name(("http://www.w3.org/2000/svg", name)))
        };
        let shape = |node: Node<'_, '_>| {
            let (left, top) = (number(node, "x"), number(node, "y"));
            let (right, bottom) = (left + number(node, "width"), top + number(node, "height"));
            Shape { left, top, right, bottom, fill: node.attribute("fill").map(str::to_owned) }
        };
        let line = |node: Node<'_, '_>| {
            let pairs = node.attribute("points").unwrap().split_whitespace();
            let pair = |pair: &str| {
                let (x, y) = pair.split_once(',').unwrap();
                (x.parse().unwrap(), y.parse().unwrap())
            };
            Line { points: pairs.map(pair).collect(), stroke: node.attribute("stroke").unwrap().to_owned() }
        };
        assert!(
            root.descendants().all(|node| !node.has_attribute("style")),
            "the window's policy bans styles"
        );
        Picture {
            width: number(root, "width"),
            height: number(root, "height"),
            texts: all("text").map(text).collect(),
            shapes: all("rect").map(shape).collect(),
            lines: all("polyline").map(line).collect(),
        }
    }

    /// Panics, with the name of the picture, where two texts meet or something leaves the sheet.
    pub fn sound(&self, name: &str) {
        assert!(!self.shapes.is_empty() && !self.texts.is_empty(), "{name} is empty");
        for text in &self.texts {
            let across = text.left >= 0 && text.right <= self.width;
            let down = text.middle >= 6 && text.middle <= self.height - 6;
            assert!(across && down, "{name}: {text:?} leaves the sheet of {} x {}", self.width, self.height);
        }
        for (at, one) in self.texts.iter().enumerate() {
            for other in &self.texts[at + 1..] {
                let apart = (one.middle - other.middle).abs() >= 13;
                let beside = one.right <= other.left || other.right <= one.left;
                let empty = one.words.is_empty() || other.words.is_empty();
                assert!(apart || beside || empty, "{name}: {one:?} lies on {other:?}");
            }
        }
        for shape in &self.shapes {
            let sound = shape.right >= shape.left && shape.bottom >= shape.top;
            let inside =
                shape.left >= 0 && shape.top >= 0 && shape.right <= self.width && shape.bottom <= self.height;
            assert!(sound && inside, "{name}: {shape:?}");
        }
        for (x, y) in self.lines.iter().flat_map(|line| &line.points) {
            assert!(
                (0..=self.width).contains(x) && (0..=self.height).contains(y),
                "{name}: a line to {x},{y}"
            );
        }
    }
}
