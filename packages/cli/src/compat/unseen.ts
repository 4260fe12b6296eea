/** Items that nobody can see from outside in real time, each with the reason. */
export const UNSEEN: Readonly<Record<number, string>> = {
  18: "it needs load, which a stranger should not put on an endpoint",
  23: "the recorded signatures belong to keys that the endpoint does not know",
  28: "every request carries the token if one is given; whether it is signed shows only beside requests without",
  37: "it needs a temporary key, and a wrong token for it",
  74: "it takes 5 minutes",
  84: "it takes 24 hours",
  88: "it is allowed, not required",
};

/** The part of an item that stays out of sight though the rest was looked at. */
export const PARTLY: Readonly<Record<number, string>> = {
  49: "by this client alone; npm run test:sdk asks each SDK",
  53: "what is published, not what an old message holds",
  85: "by this client alone; npm run test:sdk asks each SDK",
  99: "not the end after 24 hours",
};
