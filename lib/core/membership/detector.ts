/**
 * Who is there: failure detection by silence.
 *
 * It is SWIM's (Das, Gupta and Motivala, DSN 2002): a ping to each associated node at each check; one that
 * is not answered is asked for through others, which may have a way that this node has not; then the
 * member is suspected, and fails unless it refutes that in time. Time-outs grow with the local health of
 * Lifeguard (Dadgar, Phillips and Currey, 2018).
 *
 * @module
 */

import type { Prng } from "../../base/prng.ts";
import type { NodeName } from "../contract/names.ts";
import { Health } from "./health.ts";
import { answerMs, type Probe, Probes } from "./probes.ts";
import type { Body, Message, Status } from "./types.ts";

/** Who is asked about a node that does not answer; as many as SWIM and its descendants ask. */
export const helpersMax = 3;
/** A timer that fires later than this was held up by this node's own load, or a stopped daemon. */
const LATE_MS = 500;
/** A suspected member has so many checks to refute it, and never less than the time below. */
const SUSPICION_CHECKS = 3;
const SUSPICION_MS_MIN = 3_000;
/** Who has not pinged for so many checks has another list now. */
const CALLER_CHECKS = 3;
/** A helper answers for a silent node in this part of the time that the asker waits. */
const ERRAND_SHARE = 0.8;

/** How long a member may refute that it has failed, where the one who suspects it is healthy. */
export function suspicionMs(checkMs: number): number {
  return Math.max(SUSPICION_MS_MIN, SUSPICION_CHECKS * checkMs);
}

/** What a detector works with. */
export interface DetectorOptions {
  readonly checkMs: () => number;
  readonly prng: Prng;
  readonly statusOf: (node: NodeName) => Status | undefined;
  readonly send: (to: NodeName, body: Body) => void;
  /** This node holds a member for suspected, or failed. */
  readonly hold: (node: NodeName, status: "suspected" | "failed") => void;
}

/** Pings, asks, and waits, for one node. */
export class Detector {
  readonly health = new Health();
  /** Nodes to which there is a connection. */
  readonly connected = new Set<NodeName>();
  readonly #options: DetectorOptions;
  readonly #probes = new Probes();
  /** When a node last answered, or pinged. */
  readonly #heardMs = new Map<NodeName, number>();
  /**
   * When nodes have pinged this one: those that are not in its list, as that is full, are watched too, or
   * nobody might.
   */
  readonly #callers = new Map<NodeName, number>();
  /** Until when a suspected member may refute it. */
  readonly #suspicions = new Map<NodeName, number>();
  #checkedMs: number | null = null;
  #nowMs = 0;

  constructor(options: DetectorOptions) {
    this.#options = options;
  }

  /** A number that no other ping, question or sync of this run has. */
  nextRequest(): number {
    return this.#probes.nextRequest();
  }

  /** When `advance()` has something to do, or Infinity. */
  nextTimeoutMs(): number {
    return Math.min(this.#probes.nextTimeoutMs(), ...this.#suspicions.values());
  }

  /** Time has passed. */
  advance(nowMs: number): void {
    this.#forgive(nowMs);
    this.#nowMs = nowMs;
    const { probes, errands } = this.#probes.takeDue(nowMs);
    for (const { asker, request, node } of errands) {
      this.#options.send(asker, { type: "unheard", request, target: node });
    }
    for (const probe of probes) {
      if (probe.helpers === null) this.#askHelpers(probe);
      else this.#giveUp(probe);
    }
    for (const [node, deadlineMs] of [...this.#suspicions]) {
      if (deadlineMs <= nowMs) this.#options.hold(node, "failed");
    }
  }

  /**
   * If this node was held up, by load or because its daemon was stopped, answers may lie unread: what
   * waits for others waits longer by as much, and this node trusts itself less.
   */
  #forgive(nowMs: number): void {
    const dueMs = this.nextTimeoutMs();
    const lateMs = dueMs === Infinity ? 0 : nowMs - dueMs;
    const checkMs = this.#options.checkMs();
    const checkLateMs = this.#checkedMs === null ? 0 : nowMs - this.#checkedMs - 2 * checkMs;
    if (lateMs <= LATE_MS && checkLateMs <= LATE_MS) return;
    this.health.worsen();
    if (checkLateMs > LATE_MS) this.#checkedMs = nowMs; // counted once
    if (lateMs <= LATE_MS) return;
    const graceMs = lateMs + this.#waitMs;
    this.#probes.postpone(graceMs);
    for (const [node, deadlineMs] of this.#suspicions) {
      this.#suspicions.set(node, deadlineMs + graceMs);
    }
  }

  /** How long a step of a probe waits. */
  get #waitMs(): number {
    return answerMs * this.health.multiplier;
  }

  /** The periodic check: pings each of these nodes that is connected, and those that ping this one. */
  check(nodes: readonly NodeName[]): void {
    this.#checkedMs = this.#nowMs;
    for (const node of nodes) if (this.connected.has(node)) this.ping(node);
    const oldMs = this.#nowMs - CALLER_CHECKS * this.#options.checkMs();
    for (const [node, pingedMs] of this.#callers) {
      const status = this.#options.statusOf(node);
      const hasAnswered = (this.#heardMs.get(node) ?? -Infinity) > pingedMs;
      const isOver = status !== "alive" && status !== "suspected";
      if (isOver || nodes.includes(node) || (pingedMs < oldMs && hasAnswered)) {
        this.#callers.delete(node);
      } else this.ping(node, "knock");
    }
  }

  /** Asks a node whether it is there, unless that is under way. */
  ping(node: NodeName, type: "ping" | "knock" = "ping"): void {
    const probe = this.#probes.begin(node, this.#nowMs + this.#waitMs);
    if (probe !== null) this.#sendPing(probe, type);
  }

  #sendPing(probe: Probe, type: "ping" | "knock" = "ping"): void {
    const request = this.#probes.nextRequest();
    probe.requests.add(request);
    this.#options.send(probe.node, { type, request });
  }

  /** There is a connection to this node: now it can be asked. */
  met(node: NodeName): void {
    this.connected.add(node);
    const waitingMs = this.#nowMs + this.#waitMs;
    const probe = this.#probes.own.get(node) ?? this.#probes.begin(node, waitingMs);
    if (probe === null) return;
    probe.deadlineMs = waitingMs;
    this.#sendPing(probe);
  }

  /** There is no way to this node from here: others may know one. */
  lost(node: NodeName): void {
    this.connected.delete(node);
    if (this.#options.statusOf(node) !== "alive") return;
    const probe = this.#probes.own.get(node) ?? this.#probes.begin(node, Infinity);
    if (probe !== null && probe.helpers === null) this.#askHelpers(probe);
  }

  /** A connection on behalf of another node could not be made. */
  unreachable(node: NodeName): void {
    for (const { asker, request } of this.#probes.takeErrands(node)) {
      this.#options.send(asker, { type: "unheard", request, target: node });
    }
  }

  #askHelpers(probe: Probe): void {
    const others = [...this.connected].filter((node) =>
      node !== probe.node && this.#options.statusOf(node) === "alive"
    );
    probe.helpers = new Set();
    probe.deadlineMs = this.#nowMs + this.#waitMs;
    while (probe.helpers.size < helpersMax && others.length > 0) {
      const [helper] = others.splice(this.#options.prng.nextInt(others.length), 1);
      if (helper !== undefined) probe.helpers.add(helper);
    }
    // Once more itself, too: the first ping may be lost with its connection.
    if (this.connected.has(probe.node)) this.#sendPing(probe);
    for (const helper of probe.helpers) {
      const request = this.#probes.nextRequest();
      probe.requests.add(request);
      this.#options.send(helper, { type: "ask", request, target: probe.node });
    }
  }

  /** Nobody has heard of it. Where not even those answer who were asked, this node may be the cause. */
  #giveUp(probe: Probe): void {
    this.#probes.own.delete(probe.node);
    if (!probe.hasHelp) this.health.worsen();
    if (this.#options.statusOf(probe.node) === "alive") this.#options.hold(probe.node, "suspected");
  }

  #isThere(probe: Probe): void {
    this.#probes.own.delete(probe.node);
    this.health.improve();
  }

  /** Notes that a node runs, before its claims are taken. */
  hear(from: NodeName, message: Message): void {
    const isAnswer = message.type === "ack" && this.#probes.find(from, message.request) !== null;
    if (message.type === "ping") this.#callers.set(from, this.#nowMs);
    if (isAnswer || message.type === "ping") this.#heardMs.set(from, this.#nowMs);
  }

  /** Whether a node was heard so lately, over a connection that stands, that it cannot have failed. */
  hears(node: NodeName): boolean {
    const freshMs = 2 * this.#options.checkMs() + this.#waitMs;
    return this.connected.has(node) &&
      this.#nowMs - (this.#heardMs.get(node) ?? -Infinity) <= freshMs;
  }

  /** Takes an answer; returns whether it answers a ping of this node's own. */
  acked(from: NodeName, request: number): boolean {
    const errand = this.#probes.takeErrand(from, request);
    if (errand !== null) {
      const { asker, request: question } = errand;
      this.#options.send(asker, { type: "heard", request: question, target: from });
      return false;
    }
    const probe = this.#probes.find(from, request);
    if (probe !== null) this.#isThere(probe); // else it is late, or a duplicate
    return probe !== null;
  }

  /** Pings a node for another. */
  asked(asker: NodeName, { request: question, target }: Extract<Message, { type: "ask" }>): void {
    const deadlineMs = this.#nowMs + ERRAND_SHARE * answerMs;
    const request = this.#probes.nextRequest();
    this.#probes.errands.set(request, { node: target, asker, request: question, deadlineMs });
    this.#options.send(target, { type: "knock", request });
  }

  /** A helper has answered. */
  helped(from: NodeName, message: Extract<Message, { type: "heard" | "unheard" }>): void {
    const probe = this.#probes.find(message.target, message.request);
    if (probe === null || probe.helpers?.delete(from) !== true) return;
    probe.hasHelp = true;
    if (message.type === "heard") return this.#isThere(probe);
    if (probe.helpers.size === 0 && !this.connected.has(probe.node)) this.#giveUp(probe);
  }

  /** What is held of a member has changed. */
  changed(node: NodeName, status: Status): void {
    this.#suspicions.delete(node);
    if (status === "failed" || status === "left") this.#probes.own.delete(node);
    if (status !== "suspected") return;
    const patienceMs = suspicionMs(this.#options.checkMs()) * this.health.multiplier;
    this.#suspicions.set(node, this.#nowMs + patienceMs);
    if (this.connected.has(node)) this.ping(node);
  }

  /** Waits for nobody any more. */
  stop(): void {
    this.#probes.own.clear();
    this.#probes.errands.clear();
    this.#suspicions.clear();
    this.#callers.clear();
  }
}
