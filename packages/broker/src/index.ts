/** The door of the broker as a library. */
export {
  type Broker,
  type Config,
  DATA_FORMAT,
  FLAGS,
  type Log,
  loadConfig,
  resetData,
  StartError,
  type Surroundings,
  startBroker,
  VERSION,
} from "./main.ts";
