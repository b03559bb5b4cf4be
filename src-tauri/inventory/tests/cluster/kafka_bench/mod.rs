//! What the Kafka tests stand on: a topic of their own on the broker named by TWINSTOCK_TEST_KAFKA, and producers
//! that are not the engine's.

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use inventory::domain::entry::{BillId, CompanyId, Direction, Entry, ProductId, WarehouseId, parse_time};
use inventory::queue::kafka::KafkaSettings;
use inventory::queue::outbox::Saved;
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use uuid::Uuid;

/// Fails with a name instead of hanging.
pub async fn until<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), wait).await {
        Ok(value) => value,
        Err(_) => panic!("waited a minute for {what}"),
    }
}

/// An entry whose payload is its number.
pub fn saved(number: u128, product: u128) -> Saved {
    let entry = Entry {
        product_id: ProductId::stored(&format!("p{product}")),
        quantity: 1,
        direction: Direction::In,
        company_id: CompanyId::stored("C1"),
        warehouse_id: WarehouseId::stored("W1"),
        bill_id: BillId::stored("B1"),
        create_time: parse_time("2025-03-13 12:00:00").unwrap(),
        description: None,
        entry_id: Some(Uuid::from_u128(number + 1)),
    };
    Saved { entry_id: Uuid::from_u128(number + 1), entry, payload: number.to_string().into_bytes() }
}

pub struct Bench {
    bootstrap: String,
    topic: String,
    admin: AdminClient<DefaultClientContext>,
}

impl Bench {
    pub async fn new(name: &str, partitions: i32) -> Self {
        let bootstrap = std::env::var("TWINSTOCK_TEST_KAFKA")
            .expect("TWINSTOCK_TEST_KAFKA must name a broker, such as 127.0.0.1:9092 (cargo xtask services)");
        let mut config = ClientConfig::new();
        let admin = config.set("bootstrap.servers", &bootstrap).create().unwrap();
        let topic = format!("{name}-{}", Uuid::new_v4().simple());
        let bench = Bench { bootstrap, topic, admin };
        bench.create_topic(partitions).await;
        bench
    }

    pub fn settings(&self, member: &str) -> KafkaSettings {
        KafkaSettings {
            bootstrap_servers: self.bootstrap.clone(),
            topic: self.topic.clone(),
            group_id: format!("group-{}", self.topic),
            instance_id: format!("{}/{member}", self.topic),
            properties: Vec::new(),
        }
    }

    fn options() -> AdminOptions {
        AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)))
    }

    pub async fn create_topic(&self, partitions: i32) {
        let topic = NewTopic::new(&self.topic, partitions, TopicReplication::Fixed(1));
        for result in self.admin.create_topics([&topic], &Self::options()).await.unwrap() {
            result.unwrap();
        }
    }

    pub async fn delete_topic(&self) {
        for result in self.admin.delete_topics(&[&self.topic], &Self::options()).await.unwrap() {
            result.unwrap();
        }
    }

    pub async fn grow(&self, partitions: usize) {
        let more = NewPartitions::new(&self.topic, partitions);
        for result in self.admin.create_partitions([&more], &Self::options()).await.unwrap() {
            result.unwrap();
        }
    }

    pub async fn delete_records(&self, partition: i32, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(before)).unwrap();
        self.admin.delete_records(&list, &Self::options()).await.unwrap();
    }

    pub async fn set_topic(&self, topic: &str, name: &str, value: &str) {
        let config = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(name, value);
        for result in self.admin.alter_configs([&config], &Self::options()).await.unwrap() {
            result.unwrap();
        }
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("linger.ms", "5").set("acks", "all");
        config
    }

    /// One message per number, the number as payload: equal to its offset when begun at the end.
    pub async fn produce_numbers(&self, partition: i32, numbers: Range<i64>) {
        let mut config = self.client();
        let producer: FutureProducer = config.set("enable.idempotence", "true").create().unwrap();
        let mut answers = Vec::new();
        for number in numbers {
            let payload = number.to_string();
            let record = FutureRecord::to(&self.topic).partition(partition).key("k").payload(&payload);
            answers.push(producer.send_result(record).map_err(|(err, _)| err).unwrap());
        }
        for answer in answers {
            answer.await.unwrap().map_err(|(err, _)| err).unwrap();
        }
    }

    pub fn transactional(&self) -> BaseProducer {
        let mut config = self.client();
        let producer: BaseProducer = config.set("transactional.id", &self.topic).create().unwrap();
        producer.init_transactions(Duration::from_secs(30)).unwrap();
        producer
    }

    pub fn begin(&self, producer: &BaseProducer, numbers: Range<i64>) {
        producer.begin_transaction().unwrap();
        for number in numbers {
            let payload = number.to_string();
            let record = BaseRecord::<(), _>::to(&self.topic).partition(0).payload(&payload);
            producer.send(record).map_err(|(err, _)| err).unwrap();
        }
        producer.flush(Duration::from_secs(10)).unwrap();
    }

    pub fn end(&self, producer: &BaseProducer, commit: bool) {
        match commit {
            true => producer.commit_transaction(Duration::from_secs(10)).unwrap(),
            false => producer.abort_transaction(Duration::from_secs(10)).unwrap(),
        }
    }

    pub fn transaction(&self, producer: &BaseProducer, numbers: Range<i64>, commit: bool) {
        self.begin(producer, numbers);
        self.end(producer, commit);
    }
}
