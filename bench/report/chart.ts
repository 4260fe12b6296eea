import { PEERS } from "../peers/peers.ts";
import type { Results } from "../run/results.ts";
import { median } from "./median.ts";

const WIDTH = 720;
const LABELS = 190;
const VALUES = 70;
const BAR = 18;
const ROW = 26;
const TITLE = 40;
const FOOT = 24;

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly isOurs: boolean;
}

/** Two groups of bars, publish and consume, longest first, readable on light and dark pages alike. */
export function writeChart(results: Results): string {
  const charts = [
    { title: "Durable publishes a second", bars: barsOf(results, "publish") },
    { title: "Messages consumed and acknowledged a second", bars: barsOf(results, "consume") },
  ].filter(({ bars }) => bars.length > 0);
  let top = 0;
  const parts = charts.map(({ title, bars }) => {
    const part = writeBars(title, bars, top);
    top += TITLE + bars.length * ROW;
    return part;
  });
  const { machine, commit, at } = results.head;
  const foot = `${machine.cores} cores, ${machine.processor}; 64 and 16 clients, 500 bytes; ${commit}, ${at.slice(0, 10)}`;
  const height = top + FOOT;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeText(describe(charts))}">
<style>
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .foot { font-size: 11px; opacity: .7 }
  .value { font-variant-numeric: tabular-nums }
  rect { fill: #8c959f } .ours rect { fill: #0969da } .ours text { font-weight: 600 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } rect { fill: #6e7681 } .ours rect { fill: #4493f8 } }
</style>
${parts.join("\n")}
<text class="foot" x="0" y="${height - 6}">${escapeText(foot)}</text>
</svg>
`;
}

function barsOf(results: Results, workload: string): Bar[] {
  const bars = PEERS.map(({ name, title }) => {
    return { label: title, value: median(results.figures(workload, name, "perSecond")), isOurs: name === "stagemq" };
  });
  return bars.filter(({ value }) => !Number.isNaN(value)).sort((one, other) => other.value - one.value);
}

function writeBars(title: string, bars: readonly Bar[], top: number): string {
  const longest = Math.max(...bars.map(({ value }) => value));
  const rows = bars.map(({ label, value, isOurs }, index) => {
    const y = top + TITLE + index * ROW;
    const width = Math.max(1, Math.round((value / longest) * (WIDTH - LABELS - VALUES)));
    const middle = y + BAR - 4;
    return `<g${isOurs ? ' class="ours"' : ""}><text x="${LABELS - 8}" y="${middle}" text-anchor="end">${escapeText(label)}</text><rect x="${LABELS}" y="${y}" width="${width}" height="${BAR}" rx="3"/><text class="value" x="${LABELS + width + 6}" y="${middle}">${count(value)}</text></g>`;
  });
  return [`<text class="title" x="0" y="${top + TITLE - 14}">${escapeText(title)}</text>`, ...rows].join("\n");
}

function describe(charts: readonly { title: string; bars: readonly Bar[] }[]): string {
  return charts
    .map(({ title, bars }) => `${title}: ${bars.map(({ label, value }) => `${label} ${count(value)}`).join(", ")}`)
    .join(". ");
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
