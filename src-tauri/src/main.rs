//! Twinstock's desktop shell: reads the command line, opens the window and the engine, and joins the two. The
//! window always opens; where the engine cannot, it says why in words.

mod api;
mod auditing;
mod bills;
mod clock;
mod commands;
mod connections;
mod cursor;
mod demo;
mod drafts;
mod export;
mod import;
mod live;
mod names;
mod post;
mod preferences;
mod reporting;
mod state;
mod status;
mod webkit;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use tauri::{Manager, RunEvent};

use state::{App, Start};

/// Real-time warehouse inventory: bills in and out, counted exactly once in a ledger and in a live stock.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Configuration file; else ./config.ini, else the platform's config folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder (outbox, standalone stores, preferences); stands above the configuration's
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Fill an empty warehouse with sample data: 12 warehouses, 400 products, 90 days of bills
    #[arg(long)]
    demo: bool,
}

fn main() -> anyhow::Result<()> {
    webkit::prepare();
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("TWINSTOCK_LOG").unwrap_or_else(|_| "warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let plain = cli.config.is_none() && cli.data_dir.is_none();
    let app = App::new(Start { config: cli.config, data_dir: cli.data_dir, demo: cli.demo });
    let mut builder = tauri::Builder::default();
    // A second plain start shows the first one's window. One with its own folder is another warehouse: the lock
    // on the folder keeps two programs apart there.
    if plain {
        builder = builder.plugin(tauri_plugin_single_instance::init(|handle, _, _| {
            if let Some(window) = handle.get_webview_window("main") {
                let _ = window.unminimize();
                let _ = window.set_focus();
            }
        }));
    }
    let started = Arc::clone(&app);
    let window = builder
        .plugin(tauri_plugin_window_state::Builder::default().build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .manage(Arc::clone(&app))
        .invoke_handler(commands::handler())
        .setup(move |handle| {
            if let Some(window) = handle.get_webview_window("main") {
                let _ = started.window.set(window);
            }
            start(&started, handle.handle().clone());
            Ok(())
        })
        .build(tauri::generate_context!())?;
    window.run(move |handle, event| {
        if let RunEvent::ExitRequested { code: None, api, .. } = event {
            // Drains first; whatever was accepted is durable already, this only saves work at the next start.
            api.prevent_exit();
            let (app, handle) = (Arc::clone(&app), handle.clone());
            tauri::async_runtime::spawn(async move {
                app.close().await;
                handle.exit(0);
            });
        }
    });
    Ok(())
}

/// What runs beside the window from the start.
fn start(app: &Arc<App>, handle: tauri::AppHandle) {
    let told = app.status.clone();
    tauri::async_runtime::spawn(status::run(Arc::clone(app), told));
    let app = Arc::clone(app);
    tauri::async_runtime::spawn(async move {
        app.open().await;
        if app.start.demo
            && let Err(failure) = demo::fill(&app, |_| {}).await
        {
            tracing::warn!(code = failure.code, "no sample data: {}", failure.message.english);
        }
    });
    tauri::async_runtime::spawn(async move {
        if let Err(error) = end_asked().await {
            tracing::debug!(%error, "signals are not heard");
            return;
        }
        if let Some(window) = handle.get_webview_window("main") {
            let _ = window.close();
        }
    });
}

/// Waits for SIGTERM or Ctrl+C.
#[cfg(unix)]
async fn end_asked() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        done = tokio::signal::ctrl_c() => done,
    }
}

#[cfg(not(unix))]
async fn end_asked() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
