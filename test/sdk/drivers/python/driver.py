"""Runs the official Python SDK for the tests; ../README.md says how it is spoken to. Each client has a thread of its
own, since the SDK's client is for one thread."""

import json
import queue
import sys
import threading

from mq_http_sdk.mq_client import MQClient
from mq_http_sdk.mq_exception import MQServerException
from mq_http_sdk.mq_producer import TopicMessage

NOTHING_THERE = "MessageNotExist"
output = threading.Lock()


def main():
    sys.stdin.reconfigure(encoding="utf-8")
    say({"ready": "mq_http_sdk"})
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
        say({"call": call["call"], **run(client, call)})


def say(what):
    with output:
        print(json.dumps(what), flush=True)


def run(client, call):
    try:
        return {"gives": give(client, call)}
    except MQServerException as refusal:
        return {"refused": {"code": refusal.type, "message": refusal.message}}
    except Exception as error:
        return {"failed": repr(error) + " " + str(error)}


def give(client, call):
    instance, topic, group, verb = call["address"].get("instance"), call["topic"], call.get("group"), call["verb"]
    if verb == "publish":
        return publish(client.get_producer(instance, topic), call["message"])
    if verb in ("publishHalf", "consumeHalf", "commit", "rollback"):
        transactions = client.get_trans_producer(instance, topic, group)
        if verb == "publishHalf":
            return publish(transactions, call["message"])
        if verb == "consumeHalf":
            return receive(transactions.consume_half_message, call)
        return end(getattr(transactions, verb), call["receiptHandles"][0])
    consumer = client.get_consumer(instance, topic, group, call.get("filter"))
    if verb == "consume":
        return receive(consumer.consume_message, call)
    if verb == "consumeOrderly":
        return receive(consumer.consume_message_orderly, call)
    return end(consumer.ack_message, call["receiptHandles"])


def publish(producer, message):
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


def receive(consume, call):
    try:
        return [to_received(message) for message in consume(call["upTo"], call.get("waitSeconds", -1))]
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
        "properties": message.properties,
        "attempt": message.consumed_times,
        "publishedAt": message.publish_time,
        "firstDeliveredAt": message.first_consume_time,
        "visibleAgainAt": message.next_consume_time,
        "receiptHandle": message.receipt_handle,
    }


main()
