"""Runs the official Python SDK for the tests: a call as a JSON line on standard input, its outcome as a JSON line on
standard output. Each client has a thread of its own, since the SDK's client is for one thread."""

import json
import queue
import sys
import threading

from mq_http_sdk.mq_client import MQClient
from mq_http_sdk.mq_exception import MQServerException
from mq_http_sdk.mq_producer import TopicMessage

NOTHING_THERE = "MessageNotExist"
RESERVED = ("KEYS", "__SHARDINGKEY", "__STARTDELIVERTIME", "__TransCheckT")
says = threading.Lock()


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    clients = {}
    for line in sys.stdin:
        call = json.loads(line)
        if call["client"] not in clients:
            clients[call["client"]] = start_client(call["address"])
        clients[call["client"]].put(call)


def start_client(address):
    calls = queue.Queue()
    threading.Thread(target=serve_client, args=(address, calls), daemon=True).start()
    return calls


def serve_client(address, calls):
    client = MQClient(address["endpoint"], address["accessKeyId"], address["accessKeySecret"])
    while True:
        call = calls.get()
        outcome = run(Verbs(client, address.get("instance")), call)
        with says:
            print(json.dumps({"call": call["call"], **outcome}), flush=True)


def run(verbs, call):
    try:
        return {"gives": getattr(verbs, call["verb"])(*call["arguments"])}
    except MQServerException as refusal:
        return {"refused": {"code": refusal.type, "message": refusal.message}}
    except Exception as error:
        return {"failed": repr(error) + " " + str(error)}


class Verbs:
    """What the tests ask for, in their words."""

    def __init__(self, client, instance):
        self.client = client
        self.instance = instance

    def publish(self, topic, message):
        return publish_with(self.client.get_producer(self.instance, topic), message)

    def consume(self, subscription, batch):
        return receive(self.consumer(subscription).consume_message, batch)

    def consumeOrderly(self, subscription, batch):
        return receive(self.consumer(subscription).consume_message_orderly, batch)

    def acknowledge(self, subscription, handles):
        return end(self.consumer(subscription).ack_message, handles)

    def publishHalf(self, producer, message):
        return publish_with(self.trans_producer(producer), message)

    def consumeHalf(self, producer, batch):
        return receive(self.trans_producer(producer).consume_half_message, batch)

    def commit(self, producer, handle):
        return end(self.trans_producer(producer).commit, handle)

    def rollback(self, producer, handle):
        return end(self.trans_producer(producer).rollback, handle)

    def consumer(self, subscription):
        topic, group, tags = subscription["topic"], subscription["group"], subscription.get("filter")
        return self.client.get_consumer(self.instance, topic, group, tags)

    def trans_producer(self, producer):
        return self.client.get_trans_producer(self.instance, producer["topic"], producer["group"])


def publish_with(producer, message):
    outgoing = TopicMessage(message["body"], message.get("tag", ""))
    if "key" in message:
        outgoing.set_message_key(message["key"])
    if "shardingKey" in message:
        outgoing.set_sharding_key(message["shardingKey"])
    if "deliverAt" in message:
        outgoing.set_start_deliver_time(message["deliverAt"])
    if "checkAfterSeconds" in message:
        outgoing.set_trans_check_immunity_time(message["checkAfterSeconds"])
    for name, value in message.get("properties", {}).items():
        outgoing.put_property(name, value)
    published = producer.publish_message(outgoing)
    return {
        "messageId": published.message_id,
        "bodyMd5": published.message_body_md5,
        "receiptHandle": published.receipt_handle,
    }


def receive(consume, batch):
    try:
        return [to_received(message) for message in consume(batch["upTo"], batch.get("waitSeconds", -1))]
    except MQServerException as refusal:
        if refusal.type == NOTHING_THERE and not refusal.sub_errors:
            return []
        raise


def end(call, handles):
    """The SDK throws when single handles are refused, and gives them with the exception."""
    try:
        call(handles)
        return []
    except MQServerException as refusal:
        if not refusal.sub_errors:
            raise
        return [{"receiptHandle": item["ReceiptHandle"], "code": item["ErrorCode"]} for item in refusal.sub_errors]


def to_received(message):
    return {
        "messageId": message.message_id,
        "bodyMd5": message.message_body_md5,
        "body": message.message_body,
        "tag": message.message_tag or "",
        "key": message.get_message_key(),
        "shardingKey": message.get_sharding_key(),
        "deliverAt": message.get_start_deliver_time(),
        "properties": {name: value for name, value in message.properties.items() if name not in RESERVED},
        "attempt": message.consumed_times,
        "publishedAt": message.publish_time,
        "firstDeliveredAt": message.first_consume_time,
        "visibleAgainAt": message.next_consume_time,
        "receiptHandle": message.receipt_handle,
    }


main()
