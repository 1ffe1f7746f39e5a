/**
 * The environment that puts a program under the node's balancing.
 *
 * @module
 */
import type { Config } from "../host/config.ts";
import { runtimePath } from "../host/runtime_dir.ts";
import { names } from "../wire/schema.ts";

/** Where the socket for local commands is. */
export function commandPath(config: Config): string {
  return runtimePath(config.runtimeDir, "commands");
}

/**
 * LD_PRELOAD for a node's programs: the library behind what is preloaded, once, as c/launch/exec.c has it.
 *
 * @param library Path of the library; {@linkcode nodeLibrary} makes it.
 * @param preload LD_PRELOAD as it is.
 */
export function withLibrary(library: string, preload: string | undefined): string {
  const others = (preload ?? "").split(/[ :]+/).filter((path) => path !== "");
  // A job that lb started may start others by lb; a library of another lb version must not stay.
  return [...others.filter((path) => !path.endsWith(`/${names.library}`)), library].join(":");
}

/** Quotes a text for a shell. */
export function shellQuote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
