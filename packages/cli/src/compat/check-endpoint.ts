import type { Flow } from "./flow.ts";
import { consuming } from "./flows/consuming.ts";
import { publishing } from "./flows/publishing.ts";
import { requests } from "./flows/requests.ts";
import { delaying, idling, ordering, transacting } from "./flows/timed.ts";
import { type Place, Scene } from "./scene.ts";
import { type Finding, Sheet } from "./sheet.ts";
import { UNSEEN } from "./unseen.ts";

export const ITEM_COUNT = 100;
const ITEMS = Array.from({ length: ITEM_COUNT }, (_, index) => index + 1);

/** Side by side, each with topics of its own; the flows of one in turn. The idle connection only waits. */
const LANES: readonly (readonly Flow[])[] = [
  [...consuming, ...requests, ...publishing],
  delaying,
  ordering,
  transacting,
  idling,
];

/** Every item that some flow shows. */
export const SEEN: readonly number[] = [...new Set(LANES.flat().flatMap(({ items }) => items))];

/** Looks at everything that can be seen of the wire's checklist at this endpoint; one finding per item. */
export async function checkEndpoint(place: Place): Promise<readonly Finding[]> {
  const sheet = new Sheet();
  const scene = new Scene(place, sheet);
  const troubles = new Map<number, string>();
  await Promise.all(LANES.map((lane) => playLane(lane, scene, troubles)));
  return ITEMS.map((item) => sheet.find(item) ?? describeUnseen(item, troubles.get(item)));
}

function describeUnseen(item: number, trouble: string | undefined): Finding {
  if (trouble !== undefined) return { item, verdict: "broken off", says: trouble };
  return { item, verdict: "not seen", says: UNSEEN[item] ?? "nothing that came showed it" };
}

async function playLane(lane: readonly Flow[], scene: Scene, troubles: Map<number, string>): Promise<void> {
  for (const { items, play } of lane) {
    try {
      await play(scene);
    } catch (error) {
      // One broken flow must not hide what the others see.
      for (const item of items) troubles.set(item, error instanceof Error ? error.message : String(error));
    }
  }
}
