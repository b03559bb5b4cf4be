//! The words of the audit's log on paper and in workbooks, in both languages; the specification's own words (STATE,
//! FLAG, DESCRIPTION, RRS, NRS) stay as it writes them.

use audit::findings::{Action, CAUSES, Cause, Kind, Store, Trigger};
use audit::words::State;

/// Columns of the log, by which program they are meant for: the first names are a contract.
pub const FIELDS: [&str; 22] = [
    "audit_id",
    "time",
    "kind",
    "trigger",
    "who",
    "subject",
    "warehouse_id",
    "warehouse_name",
    "product_id",
    "product_name",
    "keys",
    "STATE",
    "FLAG",
    "DESCRIPTION",
    "RRS",
    "NRS",
    "difference",
    "cause",
    "store",
    "action",
    "before",
    "after",
];

/// One language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogWords {
    pub title: &'static str,
    pub titles: [&'static str; FIELDS.len()],
    /// What the lines were chosen by: text, who, days, cause, run.
    pub search: [&'static str; 5],
    pub any: &'static str,
    pub lines: &'static str,
    chinese: bool,
}

const ENGLISH: LogWords = LogWords {
    title: "Audit log",
    titles: [
        "Audit",
        "Time",
        "Kind",
        "Trigger",
        "Who",
        "Subject",
        "Warehouse",
        "Warehouse name",
        "Product",
        "Product name",
        "May concern",
        "STATE",
        "FLAG",
        "DESCRIPTION",
        "RRS",
        "NRS",
        "Difference",
        "Cause",
        "Store",
        "Action",
        "Before",
        "After",
    ],
    search: ["Text", "Who", "Days", "Cause", "Audit"],
    any: "Whole log",
    lines: "Lines",
    chinese: false,
};

const CHINESE: LogWords = LogWords {
    title: "审计日志",
    titles: [
        "审计编号",
        "时间",
        "类型",
        "触发方式",
        "执行人",
        "对象",
        "仓库",
        "仓库名称",
        "产品",
        "产品名称",
        "可能涉及",
        "STATE",
        "FLAG",
        "DESCRIPTION",
        "RRS",
        "NRS",
        "差额",
        "原因",
        "数据源",
        "处理",
        "处理前",
        "处理后",
    ],
    search: ["文字", "执行人", "日期", "原因", "审计编号"],
    any: "全部日志",
    lines: "筛选",
    chinese: true,
};

/// A cause's English and Chinese words, in the order of all causes.
const CAUSE: [(&str, &str); CAUSES.len()] = [
    ("The stock lost entries", "库存丢失记录"),
    ("The stock counted entries twice", "库存重复计入"),
    ("The stock was edited by hand", "库存被人工改动"),
    ("The stock's value is damaged", "库存值已损坏"),
    ("The ledger knows no such balance", "账本中没有该库存项"),
    ("A row of the ledger is missing", "账本缺少一行"),
    ("A row of the ledger stands twice", "账本有一行重复"),
    ("A row of the ledger was changed", "账本有一行被改动"),
    ("A row of the ledger stands for no message", "账本有一行无对应消息"),
    ("Day totals are not the sum of their rows", "日合计与明细不符"),
    ("The ledger's balance is not the sum of its rows", "账本余额与明细不符"),
    ("A source's sums are not those of its rows", "来源合计与明细不符"),
    ("A table of the ledger is missing", "账本缺少一张表"),
    ("An entry was judged otherwise when read again", "重读队列时判定改变"),
    ("Two rows carry one entry id", "两行使用同一记录编号"),
];

impl LogWords {
    /// The words of a language tag; English where it is not known.
    pub fn of(language: &str) -> Self {
        if language.starts_with("zh") { CHINESE } else { ENGLISH }
    }

    fn word(&self, (english, chinese): (&'static str, &'static str)) -> &'static str {
        if self.chinese { chinese } else { english }
    }

    pub fn kind(&self, kind: Kind) -> &'static str {
        self.word(match kind {
            Kind::Quick => ("Quick", "快速审计"),
            Kind::Full => ("Full", "全面审计"),
            Kind::Replay => ("Replay", "回放"),
        })
    }

    pub fn trigger(&self, trigger: Trigger) -> &'static str {
        self.word(match trigger {
            Trigger::Click => ("Clicked", "点击"),
            Trigger::Command => ("Command line", "命令行"),
            Trigger::Time => ("Scheduled", "定时"),
        })
    }

    pub fn cause(&self, cause: Cause) -> &'static str {
        let at = CAUSES.iter().position(|other| *other == cause);
        at.map_or(cause.name(), |at| self.word(CAUSE[at]))
    }

    pub fn store(&self, store: Store) -> &'static str {
        self.word(match store {
            Store::Stock => ("Stock", "库存"),
            Store::Ledger => ("Ledger", "账本"),
        })
    }

    pub fn action(&self, action: Action) -> &'static str {
        self.word(match action {
            Action::Corrected => ("Corrected", "已校正"),
            Action::Proposed => ("Proposed", "待同意"),
            Action::None => ("Look at it", "需人工查看"),
        })
    }

    /// STATE as the specification writes it, in English with what it means.
    pub fn state(&self, state: State) -> String {
        let english = match state {
            State::Normal => "Normal",
            State::NrsMissing => "NRS missing",
            State::Doubled => "RRS or NRS doubled",
        };
        if self.chinese { state.words().to_owned() } else { format!("{} · {english}", state.words()) }
    }
}
