//! What this machine lacks: found, and installed where apt-get may do it; elsewhere the exact command is named.
//! Never asks a question, never touches anything but packages and the target folder.
use crate::place::Place;
use crate::sh;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// What is about to be done: building needs less than testing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    Building,
    Testing,
}

/// A Debian package, and the program that stands for it wherever that comes from. Without one (libraries,
/// fonts) the package itself must be installed.
struct Need {
    package: &'static str,
    program: Option<&'static str>,
    testing: bool,
}

const fn program(package: &'static str, program: &'static str, testing: bool) -> Need {
    Need { package, program: Some(program), testing }
}

const fn library(package: &'static str, testing: bool) -> Need {
    Need { package, program: None, testing }
}

const NEEDS: &[Need] = &[
    program("build-essential", "c++", false),
    program("cmake", "cmake", false),
    program("pkg-config", "pkg-config", false),
    library("libwebkit2gtk-4.1-dev", false),
    library("libayatana-appindicator3-dev", false),
    library("librsvg2-dev", false),
    library("libxdo-dev", false),
    library("libssl-dev", false),
    library("libsasl2-dev", false),
    library("libcurl4-openssl-dev", false),
    // Without a font that has Chinese characters half of the app would be boxes.
    library("fonts-noto-cjk", false),
    program("xvfb", "xvfb-run", true),
    program("xauth", "xauth", true),
    program("webkit2gtk-driver", "WebKitWebDriver", true),
    program("dbus-x11", "dbus-launch", true),
    // Types into the system's own dialogs, which no WebDriver reaches.
    program("xdotool", "xdotool", true),
    program("mariadb-server", "mariadbd", true),
    // Takes the waits for the disk out of the tests: see `careless.rs`.
    library("eatmydata", true),
    program("redis-server", "redis-server", true),
    program("default-jre-headless", "java", true),
    program("maven", "mvn", true),
    // A font without Chinese characters, for the test of a machine that has no other.
    library("fonts-dejavu-core", true),
    library("python3-venv", true),
    // MySQL and Valkey for the second pass; elsewhere the machine's own are used.
    library("debootstrap", true),
    library("debian-archive-keyring", true),
];

/// Finds and installs what is missing, and a Node that is new enough.
pub fn prepare(place: &Place, what: For) -> Result<()> {
    let debian = sh::which("dpkg-query").is_some() && sh::which("apt-get").is_some();
    let missing = missing(debian, what);
    if !missing.is_empty() {
        if debian {
            apt(place, &missing)?;
        } else {
            bail!("{}", elsewhere(&missing));
        }
    }
    node(place, debian)
}

fn missing(debian: bool, what: For) -> Vec<&'static Need> {
    let wanted = NEEDS.iter().filter(|need| what == For::Testing || !need.testing);
    wanted
        .filter(|need| match need.program {
            Some(program) => sh::which(program).is_none(),
            None if debian => !debian_has(need.package),
            None => !library_elsewhere(need.package),
        })
        .collect()
}

fn debian_has(package: &str) -> bool {
    let asked = Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]).output();
    asked.is_ok_and(|out| out.stdout == b"installed")
}

/// Without dpkg only the one library is looked for that no machine has by chance; macOS needs none of them.
fn library_elsewhere(package: &str) -> bool {
    if !cfg!(target_os = "linux") || package != "libwebkit2gtk-4.1-dev" {
        return true;
    }
    let asked = Command::new("pkg-config").args(["--exists", "webkit2gtk-4.1"]).status();
    asked.is_ok_and(|status| status.success())
}

fn apt(place: &Place, missing: &[&Need]) -> Result<()> {
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    eprintln!("installing: {}", packages.join(" "));
    let root = sh::output(sh::command("id", &place.root).arg("-u"))?.trim() == "0";
    let by_hand = format!("sudo apt-get update && sudo apt-get install -y {}", packages.join(" "));
    if !root && sh::which("sudo").is_none() {
        bail!("these packages are missing and sudo is not there to install them. As root:\n  {by_hand}");
    }
    let apt_get = |args: &[&str]| {
        // Without standard input sudo could ask nothing; with a terminal it may ask for the password there.
        let mut command = sh::command(if root { "env" } else { "sudo" }, &place.root);
        if root {
            command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get");
        } else {
            let quiet: &[&str] = if std::env::var_os("CI").is_some() { &["-n"] } else { &[] };
            command.args(quiet).args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        sh::run(command.args(args))
    };
    let install = [&["install", "-y", "-q", "--no-install-recommends"][..], &packages].concat();
    // Package lists may be old or absent; an update that fails in part is no reason to stop.
    if let Err(error) = apt_get(&["update", "-q"]) {
        eprintln!("{error:#}");
    }
    apt_get(&install).with_context(|| format!("packages are missing; install them by hand:\n  {by_hand}"))
}

fn elsewhere(missing: &[&Need]) -> String {
    let names: Vec<&str> = missing.iter().map(|need| need.program.unwrap_or(need.package)).collect();
    let manager = [
        (
            "dnf",
            "sudo dnf install gcc-c++ cmake pkgconf webkit2gtk4.1-devel libappindicator-gtk3-devel \
             librsvg2-devel libxdo-devel openssl-devel cyrus-sasl-devel libcurl-devel xorg-x11-server-Xvfb \
             dbus-x11 xdotool google-noto-sans-cjk-fonts dejavu-sans-fonts mariadb-server redis java-21-openjdk-headless maven python3",
        ),
        (
            "pacman",
            "sudo pacman -S base-devel cmake webkit2gtk-4.1 libayatana-appindicator librsvg xdotool openssl \
             libsasl curl xorg-server-xvfb noto-fonts-cjk ttf-dejavu mariadb redis jre-openjdk-headless maven python",
        ),
        ("brew", "brew install cmake pkg-config mariadb redis openjdk maven python3"),
    ];
    let command = manager.iter().find(|(name, _)| sh::which(name).is_some()).map(|(_, line)| *line);
    let how = command.map(|line| format!("\nInstall it with:\n  {line}")).unwrap_or_default();
    format!("this machine lacks: {}.{how}", names.join(", "))
}

/// Node 20.19 or later, from the machine or, where that one is too old, from npm into the target folder.
fn node(place: &Place, debian: bool) -> Result<()> {
    if new_enough(&place.node_path("node")) {
        return Ok(());
    }
    if sh::which("npm").is_none() && debian {
        apt(place, &[&library("nodejs", false), &library("npm", false)])?;
        if new_enough(Path::new("node")) {
            return Ok(());
        }
    }
    let npm = sh::which("npm").context("npm is missing: install Node.js 22 from https://nodejs.org")?;
    let home = place.tools().join("node");
    std::fs::create_dir_all(&home)?;
    eprintln!("this machine's Node.js is older than 20.19: fetching Node.js 22 into {}", home.display());
    sh::run(
        sh::command(npm, &home)
            .args(["install", "--no-save", "--no-audit", "--no-fund", "node@22", "npm@10", "--prefix"])
            .arg(&home),
    )?;
    if !new_enough(&place.node_path("node")) {
        bail!("Node.js 20.19 or later is needed: install Node.js 22 from https://nodejs.org");
    }
    Ok(())
}

fn new_enough(node: &Path) -> bool {
    let said = Command::new(node).arg("--version").output();
    said.is_ok_and(|out| version(&String::from_utf8_lossy(&out.stdout)).is_some_and(|v| v >= (20, 19)))
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #[test]
    fn node_versions_compare_by_number() {
        assert_eq!(super::version("v20.19.4\n"), Some((20, 19)));
        assert!(super::version("v22.3.0") > super::version("v20.19.0"));
        assert_eq!(super::version("command not found"), None);
    }
}
