/**
 * The runtime directory.
 *
 * What lies in it, and how it is made or checked.
 *
 * @module
 */
import { describe, HostError } from "../base/errors.ts";
import { schema } from "../wire/schema.ts";

/** What lies in the runtime directory, by name; nobody else spells these. */
const names = {
  /** The socket of this node's processes. */
  control: schema.names.controlSocket,
  /** The socket of commands. */
  commands: "lb.sock",
  /** Held by the daemon, with its PID. */
  lock: "lock",
  /** The processes, guests, shadows and ends that a daemon takes up again. */
  state: "state.json",
  /** What is known of the cluster's members. */
  members: "members.json",
  daemonLog: "daemon.log",
  keeperLog: "keeper.log",
  /** Images that SIGTSTP by hand has written. */
  images: "images",
} as const;

/** The path of something in a runtime directory. */
export function runtimePath(runtimeDir: string, name: keyof typeof names): string {
  return `${runtimeDir}/${names[name]}`;
}

/**
 * Makes the runtime directory, or checks that it is ours alone.
 *
 * @throws {HostError} If it cannot be made, or is somebody else's.
 */
export function prepareRuntimeDir(path: string): void {
  const fail = (reason: string, cause?: unknown) =>
    new HostError(`Cannot use ${path} as the runtime directory: ${reason}`, {
      fix: "Set runtime-dir in the config to a directory of your own with mode 0700",
      ...(cause === undefined ? {} : { cause }),
    });
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    const info = Deno.lstatSync(path);
    if (!info.isDirectory) throw fail("it is not a directory");
    if (info.uid !== Deno.uid()) throw fail(`it belongs to user ${info.uid}`);
    if (((info.mode ?? 0) & 0o077) !== 0) Deno.chmodSync(path, 0o700);
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw fail(describe(error), error);
  }
}
