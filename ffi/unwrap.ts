/**
 * Turns results of C functions into typed errors, text into C's.
 *
 * The one place that knows how both travel.
 *
 * @module
 */
import { HostError, type LbError, UnsupportedError, WireError } from "../lib/base/errors.ts";
import { errnos } from "../lib/wire/layout.ts";
import { errors } from "../lib/wire/schema.ts";

/** Errors of the kernel end here; below -4095 they are our own. Same boundary as the kernel's. */
const ERRNO_MAX = 4095;

/** Our own errors that say the workload cannot be moved. */
const unsupportedCodes: ReadonlySet<number> = new Set([
  errors.UNSUPPORTED.code,
  errors.THREADS.code,
  errors.THREADS_MAX.code,
  errors.CHILDREN.code,
  errors.SHARED_MEMORY.code,
  errors.SEGMENTS.code,
]);

/** Errors of errno(3) that people meet: what they mean and what to do; others show their number alone. */
const kernelErrors: Partial<Record<keyof typeof errnos, readonly [text: string, fix: string]>> = {
  EPERM: ["operation not permitted", "Run lb as the user who owns it"],
  ENOENT: ["no such file or directory", "Check that it exists"],
  ESRCH: ["no such process", "It has ended: nothing is left to do"],
  EINTR: ["interrupted", "Try again"],
  EIO: ["input or output failed", "See the kernel's log: dmesg"],
  ENOEXEC: ["not a program of this machine", "Name a program"],
  EBADF: ["not an open descriptor", "Report this as a bug of lb"],
  EAGAIN: ["try again", "Try again"],
  ENOMEM: ["not enough memory", "Free memory on this node"],
  EACCES: ["permission denied", "Check the owner and the mode, or run lb as the user who owns it"],
  EFAULT: ["bad address", "Report this as a bug of lb"],
  EBUSY: ["in use", "Try again"],
  EEXIST: ["it exists already", "Name another one"],
  ENOTDIR: ["not a directory", "Check the path"],
  EISDIR: ["is a directory", "Name a file"],
  EINVAL: ["not valid", "Correct the value, or report this as a bug of lb"],
  ENFILE: ["too many open files on this node", "Close programs, or raise fs.file-max"],
  EMFILE: ["too many open files", "Raise the limit: ulimit -n"],
  ETXTBSY: ["the program is being written", "Try again when it is complete"],
  ENOSPC: ["no space left on the disk", "Free space there"],
  EROFS: ["the file system is read-only", "Name a path elsewhere"],
  EPIPE: ["the reader is gone", "Check the other side"],
  ENAMETOOLONG: ["name too long", "Choose a shorter path"],
  ENOSYS: ["this kernel cannot do it", "Use a newer kernel: `lb doctor` tells what is missing"],
  ELOOP: ["too many symbolic links", "Check the path"],
  ENOTSUP: ["not supported here", "Use a newer kernel: `lb doctor` tells what is missing"],
  EADDRINUSE: ["address in use", "Stop what listens there, or choose another address"],
  EADDRNOTAVAIL: ["not an address of this node", "Set listen to an address of this node"],
  ENETUNREACH: ["no route to the network", "Check the network"],
  ECONNRESET: ["the other side closed the connection", "See the other node's log"],
  ENOTCONN: ["not connected", "Try again"],
  ETIMEDOUT: ["no answer in time", "Check the network and the node"],
  ECONNREFUSED: ["nobody listens there", "Start the daemon there"],
  EHOSTUNREACH: ["no route to the node", "Check the network and the node"],
};

const kernelErrorsByNumber = new Map<number, { name: string; text: string; fix: string }>(
  Object.entries(kernelErrors).map(([name, [text, fix]]) => [
    errnos[name as keyof typeof errnos],
    { name, text, fix },
  ]),
);

/** What a code stands for, such as `no such process (ESRCH)`. */
export function describeCode(code: number): string {
  const number = Math.abs(code);
  if (number <= ERRNO_MAX) {
    const known = kernelErrorsByNumber.get(number);
    return known === undefined ? `errno ${number}` : `${known.text} (${known.name})`;
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
    const fix = kernelErrorsByNumber.get(number)?.fix ??
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
