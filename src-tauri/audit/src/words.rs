//! The outcome in the words of the owner's specification, by its sign rule.
//! They decide the log's text and whether a person must agree, never what is done to a value.

/// `STATE` of an audit's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Equal at its own cut.
    Normal,
    /// The stock has less than the ledger, or forgot entries: corrected at once.
    NrsMissing,
    /// The stock has more than the ledger, or both are equal with parts that disagree: a person agrees first.
    Doubled,
}

impl State {
    /// The specification's sign rule. `deviates`: a drift, or a source's sum that differs; `forgot`: acknowledged
    /// entries are gone.
    pub fn of(rrs: i64, nrs: i64, deviates: bool, forgot: bool) -> Self {
        match (deviates, forgot) {
            (false, false) => State::Normal,
            (false, true) => State::NrsMissing,
            (true, _) if nrs < rrs => State::NrsMissing,
            (true, _) => State::Doubled,
        }
    }

    /// `STATE` as the specification writes it.
    pub fn words(self) -> &'static str {
        match self {
            State::Normal => "正常无偏差",
            State::NrsMissing => "NRS缺失",
            State::Doubled => "RRS或NRS重复",
        }
    }

    /// The state of a stored word.
    pub fn of_words(words: &str) -> Option<Self> {
        [State::Normal, State::NrsMissing, State::Doubled].into_iter().find(|state| state.words() == words)
    }

    /// `DESCRIPTION` as the specification writes it.
    pub fn description(self) -> &'static str {
        match self {
            State::Normal => "一致无需处理",
            State::NrsMissing => "已用关系数据库数据进行校正",
            State::Doubled => "需要人工回放消息队列给予比对矫正",
        }
    }

    /// Whether an audit corrects it without asking.
    pub fn at_once(self) -> bool {
        self == State::NrsMissing
    }
}
