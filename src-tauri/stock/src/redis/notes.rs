//! Texts of ours beside the balances, and the auditor's lease: a key with a time to live that only its holder renews
//! or gives back. The lease saves work; no safety hangs on it.

use std::time::Duration;

use ::redis::{FromRedisValue, RedisResult, Script, cmd};

use super::Redis;
use domain::error::Result;

/// Takes what is free, renews what is the holder's; answers the holder's name when it is somebody else.
const TAKE: &str = "local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false";
/// Gives back what is the holder's.
const END: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return false";

impl Redis {
    pub(super) async fn read_note(&self, name: &str) -> Result<Option<String>> {
        let (generation, mut conn) = self.link.conn().await?;
        let found: RedisResult<Option<Vec<u8>>> = cmd("GET").arg(name).query_async(&mut conn).await;
        match found {
            Ok(found) => Ok(found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => Err(self.link.failed(generation, error).await),
        }
    }

    pub(super) async fn write_note(&self, name: &str, text: &str) -> Result<()> {
        let (generation, mut conn) = self.link.conn().await?;
        let written: RedisResult<()> = cmd("SET").arg(name).arg(text).query_async(&mut conn).await;
        match written {
            Ok(()) => Ok(()),
            Err(error) => Err(self.link.failed(generation, error).await),
        }
    }

    pub(super) async fn take_lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<String>> {
        let script = Script::new(TAKE);
        let mut script = script.prepare_invoke();
        script.key(name).arg(holder).arg(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        self.run_small(&script).await
    }

    pub(super) async fn end_lease(&self, name: &str, holder: &str) -> Result<()> {
        let script = Script::new(END);
        let mut script = script.prepare_invoke();
        script.key(name).arg(holder);
        self.run_small::<Option<String>>(&script).await.map(drop)
    }

    async fn run_small<T: FromRedisValue>(&self, script: &::redis::ScriptInvocation<'_>) -> Result<T> {
        let (generation, mut conn) = self.link.conn().await?;
        match script.invoke_async(&mut conn).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.link.failed(generation, error).await),
        }
    }
}
