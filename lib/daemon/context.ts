/**
 * What the parts of the daemon share.
 *
 * @module
 */
import type { MembershipEvent } from "../core/membership/types.ts";
import type { Event } from "../core/contract/event.ts";
import type { Config } from "../host/config.ts";
import type { ControlSocket } from "../host/control.ts";
import type { Credentials } from "../host/handshake.ts";
import type { Records } from "./records.ts";
import type { Driver } from "./driver.ts";

/** Open descriptors of the C parts: they work even if the extracted files are wiped. */
export interface Parts {
  readonly shadow: number;
  readonly keeper: number;
}

/**
 * Has the end of a process told, be it over already: what it has sent may be read after its end.
 * Returns whether it lives, as far as one can see.
 */
export type Watch = (pid: number, startTicks: bigint) => boolean;

/** What the parts of the daemon share. */
export interface Context {
  /** Replaced as a whole when the config file is read again. */
  config: Config;
  /** The preferred list now: what the config names and the members that were added. */
  associated: readonly string[];
  /** This node's name. */
  readonly node: string;
  readonly credentials: Credentials;
  readonly control: ControlSocket;
  readonly controlPath: string;
  readonly records: Records;
  readonly parts: Parts;
  /** Where keepers write what they have to say. */
  readonly logFd: number;
  /** The path of that file. */
  readonly keeperLog: string;
  /** Number of the trigger signal. */
  readonly signal: number;
  /** When this run began, by the monotonic clock. */
  readonly startedMs: number;
  /** Aborted when the daemon stops. */
  readonly stopped: AbortSignal;
  /** What the balancer knows, and the last decisions. */
  readonly balance: Pick<Driver, "view" | "explain" | "journal">;
  /** Gives the balancer an event; its effects are performed before this returns, or soon after. */
  dispatch(event: Event): void;
  /** Gives the membership an event. */
  member(event: MembershipEvent): void;
}
