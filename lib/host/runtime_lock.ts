/**
 * The lock of a runtime directory: one daemon works in it.
 *
 * @module
 */
import { HostError } from "../base/errors.ts";
import * as native from "./native.ts";
import { runtimePath } from "./runtime_dir.ts";

/**
 * Takes the lock of a runtime directory, until the descriptor is closed or this process ends.
 *
 * @throws {HostError} If another daemon has it.
 */
export function lockRuntimeDir(directory: string): number {
  const path = runtimePath(directory, "lock");
  const fd = native.lock(path);
  if (fd !== null) return fd;
  const pid = Deno.readTextFileSync(path).trim();
  throw new HostError(
    `Cannot start a daemon in ${directory}: one runs there already, pid ${pid}`,
    { fix: "Stop it first, or set another runtime-dir and listen address for a second node" },
  );
}
