/** Of this stagemq: what `package.json` says too. */
export const VERSION = "0.1.0";

/** Of the data directory: what this stagemq writes, and the newest it reads (DUR-5). */
export const DATA_FORMAT = 2;
