/**
 * Invariants of a simulated cluster, whatever breaks.
 *
 * What must hold at every moment, and what must be true again when all is whole: checked from
 * outside the balancers and the protocol, by what really runs where.
 *
 * @module
 */

import { AssertionError } from "../../base/assert.ts";
import { policies } from "../../core/contract/policy.ts";
import type { Effect } from "../../core/contract/effect.ts";
import type { Event } from "../../core/contract/event.ts";
import type { NodeName, ProcessId, Ticket } from "../../core/contract/names.ts";
import type { BalancerView } from "../../core/contract/view.ts";
import { Conduct } from "./conduct.ts";
import { hold, weigh } from "./steps.ts";
import { type Asked, clockRates, drawAsked, drawScenario, timeouts } from "./scenario.ts";
import { Simulation } from "../simulation.ts";
import { NOWHERE } from "../engine/stations.ts";

/** Offers in one round (lib/core/sending/round.ts). */
const OFFERS_MAX = 32;
/** Doublings of a rest after aborted moves (lib/core/process_table.ts). */
const DOUBLINGS_MAX = 6;
/** It is at least so many times as long as the move has taken. */
const RESTS_PER_TRY = 10;
/** What a message takes at most, with all its losses; rounding of clocks. */
const SLACK_MS = 15_000;

/** Steps of a scenario are some hundreds or thousands. */
const STEPS_MAX = 200_000;

/** In the last part of a scenario there is a moment without a move; how long and how closely to look. */
const LULL_MS = 60_000;
const LULL_STEP_MS = 500;

/** What became of one seed. */
export interface CheckResult {
  /** What the scenario was drawn from. */
  readonly seed: number;
  /** What was broken, and when; null: nothing. */
  readonly violation: string | null;
  /** Steps of balancers. */
  readonly steps: number;
  /** Moves that were done. */
  readonly moves: number;
  /** Jobs lost by crashes. */
  readonly lost: number;
}

/** A node's account, to compare with the bounds. */
interface Account {
  epochSeq: number;
  /** What has come weighs, and places that were kept, in this run of the daemon. */
  entries: number;
  offers: number;
  offersSinceCheck: number;
  asksSinceCheck: number;
  letters: number;
  announced: number;
  connects: number;
  greetings: number;
  offersReceived: number;
  answers: number;
  /** Since when it is over while it knows a node that is U, and does nothing about it. */
  idleOverSinceMs: number | null;
  drains: number;
  readonly conduct: Conduct;
  /** After its last step. */
  view: BalancerView | null;
  /** Until when aborted moves may keep processes at rest. */
  restsUntilMs: number;
  /** Processes by the ticket of their move, and aborted moves of each in a row. */
  readonly moving: Map<Ticket, ProcessId>;
  /** When they were offered. */
  readonly beganMs: Map<Ticket, number>;
  readonly failures: Map<ProcessId, number>;
  /** First seen, by ticket. */
  readonly reservations: Map<Ticket, number>;
}

/** Looks on one simulation. */
class Checker {
  simulation: Simulation | null = null;
  steps = 0;
  readonly #accounts = new Map<number, Account>();
  readonly #runs = new Map<number, number>();
  /** Requests that wait for their answer, with the run of the daemon that has them. */
  readonly #requests = new Map<number, { readonly node: number; readonly run: number }>();
  #asked = 0;

  stepped(node: number, event: Event, effects: readonly Effect[]): void {
    const { simulation } = this;
    if (simulation === null) return;
    hold(++this.steps <= STEPS_MAX, `the scenario ends within ${STEPS_MAX} steps`);
    const account = this.#account(node, simulation);
    const after = simulation.balancers[node]?.view() ?? null;
    if (after !== null && account.view !== null) {
      const nowMs = simulation.localMs(node);
      account.conduct.look({ event, effects, before: account.view, after, nowMs });
    }
    this.#count(account, event, effects, after);
    account.view = after;
    this.#answer(effects);
    this.#checkMessages(account, node, simulation);
    this.#checkPlaces(account, node, simulation);
    this.#checkOver(account, node, event, effects, simulation);
  }

  /** Whether a node's daemon is just offering a process. */
  isOffered(node: number, id: ProcessId): boolean {
    return this.#accounts.get(node)?.conduct.isOffered(id) === true;
  }

  settled(): void {
    const { simulation } = this;
    if (simulation !== null) checkCopies(simulation);
  }

  /** Has a person ask for a move, of whatever runs then. */
  ask(simulation: Simulation, { job: index, to }: Asked): void {
    const { jobs, places, names } = simulation;
    const [id, job] = [...jobs][index % Math.max(1, jobs.size)] ?? [];
    const node = job === undefined ? undefined : places[job];
    if (id === undefined || node === undefined || node === NOWHERE) return;
    const requestId = ++this.#asked;
    this.#requests.set(requestId, { node, run: simulation.runs(node) });
    // One in some leaves the choice to the balancer.
    const target = to % (names.length + 1);
    simulation.step(node, {
      type: "moveRequested",
      requestId,
      id,
      node: target === names.length ? null : simulation.name(target),
    });
  }

  /** Every request is answered, unless the daemon that it went to is no more. */
  checkAnswers(simulation: Simulation): void {
    for (const [requestId, { node, run }] of this.#requests) {
      hold(simulation.runs(node) !== run, `n${node} has answered request ${requestId}`);
    }
  }

  #answer(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type !== "requestDone" && effect.type !== "requestFailed") continue;
      hold(this.#requests.delete(effect.requestId), `request ${effect.requestId} is answered once`);
    }
  }

  /** The account of a node's daemon, a new one after each start. */
  #account(node: number, simulation: Simulation): Account {
    const run = simulation.runs(node);
    const known = this.#accounts.get(node);
    if (known !== undefined && this.#runs.get(node) === run) return known;
    const account: Account = {
      epochSeq: 0,
      entries: 0,
      offers: 0,
      offersSinceCheck: 0,
      asksSinceCheck: 0,
      letters: 0,
      announced: 0,
      connects: 0,
      greetings: 0,
      offersReceived: 0,
      answers: 0,
      idleOverSinceMs: null,
      drains: 0,
      conduct: new Conduct(simulation.options.balancer?.policy ?? policies.thesis, {
        cores: simulation.options.cores[node] as number,
        speed: simulation.options.speeds[node] as number,
      }),
      view: null,
      restsUntilMs: -Infinity,
      moving: new Map(),
      beganMs: new Map(),
      failures: new Map(),
      reservations: new Map(),
    };
    this.#runs.set(node, run);
    this.#accounts.set(node, account);
    return account;
  }

  #count(
    account: Account,
    event: Event,
    effects: readonly Effect[],
    after: BalancerView | null,
  ): void {
    const weightOf = (id: ProcessId) =>
      [...after?.processes ?? [], ...after?.reservations ?? []].find((one) => one.id === id)
        ?.weight ??
        1;
    if (event.type === "sampled" && after !== null && account.view !== null) {
      // Threads that have begun to compute are as if so many processes had come.
      account.entries += Math.max(0, weigh(after.processes) - weigh(account.view.processes));
    }
    if (event.type === "check" || event.type === "drain") {
      account.offersSinceCheck = 0;
      account.asksSinceCheck = 0;
    }
    if (event.type === "asked") account.asksSinceCheck++;
    if (event.type === "peerConnected") account.connects++;
    if (event.type === "peerGreeted") account.greetings++;
    if (event.type === "offerReceived") account.offersReceived++;
    if (event.type === "drain") account.drains++;
    if (
      event.type === "processArrived" || event.type === "arrivalConfirmed" ||
      event.type === "cameHome"
    ) account.entries += weightOf(event.process.id);
    for (const effect of effects) {
      if (effect.type === "announce") account.announced++;
      if (effect.type === "tellLetter") account.letters++;
      if (effect.type === "offer") {
        account.offers++;
        if (!effect.manual) account.offersSinceCheck++;
      }
      if (effect.type === "answerOffer") {
        account.answers++;
        if (effect.accepted && event.type === "offerReceived") {
          account.entries += weightOf(event.id);
        }
      }
    }
  }

  /** A letter changes once for each filling and emptying of the band between thu and thf. */
  #checkMessages(account: Account, node: number, simulation: Simulation): void {
    const thresholds = simulation.balancers[node]?.view().thresholds;
    if (thresholds === undefined) return;
    const fillings = Math.ceil(account.entries / (thresholds.thf - thresholds.thu));
    hold(
      account.announced <= 2 * (fillings + account.drains),
      `n${node} announces at most twice a filling`,
    );
    // A policy that asks nodes that are not U tells each its own load before its offer.
    const asks = (simulation.options.balancer?.policy?.probes ?? 0) > 0 ? account.offers : 0;
    const greetings = account.connects + account.greetings;
    hold(account.letters <= greetings + asks, `n${node} greets once, and tells whom it asks`);
    hold(account.answers === account.offersReceived, `n${node} answers each offer once`);
    const offersMax = OFFERS_MAX + account.asksSinceCheck;
    hold(
      account.offersSinceCheck <= offersMax,
      `n${node} makes 32 offers a round by itself at most`,
    );
  }

  /** Every place is taken or freed in time. */
  #checkPlaces(account: Account, node: number, simulation: Simulation): void {
    const nowMs = simulation.localMs(node);
    const places = simulation.balancers[node]?.view().reservations ?? [];
    const tickets = new Set(places.map(({ ticket }) => ticket));
    for (const ticket of [...account.reservations.keys()]) {
      if (!tickets.has(ticket)) account.reservations.delete(ticket);
    }
    const limitMs = timeouts.reservationTimeoutMs + timeouts.moveTimeoutMs + timeouts.checkMs;
    for (const ticket of tickets) {
      const sinceMs = account.reservations.get(ticket) ?? nowMs;
      account.reservations.set(ticket, sinceMs);
      hold(nowMs - sinceMs <= limitMs, `n${node} frees a place after ${limitMs} ms`);
    }
  }

  /** A node that is over, and knows one that is U, does something about it before long. */
  #checkOver(
    account: Account,
    node: number,
    event: Event,
    effects: readonly Effect[],
    simulation: Simulation,
  ): void {
    const { balancers, nowMs } = simulation;
    const view = balancers[node]?.view();
    if (view === undefined) return;
    noteRests(account, event, effects, nowMs);
    const settled = view.processes.filter(({ movingTo }) => movingTo === null);
    // What has several threads may have no room anywhere.
    const isMovable = settled.some(({ isPinned, weight }) => !isPinned && weight === 1);
    const isOver = isMovable && (weigh(settled) >= view.thresholds.thv || view.isDraining);
    const knowsU = view.associated.some(({ state }) => state === "U");
    const acts = effects.some(({ type }) => type === "offer") ||
      settled.length < view.processes.length;
    // What has come stays for a while, by some policies, age must repay a move, load is smoothed, nobody asks.
    const { ageCost = false, smoothingMs = 0, initiation = "sender" } =
      simulation.options.balancer?.policy ?? {};
    const mayWait = ageCost || smoothingMs > 0 || initiation === "receiver";
    if (!isOver || !knowsU || acts || mayWait || nowMs < account.restsUntilMs) {
      account.idleOverSinceMs = null;
      return;
    }
    account.idleOverSinceMs ??= nowMs;
    const limitMs = (timeouts.checkMs + timeouts.offerTimeoutMs) / clockRates.min + SLACK_MS;
    hold(
      nowMs - account.idleOverSinceMs <= limitMs,
      `n${node} is over and knows a U node for ${limitMs} ms at most without an offer`,
    );
  }
}

/** Processes whose move was aborted are not chosen again for a while, a longer one each time. */
function noteRests(
  account: Account,
  event: Event,
  effects: readonly Effect[],
  nowMs: number,
): void {
  for (const effect of effects) {
    if (effect.type === "offer") account.beganMs.set(effect.ticket, nowMs);
    if (effect.type === "orderMove") account.moving.set(effect.ticket, effect.id);
  }
  if (event.type !== "moveEnded") return;
  const id = account.moving.get(event.ticket);
  if (id === undefined) return;
  if (event.outcome === "moved") return void account.failures.delete(id);
  const failures = (account.failures.get(id) ?? 0) + 1;
  account.failures.set(id, failures);
  const triedMs = nowMs - (account.beganMs.get(event.ticket) ?? nowMs);
  const delayMs = timeouts.retryDelayMs * 2 ** Math.min(failures - 1, DOUBLINGS_MAX) /
    clockRates.min;
  const restsUntilMs = nowMs + Math.max(delayMs, RESTS_PER_TRY * triedMs);
  account.restsUntilMs = Math.max(account.restsUntilMs, restsUntilMs);
}

/** One copy of each job counts, and no other runs. */
function checkCopies(simulation: Simulation): void {
  const { jobs, places, homes, network, stations, moves } = simulation;
  const copies = new Map<number, number>();
  for (let node = 0; node < simulation.names.length; node++) {
    for (const job of stations.running(node)) {
      copies.set(job, (copies.get(job) ?? 0) + 1);
      hold(places[job] === node, `job ${job} runs where it is`);
      hold(network.isUp(node), `n${node} is up as a job runs there`);
    }
  }
  for (const [id, job] of jobs) {
    const running = copies.get(job) ?? 0;
    hold(running <= 1, `${id} runs once at most`);
    hold(network.isUp(homes[job] as number), `${id} has a home`);
    if (running === 1) continue;
    const frozen = moves.list().some((move) =>
      move.id === id && (move.source !== "done" || move.target === "parked")
    );
    hold(frozen, `${id}, which does not run, is moving`);
    hold(places[job] !== NOWHERE || hasHeir(simulation, id), `${id} has a copy that waits`);
  }
}

/** Whether a parked copy is the one that counts, or may become it as the one that counted is gone. */
function hasHeir({ moves }: Simulation, id: string): boolean {
  const live = moves.live(id);
  return moves.list().some((move) =>
    move.id === id && move.target === "parked" && (live === move.ticket || live === move.own)
  );
}

/** When all has been whole for long: everybody knows what is true, and nothing is kept for nobody. */
function checkQuiet(simulation: Simulation, checker: Checker): void {
  const { jobs, places, balancers, moves, names } = simulation;
  hold(moves.list().length === 0, "no move is left");
  const lists = new Map<number, string[]>();
  for (const [id, job] of jobs) {
    const place = places[job] as number;
    lists.set(place, [...lists.get(place) ?? [], id]);
  }
  const letters = new Map<NodeName, string | undefined>(
    names.map((name, node) => [name, balancers[node]?.view().announcement.letter]),
  );
  for (const [node, balancer] of balancers.entries()) {
    const view = balancer?.view();
    hold(view !== undefined, `n${node} is back`);
    if (view === undefined) continue;
    hold(view.reservations.length === 0, `n${node} keeps no place`);
    const leaving = view.processes
      .find(({ id, movingTo }) => movingTo !== null && !checker.isOffered(node, id))?.id ?? "none";
    hold(leaving === "none", `n${node} lists none as moving: ${leaving}`);
    const listed = view.processes.map(({ id }) => id).toSorted().join(" ");
    const there = (lists.get(node) ?? []).toSorted().join(" ");
    hold(listed === there, `n${node} lists what runs there: [${listed}] is [${there}]`);
    const counts = simulation.options.balancer?.policy?.counts ?? "processes";
    for (const { id, weight } of view.processes) {
      const threads = simulation.stations.threadsOf(jobs.get(id) as number);
      const wanted = counts === "threads" ? threads : 1;
      hold(weight === wanted, `${id} weighs ${wanted} at n${node}: ${weight}`);
    }
    for (const { node: other, state } of view.associated) {
      hold(state === letters.get(other), `n${node} knows the letter of ${other}`);
    }
  }
}

/** Whether nothing is on its way just now. */
function isQuiet(simulation: Simulation, checker: Checker): boolean {
  try {
    checkQuiet(simulation, checker);
    return true;
  } catch (error) {
    if (error instanceof AssertionError) return false;
    throw error;
  }
}

/**
 * Runs one scenario to its end, or to the first thing that does not hold.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(checkSeed(7).violation, null);
 * ```
 */
export function checkSeed(seed: number): CheckResult {
  const checker = new Checker();
  const simulation = new Simulation(drawScenario(seed, checker));
  checker.simulation = simulation;
  for (const asked of drawAsked(seed)) {
    simulation.after(asked.atMs, () => checker.ask(simulation, asked));
  }
  let violation: string | null = null;
  try {
    const { durationMs } = simulation.options;
    // A node may go on asking others for ever; between two questions all must be quiet.
    for (let ms = durationMs - LULL_MS; ms <= durationMs; ms += LULL_STEP_MS) {
      simulation.advance(ms);
      if (isQuiet(simulation, checker)) break;
    }
    checkQuiet(simulation, checker);
    checker.checkAnswers(simulation);
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    violation = `at ${(simulation.nowMs / 1000).toFixed(3)} s: ${error.message}`;
  }
  const { moves, lost } = simulation.recorder.counts;
  return { seed, violation, steps: checker.steps, moves, lost };
}
