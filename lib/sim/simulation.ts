/**
 * A simulated cluster: the shell around the very balancers that the daemons run, in virtual time.
 *
 * @module
 */

import { assert, unreachable } from "../base/assert.ts";
import type { Prng } from "../base/prng.ts";
import { Balancer } from "../core/balancer.ts";
import type { BalancerConfig, Effect, Event, ProcessId, Ticket } from "../core/types.ts";
import { type Fault, Faults } from "./faults.ts";
import { Alarms, EventQueue } from "./heap.ts";
import type { Lists } from "./lists.ts";
import { Moves } from "./moves.ts";
import { Network, type NetworkOptions } from "./network.ts";
import { COLUMNS, Recorder } from "./recorder.ts";
import { type Job, Stations } from "./stations.ts";
import { type Arrival, randomStream, type Workload } from "./workload.ts";

/** What a simulation is told. */
export interface SimulationOptions {
  /** By node. */
  readonly speeds: readonly number[];
  readonly cores: readonly number[];
  readonly lists: Lists;
  /** What every balancer is told, besides what is its own; null: there are none. */
  readonly balancer:
    | Omit<BalancerConfig, "node" | "epoch" | "associated" | "nextTicket" | "capacity" | "seed">
    | null;
  /** Time between a daemon's checks. */
  readonly checkMs: number;
  readonly workload: Workload;
  readonly network: NetworkOptions;
  /** What a move takes besides the time that the memory travels. */
  readonly freezeMs: number;
  readonly faults: readonly Fault[];
  readonly seed: number;
  readonly warmupMs: number;
  readonly durationMs: number;
}

/** A message on its way. */
interface Delivery {
  readonly from: number;
  readonly to: number;
  readonly incarnation: number;
  readonly event: Event;
}

/** What can be queued: a message, a letter to a whole list, what a look has shown, anything else. */
type Queued =
  | { readonly kind: "deliver"; readonly delivery: Delivery }
  | { readonly kind: "broadcast"; readonly from: number; readonly event: Event }
  | { readonly kind: "call"; readonly call: () => void };

/** Reading /proc takes no longer. */
const INSPECT_MS = 1;

/** A simulated cluster. */
export class Simulation {
  readonly options: SimulationOptions;
  readonly stations: Stations;
  readonly network: Network;
  readonly recorder: Recorder;
  readonly names: readonly string[];
  readonly balancers: (Balancer | null)[] = [];
  /** Numbers of nodes by name, of jobs by id. */
  readonly numbers: ReadonlyMap<string, number>;
  readonly jobs = new Map<ProcessId, Job>();
  nowMs = 0;
  /** By job: its id, its home, where it is (at its source while it moves), arrival, memory. */
  readonly ids: ProcessId[] = [];
  readonly homes: number[] = [];
  readonly places: number[] = [];
  readonly arrivedMs: number[] = [];
  readonly bytes: number[] = [];
  readonly epochs: number[];
  /** Number of jobs that are frozen here, and still count as this node's load. */
  readonly frozen: Int32Array;
  readonly #queue = new EventQueue<Queued>();
  readonly #alarms: Alarms;
  readonly #moves: Moves;
  /** Each node's offer that has no answer yet. */
  readonly #offers: ({ ticket: Ticket; to: number } | null)[];
  readonly #tickets: Prng;
  readonly #isFaulty: boolean;
  #next: Arrival | null;
  #pids = 0;
  #column = 0;

  constructor(options: SimulationOptions) {
    const nodes = options.speeds.length;
    assert(options.lists.length === nodes, "each node has a list");
    this.options = options;
    this.stations = new Stations(options.speeds, options.cores);
    this.network = new Network(nodes, options.network, randomStream(options.seed, 5));
    this.recorder = new Recorder(nodes, options.warmupMs, options.durationMs);
    this.names = Array.from({ length: nodes }, (_, node) => `n${node}`);
    this.numbers = new Map(this.names.map((name, node) => [name, node]));
    this.epochs = this.names.map(() => 1);
    this.frozen = new Int32Array(nodes);
    this.#alarms = new Alarms(3 * nodes);
    this.#tickets = randomStream(options.seed, 6);
    this.#moves = new Moves(this);
    this.#offers = this.names.map(() => null);
    this.#isFaulty = options.faults.length > 0;
    this.#next = options.workload();
    for (let node = 0; node < nodes; node++) this.balancers.push(this.#newBalancer(node));
    for (let node = 0; node < nodes; node++) this.#greet(node);
    const phases = randomStream(options.seed, 7);
    for (let node = 0; options.balancer !== null && node < nodes; node++) {
      this.#alarms.set(nodes + node, phases.nextFloat() * options.checkMs);
    }
    new Faults(this).schedule(options.faults);
  }

  /** Number of jobs on a node, with those that are frozen for a move. */
  load(node: number): number {
    return this.stations.count(node) + (this.frozen[node] as number);
  }

  /** Lets virtual time pass, at most to the end of the run. */
  advance(untilMs: number): void {
    const endMs = Math.min(untilMs, this.options.durationMs);
    for (;;) {
      const arrivalMs = this.#next?.atMs ?? Infinity;
      const queueMs = this.#queue.nextMs, alarmMs = this.#alarms.nextMs;
      const atMs = Math.min(arrivalMs, queueMs, alarmMs);
      this.#sampleUntil(Math.min(atMs, endMs));
      if (atMs > endMs) break;
      this.nowMs = atMs;
      if (queueMs === atMs) this.#take(this.#queue.pop());
      else if (alarmMs === atMs) this.#ring(this.#alarms.nextSlot);
      else if (this.#next !== null) {
        const arrival = this.#next;
        this.#next = this.options.workload();
        this.#arrive(arrival);
      }
    }
    this.nowMs = endMs;
  }

  /** Gives one event to a node and performs the effects. */
  step(node: number, event: Event): void {
    const balancer = this.balancers[node];
    if (balancer === null || balancer === undefined) return;
    const effects = balancer.step(event, this.nowMs);
    for (const effect of effects) this.#perform(node, effect);
    const deadlineMs = balancer.nextTimeoutMs() ?? Infinity;
    this.#alarms.set(2 * this.names.length + node, deadlineMs);
  }

  /** Sends an event to another node; what cannot be sent is lost. */
  send(from: number, to: number, event: Event): void {
    if (this.#isFaulty && !this.network.reaches(from, to)) return;
    const incarnation = this.#isFaulty ? this.network.incarnation(from, to) : 0;
    const delivery = { from, to, incarnation, event };
    const atMs = this.network.arrivalMs(from, to, this.nowMs);
    this.#queue.push(atMs, { kind: "deliver", delivery });
  }

  /** Does something later. */
  after(ms: number, call: () => void): void {
    this.#queue.push(this.nowMs + ms, { kind: "call", call });
  }

  /** A node's connection to another is gone: its balancer hears of it, and of a lost answer. */
  loseLink(node: number, peer: number): void {
    this.step(node, { type: "peerLost", node: this.name(peer) });
    const offer = this.#offers[node] ?? null;
    if (offer?.to === peer) this.#refuseUnsent(node, offer.ticket, peer);
  }

  /** A daemon starts again, with an empty list and without connections. */
  restart(node: number): void {
    this.epochs[node] = (this.epochs[node] as number) + 1;
    this.balancers[node] = this.#newBalancer(node);
    this.#offers[node] = null;
  }

  /** A node is down: all that ran there is gone. */
  halt(node: number): void {
    this.balancers[node] = null;
    this.#alarms.set(2 * this.names.length + node, Infinity);
  }

  /** Sets the alarm for the end of the next job of a node, whose jobs have changed. */
  rescheduled(node: number): void {
    this.#alarms.set(node, this.stations.nextEndMs(node));
  }

  /** Ends a job before its work is done. */
  lose(job: Job): void {
    this.recorder.counts.lost++;
    this.#forget(job);
  }

  name(node: number): string {
    return this.names[node] as string;
  }

  process(job: Job) {
    const [id, home] = [this.ids[job] as string, this.homes[job] as number];
    return { id, homeNode: this.name(home), pid: job + 1, program: "job" };
  }

  #greet(node: number): void {
    for (const peer of this.options.lists[node] ?? []) {
      this.step(node, { type: "peerConnected", node: this.name(peer) });
    }
  }

  #newBalancer(node: number): Balancer | null {
    const { balancer, lists, cores, speeds, seed } = this.options;
    if (balancer === null) return null;
    return new Balancer({
      ...balancer,
      capacity: { cores: cores[node] as number, speed: speeds[node] as number },
      seed: randomStream(seed, 1000 + node).nextU32(),
      node: this.name(node),
      epoch: this.epochs[node] as number,
      associated: (lists[node] ?? []).map((peer) => this.name(peer)),
      nextTicket: () => this.#tickets.nextU64(),
    });
  }

  #arrive({ node, demandMs, bytes }: Arrival): void {
    this.recorder.counts.arrived++;
    if (!this.network.isUp(node)) {
      this.recorder.counts.lost++;
      return;
    }
    const job = this.stations.make(demandMs);
    const id = `${this.name(node)}/${++this.#pids}/1`;
    this.ids[job] = id;
    this.homes[job] = node;
    this.places[job] = node;
    this.arrivedMs[job] = this.nowMs;
    this.bytes[job] = bytes;
    this.jobs.set(id, job);
    this.stations.start(node, job, this.nowMs);
    this.rescheduled(node);
    if (this.options.balancer === null) return;
    this.step(node, { type: "processArrived", process: this.process(job) });
  }

  #ring(slot: number): void {
    const nodes = this.names.length;
    const node = slot % nodes;
    if (slot < nodes) return this.#end(node);
    if (slot >= 2 * nodes) return this.step(node, { type: "timePassed" });
    this.#alarms.set(slot, this.nowMs + this.options.checkMs);
    this.step(node, { type: "check" });
  }

  #end(node: number): void {
    const job = this.stations.end(node, this.nowMs);
    this.rescheduled(node);
    const demandMs = this.stations.demands[job] as number;
    this.recorder.ended(this.arrivedMs[job] as number, demandMs, this.nowMs);
    const id = this.ids[job] as string;
    this.#forget(job);
    this.step(node, { type: "processEnded", id });
  }

  #forget(job: Job): void {
    this.jobs.delete(this.ids[job] as string);
    this.stations.forget(job);
  }

  #take(queued: Queued): void {
    if (queued.kind === "call") return queued.call();
    if (queued.kind === "broadcast") {
      for (const peer of this.options.lists[queued.from] ?? []) this.step(peer, queued.event);
      return;
    }
    const { from, to, incarnation, event } = queued.delivery;
    if (this.#isFaulty) {
      if (!this.network.reaches(from, to)) return;
      if (this.network.incarnation(from, to) !== incarnation) return;
    }
    if (event.type === "offerAnswered" && this.#offers[to]?.ticket === event.ticket) {
      this.#offers[to] = null;
    }
    this.step(to, event);
  }

  #perform(node: number, effect: Effect): void {
    switch (effect.type) {
      case "announce":
        return this.#announce(node, effect);
      case "tellLetter": {
        const type = effect.greeting ? "peerGreeted" : "peerLetter";
        this.recorder.sent(1, true, this.nowMs);
        const { announcement } = effect;
        this.send(node, this.#number(effect.node), { type, node: this.name(node), announcement });
        return;
      }
      case "inspect":
        return this.after(INSPECT_MS, () => this.#sample(node, effect.ids));
      case "offer":
        return this.#offer(node, effect);
      case "withdrawOffer":
        this.recorder.sent(1, false, this.nowMs);
        this.send(node, this.#number(effect.to), { type: "offerWithdrawn", ticket: effect.ticket });
        return;
      case "answerOffer":
        return this.#answer(node, effect);
      case "orderMove":
        return this.#moves.begin(node, effect);
      case "requestDone":
      case "requestFailed":
      case "log":
        return;
      default:
        return unreachable(effect);
    }
  }

  #announce(node: number, { announcement }: Extract<Effect, { type: "announce" }>): void {
    const list = this.options.lists[node] ?? [];
    this.recorder.sent(list.length, true, this.nowMs);
    const event: Event = { type: "peerLetter", node: this.name(node), announcement };
    if (this.network.isSteady && !this.#isFaulty) {
      const atMs = this.nowMs + this.options.network.latencyMs;
      this.#queue.push(atMs, { kind: "broadcast", from: node, event });
    } else {
      for (const peer of list) this.send(node, peer, event);
    }
  }

  #sample(node: number, ids: readonly ProcessId[]): void {
    const samples = ids.flatMap((id) => {
      const job = this.jobs.get(id);
      if (job === undefined || this.places[job] !== node) return [];
      const left = this.stations.left(node, job, this.nowMs);
      const cpuSeconds = ((this.stations.demands[job] as number) - left) / 1000;
      return [{ id, cpuSeconds, rssBytes: this.bytes[job] as number, cantmove: null }];
    });
    this.step(node, { type: "sampled", samples });
  }

  #offer(node: number, { ticket, to, id, manual }: Extract<Effect, { type: "offer" }>): void {
    const peer = this.#number(to);
    this.recorder.sent(1, false, this.nowMs);
    this.recorder.count("offers", this.nowMs);
    const from = this.name(node);
    this.#offers[node] = { ticket, to: peer };
    const event = { type: "offerReceived", from, ticket, id, manual, refusal: null } as const;
    if (this.network.reaches(node, peer)) this.send(node, peer, event);
    else this.after(INSPECT_MS, () => this.#refuseUnsent(node, ticket, peer));
  }

  #refuseUnsent(node: number, ticket: Ticket, peer: number): void {
    if (this.#offers[node]?.ticket !== ticket) return;
    this.#offers[node] = null;
    const reason = "it cannot be reached";
    const from = this.name(peer);
    const event = { type: "offerAnswered", from, ticket, accepted: false } as const;
    this.step(node, { ...event, announcement: null, reason });
  }

  #answer(node: number, effect: Extract<Effect, { type: "answerOffer" }>): void {
    const { to, ticket, accepted, announcement, reason } = effect;
    this.recorder.sent(1, false, this.nowMs);
    if (!accepted) this.recorder.count("collisions", this.nowMs);
    const from = this.name(node);
    this.send(node, this.#number(to), {
      type: "offerAnswered",
      from,
      ticket,
      accepted,
      announcement,
      reason,
    });
  }

  #number(name: string): number {
    return this.numbers.get(name) as number;
  }

  #sampleUntil(ms: number): void {
    const stepMs = this.options.durationMs / COLUMNS;
    while (this.#column < COLUMNS && (this.#column + 0.5) * stepMs <= ms) {
      this.recorder.sampleLoad(this.#column++, (node) => this.load(node));
    }
  }
}
