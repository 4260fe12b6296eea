export { FaultyDisk, type FaultyOperation, type Unsynced } from "./faulty-disk.ts";
export { type LogEntry, RecordingLog } from "./recording-log.ts";
export { SeededRandom } from "./seeded-random.ts";
export { silentLog } from "./silent-log.ts";
export { SimulatedClock } from "./simulated-clock.ts";
