using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text;
using System.Threading;
using System.Web.Script.Serialization;
using Aliyun.MQ;
using Aliyun.MQ.Model;
using Aliyun.MQ.Model.Exp;
using Aliyun.MQ.Runtime;

/// <summary>Runs the official C# SDK for the tests; ../README.md says how it is spoken to.</summary>
public static class Driver
{
    private const string NothingThere = "MessageNotExist";
    private static readonly object Output = new object();
    private static readonly TextWriter Lines =
        new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true };

    public sealed class Call
    {
        public int call { get; set; }
        public int client { get; set; }
        public string verb { get; set; }
        public Address address { get; set; }
        public string topic { get; set; }
        public string group { get; set; }
        public string filter { get; set; }
        public Outgoing message { get; set; }
        public uint upTo { get; set; }
        public uint? waitSeconds { get; set; }
        public List<string> receiptHandles { get; set; }
    }

    public sealed class Address
    {
        public string endpoint { get; set; }
        public string accessKeyId { get; set; }
        public string accessKeySecret { get; set; }
        public string instance { get; set; }
    }

    public sealed class Outgoing
    {
        public string body { get; set; }
        public string tag { get; set; }
        public string key { get; set; }
        public string shardingKey { get; set; }
        public long? deliverAt { get; set; }
        public uint? checkAfterSeconds { get; set; }
        public Dictionary<string, string> properties { get; set; }
    }

    public static void Main()
    {
        // .NET allows two connections to a host; the tests hold more polls open.
        ServicePointManager.DefaultConnectionLimit = 200;
        ThreadPool.SetMinThreads(64, 64);
        Say(new { ready = "Aliyun_MQ_SDK" });
        var clients = new Dictionary<int, MQClient>();
        var input = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        for (string line = input.ReadLine(); line != null; line = input.ReadLine())
        {
            Call call = Json().Deserialize<Call>(line);
            if (!clients.ContainsKey(call.client))
                clients[call.client] =
                    new MQClient(call.address.accessKeyId, call.address.accessKeySecret, call.address.endpoint);
            MQClient client = clients[call.client];
            new Thread(() => Say(Run(client, call))) { IsBackground = true }.Start();
        }
    }

    private static JavaScriptSerializer Json()
    {
        return new JavaScriptSerializer { MaxJsonLength = int.MaxValue };
    }

    private static void Say(object what)
    {
        string line = Json().Serialize(what);
        lock (Output) Lines.WriteLine(line);
    }

    private static object Run(MQClient client, Call call)
    {
        try
        {
            return new { call = call.call, gives = Give(client, call) };
        }
        catch (AliyunServiceException refusal)
        {
            // What the SDK refuses by itself has no request id.
            if (string.IsNullOrEmpty(refusal.RequestId)) return new { call = call.call, failed = refusal.ToString() };
            var why = new { code = refusal.ErrorCode, message = refusal.Message, status = (int)refusal.StatusCode };
            return new { call = call.call, refused = why };
        }
        catch (Exception error)
        {
            return new { call = call.call, failed = error.ToString() };
        }
    }

    private static object Give(MQClient client, Call call)
    {
        string instance = call.address.instance;
        MQConsumer consumer;
        MQTransProducer transactions;
        switch (call.verb)
        {
            case "publish":
                return Publish(client.GetProducer(instance, call.topic), call.message);
            case "consume":
                consumer = client.GetConsumer(instance, call.topic, call.group, call.filter);
                return Receive(() => call.waitSeconds.HasValue
                    ? consumer.ConsumeMessage(call.upTo, call.waitSeconds.Value)
                    : consumer.ConsumeMessage(call.upTo));
            case "consumeOrderly":
                consumer = client.GetConsumer(instance, call.topic, call.group, call.filter);
                return Receive(() => call.waitSeconds.HasValue
                    ? consumer.ConsumeMessageOrderly(call.upTo, call.waitSeconds.Value)
                    : consumer.ConsumeMessageOrderly(call.upTo));
            case "acknowledge":
                consumer = client.GetConsumer(instance, call.topic, call.group, null);
                return End(() => consumer.AckMessage(call.receiptHandles));
            case "publishHalf":
                return Publish(client.GetTransProdcuer(instance, call.topic, call.group), call.message);
            case "consumeHalf":
                transactions = client.GetTransProdcuer(instance, call.topic, call.group);
                return Receive(() => transactions.ConsumeHalfMessage(call.upTo, call.waitSeconds ?? 0));
            case "commit":
                transactions = client.GetTransProdcuer(instance, call.topic, call.group);
                return End(() => transactions.Commit(call.receiptHandles[0]));
            case "rollback":
                transactions = client.GetTransProdcuer(instance, call.topic, call.group);
                return End(() => transactions.Rollback(call.receiptHandles[0]));
            default:
                throw new ArgumentException("unknown verb " + call.verb);
        }
    }

    private static object Publish(MQProducer producer, Outgoing outgoing)
    {
        var message = new TopicMessage(outgoing.body, outgoing.tag ?? "");
        if (outgoing.key != null) message.MessageKey = outgoing.key;
        if (outgoing.shardingKey != null) message.ShardingKey = outgoing.shardingKey;
        if (outgoing.deliverAt.HasValue) message.StartDeliverTime = outgoing.deliverAt.Value;
        if (outgoing.checkAfterSeconds.HasValue) message.TransCheckImmunityTime = outgoing.checkAfterSeconds.Value;
        foreach (var property in outgoing.properties ?? new Dictionary<string, string>())
            message.PutProperty(property.Key, property.Value);
        TopicMessage published = producer.PublishMessage(message);
        return new
        {
            messageId = published.Id,
            bodyMd5 = published.BodyMD5,
            receiptHandle = published.ReceiptHandle ?? "",
        };
    }

    private static object Receive(Func<List<Message>> consume)
    {
        try
        {
            return consume().Select(ToReceived).ToList();
        }
        catch (AliyunServiceException refusal)
        {
            if (refusal.ErrorCode != NothingThere) throw;
            return new object[0];
        }
    }

    /// <summary>The SDK throws when single handles are refused, and gives them with the exception.</summary>
    private static object End(Action call)
    {
        try
        {
            call();
            return new object[0];
        }
        catch (AckMessageException refusal)
        {
            return refusal.ErrorItems
                .Select(item => new { receiptHandle = item.ReceiptHandle, code = item.ErrorCode })
                .ToList();
        }
    }

    // Message.MessageKey and ShardingKey throw where there is none, so the properties are asked.
    private static object ToReceived(Message message)
    {
        return new
        {
            messageId = message.Id,
            bodyMd5 = message.BodyMD5,
            body = message.Body,
            tag = message.MessageTag ?? "",
            key = PropertyOf(message, "KEYS"),
            shardingKey = PropertyOf(message, "__SHARDINGKEY"),
            deliverAt = message.StartDeliverTime,
            properties = message.Properties,
            attempt = message.ConsumedTimes,
            publishedAt = message.PublishTime,
            firstDeliveredAt = message.FirstConsumeTime,
            visibleAgainAt = message.NextConsumeTime,
            receiptHandle = message.ReceiptHandle,
        };
    }

    private static string PropertyOf(Message message, string name)
    {
        string value;
        return message.Properties.TryGetValue(name, out value) ? value : "";
    }
}
