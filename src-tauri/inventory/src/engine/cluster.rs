//! The cluster's parts: Kafka and Redis as the configuration names them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::outbox::Outbox;
use crate::queue::{Bounds, Queue, SourceIdentity};
use crate::stock::Stock;
use crate::stock::redis::Redis;

fn later<T>() -> Result<T> {
    Err(Error::new(Code::Internal, "cluster mode is being joined"))
}
pub(crate) struct Sender;
impl Sender {
    pub(crate) fn start(_outbox: Arc<Outbox>, _config: &Config) -> Result<Self> {
        later()
    }
    pub(crate) fn trouble(&self) -> Option<Error> {
        None
    }
    pub(crate) async fn stop(self) {}
}
pub(crate) fn queue(_config: &Config) -> Result<Arc<dyn Queue>> {
    later()
}
/// Redis or Valkey; connects when it is first used.
pub(crate) fn stock(config: &Config) -> Result<Arc<dyn Stock>> {
    Ok(Arc::new(Redis::open(&config.redis_url, config.redis_password.fetch()?.as_deref())?))
}
pub(crate) async fn bounds(_config: &Config) -> Result<(HashMap<SourceIdentity, Bounds>, bool)> {
    later()
}
pub(crate) async fn ensure_topic(_config: &Config) -> Result<String> {
    later()
}
pub(crate) async fn check(_config: &Config) -> Result<Vec<(String, String)>> {
    later()
}
