<?php
/* Runs the official PHP SDK for the tests; ../README.md says how it is spoken to. PHP has no threads: one process serves one client. */

use MQ\Exception\AckMessageException;
use MQ\Exception\MessageNotExistException;
use MQ\Exception\MQException;
use MQ\Model\TopicMessage;
use MQ\MQClient;

// The SDK was written for PHP 5, and newer versions say so with every call.
error_reporting(E_ALL & ~E_DEPRECATED & ~E_WARNING);

$sdk = getenv('STAGEMQ_PHP_SDK');
require getenv('STAGEMQ_PHP_GUZZLE') ?: 'GuzzleHttp/autoload.php';
spl_autoload_register(function ($class) use ($sdk) {
    $file = $sdk . '/' . str_replace('\\', '/', $class) . '.php';
    if (is_file($file)) require $file;
});

say(['ready' => 'aliyunmq/mq-http-sdk']);
$client = NULL;
while (($line = fgets(STDIN)) !== FALSE) {
    $call = json_decode($line, TRUE, 512, JSON_THROW_ON_ERROR);
    $address = $call['address'];
    $client = $client ?? new MQClient($address['endpoint'], $address['accessKeyId'], $address['accessKeySecret']);
    say(['call' => $call['call']] + run($client, $call));
}

function say($what)
{
    fwrite(STDOUT, json_encode($what, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR) . "\n");
}

function run($client, $call)
{
    try {
        return ['gives' => give($client, $call)];
    } catch (MQException $error) {
        // What the SDK refuses by itself has no request id.
        if ($error->getRequestId() === NULL) return ['failed' => (string) $error];
        return ['refused' => ['code' => $error->getOnsErrorCode(), 'message' => $error->getMessage(), 'status' => $error->getCode()]];
    } catch (Throwable $error) {
        return ['failed' => get_class($error) . ' ' . $error->getMessage()];
    }
}

function give($client, $call)
{
    $instance = $call['address']['instance'] ?? NULL;
    $topic = $call['topic'];
    if ($call['verb'] === 'publish') return publish($client->getProducer($instance, $topic), $call['message']);
    if (in_array($call['verb'], ['publishHalf', 'consumeHalf', 'commit', 'rollback'])) {
        $transactions = $client->getTransProducer($instance, $topic, $call['group']);
        if ($call['verb'] === 'publishHalf') return publish($transactions, $call['message']);
        if ($call['verb'] === 'consumeHalf') return receive([$transactions, 'consumeHalfMessage'], $call);
        return finish([$transactions, $call['verb']], $call['receiptHandles'][0]);
    }
    $consumer = $client->getConsumer($instance, $topic, $call['group'], $call['filter'] ?? NULL);
    if ($call['verb'] === 'consume') return receive([$consumer, 'consumeMessage'], $call);
    if ($call['verb'] === 'consumeOrderly') return receive([$consumer, 'consumeMessageOrderly'], $call);
    return finish([$consumer, 'ackMessage'], $call['receiptHandles']);
}

function publish($producer, $outgoing)
{
    $message = new TopicMessage($outgoing['body']);
    if (isset($outgoing['tag'])) $message->setMessageTag($outgoing['tag']);
    if (isset($outgoing['key'])) $message->setMessageKey($outgoing['key']);
    if (isset($outgoing['shardingKey'])) $message->setShardingKey($outgoing['shardingKey']);
    if (isset($outgoing['deliverAt'])) $message->setStartDeliverTime($outgoing['deliverAt']);
    if (isset($outgoing['checkAfterSeconds'])) $message->setTransCheckImmunityTime($outgoing['checkAfterSeconds']);
    foreach ($outgoing['properties'] ?? [] as $name => $value) $message->putProperty($name, $value);
    $published = $producer->publishMessage($message);
    return [
        'messageId' => $published->getMessageId(),
        'bodyMd5' => $published->getMessageBodyMD5(),
        'receiptHandle' => $published->getReceiptHandle() ?? '',
    ];
}

function receive($consume, $call)
{
    try {
        $messages = isset($call['waitSeconds']) ? $consume($call['upTo'], $call['waitSeconds']) : $consume($call['upTo']);
        return array_map('toReceived', $messages);
    } catch (MessageNotExistException $nothingThere) {
        return [];
    }
}

/* The SDK throws when single handles are refused, and gives them with the exception. */
function finish($call, $handles)
{
    try {
        $call($handles);
        return [];
    } catch (AckMessageException $refusal) {
        return array_map(
            fn ($item) => ['receiptHandle' => $item->getReceiptHandle(), 'code' => $item->getErrorCode()],
            $refusal->getAckMessageErrorItems()
        );
    }
}

function toReceived($message)
{
    return [
        'messageId' => $message->getMessageId(),
        'bodyMd5' => $message->getMessageBodyMD5(),
        'body' => $message->getMessageBody(),
        'tag' => $message->getMessageTag() ?? '',
        'key' => $message->getMessageKey() ?? '',
        'shardingKey' => $message->getShardingKey() ?? '',
        'deliverAt' => $message->getStartDeliverTime(),
        'properties' => (object) ($message->getProperties() ?? []),
        'attempt' => (int) $message->getConsumedTimes(),
        'publishedAt' => (int) $message->getPublishTime(),
        'firstDeliveredAt' => (int) $message->getFirstConsumeTime(),
        'visibleAgainAt' => (int) $message->getNextConsumeTime(),
        'receiptHandle' => $message->getReceiptHandle(),
    ];
}
