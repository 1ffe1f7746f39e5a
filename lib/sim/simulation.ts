/**
 * A simulated cluster in virtual time.
 *
 * The driver around the very balancers that the daemons run.
 *
 * @module
 */

import { assert } from "../base/assert.ts";
import type { Prng } from "../base/prng.ts";
import { Balancer } from "../core/balancer.ts";
import type { Event } from "../core/contract/event.ts";
import type { ProcessId } from "../core/contract/names.ts";
import { Clocks } from "./engine/clocks.ts";
import { Costs } from "./model/costs.ts";
import { Faults } from "./model/faults.ts";
import { Alarms, EventQueue } from "./engine/heap.ts";
import { Launches } from "./model/launches.ts";
import { type Meter, meterOf } from "./model/meter.ts";
import { Moves } from "./model/moves.ts";
import { Network } from "./engine/network.ts";
import { Owners } from "./model/owners.ts";
import type { SimulationOptions } from "./model/options.ts";
import type { Queued } from "./engine/queued.ts";
import { Recorder } from "./report/recorder.ts";
import { Room } from "./model/room.ts";
import { Driver } from "./model/driver.ts";
import { Standing } from "./model/standing.ts";
import { type Job, NOWHERE, Stations } from "./engine/stations.ts";
import { Strangers } from "./model/strangers.ts";
import { type Arrival, randomStream } from "./model/workload.ts";

/** Events without fields, of which a long run has millions. */
const CHECK: Event = { type: "check" };
const TIME_PASSED: Event = { type: "timePassed" };

/** A simulated cluster. */
export class Simulation {
  readonly options: SimulationOptions;
  readonly stations: Stations;
  readonly network: Network;
  readonly recorder: Recorder;
  readonly driver: Driver;
  readonly moves: Moves;
  readonly costs: Costs;
  readonly standing: Standing;
  readonly room: Room;
  readonly owners: Owners;
  readonly launches: Launches;
  readonly names: readonly string[];
  readonly balancers: (Balancer | null)[] = [];
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
  readonly #frozen: Int32Array;
  readonly #boots: Int32Array; // starts of a node, and of its daemon
  readonly #runs: Int32Array;
  /** The latest time that a balancer was told. */
  readonly #toldMs: Float64Array;
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #queue = new EventQueue<Queued>();
  readonly #alarms: Alarms;
  readonly #clocks: Clocks;
  readonly #tickets: Prng;
  readonly #isFaulty: boolean;
  #next: Arrival | null;
  readonly #strangers: Strangers;
  readonly #meter: Meter | null;
  readonly #coresMax: number;
  #pids = 0;

  constructor(options: SimulationOptions) {
    const nodes = options.speeds.length;
    assert(options.lists.length === nodes, "each node has a list");
    this.options = options;
    this.stations = new Stations(options.speeds, options.cores);
    this.network = new Network(nodes, options.network, randomStream(options.seed, 5));
    this.recorder = new Recorder(nodes, options.warmupMs, options.durationMs);
    this.names = Array.from({ length: nodes }, (_, node) => `n${node}`);
    this.#numbers = new Map(this.names.map((name, node) => [name, node]));
    this.epochs = this.names.map(() => 1);
    this.#frozen = new Int32Array(nodes);
    this.#boots = new Int32Array(nodes);
    this.#runs = new Int32Array(nodes);
    this.#toldMs = new Float64Array(nodes).fill(-Infinity);
    this.#alarms = new Alarms(3 * nodes);
    this.#clocks = new Clocks(options.clocks);
    this.costs = new Costs(this);
    this.standing = new Standing(this);
    this.room = new Room(this);
    this.#tickets = randomStream(options.seed, 6);
    this.driver = new Driver(this);
    [this.moves, this.owners] = [new Moves(this), new Owners(this)];
    this.launches = new Launches(this);
    this.#isFaulty = options.faults.length > 0;
    this.#next = options.workload();
    this.#strangers = new Strangers(this, options.others ?? null);
    this.#meter = meterOf(this);
    this.#coresMax = options.cores.reduce((a, b) => Math.max(a, b), 1);
    for (let node = 0; node < nodes; node++) this.balancers.push(this.#newBalancer(node));
    options.lists.forEach((list, node) => list.forEach((peer) => this.driver.connect(node, peer)));
    const phases = randomStream(options.seed, 7);
    for (let node = 0; options.balancer !== null && node < nodes; node++) {
      this.#alarms.set(nodes + node, phases.nextFloat() * options.checkMs);
    }
    new Faults(this).schedule(options.faults);
    this.owners.schedule(options.owners ?? null);
  }

  /** Number of jobs on a node, with those that are frozen for a move. */
  load(node: number): number {
    return this.stations.count(node) + (this.#frozen[node] as number);
  }

  /** Lets virtual time pass, at most to the end of the run. */
  advance(untilMs: number): void {
    const endMs = Math.min(untilMs, this.options.durationMs);
    for (;;) {
      const arrivalMs = Math.min(this.#next?.atMs ?? Infinity, this.#strangers.nextMs);
      const queueMs = this.#queue.nextMs, alarmMs = this.#alarms.nextMs;
      const atMs = Math.min(arrivalMs, queueMs, alarmMs);
      this.recorder.sampleUntil(Math.min(atMs, endMs), (node) => this.load(node));
      if (atMs > endMs) break;
      this.nowMs = atMs;
      if (queueMs === atMs) this.#take(this.#queue.pop());
      else if (alarmMs === atMs) this.#ring(this.#alarms.nextSlot);
      else if (this.#strangers.nextMs === atMs) this.#strangers.arrive();
      else if (this.#next !== null) {
        const arrival = this.#next;
        this.#next = this.options.workload();
        this.#arrive(arrival);
      }
      this.options.observer?.settled();
    }
    this.nowMs = endMs;
  }

  /** Gives one event to a node's balancer and performs the effects. */
  step(node: number, event: Event): void {
    const balancer = this.balancers[node];
    if (balancer === null || balancer === undefined) return;
    const toldMs = Math.max(this.#toldMs[node] as number, this.localMs(node));
    this.#toldMs[node] = toldMs;
    const effects = balancer.step(event, toldMs);
    if (this.costs.handled(node, event)) this.#rescheduled(node);
    for (const effect of effects) this.driver.perform(node, effect);
    this.options.observer?.stepped(node, event, effects);
    if (this.balancers[node] !== balancer) return;
    const deadlineMs = balancer.nextTimeoutMs();
    const atMs = deadlineMs === null ? Infinity : this.#clocks.global(node, deadlineMs);
    this.#alarms.set(2 * this.names.length + node, Math.max(atMs, this.nowMs));
  }

  /** What a node's monotonic clock shows. */
  localMs(node: number): number {
    return this.#clocks.local(node, this.nowMs);
  }

  /** Sends an event to another node; what cannot be sent is lost. */
  send(from: number, to: number, event: Event): void {
    if (this.#isFaulty && !this.network.reaches(from, to)) return;
    const incarnation = this.#isFaulty ? this.network.incarnation(from, to) : 0;
    const delivery = { from, to, incarnation, event };
    const atMs = this.network.arrivalMs(from, to, this.nowMs);
    this.#queue.push(atMs, { kind: "deliver", delivery });
  }

  /** Sends an event to all nodes of a list. */
  broadcast(from: number, list: readonly number[], event: Event): void {
    if (this.#isFaulty || !this.network.isSteady) {
      for (const peer of list) this.send(from, peer, event);
    } else {
      const atMs = this.nowMs + this.options.network.latencyMs;
      this.#queue.push(atMs, { kind: "broadcast", list, event });
    }
  }

  /**
   * Does something on another node when a message to it arrives, unless it is lost with its
   * connection or one of the nodes.
   *
   * @param afterMs How long it takes; absent: as long as a message does.
   */
  tell(from: number, to: number, call: () => void, afterMs?: number): void {
    const { network } = this;
    if (!network.reaches(from, to) || network.breaks()) return;
    const incarnation = network.incarnation(from, to);
    const boots = this.#bootsOf(from, to);
    const atMs = afterMs === undefined
      ? network.arrivalMs(from, to, this.nowMs)
      : this.nowMs + afterMs;
    this.after(atMs - this.nowMs, () => {
      if (!network.reaches(from, to) || network.incarnation(from, to) !== incarnation) return;
      if (this.#bootsOf(from, to) === boots) call();
    });
  }

  /** Does something later. */
  after(ms: number, call: () => void): void {
    this.#queue.push(this.nowMs + ms, { kind: "call", call });
  }

  /** Does something on a node when so much time has passed by its clock, unless it crashes before. */
  afterLocal(node: number, ms: number, call: () => void): void {
    const boots = this.#boots[node];
    this.after(ms / this.#clocks.rate(node), () => {
      if (this.#boots[node] === boots) call();
    });
  }

  /** Counts the starts of a node's daemon. */
  runs(node: number): number {
    return this.#runs[node] as number;
  }

  /** A daemon starts: it finds what runs on its node, and no connection. */
  restart(node: number, epoch: number): void {
    this.#runs[node] = (this.#runs[node] as number) + 1;
    this.epochs[node] = epoch;
    this.balancers[node] = this.#newBalancer(node);
    this.driver.started(node);
    for (const job of this.jobs.values()) {
      if (this.places[job] !== node) continue;
      this.step(node, { type: "processArrived", process: this.process(job) });
    }
    this.standing.restarted(node);
  }

  /** A node is down. */
  halt(node: number): void {
    this.#boots[node] = (this.#boots[node] as number) + 1;
    this.#runs[node] = (this.#runs[node] as number) + 1;
    this.balancers[node] = null;
    this.#strangers.crashed(node);
    this.standing.crashed(node);
    this.#alarms.set(2 * this.names.length + node, Infinity);
    this.launches.crashed(node);
  }

  /** Whether a job runs on a node, and is not frozen there. */
  runsOn(node: number, job: Job): boolean {
    return this.places[job] === node && this.stations.running(node).includes(job);
  }

  /** Lets a job run on a node. */
  run(node: number, job: Job): void {
    this.costs.place(node, job);
    this.stations.start(node, job, this.nowMs);
    this.places[job] = node;
    this.#rescheduled(node);
  }

  /** Stops a job; it stays where it is. */
  freeze(node: number, job: Job): void {
    this.stations.stop(node, job, this.nowMs);
    this.#frozen[node] = (this.#frozen[node] as number) + 1;
    this.#rescheduled(node);
  }

  /** Takes a job off a node without a trace. */
  drop(node: number, job: Job): void {
    this.stations.stop(node, job, this.nowMs);
    this.stations.forget(job);
    this.#rescheduled(node);
  }

  /** Takes a frozen job away. */
  leave(node: number, job: Job): void {
    this.standing.left(node, this.ids[job] as string);
    this.#frozen[node] = (this.#frozen[node] as number) - 1;
    this.places[job] = NOWHERE;
  }

  /** Ends a job before its work is done. */
  lose(job: Job): void {
    const place = this.places[job] as number;
    const id = this.ids[job] as string;
    if (place !== NOWHERE) {
      if (!this.runsOn(place, job)) this.leave(place, job);
      else {
        this.stations.stop(place, job, this.nowMs);
        this.#rescheduled(place);
      }
    }
    this.recorder.counts.lost++;
    this.#forget(job);
    if (place !== NOWHERE) this.step(place, { type: "processEnded", id });
  }

  name(node: number): string {
    return this.names[node] as string;
  }

  number(name: string): number {
    return this.#numbers.get(name) as number;
  }

  process(job: Job) {
    const [id, home] = [this.ids[job] as string, this.homes[job] as number];
    return { id, homeNode: this.name(home), pid: job + 1, program: "job" };
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

  #arrive(arrival: Arrival): void {
    this.recorder.counts.arrived++;
    if (!this.network.isUp(arrival.node)) this.recorder.counts.lost++;
    else if (!this.launches.begin(arrival)) this.#begin(arrival);
  }

  /** The job's program starts. */
  #begin({ atMs, node, demandMs, threads, bytes, calls = 0, isPinned = false }: Arrival): void {
    const job = this.stations.make(demandMs, threads);
    const id = `${this.name(node)}/${++this.#pids}/1`;
    this.ids[job] = id;
    this.homes[job] = node;
    this.arrivedMs[job] = atMs;
    this.bytes[job] = bytes;
    this.jobs.set(id, job);
    this.costs.calls(job, calls);
    this.run(node, job);
    if (this.options.balancer === null) return;
    this.step(node, { type: "processArrived", process: this.process(job) });
    if (isPinned) this.standing.pin(node, id, true);
  }

  #ring(slot: number): void {
    const nodes = this.names.length;
    const node = slot % nodes;
    if (slot < nodes) return this.#end(node);
    if (slot >= 2 * nodes) {
      // Rounding must not ring too early for ever.
      const deadlineMs = this.balancers[node]?.nextTimeoutMs() ?? -Infinity;
      this.#toldMs[node] = Math.max(this.#toldMs[node] as number, deadlineMs);
      return this.step(node, TIME_PASSED);
    }
    this.#alarms.set(slot, this.nowMs + this.options.checkMs / this.#clocks.rate(node));
    this.driver.count(node);
    if (this.#meter !== null && this.balancers[node] !== null) {
      this.#meter.tell(node);
    }
    this.step(node, CHECK);
  }

  #end(node: number): void {
    const job = this.stations.end(node, this.nowMs);
    this.#rescheduled(node);
    if (this.stations.isStranger(job)) return this.stations.forget(job);
    const launched = this.launches.end(job);
    if (launched !== null) return this.#begin(launched);
    const id = this.ids[job] as string;
    this.recorder.ended(this.arrivedMs[job] as number, this.#aloneMs(job), this.nowMs);
    this.#forget(job);
    this.step(node, { type: "processEnded", id });
  }

  /** What a job takes alone, on a node of speed 1 with as many cores as any has. */
  #aloneMs(job: Job): number {
    const { demands } = this.stations;
    return (demands[job] as number) / Math.min(this.stations.threadsOf(job), this.#coresMax);
  }

  #forget(job: Job): void {
    const id = this.ids[job] as string;
    this.jobs.delete(id);
    this.moves.forget(id);
    this.costs.forget(job);
    this.owners.forget(job);
    this.stations.forget(job);
  }

  #take(queued: Queued): void {
    if (queued.kind === "call") return queued.call();
    if (queued.kind === "broadcast") {
      for (const peer of queued.list) this.step(peer, queued.event);
      return;
    }
    const { from, to, incarnation, event } = queued.delivery;
    if (this.#isFaulty) {
      if (!this.network.reaches(from, to)) return;
      if (this.network.incarnation(from, to) !== incarnation) return;
    }
    this.driver.deliver(to, event);
  }

  /** Sets the alarm for the end of the next job of a node, whose jobs have changed. */
  #rescheduled(node: number): void {
    this.#alarms.set(node, this.stations.nextEndMs(node));
  }

  #bootsOf(a: number, b: number): number {
    return (this.#boots[a] as number) + (this.#boots[b] as number);
  }
}
