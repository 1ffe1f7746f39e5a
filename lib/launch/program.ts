/**
 * Finds the program that `lb launch` is to become, and tells what keeps the library out of it.
 *
 * @module
 */

import { describe } from "../base/errors.ts";

/** PATH when there is none, as execvp(3) of glibc has it. */
const DEFAULT_PATH = "/bin:/usr/bin";
/** How many interpreters of interpreters are followed; the kernel's limit, fs/exec.c, v6.12. */
const INTERPRETERS_MAX = 5;
/** Bytes of a `#!` line that the kernel reads: BINPRM_BUF_SIZE, binfmts.h, v6.12. */
const SCRIPT_LINE_MAX = 256;

/** A program that was looked for: its path, or why there is none. */
export type FoundProgram =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "missing" }
  | { readonly kind: "notExecutable"; readonly path: string; readonly reason: string };

/**
 * Finds a program as a shell does: a name with a slash is a path, any other is looked up in PATH.
 *
 * @param pathVariable Value of PATH; an empty entry is the working directory.
 */
export function findProgram(name: string, pathVariable: string | undefined): FoundProgram {
  if (name === "") return { kind: "missing" };
  if (name.includes("/")) return probe(name);
  let refused: FoundProgram = { kind: "missing" };
  for (const dir of (pathVariable ?? DEFAULT_PATH).split(":")) {
    const found = probe(`${dir === "" ? "." : dir}/${name}`);
    if (found.kind === "found") return found;
    // Go on looking, but remember that one was there; a directory that cannot be searched hides none.
    if (found.kind === "notExecutable" && refused.kind === "missing" && isFile(found.path)) {
      refused = found;
    }
  }
  return refused;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function probe(path: string): FoundProgram {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return { kind: "missing" };
    }
    return { kind: "notExecutable", path, reason: describe(error) };
  }
  if (info.isDirectory) return { kind: "notExecutable", path, reason: "it is a directory" };
  if (((info.mode ?? 0) & 0o111) === 0) {
    return { kind: "notExecutable", path, reason: "it has no execute permission" };
  }
  return { kind: "found", path };
}

/**
 * Why the library will not be loaded into a program, in a few words that follow "as it"; null if it
 * will be, as far as one can see.
 */
export function findObstacle(path: string, pathVariable: string | undefined): string | null {
  let current = path;
  for (let depth = 0; depth < INTERPRETERS_MAX; depth++) {
    let head: Uint8Array;
    try {
      head = readHead(current, 4096);
    } catch {
      return null; // The exec will say what is wrong, or the program may be run but not be read.
    }
    if (head[0] === 0x23 && head[1] === 0x21) {
      const next = interpreterOf(head, pathVariable);
      if (next === null) return null;
      current = next;
      continue;
    }
    const obstacle = setIdObstacle(current) ?? elfObstacle(head);
    if (obstacle === null) return null;
    return current === path ? obstacle : `is a script of ${current}, which ${obstacle}`;
  }
  return null;
}

function readHead(path: string, size: number): Uint8Array {
  using file = Deno.openSync(path);
  const head = new Uint8Array(size);
  return head.subarray(0, file.readSync(head) ?? 0);
}

/** The program that a `#!` line starts; `env NAME` is looked through. */
function interpreterOf(head: Uint8Array, pathVariable: string | undefined): string | null {
  const text = new TextDecoder().decode(head.subarray(2, SCRIPT_LINE_MAX));
  const words = (text.split("\n")[0] ?? "").trim().split(/[ \t]+/);
  const [interpreter, ...args] = words;
  if (interpreter === undefined || interpreter === "") return null;
  if (!/\/env$/.test(interpreter)) return interpreter;
  const name = args.find((arg) => !arg.startsWith("-") && !arg.includes("="));
  if (name === undefined) return interpreter;
  const found = findProgram(name, pathVariable);
  return found.kind === "found" ? found.path : null;
}

function setIdObstacle(path: string): string | null {
  const info = Deno.statSync(path);
  const mode = info.mode ?? 0;
  // The loader drops LD_PRELOAD only if an id really changes, ld.so(8) "secure-execution mode".
  if ((mode & 0o4000) !== 0 && info.uid !== Deno.uid()) return "is set-user-ID";
  if ((mode & 0o2000) !== 0 && info.gid !== Deno.gid()) return "is set-group-ID";
  return null;
}

/** Reads an ELF header, elf(5). */
function elfObstacle(head: Uint8Array): string | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 64 || view.getUint32(0) !== 0x7f454c46) return null;
  const is64Bit = head[4] === 2;
  const machine = view.getUint16(18, true);
  if (!is64Bit || machine !== 62 /* EM_X86_64 */) return "is not a 64-bit x86 program";
  const offset = Number(view.getBigUint64(32, true));
  const entrySize = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  for (let index = 0; index < count; index++) {
    const at = offset + index * entrySize;
    if (at + 4 > head.length) return null; // Headers in some other place than usual: let it run.
    if (view.getUint32(at, true) === 3 /* PT_INTERP */) return null;
  }
  return "is statically linked";
}
