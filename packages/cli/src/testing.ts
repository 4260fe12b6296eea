/** The test kit, under the name that people install: `import { … } from "stagemq/testing"`. */
export * from "@stagemq/broker/testing";
