/** For tests of programs that use a broker: `startTestBroker`. The rest is for tests of brokers. */
export type { Duration } from "./durations.ts";
export { ExpectationError } from "./expectation.ts";
export type { ErrorCode } from "./fault-codes.ts";
export type { Fault, FaultEffect, FaultScope, TestOperation } from "./faults.ts";
export { FaultyDisk, type FaultyOperation, type Unsynced } from "./faulty-disk.ts";
export type { JsonPattern, MessageMatch } from "./message-match.ts";
export { type LogEntry, RecordingLog } from "./recording-log.ts";
export { SeededRandom } from "./seeded-random.ts";
export { silentLog } from "./silent-log.ts";
export { SimulatedClock } from "./simulated-clock.ts";
export {
  startTestBroker,
  type TestBrokerOptions,
  type TestLogLine,
} from "./start-test-broker.ts";
export type { ExpectOptions, FailOptions, MessagesQuery } from "./test-bench.ts";
export type { TestBroker, TestClock, TestCredentials, TopicExpectations } from "./test-broker.ts";
export type { BrokerSettings, GroupOptions, TopicOptions } from "./test-config.ts";
export type { TestMessage, TestState } from "./test-message.ts";
