/**
 * Registers a program that has started.
 *
 * P: under lb's balancing, or become another one by exec.
 *
 * @module
 */
import { HostError } from "../base/errors.ts";
import { formatProcessId } from "../core/contract/process_id.ts";
import type { ProcessId } from "../core/contract/names.ts";
import type { ControlPeer } from "../host/control.ts";
import { logger } from "../host/log.ts";
import * as native from "../host/native.ts";
import { NOT_LOADED, obstacleText } from "../host/obstacles.ts";
import { programName } from "../host/proc.ts";
import type { LocalValues } from "../wire/local.ts";
import { errors, schema } from "../wire/schema.ts";
import type { Context, Watch } from "./context.ts";
import type { LocalRecord } from "./records.ts";

const log = logger("node");

/** Takes a program into the process table, unless it is gone already or of another version. */
export function register(
  context: Context,
  peer: ControlPeer,
  message: LocalValues<"Register">,
  watch: Watch,
): void {
  const { config, control } = context;
  const startTicks = seenTicks(peer.pid, message.startTicks);
  const fits = message.abiVersion === schema.abiVersion;
  if (startTicks === null) return; // A child of a shell, say, that did not last.
  if (startTicks !== message.startTicks || !fits) {
    log.warning("program refused", {
      pid: peer.pid,
      reason: fits ? "its start time is another" : "its library is of another lb version",
    });
    control.send(peer.connection, "Ack", { code: -errors.WIRE.code, flags: 0 });
    return;
  }
  const flags = (config.sigtstp === "stop" ? schema.registration.stopByHand : 0) |
    (config.triggerSignal === "SIGWINCH" ? schema.registration.sigwinch : 0) |
    (config.threads === "move" ? schema.registration.threadsMove : 0);
  control.send(peer.connection, "Ack", { code: 0, flags });
  // At once: were it waited for, what the process becomes by exec could be overtaken by what it was.
  arrive(context, peer.pid, { startTicks, program: programName(peer.pid), cantmove: null });
  watch(peer.pid, startTicks);
}

/** A program is taken even while the node lacks the descriptors to look at it: it says who it is. */
function seenTicks(pid: number, said: bigint): bigint | null {
  try {
    return native.startTicks(pid);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return said;
  }
}

/** Takes a program into the process table that the library is not loaded into: what it registers by is the launcher. */
export function registerStaying(
  context: Context,
  peer: ControlPeer,
  { startTicks, obstacle, program }: LocalValues<"Stays">,
  watch: Watch,
): void {
  if (seenTicks(peer.pid, startTicks) !== startTicks) return;
  const cantmove = obstacleText(obstacle) ?? NOT_LOADED;
  const id = arrive(context, peer.pid, { startTicks, program, cantmove });
  // Known at once: nobody has to look first.
  const nothing = { cpuSeconds: 0, rssBytes: 0, memoryBytes: 0 };
  context.dispatch({ type: "sampled", samples: [{ id, ...nothing, cantmove }] });
  context.control.send(peer.connection, "Ack", { code: 0, flags: 0 });
  watch(peer.pid, startTicks);
}

function arrive(
  { records, node, dispatch }: Context,
  pid: number,
  { startTicks, program, cantmove }: Pick<LocalRecord, "startTicks" | "program" | "cantmove">,
): ProcessId {
  const identity = { homeNode: node, homePid: pid, startTicks };
  const id = formatProcessId(identity);
  // By exec it becomes another program, and stays the same process.
  const { cpuElsewhere = 0 } = records.locals.get(id) ?? {};
  records.locals.set(id, { ...identity, id, program, cantmove, moving: null, cpuElsewhere });
  records.save();
  dispatch({ type: "processArrived", process: { id, homeNode: node, pid, program } });
  return id;
}
