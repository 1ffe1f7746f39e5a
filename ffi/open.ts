/**
 * Opens lb-ffi.so, the one library that Deno calls, and checks that it is of this build.
 *
 * @module
 */
import { HostError } from "../lib/base/errors.ts";
import { schema } from "../lib/wire/schema.ts";
import { artifactPath } from "./artifacts.ts";
import { symbols } from "./symbols.ts";

/** The functions of lb-ffi.so. */
export type Ffi = Deno.DynamicLibrary<typeof symbols>["symbols"];

let library: Ffi | undefined;

/**
 * The functions of lb-ffi.so, opened at the first call and kept until the process ends.
 *
 * @throws {HostError} If it cannot be extracted or opened, or is of another build.
 */
export function openFfi(): Ffi {
  if (library !== undefined) return library;
  const path = artifactPath("lb-ffi.so");
  let opened: Ffi;
  try {
    opened = Deno.dlopen(path, symbols).symbols;
  } catch (error) {
    throw new HostError(
      `Cannot open ${path} as it must be a library of this build: ${
        error instanceof Error ? error.message : String(error)
      }`,
      { fix: "Build lb again, or set LB_LIBDIR to a directory from which programs may run" },
    );
  }
  const abi = opened.lb_ffi_abi_version();
  if (abi !== schema.abiVersion) {
    throw new HostError(
      `Cannot use ${path} as its ABI version must be ${schema.abiVersion}: it is ${abi}`,
      { fix: "Build lb again: its C parts are of another version" },
    );
  }
  library = opened;
  return opened;
}
