/**
 * Watches for the ends of processes. What cannot be watched just now, as the node lacks descriptors, is
 * tried again at each check: no end is missed.
 *
 * @module
 */
import { describe, HostError } from "../base/errors.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import type { Watch } from "./context.ts";

const log = logger("watches");

/** The watches of this node. */
export class Watches {
  readonly #exited: (pid: number, startTicks: bigint) => void;
  readonly #missing = new Map<number, bigint>();

  /** @param exited Is told of each end, once. */
  constructor(exited: (pid: number, startTicks: bigint) => void) {
    this.#exited = exited;
  }

  /** Watches a process; false if it is gone. */
  readonly watch: Watch = (pid, startTicks) => {
    try {
      this.#missing.delete(pid);
      if (native.watchPid(pid, startTicks)) return true;
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      if (this.#missing.size === 0) {
        log.warning("cannot watch a process: it is tried again", { pid, reason: describe(error) });
      }
      this.#missing.set(pid, startTicks);
      return true;
    }
    // Not before its caller has written down what there is to forget.
    queueMicrotask(() => this.#exited(pid, startTicks));
    return false;
  };

  /** Tries again what could not be watched; at each check. */
  retry(): void {
    for (const [pid, startTicks] of [...this.#missing]) this.watch(pid, startTicks);
  }
}
