/**
 * `lb launch`: its options and help.
 *
 * As far as the launcher (c/launch/main.c, which parses them as well) leaves it to Deno. Its own
 * small parser keeps the CLI library out of the way to exec.
 *
 * @module
 */
import { exitCodes } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { launch, LaunchError, type LaunchOptions } from "../launch/launch.ts";

/** How it is called, for the completion scripts. */
export const launchOptionNames = ["--config", "--no-daemon", "--help", "--version"] as const;

const HELP = `lb launch: run a program that may move to other nodes
Usage: lb launch [--config FILE] [--no-daemon] [--] PROG [ARG...]

Becomes PROG, in place: same PID, same terminal, no parent that stays. The program registers with
this node's daemon, and so do the programs that it executes. What follows PROG is PROG's.

  --config FILE  config file to use
  --no-daemon    run PROG even though no daemon answers; it then stays here
  --help, -h     show this text
  --version      show the version

Examples:
  lb launch ./matmul 1000          runs ./matmul under the node's balancing
  lb launch -- ./prog --help       what follows -- is the program's
  lb launch sh -c 'a; b'           a and b register on their own

Exit codes: the program's own; 127 if it is not found, 126 if it cannot be executed, 125 for an error
of lb, such as no daemon.`;

function usageError(message: string): LaunchError {
  return new LaunchError(`Cannot run lb launch with these arguments: ${message}`, {
    fix: "See \`lb launch --help\`",
  });
}

/**
 * Parses the arguments of `lb launch`; options end at the program's name or at `--`.
 *
 * @throws {LaunchError} If they are wrong.
 */
export function parseLaunch(args: readonly string[]): LaunchOptions | "help" | "version" {
  let config: string | undefined;
  let noDaemon = false;
  let index = 0;
  for (; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (arg === "--") {
      index++;
      break;
    }
    if (!arg.startsWith("-")) break;
    if (arg === "--help" || arg === "-h") return "help";
    if (arg === "--version") return "version";
    if (arg === "--no-daemon") noDaemon = true;
    else if (arg.startsWith("--config=")) config = arg.slice("--config=".length);
    else if (arg === "--config") {
      config = args[++index];
      if (config === undefined) throw usageError("--config needs a file");
    } else throw usageError(`there is no option '${arg}'`);
  }
  const program = args[index];
  if (program === undefined) throw usageError("no program is given");
  return { config, noDaemon, program, args: args.slice(index + 1) };
}

/** The subcommand. */
export const command = {
  async run(args: readonly string[]): Promise<number> {
    const options = parseLaunch(args);
    if (typeof options === "string") {
      console.log(options === "help" ? HELP : version);
      return exitCodes.ok;
    }
    return await launch(options);
  },
};
