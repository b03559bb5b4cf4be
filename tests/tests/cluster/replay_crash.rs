//! Row 35 of the fault matrix for the replay: killed at every step of its repair, it is simply run again. Nothing is
//! lost, nothing is done twice, and a point that is not reached fails the test.

use std::time::Duration;

use tests::corrupt::{PLANTS, Victims};
use tests::daemon::finish;
use tests::feed::{self, Shape};
use tests::points;
use tests::site::Site;

const PATIENCE: Duration = Duration::from_secs(120);

fn killed_at_every_step(cluster: bool) {
    let points: Vec<String> =
        points::listed().into_iter().filter(|point| point.starts_with("replay.")).collect();
    assert!(points.len() > 10, "{points:?}");
    let site = if cluster { Site::cluster("replaycrash") } else { Site::standalone() };
    site.init();
    let shape = Shape { products: 30, warehouses: 4, days: 3, ..Shape::default() };
    let entries = feed::entries(35, 1_200, &shape);
    match &site.cluster {
        Some(cluster) => {
            let mut values: Vec<tests::kafka::Value> =
                entries.iter().map(|entry| (None, None, entry.json().into_bytes())).collect();
            values.extend((0..20).map(|_| (None, None, b"poison".to_vec())));
            cluster.topic.produce(&values);
        }
        None => {
            site.send(&feed::lines(&entries), 0);
            site.put_raw(&vec![b"poison".to_vec(); 20]);
        }
    }
    site.count_all();
    for point in &points {
        let mut victims = Victims::of(&site);
        PLANTS.iter().for_each(|plant| drop(victims.plant(&site, *plant)));
        let mut command = site.daemon.command(&["replay", "--apply", "--json"]);
        command.env("TWINSTOCK_CRASH", point);
        let died = finish(command, b"", PATIENCE);
        assert_eq!(died.code, None, "{point} is never reached: {} {}", died.stdout, died.stderr);
        assert!(died.stderr.contains(point.as_str()), "{point}: {}", died.stderr);
        site.daemon.call(&["replay", "--apply", "--json"], "").expect(0);
        site.must_be_right();
        let clean = site.daemon.call(&["replay", "--json"], "").expect(0).json();
        assert_eq!(clean["findings"], serde_json::json!([]), "{point}");
    }
}

#[test]
fn row_35_killed_at_every_step_of_a_replay_standalone() {
    killed_at_every_step(false);
}

#[test]
fn row_35_killed_at_every_step_of_a_replay_cluster() {
    killed_at_every_step(true);
}
