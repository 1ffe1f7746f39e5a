/**
 * Opens lb-ffi.so, the one library that Deno calls.
 *
 * It checks that the library is of this build.
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
  library ??= open(symbols);
  return library;
}

/**
 * `lb_ffi_exec()` alone, for `lb launch`: Deno builds machine code for each function that it is
 * told of, which takes 3 ms for all of them.
 *
 * @throws {HostError} If lb-ffi.so cannot be extracted or opened, or is of another build.
 */
export function openExec(): Pick<Ffi, "lb_ffi_exec"> {
  const { lb_ffi_abi_version, lb_ffi_exec } = symbols;
  return open({ lb_ffi_abi_version, lb_ffi_exec });
}

function open<S extends Pick<typeof symbols, "lb_ffi_abi_version">>(
  wanted: S,
): Deno.DynamicLibrary<S>["symbols"] {
  const path = artifactPath("lb-ffi.so");
  let opened: Deno.DynamicLibrary<S>["symbols"];
  try {
    opened = Deno.dlopen(path, wanted as S & Deno.ForeignLibraryInterface).symbols;
  } catch (error) {
    throw new HostError(
      `Cannot open ${path} as it must be a library of this build: ${
        error instanceof Error ? error.message : String(error)
      }`,
      { fix: "Build lb again, or set LB_LIBDIR to a directory from which programs may run" },
    );
  }
  const abi = (opened as Pick<Ffi, "lb_ffi_abi_version">).lb_ffi_abi_version();
  if (abi !== schema.abiVersion) {
    throw new HostError(
      `Cannot use ${path} as its ABI version must be ${schema.abiVersion}: it is ${abi}`,
      { fix: "Build lb again: its C parts are of another version" },
    );
  }
  return opened;
}
