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
import { cantmoveOf } from "../process_table.ts";
import type { Freezes } from "../selection_policy/freezes.ts";
import type { MoveCost } from "../selection_policy/move_cost.ts";
import type { Choice, Chooser } from "./chooser.ts";
import { Outlook, type OutlookOptions } from "./outlook.ts";
import { type Request, Requests, REQUESTS_MAX, whyNobody } from "./requests.ts";
import { Round } from "./round.ts";
import { type Asker, isOffered, type Offer, type Transfer, UnderWay } from "./under_way.ts";
import type { Effect } from "../contract/effect.ts";
import type { Event } from "../contract/event.ts";
import type { Timeouts } from "../contract/timeouts.ts";
import type { NodeName, ProcessId, Ticket } from "../contract/names.ts";

type EventOf<T extends Event["type"]> = Extract<Event, { type: T }>;

/** So many transfers share a network: with a tenth of it each ends in time (lib/daemon/outgoing.ts). */
const TRANSFERS_MAX = 8;

/** What the sending side works with. */
export interface TransfersOptions
  extends Omit<OutlookOptions, "round" | "requests">, Omit<Timeouts, "reservationTimeoutMs"> {
  /** null: any number. */
  readonly movesPerMinute: number | null;
  readonly chooser: Chooser;
  /** Tells a node our load, before it is asked whether it has clearly fewer processes. */
  readonly tellLoad: (node: NodeName) => void;
  readonly freezes: Freezes;
  /** Learns from each move. */
  readonly cost: MoveCost;
  readonly nextTicket: () => Ticket;
  readonly emit: (effect: Effect) => void;
  /** Tells a node that has asked that there is nothing for it. */
  readonly refuseAsk: (node: NodeName) => void;
}

/** Chooses victims and receivers and follows each transfer from its inspection to its end. */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #round = new Round((id, node) => this.#options.freezes.obstacle(id, node) !== null);
  readonly #underWay = new UnderWay();
  readonly #requests = new Requests();
  readonly #outlook: Outlook;
  readonly #budget: MoveBudget;
  /** Why nothing could be sent, as last logged: said once, not at every check. */
  #complaint = "";

  constructor(options: TransfersOptions) {
    this.#options = options;
    this.#budget = new MoveBudget(options.movesPerMinute);
    this.#outlook = new Outlook({
      ...options,
      round: this.#round,
      requests: () => [...this.#requests.list(), ...this.#underWay.requests()],
    });
  }

  /** Empties the node, of all or of its guests, or no longer. */
  drain(drain: EventOf<"drain">): void {
    this.#outlook.drain(drain);
    this.#complaint = "";
    this.#round.restart();
  }

  get isDraining(): boolean {
    return this.#outlook.isDraining;
  }

  /** Why the node sends just now; null: it need not. */
  get cause(): SendCause | null {
    return this.#outlook.cause;
  }

  /** A check: tries everything again; an inspection whose answer was lost is repeated. */
  retry(nowMs: number): void {
    this.#round.restart();
    for (const transfer of this.#underWay.list()) {
      if (transfer.phase !== "inspecting") continue;
      this.#underWay.take(transfer, "checked");
      this.#inspect(transfer.request, nowMs);
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
    else if (this.#requests.size + this.#underWay.size > REQUESTS_MAX) {
      this.#fail(request, `${REQUESTS_MAX} other moves are waiting already`);
    } else this.#requests.add(request);
  }

  /** Gives a process to a node that has asked and has clearly fewer, or refuses. */
  give(asker: Asker, nowMs: number): void {
    const isFree = this.#underWay.size === 0 && !this.isDraining;
    const may = isFree && this.#budget.mayBegin(nowMs) &&
      this.#outlook.movable(nowMs).some(({ process }) =>
        this.#round.mayOffer(process.id, asker.node)
      );
    if (!may) return this.#options.refuseAsk(asker.node);
    this.#begin(null, nowMs, asker);
  }

  /** Fresh figures are in the table: chooses, if that is what a transfer waits for. */
  sampled(ids: ReadonlySet<ProcessId>, nowMs: number): void {
    for (const transfer of this.#underWay.list()) {
      const { phase, request } = transfer;
      if (phase !== "inspecting" || request !== null && !ids.has(request.id)) continue;
      this.#choose(this.#underWay.take(transfer, "sampled"), nowMs);
    }
  }

  /** The answer to an offer. */
  answered(event: EventOf<"offerAnswered">, nowMs: number): void {
    const { ticket, from, accepted } = event;
    const input = accepted ? "accepted" : "refused";
    const transfer = this.#underWay.find(ticket, input);
    if (transfer === null) {
      // Too late, we have gone on without it: the place must not wait for its time-out.
      if (accepted) this.#withdraw(ticket, from);
      return;
    }
    const { offer } = transfer;
    if (!accepted) {
      const after = this.#underWay.take(transfer, input);
      const reason = event.reason ?? "no reason given";
      this.#refused(after, offer, { reason, isUnreachable: event.announcement === null, nowMs });
      return;
    }
    const deadlineMs = nowMs + this.#options.moveTimeoutMs;
    this.#underWay.take(transfer, input, { ...offer, beganMs: nowMs, deadlineMs });
    const { id, to } = offer;
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
    const transfer = this.#underWay.find(event.ticket, event.outcome);
    if (transfer === null) return;
    const { request, offer: { to, beganMs } } = transfer;
    this.#underWay.take(transfer, event.outcome);
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
    for (const request of this.#requests.removeOf(id)) this.#fail(request, reason);
    for (const transfer of this.#underWay.listOf(id)) {
      this.#underWay.take(transfer, "gone");
      const { offer, request } = transfer;
      // A receiver whose memory has begun to arrive ignores this and sees for itself.
      if (offer !== null) this.#withdraw(offer.ticket, offer.to);
      if (request !== null) this.#fail(request, reason);
    }
  }

  /** Ends what has waited too long. */
  expire(nowMs: number): void {
    for (const transfer of this.#underWay.list()) {
      if (!isOffered(transfer) || nowMs < transfer.offer.deadlineMs) continue;
      const { phase, offer, request } = transfer;
      const after = this.#underWay.take(transfer, "timedOut");
      if (phase === "offering") {
        this.#withdraw(offer.ticket, offer.to);
        const reason = `no answer in ${this.#options.offerTimeoutMs} ms`;
        this.#refused(after, offer, { reason, isUnreachable: true, nowMs });
        continue;
      }
      // The process stays marked as moving: only a report may say where it is.
      const reason = `the move has not ended in ${this.#options.moveTimeoutMs} ms`;
      this.#log("warning", reason, { process: offer.id, to: offer.to });
      if (request !== null) this.#fail(request, reason);
    }
  }

  /** Begins the transfers that are asked for, and one that there is reason to if none is under way. */
  advance(nowMs: number): void {
    while (this.#underWay.requestedCount < TRANSFERS_MAX) {
      const request = this.#requests.next(({ id }) => !this.#underWay.hasOf(id));
      if (request === null) break;
      // Asked again at its turn: the transfers before it may have changed the answer.
      const obstacle = this.#obstacle(request);
      if (obstacle !== null) this.#fail(request, obstacle);
      else this.#begin(request, nowMs);
    }
    if (this.#underWay.size > 0) return;
    const cause = this.cause;
    if (cause === null) this.#complaint = "";
    else if (!this.#round.isExhausted && this.#outlook.movable(nowMs).length > 0) {
      if (!this.isDraining && !this.#budget.mayBegin(nowMs)) {
        this.#complain("it has begun as many moves in a minute as it may");
      } else if (this.#outlook.hasReceiver(cause, nowMs)) this.#begin(null, nowMs);
      else this.#complain("no associated node can take a process");
    }
  }

  /** The first deadline of the transfers under way, or null. */
  nextTimeoutMs(): number | null {
    return this.#underWay.nextTimeoutMs();
  }

  #begin(request: Request | null, nowMs: number, asker: Asker | null = null): void {
    this.#underWay.begin(request, asker);
    this.#inspect(request, nowMs);
  }

  #inspect(request: Request | null, nowMs: number): void {
    const ids = request === null
      ? this.#outlook.movable(nowMs).map(({ process }) => process.id)
      : [request.id];
    this.#options.emit({ type: "inspect", ids });
  }

  /** Goes on with a transfer whose process or node is to be chosen, or ends it. */
  #choose(transfer: Transfer, nowMs: number): void {
    if (transfer.request === null) this.#chooseVictim(transfer, nowMs);
    else this.#chooseReceiver(transfer, transfer.request, nowMs);
  }

  /** Offers the best victim that some node may take to the best such node. */
  #chooseVictim(transfer: Transfer, nowMs: number): void {
    const { asker } = transfer;
    // A process may have ended since: then nothing has to leave any more.
    const cause = asker ?? (this.#round.isExhausted ? null : this.cause);
    if (cause === null) {
      this.#underWay.take(transfer, "nobody");
      return;
    }
    const mayOffer = (id: ProcessId, node: NodeName) => this.#round.mayOffer(id, node);
    const { processes, weight } = this.#outlook;
    const context = { processes, weight, cause, mayOffer, mayProbe: this.#outlook.mayProbe(cause) };
    const choice = this.#options.chooser.choose(this.#outlook.movable(nowMs), context);
    if (typeof choice === "string") {
      this.#underWay.take(transfer, "nobody");
      if (asker !== null) return this.#options.refuseAsk(asker.node);
      this.#round.exhaust();
      return this.#complain(choice);
    }
    const { id, to, reason, manual, isProbe, load } = choice;
    this.#round.offered();
    if (isProbe) {
      this.#round.probed(to);
      this.#options.tellLoad(to);
    }
    if (!this.isDraining) this.#budget.begun(nowMs);
    this.#log("info", "process chosen", { process: id, to, reason });
    this.#offer(transfer, { id, to, manual, load }, nowMs);
  }

  /** Offers the process of a request to its node, or to the best if it may be any. */
  #chooseReceiver(transfer: Transfer, request: Request, nowMs: number): void {
    const { table, freezes } = this.#options;
    const { id } = request;
    const entry = table.get(id);
    const to = request.node ?? freezes.receiver(request);
    const obstacle = entry === null
      ? "the process is gone"
      : this.#obstacle(request) ?? cantmoveOf(entry) ?? freezes.obstacle(id, to);
    if (obstacle === null && to !== null) {
      return this.#offer(transfer, { id, to, manual: true, load: null }, nowMs);
    }
    this.#underWay.take(transfer, "nobody");
    this.#fail(request, obstacle ?? whyNobody(request));
  }

  #offer(
    transfer: Transfer,
    { id, to, manual, load }: Pick<Offer, "id" | "to"> & Pick<Choice, "manual" | "load">,
    nowMs: number,
  ): void {
    const { nextTicket, offerTimeoutMs, table, emit } = this.#options;
    const ticket = nextTicket();
    const beganMs = nowMs;
    table.depart(id, { ticket, to, beganMs });
    const deadlineMs = nowMs + offerTimeoutMs;
    this.#underWay.take(transfer, "chosen", { ticket, id, to, beganMs, deadlineMs });
    const weight = table.get(id)?.weight ?? 1;
    emit({ type: "offer", ticket, to, id, manual, home: this.#isHome(id, to), weight, load });
  }

  /** The offer came to nothing: on to the next node. */
  #refused(
    transfer: Transfer,
    { id, to }: Offer,
    { reason, isUnreachable, nowMs }: {
      readonly reason: string;
      readonly isUnreachable: boolean;
      readonly nowMs: number;
    },
  ): void {
    const { request, asker } = transfer;
    this.#options.table.stay(id);
    this.#log("info", "offer refused", { process: id, to, reason });
    if (request === null) {
      if (isUnreachable) this.#round.failed(to);
      else this.#round.refused(id, to);
    } else request.tried.set(to, reason);
    // Whether the node is over, where another one has asked, is another question: advance() asks it.
    const mayGoOn = request === null ? asker === null : request.node === null;
    if (mayGoOn) return this.#choose(transfer, nowMs);
    this.#underWay.take(transfer, "nobody");
    if (request !== null) this.#fail(request, `${to} refused: ${reason}`);
  }

  /** Why a requested move cannot even be tried, or null. */
  #obstacle({ id, node }: Request): string | null {
    const entry = this.#options.table.get(id);
    if (entry === null) return "this node has no such process";
    if (node === this.#options.node) return "it runs here already";
    return entry.transit === null ? null : `it is moving to ${entry.transit.to} already`;
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
    const state = this.isDraining ? "to be emptied" : "over";
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
