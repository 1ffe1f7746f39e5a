/**
 * The five kinds of failure.
 *
 * Each has its exit code, and says what to do about it.
 *
 * @module
 */

/** Exit codes of `lb`; documented for scripts, never reused. `lb launch` has its own: see launch. */
export const exitCodes = {
  ok: 0,
  /** A check said no: `lb doctor` found something wrong. */
  failed: 1,
  usage: 2,
  config: 3,
  host: 4,
  wire: 5,
  unsupported: 6,
  bug: 70,
} as const;

/** What every error says besides its message. */
export interface LbErrorOptions extends ErrorOptions {
  /** What the reader can do about it, as one sentence without a full stop. */
  readonly fix: string;
}

/**
 * Base of every failure we expect. The message reads `Cannot <verb> <object> as <wanted>: <current>`.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { UsageError } from "lb";
 * const error = new UsageError("Cannot use --seed as a number: x", { fix: "Give a number" });
 * assert.equal(error.exitCode, 2);
 * assert.equal(error.fix, "Give a number");
 * ```
 */
export abstract class LbError extends Error {
  /** What the reader can do about it. */
  readonly fix: string;
  /** The exit code of a command that ends with this error. */
  abstract readonly exitCode: number;

  /** Makes an error with its message and what to do about it. */
  constructor(message: string, options: LbErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.fix = options.fix;
  }
}

/** The command line is wrong. */
export class UsageError extends LbError {
  /** The exit code of a command that ends with this error. */
  readonly exitCode: number = exitCodes.usage;
}

/** A config file or the environment is wrong. */
export class ConfigError extends LbError {
  /** The exit code of a command that ends with this error. */
  readonly exitCode: number = exitCodes.config;
}

/** Options of a {@linkcode HostError}. */
export interface HostErrorOptions extends LbErrorOptions {
  /** The kernel's error number, positive; 0 where there is none. */
  readonly errno?: number;
}

/** The kernel, the disk, the network or a missing part of this node is in the way. */
export class HostError extends LbError {
  /** The exit code of a command that ends with this error. */
  readonly exitCode: number = exitCodes.host;
  /** The kernel's error number, positive; 0 where there is none. */
  readonly errno: number;

  /** Makes an error with its message, what to do about it, and the error number. */
  constructor(message: string, options: HostErrorOptions) {
    super(message, options);
    this.errno = options.errno ?? 0;
  }
}

/** A peer sent what it must not: its connection is closed, nothing else. */
export class WireError extends LbError {
  /** The exit code of a command that ends with this error. */
  readonly exitCode: number = exitCodes.wire;
}

/** Options of an {@linkcode UnsupportedError}. */
export interface UnsupportedErrorOptions extends LbErrorOptions {
  /** What is not supported, in a few words for people and logs. */
  readonly what: string;
}

/** The workload has something that cannot be moved; refused before it was touched. */
export class UnsupportedError extends LbError {
  /** The exit code of a command that ends with this error. */
  readonly exitCode: number = exitCodes.unsupported;
  /** What is not supported. */
  readonly what: string;

  /** Makes an error with its message, what to do about it, and what is not supported. */
  constructor(message: string, options: UnsupportedErrorOptions) {
    super(message, options);
    this.what = options.what;
  }
}

/** The reason in an error, in one line; without the file and number that Deno adds to the kernel's. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof LbError) return error.message;
  const match = /^(.*?) \(os error \d+\)/.exec(error.message);
  return (match?.[1] ?? error.message).replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}

/** Whether the kernel refused something that no code of ours had a better word for, such as ENOSPC. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && typeof error.code === "string" &&
    /^E[A-Z0-9]+$/.test(error.code);
}

/**
 * Formats any thrown value for standard error: two lines for what we expect, the stack for a bug.
 *
 * @returns Text without the final newline.
 */
export function formatError(error: unknown): string {
  if (error instanceof LbError) return `lb: ${error.message}\n    fix: ${error.fix}`;
  if (isSystemError(error)) {
    return `lb: Cannot go on: ${error.message}\n    fix: Correct that and try again`;
  }
  const detail = error instanceof Error ? error.stack ?? error.message : String(error);
  return `lb: This is a bug: ${detail}\n    fix: Report it with this text and \`lb --version\``;
}

/** The exit code for any thrown value: its kind's, 4 for the kernel's refusals, 70 for a bug. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof LbError) return error.exitCode;
  return isSystemError(error) ? exitCodes.host : exitCodes.bug;
}
