/**
 * The library as the programs of one node load it.
 *
 * Its directory also says where that node's daemon is, so that a program's environment has one
 * word of ours only.
 *
 * @module
 */
import { artifactPath } from "../../ffi/artifacts.ts";
import { describe, HostError } from "../base/errors.ts";
import { names } from "../wire/schema.ts";
import type { Config } from "./config.ts";
import { runtimePath } from "./runtime_dir.ts";

/** Where a node's control socket is. */
export function controlPath(config: Pick<Config, "runtimeDir">): string {
  return runtimePath(config.runtimeDir, "control");
}

/** FNV-1a of 64 bits, as c/launch/parts.c has it. */
function keyOf(path: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(path)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

/** Makes a symbolic link, or leaves the one that leads there already. */
function link(target: string, path: string): void {
  try {
    if (Deno.readLinkSync(path) === target) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const temporary = `${path}.${Deno.pid}.${crypto.randomUUID()}`;
  Deno.symlinkSync(target, temporary);
  Deno.renameSync(temporary, path);
}

/**
 * The path of the library for a node's programs, extracted if need be: what LD_PRELOAD names.
 *
 * @throws {HostError} If no directory can hold it.
 */
export function nodeLibrary(config: Pick<Config, "runtimeDir">): string {
  const library = artifactPath(names.library);
  const directory = `${library.slice(0, library.lastIndexOf("/"))}/${keyOf(controlPath(config))}`;
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o755 });
    link(`../${names.library}`, `${directory}/${names.library}`);
    link(controlPath(config), `${directory}/${names.controlLink}`);
  } catch (error) {
    throw new HostError(`Cannot prepare ${directory} for this node: ${describe(error)}`, {
      fix: "Set LB_LIBDIR to a directory of yours from which programs may run",
      cause: error,
    });
  }
  return `${directory}/${names.library}`;
}
