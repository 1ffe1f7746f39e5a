/**
 * The config as the balancer sees it.
 *
 * And what of it may change while the daemon runs.
 *
 * @module
 */
import type { BalancerConfig } from "../core/contract/config.ts";
import { wallMs } from "../host/clock.ts";
import type { Config } from "../host/config.ts";
import { measureCores } from "../host/cores.ts";
import type { Context } from "./context.ts";
import type { Records } from "./records.ts";
import { newTicket } from "./tickets.ts";

/** Keys that programs, sockets and other nodes depend on: only a new daemon can change them. */
const fixedKeys = ["listen", "node", "keyFile", "runtimeDir", "triggerSignal"] as const;

/** The config of a new balancer of this node. */
export function balancerConfig(
  { config, node, associated, records: { ownerSinceMs } }:
    & Pick<Context, "config" | "node" | "associated">
    & { readonly records: Pick<Records, "ownerSinceMs"> },
): BalancerConfig {
  return {
    node,
    epoch: wallMs(),
    associated,
    thresholds: config.thresholds,
    select: config.select,
    policy: config.policy,
    owner: config.owner,
    ownerActiveForMs: ownerSinceMs === null ? 0 : Math.max(0, wallMs() - ownerSinceMs),
    capacity: {
      cores: config.capacity.cores ?? measureCores(),
      speed: config.capacity.speed,
    },
    ioTimeoutMs: config.ioTimeoutMs,
    nextTicket: newTicket,
  };
}

/** A node is not associated with itself, whatever the file says. */
export function withoutItself(config: Config, node: string): Config {
  return { ...config, associated: config.associated.filter((name) => name !== node) };
}

/** Keys whose name in the file is not that of the field. */
const names: Partial<Record<keyof Config, string>> = {
  frequencySeconds: "frequency",
  capacity: "cores/speed",
  reconnectLimitMs: "reconnect-limit",
  ioTimeoutMs: "io-timeout",
};

/** The name in the file of a field of the config. */
export function keyOf(field: keyof Config): string {
  return names[field] ?? field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What becomes of the current config when the file says `wanted`. */
export function reconfigure(
  { config, node }: Pick<Context, "config" | "node">,
  wanted: Config,
): {
  readonly next: Config;
  /** What changes. */
  readonly changed: readonly (keyof Config)[];
  /** What differs, but needs a new daemon. */
  readonly fixed: readonly (keyof Config)[];
} {
  const kept = Object.fromEntries(fixedKeys.map((key) => [key, config[key]])) as Pick<
    Config,
    (typeof fixedKeys)[number]
  >;
  const next = { ...withoutItself(wanted, node), ...kept };
  const differs = (a: Config, b: Config) => (name: keyof Config) =>
    name !== "file" && JSON.stringify(a[name]) !== JSON.stringify(b[name]);
  const fields = Object.keys(wanted) as (keyof Config)[];
  return {
    next,
    changed: fields.filter(differs(config, next)),
    fixed: fixedKeys.filter(differs(config, wanted)),
  };
}
