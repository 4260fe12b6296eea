// Runs the official Go SDK for the tests; ../README.md says how it is spoken to.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sync"

	mq "github.com/aliyunmq/mq-http-go-sdk"
	"github.com/gogap/errors"
)

type call struct {
	Call    int    `json:"call"`
	Client  int    `json:"client"`
	Verb    string `json:"verb"`
	Address struct {
		Endpoint        string `json:"endpoint"`
		AccessKeyId     string `json:"accessKeyId"`
		AccessKeySecret string `json:"accessKeySecret"`
		Instance        string `json:"instance"`
	} `json:"address"`
	Topic          string   `json:"topic"`
	Group          string   `json:"group"`
	Filter         string   `json:"filter"`
	Message        message  `json:"message"`
	UpTo           int32    `json:"upTo"`
	WaitSeconds    int64    `json:"waitSeconds"`
	ReceiptHandles []string `json:"receiptHandles"`
}

type message struct {
	Body              string            `json:"body"`
	Tag               string            `json:"tag"`
	Key               string            `json:"key"`
	ShardingKey       string            `json:"shardingKey"`
	DeliverAt         int64             `json:"deliverAt"`
	CheckAfterSeconds int               `json:"checkAfterSeconds"`
	Properties        map[string]string `json:"properties"`
}

type published struct {
	MessageId     string `json:"messageId"`
	BodyMd5       string `json:"bodyMd5"`
	ReceiptHandle string `json:"receiptHandle"`
}

type received struct {
	MessageId        string            `json:"messageId"`
	BodyMd5          string            `json:"bodyMd5"`
	Body             string            `json:"body"`
	Tag              string            `json:"tag"`
	Key              string            `json:"key"`
	ShardingKey      string            `json:"shardingKey"`
	DeliverAt        int64             `json:"deliverAt"`
	Properties       map[string]string `json:"properties"`
	Attempt          int64             `json:"attempt"`
	PublishedAt      int64             `json:"publishedAt"`
	FirstDeliveredAt int64             `json:"firstDeliveredAt"`
	VisibleAgainAt   int64             `json:"visibleAgainAt"`
	ReceiptHandle    string            `json:"receiptHandle"`
}

type refusedHandle struct {
	ReceiptHandle string `json:"receiptHandle"`
	Code          string `json:"code"`
}

type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type outcome struct {
	Call    int      `json:"call"`
	Gives   any      `json:"gives,omitempty"`
	Refused *refusal `json:"refused,omitempty"`
	Failed  string   `json:"failed,omitempty"`
}

const nothingThere = "MessageNotExist"

var output sync.Mutex

func main() {
	say(map[string]string{"ready": mq.ClientName})
	clients := map[int]mq.MQClient{}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked call
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		client, known := clients[asked.Client]
		if !known {
			address := asked.Address
			client = mq.NewAliyunMQClient(address.Endpoint, address.AccessKeyId, address.AccessKeySecret, "")
			clients[asked.Client] = client
		}
		go func() { say(run(client, asked)) }()
	}
}

func say(what any) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Printf("%s\n", line)
}

func run(client mq.MQClient, asked call) outcome {
	gives, err := give(client, asked)
	if err == nil {
		return outcome{Call: asked.Call, Gives: gives}
	}
	if code := codeOf(err); code != "" {
		return outcome{Call: asked.Call, Refused: &refusal{Code: code, Message: err.Error()}}
	}
	return outcome{Call: asked.Call, Failed: err.Error()}
}

func give(client mq.MQClient, asked call) (any, error) {
	instance := asked.Address.Instance
	switch asked.Verb {
	case "publish":
		return publish(client.GetProducer(instance, asked.Topic), asked.Message)
	case "consume":
		return receive(client.GetConsumer(instance, asked.Topic, asked.Group, asked.Filter).ConsumeMessage, asked)
	case "consumeOrderly":
		return receive(client.GetConsumer(instance, asked.Topic, asked.Group, asked.Filter).ConsumeMessageOrderly, asked)
	case "acknowledge":
		return end(client.GetConsumer(instance, asked.Topic, asked.Group, "").AckMessage(asked.ReceiptHandles))
	}
	transactions := client.GetTransProducer(instance, asked.Topic, asked.Group)
	switch asked.Verb {
	case "publishHalf":
		return publish(transactions, asked.Message)
	case "consumeHalf":
		return receive(transactions.ConsumeHalfMessage, asked)
	case "commit":
		return end(transactions.Commit(asked.ReceiptHandles[0]))
	case "rollback":
		return end(transactions.Rollback(asked.ReceiptHandles[0]))
	}
	return nil, fmt.Errorf("unknown verb %s", asked.Verb)
}

type publisher interface {
	PublishMessage(message mq.PublishMessageRequest) (mq.PublishMessageResponse, error)
}

func publish(producer publisher, outgoing message) (any, error) {
	answer, err := producer.PublishMessage(mq.PublishMessageRequest{
		MessageBody:            outgoing.Body,
		MessageTag:             outgoing.Tag,
		MessageKey:             outgoing.Key,
		ShardingKey:            outgoing.ShardingKey,
		StartDeliverTime:       outgoing.DeliverAt,
		TransCheckImmunityTime: outgoing.CheckAfterSeconds,
		Properties:             outgoing.Properties,
	})
	return published{answer.MessageId, answer.MessageBodyMD5, answer.ReceiptHandle}, err
}

type poll func(answers chan mq.ConsumeMessageResponse, failures chan error, upTo int32, waitSeconds int64)

func receive(poll poll, asked call) (any, error) {
	answers, failures := make(chan mq.ConsumeMessageResponse, 1), make(chan error, 1)
	poll(answers, failures, asked.UpTo, asked.WaitSeconds)
	all := []received{}
	select {
	case answer := <-answers:
		for _, one := range answer.Messages {
			all = append(all, received{
				one.MessageId, one.MessageBodyMD5, one.MessageBody, one.MessageTag, one.MessageKey, one.ShardingKey,
				one.StartDeliverTime, one.Properties, one.ConsumedTimes, one.PublishTime, one.FirstConsumeTime,
				one.NextConsumeTime, one.ReceiptHandle,
			})
		}
	case err := <-failures:
		if codeOf(err) != nothingThere {
			return nil, err
		}
	}
	return all, nil
}

// The SDK gives the handles that were refused one by one with the error, as its Detail.
func end(err error) (any, error) {
	refused := []refusedHandle{}
	if coded, isCoded := err.(errors.ErrCode); isCoded {
		if items, isList := coded.Context()["Detail"].([]mq.ErrAckItem); isList {
			for _, item := range items {
				refused = append(refused, refusedHandle{item.ErrorHandle, item.ErrorCode})
			}
			return refused, nil
		}
	}
	return refused, err
}

var serverCode = regexp.MustCompile(`aliyun_mq response status error,code: ([^,]+),`)

// The SDK tells the code of a refusal in its text alone.
func codeOf(err error) string {
	if found := serverCode.FindStringSubmatch(err.Error()); found != nil {
		return found[1]
	}
	return ""
}
