/**
 * The monitor's picture as a pure view of one snapshot.
 *
 * Without a single escape code.
 *
 * @module
 */
import { formatBytes, formatSeconds } from "../base/units.ts";
import type { Snapshot } from "../wire/snapshot.ts";
import { cut, drawColumns, printable } from "./columns.ts";
import { drawProcesses } from "./processes.ts";

/** Room for the picture; Infinity where nothing limits it. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What the letters mean, in a word. */
const stateWords = { U: "under", M: "medium", F: "full", V: "over", " ": "unreachable" } as const;

const statusWords = {
  alive: "",
  suspected: "suspected",
  failed: "failed",
  left: "has left",
} as const;

/**
 * Draws a node: its state and thresholds, its associated nodes, its processes.
 *
 * @returns Lines of at most `size.columns` characters, at most `size.rows` of them; if some had to
 * be left out, the last line says how many.
 */
export function render(snapshot: Snapshot, size: Size): string[] {
  const { node, state, queueLength, thresholds, frequencySeconds, draining } = snapshot;
  const { thu, thf, thv } = thresholds;
  const lines = [
    `Node ${printable(node)}   state ${state} (${stateWords[state]})   queue length ${queueLength}${
      drawWeight(snapshot)
    }` +
    (draining === true ? "   drained" : ""),
    `THu ${thu}   THf ${thf}   THv ${thv}${
      thresholds.unit === "percent" ? "   (percent)" : ""
    }   checks every ${frequencySeconds} s`,
    ...drawMachine(snapshot),
    ...drawOwner(snapshot),
    "",
    ...drawMembers(snapshot),
    ...drawAssociated(snapshot),
    "",
    ...drawAllProcesses(snapshot),
  ];
  return fit(lines, size);
}

/** What the processes weigh, where their threads count and it is more than their number. */
function drawWeight({ processes, queueLength }: Snapshot): string {
  const more = processes.reduce((sum, { weight = 1 }) => sum + weight - 1, 0);
  return more === 0 ? "" : `, which weighs ${queueLength + more} by its threads`;
}

/** What the policy sees besides the process table; nothing if it does not look. */
function drawMachine({ load, machine }: Snapshot): string[] {
  if (machine === null || machine === undefined) return [];
  const { others, cpuStall, memoryStall, availableBytes, memoryShortage } = machine;
  const percent = (share: number | null) => share === null ? "-" : `${Math.round(100 * share)} %`;
  const line = [
    ...load === undefined ? [] : [`load ${Math.round(100 * load) / 100}`],
    `others ${others}`,
    `waiting for processors ${percent(cpuStall)}, for memory ${percent(memoryStall)}`,
    `${formatBytes(availableBytes)} available`,
  ].join("   ");
  return [
    line,
    ...memoryShortage === null ? [] : [`short of memory: ${printable(memoryShortage)}`],
  ];
}

const treated = {
  none: "guests go on",
  nice: "guests have a low priority",
  stop: "guests are stopped",
  leave: "guests leave",
} as const;

/** Whether the owner is at work; nothing if nobody asks. */
function drawOwner({ owner }: Snapshot): string[] {
  if (owner === null || owner === undefined) return [];
  const { activeForMs, treatment } = owner;
  if (activeForMs === null) return ["owner away"];
  return [`owner at work for ${formatSeconds(activeForMs / 1000)}: ${treated[treatment]}`];
}

function drawAssociated({ associated }: Snapshot): string[] {
  if (associated.length === 0) return ["No associated nodes: nothing moves by itself"];
  return drawColumns(
    [{ title: "ASSOCIATED NODE" }, { title: "STATE" }],
    associated.map((
      { node, state, suspected },
    ) => [
      node,
      `${state === " " ? "-" : state} ${stateWords[state]}${
        suspected === true ? ", suspected" : ""
      }`,
    ]),
  );
}

/** How many members there are, and each that is not as it should be. */
function drawMembers({ node, members = [], health = 0 }: Snapshot): string[] {
  const self = members.find((member) => member.node === node);
  if (self?.status === "left") {
    return ["This node has left its cluster: `lb join` brings it back", ""];
  }
  if (members.length <= 1) return [];
  const there = members.filter(({ status }) => status !== "left");
  const others = members.filter(({ status }) => status !== "alive");
  const line = [
    `Members ${there.length}`,
    ...others.map((member) => `${member.node} ${statusWords[member.status]}`),
    ...health === 0 ? [] : [`this node's health ${health}, 0 is good`],
  ].join("   ");
  return [printable(line), ""];
}

function drawAllProcesses(snapshot: Snapshot): string[] {
  const { processes, shadows } = snapshot;
  if (processes.length + shadows.length === 0) return ["No processes"];
  return drawProcesses(snapshot);
}

function fit(lines: readonly string[], { columns, rows }: Size): string[] {
  const short = lines.map((line) => cut(line, columns));
  if (short.length <= rows) return short;
  const kept = Math.max(0, rows - 1);
  return [...short.slice(0, kept), cut(`(${short.length - kept} more lines)`, columns)].slice(
    0,
    rows,
  );
}
