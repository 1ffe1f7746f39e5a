/**
 * Messages on a node's control socket: ids and fields.
 *
 * @module
 */

/** Types a field may have; `char[N]` is UTF-8 text padded with NUL, always NUL-terminated. */
export type FieldType = "u32" | "i32" | "u64" | "i64" | `char[${number}]`;

/** A fixed-size message: fields in wire order, widest first so that C needs no padding. */
export interface StructSchema {
  /** Its type on the wire; never reused. */
  readonly id: number;
  /** What it is for. */
  readonly doc: string;
  /** Its fields in the order in which they stand. */
  readonly fields: Readonly<Record<string, FieldType>>;
}

/**
 * Messages on the node's control socket (unix, SOCK_SEQPACKET, one message a packet, at most one
 * array of descriptors by SCM_RIGHTS). Each starts with `type: u32, size: u32`, which gen.ts adds.
 */
export const local = {
  Register: {
    id: 0x50,
    doc: "program to daemon, from the preloaded library's constructor",
    fields: { startTicks: "u64", pid: "u32", abiVersion: "u32" },
  },
  Ack: {
    id: 2,
    doc: "daemon's answer where no other fits; to Register: with the bits of registration",
    fields: { code: "i32", flags: "u32" },
  },
  Fetch: {
    id: 3,
    doc: "program or guest to daemon, from the trigger's handler: does this order stand? " +
      "orderId 0 (SIGTSTP by hand): write a checkpoint of me",
    fields: { orderId: "u64", pid: "u32", zero: "u32" },
  },
  Order: {
    id: 4,
    doc: "daemon's answer to Fetch. Descriptors: kind move: [stream socket, shadow binary] at " +
      "home, [stream socket] for a guest; kind checkpoint: [image file, shadow binary]; kind " +
      "snapshot: [image file]; home and none: no descriptor. " +
      "lastRanNs: when the process, which waited, last ran, of CLOCK_MONOTONIC (0: not known); " +
      "switches: how often it had given up its processor by then",
    fields: {
      orderId: "u64",
      ticket: "u64",
      startTicks: "u64",
      lastRanNs: "u64",
      switches: "u64",
      kind: "u32",
      homePid: "u32",
      ioTimeoutMs: "u32",
      reconnectLimitMs: "u32",
      homeNode: "char[64]",
      destination: "char[64]",
    },
  },
  Report: {
    id: 0x52,
    doc:
      "program, guest or fresh shadow to daemon: how the order ended; error is 0 or a negative code. " +
      "detail, 0 where there is none: of error PARK the thread, as this node numbers it; of THREADS_MAX " +
      "how many there are",
    fields: {
      orderId: "u64",
      ticket: "u64",
      bytes: "u64",
      freezeUs: "u64",
      outcome: "u32",
      error: "i32",
      step: "u32",
      detail: "u32",
    },
  },
  Shadow: {
    id: 6,
    doc: "shadow to its daemon, first on a connection that stays open, and again on each change: " +
      "state waiting (no link yet), running, lost",
    fields: {
      startTicks: "u64",
      liveTicket: "u64",
      preparedTicket: "u64",
      pid: "u32",
      state: "u32",
      homeNode: "char[64]",
      runsOn: "char[64]",
      program: "char[64]",
    },
  },
  Link: {
    id: 7,
    doc: "daemon to shadow or keeper, with one descriptor: a connected stream to the other side. " +
      "To a shadow: whoever shows this ticket wants the link; the shadow answers Verdict (same ticket) " +
      "and, if live, serves it",
    fields: { ticket: "u64", startTicks: "u64", node: "char[64]" },
  },
  Verdict: {
    id: 8,
    doc: "shadow to daemon (answer to Link or Inquire), daemon to keeper (no link to be had)",
    fields: { ticket: "u64", verdict: "u32", zero: "u32" },
  },
  BringHome: {
    id: 9,
    doc: "daemon to shadow: ask the guest to come home",
    fields: { ticket: "u64", zero64: "u64" },
  },
  GuestEnded: {
    id: 10,
    doc: "keeper to daemon, and home daemon to shadow: the guest has ended with this wait status " +
      "(a frame `ended` between daemons); the keeper repeats it until it is answered by Ack",
    fields: {
      startTicks: "u64",
      ticket: "u64",
      homePid: "u32",
      waitStatus: "u32",
      homeNode: "char[64]",
    },
  },
  Keeper: {
    id: 11,
    doc:
      "keeper to its daemon, first on a connection that stays open, and again on each change of state",
    fields: {
      startTicks: "u64",
      ticket: "u64",
      guestStartTicks: "u64",
      keeperPid: "u32",
      guestPid: "u32",
      homePid: "u32",
      state: "u32",
      homeNode: "char[64]",
      program: "char[64]",
    },
  },
  NeedLink: {
    id: 12,
    doc:
      "keeper to daemon: the link is lost (or there is none yet): get one; answered by Link or Verdict",
    fields: { startTicks: "u64", ticket: "u64", homePid: "u32", zero: "u32", homeNode: "char[64]" },
  },
  LostLink: {
    id: 13,
    doc:
      "shadow to daemon: the link is lost: ask the guest's node; answered by Link, GuestEnded or " +
      "Verdict dead (the guest is gone for good)",
    fields: { ticket: "u64", zero64: "u64", node: "char[64]" },
  },
  Inquire: {
    id: 14,
    doc: "daemon to shadow: what is this ticket? answered by Verdict",
    fields: { ticket: "u64", zero64: "u64" },
  },
  CameHome: {
    id: 15,
    doc:
      "restored process to its home daemon: it runs here again. cpuUs: CPU time that it has used on " +
      "other nodes; systemCall: number of the call that needed home, or 4294967295 when it was ordered; " +
      "request: what it asked for, where one call is many (ioctl, prctl, futex)",
    fields: {
      startTicks: "u64",
      ticket: "u64",
      cpuUs: "u64",
      request: "u64",
      pid: "u32",
      systemCall: "u32",
    },
  },
  Stays: {
    id: 16,
    doc: "launcher to daemon: this process is about to become a program into which no library is " +
      "loaded, and why (obstacles); answered by Ack",
    fields: { startTicks: "u64", pid: "u32", obstacle: "u32", program: "char[64]" },
  },
} as const satisfies Record<string, StructSchema>;
