/**
 * What the daemon asks of C, in TypeScript's types.
 *
 * Each function is one of lb_ffi.h.
 *
 * @module
 */
import { openFfi } from "../../ffi/open.ts";
import { cBlock, cText, environmentBlock, errorOf, fdArray, unwrap } from "../../ffi/unwrap.ts";
import { HostError } from "../base/errors.ts";
import * as layout from "../wire/layout.ts";
import { limits } from "../wire/schema.ts";

/** An event of the control socket. */
export type ControlEvent =
  | {
    readonly kind: "message";
    readonly connection: number;
    readonly peerPid: number;
    readonly message: Uint8Array;
    readonly fds: readonly number[];
  }
  | { readonly kind: "hangup"; readonly connection: number; readonly peerPid: number }
  | {
    readonly kind: "exited";
    readonly pid: number;
    readonly startTicks: bigint;
    /** As wait(2) has it; -1: not our child. */
    readonly waitStatus: number;
  }
  | { readonly kind: "woken" };

/** Flags of open(2) on x86-64 that the daemon uses. */
export const openFlags = {
  readOnly: 0,
  writeOnly: 1,
  readWrite: 2,
  create: 0o100,
  exclusive: 0o200,
  path: 0o10000000,
} as const;

/** The descriptor of one of our TCP connections, which stays Deno's. */
export function findSocket(local: Deno.NetAddr, remote: Deno.NetAddr): number {
  return unwrap(
    openFfi().lb_ffi_find_socket(
      cText(local.hostname),
      local.port,
      cText(remote.hostname),
      remote.port,
    ),
    `find the connection to ${remote.hostname}:${remote.port}`,
  );
}

/** Takes one of our TCP connections away from Deno, in blocking mode; Deno's object is to be closed. */
export function takeSocket(local: Deno.NetAddr, remote: Deno.NetAddr): number {
  return unwrap(
    openFfi().lb_ffi_take_socket(
      cText(local.hostname),
      local.port,
      cText(remote.hostname),
      remote.port,
    ),
    `take the connection to ${remote.hostname}:${remote.port}`,
  );
}

/** Sets keepalive, TCP_USER_TIMEOUT and TCP_NODELAY. */
export function tuneStream(fd: number, userTimeoutMs: number): void {
  unwrap(openFfi().lb_ffi_tune_stream(fd, userTimeoutMs), "set the options of a connection");
}

/** Why the loader does not load the library into a process's program: a code of the schema's obstacles, 0 none. */
export function obstacle(pid: number): number {
  return Math.max(0, openFfi().lb_ffi_obstacle(pid));
}

/** Creates the control socket. */
export function controlListen(path: string): void {
  unwrap(openFfi().lb_ffi_control_listen(cText(path)), `create the control socket ${path}`);
}

/** Creates the control socket again, as its file is gone; connections stay. */
export function controlListenAgain(path: string): void {
  unwrap(openFfi().lb_ffi_control_listen_again(cText(path)), `create the control socket ${path}`);
}

const eventBuffer = new Uint8Array(layout.event.size);

/** Waits for the next event of the control socket. */
export async function controlNext(): Promise<ControlEvent> {
  const buffer = eventBuffer;
  unwrap(
    await openFfi().lb_ffi_control_next(buffer, buffer.length),
    "wait on the control socket",
  );
  const view = new DataView(buffer.buffer);
  const at = layout.event.offsets;
  const kind = view.getUint32(at.kind, true);
  const connection = view.getUint32(at.connection, true);
  const peerPid = view.getUint32(at.peer_pid, true);
  if (kind === layout.eventKinds.message) {
    const count = Math.min(view.getUint32(at.fds_count, true), limits.localDescriptorsMax);
    const fds = Array.from(
      { length: count },
      (_, index) => view.getInt32(at.fds + 4 * index, true),
    );
    const size = Math.min(view.getUint32(at.size, true), limits.localMessageSizeMax);
    const message = buffer.slice(at.message, at.message + size);
    return { kind: "message", connection, peerPid, fds, message };
  }
  if (kind === layout.eventKinds.hangup) return { kind: "hangup", connection, peerPid };
  if (kind === layout.eventKinds.pidExited) {
    return {
      kind: "exited",
      pid: view.getUint32(at.pid, true),
      startTicks: view.getBigUint64(at.start_ticks, true),
      waitStatus: view.getInt32(at.wait_status, true),
    };
  }
  return { kind: "woken" };
}

/** Sends one message on the control socket. */
export function controlSend(connection: number, message: Uint8Array, fds: readonly number[]): void {
  unwrap(
    openFfi().lb_ffi_control_send(
      connection,
      message as Uint8Array<ArrayBuffer>,
      message.length,
      fdArray(fds),
      fds.length,
    ),
    "send on the control socket",
  );
}

/** Closes a connection of the control socket; one that is gone already is fine. */
export function controlClose(connection: number): void {
  openFfi().lb_ffi_control_close(connection);
}

/** Ends a `controlNext()`. */
export function controlWake(): void {
  openFfi().lb_ffi_control_wake();
}

/**
 * Asks for an `exited` event.
 *
 * @returns false if the process is gone or is another one.
 */
export function watchPid(pid: number, startTicks: bigint): boolean {
  const result = openFfi().lb_ffi_watch_pid(pid, startTicks);
  if (result === -ESRCH) return false;
  if (result !== -EEXIST) unwrap(result, `watch pid ${pid}`);
  return true;
}

/** Takes a watch back. */
export function unwatchPid(pid: number): void {
  openFfi().lb_ffi_unwatch_pid(pid);
}

const { ESRCH, EEXIST, ENODEV, EWOULDBLOCK } = layout.errnos;

/** What to start. */
export interface SpawnOptions {
  /** An open descriptor of the program. */
  readonly programFd: number;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** They become 3, 4, ... */
  readonly fds: readonly number[];
  /** Standard output and error. */
  readonly logFd: number;
}

/** Starts a program in a session of its own; returns its PID. */
export function spawn(options: SpawnOptions): number {
  const argv = cBlock(options.args);
  const env = environmentBlock(options.env);
  const what = options.args[0] ?? "a program";
  const result = openFfi().lb_ffi_spawn(
    null,
    options.programFd,
    argv,
    argv.length,
    env,
    env.length,
    fdArray(options.fds),
    options.fds.length,
    options.logFd,
    layout.numbers.spawnSetsid,
  );
  if (result === -ENODEV) {
    throw new HostError(`Cannot start ${what}: /dev/null is not a device`, {
      fix: "Make it again, as root: rm -f /dev/null; mknod -m 666 /dev/null c 1 3",
    });
  }
  return unwrap(result, `start ${what}`);
}

/** Queues an order's signal. */
export function queueOrder(
  pid: number,
  startTicks: bigint,
  order: { readonly signal: number; readonly id: bigint },
): void {
  unwrap(
    openFfi().lb_ffi_queue_order(pid, startTicks, order.signal, order.id),
    `queue an order to pid ${pid}`,
  );
}

/** When a process last ran, in ns of CLOCK_MONOTONIC, and how often it had given up its processor by then. */
export interface LastRan {
  readonly ns: bigint;
  readonly switches: bigint;
}

/** Since when a process sleeps; zeros: it does not, or the kernel does not tell. */
export function lastRan(pid: number): LastRan {
  const buffer = new BigUint64Array(2);
  openFfi().lb_ffi_last_ran(pid, new Uint8Array(buffer.buffer));
  return { ns: buffer[0] ?? 0n, switches: buffer[1] ?? 0n };
}

/** Sets the nice value of a process. */
export function setNice(pid: number, nice: number): void {
  unwrap(openFfi().lb_ffi_set_nice(pid, nice), `set the nice value of pid ${pid} to ${nice}`);
}

/** Start time of a process in clock ticks since boot; null: there is no such process. */
export function startTicks(pid: number): bigint | null {
  const result = BigInt(openFfi().lb_ffi_start_ticks(pid));
  if (result === BigInt(-ESRCH)) return null;
  if (result < 0n) throw errorOf(Number(result), `read the start time of pid ${pid}`);
  return result;
}

/** Figures of a process: struct lb_ffi_look. */
export interface Look {
  readonly startTicks: bigint;
  readonly cpuSeconds: number;
  /** CPU time of its threads that live, which grows with each step; 0n: the kernel does not tell. */
  readonly ranNs: bigint;
  /** How long these threads have waited for a processor. */
  readonly waitedNs: bigint;
  /** When it was looked at, by the clock that its start time is of. */
  readonly atNs: bigint;
  readonly rssBytes: number;
  readonly threads: number;
  /** R, S, D, T, t, Z, ... */
  readonly state: string;
}

/** Looks at many processes; null: there is no such process; undefined: it could not be seen just now. */
export async function look(pids: readonly number[]): Promise<(Look | null | undefined)[]> {
  const { size, offsets } = layout.look;
  const bytes = new Uint8Array(pids.length * size);
  const view = new DataView(bytes.buffer);
  for (const [index, pid] of pids.entries()) view.setUint32(index * size + offsets.pid, pid, true);
  const count = await openFfi().lb_ffi_look(bytes, bytes.length);
  return pids.map((_, index) => {
    const u32 = (field: keyof typeof offsets) =>
      view.getUint32(index * size + offsets[field], true);
    const u64 = (field: keyof typeof offsets) =>
      view.getBigUint64(index * size + offsets[field], true);
    const error = count < 0 ? count : view.getInt32(index * size + offsets.error, true);
    if (error < 0) return error === -ESRCH ? null : undefined;
    return {
      startTicks: u64("start_ticks"),
      cpuSeconds: Number(u64("cpu_ticks")) / 100,
      ranNs: u64("ran_ns"),
      waitedNs: u64("waited_ns"),
      atNs: u64("at_ns"),
      rssBytes: Number(u64("rss_bytes")),
      threads: u32("threads"),
      state: String.fromCharCode(u32("state")),
    };
  });
}

/** struct lb_ffi_cpu_features of this node, as bytes. */
export function cpuFeatures(): Uint8Array {
  const buffer = new Uint8Array(layout.cpuFeatures.size);
  unwrap(openFfi().lb_ffi_cpu_features(buffer, buffer.length), "read the CPU features");
  return buffer;
}

/** Takes a lock file; null: another process holds it. */
export function lock(path: string): number | null {
  const result = openFfi().lb_ffi_lock(cText(path));
  return result === -EWOULDBLOCK ? null : unwrap(result, `lock ${path}`);
}

/** Opens a file; the descriptor is close-on-exec and the caller's. */
export function open(path: string, flags: number, mode = 0): number {
  return unwrap(openFfi().lb_ffi_open(cText(path), flags, mode), `open ${path}`);
}

/** Closes a descriptor. */
export function close(fd: number): void {
  openFfi().lb_ffi_close(fd);
}

/** Raises the soft limit of open files to the hard one. */
export function raiseFileLimit(): void {
  openFfi().lb_ffi_set_nofile();
}

/** Sets the umask. */
export function setUmask(mask: number): void {
  openFfi().lb_ffi_umask(mask);
}

/** Keeps what this process has inherited, standard streams apart, from those that it starts. */
export function sealInherited(): void {
  unwrap(openFfi().lb_ffi_close_on_exec(3), "mark inherited descriptors");
}

/** Bytes that can be used without swapping. */
export function availableBytes(): bigint {
  const result = BigInt(openFfi().lb_ffi_mem_available());
  if (result < 0n) {
    throw new HostError("Cannot read MemAvailable of /proc/meminfo: it is not there", {
      fix: "Mount /proc",
    });
  }
  return result;
}

/** Tells systemd, if it asked. */
export function notify(state: string): void {
  openFfi().lb_ffi_notify(cText(state));
}
