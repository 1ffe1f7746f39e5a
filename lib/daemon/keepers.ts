/**
 * Starts a keeper for a move that arrives.
 *
 * It restores the process whose memory comes on a connection.
 *
 * @module
 */
import { formatProcessId } from "../core/contract/process_id.ts";
import type { WireIdentity } from "../host/handshake.ts";
import * as native from "../host/native.ts";
import { variables } from "../wire/schema.ts";
import type { Context } from "./context.ts";
import type { GuestRecord } from "./records.ts";

/** A process whose memory is about to arrive. */
export interface Arriving {
  readonly from: string;
  readonly identity: WireIdentity;
  readonly program: string;
  /** CPU time that it has used so far, in seconds. */
  readonly cpuSeconds: number;
}

/**
 * Starts a keeper for a process.
 *
 * @param fd The connection; it stays the caller's, too.
 * @returns The record of its guest, which is not restored yet.
 * @throws {HostError} If it cannot be started.
 */
export function startKeeper(context: Context, process: Arriving, fd: number): GuestRecord {
  const { identity, program, from, cpuSeconds } = process;
  const { config, node, controlPath, parts, logFd } = context;
  const { ticket, startTicks, homePid, homeNode } = identity;
  const id = formatProcessId(identity);
  const fault = Deno.env.get(variables.fault);
  const keeperPid = native.spawn({
    programFd: parts.keeper,
    // deno-fmt-ignore
    args: [
      "lb-keeper", "guest",
      "--control", controlPath,
      "--node", node,
      "--ticket", String(ticket),
      "--home", homeNode,
      "--from", from,
      "--pid", String(homePid),
      "--start", String(startTicks),
      "--io-timeout-ms", String(config.ioTimeoutMs),
      "--reconnect-limit-ms", String(config.reconnectLimitMs),
    ],
    env: fault === undefined ? {} : { [variables.fault]: fault },
    fds: [fd],
    logFd,
  });
  return {
    id,
    homeNode,
    homePid,
    startTicks,
    program,
    ticket,
    keeperPid,
    keeperStartTicks: native.startTicks(keeperPid) ?? 0n,
    guestPid: 0,
    guestStartTicks: 0n,
    running: false,
    connection: null,
    left: false,
    cpuElsewhere: cpuSeconds,
  };
}
