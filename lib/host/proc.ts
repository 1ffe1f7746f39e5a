/**
 * Reads a process's figures from /proc.
 *
 * @module
 */
import { numbers } from "../wire/layout.ts";
import { limits } from "../wire/schema.ts";

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
export async function readProc(pid: number, file: string): Promise<string | null> {
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

export function kibibytes(fields: Map<string, string>, name: string): number {
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

/**
 * Whether a process is a shadow. It says so in its auxiliary vector (c/base/load.h); one of an earlier version of lb runs
 * lb-shadow.
 */
export function isShadow(pid: number): boolean {
  try {
    const bytes = Deno.readFileSync(`/proc/${pid}/auxv`);
    const words = new BigUint64Array(bytes.buffer, 0, bytes.length >> 3);
    return words.some((word, index) => index % 2 === 0 && word === BigInt(numbers.auxLoaded)) ||
      /\/lb-shadow( \(deleted\))?$/.test(Deno.readLinkSync(`/proc/${pid}/exe`));
  } catch {
    return false;
  }
}

/** Identifies this boot of this node; start times compare within one boot only. */
export function bootId(): string {
  return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
}
