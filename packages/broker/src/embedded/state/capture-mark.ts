/** What a snapshot holds entry by entry. */
export interface Captured {
  /** The newest capture that has nothing more to write of it: it did so already, or the entry came later. 0: none yet. */
  capturedIn: number;
}
