/**
 * A process's priority, lowered and raised again without a privilege.
 *
 * Where the kernel groups processes by session (CONFIG_SCHED_AUTOGROUP, sched(7)), the nice value of a
 * process that is alone in its session counts for nothing: it is the group's that does, and its owner
 * may raise that again. Elsewhere the process's own is set, and only a privileged user, or one with
 * RLIMIT_NICE, gets it back.
 *
 * @module
 */
import { HostError } from "../base/errors.ts";
import * as native from "./native.ts";
import { isAlive } from "./proc.ts";

/** The lowest priority, sched(7). */
const NICE_MAX = 19;

function groupsSessions(): boolean {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/sched_autogroup_enabled").trim() === "1";
  } catch {
    return false; // a kernel without it
  }
}

/**
 * Gives a process that leads or fills its session the lowest priority, or the usual one.
 *
 * @throws {HostError} If the kernel does not let us: an unprivileged user raises the priority of a group
 * only ten times a second, and that of a process never.
 */
export function setPriority(pid: number, startTicks: bigint, isLow: boolean): void {
  if (!isAlive(pid, startTicks)) return;
  const nice = isLow ? NICE_MAX : 0;
  if (!groupsSessions()) return native.setNice(pid, nice);
  try {
    Deno.writeTextFileSync(`/proc/${pid}/autogroup`, String(nice));
  } catch (error) {
    throw new HostError(
      `Cannot set the priority of pid ${pid}'s session to ${nice}: ${(error as Error).message}`,
      { fix: "It is tried again at the next check", cause: error },
    );
  }
}
