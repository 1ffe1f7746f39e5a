/**
 * The runtime directory.
 *
 * Made or checked, and locked, so that one daemon works in it.
 *
 * @module
 */
import { describe, HostError } from "../base/errors.ts";
import * as native from "./native.ts";

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

/**
 * Takes the lock of a runtime directory, until the descriptor is closed or this process ends.
 *
 * @throws {HostError} If another daemon has it.
 */
export function lockRuntimeDir(directory: string): number {
  const path = `${directory}/lock`;
  const fd = native.lock(path);
  if (fd !== null) return fd;
  const pid = Deno.readTextFileSync(path).trim();
  throw new HostError(
    `Cannot start a daemon in ${directory}: one runs there already, pid ${pid}`,
    { fix: "Stop it first, or set another runtime-dir and listen address for a second node" },
  );
}
