// Runs the official C++ SDK for the tests; ../README.md says how it is spoken to.
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "mq_client.h"
#include "mq_exception.h"

using nlohmann::json;
namespace sdk = mq::http::sdk;

namespace {

const std::string NOTHING_THERE = "MessageNotExist";

void say(const json& what) {
    static std::mutex output;
    const std::lock_guard<std::mutex> lock(output);
    std::cout << what.dump() << std::endl;
}

template <typename Producer>
json publish(Producer& producer, const json& outgoing) {
    sdk::TopicMessage message(outgoing["body"].get<std::string>(), outgoing.value("tag", std::string()));
    if (outgoing.contains("key")) message.setMessageKey(outgoing["key"]);
    if (outgoing.contains("shardingKey")) message.setShardingKey(outgoing["shardingKey"]);
    if (outgoing.contains("deliverAt")) message.setStartDeliverTime(outgoing["deliverAt"].get<int64_t>());
    if (outgoing.contains("checkAfterSeconds")) message.setTransCheckImmunityTime(outgoing["checkAfterSeconds"]);
    const json properties = outgoing.value("properties", json::object());
    for (const auto& property : properties.items())
        message.putProperty(property.key(), property.value());
    sdk::PublishMessageResponse published;
    producer.publishMessage(message, published);
    return {
        {"messageId", published.getMessageId()},
        {"bodyMd5", published.getMessageBodyMD5()},
        {"receiptHandle", published.getReceiptHandle()},
    };
}

json toReceived(sdk::Message& message) {
    return {
        {"messageId", message.getMessageId()},
        {"bodyMd5", message.getMessageBodyMD5()},
        {"body", message.getMessageBody()},
        {"tag", message.getMessageTag()},
        {"key", message.getMessageKey()},
        {"shardingKey", message.getShardingKey()},
        {"deliverAt", message.getStartDeliverTime()},
        {"properties", message.getProperties()},
        {"attempt", message.getConsumedTimes()},
        {"publishedAt", message.getPublishTime()},
        {"firstDeliveredAt", message.getFirstConsumeTime()},
        {"visibleAgainAt", message.getNextConsumeTime()},
        {"receiptHandle", message.getReceiptHandle()},
    };
}

template <typename Poll>
json receive(Poll poll) {
    std::vector<sdk::Message> messages;
    try {
        poll(messages);
    } catch (const sdk::MQServerException& refusal) {
        if (refusal.GetErrorCode() != NOTHING_THERE) throw;
    }
    json all = json::array();
    for (auto& message : messages) all.push_back(toReceived(message));
    return all;
}

// The SDK does not throw when single handles are refused: it returns them.
json refusedOf(sdk::AckMessageResponse& answer) {
    json refused = json::array();
    for (const auto& item : answer.getAckMessageFailedItem())
        refused.push_back({{"receiptHandle", item.receiptHandle}, {"code", item.errorCode}});
    if (answer.isSuccess() != refused.empty()) throw std::runtime_error("neither success nor refused handles");
    return refused;
}

json give(sdk::MQClient& client, const json& call) {
    const std::string verb = call["verb"], topic = call["topic"];
    const std::string instance = call["address"].value("instance", std::string());
    const std::string group = call.value("group", std::string());
    const int upTo = call.value("upTo", 0), waitSeconds = call.value("waitSeconds", 0);

    if (verb == "publish") return publish(*client.getProducerRef(instance, topic), call["message"]);
    if (verb == "publishHalf" || verb == "consumeHalf" || verb == "commit" || verb == "rollback") {
        auto transactions = client.getTransProducerRef(instance, topic, group);
        if (verb == "publishHalf") return publish(*transactions, call["message"]);
        if (verb == "consumeHalf")
            return receive([&](std::vector<sdk::Message>& messages) {
                transactions->consumeHalfMessage(upTo, waitSeconds, messages);
            });
        sdk::AckMessageResponse answer;
        const std::string handle = call["receiptHandles"][0];
        if (verb == "commit") transactions->commit(handle, answer);
        else transactions->rollback(handle, answer);
        return refusedOf(answer);
    }
    auto consumer = client.getConsumerRef(instance, topic, group, call.value("filter", std::string()));
    if (verb == "consume")
        return receive([&](std::vector<sdk::Message>& messages) { consumer->consumeMessage(upTo, waitSeconds, messages); });
    if (verb == "consumeOrderly")
        return receive(
            [&](std::vector<sdk::Message>& messages) { consumer->consumeMessageOrderly(upTo, waitSeconds, messages); });
    sdk::AckMessageResponse answer;
    consumer->ackMessage(call["receiptHandles"].get<std::vector<std::string>>(), answer);
    return refusedOf(answer);
}

json run(sdk::MQClient& client, const json& call) {
    try {
        return {{"call", call["call"]}, {"gives", give(client, call)}};
    } catch (const sdk::MQServerException& refusal) {
        const json why = {
            {"code", refusal.GetErrorCode()},
            {"message", refusal.GetErrorMessage()},
            {"status", refusal.GetHttpStatus()},
        };
        return {{"call", call["call"]}, {"refused", why}};
    } catch (const sdk::MQExceptionBase& error) {
        return {{"call", call["call"]}, {"failed", error.ToString()}};
    } catch (const std::exception& error) {
        return {{"call", call["call"]}, {"failed", error.what()}};
    }
}

}  // namespace

int main() {
    say({{"ready", "mq-http-cpp-sdk"}});
    std::map<int, std::shared_ptr<sdk::MQClient>> clients;
    for (std::string line; std::getline(std::cin, line);) {
        const json call = json::parse(line);
        auto& client = clients[call["client"].get<int>()];
        const json& address = call["address"];
        if (!client)
            client = std::make_shared<sdk::MQClient>(
                address["endpoint"].get<std::string>(), address["accessKeyId"].get<std::string>(),
                address["accessKeySecret"].get<std::string>());
        std::thread([client, call] { say(run(*client, call)); }).detach();
    }
    // Calls may still wait; nobody listens any more.
    std::_Exit(0);
}
