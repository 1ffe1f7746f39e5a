/**
 * Crashes, partitions, cut links and restarts of daemons.
 *
 * As a cluster suffers them, with returns.
 *
 * @module
 */

import type { Network } from "../engine/network.ts";
import type { NetworkOptions } from "../engine/network.ts";
import type { Lists } from "./lists.ts";
import type { Driver } from "./driver.ts";
import type { Moves } from "./moves.ts";
import type { Standing } from "./standing.ts";
import { UsageError } from "../../base/errors.ts";
import type { Prng } from "../../base/prng.ts";

/** What goes wrong, and from when to when. */
export type Fault =
  & { readonly startMs: number }
  & (
    | { readonly kind: "crash"; readonly node: number; readonly endMs: number }
    /** Nodes from 0 to `size - 1` and the others do not reach each other. */
    | { readonly kind: "partition"; readonly size: number; readonly endMs: number }
    /** The link of one pair. */
    | { readonly kind: "cut"; readonly a: number; readonly b: number; readonly endMs: number }
    /**
     * The daemon alone starts anew, with this epoch: what runs on the node goes on. The epoch comes
     * from a clock that may have been set back.
     */
    | { readonly kind: "restart"; readonly node: number; readonly epoch: number }
    /** A person has a node emptied: no fault, but as untimely. */
    | { readonly kind: "drain"; readonly node: number; readonly endMs: number }
  );

/**
 * Draws crashes of each node with exponential times between them and a fixed time until its return.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { Prng } from "lb/sim";
 * const options = { nodes: 2, meanMs: 1000, downMs: 100, durationMs: 60_000 };
 * assert.ok(drawCrashes(options, new Prng(7)).every(({ kind }) => kind === "crash"));
 * ```
 */
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

/**
 * Reads a drain: `START:END:NODE`, seconds and the node's number.
 *
 * @throws {UsageError} If it is none.
 */
export function parseDrain(text: string, nodes: number): Fault {
  const words = text.split(":");
  const [start = NaN, end = NaN, node = NaN] = words.map((word) =>
    word.trim() === "" ? NaN : Number(word)
  );
  if (
    words.length === 3 && start >= 0 && end > start && Number.isInteger(node) && node >= 0 &&
    node < nodes
  ) {
    return { kind: "drain", node, startMs: start * 1000, endMs: end * 1000 };
  }
  throw new UsageError(`Cannot use --drain as START:END:NODE: "${text}" is none`, {
    fix: `Write two times in seconds, the first one less, and a node from 0 to ${
      nodes - 1
    }, as in 60:120:0`,
  });
}

type Pair = readonly [a: number, b: number];

/** What it needs of the simulation that it is a part of. */
export interface FaultsWorld {
  readonly options: {
    readonly lists: Lists;
    readonly network: Pick<NetworkOptions, "detectMs">;
  };
  readonly names: readonly string[];
  readonly epochs: readonly number[];
  readonly network: Network;
  readonly driver: Driver;
  readonly moves: Moves;
  readonly standing: Standing;
  after(ms: number, call: () => void): void;
  restart(node: number, epoch: number): void;
  halt(node: number): void;
}

/** Makes faults happen. */
export class Faults {
  readonly #simulation: FaultsWorld;

  constructor(simulation: FaultsWorld) {
    this.#simulation = simulation;
  }

  schedule(faults: readonly Fault[]): void {
    for (const fault of faults) {
      this.#simulation.after(fault.startMs, () => this.#begin(fault));
      if (fault.kind !== "restart") {
        this.#simulation.after(fault.endMs, () => this.#end(fault));
      }
    }
  }

  #begin(fault: Fault): void {
    const { network, names, standing } = this.#simulation;
    if (fault.kind === "crash") return this.#crash(fault.node);
    if (fault.kind === "restart") return this.#restart(fault.node, fault.epoch);
    if (fault.kind === "drain") return standing.drain(fault.node, true);
    if (fault.kind === "cut") {
      const { a, b } = fault;
      return this.#change([[a, b]], () => network.setCut(a, b, true));
    }
    this.#change(this.#pairs(), () => {
      for (let node = 0; node < names.length; node++) {
        network.setGroup(node, node < fault.size ? 0 : 1);
      }
    });
  }

  #end(fault: Exclude<Fault, { kind: "restart" }>): void {
    const { network, names, standing } = this.#simulation;
    if (fault.kind === "crash") return this.#return(fault.node);
    if (fault.kind === "drain") return standing.drain(fault.node, false);
    if (fault.kind === "cut") {
      const { a, b } = fault;
      return this.#change([[a, b]], () => network.setCut(a, b, false));
    }
    this.#change(this.#pairs(), () => {
      for (let node = 0; node < names.length; node++) network.setGroup(node, 0);
    });
  }

  #crash(node: number): void {
    const simulation = this.#simulation;
    if (!simulation.network.isUp(node)) return;
    this.#change(this.#pairsOf(node), () => simulation.network.setUp(node, false));
    simulation.halt(node);
    simulation.moves.crashed(node);
  }

  #return(node: number): void {
    const simulation = this.#simulation;
    if (simulation.network.isUp(node)) return;
    simulation.restart(node, (simulation.epochs[node] as number) + 1);
    this.#change(this.#pairsOf(node), () => simulation.network.setUp(node, true));
  }

  #restart(node: number, epoch: number): void {
    const { network } = this.#simulation;
    if (!network.isUp(node)) return;
    const pairs = this.#pairsOf(node).filter(([a, b]) => network.reaches(a, b));
    for (const [a, b] of pairs) network.disconnect(a, b);
    this.#simulation.restart(node, epoch);
    for (const [a, b] of pairs) this.#connect(a, b);
  }

  /** All pairs of associated nodes. */
  #pairs(): Pair[] {
    return this.#simulation.options.lists.flatMap((list, node) =>
      list.filter((peer) => node < peer).map((peer): Pair => [node, peer])
    );
  }

  #pairsOf(node: number): Pair[] {
    return (this.#simulation.options.lists[node] ?? []).map((peer): Pair => [node, peer]);
  }

  /** Changes who reaches whom; connections of these pairs die or come up as that says. */
  #change(pairs: readonly Pair[], change: () => void): void {
    const { network } = this.#simulation;
    const before = pairs.map(([a, b]) => network.reaches(a, b));
    change();
    for (const [index, [a, b]] of pairs.entries()) {
      const reaches = network.reaches(a, b);
      if (reaches && !before[index]) this.#connect(a, b);
      if (!reaches && before[index]) this.#disconnect(a, b);
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
        this.#simulation.driver.loseLink(node, peer);
      }
    });
  }

  /** Two nodes reach each other again; a connection that died unnoticed is replaced now. */
  #connect(a: number, b: number): void {
    const { network, driver } = this.#simulation;
    network.disconnect(a, b);
    for (const [node, peer] of [[a, b], [b, a]] as const) driver.loseLink(node, peer);
    for (const [node, peer] of [[a, b], [b, a]] as const) driver.connect(node, peer);
  }
}
