/**
 * `lb launch`: becomes a program that the node's daemon may move.
 *
 * Nothing here touches standard input, since bytes that were read would be lost to the program.
 *
 * @module
 */
import { artifactPath } from "../../ffi/artifacts.ts";
import { openExec } from "../../ffi/open.ts";
import { cBlock, cText, describeCode, environmentBlock } from "../../ffi/unwrap.ts";
import { describe, HostError, LbError } from "../base/errors.ts";
import { loadConfig } from "../host/config.ts";
import { commandPath, launchVariables } from "./environment.ts";
import { findObstacle, findProgram } from "./program.ts";

/** Exit codes of `lb launch`, as env(1) and nohup(1) have them. */
export const launchExitCodes = { own: 125, notExecutable: 126, notFound: 127 } as const;

const ENOENT = 2;
const ENOEXEC = 8;

/** What `lb launch` is told. */
export interface LaunchOptions {
  readonly config: string | undefined;
  /** Run the program even though no daemon answers. */
  readonly noDaemon: boolean;
  readonly program: string;
  readonly args: readonly string[];
}

/** An error of `lb launch`, with its own exit code. */
export class LaunchError extends LbError {
  override readonly exitCode: number;
  constructor(message: string, options: { fix: string; exitCode: number; cause?: unknown }) {
    super(message, options);
    this.exitCode = options.exitCode;
  }
}

/**
 * Becomes the program. Returns only by throwing.
 *
 * @throws {LaunchError} If it cannot; `exitCode` is 125, 126 or 127.
 */
export async function launch(options: LaunchOptions): Promise<never> {
  const environment = Deno.env.toObject();
  const found = findProgram(options.program, environment["PATH"]);
  if (found.kind === "missing") {
    throw new LaunchError(`Cannot run '${options.program}' as it must exist: it is not found`, {
      fix: options.program.includes("/") ? "Check the path" : "Check the name and PATH",
      exitCode: launchExitCodes.notFound,
    });
  }
  if (found.kind === "notExecutable") {
    throw new LaunchError(`Cannot run ${found.path} as it must be executable: ${found.reason}`, {
      fix: "Check its mode and its owner",
      exitCode: launchExitCodes.notExecutable,
    });
  }
  let ffi;
  try {
    const config = loadConfig(options.config);
    if (!options.noDaemon) await requireDaemon(commandPath(config));
    Object.assign(
      environment,
      launchVariables(config, artifactPath("lb-preload.so"), environment["LD_PRELOAD"]),
    );
    ffi = openExec();
  } catch (error) {
    if (!(error instanceof LbError)) throw error;
    throw new LaunchError(error.message, {
      fix: error.fix,
      exitCode: launchExitCodes.own,
      cause: error,
    });
  }
  const obstacle = findObstacle(found.path, environment["PATH"]);
  if (obstacle !== null) {
    console.error(`lb: ${found.path} runs here without balancing as it ${obstacle}`);
  }

  const env = environmentBlock(environment);
  const exec = (path: string, argv: readonly string[]): number => {
    const block = cBlock(argv);
    return ffi.lb_ffi_exec(cText(path), block, block.length, env, env.length);
  };
  let code = exec(found.path, [options.program, ...options.args]);
  // A script without a #! line is the shell's, execvp(3).
  if (code === -ENOEXEC) code = exec("/bin/sh", ["sh", found.path, ...options.args]);
  throw new LaunchError(
    `Cannot run ${found.path} as the kernel must accept it: ${
      code === -ENOENT ? "its interpreter is not found" : describeCode(code)
    }`,
    { fix: "Check its first line and its format", exitCode: launchExitCodes.notExecutable },
  );
}

/** Makes sure that a daemon answers, by the socket that it listens on for commands. */
async function requireDaemon(path: string): Promise<void> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such socket"
      : error instanceof Deno.errors.ConnectionRefused
      ? "nobody listens there"
      : describe(error);
    throw new HostError(`Cannot launch as a daemon must answer on ${path}: ${reason}`, {
      fix: "Start one by `lb daemon --detach`, or run the program alone by --no-daemon",
      cause: error,
    });
  }
}
