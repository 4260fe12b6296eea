import com.aliyun.mq.http.MQClient;
import com.aliyun.mq.http.MQConsumer;
import com.aliyun.mq.http.MQProducer;
import com.aliyun.mq.http.MQTransProducer;
import com.aliyun.mq.http.common.AckMessageException;
import com.aliyun.mq.http.common.ServiceException;
import com.aliyun.mq.http.model.ErrorMessageResult;
import com.aliyun.mq.http.model.Message;
import com.aliyun.mq.http.model.TopicMessage;
import com.google.gson.Gson;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Runs the official Java SDK for the tests; ../README.md says how it is spoken to. */
public final class Driver {
    private static final Gson JSON = new Gson();
    private static final PrintStream OUTPUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    static final class Call {
        int call;
        int client;
        String verb;
        Address address;
        String topic;
        String group;
        String filter;
        Outgoing message;
        int upTo;
        int waitSeconds;
        List<String> receiptHandles;
    }

    static final class Address {
        String endpoint;
        String accessKeyId;
        String accessKeySecret;
        String instance;
    }

    static final class Outgoing {
        String body;
        String tag;
        String key;
        String shardingKey;
        Long deliverAt;
        Integer checkAfterSeconds;
        Map<String, String> properties;
    }

    public static void main(String[] arguments) throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        Map<Integer, MQClient> clients = new HashMap<>();
        say(Map.of("ready", "mq-http-sdk"));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            Call call = JSON.fromJson(line, Call.class);
            MQClient client = clients.computeIfAbsent(call.client, number -> connect(call.address));
            threads.execute(() -> say(run(client, call)));
        }
        System.exit(0);
    }

    private static MQClient connect(Address address) {
        return new MQClient(address.endpoint, address.accessKeyId, address.accessKeySecret);
    }

    private static synchronized void say(Object what) {
        OUTPUT.println(JSON.toJson(what));
    }

    private static Map<String, Object> run(MQClient client, Call call) {
        Map<String, Object> outcome = new HashMap<>();
        outcome.put("call", call.call);
        try {
            outcome.put("gives", give(client, call));
        } catch (ServiceException refusal) {
            outcome.put("refused", Map.of("code", refusal.getErrorCode(), "message", String.valueOf(refusal.getMessage())));
        } catch (Throwable error) {
            outcome.put("failed", error.toString());
        }
        return outcome;
    }

    private static Object give(MQClient client, Call call) throws Exception {
        String instance = call.address.instance;
        switch (call.verb) {
            case "publish":
                return publish(client.getProducer(instance, call.topic), call.message);
            case "consume":
                return toReceived(consumer(client, call).consumeMessage(call.upTo, call.waitSeconds));
            case "consumeOrderly":
                return toReceived(consumer(client, call).consumeMessageOrderly(call.upTo, call.waitSeconds));
            case "acknowledge":
                return end(call, () -> consumer(client, call).ackMessage(call.receiptHandles));
        }
        MQTransProducer transactions = client.getTransProducer(instance, call.topic, call.group);
        switch (call.verb) {
            case "publishHalf":
                return publish(transactions, call.message);
            case "consumeHalf":
                return toReceived(transactions.consumeHalfMessage(call.upTo, call.waitSeconds));
            case "commit":
                return end(call, () -> transactions.commit(call.receiptHandles.get(0)));
            case "rollback":
                return end(call, () -> transactions.rollback(call.receiptHandles.get(0)));
        }
        throw new IllegalArgumentException("unknown verb " + call.verb);
    }

    private static MQConsumer consumer(MQClient client, Call call) {
        return client.getConsumer(call.address.instance, call.topic, call.group, call.filter);
    }

    private static Object publish(MQProducer producer, Outgoing outgoing) {
        byte[] body = outgoing.body.getBytes(StandardCharsets.UTF_8);
        TopicMessage message = new TopicMessage(body, outgoing.tag);
        if (outgoing.key != null) message.setMessageKey(outgoing.key);
        if (outgoing.shardingKey != null) message.setShardingKey(outgoing.shardingKey);
        if (outgoing.deliverAt != null) message.setStartDeliverTime(outgoing.deliverAt);
        if (outgoing.checkAfterSeconds != null) message.setTransCheckImmunityTime(outgoing.checkAfterSeconds);
        if (outgoing.properties != null) message.getProperties().putAll(outgoing.properties);
        TopicMessage published = producer.publishMessage(message);
        return Map.of(
            "messageId", published.getMessageId(),
            "bodyMd5", published.getMessageBodyMD5(),
            "receiptHandle", orEmpty(published.getReceiptHandle()));
    }

    /** The SDK gives null when nothing is there. */
    private static List<Object> toReceived(List<Message> messages) {
        List<Object> all = new ArrayList<>();
        if (messages == null) return all;
        for (Message message : messages) {
            Map<String, Object> one = new HashMap<>();
            one.put("messageId", message.getMessageId());
            one.put("bodyMd5", message.getMessageBodyMD5());
            one.put("body", message.getMessageBodyString());
            one.put("tag", orEmpty(message.getMessageTag()));
            one.put("key", orEmpty(message.getMessageKey()));
            one.put("shardingKey", orEmpty(message.getShardingKey()));
            one.put("deliverAt", message.getStartDeliverTime());
            one.put("properties", message.getProperties());
            one.put("attempt", message.getConsumedTimes());
            one.put("publishedAt", message.getPublishTime());
            one.put("firstDeliveredAt", message.getFirstConsumeTime());
            one.put("visibleAgainAt", message.getNextConsumeTime());
            one.put("receiptHandle", message.getReceiptHandle());
            all.add(one);
        }
        return all;
    }

    /** The SDK throws when single handles are refused, and gives them with the exception, in no order. */
    private static List<Object> end(Call call, Runnable request) {
        List<Object> refused = new ArrayList<>();
        try {
            request.run();
        } catch (AckMessageException refusal) {
            Map<String, ErrorMessageResult> errors = refusal.getErrorMessages();
            for (String handle : call.receiptHandles)
                if (errors.containsKey(handle))
                    refused.add(Map.of("receiptHandle", handle, "code", errors.get(handle).getErrorCode()));
        }
        return refused;
    }

    private static String orEmpty(String text) {
        return text == null ? "" : text;
    }
}
