"""Sends one event to user-events, with confluent-kafka.

The difference to the usual example: it believes nothing but the broker's own
acknowledgement. flush() returns how many messages are left, and without a callback
a refused message goes unnoticed.
"""

import os
import sys

from confluent_kafka import Producer

refused = []

producer = Producer({
    "bootstrap.servers": os.environ.get(
        "KAFKA_BOOTSTRAP_SERVERS", "production-cluster-kafka-bootstrap.kafka.svc.cluster.local:9092"),
    "client.id": "k8s-producer",
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanisms": "SCRAM-SHA-512",  # the Java client calls it sasl.mechanism
    "sasl.username": "app-producer",
    "sasl.password": os.environ["KAFKA_PASSWORD"],
    "enable.idempotence": True,  # no duplicates by retries; not "exactly once"
    "acks": "all",
    "message.timeout.ms": 20000,
})

producer.produce(
    "user-events", key="u-123", value='{"user_id":"u-123","action":"login"}',
    on_delivery=lambda err, msg: refused.append(err) if err else None)
left = producer.flush(25)
if left or refused:
    sys.exit(f"producer: not delivered: {refused or 'no answer'}")
print("Event sent successfully")
