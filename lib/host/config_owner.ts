/**
 * The owner of the node in the config file: the table `[owner]`.
 *
 * @module
 */
import type { OwnerRule } from "../core/contract/owner.ts";
import { ConfigTable } from "./config_table.ts";

const HOUR_SECONDS = 3600;
/** Condor suspends at once, and moves a job away when the owner has stayed for some minutes. */
const STOP_AFTER_SECONDS = 60;
const LEAVE_AFTER_SECONDS = 600;
const IDLE_AFTER_SECONDS = 300;

/**
 * Reads `[owner]`.
 *
 * @returns null if there is none: the node's owner does not matter.
 * @throws {ConfigError} If a key is wrong, or the steps are out of order.
 */
export function readOwner(root: ConfigTable): OwnerRule | null {
  const value = root.take("owner");
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    root.fail("owner", "a table", value, "Write [owner] with its keys below it");
  }
  const given = value as Record<string, unknown>;
  const table = new ConfigTable(root.file, root.text, "owner", given);
  const steps = {
    "nice-after": readStep(table, "nice-after", 0),
    "stop-after": readStep(table, "stop-after", STOP_AFTER_SECONDS),
    "leave-after": readStep(table, "leave-after", LEAVE_AFTER_SECONDS),
  };
  const terminals = table.boolean("terminals") ?? true;
  const cpuLimit = table.number("cpu-limit", { min: 0.01, max: 65_536, integer: false }) ?? null;
  const range = { min: 10, max: 24 * HOUR_SECONDS, integer: false };
  const idleAfter = table.number("idle-after", range) ?? IDLE_AFTER_SECONDS;
  table.finish();
  if (!terminals && cpuLimit === null) {
    const fix = "Set cpu-limit, or remove terminals = false, or remove [owner]";
    table.fail(
      "terminals",
      "true unless cpu-limit is set: nothing else tells of the owner",
      false,
      fix,
    );
  }
  const taken = Object.entries(steps).filter((step): step is [string, number] => step[1] !== null);
  for (const [index, [key, seconds]] of taken.entries()) {
    const [earlierKey, earlier] = taken[index - 1] ?? [key, seconds];
    if (seconds >= earlier) continue;
    const fix = `Raise it, or lower ${earlierKey}; "never" leaves a step out`;
    table.fail(key, `at least ${earlierKey}, ${earlier}: each step follows the last`, seconds, fix);
  }
  const milliseconds = (seconds: number | null) => seconds === null ? null : seconds * 1000;
  return {
    terminals,
    cpuLimit,
    idleAfterMs: idleAfter * 1000,
    niceAfterMs: milliseconds(steps["nice-after"]),
    stopAfterMs: milliseconds(steps["stop-after"]),
    leaveAfterMs: milliseconds(steps["leave-after"]),
  };
}

/** Seconds from the beginning of the activity; null: never. */
function readStep(table: ConfigTable, key: string, usual: number): number | null {
  if (table.take(key) === "never") return null;
  return table.number(key, { min: 0, max: 24 * HOUR_SECONDS, integer: false }) ?? usual;
}
