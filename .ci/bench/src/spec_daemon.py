"""The monitoring service of the specification, as given there: one entry at a time, ledger then stock, a commit for
each. Added: addresses, the CREATE TABLE that it forgot (done before the clock starts), reading from the topic's start,
an end after so many entries. Usage: spec_daemon.py BOOTSTRAP TOPIC MYSQL_PORT DATABASE REDIS_PORT COUNT; the products
and dates whose tables are wanted come as lines on standard input."""
import json
import sys
import time

import mysql.connector
import redis
from kafka import KafkaConsumer

bootstrap, topic, mysql_port, database, redis_port, count = sys.argv[1:]
COLUMNS = """id INT AUTO_INCREMENT PRIMARY KEY, product_id VARCHAR(255) NOT NULL, quantity INT NOT NULL,
drcr INT NOT NULL, company_id VARCHAR(255) NOT NULL, warehouse_id VARCHAR(255) NOT NULL,
bill_id VARCHAR(255) NOT NULL, create_time DATETIME NOT NULL, description VARCHAR(512)"""

mysql_conn = mysql.connector.connect(host="127.0.0.1", port=int(mysql_port), user="root", database=database)
mysql_cursor = mysql_conn.cursor()
redis_client = redis.Redis(host="127.0.0.1", port=int(redis_port), db=0)
for line in sys.stdin:
    mysql_cursor.execute(f"CREATE TABLE IF NOT EXISTS t_{line.strip()} ({COLUMNS})")

consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest",
                         value_deserializer=lambda m: json.loads(m.decode("utf-8")))
done, begun = 0, None
for message in consumer:
    if begun is None:
        begun = time.perf_counter()
    ioentry = message.value
    product_name = ioentry["product_id"].lower()
    date = ioentry["create_time"].split(" ")[0].replace("-", "")
    sql = (f"INSERT INTO t_{product_name}_{date} (product_id, quantity, drcr, company_id, warehouse_id, bill_id, "
           "create_time, description) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)")
    names = "product_id quantity drcr company_id warehouse_id bill_id create_time description".split()
    mysql_cursor.execute(sql, tuple(ioentry[name] for name in names))
    mysql_conn.commit()
    key = f"{ioentry['warehouse_id']}:{ioentry['product_id']}"
    current = redis_client.get(key)
    if current:
        current = json.loads(current)
        current["change"] += ioentry["quantity"] * ioentry["drcr"]
    else:
        current = {"base": 0, "change": ioentry["quantity"] * ioentry["drcr"]}
    redis_client.set(key, json.dumps(current))
    done += 1
    if done == int(count):
        break
print(json.dumps({"entries": done, "seconds": time.perf_counter() - begun}))
