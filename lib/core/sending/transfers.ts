/**
 * The sending side's transfers.
 *
 * One at a time because the node is over, and one for each process that a person wants to be
 * moved, so that none waits for another's.
 *
 * @module
 */

import type { SendCause } from "../transfer_policy/cause.ts";
import { MoveBudget } from "../transfer_policy/guards.ts";
import { cantmoveOf, type Entry } from "../process_table.ts";
import { Round } from "./round.ts";
import {
  type Asker,
  findTransfer,
  isOf,
  type Request,
  REQUESTS_MAX,
  type Transfer,
  TRANSFERS_MAX,
  type TransfersOptions,
  whyNobody,
} from "./transfer.ts";
import type { Event } from "../contract/event.ts";
import type { NodeName, ProcessId, Ticket } from "../contract/names.ts";

type EventOf<T extends Event["type"]> = Extract<Event, { type: T }>;

/** Chooses victims and receivers and follows each transfer from its inspection to its end. */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #round = new Round((id, node) => this.#options.freezes.obstacle(id, node) !== null);
  /** Those under way: by their request, and one of the balancer's own at most. */
  readonly #current = new Map<Request | null, Transfer>();
  /** They wait for another one of the same process, or as too many are under way. */
  #requests: Request[] = [];
  readonly #budget: MoveBudget;
  #isDraining = false;
  #guestsOnly = false;
  /** Why nothing could be sent, as last logged: said once, not at every check. */
  #complaint = "";

  constructor(options: TransfersOptions) {
    this.#options = options;
    this.#budget = new MoveBudget(options.movesPerMinute);
  }

  /** Empties the node, of all or of its guests, or no longer. */
  drain({ isDraining, guestsOnly = false }: EventOf<"drain">): void {
    this.#isDraining = isDraining;
    this.#guestsOnly = guestsOnly;
    this.#complaint = "";
    this.#round.restart();
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** A check: tries everything again; an inspection whose answer was lost is repeated. */
  retry(nowMs: number): void {
    this.#round.restart();
    for (const { phase, request } of [...this.#current.values()]) {
      if (phase === "inspecting") this.#inspect(request, nowMs);
    }
  }

  /** An associated node has become U. */
  welcome(node: NodeName): void {
    this.#round.welcome(node);
  }

  /** A process has entered the process table. */
  reopen(): void {
    this.#round.reopen();
  }

  /** Takes a request by hand, or refuses it at once. */
  request({ requestId, id, node }: EventOf<"moveRequested">): void {
    const request = { requestId, id, node, tried: new Map<NodeName, string>() };
    const obstacle = this.#obstacle(request);
    if (obstacle !== null) this.#fail(request, obstacle);
    else if (this.#requests.length + this.#current.size > REQUESTS_MAX) {
      this.#fail(request, `${REQUESTS_MAX} other moves are waiting already`);
    } else this.#requests.push(request);
  }

  /** Gives a process to a node that has asked and has clearly fewer, or refuses. */
  give(asker: Asker, nowMs: number): void {
    const isFree = this.#current.size === 0 && !this.#isDraining;
    const may = isFree && this.#budget.mayBegin(nowMs) &&
      this.#movable(nowMs).some(({ process }) => this.#round.mayOffer(process.id, asker.node));
    if (!may) return this.#options.refuseAsk(asker.node);
    this.#begin(null, nowMs, asker);
  }

  /** Fresh figures are in the table: chooses, if that is what a transfer waits for. */
  sampled(ids: ReadonlySet<ProcessId>, nowMs: number): void {
    for (const transfer of [...this.#current.values()]) {
      if (transfer.phase !== "inspecting") continue;
      const { request, asker } = transfer;
      if (request === null) this.#offerVictim(nowMs, asker);
      else if (ids.has(request.id)) this.#offerRequested(request, nowMs);
    }
  }

  /** The answer to an offer. */
  answered(event: EventOf<"offerAnswered">, nowMs: number): void {
    const current = findTransfer(this.#current.values(), event.ticket);
    if (current?.phase !== "offering") {
      // Too late, we have gone on without it: the place must not wait for its time-out.
      if (event.accepted) this.#withdraw(event.ticket, event.from);
      return;
    }
    if (!event.accepted) {
      this.#refuse(current, event.reason ?? "no reason given", event.announcement === null, nowMs);
      return;
    }
    const { request, ticket, id, to } = current;
    const deadlineMs = nowMs + this.#options.moveTimeoutMs;
    this.#current.set(request, { ...current, phase: "moving", beganMs: nowMs, deadlineMs });
    this.#options.emit({ type: "orderMove", ticket, id, to, home: this.#isHome(id, to) });
  }

  /** The end of a move. */
  ended(event: EventOf<"moveEnded">, nowMs: number): void {
    const { table, retryDelayMs, cost } = this.#options;
    const entry = table.findTicket(event.ticket);
    const sample = entry?.sample ?? null;
    if (entry !== null && event.outcome === "moved") table.remove(entry.process.id);
    if (entry !== null && event.outcome === "aborted") {
      table.rest(entry.process.id, nowMs, retryDelayMs);
    }
    const current = findTransfer(this.#current.values(), event.ticket);
    if (current?.phase !== "moving") return;
    const { request, to, beganMs } = current;
    this.#current.delete(request);
    if (event.outcome === "moved" && sample !== null) cost.note(sample.rssBytes, nowMs - beganMs);
    if (event.outcome === "aborted") {
      this.#round.failed(to);
      if (request !== null) this.#fail(request, event.reason);
    } else if (request !== null) {
      this.#options.emit({ type: "requestDone", requestId: request.requestId, node: to });
    }
  }

  /** A process has left the process table by itself. */
  processGone(id: ProcessId): void {
    const reason = "the process is gone";
    for (const request of this.#requests) if (request.id === id) this.#fail(request, reason);
    this.#requests = this.#requests.filter((request) => request.id !== id);
    for (const current of [...this.#current.values()]) {
      if (!isOf(current, id)) continue;
      this.#current.delete(current.request);
      // A receiver whose memory has begun to arrive ignores this and sees for itself.
      if (current.phase !== "inspecting") this.#withdraw(current.ticket, current.to);
      if (current.request !== null) this.#fail(current.request, reason);
    }
  }

  /** Ends what has waited too long. */
  expire(nowMs: number): void {
    for (const current of [...this.#current.values()]) {
      if (current.phase === "inspecting" || nowMs < current.deadlineMs) continue;
      const { ticket, id, to, request } = current;
      if (current.phase === "offering") {
        this.#withdraw(ticket, to);
        this.#refuse(current, `no answer in ${this.#options.offerTimeoutMs} ms`, true, nowMs);
        continue;
      }
      // The process stays marked as moving: only a report may say where it is.
      const reason = `the move has not ended in ${this.#options.moveTimeoutMs} ms`;
      this.#log("warning", reason, { process: id, to });
      this.#current.delete(request);
      if (request !== null) this.#fail(request, reason);
    }
  }

  /** Begins the transfers that are asked for, and one that there is reason to if none is under way. */
  advance(nowMs: number): void {
    const isFree = ({ id }: Request) => ![...this.#current.values()].some((one) => isOf(one, id));
    const own = () => this.#current.has(null) ? 1 : 0;
    while (this.#current.size - own() < TRANSFERS_MAX) {
      const request = this.#requests.find(isFree);
      if (request === undefined) break;
      this.#requests = this.#requests.filter((other) => other !== request);
      // Asked again at its turn: the transfers before it may have changed the answer.
      const obstacle = this.#obstacle(request);
      if (obstacle !== null) this.#fail(request, obstacle);
      else this.#begin(request, nowMs);
    }
    if (this.#current.size > 0) return;
    const cause = this.cause;
    if (cause === null) this.#complaint = "";
    else if (!this.#round.isExhausted && this.#movable(nowMs).length > 0) {
      if (!this.#isDraining && !this.#budget.mayBegin(nowMs)) {
        this.#complain("it has begun as many moves in a minute as it may");
      } else if (this.#hasReceiver(cause, nowMs)) this.#begin(null, nowMs);
      else this.#complain("no associated node can take a process");
    }
  }

  /** The first deadline of the transfers under way, or null. */
  nextTimeoutMs(): number | null {
    const deadlines = [...this.#current.values()].flatMap((current) =>
      current.phase === "inspecting" ? [] : [current.deadlineMs]
    );
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  #begin(request: Request | null, nowMs: number, asker: Asker | null = null): void {
    this.#current.set(request, { phase: "inspecting", request, asker });
    this.#inspect(request, nowMs);
  }

  #inspect(request: Request | null, nowMs: number): void {
    const ids = request === null
      ? this.#movable(nowMs).map(({ process }) => process.id)
      : [request.id];
    this.#options.emit({ type: "inspect", ids });
  }

  /** Offers the best victim that some node may take to the best such node. */
  #offerVictim(nowMs: number, asker: Asker | null = null): void {
    const { chooser, table, countOthers } = this.#options;
    this.#current.delete(null);
    if (asker === null && this.#round.isExhausted) return;
    // A process may have ended since: then nothing has to leave any more.
    const cause = asker ?? this.cause;
    if (cause === null) return;
    const processes = table.settledCount + countOthers();
    const mayOffer = (id: ProcessId, node: NodeName) => this.#round.mayOffer(id, node);
    const context = { processes, cause, mayOffer, mayProbe: this.#mayProbe(cause) };
    const choice = chooser.choose(this.#movable(nowMs), context);
    if (typeof choice === "string" && asker !== null) {
      this.#options.refuseAsk(asker.node);
      return;
    }
    if (typeof choice === "string") {
      this.#round.exhaust();
      this.#complain(choice);
      return;
    }
    const { id, to, reason, manual, isProbe } = choice;
    this.#round.offered();
    if (isProbe) {
      this.#round.probed(to);
      this.#options.tellLoad(to);
    }
    if (!this.#isDraining) this.#budget.begun(nowMs);
    this.#log("info", "process chosen", { process: id, to, reason });
    this.#offer({ id, to, request: null, manual, isAsked: asker !== null }, nowMs);
  }

  #offerRequested(request: Request, nowMs: number): void {
    const { table, freezes } = this.#options;
    this.#current.delete(request);
    const entry = table.get(request.id);
    const to = request.node ?? freezes.receiver(request);
    const obstacle = entry === null
      ? "the process is gone"
      : this.#obstacle(request) ?? cantmoveOf(entry) ?? freezes.obstacle(request.id, to);
    if (obstacle !== null) this.#fail(request, obstacle);
    else if (to !== null) {
      this.#offer({ id: request.id, to, request, manual: true, isAsked: false }, nowMs);
    } else {
      this.#fail(request, whyNobody(request));
    }
  }

  #offer(
    { id, to, request, manual, isAsked }: {
      id: ProcessId;
      to: NodeName;
      request: Request | null;
      manual: boolean;
      isAsked: boolean;
    },
    nowMs: number,
  ): void {
    const { nextTicket, offerTimeoutMs, table, emit } = this.#options;
    const ticket = nextTicket();
    const deadlineMs = nowMs + offerTimeoutMs;
    const beganMs = nowMs;
    table.depart(id, { ticket, to, beganMs });
    const offering = { request, isAsked, ticket, id, to, beganMs, deadlineMs };
    this.#current.set(request, { phase: "offering", ...offering });
    emit({ type: "offer", ticket, to, id, manual, home: this.#isHome(id, to) });
  }

  /** The offer came to nothing: on to the next node. */
  #refuse(
    { id, to, request, isAsked }: {
      id: ProcessId;
      to: NodeName;
      request: Request | null;
      isAsked: boolean;
    },
    reason: string,
    isUnreachable: boolean,
    nowMs: number,
  ): void {
    this.#options.table.stay(id);
    this.#current.delete(request);
    this.#log("info", "offer refused", { process: id, to, reason });
    if (request === null) {
      if (isUnreachable) this.#round.failed(to);
      else this.#round.refused(id, to);
      // Whether the node is over is another question: advance() asks it.
      if (!isAsked) this.#offerVictim(nowMs);
    } else if (request.node !== null) {
      this.#fail(request, `${to} refused: ${reason}`);
    } else {
      request.tried.set(to, reason);
      this.#offerRequested(request, nowMs);
    }
  }

  /** Why a requested move cannot even be tried, or null. */
  #obstacle({ id, node }: Request): string | null {
    const entry = this.#options.table.get(id);
    if (entry === null) return "this node has no such process";
    if (node === this.#options.node) return "it runs here already";
    return entry.transit === null ? null : `it is moving to ${entry.transit.to} already`;
  }

  /** Processes that may be automatic victims, as far as is known without a fresh look. */
  #movable(nowMs: number): Entry[] {
    const kind = this.cause?.kind ?? "over";
    const isUrgent = kind !== "over";
    const { node } = this.#options;
    const asked = new Set([...this.#requests, ...this.#current.keys()].map((one) => one?.id));
    return this.#options.table.list().filter((entry) =>
      entry.transit === null && entry.held === null && entry.restsUntilMs <= nowMs &&
      !entry.isPinned && !asked.has(entry.process.id) &&
      (isUrgent || entry.staysUntilMs <= nowMs) &&
      (kind !== "owner" || entry.process.homeNode !== node) &&
      !(this.#guestsOnly && entry.process.homeNode === this.#options.node)
    );
  }

  /** Whether some process may be offered to some node. */
  #hasReceiver(cause: SendCause, nowMs: number): boolean {
    const { preferred, node } = this.#options;
    if (preferred.first((other) => this.#isOpen(other, nowMs)) !== null) return true;
    if (this.#mayProbe(cause) && preferred.full((other) => this.#isOpen(other, nowMs)).length > 0) {
      return true;
    }
    return (this.#isDraining || cause.kind === "owner") &&
      this.#movable(nowMs).some(({ process: { id, homeNode } }) =>
        homeNode !== node && this.#round.mayOffer(id, homeNode)
      );
  }

  /** Why the node sends just now; null: it need not. */
  get cause(): SendCause | null {
    if (this.#isDraining) return { kind: "drained" };
    return this.#options.causeToSend(this.#options.table.settledCount);
  }

  #mayProbe({ kind }: SendCause): boolean {
    if (kind !== "over") return false;
    return this.#round.probes < this.#options.probesOf(
      this.#options.table.settledCount + this.#options.countOthers(),
    );
  }

  #isOpen(node: NodeName, nowMs: number): boolean {
    return this.#movable(nowMs).some(({ process }) => this.#round.mayOffer(process.id, node));
  }

  #isHome(id: ProcessId, node: NodeName): boolean {
    return this.#options.table.get(id)?.process.homeNode === node;
  }

  #withdraw(ticket: Ticket, to: NodeName): void {
    this.#options.emit({ type: "withdrawOffer", ticket, to });
  }

  #fail({ requestId }: Request, reason: string): void {
    this.#options.emit({ type: "requestFailed", requestId, reason });
  }

  #complain(message: string): void {
    if (message === this.#complaint) return;
    this.#complaint = message;
    const state = this.#isDraining ? "to be emptied" : "over";
    this.#log("info", `${state}, but ${message}`, { processes: this.#options.table.size });
  }

  #log(
    level: "info" | "warning",
    message: string,
    fields: Readonly<Record<string, string | number | null>>,
  ): void {
    this.#options.emit({ type: "log", level, message, fields });
  }
}
