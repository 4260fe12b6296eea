/** The client: producers, transactional producers and consumers of stagemq and of ApsaraMQ for RocketMQ over HTTP. */
export {};
