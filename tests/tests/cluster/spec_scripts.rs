//! foreign_scripts_keep_working: the owner's own Python snippets, word for word but for the addresses, run with
//! the real clients against a running daemon; and the ledger's tables look as the owner wrote them.

use std::process::Command;
use std::time::Duration;

use tests::daemon::finish;
use tests::servers;
use tests::site::Site;
use tests::sql::Db;

/// The specification's producer.
const PRODUCER: &str = r#"import json
from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers='localhost:9092',
                         value_serializer=lambda v: json.dumps(v).encode('utf-8'))

ioentry = {
    "product_id": "123",
    "quantity": 10,
    "drcr": 1,
    "company_id": "C001",
    "warehouse_id": "W001",
    "bill_id": "B001",
    "create_time": "2025-03-13 12:00:00",
    "description": "入库单据"
}

producer.send('PREFIX-TOPIC-INVENTORY', ioentry)
producer.flush()
"#;

/// The specification's live-stock reader.
const READER: &str = r#"import redis
import json

redis_client = redis.Redis(host='localhost', port=6379, db=0)

warehouse_id = "W001"
product_id = "123"
key = f"{warehouse_id}:{product_id}"
current = redis_client.get(key)
if current:
    current = json.loads(current)
    real_time_inventory = current["base"] + current["change"]
    print(f"实时库存数量: {real_time_inventory}")
"#;

#[track_caller]
fn python(script: &str, site: &Site) -> String {
    let cluster = site.servers();
    let bootstrap = cluster.topic.bootstrap.split(',').next().unwrap();
    let script = script
        .replace("localhost:9092", bootstrap)
        .replace("PREFIX-TOPIC-INVENTORY", &cluster.topic.name)
        .replace("localhost", "127.0.0.1")
        .replace("6379", &cluster.redis.port().to_string());
    let file = site.daemon.dir.join("script.py");
    std::fs::write(&file, script).unwrap();
    let mut command = Command::new(servers::python());
    command.arg(&file).env("PYTHONIOENCODING", "utf-8").env("PYTHONUTF8", "1");
    finish(command, b"", Duration::from_secs(60)).expect(0).stdout.trim().to_owned()
}

fn apple(site: &Site) {
    let file = site.daemon.dir.join("products.csv");
    std::fs::write(&file, "product_id,name\n123,apple\n456,苹果\n").unwrap();
    site.daemon.call(&["catalog", "import", &file.display().to_string()], "").expect(0);
}

#[test]
fn the_producer_posts_and_the_reader_reads() {
    let site = Site::cluster("scripts");
    site.init();
    apple(&site);
    python(PRODUCER, &site);
    site.count_all();
    assert_eq!(python(READER, &site), "实时库存数量: 10");
    let out = PRODUCER.replace("\"quantity\": 10", "\"quantity\": 3").replace("\"drcr\": 1", "\"drcr\": -1");
    python(&out, &site);
    python(PRODUCER, &site);
    site.count_all();
    assert_eq!(python(READER, &site), "实时库存数量: 17");
    let rows = site.snapshot().rows;
    assert!(rows.iter().all(|row| row.table == "t_apple_20250313" && row.entry.entry_id.is_none()));
    assert_eq!(rows.len(), 3);
}

#[test]
fn the_day_table_has_the_specs_columns_first() {
    let site = Site::cluster("columns");
    site.init();
    apple(&site);
    let entry = |product: &str| {
        format!(
            "{{\"product_id\":\"{product}\",\"quantity\":1,\"drcr\":1,\"company_id\":\"C\",\"warehouse_id\":\"W\",\
             \"bill_id\":\"B\",\"create_time\":\"2025-03-10 12:00:00\"}}"
        )
    };
    site.put_raw(&[entry("123").into_bytes(), entry("456").into_bytes(), entry("789").into_bytes()]);
    site.count_all();
    let db = site.ledger();
    let tables = db.tables();
    for table in ["t_apple_20250310", "t_pingguo_20250310", "t_789_20250310"] {
        assert!(tables.iter().any(|known| known == table), "{table} in {tables:?}");
    }
    specs_columns(&db);
    let created = db.rows("SHOW CREATE TABLE t_apple_20250310")[0][1].clone().unwrap();
    assert!(created.contains("utf8mb4_bin"), "{created}");
}

fn specs_columns(db: &Db) {
    let shown = db.rows("SHOW COLUMNS FROM t_apple_20250310");
    let found: Vec<String> = shown
        .iter()
        .map(|row| [0, 1, 2, 3, 5].map(|at| row[at].clone().unwrap_or_default().to_lowercase()).join(" "))
        .map(|line| line.replace("int(11)", "int").replace("bigint(20)", "bigint").trim().to_owned())
        .collect();
    let wanted = [
        "id int no pri auto_increment",
        "product_id varchar(255) no",
        "quantity int no",
        "drcr int no",
        "company_id varchar(255) no",
        "warehouse_id varchar(255) no",
        "bill_id varchar(255) no",
        "create_time datetime no",
        "description varchar(512) yes",
        "entry_id binary(16) yes uni",
        "source_id int no mul",
        "source_offset bigint no",
    ];
    assert_eq!(found, wanted);
}

#[test]
fn a_renamed_product_keeps_its_table() {
    let site = Site::cluster("rename");
    site.init();
    apple(&site);
    python(PRODUCER, &site);
    site.count_all();
    let file = site.daemon.dir.join("products.csv");
    std::fs::write(&file, "product_id,name\n123,pear\n999,apple\n").unwrap();
    site.daemon.call(&["catalog", "import", &file.display().to_string()], "").expect(0);
    python(PRODUCER, &site);
    python(&PRODUCER.replace("\"123\"", "\"999\""), &site);
    site.count_all();
    let rows = site.snapshot().rows;
    let of = |product: &str| {
        let mine = rows.iter().filter(|row| row.entry.product == product);
        mine.map(|row| row.table.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("123"), ["t_apple_20250313"; 2]);
    assert_eq!(of("999"), ["t_apple_2_20250313"]);
    let exported = site.daemon.call(&["catalog", "export", "-"], "").expect(0).stdout;
    assert!(exported.contains("123,pear") && exported.contains("999,apple"), "{exported}");
}
