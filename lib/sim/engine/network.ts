/**
 * The modelled network.
 *
 * How long a message or a process's memory takes, and who can reach whom.
 *
 * Daemons talk over TCP, so a lost packet delays what follows it on its connection instead of
 * vanishing. Two nodes have a connection in each direction, and a letter may take either: with
 * `reorders` messages overtake each other.
 *
 * @module
 */

import type { Prng } from "../../base/prng.ts";

/** The network's properties. */
export interface NetworkOptions {
  /** One way, in milliseconds. */
  readonly latencyMs: number;
  /** Mean of the exponential part that is added to it, in milliseconds. */
  readonly jitterMs: number;
  /** Bytes per millisecond of each node's port, shared by the moves that use it. */
  readonly bytesPerMs: number;
  /** Probability that a packet is lost. */
  readonly loss: number;
  /** Messages between the same nodes may overtake each other. */
  readonly reorders: boolean;
  /** Probability that the connection of a move breaks under a message; 0 without it. */
  readonly resets?: number;
  /** How long a node is silent before others notice that it is gone, in milliseconds. */
  readonly detectMs: number;
}

/** The least retransmission time of Linux, in milliseconds; doubled at each further loss. */
const RETRANSMIT_MS = 200;
/** Doublings until TCP's time-out is as long as it gets here (12.8 s). */
const DOUBLINGS_MAX = 6;

/** Delays, cuts and ports. */
export class Network {
  readonly options: NetworkOptions;
  readonly #prng: Prng;
  readonly #nodes: number;
  /** Time of the last delivery by directed pair, where the order is kept. */
  readonly #lastMs = new Map<number, number>();
  /** Groups that cannot reach each other. */
  readonly #groups: Uint8Array;
  readonly #isDown: Uint8Array;
  /** Pairs whose link is cut. */
  readonly #cuts = new Set<number>();
  /** Counts the connections of a pair: what an earlier one carried never arrives. */
  readonly #incarnations = new Map<number, number>();
  readonly #portFreeMs: Float64Array;

  constructor(nodes: number, options: NetworkOptions, prng: Prng) {
    this.#nodes = nodes;
    this.options = options;
    this.#prng = prng;
    this.#groups = new Uint8Array(nodes);
    this.#isDown = new Uint8Array(nodes);
    this.#portFreeMs = new Float64Array(nodes);
  }

  /** Every message takes the same time. */
  get isSteady(): boolean {
    return this.options.loss === 0 && this.options.jitterMs === 0;
  }

  /** When a message that is sent now arrives. */
  arrivalMs(from: number, to: number, nowMs: number): number {
    const { latencyMs, jitterMs, loss, reorders } = this.options;
    let atMs = nowMs + latencyMs;
    if (this.isSteady) return atMs;
    if (jitterMs > 0) atMs += this.#prng.nextExponential(jitterMs);
    for (let losses = 0; loss > 0 && this.#prng.nextFloat() < loss; losses++) {
      atMs += RETRANSMIT_MS * 2 ** Math.min(losses, DOUBLINGS_MAX);
    }
    if (reorders) return atMs;
    const pair = from * this.#nodes + to;
    atMs = Math.max(atMs, this.#lastMs.get(pair) ?? 0);
    this.#lastMs.set(pair, atMs);
    return atMs;
  }

  /** When the memory of a process is over there; both ports are taken until then. */
  streamedMs(from: number, to: number, bytes: number, nowMs: number): number {
    const free = this.#portFreeMs;
    const startMs = Math.max(nowMs, free[from] as number, free[to] as number);
    const endMs = startMs + bytes / this.options.bytesPerMs;
    free[from] = endMs;
    free[to] = endMs;
    return endMs + this.options.latencyMs;
  }

  /** Draws whether a connection breaks under this message. */
  breaks(): boolean {
    const { resets = 0 } = this.options;
    return resets > 0 && this.#prng.nextFloat() < resets;
  }

  /** Whether two nodes are both up, in the same group, and their link is not cut. */
  reaches(a: number, b: number): boolean {
    return this.#groups[a] === this.#groups[b] && this.#isDown[a] === 0 && this.#isDown[b] === 0 &&
      (this.#cuts.size === 0 || !this.#cuts.has(this.#pair(a, b)));
  }

  isUp(node: number): boolean {
    return this.#isDown[node] === 0;
  }

  setUp(node: number, isUp: boolean): void {
    this.#isDown[node] = isUp ? 0 : 1;
  }

  setGroup(node: number, group: number): void {
    this.#groups[node] = group;
  }

  /** Cuts the link of a pair, or mends it. */
  setCut(a: number, b: number, isCut: boolean): void {
    if (isCut) this.#cuts.add(this.#pair(a, b));
    else this.#cuts.delete(this.#pair(a, b));
  }

  /** The connection of a pair now; a message counts only if it is still the same at its arrival. */
  incarnation(a: number, b: number): number {
    if (this.#incarnations.size === 0) return 0;
    return this.#incarnations.get(this.#pair(a, b)) ?? 0;
  }

  /** The connection of a pair is gone, with all that was on its way. */
  disconnect(a: number, b: number): void {
    const pair = this.#pair(a, b);
    this.#incarnations.set(pair, (this.#incarnations.get(pair) ?? 0) + 1);
  }

  #pair(a: number, b: number): number {
    return a < b ? a * this.#nodes + b : b * this.#nodes + a;
  }
}
