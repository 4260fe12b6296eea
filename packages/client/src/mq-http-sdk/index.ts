/** What the official Node SDK exports, typed, on this client: migrating is one changed import. */
export {};
