/**
 * Moves of the simulated cluster, message by message.
 *
 * By the protocol of the C parts (docs/internals/move.md).
 *
 * A job's home knows which ticket is live, and nothing else decides: the copy with that ticket is the
 * job. On a first move the source is the home and commits when it hears RUNNING; on a later one the
 * source has home prepare the ticket, and the new copy commits by saying HELLO with it. Once it has
 * said GO a source away from home goes on only if home says so.
 *
 * @module
 */

import type { Network } from "../engine/network.ts";
import type { NetworkOptions } from "../engine/network.ts";
import type { Recorder } from "../report/recorder.ts";
import type { Owners } from "./owners.ts";
import type { Event } from "../../core/contract/event.ts";
import type { Process } from "../../core/contract/process.ts";
import type { Effect } from "../../core/contract/effect.ts";
import type { ProcessId, Ticket } from "../../core/contract/names.ts";
import { type Job, NOWHERE } from "../engine/stations.ts";

type OrderMove = Extract<Effect, { type: "orderMove" }>;

/** One move, as both ends see it. */
export interface Move {
  readonly id: ProcessId;
  readonly job: Job;
  readonly ticket: Ticket;
  readonly from: number;
  readonly to: number;
  readonly home: number;
  /** The ticket under which the old copy was the one that counts. */
  readonly own: Ticket | null;
  /** The run of the source's daemon that began it. */
  readonly run: number;
  /** The old copy: frozen, waiting for what comes of its GO, or no more (it runs, or is gone). */
  source: "frozen" | "told" | "done";
  /** The new copy. */
  target: "none" | "receiving" | "mapped" | "parked" | "running" | "gone";
}

/** What a home knows of a job of its own that has moved or is about to. */
interface Tickets {
  /** null: the process itself, which has never left or is at home again. */
  live: Ticket | null;
  prepared: Ticket | null;
}

/** Time-out of each step of a move, in milliseconds of the node's own clock: `io_timeout`. */
const STEP_MS = 2_000;
/** Pause between two questions to a home that does not answer. */
const AGAIN_MS = 1_000;

/** What it needs of the simulation that it is a part of. */
export interface MovesWorld {
  readonly options: { readonly freezeMs: number; readonly network: NetworkOptions };
  readonly nowMs: number;
  readonly jobs: ReadonlyMap<ProcessId, Job>;
  readonly homes: readonly number[];
  readonly places: readonly number[];
  readonly bytes: readonly number[];
  readonly network: Network;
  readonly owners: Owners;
  readonly recorder: Recorder;
  number(name: string): number;
  process(job: Job): Process;
  runs(node: number): number;
  runsOn(node: number, job: Job): boolean;
  step(node: number, event: Event): void;
  tell(from: number, to: number, call: () => void, afterMs?: number): void;
  afterLocal(node: number, ms: number, call: () => void): void;
  freeze(node: number, job: Job): void;
  leave(node: number, job: Job): void;
  run(node: number, job: Job): void;
  lose(job: Job): void;
}

/** All moves under way. */
export class Moves {
  readonly #simulation: MovesWorld;
  /** By ticket, until both ends know how it has ended. */
  readonly #moves = new Map<Ticket, Move>();
  readonly #tickets = new Map<ProcessId, Tickets>();

  constructor(simulation: MovesWorld) {
    this.#simulation = simulation;
  }

  /** Every move that has not come to its end everywhere. */
  list(): Move[] {
    return [...this.#moves.values()];
  }

  /** The ticket that counts for a job; null: that of the process at home. */
  live(id: ProcessId): Ticket | null {
    return this.#tickets.get(id)?.live ?? null;
  }

  /** A job is over: nothing is left to know of it. */
  forget(id: ProcessId): void {
    this.#tickets.delete(id);
  }

  /** Freezes a job and begins. */
  begin(from: number, { id, ticket, to: name }: OrderMove): void {
    const simulation = this.#simulation;
    const job = simulation.jobs.get(id);
    const to = simulation.number(name);
    if (job !== undefined) simulation.owners.resume(job);
    if (job === undefined || !simulation.runsOn(from, job)) {
      const reason = "the process is not here to move";
      simulation.step(from, { type: "moveEnded", ticket, outcome: "aborted", reason });
      return;
    }
    const home = simulation.homes[job] as number;
    const own = this.live(id);
    const source = "frozen", target = "none";
    const run = simulation.runs(from);
    const move: Move = { id, job, ticket, from, to, home, own, run, source, target };
    this.#moves.set(ticket, move);
    simulation.freeze(from, job);
    if (home === from || home === to) return this.#stream(move);
    this.#tell(from, home, () => {
      if (this.live(id) !== own) return;
      this.#ticketsOf(id).prepared = ticket;
      this.#tell(home, from, () => this.#stream(move));
    });
    this.#afterStep(from, () => {
      if (move.target === "none" && move.source === "frozen") this.#abort(move, "no PREPARED");
    });
  }

  /** A node is down: every copy there is gone, and every job whose home it was. */
  crashed(node: number): void {
    const { homes, places, jobs } = this.#simulation;
    for (const [id, job] of [...jobs]) {
      const moves = this.list().filter((move) => move.id === id);
      const served = moves.find(({ ticket, target }) =>
        target === "parked" && this.live(id) === ticket
      );
      const old = moves.find(({ from, source }) => from === node && source !== "done");
      // A copy that has got GO takes over from a source that is gone: it says HELLO to home.
      const takesOver = old?.source === "told" && old.target === "parked" && old.to !== node;
      const liveNode = served?.to ?? places[job];
      if (homes[job] === node || (liveNode === node && !takesOver)) this.#lose(id, job);
      else if (old !== undefined) this.#leaveSource(old);
    }
    for (const move of this.list()) {
      if (move.to === node) this.#dropTarget(move, "the node has crashed");
    }
  }

  #lose(id: ProcessId, job: Job): void {
    const simulation = this.#simulation;
    simulation.lose(job);
    for (const move of this.list().filter((other) => other.id === id)) {
      if (move.source !== "done") {
        this.#leaveSource(move);
        simulation.step(move.from, { type: "processEnded", id });
      }
      this.#dropTarget(move, "the process is gone");
    }
  }

  /** Sends the memory, at whose end the new copy is mapped. */
  #stream(move: Move): void {
    if (move.source !== "frozen" || move.target !== "none") return;
    const simulation = this.#simulation;
    const { from, to, job } = move;
    const { nowMs, network, options } = simulation;
    const bytes = simulation.bytes[job] as number;
    const leftMs = network.streamedMs(from, to, bytes, nowMs) - nowMs + options.freezeMs;
    this.#tell(from, to, () => this.#receive(move));
    this.#tell(from, to, () => {
      if (move.target === "none") this.#receive(move);
      if (move.target !== "receiving") return;
      move.target = "mapped";
      this.#tell(to, from, () => this.#go(move));
    }, leftMs);
    simulation.afterLocal(from, leftMs + STEP_MS, () => {
      if (move.source === "frozen") this.#abort(move, "no MAPPED");
    });
    simulation.afterLocal(to, leftMs + 2 * STEP_MS, () => {
      if (move.target === "receiving" || move.target === "mapped") {
        this.#dropTarget(move, "the stream has ended");
      }
    });
  }

  /** The memory begins to arrive. */
  #receive(move: Move): void {
    if (move.target !== "none" || move.source === "done") return;
    move.target = "receiving";
    this.#simulation.step(move.to, { type: "arrivalStarted", ticket: move.ticket });
  }

  /** MAPPED has come: says GO. */
  #go(move: Move): void {
    if (move.source !== "frozen") return;
    const { from, to, home } = move;
    move.source = "told";
    this.#tell(from, to, () => this.#parked(move));
    this.#afterStep(from, () => {
      if (move.source !== "told") return;
      // At home nobody else decides; the parked copy will be told that it is dead.
      if (from === home) this.#abort(move, "no RUNNING");
      else this.#askAbort(move);
    });
  }

  /** GO has come: the new copy waits for the word of home. */
  #parked(move: Move): void {
    if (move.target !== "mapped") return;
    const { from, to, home } = move;
    move.target = "parked";
    if (to === home) this.#commit(move);
    else if (from === home) this.#tell(to, from, () => this.#running(move));
    else this.#tell(to, home, () => this.#hello(move));
    this.#askAgain(move, STEP_MS);
  }

  /** RUNNING has come to a source at home: the commit of a first move. */
  #running(move: Move): void {
    if (move.source !== "told") return;
    this.#commit(move);
  }

  /** HELLO has come to home, or the question for a verdict: they are answered alike. */
  #hello(move: Move): void {
    const { id, ticket, from, to, home } = move;
    const tickets = this.#ticketsOf(id);
    if (tickets.live === ticket) return this.#serve(move);
    if (tickets.prepared === ticket) return this.#commit(move);
    // Before its RUNNING a source at home has not decided: the verdict is unknown.
    if (from === home && move.source === "told") return;
    this.#tell(home, to, () => this.#dropTarget(move, "its ticket is dead"));
  }

  /** The only place where another copy becomes the one that counts. */
  #commit(move: Move): void {
    const { id, ticket, from, to, home } = move;
    const tickets = this.#ticketsOf(id);
    tickets.live = to === home ? null : ticket;
    tickets.prepared = null;
    if (from === home) this.#moved(move);
    else this.#tell(home, from, () => this.#moved(move));
    if (to === home) this.#run(move);
    else this.#serve(move);
  }

  #serve(move: Move): void {
    this.#tell(move.home, move.to, () => this.#run(move));
  }

  /** SERVE has come: the new copy goes on. */
  #run(move: Move): void {
    if (move.target !== "parked") return;
    const simulation = this.#simulation;
    const { job, from, to, home, ticket } = move;
    // Its source may not have heard of it yet, and will not run again.
    if (simulation.places[job] === from) simulation.leave(from, job);
    move.target = "running";
    this.#tidy(move);
    simulation.run(to, job);
    simulation.recorder.moved(simulation.nowMs);
    const process = simulation.process(job);
    if (to === home) simulation.step(to, { type: "cameHome", process, cantmove: null });
    else simulation.step(to, { type: "arrivalConfirmed", ticket, process });
  }

  /** The source hears that it is not the job any more. */
  #moved(move: Move): void {
    if (move.source !== "told") return;
    const simulation = this.#simulation;
    const { id, from, ticket, job, run } = move;
    this.#leaveSource(move);
    simulation.step(from, { type: "moveEnded", ticket, outcome: "moved" });
    // A daemon that was started meanwhile does not know of the move, only of a process that is gone.
    if (simulation.runs(from) !== run && simulation.places[job] !== from) {
      simulation.step(from, { type: "processEnded", id });
    }
  }

  /** The old copy goes on. */
  #abort(move: Move, reason: string): void {
    const simulation = this.#simulation;
    const { id, job, from, home, ticket } = move;
    move.source = "done";
    this.#tidy(move);
    if (from !== home) {
      this.#tell(from, home, () => {
        if (this.#ticketsOf(id).prepared === ticket) this.#ticketsOf(id).prepared = null;
      });
    }
    simulation.leave(from, job);
    simulation.run(from, job);
    simulation.recorder.count("aborted", simulation.nowMs);
    simulation.step(from, { type: "moveEnded", ticket, outcome: "aborted", reason });
  }

  /** A source that has said GO asks home until it hears what has become of it. */
  #askAbort(move: Move): void {
    if (move.source !== "told") return;
    const { id, ticket, from, home, to } = move;
    this.#tell(from, home, () => {
      const tickets = this.#ticketsOf(id);
      // Only the copy that counts is heard.
      const isMoved = tickets.live !== move.own;
      if (!isMoved && tickets.prepared === ticket) tickets.prepared = null;
      // The image that lies at home is of no use any more: its shadow goes on as it was.
      if (!isMoved && to === home) this.#dropTarget(move, "the source has gone on");
      this.#tell(home, from, () => {
        if (move.source !== "told") return;
        if (isMoved) this.#moved(move);
        else this.#abort(move, "home has not seen the new copy");
      });
    });
    this.#simulation.afterLocal(from, AGAIN_MS, () => this.#askAbort(move));
  }

  /** A parked copy asks home until it hears what it is. */
  #askAgain(move: Move, ms: number): void {
    this.#simulation.afterLocal(move.to, ms, () => {
      if (move.target !== "parked") return;
      this.#tell(move.to, move.home, () => this.#hello(move));
      this.#askAgain(move, AGAIN_MS);
    });
  }

  /** The old copy is no more; the job is the new one's, or nobody's. */
  #leaveSource(move: Move): void {
    const { id, job, from, target } = move;
    const simulation = this.#simulation;
    move.source = "done";
    this.#tidy(move);
    if (target === "running" || simulation.jobs.get(id) !== job) return;
    if (simulation.places[job] === from) simulation.leave(from, job);
  }

  /** The new copy will not be the job. */
  #dropTarget(move: Move, reason: string): void {
    const { id, job, target, to, ticket } = move;
    const simulation = this.#simulation;
    if (target === "none" || target === "running" || target === "gone") return;
    move.target = "gone";
    this.#tidy(move);
    simulation.step(to, { type: "arrivalFailed", ticket, reason });
    // It would have taken over from a source that crashed after home had told that one to go on.
    const isNowhere = simulation.jobs.get(id) === job && simulation.places[job] === NOWHERE;
    if (isNowhere && this.live(id) === move.own) this.#lose(id, job);
  }

  #tidy(move: Move): void {
    const { source, target, ticket } = move;
    const isOver = target === "none" || target === "gone" || target === "running";
    if (source === "done" && isOver) this.#moves.delete(ticket);
  }

  #ticketsOf(id: ProcessId): Tickets {
    const tickets = this.#tickets.get(id) ?? { live: null, prepared: null };
    this.#tickets.set(id, tickets);
    return tickets;
  }

  #afterStep(node: number, call: () => void): void {
    this.#simulation.afterLocal(node, STEP_MS, call);
  }

  /** A message between copies or to home; it is lost with its connection, or with a node. */
  #tell(from: number, to: number, call: () => void, afterMs?: number): void {
    this.#simulation.tell(from, to, call, afterMs);
  }
}
