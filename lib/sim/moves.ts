/**
 * Moves of the simulated cluster: the freeze, the memory's way, and the one moment from which on
 * the process runs elsewhere.
 *
 * @module
 */

import type { Effect } from "../core/types.ts";
import type { Simulation } from "./simulation.ts";
import type { Job } from "./stations.ts";

type OrderMove = Extract<Effect, { type: "orderMove" }>;

/** Performs the effect `orderMove`. */
export class Moves {
  readonly #simulation: Simulation;
  /** By job: the number of its last move, so that one cut short by a crash is known. */
  readonly #current = new Map<Job, number>();
  #count = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** Freezes a job and sends its memory. */
  begin(from: number, order: OrderMove): void {
    const simulation = this.#simulation;
    const job = simulation.jobs.get(order.id);
    const to = simulation.numbers.get(order.to);
    if (job === undefined || to === undefined || simulation.places[job] !== from) return;
    const { nowMs, stations, network } = simulation;
    const move = ++this.#count;
    this.#current.set(job, move);
    stations.stop(from, job, nowMs);
    simulation.rescheduled(from);
    simulation.frozen[from] = (simulation.frozen[from] as number) + 1;
    simulation.send(from, to, { type: "arrivalStarted", ticket: order.ticket });
    const bytes = simulation.bytes[job] as number;
    const endMs = network.streamedMs(from, to, bytes, nowMs) + simulation.options.freezeMs;
    const incarnation = network.incarnation(from, to);
    simulation.after(endMs - nowMs, () => {
      // A crash has taken it meanwhile.
      if (this.#current.get(job) !== move || simulation.jobs.get(order.id) !== job) return;
      this.#current.delete(job);
      const isThere = network.reaches(from, to) && network.incarnation(from, to) === incarnation;
      this.#end({ job, from, to, order }, isThere);
    });
  }

  #end(
    { job, from, to, order }: { job: Job; from: number; to: number; order: OrderMove },
    isThere: boolean,
  ): void {
    const simulation = this.#simulation;
    const { ticket, home } = order;
    const node = isThere ? to : from;
    simulation.frozen[from] = (simulation.frozen[from] as number) - 1;
    simulation.stations.start(node, job, simulation.nowMs);
    simulation.places[job] = node;
    simulation.rescheduled(node);
    if (!isThere) {
      simulation.recorder.count("aborted", simulation.nowMs);
      const reason = "the connection was lost";
      simulation.step(from, { type: "moveEnded", ticket, outcome: "aborted", reason });
      simulation.step(to, { type: "arrivalFailed", ticket, reason });
      return;
    }
    simulation.recorder.moved(simulation.nowMs);
    const process = simulation.process(job);
    if (home) simulation.step(to, { type: "cameHome", process, cantmove: null });
    else simulation.step(to, { type: "arrivalConfirmed", ticket, process });
    const { latencyMs } = simulation.options.network;
    const { epochs } = simulation;
    const epoch = epochs[from];
    simulation.after(latencyMs, () => {
      if (epochs[from] !== epoch) return;
      simulation.step(from, { type: "moveEnded", ticket, outcome: "moved" });
    });
  }
}
