//! Status bar, settings and sample data.

use std::sync::Arc;

use tauri::Manager;
use tauri::ipc::Channel;
use tauri_plugin_notification::NotificationExt;

use crate::api::Failure;
use crate::api::app::{DemoProgress, Status};
use crate::api::settings::{Connections, Preferences, Settings, TestResult};
use crate::state::{App, Phase};
use crate::{connections, demo, status};
use inventory::domain::words;

/// The status as last looked at.
pub async fn status(app: &Arc<App>) -> Result<Status, Failure> {
    Ok(app.status.borrow().clone())
}

/// Sends the status now and at every change. A later call (the page was loaded anew) takes the place of this one.
pub async fn status_watch(app: &Arc<App>, feed: Channel<Status>) -> Result<(), Failure> {
    let mut told = app.status.subscribe();
    app.watcher.send_replace(());
    let mut replaced = app.watcher.subscribe();
    tauri::async_runtime::spawn(async move {
        loop {
            let now = told.borrow_and_update().clone();
            if feed.send(now).is_err() {
                return;
            }
            tokio::select! {
                changed = told.changed() => if changed.is_err() { return },
                _ = replaced.changed() => return,
            }
        }
    });
    Ok(())
}

/// Preferences and connections.
pub async fn settings_get(app: &Arc<App>) -> Result<Settings, Failure> {
    let running = app.config();
    let saved = app.saved_config();
    let config = saved.as_ref().unwrap_or(&running);
    Ok(Settings {
        preferences: app.preferences.get(),
        connections: connections::shown(config),
        config_path: connections::path(&running).display().to_string(),
        restart_needed: saved
            .as_ref()
            .is_ok_and(|saved| connections::shown(saved) != connections::shown(&running)),
    })
}

/// Keeps the preferences.
pub async fn preferences_set(app: &Arc<App>, preferences: Preferences) -> Result<(), Failure> {
    Ok(app.preferences.set(preferences)?)
}

/// Writes the connections into config.ini.
pub async fn connections_set(app: &Arc<App>, connections: Connections) -> Result<Settings, Failure> {
    let config = app.saved_config().unwrap_or_else(|_| app.config());
    connections::save(&config, &connections)?;
    settings_get(app).await
}

/// Tries connections as typed.
pub async fn connections_test(app: &Arc<App>, connections: Connections) -> Result<Vec<TestResult>, Failure> {
    Ok(connections::test(&app.config(), &connections).await?)
}

/// Drains, closes and opens again with what config.ini says now.
pub async fn engine_restart(app: &Arc<App>) -> Result<Status, Failure> {
    app.restart().await;
    Ok(match app.phase() {
        Phase::Failed(failure) => status::with_trouble(app, failure),
        _ => status::blank(app),
    })
}

/// Fills an empty warehouse with sample data.
pub async fn demo_fill(app: &Arc<App>, feed: Channel<DemoProgress>) -> Result<DemoProgress, Failure> {
    demo::fill(app, |progress| {
        if let Err(error) = feed.send(progress) {
            tracing::debug!(%error, "nobody looks at the progress");
        }
    })
    .await
}

/// Shows a notification of the desktop. A desktop without them is none of the screen's trouble.
pub async fn notify(app: &Arc<App>, title: String, text: String) -> Result<(), Failure> {
    let Some(window) = app.window.get() else { return Ok(()) };
    let shown = window.app_handle().notification().builder().title(title).body(text).show();
    if let Err(error) = shown {
        tracing::debug!(%error, "the desktop shows no notification");
    }
    Ok(())
}

/// Opens the system's print dialog for the page.
pub async fn print_page(app: &Arc<App>) -> Result<(), Failure> {
    let Some(window) = app.window.get() else { return Ok(()) };
    window.print().map_err(|error| {
        Failure::new("internal", words!("page_not_printed", "the page cannot be printed: {error}", error))
    })
}
