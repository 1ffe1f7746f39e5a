/**
 * How long a balancer waits, where its config does not say.
 *
 * @module
 */

import type { BalancerConfig } from "./config.ts";

/** A LAN answers in milliseconds; a daemon held up by a full disk may need seconds. */
const OFFER_TIMEOUT_MS = 5_000;
/** The order's own time-out (2 s on each side), a connection and room to spare. */
const RESERVATION_TIMEOUT_MS = 10_000;
/** A 16 GiB image at 20 MB/s; stalls are noticed by the driver long before. */
const MOVE_TIMEOUT_MS = 900_000;
/** Two checks of the default frequency. */
const RETRY_DELAY_MS = 10_000;

/**
 * How long an order may take once it was fetched: silence at each of a few steps, and the memory at a
 * tenth of a 1 Gb/s network, in milliseconds. A process ends its order much earlier unless it hangs (SIGSTOP).
 */
export function moveLimitMs(ioTimeoutMs: number, bytes: number): number {
  return 3 * ioTimeoutMs + Math.ceil(bytes / 10_000);
}

/** The time-outs of a balancer, in milliseconds. */
export type Timeouts = Readonly<
  Record<"offerTimeoutMs" | "reservationTimeoutMs" | "moveTimeoutMs" | "retryDelayMs", number>
>;

/** Those of a config, where it does not say by default. */
export function timeoutsOf(config: BalancerConfig): Timeouts {
  return {
    offerTimeoutMs: config.offerTimeoutMs ?? OFFER_TIMEOUT_MS,
    reservationTimeoutMs: config.reservationTimeoutMs ?? RESERVATION_TIMEOUT_MS,
    moveTimeoutMs: config.moveTimeoutMs ?? MOVE_TIMEOUT_MS,
    retryDelayMs: config.retryDelayMs ?? RETRY_DELAY_MS,
  };
}
