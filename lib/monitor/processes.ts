/**
 * A node's processes as lines for people.
 *
 * Those that run there and those that run away.
 *
 * @module
 */
import { formatBytes, formatSeconds } from "../base/units.ts";
import type { Snapshot, SnapshotProcess, SnapshotShadow } from "../wire/snapshot.ts";
import { type Column, drawColumns } from "./columns.ts";

const columns: readonly Column[] = [
  { title: "PID", align: "right" },
  { title: "PROGRAM" },
  { title: "RUNS ON" },
  { title: "HOME" },
  { title: "SHADOW", align: "right" },
  { title: "THR", align: "right" },
  { title: "CPU", align: "right" },
  { title: "MEMORY", align: "right" },
  { title: "CANNOT MOVE" },
];

/**
 * Draws the processes of a node: first those that run there (they are its queue length), by PID;
 * then those at home there that run elsewhere, whose figures only the other node knows.
 *
 * @returns The title line, then a line for each process.
 */
export function drawProcesses({ node, processes, shadows }: Snapshot): string[] {
  return drawColumns(columns, [
    ...processes.toSorted(byPid).map((process) => processRow(process, node)),
    ...shadows.toSorted(byPid).map((shadow) => shadowRow(shadow, node)),
  ]);
}

function byPid(a: { readonly pid: number }, b: { readonly pid: number }): number {
  return a.pid - b.pid;
}

function processRow(process: SnapshotProcess, node: string): string[] {
  const {
    pid,
    program,
    home,
    shadowPid,
    cpuSeconds,
    rssBytes,
    cantmove,
    movingTo,
    pinned,
    noRoom,
  } = process;
  return [
    String(pid),
    program,
    movingTo === null ? node : `${node} -> ${movingTo}`,
    home,
    shadowPid === null ? "-" : String(shadowPid),
    drawThreads(process),
    formatSeconds(cpuSeconds),
    formatBytes(rssBytes),
    cantmove ?? (pinned === true ? "pinned" : noRoom ?? "-"),
  ];
}

/** How many threads compute, of how many; of a process with one thread nobody asks. */
function drawThreads({ threads }: SnapshotProcess): string {
  if (threads === undefined) return "-";
  return threads.all === 1 ? "1" : `${Math.round(threads.computing)}/${threads.all}`;
}

/** A shadow has the PID that its process shows to the world, so it stands in the first column. */
function shadowRow({ pid, program, runsOn }: SnapshotShadow, node: string): string[] {
  return [
    String(pid),
    program,
    runsOn ?? "(waits for restart)",
    node,
    String(pid),
    "-",
    "-",
    "-",
    "-",
  ];
}
