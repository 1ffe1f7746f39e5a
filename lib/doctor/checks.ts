/**
 * The checks of `lb doctor`.
 *
 * Each says what is, and what to do if it is wrong.
 *
 * @module
 */
import { artifactNames, artifactPath } from "../../ffi/artifacts.ts";
import { openFfi } from "../../ffi/open.ts";
import { can, cpuFeatures } from "../wire/layout.ts";
import { unwrap } from "../../ffi/unwrap.ts";
import { LbError } from "../base/errors.ts";
import { formatSeconds } from "../base/units.ts";
import { version } from "../base/version.ts";
import { askSnapshot, connectLocal, connectNode } from "../host/command_client.ts";
import type { Config } from "../host/config.ts";
import { readPressure, requirePressure } from "../host/machine.ts";
import { readKey } from "../host/key_file.ts";

/** What one check found. */
export interface Finding {
  /** bad: lb will not work; note: it works, with something to know. */
  readonly grade: "ok" | "note" | "bad";
  readonly text: string;
  /** What to do; set unless the grade is ok. */
  readonly fix?: string;
}

/** Open files below which a daemon with many guests runs out. */
const OPEN_FILES_MIN = 1024;
/** Mappings that a process may have by default, mm.h, v6.12; the images of big programs need them. */
const MAPPINGS_MIN = 65_530;
/** V8 reserves 17 GiB of address space without using it, and so do big programs. */
const ADDRESS_SPACE_MIN = 32 * 1024 ** 3;
/** Clocks that differ by more make times in logs and files confusing. */
const SKEW_MS_MAX = 2_000;

const ok = (text: string): Finding => ({ grade: "ok", text });
const note = (text: string, fix: string): Finding => ({ grade: "note", text, fix });
const bad = (text: string, fix: string): Finding => ({ grade: "bad", text, fix });

/** The finding for a failure that carries its own fix. */
export function findingOf(error: unknown): Finding {
  if (error instanceof LbError) return bad(error.message, error.fix);
  throw error;
}

/** Whether the parts of lb can be put where programs find them. */
export function checkParts(): Finding {
  try {
    const paths = artifactNames.map((name) => artifactPath(name));
    const dir = paths[0]?.replace(/\/[^/]*\/[^/]*$/, "");
    return ok(`lb ${version}, its parts under ${dir}`);
  } catch (error) {
    return findingOf(error);
  }
}

/** What the kernel can do: tried in a child process, not read from its version. */
export function checkKernel(): Finding[] {
  const release = Deno.osRelease();
  let bits: number;
  try {
    bits = unwrap(openFfi().lb_ffi_self_check(), "try what this kernel can do");
  } catch (error) {
    return [findingOf(error)];
  }
  const rows: [bit: number, what: string, fix: string][] = [
    [
      can.dispatch,
      "traps system calls (Syscall User Dispatch)",
      "Use Linux 5.11 or newer, not inside a sandbox that filters prctl",
    ],
    [
      can.setMm,
      "restores a process's memory layout (CONFIG_CHECKPOINT_RESTORE)",
      "Use a kernel with CONFIG_CHECKPOINT_RESTORE=y, as distributions build it",
    ],
    [can.pidfd, "signals a process without a race (pidfd)", "Use Linux 5.3 or newer"],
    [can.closeRange, "closes ranges of descriptors", "Use Linux 5.9 or newer"],
    [can.pagemap, "tells which pages are in use (/proc/PID/pagemap)", "Mount /proc without limits"],
  ];
  const findings = rows.map(([bit, what, fix]) =>
    (bits & bit) !== 0
      ? ok(`kernel ${release} ${what}`)
      : bad(`kernel ${release} lacks: ${what}`, fix)
  );
  if ((bits & can.pagemapScan) === 0) {
    findings.push(note(
      `kernel ${release} lacks PAGEMAP_SCAN: looking for changed pages takes longer`,
      "Nothing needs to be done; Linux 6.7 has it",
    ));
  }
  return findings;
}

/** Names of the register sets in XCR0, Intel SDM volume 1, 13.3. */
const XCR0_NAMES: readonly (readonly [mask: bigint, name: string])[] = [
  [0x2n, "SSE"],
  [0x4n, "AVX"],
  [0xe0n, "AVX-512"],
  [0x200n, "PKRU"],
  [0x60000n, "AMX"],
];

/** The processor: a guest can only go where all its register sets exist. */
export function checkCpu(): Finding {
  try {
    const buffer = new Uint8Array(cpuFeatures.size);
    unwrap(openFfi().lb_ffi_cpu_features(buffer, buffer.length), "read the CPU's features");
    const view = new DataView(buffer.buffer);
    const xcr0 = view.getBigUint64(0, true);
    const sets = XCR0_NAMES.filter(([mask]) => (xcr0 & mask) === mask).map(([, name]) => name);
    const vendor = new TextDecoder().decode(buffer.subarray(48)).replaceAll("\0", "");
    return ok(
      `CPU ${vendor}, ${navigator.hardwareConcurrency} cores, registers ${sets.join(", ")}`,
    );
  } catch (error) {
    return findingOf(error);
  }
}

/** Limits of this session and of the kernel. */
export function checkLimits(limitsText: string, mapCountText: string): Finding[] {
  const soft = (name: string): number => {
    const value = new RegExp(`^${name} +(\\S+)`, "m").exec(limitsText)?.[1];
    return value === undefined || value === "unlimited" ? Infinity : Number(value);
  };
  const findings: Finding[] = [];
  const openFiles = soft("Max open files");
  findings.push(
    openFiles >= OPEN_FILES_MIN ? ok(`up to ${openFiles} open files`) : bad(
      `only ${openFiles} open files are allowed`,
      `Raise the limit: ulimit -n ${OPEN_FILES_MIN}`,
    ),
  );
  const addressSpace = soft("Max address space");
  if (addressSpace < ADDRESS_SPACE_MIN) {
    findings.push(bad(
      `address space is limited to ${addressSpace} bytes, too little for lb itself`,
      "Remove that limit: ulimit -v unlimited",
    ));
  }
  const mapCount = Number(mapCountText);
  if (mapCount < MAPPINGS_MIN) {
    findings.push(note(
      `vm.max_map_count is ${mapCount}: programs with many mappings cannot come here`,
      `sysctl vm.max_map_count=${MAPPINGS_MIN}`,
    ));
  }
  return findings;
}

/** The config file. */
export function checkConfig(config: Config): Finding[] {
  const findings = [
    config.file === null
      ? note(
        `no config file: node ${config.node}, no associated nodes`,
        "Write ~/.config/lb/lb.toml or /etc/lb.toml; config/lb.toml shows every key",
      )
      : ok(`config ${config.file}: node ${config.node}, ${config.associated.length} associated`),
  ];
  if (config.associated.includes(config.node)) {
    findings.push(bad(`this node is associated with itself: ${config.node}`, "Remove it there"));
  }
  return findings;
}

/** What the kernel tells of work that waits; policies may ask for it. */
export function checkPressure({ policy, file }: Config): Finding {
  try {
    requirePressure(policy, file);
  } catch (error) {
    return findingOf(error);
  }
  const missing = (["cpu", "memory"] as const).filter((name) => readPressure(name) === null);
  if (missing.length === 0) return ok("/proc/pressure tells of work that waits (PSI)");
  return note(
    `/proc/pressure does not tell: ${missing.join(", ")}`,
    'Nothing needs to be done unless a policy is to use index = "pressure" or memory-stall: then use ' +
      "a kernel with CONFIG_PSI=y, started with psi=1 where that is not the default",
  );
}

/** The cluster key. */
export async function checkKey(config: Config): Promise<Finding> {
  try {
    await readKey(config.keyFile);
    return ok(`key ${config.keyFile}, for its owner alone`);
  } catch (error) {
    return findingOf(error);
  }
}

/** The runtime directory: whoever can write there can give orders. */
export function checkRuntimeDir(config: Config): Finding {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(config.runtimeDir);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      return bad(`runtime directory ${config.runtimeDir}: ${error}`, "Set runtime-dir to another");
    }
    return ok(`runtime directory ${config.runtimeDir}: made when the daemon starts`);
  }
  const mode = (info.mode ?? 0) & 0o777;
  if (!info.isDirectory || info.uid !== Deno.uid()) {
    return bad(
      `runtime directory ${config.runtimeDir} is not a directory of this user`,
      "Remove it, or set runtime-dir in the config to another",
    );
  }
  if ((mode & 0o077) !== 0) {
    return bad(
      `runtime directory ${config.runtimeDir} is open to others: mode 0${mode.toString(8)}`,
      `chmod 700 ${config.runtimeDir}`,
    );
  }
  return ok(`runtime directory ${config.runtimeDir}, mode 0700`);
}

/**
 * Whether the runtime directory outlives its user's sessions: systemd removes XDG_RUNTIME_DIR with the last
 * one, unless the user lingers (pam_systemd(8), loginctl(1)). No finding where it lies elsewhere.
 *
 * @param exists Whether a file is there.
 */
export function checkLingering(
  { runtimeDir }: Pick<Config, "runtimeDir">,
  user: string,
  exists: (path: string) => boolean,
): Finding[] {
  if (!runtimeDir.startsWith("/run/user/") || !exists("/run/systemd/system")) return [];
  if (exists(`/var/lib/systemd/linger/${user}`)) {
    return [ok(`user ${user} lingers: ${runtimeDir} stays after a logout`)];
  }
  return [note(
    `${runtimeDir} is removed when ${user} logs out, and the daemon may be ended: lingering is off`,
    "`loginctl enable-linger`, or set runtime-dir in the config to a directory that stays",
  )];
}

/** This node's daemon. */
export async function checkDaemon(config: Config): Promise<Finding> {
  try {
    const connection = await connectLocal(config);
    try {
      const snapshot = await askSnapshot(connection);
      if (snapshot.node !== config.node) {
        return bad(
          `the daemon there is node ${snapshot.node}, not ${config.node}`,
          "Start it again with this config, or name its config by --config",
        );
      }
      return ok(`daemon runs: state ${snapshot.state}, ${snapshot.queueLength} processes`);
    } finally {
      connection.close();
    }
  } catch (error) {
    return findingOf(error);
  }
}

/** One associated node: reachable, same key, and what its clock says. */
export async function checkNode(config: Config, node: string): Promise<Finding> {
  try {
    const started = performance.now();
    const connection = await connectNode(config, node);
    try {
      const asked = performance.now();
      const snapshot = await askSnapshot(connection);
      const tripMs = performance.now() - asked;
      if (snapshot.node !== node) {
        return bad(
          `node ${node} calls itself ${snapshot.node}`,
          `Set node = "${node}" in its config, or associated = ["${snapshot.node}"] here`,
        );
      }
      const text = `node ${node} answers in ${
        Math.ceil(asked - started + tripMs)
      } ms: state ${snapshot.state}`;
      if (snapshot.clockMs === undefined) return ok(text);
      // It was read about half way between question and answer.
      const skewMs = snapshot.clockMs + tripMs / 2 - Date.now();
      const skew = `${formatSeconds(Math.abs(skewMs) / 1000)} ${skewMs < 0 ? "behind" : "ahead"}`;
      return Math.abs(skewMs) > SKEW_MS_MAX
        ? bad(`${text}, but its clock is ${skew}`, "Set both clocks, by NTP for example")
        : ok(`${text}, clock ${skew}`);
    } finally {
      connection.close();
    }
  } catch (error) {
    return findingOf(error);
  }
}
