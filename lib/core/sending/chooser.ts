/**
 * Which process goes where: the policy's selection, location and guards together.
 *
 * @module
 */

import type { Prng } from "../../base/prng.ts";
import { expectedGainSeconds, harmOf } from "../selection_policy/age_cost.ts";
import { type Capacity, unitsOf } from "../contract/capacity.ts";
import { leavesMargin } from "../transfer_policy/guards.ts";
import { locate, type Located, type Receiver } from "../location_policy/location.ts";
import type { SendCause } from "../transfer_policy/cause.ts";
import { orderRelief } from "../transfer_policy/memory.ts";
import type { MoveCost } from "../selection_policy/move_cost.ts";
import type { Policy } from "../contract/policy.ts";
import { describeNoRoom, fastest, hasRoom } from "../selection_policy/room.ts";
import { differenceMin, isWorthAsking } from "../location_policy/probing.ts";
import type { PreferredList } from "../location_policy/preferred_list.ts";
import type { Entry } from "../process_table.ts";
import type { Selection, Thresholds } from "../contract/config.ts";
import type { NodeName, ProcessId } from "../contract/names.ts";
import { type Candidate, orderVictims } from "../selection_policy/victim.ts";

/** What a chooser works with. */
export interface ChooserOptions {
  readonly node: NodeName;
  readonly policy: Policy;
  readonly capacity: Capacity;
  readonly thresholds: () => Thresholds;
  readonly select: Selection;
  readonly prng: Prng;
  readonly preferred: PreferredList;
  readonly cost: MoveCost;
}

/** What is so at the moment of a choice. */
export interface ChoiceContext {
  /** Processes here that are not leaving already. */
  readonly processes: number;
  /** What these weigh. */
  readonly weight: number;
  readonly cause: SendCause;
  readonly mayOffer: (id: ProcessId, node: NodeName) => boolean;
  /** Whether one more node that is not U may be asked. */
  readonly mayProbe: boolean;
}

/** A process, where it shall go, and why both. */
export interface Choice {
  readonly id: ProcessId;
  readonly to: NodeName;
  readonly reason: string;
  /** To be taken whatever the letter there: a guest that a drained node sends home. */
  readonly manual: boolean;
  /** The node is not U: it takes the process only if its queue is clearly shorter. */
  readonly isProbe: boolean;
  /** What is here per unit of capacity; null: it leaves however much that is. */
  readonly load: number | null;
}

/** A process that can move, with its figures. */
export interface Victim extends Candidate {
  readonly id: ProcessId;
  readonly homeNode: NodeName;
  /** How many processes it counts as. */
  readonly weight: number;
}

/** Chooses victims and receivers by the policy. */
export class Chooser {
  readonly #options: ChooserOptions;

  constructor(options: ChooserOptions) {
    this.#options = options;
  }

  /** Whether it matters what load the others have. */
  get usesLoads(): boolean {
    const { location, ageCost, margin, probes, adaptive, initiation, counts } =
      this.#options.policy;
    return location === "two-random" || location === "least-loaded" || ageCost || margin > 0 ||
      probes > 0 || adaptive || initiation !== "sender" || counts === "threads";
  }

  /** Chooses, or tells why nothing can be. */
  choose(entries: readonly Entry[], context: ChoiceContext): Choice | string {
    const victims = this.order(entries, context);
    if (victims.length === 0) return "no process can move";
    let obstacle = "no associated node takes a process";
    for (const victim of victims) {
      const located = this.#locate(victim, context);
      if (located === null) continue;
      const worth = this.worth(victim, located.receiver, context);
      if (worth.obstacle !== null) {
        obstacle = `no move is worth it: ${worth.obstacle}`;
        continue;
      }
      const { id, homeNode } = victim;
      const to = located.receiver.node;
      const reason = `${this.#state(context)}; ${worth.reason}, of ${victims.length} that can ` +
        `move; ${located.reason}`;
      const manual = mustEmpty(context.cause) && to === homeNode;
      return { id, to, reason, manual, isProbe: false, load: this.#loadToTell(context) };
    }
    return this.#sendHome(victims, context) ?? this.#probe(victims, context) ?? obstacle;
  }

  /** Processes that can move, the best victim first. */
  order(entries: readonly Entry[], context: ChoiceContext): Victim[] {
    const victims = entries.flatMap(({ process: { pid, homeNode }, sample, weight }) =>
      sample === null || sample.cantmove !== null ? [] : [{ ...sample, pid, homeNode, weight }]
    );
    const { policy, select } = this.#options;
    const { cause } = context;
    if (cause.kind === "memory") return orderRelief(victims, cause.missingBytes);
    if (!policy.ageCost || mustEmpty(cause)) return orderVictims(victims, select);
    const harm = ({ cpuSeconds, rssBytes }: Victim) =>
      harmOf({ ageSeconds: cpuSeconds, costSeconds: this.#options.cost.estimateSeconds(rssBytes) });
    return victims.toSorted((a, b) => harm(a) - harm(b) || a.weight - b.weight || a.pid - b.pid);
  }

  /** Why a process leaves first, or why its move to this node is not worth it. */
  worth(
    victim: Victim,
    receiver: Receiver,
    context: ChoiceContext,
  ): { readonly reason: string; readonly obstacle: string | null } {
    const { policy, select, capacity } = this.#options;
    const reason = select.replace("-", " ").replace("cpu", "CPU time");
    if (context.cause.kind === "memory") return { reason: "it has memory enough", obstacle: null };
    if (mustEmpty(context.cause)) return { reason, obstacle: null };
    const load = receiver.load ?? this.#assumedLoad;
    const { capacity: capacityThere = capacity } = receiver;
    const noRoom = this.noRoom(victim, receiver, context);
    if (noRoom !== null) return { reason, obstacle: noRoom };
    const hereAfter = (context.weight - victim.weight) / unitsOf(capacity);
    const thereAfter = load + victim.weight / unitsOf(capacityThere);
    if (!leavesMargin({ hereAfter, thereAfter, margin: policy.margin })) {
      const obstacle = `${round(hereAfter)} here and ${round(thereAfter)} at ${receiver.node} ` +
        `would be within the margin of ${policy.margin}`;
      return { reason, obstacle };
    }
    if (!policy.ageCost) return { reason, obstacle: null };
    const gain = this.#gain(victim, { load, capacityThere }, context);
    const facts = `age ${round(victim.cpuSeconds)} s, cost ` +
      `${round(this.#options.cost.estimateSeconds(victim.rssBytes))} s, gain ${round(gain)} s`;
    return { reason: `best by ${facts}`, obstacle: gain > 0 ? null : facts };
  }

  get #assumedLoad(): number {
    const { thu, unit } = this.#options.thresholds();
    // Where hardly anything waits for a processor another process finds one.
    return unit === "percent" ? 0 : thu / unitsOf(this.#options.capacity);
  }

  #gain(
    { cpuSeconds, rssBytes, weight }: Victim,
    { load, capacityThere }: { readonly load: number; readonly capacityThere: Capacity },
    context: ChoiceContext,
  ): number {
    const { capacity, cost } = this.#options;
    return expectedGainSeconds({
      ageSeconds: cpuSeconds,
      costSeconds: cost.estimateSeconds(rssBytes),
      weight,
      processesHere: context.weight,
      loadThere: load,
      capacity,
      capacityThere,
    });
  }

  /** Why a process's threads keep it from this node, or null. */
  noRoom(
    { weight }: Pick<Victim, "weight">,
    { node, load, capacity: capacityThere = this.#options.capacity }: Receiver,
    context: Pick<ChoiceContext, "weight">,
  ): string | null {
    const { capacity: capacityHere } = this.#options;
    const loadHere = context.weight / unitsOf(capacityHere);
    const loadThere = load ?? this.#assumedLoad;
    const facts = { weight, loadHere, capacityHere, loadThere, capacityThere };
    return hasRoom(facts) ? null : describeNoRoom(facts, node);
  }

  /** What a receiver of a process with several computing threads compares with; null: nothing. */
  #loadToTell({ cause, weight }: ChoiceContext): number | null {
    const isBalance = cause.kind === "over" || cause.kind === "asked";
    return isBalance && this.usesLoads ? weight / unitsOf(this.#options.capacity) : null;
  }

  #locate(victim: Victim, context: ChoiceContext): Located | null {
    const { id } = victim;
    const { mayOffer, cause } = context;
    if (cause.kind === "asked") {
      const { node, load, capacity } = cause;
      const receiver = { node, load, capacity };
      return mayOffer(id, node) ? { receiver, reason: "it has asked" } : null;
    }
    const { preferred, policy, prng } = this.#options;
    const receivers = preferred.receivers((node) => mayOffer(id, node));
    const options = { prng, assumedLoad: this.#assumedLoad };
    if (victim.weight === 1) return locate(receivers, policy.location, options);
    const roomy = receivers.filter((receiver) =>
      this.worth(victim, receiver, context).obstacle === null
    );
    const best = fastest(roomy, ({ load, capacity = this.#options.capacity }) => ({
      weight: victim.weight,
      loadThere: load ?? this.#assumedLoad,
      capacityThere: capacity,
    }));
    return locate(best.length > 0 ? best : receivers, policy.location, options);
  }

  /** A node that is to be empty sends its guests home if nobody takes them. */
  #sendHome(victims: readonly Victim[], { cause, mayOffer }: ChoiceContext): Choice | null {
    if (!mustEmpty(cause)) return null;
    const { node } = this.#options;
    const guest = victims.find(({ id, homeNode }) => homeNode !== node && mayOffer(id, homeNode));
    if (guest === undefined) return null;
    const why = cause.kind === "drained" ? "the node is being drained" : "the owner is at work";
    const reason = `${why}; home, as no associated node that is U takes it`;
    return { id: guest.id, to: guest.homeNode, reason, manual: true, isProbe: false, load: null };
  }

  /** Asks a node that is not U, which may have far fewer processes all the same. */
  #probe(victims: readonly Victim[], context: ChoiceContext): Choice | null {
    const { preferred, prng, capacity, thresholds } = this.#options;
    if (!context.mayProbe || context.cause.kind !== "over") return null;
    // It only takes a process if it has fewer by so much: that is the least that is gained.
    const load = ({ weight }: Victim) =>
      (context.weight - differenceMin(weight)) / unitsOf(capacity);
    const { thu } = thresholds();
    const victim = victims.find((one) =>
      isWorthAsking(context.weight, thu, one.weight) &&
      this.worth(one, { node: "another node", load: load(one) }, context).obstacle === null
    );
    if (victim === undefined) return null;
    const { id } = victim;
    const nodes = preferred.full((node) => context.mayOffer(id, node));
    if (nodes.length === 0) return null;
    const to = prng.pick(nodes);
    // What is known of its load is old: whether the move is worth it is for that node to say.
    const reason = `${this.#state(context)}; nobody is U: ${to} is asked whether it has ` +
      "clearly fewer";
    return { id, to, reason, manual: false, isProbe: true, load: this.#loadToTell(context) };
  }

  #state({ cause, processes, weight }: ChoiceContext): string {
    if (cause.kind === "drained") return "the node is being drained";
    if (cause.kind === "asked") return `asked by a node with load ${round(cause.load)}`;
    if (cause.kind === "owner") return "the owner of the node is at work";
    if (cause.kind === "memory") return `short of memory: ${cause.reason}`;
    const { thv, unit } = this.#options.thresholds();
    const threads = weight === processes ? "" : ` that weigh ${weight}`;
    return `over with ${processes} processes${threads}, thv ${thv}${
      unit === "percent" ? " %" : ""
    }`;
  }
}

/** Whether what has to leave does so whatever it costs, and home if nobody else takes it. */
function mustEmpty({ kind }: SendCause): boolean {
  return kind === "drained" || kind === "owner";
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
