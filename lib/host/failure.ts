/**
 * Tells failures of the machine from bugs.
 *
 * A daemon outlives the first, and ends with a stack at the second.
 *
 * @module
 */
import { describe, LbError } from "../base/errors.ts";
import type { logger } from "./log.ts";

/** Whether an error is the machine's: one of ours, or one that carries the kernel's name, as EMFILE. */
export function isFailure(error: unknown): error is Error {
  if (error instanceof LbError) return true;
  const { code } = error as { readonly code?: unknown };
  return error instanceof Error && typeof code === "string" && /^E[A-Z0-9]+$/.test(code);
}

/**
 * Logs failures that nobody waits for, in a timer or a promise, instead of ending by them.
 *
 * @returns Takes it back.
 */
export function outliveFailures(log: ReturnType<typeof logger>): () => void {
  const onError = (event: ErrorEvent) => take(event, event.error);
  const onRejection = (event: PromiseRejectionEvent) => take(event, event.reason);
  function take(event: Event, error: unknown): void {
    if (!isFailure(error)) return;
    event.preventDefault();
    log.error("something has failed", { reason: describe(error) });
  }
  globalThis.addEventListener("error", onError);
  globalThis.addEventListener("unhandledrejection", onRejection);
  return () => {
    globalThis.removeEventListener("error", onError);
    globalThis.removeEventListener("unhandledrejection", onRejection);
  };
}
