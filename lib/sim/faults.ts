/**
 * Crashes with returns, and partitions, as a simulated cluster suffers them.
 *
 * @module
 */

import { UsageError } from "../base/errors.ts";
import type { Prng } from "../base/prng.ts";
import type { Simulation } from "./simulation.ts";

/** What goes wrong, and from when to when. */
export type Fault =
  | {
    readonly kind: "crash";
    readonly node: number;
    readonly startMs: number;
    readonly endMs: number;
  }
  /** Nodes from 0 to `size - 1` and the others do not reach each other. */
  | {
    readonly kind: "partition";
    readonly size: number;
    readonly startMs: number;
    readonly endMs: number;
  };

/** Draws crashes of each node with exponential times between them and a fixed time until its return. */
export function drawCrashes(
  options: { nodes: number; meanMs: number; downMs: number; durationMs: number },
  prng: Prng,
): Fault[] {
  const { nodes, meanMs, downMs, durationMs } = options;
  const faults: Fault[] = [];
  for (let node = 0; node < nodes; node++) {
    let startMs = prng.nextExponential(meanMs);
    while (startMs < durationMs) {
      faults.push({ kind: "crash", node, startMs, endMs: startMs + downMs });
      startMs += downMs + prng.nextExponential(meanMs);
    }
  }
  return faults;
}

/**
 * Reads a partition: `START:END:FRACTION`, seconds and the fraction of the nodes on one side.
 *
 * @throws {UsageError} If it is none.
 */
export function parsePartition(text: string, nodes: number): Fault {
  const words = text.split(":");
  const [start = NaN, end = NaN, fraction = NaN] = words.map((word) =>
    word.trim() === "" ? NaN : Number(word)
  );
  const size = Math.round(fraction * nodes);
  if (words.length === 3 && start >= 0 && end > start && size > 0 && size < nodes) {
    return { kind: "partition", size, startMs: start * 1000, endMs: end * 1000 };
  }
  throw new UsageError(`Cannot use --partition as START:END:FRACTION: "${text}" is none`, {
    fix: "Write two times in seconds, the first one less, and a fraction that leaves nodes on " +
      "both sides, as in 60:120:0.5",
  });
}

/** Makes faults happen. */
export class Faults {
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  schedule(faults: readonly Fault[]): void {
    const simulation = this.#simulation;
    for (const fault of faults) {
      const [begin, end] = fault.kind === "crash"
        ? [() => this.#crash(fault.node), () => this.#return(fault.node)]
        : [() => this.#cut(fault.size), () => this.#heal()];
      simulation.after(fault.startMs, begin);
      simulation.after(fault.endMs, end);
    }
  }

  #crash(node: number): void {
    const simulation = this.#simulation;
    const { network, options, places, homes } = simulation;
    network.setUp(node, false);
    simulation.halt(node);
    // What ran there is gone, and so are the guests elsewhere whose home and shadow were there.
    for (const [id, job] of [...simulation.jobs]) {
      const place = places[job] as number;
      if (place !== node && homes[job] !== node) continue;
      if (simulation.stations.running(place).includes(job)) {
        simulation.stations.stop(place, job, simulation.nowMs);
        simulation.rescheduled(place);
      } else {
        simulation.frozen[place] = (simulation.frozen[place] as number) - 1;
      }
      simulation.lose(job);
      if (place !== node) simulation.step(place, { type: "processEnded", id });
    }
    for (const peer of options.lists[node] ?? []) this.#disconnect(node, peer);
  }

  #return(node: number): void {
    const simulation = this.#simulation;
    simulation.network.setUp(node, true);
    simulation.restart(node);
    for (const peer of simulation.options.lists[node] ?? []) this.#connect(node, peer);
  }

  #cut(size: number): void {
    const { network, options, names } = this.#simulation;
    for (let node = 0; node < names.length; node++) network.setGroup(node, node < size ? 0 : 1);
    for (let node = 0; node < size; node++) {
      for (const peer of options.lists[node] ?? []) if (peer >= size) this.#disconnect(node, peer);
    }
  }

  #heal(): void {
    const { network, options, names } = this.#simulation;
    const cut = names.map((_, node) =>
      (options.lists[node] ?? []).filter((peer) => node < peer && !network.reaches(node, peer))
    );
    for (let node = 0; node < names.length; node++) network.setGroup(node, 0);
    for (const [node, peers] of cut.entries()) {
      for (const peer of peers) this.#connect(node, peer);
    }
  }

  /** The connection dies now; each side notices when the other has been silent for too long. */
  #disconnect(a: number, b: number): void {
    const { network, options } = this.#simulation;
    network.disconnect(a, b);
    const incarnation = network.incarnation(a, b);
    this.#simulation.after(options.network.detectMs, () => {
      // It has come back so soon that its connection was replaced before anybody noticed.
      if (network.incarnation(a, b) !== incarnation) return;
      for (const [node, peer] of [[a, b], [b, a]] as const) {
        if (network.isUp(node)) this.#simulation.loseLink(node, peer);
      }
    });
  }

  /** Two nodes reach each other again; a connection that died unnoticed is replaced now. */
  #connect(a: number, b: number): void {
    const simulation = this.#simulation;
    if (!simulation.network.reaches(a, b)) return;
    simulation.network.disconnect(a, b);
    for (const [node, peer] of [[a, b], [b, a]] as const) simulation.loseLink(node, peer);
    for (const [node, peer] of [[a, b], [b, a]] as const) {
      simulation.step(node, { type: "peerConnected", node: simulation.name(peer) });
    }
  }
}
