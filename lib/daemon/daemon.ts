/**
 * `lb daemon`: runs a node until a signal stops it.
 *
 * @module
 */
import { artifactPath } from "../../ffi/artifacts.ts";
import { describe, exitCodes } from "../base/errors.ts";
import { formatAddress } from "../host/address.ts";
import { monotonicMs } from "../host/clock.ts";
import { type Config, loadConfig, triggerSignals } from "../host/config.ts";
import { ControlSocket } from "../host/control.ts";
import { readOrMakeKey } from "../host/key_file.ts";
import { controlPath as controlPathOf, nodeLibrary } from "../host/library.ts";
import { outliveFailures } from "../host/failure.ts";
import { requirePressure } from "../host/machine.ts";
import { configureLog, logger, rotate } from "../host/log.ts";
import * as native from "../host/native.ts";
import { bootId } from "../host/proc.ts";
import { lockRuntimeDir } from "../host/runtime_lock.ts";
import { prepareRuntimeDir, runtimePath } from "../host/runtime_dir.ts";
import { listenTcp } from "../host/tcp.ts";
import { balancerConfig, withoutItself } from "./configs.ts";
import type { Context, Parts } from "./context.ts";
import { Node } from "./node.ts";
import { Records } from "./records.ts";
import { Driver } from "./driver.ts";

const log = logger("daemon");

/** How the daemon runs. */
export interface DaemonOptions {
  /** Absolute path of a file to append the log to; without it the log goes to standard error. */
  readonly logFile?: string;
  /** Lowest level that is logged. @default {"info"} */
  readonly logLevel?: "debug" | "info" | "warning" | "error";
}

/** O_WRONLY | O_CREAT | O_APPEND */
const LOG_FLAGS = 0o1 | 0o100 | 0o2000;

function openParts(): Parts {
  const open = (name: "lb-shadow" | "lb-keeper") =>
    native.open(artifactPath(name), native.openFlags.readOnly);
  return { shadow: open("lb-shadow"), keeper: open("lb-keeper") };
}

/** Resolves with the first signal that ends the daemon; SIGHUP calls `reload`. */
function waitForEnd(reload: () => void): { ended: Promise<string>; forget: () => void } {
  const ignored = ["SIGTSTP", "SIGTTOU", "SIGTTIN"] as const; // as the thesis's daemon
  const nothing = () => {};
  for (const signal of ignored) Deno.addSignalListener(signal, nothing);
  Deno.addSignalListener("SIGHUP", reload);
  const { promise, resolve } = Promise.withResolvers<string>();
  const [term, int] = [() => resolve("SIGTERM"), () => resolve("SIGINT")];
  Deno.addSignalListener("SIGTERM", term);
  Deno.addSignalListener("SIGINT", int);
  const forget = () => {
    for (const signal of ignored) Deno.removeSignalListener(signal, nothing);
    Deno.removeSignalListener("SIGHUP", reload);
    Deno.removeSignalListener("SIGTERM", term);
    Deno.removeSignalListener("SIGINT", int);
  };
  return { ended: promise, forget };
}

/**
 * Runs a node. Prints `READY <address>` on standard output once it accepts connections; returns when
 * SIGTERM or SIGINT has come. Programs go on without it.
 *
 * @returns The exit code.
 * @throws {ConfigError} If the key file is not one, or others may read it; if the policy asks for what
 * this kernel does not tell.
 * @throws {HostError} If another daemon runs, the port is taken, or this node lacks something.
 */
export async function runDaemon(config: Config, options: DaemonOptions = {}): Promise<number> {
  requirePressure(config.policy, config.file);
  native.setUmask(0o077);
  prepareRuntimeDir(config.runtimeDir);
  const lock = lockRuntimeDir(config.runtimeDir);
  const { logFile } = options;
  await configureLog({
    ...(logFile === undefined ? {} : { file: logFile }),
    ...(options.logLevel === undefined ? {} : { level: options.logLevel }),
  });
  native.raiseFileLimit();
  const key = await readOrMakeKey(config.keyFile);
  const parts = openParts();
  const listener = listenTcp(config.listen);
  const address = formatAddress(listener.addr);
  // Port 0 (tests): the name can only be known now.
  const node = config.node === "" || config.node.endsWith(":0") ? address : config.node;
  const controlPath = controlPathOf(config);
  const control = new ControlSocket(controlPath);
  nodeLibrary(config); // so that already the first launch finds it
  const records = new Records(runtimePath(config.runtimeDir, "state"), bootId());
  records.load();
  const own = withoutItself(config, node);
  const keeperLog = logFile ?? runtimePath(config.runtimeDir, "keeperLog");
  const logFd = native.open(keeperLog, LOG_FLAGS, 0o600);
  rotate(keeperLog);
  const driver = new Driver(
    balancerConfig({ config: own, node, associated: own.associated, records }),
  );
  const stop = new AbortController();
  const context: Context = {
    config: own,
    associated: own.associated,
    node,
    credentials: { key, node },
    control,
    controlPath,
    records,
    parts,
    // Keepers outlive the daemon: its own standard error, a pipe perhaps, must not stay open by them.
    logFd,
    keeperLog,
    signal: triggerSignals[config.triggerSignal],
    startedMs: monotonicMs(),
    stopped: stop.signal,
    balance: driver,
    dispatch: (event) => driver.dispatch(event),
    member: (event) => running.member(event),
  };
  const running: Node = new Node(context, driver);
  const { ended, forget } = waitForEnd(() => {
    try {
      const wanted = loadConfig(config.file ?? undefined);
      requirePressure(wanted.policy, wanted.file);
      running.reload(wanted);
    } catch (error) {
      log.error("the config is not read again", { reason: describe(error) });
    }
  });
  const endOutliving = outliveFailures(log);
  await running.start(listener);
  log.info("daemon started", { node, pid: Deno.pid });
  console.log(`READY ${address}`);
  native.notify("READY=1");
  const signal = await ended;
  log.info("daemon stops; programs go on", { signal });
  native.notify("STOPPING=1");
  stop.abort();
  await running.stop();
  forget();
  endOutliving();
  native.close(lock);
  return exitCodes.ok;
}
