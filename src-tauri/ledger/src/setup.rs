//! Opening a ledger, bringing its fixed tables up to date, and saying what is wrong with its server.
//! Migrations are append-only and each is written down in `schema_version`.

use std::path::Path;
use std::sync::{Arc, RwLock};

use tokio::sync::Mutex;

use super::mysql::MysqlDatabase;
use super::sql::{Database, Kind};
use super::sqlite::SqliteDatabase;
use super::sums::Asked;
use super::tables::Known;
use super::{Inner, Ledger, Limits};
use domain::error::{Code, Error, Result};
use domain::words;
use probe::{Finding, Step, Trail};

impl Ledger {
    fn over(db: Box<dyn Database>, limits: Limits) -> Self {
        let known = RwLock::new(Known::default());
        Ledger {
            inner: Arc::new(Inner { db, limits, known, making: Mutex::new(()), asked: Asked::default() }),
        }
    }

    /// A ledger in one SQLite file. Touches nothing yet; `init` creates file and tables.
    pub fn open_sqlite(path: impl AsRef<Path>, limits: Limits) -> Result<Self> {
        Ok(Self::over(Box::new(SqliteDatabase::new(path.as_ref())), limits))
    }

    /// A ledger on a MySQL or MariaDB server. Connects on first use; `init` creates database and tables.
    pub fn open_mysql(url: &str, password: Option<String>, limits: Limits) -> Result<Self> {
        Ok(Self::over(Box::new(MysqlDatabase::new(url, password)?), limits))
    }

    /// The limits it was opened with.
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Creates whatever is missing and says what it did. Idempotent; several processes may call it at once.
    pub async fn init(&self) -> Result<Vec<String>> {
        let mut done = Vec::new();
        let db = &self.inner.db;
        if db.create().await? {
            done.push("created the ledger's database".to_owned());
        }
        db.ddl(&db.dialect().version_table()).await?;
        let newest = self.version().await?;
        for (version, name, text) in db.dialect().migrations() {
            if *version <= newest {
                continue;
            }
            db.ddl(text).await?;
            crash_points::pass("init.migrated");
            let mut session = db.writer().await?;
            let keep = db.dialect().keep("version");
            session
                .exec(&format!(
                    "INSERT INTO schema_version (version, name) VALUES ({version}, '{name}'){keep}"
                ))
                .await?;
            done.push(format!("applied the ledger's migration {name}"));
        }
        let settled = self.settle_versions().await?;
        if settled > 0 {
            done.push(format!("counted {settled} days and months for the reports"));
        }
        let dropped = self.finish_drops().await?;
        if dropped > 0 {
            done.push(format!("dropped {dropped} compacted day tables"));
        }
        Ok(done)
    }

    async fn version(&self) -> Result<i64> {
        let mut session = self.inner.db.writer().await?;
        let rows = session.query("SELECT COALESCE(MAX(version), 0) FROM schema_version").await?;
        rows.first().map_or(Ok(0), |row| row.int(0))
    }

    /// Tries connection, rights, settings and tables step by step.
    pub async fn probe(&self) -> Vec<Finding> {
        let db = &self.inner.db;
        let mut trail = Trail::new("ledger", db.steps());
        if db.probe(&mut trail).await.is_ok() {
            self.probe_tables(&mut trail).await;
        }
        trail.end()
    }

    async fn probe_tables(&self, trail: &mut Trail) {
        let wanted = self.inner.db.dialect().migrations().last().map_or(0, |(version, ..)| *version);
        let cure = words!("cure_init", "Run `inv-daemon init`");
        match self.stored_version().await {
            Err(failed) => trail.error(Step::Tables, failed),
            Ok(None) => {
                trail.fault(
                    Step::Tables,
                    Code::Refused,
                    words!("tables_missing", "The ledger's tables are missing"),
                    cure,
                );
            }
            Ok(Some(version)) if version < wanted => {
                let cause = words!(
                    "tables_old",
                    "The ledger's tables are of version {version}, not {wanted}",
                    version,
                    wanted
                );
                trail.fault(Step::Tables, Code::Refused, cause, cure);
            }
            Ok(Some(version)) if version > wanted => {
                let cause = words!(
                    "tables_newer",
                    "The ledger's tables are of version {version}; this program knows {wanted}",
                    version,
                    wanted
                );
                trail.fault(
                    Step::Tables,
                    Code::Refused,
                    cause,
                    words!("cure_newer_program", "Use the newer program"),
                );
            }
            Ok(Some(version)) => trail
                .fine(Step::Tables, words!("tables_as_wanted", "of version {version}, as wanted", version)),
        }
    }

    async fn stored_version(&self) -> Result<Option<i64>> {
        let mut session = self.inner.db.reader().await?;
        match session.query("SELECT MAX(version) FROM schema_version").await {
            Ok(rows) => rows.first().map_or(Ok(None), |row| row.opt_int(0)),
            Err(failed) if failed.kind == Kind::NoTable => Ok(None),
            Err(failed) => Err(failed.error),
        }
    }

    /// Err with clear words when `init` has not been run; for everybody who starts working.
    pub async fn require_ready(&self) -> Result<()> {
        let wanted = self.inner.db.dialect().migrations().last().map_or(0, |(version, ..)| *version);
        match self.stored_version().await? {
            Some(version) if version == wanted => Ok(()),
            Some(version) if version > wanted => Err(Error::new(
                Code::Config,
                words!(
                    "ledger_newer",
                    "The ledger is of version {version}; this program knows {wanted}. Use the newer program.",
                    version,
                    wanted
                ),
            )),
            _ => Err(Error::new(
                Code::Config,
                words!(
                    "tables_missing_or_old",
                    "The ledger's tables are missing or old. Run `inv-daemon init`."
                ),
            )),
        }
    }
}
