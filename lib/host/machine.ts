/**
 * Reads the machine's processors, pressure and memory.
 *
 * As the kernel accounts for them.
 *
 * @module
 */
import { ConfigError, describe, HostError } from "../base/errors.ts";

/** Clock ticks a second in /proc, on every x86-64 Linux: USER_HZ, proc(5). */
const TICKS_PER_SECOND = 100;

/** Seconds since boot that some processors worked and did nothing. */
export interface CpuTimes {
  readonly busySeconds: number;
  readonly idleSeconds: number;
}

/** Parses a list of processors such as `0-3,8`, of /proc/PID/status. */
export function parseCpuList(text: string): number[] {
  return text.trim().split(",").filter((range) => range !== "").flatMap((range) => {
    const [first = NaN, last = first] = range.split("-").map(Number);
    const count = last - first + 1;
    return count > 0 ? Array.from({ length: count }, (_, index) => first + index) : [];
  });
}

/**
 * Adds up the lines of /proc/stat of these processors. What a hypervisor has taken (steal) is neither
 * work nor idleness here; a guest's time is in its owner's already (proc(5)).
 */
export function parseCpuTimes(text: string, cpus: ReadonlySet<number>): CpuTimes {
  let busy = 0, idle = 0;
  for (const [, cpu, rest = ""] of text.matchAll(/^cpu(\d+) (.*)$/gm)) {
    if (!cpus.has(Number(cpu))) continue;
    const [user = 0, nice = 0, system = 0, idling = 0, waiting = 0, irq = 0, softIrq = 0] = rest
      .split(" ").map(Number);
    busy += user + nice + system + irq + softIrq;
    idle += idling + waiting;
  }
  return { busySeconds: busy / TICKS_PER_SECOND, idleSeconds: idle / TICKS_PER_SECOND };
}

/**
 * Seconds for which some work waited, since boot: `total` of the line `some` of a file of
 * /proc/pressure (Documentation/accounting/psi.rst); null: the text has no such line.
 */
export function parsePressure(text: string): number | null {
  const total = /^some .*\btotal=(\d+)$/m.exec(text)?.[1];
  return total === undefined ? null : Number(total) / 1e6;
}

/** Bytes of a line of /proc/meminfo. */
export function parseMemory(text: string, name: "MemTotal" | "MemAvailable"): number {
  const kibibytes = new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1];
  if (kibibytes === undefined) {
    throw new HostError(`Cannot read /proc/meminfo as it must have ${name}: it has none`, {
      fix: "Mount /proc; Linux has it since 3.14",
    });
  }
  return Number(kibibytes) * 1024;
}

/** What the machine has done since boot, and the memory that it has. */
export interface MachineState extends CpuTimes {
  /** Seconds for which some work waited, or null where the kernel does not tell. */
  readonly cpuStallSeconds: number | null;
  readonly memoryStallSeconds: number | null;
  readonly availableBytes: number;
  readonly totalBytes: number;
}

/** The processors that this process may use: those that its node consists of. */
function ownCpus(): Set<number> {
  const status = Deno.readTextFileSync("/proc/self/status");
  return new Set(parseCpuList(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? ""));
}

/** Reads the pressure of a resource; null: this kernel does not tell. */
export function readPressure(resource: "cpu" | "memory"): number | null {
  try {
    return parsePressure(Deno.readTextFileSync(`/proc/pressure/${resource}`));
  } catch {
    return null;
  }
}

/** Reads all of it. Four files of /proc: some 0.2 ms. */
export function readMachine(): MachineState {
  const memory = Deno.readTextFileSync("/proc/meminfo");
  return {
    ...parseCpuTimes(Deno.readTextFileSync("/proc/stat"), ownCpus()),
    cpuStallSeconds: readPressure("cpu"),
    memoryStallSeconds: readPressure("memory"),
    availableBytes: parseMemory(memory, "MemAvailable"),
    totalBytes: parseMemory(memory, "MemTotal"),
  };
}

/**
 * Checks that a policy can be followed here.
 *
 * @throws {ConfigError} If it asks for pressure that this kernel does not tell.
 */
export function requirePressure(
  { index, memoryStall }: { readonly index: string; readonly memoryStall: number },
  file: string | null,
): void {
  const wanted = [
    ...index === "pressure" ? [["index", "cpu"] as const] : [],
    ...memoryStall > 0 ? [["memory-stall", "memory"] as const] : [],
  ];
  for (const [key, resource] of wanted) {
    const path = `/proc/pressure/${resource}`;
    let reason = "it has no line 'some'";
    try {
      if (parsePressure(Deno.readTextFileSync(path)) !== null) continue;
    } catch (error) {
      reason = describe(error);
    }
    throw new ConfigError(
      `Cannot use policy.${key} of ${file ?? "the defaults"} as ${path} must tell: ${reason}`,
      {
        fix: "Use a kernel with CONFIG_PSI=y, started with psi=1 where that is not the default; " +
          `or choose a policy without ${key}`,
      },
    );
  }
}
