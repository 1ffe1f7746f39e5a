/**
 * One balancer with what its tests need around it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Balancer } from "../../lib/core/balancer.ts";
import type { BalancerConfig } from "../../lib/core/contract/config.ts";
import type { Effect } from "../../lib/core/contract/effect.ts";
import type { Event } from "../../lib/core/contract/event.ts";
import type { Measures } from "../../lib/core/contract/measures.ts";
import type { Letter } from "../../lib/core/contract/names.ts";
import type { Process, Sample } from "../../lib/core/contract/process.ts";

type EffectOf<T extends Effect["type"]> = Extract<Effect, { type: T }>;

/** A balancer of node a; its associated nodes are b and c. */
export class Fixture {
  readonly balancer: Balancer;
  nowMs = 0;
  readonly samples = new Map<string, Sample>();

  constructor(config: Partial<BalancerConfig> = {}) {
    let ticket = 0n;
    this.balancer = new Balancer({
      node: "a",
      epoch: 7,
      associated: ["b", "c"],
      thresholds: { thu: 1, thf: 3, thv: 4 },
      select: "most-cpu",
      nextTicket: () => ++ticket,
      ...config,
    });
  }

  /** Steps; log lines are left out, as no test depends on their text. */
  step(event: Event): Effect[] {
    return this.balancer.step(event, this.nowMs).filter(({ type }) => type !== "log");
  }

  /** Steps, and expects one effect of this type among the others. */
  expect<T extends Effect["type"]>(type: T, event: Event): EffectOf<T> {
    const effects = this.step(event);
    const found = effects.filter((effect): effect is EffectOf<T> => effect.type === type);
    assert.equal(found.length, 1, `one ${type} in ${effects.map((effect) => effect.type)}`);
    return found[0] as EffectOf<T>;
  }

  process(pid: number, home = "a"): Process {
    return { id: `${home}/${pid}/1`, homeNode: home, pid, program: "job" };
  }

  /** A process arrives that will be sampled with as many CPU seconds as its PID. */
  arrive(pid: number, known: Partial<Sample> & { home?: string } = {}): Effect[] {
    const { home, ...figures } = known;
    const process = this.process(pid, home);
    const sample = { cpuSeconds: pid, rssBytes: pid, cantmove: null, ...figures, id: process.id };
    this.samples.set(process.id, sample);
    return this.step({ type: "processArrived", process });
  }

  sampled(ids: readonly string[]): Event {
    return { type: "sampled", samples: ids.flatMap((id) => this.samples.get(id) ?? []) };
  }

  peer(node: string, letter: Letter, seq = 0): Effect[] {
    return this.step({ type: "peerLetter", node, announcement: { letter, epoch: 1, seq } });
  }

  /** Makes node a over with processes 1 to 4 and answers its inspection. */
  overload(): EffectOf<"offer"> {
    for (const pid of [1, 2, 3]) this.arrive(pid);
    const inspect = this.arrive(4).find((effect) => effect.type === "inspect");
    assert.ok(inspect !== undefined, "an over node looks at its processes");
    return this.expect("offer", this.sampled(inspect.ids));
  }

  answer(
    { ticket, to }: EffectOf<"offer">,
    reason: string | null,
    letter: Letter | null = "U",
  ): Event {
    const announcement = letter === null ? null : { letter, epoch: 1, seq: letter === "U" ? 0 : 1 };
    const accepted = reason === null;
    return { type: "offerAnswered", from: to, ticket, accepted, announcement, reason };
  }

  offered(pid: number, ticket: bigint, manual = false, home = "b"): Event {
    const { id } = this.process(pid, home);
    return { type: "offerReceived", from: "b", ticket, id, manual, refusal: null };
  }
}

/** Types of effects, in order. */
export const types = (effects: readonly Effect[]) => effects.map(({ type }) => type);

/** A machine on which nothing runs and nobody is at work. */
export const quiet: Measures = {
  cpuStall: 0,
  memoryStall: 0,
  availableBytes: 900,
  totalBytes: 1000,
  idleCores: 1,
  ownCores: 0,
  otherCores: 0,
  ownRunning: 0,
  terminalIdleMs: null,
};
