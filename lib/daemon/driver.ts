/**
 * The driver around the balancer.
 *
 * Events go in one at a time, effects are performed.
 *
 * @module
 */
import { assert } from "../base/assert.ts";
import { describe } from "../base/errors.ts";
import { Balancer } from "../core/balancer.ts";
import type { BalancerConfig } from "../core/contract/config.ts";
import type { Effect } from "../core/contract/effect.ts";
import type { Event } from "../core/contract/event.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { BalancerView } from "../core/contract/view.ts";
import { monotonicMs, wallMs } from "../host/clock.ts";
import { isFailure } from "../host/failure.ts";
import { logger } from "../host/log.ts";
import { Journal } from "./journal.ts";

const log = logger("balancer");

/** Performs the balancer's effects. One that takes time runs on its own and dispatches its result. */
export type Performers = {
  readonly [T in Exclude<Effect["type"], "log">]: (effect: Extract<Effect, { type: T }>) => void;
};

/** Runs one balancer on the node's clock. */
export class Driver {
  /** The last decisions; a new config does not end it. */
  readonly journal = new Journal();
  #balancer: Balancer;
  #performers: Performers | null = null;
  readonly #queue: Event[] = [];
  #busy = false;
  #timer: number | null = null;
  #stopped = false;

  constructor(config: BalancerConfig) {
    this.#balancer = new Balancer(config);
  }

  /** What the balancer would show to a person. */
  get view(): BalancerView {
    return this.#balancer.view();
  }

  /** Why a process stays here just now; null: it is not here. See `Balancer.explain()`. */
  explain(id: ProcessId): string[] | null {
    return this.#balancer.explain(id);
  }

  /**
   * Goes on with a balancer of another config, which learns what it must know from `events`.
   * Only while nothing is on its way from or to this node.
   */
  replace(config: BalancerConfig, events: readonly Event[]): void {
    assert(this.isSettled, "a balancer with moves under way is not replaced");
    this.#balancer = new Balancer(config);
    for (const event of events) this.dispatch(event);
  }

  /** Whether no process is on its way from or to this node. */
  get isSettled(): boolean {
    const { processes, reservations } = this.view;
    return reservations.length === 0 && processes.every(({ movingTo }) => movingTo === null);
  }

  /** Tells who performs effects; before the first event. */
  start(performers: Performers): void {
    this.#performers = performers;
  }

  /** Gives the balancer an event, after those that came before. */
  dispatch(event: Event): void {
    if (this.#stopped) return;
    this.#queue.push(event);
    if (this.#busy) return; // an effect's performer has dispatched: its turn comes below
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.journal.event(next, wallMs());
        for (const effect of this.#balancer.step(next, monotonicMs())) this.#perform(effect);
      }
    } finally {
      this.#busy = false;
    }
    this.#arm();
  }

  #perform(effect: Effect): void {
    this.journal.effect(effect, wallMs());
    if (effect.type === "log") {
      log[effect.level](effect.message, effect.fields);
      return;
    }
    const perform = this.#performers?.[effect.type] as ((effect: Effect) => void) | undefined;
    try {
      perform?.(effect);
    } catch (error) {
      if (!isFailure(error)) throw error;
      log.error("cannot do what was decided", { what: effect.type, reason: describe(error) });
    }
  }

  /** One timer, for the balancer's next deadline; none while it waits for nothing. */
  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const timeoutMs = this.#balancer.nextTimeoutMs();
    if (timeoutMs === null || this.#stopped) return;
    this.#timer = setTimeout(
      () => this.dispatch({ type: "timePassed" }),
      Math.max(1, timeoutMs - monotonicMs() + 1),
    );
  }

  /** Ends it: later events are dropped. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
