//! The one command table: registration, argument checking and the UI's TypeScript all come from it.
//! Commands only translate between the engine and `api`; they decide nothing.
//!
//! A line reads `room::name(arguments) [feeds Message] -> answer;`. Every command may fail with `Failure`.
//! `feeds` adds a last argument `feed: Channel<Message>` that Rust pushes to.

mod app;
mod audit;
mod bills;
mod catalog;
mod replay;
mod reports;
mod stock;
mod table;

table::commands! {
    // Status bar. `status_watch` sends the status at once and then when it changed, at most once a second.
    app::status() -> Status;
    app::status_watch() feeds Status -> ();
    // Settings. Preferences act at once; connections are written to config.ini and act after engine_restart.
    app::settings_get() -> Settings;
    app::preferences_set(preferences: Preferences) -> ();
    app::connections_set(connections: Connections) -> Settings;
    app::connections_test(connections: Connections) -> Vec<TestResult>;
    app::engine_restart() -> Status;
    // Sample data; the answer comes at the end, progress by the feed. Refused unless `Status.empty`.
    app::demo_fill() feeds DemoProgress -> DemoProgress;
    // What the desktop itself does: a notification beside the window, the page on paper.
    app::notify(title: String, text: String) -> ();
    app::print_page() -> ();

    // Catalogue. Search ranks exact code and barcode first, then prefixes, then parts of name and pinyin.
    catalog::catalog_search(kind: CatalogKind, text: String, limit: u32) -> Vec<CatalogItem>;
    catalog::catalog_get(kind: CatalogKind, id: String) -> Option<CatalogItem>;
    catalog::catalog_save(item: CatalogDraft) -> CatalogItem;
    catalog::catalog_scan(code: String) -> ScanHit;

    // Drafts: save on every change (it is durable when the answer comes), all of them come back at start.
    bills::draft_save(draft: Draft) -> SavedDraft;
    bills::draft_list() -> Vec<SavedDraft>;
    bills::draft_delete(draft_id: String) -> ();
    // A free bill number for the kind, such as IN-20261123-0007.
    bills::bill_number(kind: BillKind) -> String;

    // Posted bills. `bill_watch` sends the whole bill now and at every change of a line's state, until it is in
    // stock or rejected; answers when it has begun.
    bills::bill_post(draft: Draft) -> PostResult;
    bills::bill_search(query: BillQuery) -> BillPage;
    bills::bill_get(bill_id: String) -> Bill;
    bills::bill_watch(bill_id: String) feeds Bill -> ();
    bills::bill_reverse(bill_id: String) -> Reversed;
    bills::bill_copy(bill_id: String) -> Draft;
    bills::rejected_list(limit: u32) -> Vec<RejectedEntry>;
    // `entry` is the corrected ioentry as JSON text.
    bills::rejected_resubmit(source: String, offset: i64, entry: String) -> PostResult;
    // Text pasted from a spreadsheet (tabs) or a CSV: product, quantity, description; a heading is recognised.
    bills::import_lines(text: String) -> Imported;

    // Stock. open -> window(0,40) -> patches come, ack each. query and apply make the order anew: then ask the
    // window again. `stock_hidden(true)` stops the feed until false, which then sends a resync.
    stock::stock_open(query: StockQuery) feeds StockPatch -> StockOpened;
    stock::stock_query(view: u32, query: StockQuery) -> StockWindow;
    stock::stock_window(view: u32, start: u32, end: u32) -> StockWindow;
    stock::stock_apply(view: u32) -> StockWindow;
    stock::stock_ack(view: u32, seq: u64) -> ();
    stock::stock_hidden(view: u32, hidden: bool) -> ();
    stock::stock_close(view: u32) -> ();
    // Live quantities for the lines of a bill; poll every 500 ms while it is open.
    stock::stock_of(keys: Vec<KeyOf>) -> Vec<QuantityOf>;
    stock::stock_card(warehouse_id: String, product_id: String, before: Option<String>, limit: u32) -> CardPage;
    // Every row that matches; null path = ask with a save dialog.
    stock::stock_export_csv(query: StockQuery, path: Option<String>) -> Exported;

    // Audit. `audit_start` answers when the run is over, whoever looks meanwhile; `audit_cancel` ends it, and a
    // replay, early. What was found stands in the log: `audit_lines` of the run.
    audit::audit_overview() -> AuditOverview;
    audit::audit_start(full: bool, correct_storm: bool) feeds AuditProgress -> AuditRun;
    audit::audit_cancel() -> ();
    audit::audit_runs(query: AuditRunQuery) -> Vec<AuditRun>;
    audit::audit_lines(search: AuditSearch, limit: u32) -> Vec<AuditLine>;
    audit::audit_review(id: i64, reviewed: bool) -> ();
    // Every line that fits; null path = ask with a save dialog.
    audit::audit_export(search: AuditSearch, form: AuditForm, language: String, path: Option<String>) -> Exported;
    // Replay: with `apply` false it only looks; `audit_cancel` ends it.
    replay::replay_start(query: ReplayQuery) feeds AuditProgress -> ReplayResult;

    // Reports. open -> rows(0,60): the rows stay in Rust, the last few reports of them. `group`: the values of one row,
    // in the order of `query.by`; empty = the whole report.
    reports::report_choices() -> ReportChoices;
    reports::report_open(query: ReportQuery) -> ReportOpened;
    reports::report_version(query: ReportQuery) -> String;
    reports::report_rows(report: u32, start: u32, end: u32) -> Vec<ReportRow>;
    reports::report_entries(query: ReportQuery, group: Vec<String>, after: Option<String>, limit: u32) -> ReportEntries;
    reports::report_movers(query: ReportQuery, slowest: bool, limit: u32) -> ReportMovers;
    reports::report_alerts(query: ReportQuery, limit: u32) -> ReportAlerts;
    reports::report_chart(query: ReportQuery, group: Vec<String>, chart: ReportChartKind, look: ReportLook) -> ReportChart;
    // Files; null path = ask with a save dialog. `report_cancel` ends the export that is under way.
    reports::report_chart_export(query: ReportQuery, group: Vec<String>, chart: ReportChartKind, look: ReportLook, format: ReportPicture, path: Option<String>) -> Exported;
    reports::report_export(query: ReportQuery, format: ReportFile, language: String, path: Option<String>) feeds ReportProgress -> Exported;
    reports::report_cancel() -> ();
}

#[cfg(test)]
mod tests {
    /// Writes the table where ts-rs writes the types; `cargo xtask bindings` runs it.
    #[test]
    fn export_bindings_commands() {
        let folder = std::env::var("TS_RS_EXPORT_DIR").unwrap_or_else(|_| "./bindings".into());
        std::fs::create_dir_all(&folder).unwrap();
        let path = std::path::Path::new(&folder).join("Commands.ts");
        std::fs::write(path, super::table::file(&super::typescript())).unwrap();
    }
}
