import type { Scene } from "./scene.ts";

/** A piece of work at the endpoint that shows some items of the wire's checklist. */
export interface Flow {
  /** The items that it shows; those without a note at its end could not be seen. */
  readonly items: readonly number[];
  play(scene: Scene): Promise<void>;
}
