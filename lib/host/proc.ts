/**
 * Reads a process's figures and obstacles from /proc.
 *
 * @module
 */
import { limits, schema } from "../wire/schema.ts";
import * as native from "./native.ts";
import { fileBytes, sizeOf } from "./mapped_bytes.ts";
import { otherOwner, SHARED_ANONYMOUS } from "./shared_memory.ts";

/** Clock ticks a second in /proc, on every x86-64 Linux: USER_HZ, proc(5). */
const TICKS_PER_SECOND = 100;

/** Fields of /proc/PID/stat that matter here. */
export interface ProcStat {
  /** R, S, D, T, t, Z, X, ... */
  readonly state: string;
  readonly parentPid: number;
  readonly session: number;
  /** Device number of its terminal; 0: it has none. */
  readonly terminal: number;
  readonly cpuSeconds: number;
  readonly threads: number;
  readonly startTicks: bigint;
}

/** Whether an error says that it is this node that lacks something: it says nothing of a process. */
function isShortage(error: unknown): boolean {
  return ["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"].includes((error as { code?: string }).code ?? "");
}

/**
 * Reads a file of /proc; null: the process is gone or is not ours.
 *
 * @throws If this node lacks the descriptors, or the memory.
 */
async function readProc(pid: number, file: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(`/proc/${pid}/${file}`);
  } catch (error) {
    if (isShortage(error)) throw error;
    return null;
  }
}

/** Parses /proc/PID/stat. The name may hold blanks and parentheses: the last `)` ends it. */
export function parseStat(text: string): ProcStat | null {
  const fields = text.slice(text.lastIndexOf(")") + 2).trim().split(/\s+/);
  const at = (number: number) => fields[number - 3]; // numbered as in proc(5), from 3
  const startTicks = at(22);
  if (startTicks === undefined || !/^\d+$/.test(startTicks)) return null;
  return {
    state: at(3) ?? "",
    parentPid: Number(at(4)),
    session: Number(at(6)),
    terminal: Number(at(7)),
    cpuSeconds: (Number(at(14)) + Number(at(15))) / TICKS_PER_SECOND,
    threads: Number(at(20)),
    startTicks: BigInt(startTicks),
  };
}

/**
 * Whether a process has ended. One whose main thread has ended shows a zombie's state, too, but has
 * other threads still (do_task_stat, fs/proc/array.c, v6.12).
 */
function hasEnded({ state, threads }: ProcStat): boolean {
  return state === "X" || state === "Z" && threads <= 1;
}

/** Reads /proc/PID/stat; null: there is no such process (a zombie counts as none). */
export async function readStat(pid: number): Promise<ProcStat | null> {
  const text = await readProc(pid, "stat");
  const stat = text === null ? null : parseStat(text);
  return stat === null || hasEnded(stat) ? null : stat;
}

/** Whether the process with this PID and start time lives; it does unless the kernel says otherwise. */
export function isAlive(pid: number, startTicks: bigint): boolean {
  try {
    const stat = parseStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
    return stat !== null && stat.startTicks === startTicks && !hasEnded(stat);
  } catch (error) {
    return isShortage(error);
  }
}

/** Parses `Name: value` lines, as in /proc/PID/status and /proc/PID/fdinfo. */
export function parseStatus(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

function kibibytes(fields: Map<string, string>, name: string): number {
  return parseInt(fields.get(name) ?? "0", 10) * 1024;
}

/** File name of a process's program, cut to fit a message. */
export function programName(pid: number): string {
  let name = "";
  try {
    const path = Deno.readLinkSync(`/proc/${pid}/exe`);
    name = path.replace(/ \(deleted\)$/, "").split("/").at(-1) ?? "";
  } catch {
    try {
      name = Deno.readTextFileSync(`/proc/${pid}/comm`).trim();
    } catch {
      // It has ended.
    }
  }
  return cutText(name === "" ? "?" : name, limits.programNameSize - 1);
}

/** Cuts a text to so many bytes of UTF-8, never inside a character. */
export function cutText(text: string, bytesMax: number): string {
  const bytes = new Uint8Array(bytesMax);
  const { read } = new TextEncoder().encodeInto(text.replaceAll("\0", ""), bytes);
  return text.replaceAll("\0", "").slice(0, read);
}

/** What a check of one process found. */
export interface Inspection {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** What would have to be sent, at most: what is its own, resident or swapped, and the data of its mapped files. */
  readonly memoryBytes: number;
  /** Why it cannot move now, or null. */
  readonly cantmove: string | null;
}

/** As many as the library has room for: c/library/image/posix_timers.h. */
const POSIX_TIMERS_MAX = 256;

/** Why a process cannot move whose program has no handler of ours, where nothing better is known. */
export const NOT_LOADED = "its lb library is not loaded";

/** Libraries under which ours does nothing: c/library/entry/neighbours.c. */
const TAKEN_OVER = /\/lib[^/]*(tsan|msan)[^/]*\.so/;

/** The words for a code of the schema's obstacles. */
export function obstacleText(code: number): string | null {
  const found = Object.values(schema.obstacles).find((obstacle) => obstacle.code === code);
  return found === undefined ? null : `it ${found.text}`;
}

/** Why a process does without the library: by its program's file, or what else is loaded into it. */
function whyNotLoaded(pid: number, maps: string): string {
  const library = TAKEN_OVER.exec(maps)?.[0].slice(1);
  if (library !== undefined) return `it is built with ${library}, whose books cannot move`;
  return obstacleText(native.obstacle(pid)) ?? NOT_LOADED;
}

/** Programs block all signals for a moment; only one that blocks at every look is an obstacle. */
const BLOCKED_LOOKS = 8;
const BLOCKED_LOOK_MS = 10;

function blocks(status: Map<string, string>, signal: number): boolean {
  return (BigInt(`0x${status.get("SigBlk") ?? "0"}`) & 1n << BigInt(signal - 1)) !== 0n;
}

/** What is known of a process before one looks. */
export interface InspectOptions {
  /** Number of the trigger signal. */
  readonly signal: number;
  readonly guest: boolean;
  /** We have stopped it, and let it go on before it moves. */
  readonly isStoppedByUs?: boolean;
}

/**
 * Looks at a process.
 *
 * @returns null if it is gone or is another process.
 */
export async function inspect(
  pid: number,
  startTicks: bigint,
  options: InspectOptions,
): Promise<Inspection | null> {
  const [stat, first] = await Promise.all([readStat(pid), readProc(pid, "status")]);
  if (stat === null || first === null || stat.startTicks !== startTicks) return null;
  let status = parseStatus(first);
  for (let look = 1; look < BLOCKED_LOOKS && blocks(status, options.signal); look++) {
    await new Promise((resolve) => setTimeout(resolve, BLOCKED_LOOK_MS));
    const text = await readProc(pid, "status");
    if (text === null) return null;
    status = parseStatus(text);
  }
  const maps = await readProc(pid, "maps");
  const known = statusObstacle(stat, status, options);
  const own = ["RssAnon", "RssShmem", "VmSwap"].map((name) => kibibytes(status, name));
  return {
    cpuSeconds: stat.cpuSeconds,
    rssBytes: kibibytes(status, "VmRSS"),
    memoryBytes: own.reduce((sum, bytes) => sum + bytes, fileBytes(maps ?? "")),
    cantmove: known === NOT_LOADED
      ? whyNotLoaded(pid, maps ?? "")
      : known ?? await deepObstacle(pid, maps, options),
  };
}

/**
 * Whether the process would win or lose capabilities by the exec with which it becomes its shadow:
 * "Transformation of capabilities during execve()" in capabilities(7), for a file that has none.
 */
function execChangesCapabilities(status: Map<string, string>): boolean {
  const set = (name: string) => BigInt(`0x${status.get(name) ?? "0"}`);
  const [real, effective] = (status.get("Uid") ?? "").split(/\s+/);
  const isRoot = real === "0" || effective === "0";
  const after = isRoot ? set("CapInh") | set("CapBnd") : set("CapAmb");
  return set("CapPrm") !== after || (effective === "0" || !isRoot) && set("CapEff") !== after;
}

/** Obstacles that stat and status show. */
export function statusObstacle(
  stat: ProcStat,
  status: Map<string, string>,
  options: InspectOptions,
): string | null {
  const uid = Number(status.get("Uid")?.split(/\s+/)[0]);
  if (uid !== Deno.uid()) return `it runs as user ${uid}`;
  if (status.get("TracerPid") !== "0") return "it is being traced";
  const isStopped = stat.state === "T" && options.isStoppedByUs !== true;
  if (isStopped || stat.state === "t") return "it is stopped";
  if (stat.state === "Z") return "its main thread has ended, and others run";
  if (stat.threads > 1) return `it has ${stat.threads} threads`;
  if ((status.get("Seccomp") ?? "0") !== "0") return "it has a seccomp filter";
  if (!options.guest && execChangesCapabilities(status)) {
    return "it has other capabilities than a program that it executes";
  }
  const bit = 1n << BigInt(options.signal - 1);
  const mask = (name: string) => BigInt(`0x${status.get(name) ?? "0"}`);
  // A guest's library never lets the program block it; inside a forwarded call it waits by signalfd.
  if (!options.guest && blocks(status, options.signal)) {
    return `it blocks signal ${options.signal}, by which it is told to move`;
  }
  if ((mask("SigCgt") & bit) === 0n) return NOT_LOADED;
  return null;
}

/** Obstacles that need a look at children, mappings and descriptors. */
async function deepObstacle(
  pid: number,
  maps: string | null,
  { guest, signal }: { readonly signal: number; readonly guest: boolean },
): Promise<string | null> {
  const [children, timers] = await Promise.all([
    readProc(pid, `task/${pid}/children`),
    readProc(pid, "timers"),
  ]);
  // Most such parents wait for children that may move; a guest's are at home, and no obstacle.
  const count = children?.trim() ? children.trim().split(/\s+/).length : 0;
  if (count > 0) return `it has ${count} ${count === 1 ? "child" : "children"}`;
  const timersReason = timersObstacle(timers ?? "", guest);
  if (timersReason !== null) return timersReason;
  if (maps === null) return "its memory map cannot be read";
  // A guest's descriptors are all at home; those it has here are ours.
  const mapsReason = mapsObstacle(maps, {
    guest,
    mayWrite: (range) => mayWrite(pid, range),
    otherOwner: (id) => otherOwner(pid, id),
  });
  return mapsReason ??
    (guest ? null : await descriptorObstacle(pid, signal));
}

/** POSIX timers move, except those that only a privileged process gets, and more than the library keeps. */
function timersObstacle(timers: string, guest: boolean): string | null {
  const [major = 0, minor = 0] = Deno.osRelease().split(".").map(Number);
  if (timers !== "" && !guest && (major < 6 || (major === 6 && minor < 16))) {
    return "it has POSIX timers, which can come home only to Linux 6.16 or later";
  }
  if (/^ClockID: [89]$/m.test(timers)) return "it has a POSIX timer that wakes the machine";
  const count = timers.match(/^ID: /gm)?.length ?? 0;
  return count > POSIX_TIMERS_MAX ? `it has ${count} POSIX timers` : null;
}

/** Whether mprotect() may make a mapping writable: the file behind it was opened for writing. */
function mayWrite(pid: number, range: string): boolean {
  try {
    return ((Deno.lstatSync(`/proc/${pid}/map_files/${range}`).mode ?? 0) & 0o200) !== 0;
  } catch {
    return false; // gone, or a kernel without these files
  }
}

/**
 * Obstacles among the mappings.
 *
 * @param options `mayWrite` tells of a shared mapping that is not writable whether it may become so,
 *   `otherOwner` who else has memory that only `fork` shares.
 */
export function mapsObstacle(
  maps: string,
  options: {
    readonly guest: boolean;
    readonly mayWrite: (range: string) => boolean;
    readonly otherOwner: (id: string) => number | null;
  },
): string | null {
  let count = 0;
  for (const line of maps.split("\n")) {
    if (line === "") continue;
    count++;
    const match = /^(\S+) (....) \S+ (\S+) (\d+)\s*(.*)$/.exec(line);
    const [, range, permissions, device, inode, path] = match ?? [];
    if (range === undefined || permissions === undefined || path === undefined) continue;
    if (path.includes("[uprobes]")) return "it is being probed";
    if (path.startsWith("/anon_hugepage")) return "it has huge pages of its own (MAP_HUGETLB)";
    if (path.startsWith("/SYSV")) return "it has System V shared memory";
    if (path.startsWith("anon_inode:[io_uring]")) return "it uses io_uring";
    if (options.guest || permissions[3] !== "s") continue;
    if (path === SHARED_ANONYMOUS) {
      const bytes = sizeOf(range);
      if (bytes > limits.sharedSizeMax) {
        return `it has ${bytes >> 20n} MiB of shared memory in one piece`;
      }
      const other = options.otherOwner(`${device} ${inode}`);
      if (other === null) continue;
      return `it has shared writable memory, and process ${other} has it too`;
    }
    const name = path === "" ? `device ${device}` : path;
    if (permissions[1] === "w") return `it has shared writable memory: ${name}`;
    // The kernel writes these names without leading zeros.
    if (options.mayWrite(range.replace(/^0+(?=.)/, "").replace(/-0+(?=.)/, "-"))) {
      return `it has shared memory that may become writable: ${name}`;
    }
  }
  return count > limits.segmentsMax ? `it has ${count} mappings` : null;
}

/** The first signal in a signalfd's /proc/PID/fdinfo that cannot wait at home; the trigger is one, too. */
function signalfdObstacle(text: string, trigger: number): string | null {
  const mask = BigInt(`0x${/^sigmask:\t([0-9a-f]+)$/m.exec(text)?.[1] ?? "0"}`);
  const refused = [...Object.entries(schema.neverHeld), [`signal ${trigger}`, trigger] as const];
  return refused.find(([, signal]) => (mask >> BigInt(signal - 1) & 1n) === 1n)?.[0] ?? null;
}

/** Where a link of /proc leads; "": it is gone. Not by promises: of some processes there are ten thousand. */
function linkTarget(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

async function descriptorObstacle(pid: number, signal: number): Promise<string | null> {
  try {
    for await (const entry of Deno.readDir(`/proc/${pid}/fd`)) {
      const target = linkTarget(`/proc/${pid}/fd/${entry.name}`);
      if (target === "anon_inode:[io_uring]") {
        return `it uses io_uring: descriptor ${entry.name}`;
      }
      if (target === "anon_inode:[userfaultfd]") return "it uses userfaultfd";
      if (target === "anon_inode:[perf_event]") return "it counts perf events";
      if (target === "anon_inode:[signalfd]") {
        const text = await Deno.readTextFile(`/proc/${pid}/fdinfo/${entry.name}`).catch(() => "");
        const name = signalfdObstacle(text, signal);
        if (name !== null) return `it has a signalfd for ${name}: descriptor ${entry.name}`;
      }
    }
    return null;
  } catch {
    return "its descriptors cannot be read";
  }
}

/** Whether a process is a shadow: it runs the file behind this descriptor, or an older lb-shadow. */
export function isShadow(pid: number, shadowFd: number): boolean {
  try {
    const exe = `/proc/${pid}/exe`;
    const [theirs, ours] = [Deno.statSync(exe), Deno.statSync(`/proc/self/fd/${shadowFd}`)];
    return (theirs.ino === ours.ino && theirs.dev === ours.dev) ||
      /\/lb-shadow( \(deleted\))?$/.test(Deno.readLinkSync(exe));
  } catch {
    return false;
  }
}

/** Identifies this boot of this node; start times compare within one boot only. */
export function bootId(): string {
  return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}
