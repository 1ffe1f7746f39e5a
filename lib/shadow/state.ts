/**
 * Reads and writes `struct lb_state` of c/include/lb_state.h.
 *
 * A shadow finds it in a memfd when it is executed. Here it is written for a shadow without a process
 * before it, which waits for its first link.
 *
 * Its offsets are the compiler's: lib/wire/layout.ts.
 *
 * @module
 */
import { assert } from "../base/assert.ts";
import { magics, state } from "../wire/layout.ts";
import { schema } from "../wire/schema.ts";

/** Where the fields lie, in bytes from the beginning. */
export const stateOffsets = state.offsets;

/** Size of the struct in bytes. */
export const STATE_SIZE = state.size;

const COMM_SIZE = 16; // TASK_COMM_LEN, prctl(2) PR_SET_NAME
const NO_FD = -1;

/** A shadow that waits for its first link. */
export interface WaitingShadow {
  readonly pid: number;
  readonly startTicks: bigint;
  readonly ticket: bigint;
  readonly homeNode: string;
  readonly program: string;
  readonly controlPath: string;
  readonly reconnectLimitMs: number;
  readonly ioTimeoutMs: number;
  /** Where the image leaves room for the shadow. */
  readonly rangeStart: bigint;
  /** Descriptor of the shadow's own file. */
  readonly shadowFd: number;
}

/** Cuts a text to `size` bytes with its NUL, at the border of a character. */
function cut(text: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  new TextEncoder().encodeInto(text, bytes.subarray(0, size - 1));
  return bytes;
}

/** Encodes the struct. */
export function encodeState(shadow: WaitingShadow): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(STATE_SIZE);
  const view = new DataView(bytes.buffer);
  const { nodeNameSize, programNameSize, controlPathSizeMax } = schema.limits;
  assert(new TextEncoder().encode(shadow.controlPath).length < controlPathSizeMax);
  view.setBigUint64(stateOffsets.magic, magics.state, true);
  view.setUint32(stateOffsets.abi_version, schema.abiVersion, true);
  view.setUint32(stateOffsets.home_pid, shadow.pid, true);
  view.setBigUint64(stateOffsets.start_ticks, shadow.startTicks, true);
  view.setBigUint64(stateOffsets.live_ticket, shadow.ticket, true);
  view.setInt32(stateOffsets.link_fd, NO_FD, true);
  view.setInt32(stateOffsets.shadow_fd, shadow.shadowFd, true);
  view.setBigUint64(stateOffsets.range_start, shadow.rangeStart, true);
  view.setUint32(stateOffsets.reconnect_limit_ms, shadow.reconnectLimitMs, true);
  view.setUint32(stateOffsets.io_timeout_ms, shadow.ioTimeoutMs, true);
  bytes.set(cut(shadow.homeNode, nodeNameSize), stateOffsets.home_node);
  bytes.set(cut(shadow.program, programNameSize), stateOffsets.program);
  bytes.set(cut(shadow.program, COMM_SIZE), stateOffsets.comm);
  bytes.set(cut(shadow.controlPath, controlPathSizeMax), stateOffsets.control_path);
  const text = new TextEncoder().encode(`${shadow.program}\0`);
  bytes.set(text, stateOffsets.text);
  view.setUint32(stateOffsets.argc, 1, true);
  view.setUint32(stateOffsets.text_size, text.length, true);
  return bytes;
}
