//! Chance with a seed, and the mutations that every kind of input shares.

pub struct Dice(u64);

impl Dice {
    /// The dice of one input.
    pub fn new(seed: u64, number: u64) -> Self {
        let mut dice = Dice(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `sides` − 1.
    pub fn roll(&mut self, sides: usize) -> usize {
        (self.next() % sides.max(1) as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }

    /// A number near something that matters, as text.
    pub fn number(&mut self) -> String {
        let edges = [0, 1, 255, 512, i64::from(i32::MAX), 1 << 49, (1 << 53) - 1, i64::MAX];
        let near = (edges[self.roll(edges.len())]).saturating_add(self.roll(5) as i64 - 2);
        match self.roll(10) {
            0 => (-i128::from(near)).to_string(),
            1 => format!("{near}.0"),
            2 => format!("{near}e{}", self.roll(4)),
            3 => format!("0{near}"),
            4 => format!("\"{near}\""),
            5 => "9".repeat(1 + self.roll(40)),
            6 => self
                .pick(&["-0", "-", "+1", "NaN", "Infinity", "0x1f", "1_000", "５", "1 2", "00", "1.", ".5"])
                .into(),
            _ => near.to_string(),
        }
    }

    /// Text with what is dangerous in it: blanks, controls, wide characters, quotes, lengths at the limits.
    pub fn text(&mut self) -> String {
        let parts = [
            "a",
            "W001",
            "苹果",
            "é",
            "e\u{301}",
            "\u{1f600}",
            " ",
            "\t",
            "\n",
            "\r",
            "\u{0}",
            "\u{7f}",
            "\u{85}",
            "\u{a0}",
            "\u{3000}",
            "\u{200b}",
            "\u{feff}",
            ":",
            ",",
            "\"",
            "\\",
            "'",
            "#",
            ";",
            "=",
            "[",
            "]",
            "/",
        ];
        match self.roll(12) {
            0 => self.pick(&parts[1..4]).repeat(self.pick(&[&63, &64, &127, &255, &256]).to_owned()),
            1 => "x".repeat([254, 255, 256, 511, 512, 513][self.roll(6)]),
            2 => String::new(),
            _ => {
                let length = 1 + self.roll(6);
                (0..length).map(|_| if self.once_in(3) { self.pick(&parts) } else { "b" }).collect()
            }
        }
    }

    /// Breaks bytes in some places: cut, doubled, swapped, overwritten, a token of `words` put in.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>, words: &[&str]) {
        for _ in 0..1 + self.roll(3) {
            let at = self.roll(bytes.len() + 1);
            let to = (at + self.roll(9)).min(bytes.len());
            match self.roll(7) {
                0 => drop(bytes.drain(at..to)),
                1 => {
                    let again: Vec<u8> = bytes[at..to].to_vec();
                    bytes.splice(to..to, again);
                }
                2 => bytes.truncate(at),
                3 => bytes[at..to].reverse(),
                4 => {
                    let byte = self.roll(256) as u8;
                    bytes[at..to].iter_mut().take(1).for_each(|old| *old = byte);
                }
                _ => {
                    let word = self.pick(words).as_bytes().to_vec();
                    let end = if self.once_in(2) { at } else { to };
                    bytes.splice(at..end, word);
                }
            }
        }
    }

    /// Bytes without any form.
    pub fn noise(&mut self) -> Vec<u8> {
        (0..self.roll(60)).map(|_| self.roll(256) as u8).collect()
    }
}
