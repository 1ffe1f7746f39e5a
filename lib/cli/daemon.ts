/**
 * `lb daemon`: runs a node.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { exitCodes, HostError } from "../base/errors.ts";
import { type Config, loadConfig } from "../host/config.ts";
import { defineCommand } from "./command.ts";

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
  await Deno.mkdir(config.runtimeDir, { recursive: true, mode: 0o700 });
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
        console.log(`${line} pid ${child.pid}`);
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

/** The subcommand. */
export const command = defineCommand({
  name: "daemon",
  brief: "run a node",
  description: [
    "Prints READY and the address once it accepts. It serves the user who starts it. With --detach " +
    "it goes to the background, in a session of its own, and logs to daemon.log in " +
    "runtime-dir unless --log says where.",
  ],
  examples: [
    ["lb daemon --detach", "makes this machine a node"],
    ["lb daemon --config ./lb.toml", "in the foreground, as under systemd (config/lb.service)"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
    detach: withDefault(
      flag("--detach", "-d", { description: message`go to the background once it accepts` }),
      false,
    ),
    log: optional(
      option("--log", string({ metavar: "FILE" }), {
        description: message`file to append the log to, instead of standard error`,
      }),
    ),
  }),
  run: async ({ config: path, detach: background, log }) => {
    const config = loadConfig(path);
    const logFile = log === undefined || log.startsWith("/") ? log : `${Deno.cwd()}/${log}`;
    if (background) return await detach(config, logFile ?? `${config.runtimeDir}/daemon.log`);
    // Loaded here: the parent of a daemon in the background does not need it.
    const { runDaemon } = await import("../daemon/daemon.ts");
    return await runDaemon(config, logFile === undefined ? {} : { logFile });
  },
});
