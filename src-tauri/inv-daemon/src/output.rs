//! Words and exit codes on the terminal.

use std::process::ExitCode;

use inventory::domain::error::{Code, Error};
use inventory::domain::words::Words;

/// Prints an error and gives its exit code.
pub fn failed(error: &Error) -> ExitCode {
    eprintln!("inv-daemon: {error}");
    ExitCode::from(match error.code {
        Code::Unreachable | Code::Full => 3,
        Code::Corrupt | Code::Fenced | Code::Retry => 1,
        _ => 2,
    })
}

/// Prints a value as JSON on one line.
pub fn json(value: &impl serde::Serialize) -> inventory::domain::error::Result<()> {
    let text =
        serde_json::to_string(value).map_err(|error| Error::new(Code::Internal, Words::plain(error)))?;
    line(&text)
}

/// Prints a line; a reader that has gone away ends the program quietly with success, as other tools do.
pub fn line(text: &str) -> inventory::domain::error::Result<()> {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Error::new(Code::Full, Words::plain(format!("cannot write the output: {error}")))),
    }
}

/// Pads columns to their widest cell. Numbers (columns named in `right`) stand to the right.
pub fn table(header: &[&str], rows: &[Vec<String>], right: &[usize]) -> inventory::domain::error::Result<()> {
    let wide = |text: &str| text.chars().map(|c| if c as u32 >= 0x1100 { 2 } else { 1 }).sum::<usize>();
    let mut widths: Vec<usize> = header.iter().map(|name| wide(name)).collect();
    for row in rows {
        for (at, cell) in row.iter().enumerate() {
            widths[at] = widths[at].max(wide(cell));
        }
    }
    let print = |cells: Vec<&str>| {
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let gap = " ".repeat(widths[at] - wide(cell));
            let last = at + 1 == cells.len();
            match (right.contains(&at), last) {
                (true, _) => text.push_str(&format!("{gap}{cell}")),
                (false, true) => text.push_str(cell),
                (false, false) => text.push_str(&format!("{cell}{gap}")),
            }
            if !last {
                text.push_str("  ");
            }
        }
        line(&text)
    };
    print(header.to_vec())?;
    rows.iter().try_for_each(|row| print(row.iter().map(String::as_str).collect()))
}
