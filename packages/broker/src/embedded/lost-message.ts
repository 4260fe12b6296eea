/**
 * The id under which a repair puts an empty message in the place of one whose bytes are gone. No message has it, and nobody is
 * given one that does.
 */
export const LOST_MESSAGE_ID = "0".repeat(32);
