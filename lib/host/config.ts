/**
 * Reads and checks the config file.
 *
 * Where it is looked for, every key with its check and default.
 *
 * @module
 */
import { parse, TomlError } from "smol-toml";
import { ConfigError, describe } from "../base/errors.ts";
import type { OwnerRule } from "../core/contract/owner.ts";
import type { Selection, Thresholds } from "../core/contract/config.ts";
import type { Policy } from "../core/contract/policy.ts";
import { signals } from "../wire/layout.ts";
import { schema } from "../wire/schema.ts";
import { type Address, formatAddress, isWildcard, parseAddress } from "./address.ts";
import { readOwner } from "./config_owner.ts";
import { type PolicyConfig, readPolicy } from "./config_policy.ts";
import { ConfigTable } from "./config_table.ts";
import { runtimePath } from "./runtime_dir.ts";

/** What SIGTSTP sent by a process does to a launched program. */
export const sigtstpActions = ["checkpoint", "stop"] as const;
/** One of {@linkcode sigtstpActions}. */
export type SigtstpAction = (typeof sigtstpActions)[number];

/** What processes at home do that have several threads. */
export const threadsActions = ["stay", "move"] as const;
/** One of {@linkcode threadsActions}. */
export type ThreadsAction = (typeof threadsActions)[number];

/** A node's configuration, checked and complete. */
export interface Config {
  /** The file it was read from; null: none was found and every value is a default. */
  readonly file: string | null;
  /** Where the daemon accepts connections. */
  readonly listen: Address;
  /** This node's name to others, `HOST:PORT`. */
  readonly node: string;
  /** The preferred list: names of the associated nodes, `HOST:PORT`, the most preferred first. */
  readonly associated: readonly string[];
  /** So long the preferred list may become by members that the file does not name. */
  readonly associatedMax: number;
  /** Seconds between checks. */
  readonly frequencySeconds: number;
  /** Which process leaves first. */
  readonly select: Selection;
  /** Which rules decide. */
  readonly policy: Policy;
  /** This node's processors; `cores` null: as many as it has. */
  readonly capacity: PolicyConfig["capacity"];
  /** The limits between the states. */
  readonly thresholds: Thresholds;
  /** What guests do when the owner of this node is at work; null: nothing. */
  readonly owner: OwnerRule | null;
  /** Absolute path of the cluster key. */
  readonly keyFile: string;
  /** Absolute path of the directory for sockets, the lock and what must survive a restart. */
  readonly runtimeDir: string;
  /** What SIGTSTP sent by a process does. */
  readonly sigtstp: SigtstpAction;
  /** What processes at home do that have several threads. */
  readonly threads: ThreadsAction;
  /** Name of the signal that carries orders, such as `SIGURG`. */
  readonly triggerSignal: TriggerSignal;
  /** How long a lost peer is tried again, in milliseconds. */
  readonly reconnectLimitMs: number;
  /** Silence on a stream before it counts as lost, in milliseconds. */
  readonly ioTimeoutMs: number;
}

/**
 * Signals that may carry orders to a program at home: those whose default action is to be ignored, so
 * that a program which is just in exec is not killed by one; with their numbers on x86-64. SIGCHLD is
 * not among them: a handler for it makes zombies of children that a program ignores. A guest always
 * gets SIGURG, which rings for its link as well.
 */
export const triggerSignals: Readonly<Record<TriggerSignal, number>> = signals;
/** Name of one of {@linkcode triggerSignals}. */
export type TriggerSignal = "SIGURG" | "SIGWINCH";

/** What {@linkcode loadConfig} reads from its surroundings; tests give their own. */
export interface ConfigSources {
  /**
   * Reads a variable of the environment.
   *
   * @default {Deno.env.get}
   */
  readonly getEnv?: (name: string) => string | undefined;
  /**
   * Whose files are looked for.
   *
   * @default {Deno.uid()}
   */
  readonly uid?: number;
  /**
   * The file for all users.
   *
   * @default {/etc/lb.toml}
   */
  readonly systemFile?: string;
}

const HOME_MISSING_FIX = "Set HOME, or name the path in the config file";

/** Home directory, or a ConfigError that says what for. */
function homeDir(getEnv: (name: string) => string | undefined, purpose: string): string {
  const home = getEnv("HOME");
  if (home === undefined || !home.startsWith("/")) {
    throw new ConfigError(
      `Cannot find ${purpose} as HOME must be an absolute path: ${home ?? "it is not set"}`,
      { fix: HOME_MISSING_FIX },
    );
  }
  return home;
}

/** Makes a path of the file absolute: `~/` is the home, anything else lies beside the file. */
function resolvePath(path: string, file: string, home: () => string): string {
  if (path.startsWith("/")) return path;
  if (path.startsWith("~/")) return `${home()}/${path.slice(2)}`;
  return `${file.slice(0, file.lastIndexOf("/") + 1)}${path}`;
}

/** The file to read: the option, `$LB_CONFIG`, the user's, the system's; null if there is none. */
function findFile(path: string | undefined, sources: Required<ConfigSources>): string | null {
  const named = path ?? (sources.getEnv(schema.variables.config) || undefined);
  if (named !== undefined) return named.startsWith("/") ? named : `${Deno.cwd()}/${named}`;
  const home = sources.getEnv("HOME");
  const base = sources.getEnv("XDG_CONFIG_HOME") || (home === undefined ? "" : `${home}/.config`);
  const candidates = base === "" ? [] : [`${base}/lb/${schema.names.configFile}`];
  for (const candidate of [...candidates, sources.systemFile]) {
    try {
      if (Deno.statSync(candidate).isFile) return candidate;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) {
        throw cannotRead(candidate, error);
      }
    }
  }
  return null;
}

function cannotRead(file: string, error: unknown): ConfigError {
  return new ConfigError(
    `Cannot read the config file as it must be readable: ${file}: ${describe(error)}`,
    { fix: "Check the path given by --config or LB_CONFIG, and the file's mode", cause: error },
  );
}

/**
 * Loads the configuration.
 *
 * @param path The file that `--config` names; otherwise `$LB_CONFIG`, `~/.config/lb/lb.toml`,
 * `/etc/lb.toml`, or defaults alone.
 * @throws {ConfigError} If the file cannot be read, or says something it must not.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * const file = await Deno.makeTempFile();
 * await Deno.writeTextFile(file, `associated = ["192.168.0.3"]`);
 * assert.deepEqual(loadConfig(file).associated, ["192.168.0.3:9734"]);
 * await Deno.remove(file);
 * ```
 */
export function loadConfig(path?: string, sources: ConfigSources = {}): Config {
  const complete: Required<ConfigSources> = {
    getEnv: sources.getEnv ?? ((name) => Deno.env.get(name)),
    uid: sources.uid ?? Deno.uid() ?? 0,
    systemFile: sources.systemFile ?? schema.names.systemConfigFile,
  };
  const file = findFile(path, complete);
  let text = "";
  if (file !== null) {
    try {
      text = Deno.readTextFileSync(file);
    } catch (error) {
      throw cannotRead(file, error);
    }
  }
  return parseConfig(text, file, complete);
}

/**
 * Checks the text of a config file and adds the defaults.
 *
 * @param file Its path for messages and relative paths; null: there is none.
 * @throws {ConfigError} If it says something it must not.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * assert.equal(parseConfig("frequency = 2", null, {}).frequencySeconds, 2);
 * assert.throws(() => parseConfig("frequency = 0", "/etc/lb.toml", {}), /frequency/);
 * ```
 */
export function parseConfig(text: string, file: string | null, sources: ConfigSources): Config {
  const getEnv = sources.getEnv ?? ((name: string) => Deno.env.get(name));
  const uid = sources.uid ?? Deno.uid() ?? 0;
  const shown = file ?? "the defaults";
  let values: Record<string, unknown>;
  try {
    values = text === "" ? {} : parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    throw new ConfigError(
      `Cannot read ${shown}:${error.line} as it must be TOML: ${reason} (column ${error.column})`,
      { fix: "Correct that line; config/lb.toml shows every key", cause: error },
    );
  }
  const root = new ConfigTable(shown, text, null, values);
  const home = (purpose: string) => () => homeDir(getEnv, purpose);

  const listen = root.address("listen", root.string("listen", "an address") ?? "127.0.0.1");
  const { thresholds, ...policy } = readPolicy(root);
  const owner = readOwner(root);
  const config: Config = {
    file,
    listen,
    node: nodeName(root, listen),
    associated: associatedNodes(root),
    associatedMax: root.number("associated-max", { min: 2, max: 64, integer: true }) ?? 10,
    frequencySeconds: root.number("frequency", { min: 0.1, max: 3600, integer: false }) ?? 5,
    ...policy,
    owner,
    thresholds,
    keyFile: pathOf(root, "key-file", home("the key file")) ??
      (uid === 0 ? "/etc/lb/cluster.key" : `${home("the key file")()}/.config/lb/cluster.key`),
    runtimeDir: pathOf(root, schema.names.runtimeDirKey, home("the runtime directory")) ??
      defaultRuntimeDir(getEnv),
    sigtstp: root.choice("sigtstp", sigtstpActions) ?? "checkpoint",
    threads: root.choice("threads", threadsActions) ?? "stay",
    triggerSignal: root.choice("trigger-signal", Object.keys(triggerSignals) as TriggerSignal[]) ??
      "SIGURG",
    reconnectLimitMs: seconds(root, "reconnect-limit", schema.limits.reconnectLimitMs),
    ioTimeoutMs: seconds(root, "io-timeout", schema.limits.ioTimeoutMs),
  };
  root.finish();
  const control = runtimePath("", "control");
  if (
    new TextEncoder().encode(config.runtimeDir + control).length >= schema.limits.controlPathSizeMax
  ) {
    root.fail(
      schema.names.runtimeDirKey,
      `short enough for a socket (${
        schema.limits.controlPathSizeMax - control.length - 1
      } bytes, unix(7))`,
      config.runtimeDir,
      "Choose a shorter path",
    );
  }
  return config;
}

function pathOf(root: ConfigTable, key: string, home: () => string): string | undefined {
  const value = root.string(key, "a path");
  return value === undefined ? undefined : resolvePath(value, root.file, home);
}

function defaultRuntimeDir(getEnv: (name: string) => string | undefined): string {
  const runtime = getEnv("XDG_RUNTIME_DIR");
  if (runtime?.startsWith("/")) return `${runtime}/lb`;
  return `${homeDir(getEnv, "the runtime directory")}/.local/state/lb`;
}

/** A duration given in seconds, kept in milliseconds. */
function seconds(root: ConfigTable, key: string, defaultMs: number): number {
  const value = root.number(key, { min: 1, max: 86_400, integer: false });
  return value === undefined ? defaultMs : Math.round(value * 1000);
}

function nodeName(root: ConfigTable, listen: Address): string {
  const value = root.string("node", "this node's name, HOST or HOST:PORT");
  const address = value === undefined ? listen : root.address("node", value);
  if (isWildcard(address)) {
    root.fail(
      value === undefined ? "listen" : "node",
      value === undefined
        ? "one address unless node is set, since a wildcard names no node"
        : "the address by which the other nodes reach this one",
      formatAddress(address),
      'Set node = "HOST:PORT" to the address by which the other nodes reach this one',
    );
  }
  if (address.port === 0 && value !== undefined) {
    root.fail("node", "a name with a port from 1 to 65535", value, "Name the port it listens on");
  }
  const name = formatAddress(address);
  if (new TextEncoder().encode(name).length >= schema.limits.nodeNameSize) {
    root.fail("node", `shorter than ${schema.limits.nodeNameSize} bytes`, name, "Use the address");
  }
  return name;
}

function associatedNodes(root: ConfigTable): string[] {
  const value = root.take("associated") ?? [];
  const wanted = 'a list of addresses, such as ["192.168.0.3", "192.168.0.4:9735"]';
  if (!Array.isArray(value)) {
    root.fail("associated", wanted, value, `Write associated = ${wanted.slice(29)}`);
  }
  const names: string[] = [];
  for (const item of value) {
    const address = typeof item === "string" ? parseAddress(item) : null;
    if (address === null || address.port === 0 || isWildcard(address)) {
      root.fail("associated", wanted, item, "Correct that address");
    }
    const name = formatAddress(address);
    if (names.includes(name)) {
      root.fail("associated", "a list without repetition", name, "Remove one of the two");
    }
    names.push(name);
  }
  return names;
}
