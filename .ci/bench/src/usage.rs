//! What programs cost: CPU time and memory from /proc, and how much of the machine others used meanwhile.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// Ticks of a second in /proc (USER_HZ; the kernel's interface fixes it).
const HZ: f64 = 100.0;

/// CPU seconds of a process with all its threads; `None` when it is gone.
pub fn cpu(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    cpu_of(&stat)
}

/// Fields 14 and 15 of /proc/PID/stat. The name in field 2 may hold blanks and parentheses.
fn cpu_of(stat: &str) -> Option<f64> {
    let after = stat.rsplit_once(')')?.1;
    let mut fields = after.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / HZ)
}

/// A line of /proc/PID/status in megabytes: `VmRSS` now, `VmHWM` at its highest.
pub fn memory(pid: u32, line: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kb = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    kb.trim().trim_end_matches(" kB").trim().parse::<f64>().ok().map(|kb| kb / 1024.0)
}

/// Seconds in which the machine's cores were at work, all together.
fn busy() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat (the bench needs Linux)")?;
    busy_of(&stat).context("/proc/stat is not what it was")
}

/// User, nice, system, irq and softirq and steal; idle and waiting for a disk are no work.
fn busy_of(stat: &str) -> Option<f64> {
    let first = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = first.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    let work = [0, 1, 2, 5, 6, 7].iter().map(|at| ticks.get(*at).copied().unwrap_or(0.0)).sum::<f64>();
    Some(work / HZ)
}

/// Cores of this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Looks at processes at the start and at the end of a measurement.
pub struct Watch {
    begun: Instant,
    busy: f64,
    processes: Vec<(String, u32, f64)>,
}

/// What a measurement cost.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    pub seconds: f64,
    /// CPU seconds by process.
    pub cpu: Vec<(String, f64)>,
    /// Share of the machine that everything else used, in percent.
    pub others: f64,
}

impl Watch {
    /// Begins to watch; this process is watched always.
    pub fn start(processes: &[(&str, u32)]) -> Result<Watch> {
        let own = [("bench", std::process::id())];
        let all = processes.iter().chain(&own);
        let processes = all.map(|(name, pid)| ((*name).to_owned(), *pid, cpu(*pid).unwrap_or(0.0))).collect();
        Ok(Watch { begun: Instant::now(), busy: busy()?, processes })
    }

    /// Adds a process that began within the measurement: all its time counts.
    pub fn add(&mut self, name: &str, pid: u32) {
        self.processes.push((name.to_owned(), pid, 0.0));
    }

    /// The cost up to now. A process must still be there to be counted.
    pub fn usage(&self) -> Result<Usage> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let now = |(name, pid, before): &(String, u32, f64)| {
            (name.clone(), cpu(*pid).map_or(0.0, |cpu| (cpu - before).max(0.0)))
        };
        let cpu: Vec<(String, f64)> = self.processes.iter().map(now).collect();
        let ours: f64 = cpu.iter().map(|(_, seconds)| seconds).sum();
        let all = seconds * cores() as f64;
        let others = ((busy()? - self.busy - ours) / all * 100.0).clamp(0.0, 100.0);
        Ok(Usage { seconds, cpu, others })
    }
}

impl Usage {
    /// CPU of one process per entry, in microseconds.
    pub fn per_entry(&self, name: &str, entries: f64) -> Option<f64> {
        let seconds = self.cpu.iter().find(|(process, _)| process == name)?.1;
        Some(seconds / entries * 1e6)
    }

    /// For the results' file.
    pub fn json(&self, entries: f64) -> Value {
        let each = self.cpu.iter().map(|(name, s)| (name.clone(), json!(round(s / entries * 1e6, 2))));
        json!({
            "seconds": round(self.seconds, 3),
            "cpu_us_per_entry": each.collect::<Map<String, Value>>(),
            "others_percent": round(self.others, 1),
        })
    }
}

/// Rounded to so many digits after the point.
pub fn round(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

/// Waits until the servers rest: what one measurement left to them (pages, logs, tables to drop) is not to be paid
/// by the next. Gives up after a while, for MariaDB may flush for minutes.
pub fn settle(processes: &[(&'static str, u32)]) {
    let sum = || processes.iter().filter_map(|(_, pid)| cpu(*pid)).sum::<f64>();
    let begun = Instant::now();
    let mut quiet = 0;
    while quiet < 2 && begun.elapsed().as_secs() < 15 {
        let before = sum();
        std::thread::sleep(std::time::Duration::from_millis(250));
        // Two ticks in a quarter of a second: less than a tenth of one core.
        quiet = if sum() - before < 0.025 { quiet + 1 } else { 0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_moves_no_field() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 10 20 30 40 250 50 7 8 20 0 3 0 99 1 2";
        assert_eq!(cpu_of(stat), Some(3.0));
        assert_eq!(cpu_of("nonsense"), None);
    }

    #[test]
    fn waiting_is_no_work() {
        let stat = "cpu  100 10 50 9000 800 5 15 20 77 0\ncpu0 1 1 1 1\n";
        assert_eq!(busy_of(stat), Some(2.0));
    }

    #[test]
    fn this_process_has_memory() {
        let pid = std::process::id();
        let (now, most) = (memory(pid, "VmRSS"), memory(pid, "VmHWM"));
        assert!(now.is_some_and(|now| now > 1.0) && most >= now.map(|now| now * 0.9));
        assert_eq!(memory(pid, "VmNothing"), None);
    }

    #[test]
    fn cost_is_told_by_entry() {
        let usage = Usage { seconds: 2.0, cpu: vec![("mariadb".into(), 1.5)], others: 3.0 };
        assert_eq!(usage.per_entry("mariadb", 1e6), Some(1.5));
        assert_eq!(usage.per_entry("nobody", 1e6), None);
        assert_eq!(usage.json(1e6)["cpu_us_per_entry"]["mariadb"], 1.5);
    }
}
