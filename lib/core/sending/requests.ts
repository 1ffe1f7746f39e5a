/**
 * Moves that a person asks for, until their turn.
 *
 * @module
 */

import type { NodeName, ProcessId } from "../contract/names.ts";

/** A move asked for by a person. */
export interface Request {
  /** Of the driver, which it gets back with the answer. */
  readonly requestId: number;
  readonly id: ProcessId;
  /** Where it shall go; null: the node is free to choose. */
  readonly node: NodeName | null;
  /** Nodes that have refused, with their reasons, when the node is free to choose. */
  readonly tried: Map<NodeName, string>;
}

/** Requests that wait or are under way; a person seldom has more than a few. */
export const REQUESTS_MAX = 64;

/** Why no node takes a process that may go to any. */
export function whyNobody({ tried }: Request): string {
  if (tried.size === 0) return "no associated node is U";
  const reasons = [...tried].map(([node, reason]) => `${node}: ${reason}`).join("; ");
  return `no associated node takes it: ${[...tried.keys()].join(", ")} refused (${reasons})`;
}

/** Those that wait for another transfer of the same process, or as too many are under way. */
export class Requests {
  #waiting: Request[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /** Lets one wait. */
  add(request: Request): void {
    this.#waiting.push(request);
  }

  /** Takes out the first that may begin, or null. */
  next(mayBegin: (request: Request) => boolean): Request | null {
    const next = this.#waiting.find(mayBegin) ?? null;
    if (next !== null) this.#waiting = this.#waiting.filter((request) => request !== next);
    return next;
  }

  /** Takes out those of a process, and returns them. */
  removeOf(id: ProcessId): Request[] {
    const removed = this.#waiting.filter((request) => request.id === id);
    if (removed.length > 0) this.#waiting = this.#waiting.filter((request) => request.id !== id);
    return removed;
  }

  /** Lists them in order of arrival. */
  list(): readonly Request[] {
    return this.#waiting;
  }
}
