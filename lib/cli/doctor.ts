/**
 * `lb doctor`: names what this machine lacks for lb.
 *
 * And says what to do about it.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { exitCodes } from "../base/errors.ts";
import {
  checkConfig,
  checkCpu,
  checkDaemon,
  checkKernel,
  checkKey,
  checkLimits,
  checkLingering,
  checkNode,
  checkParts,
  checkPressure,
  checkRuntimeDir,
  type Finding,
  findingOf,
} from "../doctor/checks.ts";
import { type Config, loadConfig } from "../host/config.ts";
import { defineCommand } from "./command.ts";

const marks = { ok: "ok  ", note: "note", bad: "BAD " } as const;

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The name of the user who runs this. */
function userName(): string {
  const line = Deno.readTextFileSync("/etc/passwd").split("\n")
    .find((text) => text.split(":")[2] === String(Deno.uid()));
  return line?.split(":")[0] ?? Deno.env.get("USER") ?? String(Deno.uid());
}

/** Prints findings as they come; returns how many are bad. */
function report(...findings: readonly Finding[]): number {
  for (const { grade, text, fix } of findings) {
    console.log(`${marks[grade]}  ${text}`);
    if (fix !== undefined) console.log(`      fix: ${fix}`);
  }
  return findings.filter(({ grade }) => grade === "bad").length;
}

/** The subcommand. */
export const command = defineCommand({
  name: "doctor",
  brief: "tell what this machine lacks, if anything",
  description: ["Exit status 1 if something is wrong; each line says what to do about it."],
  examples: [
    ["lb doctor", "checks kernel, limits, config, key, daemon and associated nodes"],
    ["lb doctor --config ./lb.toml", "checks the node of another config file"],
  ],
  parser: object({
    config: optional(
      option("--config", string({ metavar: "FILE" }), { description: message`config file to use` }),
    ),
  }),
  run: async ({ config: path }) => {
    let wrong = report(checkParts(), ...checkKernel(), checkCpu());
    const read = (file: string): string => Deno.readTextFileSync(file);
    wrong += report(...checkLimits(read("/proc/self/limits"), read("/proc/sys/vm/max_map_count")));
    let config: Config;
    try {
      config = loadConfig(path);
    } catch (error) {
      report(findingOf(error));
      return exitCodes.failed;
    }
    wrong += report(...checkConfig(config), await checkKey(config), checkRuntimeDir(config));
    wrong += report(...checkLingering(config, userName(), exists), checkPressure(config));
    wrong += report(await checkDaemon(config));
    for (const node of config.associated) wrong += report(await checkNode(config, node));
    if (wrong > 0) console.log(`\n${wrong} of these must be put right`);
    return wrong > 0 ? exitCodes.failed : exitCodes.ok;
  },
});
