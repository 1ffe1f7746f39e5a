/**
 * Several balancers in one small world, for tests.
 *
 * Messages take time, links can be cut, moves fail.
 *
 * The world knows where each process really runs, and asserts at every order what no sequence of
 * events may break.
 *
 * @module
 */

import { assert } from "../../lib/base/assert.ts";
import { Balancer } from "../../lib/core/balancer.ts";
import type { BalancerConfig, Thresholds } from "../../lib/core/contract/config.ts";
import type { Effect } from "../../lib/core/contract/effect.ts";
import type { Event } from "../../lib/core/contract/event.ts";
import type { NodeName, ProcessId } from "../../lib/core/contract/names.ts";
import type { Process } from "../../lib/core/contract/process.ts";
import type { BalancerView } from "../../lib/core/contract/view.ts";

type EffectOf<T extends Effect["type"]> = Extract<Effect, { type: T }>;

/** A process as the world knows it. */
interface Job {
  readonly id: ProcessId;
  readonly homeNode: NodeName;
  readonly pid: number;
  node: NodeName;
  cpuSeconds: number;
  rssBytes: number;
  /** Threads that compute. */
  computing: number;
  cantmove: string | null;
  /** A move of it has been ordered and has not ended. */
  isOrdered: boolean;
  moves: NodeName[];
}

/** How the next ordered move goes. */
type Outcome = "moved" | "aborted early" | "aborted late";

const MESSAGE_MS = 2;
const MOVE_MS = 50;

/** Thresholds of the thesis's tests with migration. */
export const thesisThresholds: Thresholds = { thu: 1, thf: 3, thv: 4 };

/** The world. */
export class Cluster {
  readonly balancers = new Map<NodeName, Balancer>();
  readonly jobs = new Map<ProcessId, Job>();
  /** Every step as one line: two runs are the same if these are. */
  readonly trace: string[] = [];
  readonly requests = new Map<number, string>();
  /** How the next moves go; empty: they succeed. */
  readonly outcomes: Outcome[] = [];
  /** Number of the next messages to lose. */
  lose = 0;
  /** Number of requests so far; their ids count from 1. */
  asked = 0;
  nowMs = 0;
  readonly #associated = new Map<NodeName, readonly NodeName[]>();
  readonly #cuts = new Set<string>();
  readonly #queue: { atMs: number; order: number; run: () => void }[] = [];
  readonly #isSmoothed: boolean;
  #order = 0;
  #tickets = 0n;
  #pids = 100;

  constructor(
    nodes: Readonly<Record<NodeName, readonly NodeName[]>>,
    config: Partial<BalancerConfig> = {},
  ) {
    this.#isSmoothed = (config.policy?.smoothingMs ?? 0) > 0;
    for (const [node, associated] of Object.entries(nodes)) {
      this.#associated.set(node, associated);
      const nextTicket = () => ++this.#tickets;
      this.balancers.set(
        node,
        new Balancer({
          node,
          epoch: 1,
          associated,
          thresholds: thesisThresholds,
          select: "most-cpu",
          nextTicket,
          ...config,
        }),
      );
    }
    for (const [node, associated] of this.#associated) {
      for (const peer of associated) this.step(node, { type: "peerConnected", node: peer });
    }
    this.run(10);
  }

  /** Gives one event to one node and performs the effects. */
  step(node: NodeName, event: Event): void {
    const balancer = this.#balancer(node);
    const before = balancer.view();
    const effects = balancer.step(event, this.nowMs);
    this.trace.push(`${this.nowMs} ${node} ${show(event)} -> ${effects.map(show).join(" ")}`);
    for (const effect of effects) this.#perform(node, effect);
    checkLetter(before, balancer.view(), this.#isSmoothed);
  }

  /** Starts a process on a node. */
  start(node: NodeName, known: Partial<Job> = {}): ProcessId {
    const pid = ++this.#pids;
    const id = `${node}/${pid}/1`;
    const figures = { cpuSeconds: pid, rssBytes: pid, computing: 1 };
    const job = { ...figures, cantmove: null, isOrdered: false, moves: [] };
    this.jobs.set(id, { ...job, ...known, id, homeNode: node, pid, node });
    this.step(node, { type: "processArrived", process: this.#process(id) });
    return id;
  }

  /** Ends a process where it runs. */
  end(id: ProcessId): void {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    this.jobs.delete(id);
    this.step(job.node, { type: "processEnded", id });
  }

  /** Asks for a move by hand where the process runs. */
  request(id: ProcessId, node: NodeName | null): number {
    const at = this.jobs.get(id)?.node;
    if (at === undefined) return 0;
    const requestId = ++this.asked;
    this.step(at, { type: "moveRequested", requestId, id, node });
    return requestId;
  }

  check(node: NodeName): void {
    this.step(node, { type: "check" });
  }

  /** Looks at all processes of a node, as before a check. */
  look(node: NodeName): void {
    this.step(node, { type: "sampled", samples: this.#sample(this.list(node)) });
  }

  cut(a: NodeName, b: NodeName): void {
    if (this.#isCut(a, b)) return;
    this.#cuts.add([a, b].toSorted().join());
    this.step(a, { type: "peerLost", node: b });
    this.step(b, { type: "peerLost", node: a });
  }

  heal(a: NodeName, b: NodeName): void {
    if (!this.#cuts.delete([a, b].toSorted().join())) return;
    this.step(a, { type: "peerConnected", node: b });
    this.step(b, { type: "peerConnected", node: a });
  }

  healAll(): void {
    for (const cut of [...this.#cuts]) {
      const [a, b] = cut.split(",") as [NodeName, NodeName];
      this.heal(a, b);
    }
  }

  /** Brings a process home as its shadow does: without an offer. */
  bringHome(id: ProcessId): void {
    const job = this.jobs.get(id);
    if (job === undefined || job.isOrdered || job.node === job.homeNode) return;
    const from = job.node;
    job.node = job.homeNode;
    this.step(job.node, { type: "cameHome", process: this.#process(id), cantmove: null });
    this.step(from, { type: "processEnded", id });
  }

  /** A node is in nobody's list any more, and has none. */
  leave(node: NodeName): void {
    for (const [other, list] of [...this.#associated]) {
      const nodes = other === node ? [] : list.filter((one) => one !== node);
      this.#associated.set(other, nodes);
      this.step(other, { type: "associated", nodes });
    }
  }

  /** Lets time pass, with no checks. */
  run(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.#queue.toSorted((x, y) => x.atMs - y.atMs || x.order - y.order)[0];
      const timer = this.#nextTimer();
      const atMs = Math.min(next?.atMs ?? Infinity, timer?.atMs ?? Infinity);
      if (atMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      if (next !== undefined && next.atMs === atMs) {
        this.#queue.splice(this.#queue.indexOf(next), 1);
        next.run();
      } else if (timer !== null) this.step(timer.node, { type: "timePassed" });
    }
    this.nowMs = endMs;
  }

  /** Lets time pass with a check on every node each five seconds. */
  runChecked(seconds: number): void {
    for (let i = 0; i < seconds; i += 5) {
      for (const node of this.balancers.keys()) this.check(node);
      this.run(5_000);
    }
  }

  /** Ids of the processes in a node's process table. */
  list(node: NodeName): ProcessId[] {
    return this.#balancer(node).view().processes.map(({ id }) => id);
  }

  /** Queue lengths in order of the nodes. */
  get lengths(): number[] {
    return [...this.balancers.values()].map((balancer) => balancer.view().queueLength);
  }

  #balancer(node: NodeName): Balancer {
    const balancer = this.balancers.get(node);
    assert(balancer !== undefined, `node ${node} exists`);
    return balancer;
  }

  #nextTimer(): { node: NodeName; atMs: number } | null {
    let first: { node: NodeName; atMs: number } | null = null;
    for (const [node, balancer] of this.balancers) {
      const atMs = balancer.nextTimeoutMs();
      if (atMs !== null && (first === null || atMs < first.atMs)) first = { node, atMs };
    }
    return first;
  }

  #after(ms: number, run: () => void): void {
    this.#queue.push({ atMs: this.nowMs + ms, order: this.#order++, run });
  }

  #isCut(a: NodeName, b: NodeName): boolean {
    return this.#cuts.has([a, b].toSorted().join());
  }

  /** Sends an event to another node; false if it cannot be reached. */
  #send(from: NodeName, to: NodeName, event: Event): boolean {
    if (this.#isCut(from, to) || !this.balancers.has(to)) return false;
    if (this.lose > 0) this.lose--;
    else {
      this.#after(MESSAGE_MS, () => {
        if (!this.#isCut(from, to)) this.step(to, event);
      });
    }
    return true;
  }

  #process(id: ProcessId): Process {
    const job = this.jobs.get(id);
    assert(job !== undefined, `process ${id} runs`);
    return { id, homeNode: job.homeNode, pid: job.pid, program: "job" };
  }

  #perform(node: NodeName, effect: Effect): void {
    switch (effect.type) {
      case "announce":
        for (const peer of this.#associated.get(node) ?? []) {
          this.#send(node, peer, {
            type: "peerLetter",
            node,
            announcement: effect.announcement,
          });
        }
        return;
      case "tellLetter": {
        const type = effect.greeting ? "peerGreeted" : "peerLetter";
        this.#send(node, effect.node, { type, node, announcement: effect.announcement });
        return;
      }
      case "inspect":
        this.#after(
          1,
          () => this.step(node, { type: "sampled", samples: this.#sample(effect.ids) }),
        );
        return;
      case "offer":
        return this.#offer(node, effect);
      case "withdrawOffer":
        this.#send(node, effect.to, { type: "offerWithdrawn", ticket: effect.ticket });
        return;
      case "answerOffer": {
        const { to, ticket, accepted, announcement, reason } = effect;
        this.#send(node, to, {
          type: "offerAnswered",
          from: node,
          ticket,
          accepted,
          announcement,
          reason,
        });
        return;
      }
      case "ask":
      case "refuseAsk": {
        const type = effect.type === "ask" ? "asked" : "askRefused";
        this.#send(node, effect.to, { type, node, announcement: effect.announcement });
        return;
      }
      case "orderMove":
        return this.#move(node, effect);
      case "requestDone":
        return this.#answered(effect.requestId, `done on ${effect.node}`);
      case "requestFailed":
        return this.#answered(effect.requestId, effect.reason);
      case "treatGuests":
      case "log":
        return;
    }
  }

  #answered(requestId: number, answer: string): void {
    assert(!this.requests.has(requestId), "a request is answered once");
    this.requests.set(requestId, answer);
  }

  #sample(ids: readonly ProcessId[]) {
    return ids.flatMap((id) => {
      const job = this.jobs.get(id);
      if (job === undefined) return [];
      const { cpuSeconds, rssBytes, computing, cantmove } = job;
      const threads = { all: Math.ceil(computing), computing };
      return [{ id, cpuSeconds, rssBytes, threads, cantmove }];
    });
  }

  #offer(node: NodeName, { ticket, to, id, manual, weight, load }: EffectOf<"offer">): void {
    const sent = this.#send(node, to, {
      type: "offerReceived",
      from: node,
      ticket,
      id,
      manual,
      weight,
      load,
      refusal: null,
    });
    if (sent) return;
    this.#after(1, () =>
      this.step(node, {
        type: "offerAnswered",
        from: to,
        ticket,
        accepted: false,
        announcement: null,
        reason: "it cannot be reached",
      }));
  }

  /** Moves a process; what one can see of the order's right is asserted here. */
  #move(node: NodeName, { ticket, id, to, home }: EffectOf<"orderMove">): void {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    assert(job.node === node, "a node orders only what runs there");
    assert(!job.isOrdered, "a process is ordered to move once at a time");
    assert(home === (job.homeNode === to), "a move to the home is a homecoming");
    job.isOrdered = true;
    const outcome = this.#isCut(node, to) ? "aborted early" : this.outcomes.shift() ?? "moved";
    const abort = () => {
      job.isOrdered = false;
      if (!this.jobs.has(id)) return;
      this.step(node, { type: "moveEnded", ticket, outcome: "aborted", reason: outcome });
    };
    if (outcome === "aborted early") return this.#after(MOVE_MS, abort);
    this.#after(MESSAGE_MS, () => this.step(to, { type: "arrivalStarted", ticket }));
    this.#after(MOVE_MS, () => {
      if (outcome === "aborted late" || !this.jobs.has(id)) {
        this.#after(1, abort);
        return this.step(to, { type: "arrivalFailed", ticket, reason: "gone" });
      }
      job.isOrdered = false;
      job.node = to;
      job.moves.push(to);
      // The commit: each daemon hears of it by itself, in either order.
      const process = this.#process(id);
      this.#after(ticket % 2n === 0n ? 1 : 5, () => {
        if (!home) this.step(to, { type: "arrivalConfirmed", ticket, process });
        else this.step(to, { type: "cameHome", process, cantmove: null });
        if (!this.jobs.has(id)) this.step(to, { type: "processEnded", id });
      });
      this.#after(3, () => this.step(node, { type: "moveEnded", ticket, outcome: "moved" }));
    });
  }
}

/**
 * A letter changes only at a threshold: to F at thf or above, to U at thu or below. A drained node is
 * F; a smoothed index may keep a node F for a while.
 */
function checkLetter(before: BalancerView, after: BalancerView, isSmoothed: boolean): void {
  const { thresholds, announcement: { letter, seq } } = after;
  assert(after.queueLength >= 0, "a queue length is not negative");
  for (const { weight } of after.processes) assert(weight >= 1, "a process weighs one at least");
  const isForced = after.isDraining || typeof after.machine?.memoryShortage === "string";
  assert(!isForced || letter === "F", "a node that is drained, or short of memory, is F");
  if (isForced || thresholds.unit === "percent") return;
  const lengthOf = ({ processes, reservations, machine }: BalancerView) =>
    [...processes, ...reservations].reduce((sum, { weight }) => sum + weight, 0) +
    (machine?.others ?? 0);
  const queueLength = lengthOf(after);
  // A smoothed load falls with time: the next event, be it an arrival, first finds that the node has become U.
  const least = isSmoothed ? Math.min(queueLength, lengthOf(before)) : queueLength;
  assert(seq === before.announcement.seq || least <= thresholds.thu || letter === "F", "U");
  assert(seq === before.announcement.seq || queueLength >= thresholds.thf || letter === "U", "F");
  assert(isSmoothed || letter === "U" || queueLength > thresholds.thu, "a node at thu is U");
  assert(letter === "F" || queueLength < thresholds.thf, "a node at thf is F");
}

function show(value: Event | Effect): string {
  return JSON.stringify(value, (_, field) => typeof field === "bigint" ? `${field}n` : field);
}
