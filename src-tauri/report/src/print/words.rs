//! The words of printed paper in both languages.

/// One language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// Language tag.
    pub tag: &'static str,
    /// Above a report.
    pub report: &'static str,
    /// What a report is about: period, warehouses, products, companies, categories, groups, when it was made.
    pub period: &'static str,
    pub warehouses: &'static str,
    pub products: &'static str,
    pub companies: &'static str,
    pub categories: &'static str,
    pub groups: &'static str,
    pub made: &'static str,
    /// No filter; no groups.
    pub all: &'static str,
    pub none: &'static str,
    /// Above the chart.
    pub days: &'static str,
    /// In place of a table without rows.
    pub nothing: &'static str,
    /// Between two moments; between two names.
    until: &'static str,
    pub comma: &'static str,
}

const ENGLISH: Words = Words {
    tag: "en",
    report: "Inventory report",
    period: "Period",
    warehouses: "Warehouses",
    products: "Products",
    companies: "Companies",
    categories: "Categories",
    groups: "Grouped by",
    made: "Made at",
    all: "All",
    none: "Not grouped",
    days: "Per day",
    nothing: "Nothing to show.",
    until: " – ",
    comma: ", ",
};

const CHINESE: Words = Words {
    tag: "zh-CN",
    report: "库存时段报表",
    period: "时段",
    warehouses: "仓库",
    products: "产品",
    companies: "往来单位",
    categories: "类别",
    groups: "分组",
    made: "制表时间",
    all: "全部",
    none: "不分组",
    days: "每日进出",
    nothing: "没有可显示的数据。",
    until: " 至 ",
    comma: "、",
};

impl Words {
    /// The words of a language tag; English where it is not known.
    pub fn of(language: &str) -> Self {
        if language.starts_with("zh") { CHINESE } else { ENGLISH }
    }

    fn chinese(&self) -> bool {
        self.tag == CHINESE.tag
    }

    /// From a moment to another.
    pub fn between(&self, from: &str, to: &str) -> String {
        if from == to { from.to_owned() } else { format!("{from}{}{to}", self.until) }
    }

    /// Names that are not listed any more.
    pub fn more(&self, count: usize) -> String {
        if self.chinese() { format!("等，另有 {count} 项") } else { format!("and {count} more") }
    }

    /// At the foot of a page.
    pub fn page(&self, number: usize, of: usize) -> String {
        if self.chinese() {
            format!("第 {number} 页，共 {of} 页")
        } else {
            format!("Page {number} of {of}")
        }
    }
}
