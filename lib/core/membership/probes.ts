/**
 * Pings that wait for their answer.
 *
 * Those that are made for others among them.
 *
 * @module
 */

import type { NodeName } from "../contract/names.ts";

/** How long each step waits where this node is healthy; a LAN answers in milliseconds. */
export const answerMs = 1_000;

/** One question whether a node is there. */
export interface Probe {
  readonly node: NodeName;
  /** Numbers of the pings that were sent for it. */
  readonly requests: Set<number>;
  /** Who is asked; null: only the node itself, so far. */
  helpers: Set<NodeName> | null;
  /** Whether one of them has answered, whatever it said. */
  hasHelp: boolean;
  deadlineMs: number;
}

/** A ping that another node has asked for. */
export interface Errand {
  readonly node: NodeName;
  readonly asker: NodeName;
  /** The number of its question. */
  readonly request: number;
  deadlineMs: number;
}

/** All that is waited for. */
export class Probes {
  readonly own = new Map<NodeName, Probe>();
  /** By the number of the ping. */
  readonly errands = new Map<number, Errand>();
  #last = 0;

  /** A number that no ping or question of this run has. */
  nextRequest(): number {
    return ++this.#last;
  }

  /** Begins to wait for a node, unless that is so already. */
  begin(node: NodeName, deadlineMs: number): Probe | null {
    if (this.own.has(node)) return null;
    const probe: Probe = { node, requests: new Set(), helpers: null, hasHelp: false, deadlineMs };
    this.own.set(node, probe);
    return probe;
  }

  /** The probe that this answer is to; a late or repeated one is to none. */
  find(node: NodeName, request: number): Probe | null {
    const probe = this.own.get(node);
    return probe?.requests.has(request) === true ? probe : null;
  }

  /** Takes what has waited long enough. */
  takeDue(nowMs: number): { probes: Probe[]; errands: Errand[] } {
    const probes = [...this.own.values()].filter(({ deadlineMs }) => deadlineMs <= nowMs);
    const due = [...this.errands].filter(([, { deadlineMs }]) => deadlineMs <= nowMs);
    for (const [request] of due) this.errands.delete(request);
    return { probes, errands: due.map(([, errand]) => errand) };
  }

  /** Takes the errand that this node's answer belongs to, if there is one. */
  takeErrand(node: NodeName, request: number): Errand | null {
    const errand = this.errands.get(request);
    if (errand?.node !== node) return null;
    this.errands.delete(request);
    return errand;
  }

  /** Takes all errands to a node. */
  takeErrands(node: NodeName): Errand[] {
    const found = [...this.errands].filter(([, errand]) => errand.node === node);
    for (const [request] of found) this.errands.delete(request);
    return found.map(([, errand]) => errand);
  }

  /** The earliest deadline, or Infinity. */
  nextTimeoutMs(): number {
    let earliestMs = Infinity;
    for (const { deadlineMs } of this.own.values()) earliestMs = Math.min(earliestMs, deadlineMs);
    for (const { deadlineMs } of this.errands.values()) {
      earliestMs = Math.min(earliestMs, deadlineMs);
    }
    return earliestMs;
  }

  /** This node did not run for a while: nobody is late by that. */
  postpone(ms: number): void {
    for (const probe of this.own.values()) probe.deadlineMs += ms;
    for (const errand of this.errands.values()) errand.deadlineMs += ms;
  }
}
