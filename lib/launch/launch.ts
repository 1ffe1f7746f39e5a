/**
 * Prepares what the launcher has not found.
 *
 * Or says what is wrong; then it is that launcher (c/launch/) again. This is `lb launch` as far as
 * Deno is needed.
 *
 * Nothing here touches standard input, since bytes that were read would be lost to the program.
 *
 * @module
 */
import { openExec } from "../../ffi/open.ts";
import { cBlock, cText, environmentBlock, errorOf } from "../../ffi/unwrap.ts";
import { describe, HostError, LbError } from "../base/errors.ts";
import { loadConfig } from "../host/config.ts";
import { controlPath, nodeLibrary } from "../host/library.ts";
import { exits } from "../wire/layout.ts";
import { commandPath } from "./environment.ts";

/** Exit code of `lb launch` for an error of lb's own, as env(1) and nohup(1) have it. */
export const launchExitCode = exits.own;

/** The binary that this is, with the launcher in front. */
const SELF = Deno.build.standalone
  ? "/proc/self/exe"
  : decodeURIComponent(new URL("../../dist/lb", import.meta.url).pathname);

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
  readonly exitCode = launchExitCode;
}

/**
 * Becomes the launcher, which becomes the program. Returns only by throwing.
 *
 * @throws {LaunchError} If it cannot.
 */
export async function launch(options: LaunchOptions): Promise<never> {
  const { program, args, noDaemon } = options;
  try {
    const config = loadConfig(options.config);
    if (!noDaemon) await requireDaemon(commandPath(config));
    const argv = cBlock([
      "lb",
      "launch",
      `--control=${controlPath(config)}`,
      `--library=${nodeLibrary(config)}`,
      ...(noDaemon ? ["--no-daemon"] : []),
      "--",
      program,
      ...args,
    ]);
    const env = environmentBlock(Deno.env.toObject());
    const code = openExec().lb_ffi_exec(cText(SELF), argv, argv.length, env, env.length);
    throw errorOf(code, `run ${SELF}`);
  } catch (error) {
    if (!(error instanceof LbError)) throw error;
    throw new LaunchError(error.message, { fix: error.fix, cause: error });
  }
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
