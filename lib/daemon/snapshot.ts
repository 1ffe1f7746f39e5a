/**
 * The node's snapshot: the balancer's view, with the shadows.
 *
 * @module
 */
import type { MembershipView } from "../core/membership/types.ts";
import type { BalancerView } from "../core/contract/view.ts";
import { wallMs } from "../host/clock.ts";
import type { Snapshot } from "../wire/snapshot.ts";
import type { Records } from "./records.ts";

/** Makes the snapshot that a frame `snapshot` is answered with. */
export function makeSnapshot(
  view: BalancerView,
  records: Pick<Records, "guests" | "shadows">,
  { frequencySeconds, members }: {
    readonly frequencySeconds: number;
    readonly members: MembershipView;
  },
): Snapshot {
  const status = new Map(members.members.map((member) => [member.node, member.status]));
  return {
    node: view.node,
    state: view.state,
    queueLength: view.queueLength,
    thresholds: view.thresholds,
    draining: view.isDraining,
    load: view.load,
    machine: view.machine,
    owner: view.owner,
    frequencySeconds,
    clockMs: wallMs(),
    associated: view.associated.map(({ node, state }) => {
      const isSuspected = status.get(node) === "suspected";
      return { node, state, ...(isSuspected ? { suspected: true } : {}) };
    }),
    members: members.members.map(({ node, status, incarnation, isOpen }) => ({
      node,
      status,
      incarnation,
      open: isOpen,
    })),
    health: members.health,
    processes: view.processes.map((process) => ({
      id: process.id,
      pid: process.pid,
      program: process.program,
      cpuSeconds: process.cpuSeconds,
      rssBytes: process.rssBytes,
      threads: {
        all: process.threads.all,
        computing: Math.round(100 * process.threads.computing) / 100,
      },
      weight: process.weight,
      home: process.homeNode,
      shadowPid: records.guests.get(process.id)?.homePid ?? null,
      cantmove: process.cantmove,
      movingTo: process.movingTo,
      ...process.noRoom === null ? {} : { noRoom: process.noRoom },
      pinned: process.isPinned,
      stopped: records.guests.get(process.id)?.stopped === true,
    })),
    shadows: [...records.shadows.values()].map(({ homePid, program, runsOn }) => ({
      pid: homePid,
      program,
      runsOn,
    })),
  };
}

/**
 * Encodes a snapshot as JSON of at most `sizeMax` bytes. Of some ten thousand processes or shadows the
 * last ones are left out; `queueLength` counts them all.
 */
export function encodeSnapshot(snapshot: Snapshot, sizeMax: number): Uint8Array {
  let { processes, shadows } = snapshot;
  for (;;) {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...snapshot, processes, shadows }));
    if (bytes.length <= sizeMax || processes.length + shadows.length === 0) return bytes;
    const share = 0.9 * sizeMax / bytes.length;
    processes = processes.slice(0, Math.floor(processes.length * share));
    shadows = shadows.slice(0, Math.floor(shadows.length * share));
  }
}
