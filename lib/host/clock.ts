/**
 * The clocks of this node.
 *
 * Monotonic for durations, wall clock for comparing nodes.
 *
 * @module
 */

/** Milliseconds since some moment in the past; never goes back. */
export function monotonicMs(): number {
  return Math.floor(performance.now());
}

/** Milliseconds since 1970 by the wall clock. */
export function wallMs(): number {
  return Date.now();
}

/** Resolves after `delayMs`; rejects with the signal's reason if it is aborted before. */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
