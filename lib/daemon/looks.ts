/**
 * Looks at the processes of this node.
 *
 * The figures of all in one call, and what keeps them only of those that have run since.
 *
 * @module
 */
import { mapBounded } from "../base/bounded.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { Sample } from "../core/contract/process.ts";
import * as native from "../host/native.ts";
import type { Inspection } from "../host/obstacles.ts";
import { type Computing, followComputing } from "../host/threads.ts";
import { type GuestRecord, type LocalRecord, pidOf, ticksOf } from "./records.ts";

/** Each of them has some five files of /proc open: 100 descriptors, whatever the number of processes. */
const INSPECTIONS_AT_ONCE = 20;

/** What was seen of a process. */
interface Known {
  readonly look: native.Look;
  readonly memoryBytes: number;
  readonly cantmove: string | null;
}

/** Where processes and what keeps them are found: {@linkcode Inspections}. */
export interface Inspector {
  find(id: ProcessId): LocalRecord | GuestRecord | null;
  inspect(id: ProcessId): Promise<Inspection | null>;
}

const gone = { cpuSeconds: 0, rssBytes: 0, memoryBytes: 0, cantmove: "the process is gone" };

/** Looks at processes. */
export class Looks {
  readonly #inspector: Inspector;
  #known = new Map<ProcessId, Known>();
  readonly #computing = new Map<ProcessId, Computing>();

  constructor(inspector: Inspector) {
    this.#inspector = inspector;
  }

  /** Of each process something, as a transfer may wait for it; `isGone` where nothing was seen. */
  async sample(ids: readonly ProcessId[]): Promise<(Sample & { readonly isGone: boolean })[]> {
    const records = ids.map((id) => this.#inspector.find(id));
    const looks = await native.look(records.map((record) => record === null ? 0 : pidOf(record)));
    return await mapBounded([...ids.keys()], INSPECTIONS_AT_ONCE, async (index) => {
      const id = ids[index] as ProcessId;
      const record = records[index] ?? null;
      const look = looks[index];
      const known = this.#known.get(id);
      const isThis = record !== null && look?.startTicks === ticksOf(record);
      const threads = look && isThis ? this.#threadsOf(id, look) : {};
      if (record !== null && look && known !== undefined && isUnchanged(look, known)) {
        const cpuSeconds = look.cpuSeconds + (record.cpuElsewhere ?? 0);
        const cantmove = ("cantmove" in record ? record.cantmove : null) ?? known.cantmove;
        const { memoryBytes } = known;
        const { rssBytes } = look;
        return { id, cpuSeconds, rssBytes, memoryBytes, ...threads, cantmove, isGone: false };
      }
      const inspection = await this.#inspector.inspect(id);
      if (inspection !== null && look && isThis) {
        const { memoryBytes, cantmove } = inspection;
        this.#known.set(id, { look, memoryBytes, cantmove });
      } else this.#known.delete(id);
      const { cpuSeconds, rssBytes, memoryBytes, cantmove } = inspection ?? gone;
      const isGone = inspection === null;
      return { id, cpuSeconds, rssBytes, memoryBytes, ...threads, cantmove, isGone };
    });
  }

  /** How many threads of a process compute; nothing: it is not known yet. */
  #threadsOf(id: ProcessId, look: native.Look): Pick<Sample, "threads"> {
    const last = this.#computing.get(id) ?? null;
    const now = followComputing(last?.since.startTicks === look.startTicks ? last : null, look);
    this.#computing.set(id, now);
    const { computing } = now;
    return computing === null ? {} : { threads: { all: look.threads, computing } };
  }

  /** Forgets the processes that are not among these. */
  keep(ids: readonly ProcessId[]): void {
    if (this.#known.size + this.#computing.size === 0) return;
    const kept = new Set(ids);
    for (const known of [this.#known, this.#computing]) {
      for (const id of known.keys()) if (!kept.has(id)) known.delete(id);
    }
  }
}

/**
 * Whether what keeps a process is as it was. What keeps it from outside, such as its children's being
 * there, may have gone without a step of its own.
 */
function isUnchanged(look: native.Look, { look: last, cantmove }: Known): boolean {
  return look.ranNs !== 0n && look.ranNs === last.ranNs && look.startTicks === last.startTicks &&
    look.state === last.state && look.threads === last.threads &&
    cantmove === null;
}
