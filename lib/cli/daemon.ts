/**
 * `lb daemon`: runs a node. Its own small parser keeps the CLI library out of a process that stays:
 * it takes 6 MiB.
 *
 * @module
 */
import { exitCodes, HostError } from "../base/errors.ts";
import { type Config, loadConfig } from "../host/config.ts";
import { sealInherited } from "../host/native.ts";
import { runtimePath } from "../host/runtime_dir.ts";

/** What `lb daemon` is told. */
export interface DaemonArguments {
  readonly config?: string | undefined;
  readonly detach: boolean;
  readonly log?: string | undefined;
}

/**
 * Parses arguments that are as they should be.
 *
 * @returns null if they are not, or ask for help: then the options' own parser has a say.
 */
export function parseDaemon(args: readonly string[]): DaemonArguments | null {
  const values: { config?: string; log?: string; detach: boolean } = { detach: false };
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === "--detach" || arg === "-d") {
      if (values.detach) return null;
      values.detach = true;
      continue;
    }
    const name = arg === "--config" ? "config" : arg === "--log" ? "log" : null;
    const value = args[++index];
    if (name === null || value === undefined || values[name] !== undefined) return null;
    values[name] = value;
  }
  return values;
}

/** How long a daemon may take until it accepts; it restores its records and binds a port. */
const READY_TIMEOUT_MS = 15_000;

/** Command line that starts this program again. */
function ownCommand(): [string, ...string[]] {
  return Deno.build.standalone
    ? [Deno.execPath()]
    : [Deno.execPath(), "run", "-A", decodeURIComponent(new URL(Deno.mainModule).pathname)];
}

/**
 * Starts the daemon in the background and waits until it accepts. Deno cannot fork (its threads
 * would be missing in the child), so it is a new process in a session of its own.
 *
 * @returns The exit code: 0, or the daemon's own if it ended instead.
 */
async function detach(config: Config, logFile: string): Promise<number> {
  sealInherited();
  const [program, ...first] = ownCommand();
  const child = new Deno.Command(program, {
    args: [
      ...first,
      "daemon",
      ...(config.file === null ? [] : ["--config", config.file]),
      ...["--log", logFile],
    ],
    cwd: "/",
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    late.reject(
      new HostError(
        `Cannot start the daemon as it must accept within ${READY_TIMEOUT_MS} ms: it did not`,
        { fix: `See ${logFile}` },
      ),
    );
  }, READY_TIMEOUT_MS);
  const errors = new Response(child.stderr).text();
  // Rejected when we stop listening to a daemon that runs; nobody waits for it then.
  errors.catch(() => {});
  try {
    let output = "";
    const decoder = new TextDecoder();
    const reader = child.stdout.getReader();
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) break;
      output += decoder.decode(value, { stream: true });
      const line = /^READY .*$/m.exec(output)?.[0];
      if (line !== undefined && output.includes(`${line}\n`)) {
        console.log(line);
        child.unref();
        return exitCodes.ok;
      }
    }
    const { code } = await child.status;
    console.error((await errors).trimEnd());
    return code === 0 ? exitCodes.host : code;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a node, in front or in the background. */
export async function runWith({ config: path, detach: background, log }: DaemonArguments) {
  const config = loadConfig(path);
  const logFile = log === undefined || log.startsWith("/") ? log : `${Deno.cwd()}/${log}`;
  if (background) {
    return await detach(config, logFile ?? runtimePath(config.runtimeDir, "daemonLog"));
  }
  // Loaded here: the parent of a daemon in the background does not need it.
  const { runDaemon } = await import("../daemon/daemon.ts");
  return await runDaemon(config, logFile === undefined ? {} : { logFile });
}

/** The subcommand. */
export const command = {
  async run(args: readonly string[]): Promise<number> {
    const simple = parseDaemon(args);
    if (simple !== null) return await runWith(simple);
    return await (await import("./daemon_options.ts")).command.run(args);
  },
};
