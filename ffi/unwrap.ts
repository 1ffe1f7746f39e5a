/**
 * Turns results of C functions into typed errors, text into C's.
 *
 * The one place that knows how both travel.
 *
 * @module
 */
import { HostError, type LbError, UnsupportedError, WireError } from "../lib/base/errors.ts";
import { errors } from "../lib/wire/schema.ts";

/** Errors of the kernel end here; below -4095 they are our own. Same boundary as the kernel's. */
const ERRNO_MAX = 4095;

/** Our own errors that say the workload cannot be moved. */
const unsupportedCodes: ReadonlySet<number> = new Set([
  errors.UNSUPPORTED.code,
  errors.THREADS.code,
  errors.CHILDREN.code,
  errors.SHARED_MEMORY.code,
  errors.SEGMENTS.code,
]);

/** Errors of errno(3) on x86-64 that people meet; others show their number alone. */
const kernelErrors: ReadonlyMap<number, readonly [name: string, text: string, fix: string]> =
  new Map([
    [1, ["EPERM", "operation not permitted", "Run lb as the user who owns it"]],
    [2, ["ENOENT", "no such file or directory", "Check that it exists"]],
    [3, ["ESRCH", "no such process", "It has ended: nothing is left to do"]],
    [4, ["EINTR", "interrupted", "Try again"]],
    [5, ["EIO", "input or output failed", "See the kernel's log: dmesg"]],
    [8, ["ENOEXEC", "not a program of this machine", "Name a program"]],
    [9, ["EBADF", "not an open descriptor", "Report this as a bug of lb"]],
    [11, ["EAGAIN", "try again", "Try again"]],
    [12, ["ENOMEM", "not enough memory", "Free memory on this node"]],
    [13, [
      "EACCES",
      "permission denied",
      "Check the owner and the mode, or run lb as the user who owns it",
    ]],
    [14, ["EFAULT", "bad address", "Report this as a bug of lb"]],
    [16, ["EBUSY", "in use", "Try again"]],
    [17, ["EEXIST", "it exists already", "Name another one"]],
    [20, ["ENOTDIR", "not a directory", "Check the path"]],
    [21, ["EISDIR", "is a directory", "Name a file"]],
    [22, ["EINVAL", "not valid", "Correct the value, or report this as a bug of lb"]],
    [23, ["ENFILE", "too many open files on this node", "Close programs, or raise fs.file-max"]],
    [24, ["EMFILE", "too many open files", "Raise the limit: ulimit -n"]],
    [26, ["ETXTBSY", "the program is being written", "Try again when it is complete"]],
    [28, ["ENOSPC", "no space left on the disk", "Free space there"]],
    [30, ["EROFS", "the file system is read-only", "Name a path elsewhere"]],
    [32, ["EPIPE", "the reader is gone", "Check the other side"]],
    [36, ["ENAMETOOLONG", "name too long", "Choose a shorter path"]],
    [38, [
      "ENOSYS",
      "this kernel cannot do it",
      "Use a newer kernel: `lb doctor` tells what is missing",
    ]],
    [40, ["ELOOP", "too many symbolic links", "Check the path"]],
    [95, [
      "ENOTSUP",
      "not supported here",
      "Use a newer kernel: `lb doctor` tells what is missing",
    ]],
    [98, ["EADDRINUSE", "address in use", "Stop what listens there, or choose another address"]],
    [99, ["EADDRNOTAVAIL", "not an address of this node", "Set listen to an address of this node"]],
    [101, ["ENETUNREACH", "no route to the network", "Check the network"]],
    [104, ["ECONNRESET", "the other side closed the connection", "See the other node's log"]],
    [107, ["ENOTCONN", "not connected", "Try again"]],
    [110, ["ETIMEDOUT", "no answer in time", "Check the network and the node"]],
    [111, ["ECONNREFUSED", "nobody listens there", "Start the daemon there"]],
    [113, ["EHOSTUNREACH", "no route to the node", "Check the network and the node"]],
  ]);

/** What a code stands for, such as `no such process (ESRCH)`. */
export function describeCode(code: number): string {
  const number = Math.abs(code);
  if (number <= ERRNO_MAX) {
    const known = kernelErrors.get(number);
    return known === undefined ? `errno ${number}` : `${known[1]} (${known[0]})`;
  }
  const own = Object.values(errors).find((error) => error.code === number);
  return own?.text ?? `error ${number}`;
}

/**
 * Makes the error for a negative result.
 *
 * @param what What failed, from its verb on: `open the image /tmp/x`.
 */
export function errorOf(code: number, what: string): LbError {
  const number = Math.abs(code);
  const message = `Cannot ${what}: ${describeCode(number)}`;
  if (number <= ERRNO_MAX) {
    const fix = kernelErrors.get(number)?.[2] ??
      "See errno(3) for the reason, and `lb doctor` for this node";
    return new HostError(message, { fix, errno: number });
  }
  const own = Object.values(errors).find((error) => error.code === number);
  const fix = own?.fix ?? "Run the same lb version on all nodes";
  if (number === errors.WIRE.code) return new WireError(message, { fix });
  if (unsupportedCodes.has(number)) {
    return new UnsupportedError(message, { fix, what: own?.text ?? "unknown" });
  }
  return new HostError(message, { fix });
}

/**
 * Passes on a result of C that is not an error.
 *
 * @param what What failed if it is one, from its verb on: `open the image /tmp/x`.
 * @returns `result` as a number; i64 results beyond 2^53 lose their last digits.
 * @throws {HostError} If the kernel, or this node, is in the way.
 * @throws {WireError} If a peer's bytes are.
 * @throws {UnsupportedError} If the workload is.
 */
export function unwrap(result: number | bigint, what: string): number {
  if (result < 0) throw errorOf(Number(result), what);
  return Number(result);
}

const encoder = new TextEncoder();

/**
 * Text as C has it.
 *
 * @throws {HostError} If it holds a NUL, which would end it early.
 */
export function cText(text: string): Uint8Array<ArrayBuffer> {
  return cBlock([text]);
}

/**
 * A list of strings as one buffer, each with its NUL.
 *
 * @throws {HostError} If one holds a NUL, which would make it two.
 */
export function cBlock(strings: readonly string[]): Uint8Array<ArrayBuffer> {
  const bad = strings.find((text) => text.includes("\0"));
  if (bad !== undefined) {
    throw new HostError(`Cannot pass ${JSON.stringify(bad)} to C as it must not hold a NUL`, {
      fix: "Remove the NUL",
    });
  }
  return encoder.encode(strings.map((text) => `${text}\0`).join(""));
}

/** An environment as a block of `NAME=value` strings. */
export function environmentBlock(env: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  return cBlock(Object.entries(env).map(([name, value]) => `${name}=${value}`));
}

/** Descriptors as C takes them. */
export function fdArray(fds: readonly number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Int32Array.from(fds).buffer);
}
