//! The question in the engine's shape, and what a row narrows it to.

use super::*;

fn query(by: &[ReportGroup], from: Option<&str>, to: &str) -> ReportQuery {
    ReportQuery { from: from.map(str::to_owned), to: to.into(), by: by.to_vec(), ..ReportQuery::default() }
}

fn seconds(period: Period) -> [String; 2] {
    [period.start.to_string(), period.end.to_string()]
}

fn behind(by: &[ReportGroup], values: &[&str]) -> (Period, Filter) {
    let request = request(&query(by, Some("2026-02-10"), "2026-03-31")).unwrap();
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    narrowed(&request, &values, true).unwrap()
}

#[test]
fn both_ends_of_a_period_are_included() {
    let days = period(Some("2024-02-28"), "2024-02-29").unwrap();
    assert_eq!(seconds(days), ["2024-02-28 00:00:00", "2024-03-01 00:00:00"]);
    let times = period(Some("2026-03-10 08:00:00"), "2026-03-10 12:29:59").unwrap();
    assert_eq!(seconds(times), ["2026-03-10 08:00:00", "2026-03-10 12:30:00"]);
    assert_eq!(period(Some("2026-03-10 12:00:00"), "2026-03-10 11:59:59").unwrap_err().code, "invalid");
    for (from, to) in [("2026-03-02", "2026-03-01"), ("2026-02-29", "2026-03-01"), ("", "2026-03-01")] {
        assert_eq!(period(Some(from), to).unwrap_err().code, "invalid", "{from} {to}");
    }
}

#[test]
fn as_of_a_moment_is_its_day_until_then() {
    let moment = period(None, "2026-03-10 12:29:59").unwrap();
    assert_eq!(seconds(moment), ["2026-03-10 00:00:00", "2026-03-10 12:30:00"]);
    let day = period(None, "2026-03-10").unwrap();
    assert_eq!(seconds(day), ["2026-03-10 00:00:00", "2026-03-11 00:00:00"]);
}

#[test]
fn a_row_narrows_period_and_filter() {
    use ReportGroup::{Category, Company, Day, Month, Product, Warehouse, Week};
    let (period, filter) = behind(&[Product, Warehouse], &["P1", "W1"]);
    assert_eq!(seconds(period), ["2026-02-10 00:00:00", "2026-04-01 00:00:00"]);
    assert_eq!(filter.products, Some(vec![ProductId::stored("P1")]));
    assert_eq!(filter.warehouses, Some(vec![WarehouseId::stored("W1")]));
    let (period, filter) = behind(&[Month, Category, Company], &["2026-02", "", "C1"]);
    assert_eq!(seconds(period), ["2026-02-10 00:00:00", "2026-03-01 00:00:00"]);
    assert_eq!(filter.categories, Some(vec![String::new()]));
    assert_eq!(filter.companies, Some(vec![CompanyId::stored("C1")]));
    let (period, _) = behind(&[Week], &["2026-W09"]);
    assert_eq!(seconds(period), ["2026-02-23 00:00:00", "2026-03-02 00:00:00"]);
    let (period, _) = behind(&[Month, Day], &["2026-03", "2026-03-05"]);
    assert_eq!(seconds(period), ["2026-03-05 00:00:00", "2026-03-06 00:00:00"]);
    // The first week of the report began before it.
    let (period, _) = behind(&[Week], &["2026-W07"]);
    assert_eq!(seconds(period), ["2026-02-10 00:00:00", "2026-02-16 00:00:00"]);
}

#[test]
fn a_strange_row_is_refused() {
    let request = request(&query(&[ReportGroup::Week], Some("2026-02-10"), "2026-03-31")).unwrap();
    for values in [vec!["2026-W54".to_owned()], vec!["2026-W09".into(), "x".into()], vec!["2027-W01".into()]]
    {
        assert_eq!(narrowed(&request, &values, true).unwrap_err().code, "invalid", "{values:?}");
    }
    assert!(narrowed(&request, &[], true).is_ok());
}

#[test]
fn what_has_no_meaning_is_refused() {
    let twice = [ReportGroup::Day, ReportGroup::Day];
    assert_eq!(request(&query(&twice, Some("2026-02-10"), "2026-03-31")).unwrap_err().code, "invalid");
    let apart = [ReportGroup::Week, ReportGroup::Month];
    assert_eq!(request(&query(&apart, Some("2026-02-10"), "2026-03-31")).unwrap_err().code, "invalid");
}

#[test]
fn the_last_reports_are_held_and_one_export_runs() {
    let reports = Reports::default();
    let handles: Vec<u32> = (0..4).map(|_| reports.hold(vec![Group::Day], Vec::new())).collect();
    assert_eq!(reports.held(handles[0]).err().map(|failure| failure.code), Some("not_found".into()));
    assert!(handles[1..].iter().all(|handle| reports.held(*handle).is_ok()));
    let turn = reports.begin_export().unwrap();
    assert_eq!(reports.begin_export().err().map(|failure| failure.code), Some("locked".into()));
    assert!(!turn.cancelled().load(Ordering::Relaxed));
    reports.cancel();
    assert!(turn.cancelled().load(Ordering::Relaxed));
    drop(turn);
    assert!(!reports.begin_export().unwrap().cancelled().load(Ordering::Relaxed));
}
