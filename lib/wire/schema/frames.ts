/**
 * Frames between nodes and from commands: type bytes, fields, flags.
 *
 * @module
 */

/** Types a field of a frame's body may have: text is u16 size + UTF-8, bytes is u32 size + bytes. */
export type BodyFieldType = "u32" | "i32" | "u64" | "i64" | "text" | "bytes";

/** The body of a frame: fields in wire order, no padding. */
export interface FrameSchema {
  /** What it is for. */
  readonly doc: string;
  /** Its fields in the order in which they stand on the wire. */
  readonly fields: Readonly<Record<string, BodyFieldType>>;
}

/** Type bytes of frames: the letters of the thesis, and what they lacked. */
export const frameTypes = {
  register: 0x50, // P: local control socket only
  under: 0x55, // U: announced letter
  full: 0x46, // F: announced letter
  started: 0x42, // B: a node has started; carries and is answered with the announced letter
  report: 0x52, // R: on a checkpoint (local control socket only)
  offer: 0x43, // C: of a process
  ended: 0x4b, // K: a migrated process has ended
  snapshot: 0x49, // I: request and answer
  accept: 0x59, // Y: an offer, or a stream that may begin
  refuse: 0x4e, // N: with the reason
  hello: 0x48, // H: authentication
  proof: 0x41, // A: authentication
  error: 0x45, // E
  command: 0x4d, // M: to a node, for one process or for the node itself
  inquiry: 0x51, // Q: what became of this process?
  verdict: 0x56, // V: answer to an inquiry
  withdraw: 0x57, // W: an offer
  gossip: 0x47, // G: about members
  seek: 0x53, // S: a node that is U asks for a process, or hears that there is none for it
} as const;

/** Bits of a frame's `flags`. */
export const frameFlags = {
  authenticated: 1, // the last limits.macSize bytes of the body are its code
  answer: 2, // this frame answers the one with the same request
} as const;

/**
 * An announcement's stamp, and the load in thousandths of a process per unit of capacity
 * (limits.loadUntold: the sender's policy does not tell it) with the capacity, both in thousandths (0: it is not told).
 */
const announcement = {
  epoch: "u64",
  sequence: "u64",
  load: "u32",
  cores: "u32",
  speed: "u32",
} as const;

const identity = { ticket: "u64", startTicks: "u64", homePid: "u32", homeNode: "text" } as const;

/**
 * Bodies of the frames between nodes and from commands, by name. `request` is chosen by the
 * asking side and repeated in the answer (accept, refuse, verdict or the same type with the flag `answer`).
 * `epoch` grows with each start of a daemon and `sequence` with each announcement, so that what
 * arrives late is dropped. Register and report exist on the control socket only.
 */
export const frames = {
  under: { doc: "my announced letter is U", fields: { ...announcement } },
  full: { doc: "my announced letter is F", fields: { ...announcement } },
  started: {
    doc: "I have started, or met you again; answered by the same with your announced letter",
    fields: { ...announcement, letter: "u32" },
  },
  seek: {
    doc: "my announced letter and my load; none 0: have you a process for me? (answered by an " +
      "offer, or by this frame with none 1: I have none for you)",
    fields: { ...announcement, letter: "u32", none: "u32" },
  },
  offer: {
    doc: "offer of a process; answered by accept (a place is reserved for the ticket) or refuse",
    fields: {
      request: "u64",
      ...identity,
      memoryBytes: "u64",
      cpuMs: "u64", // CPU time that it has used so far, on all nodes
      clockMs: "u64",
      xcr0: "u64",
      cpuFeatures: "bytes",
      program: "text",
      lbVersion: "text",
      manual: "u32", // 1: a person asked for this move
      weight: "u32", // its computing threads, 1 at least
      load: "u32", // of the node, as in announcements; limits.loadUntold: it leaves however much that is
    },
  },
  withdraw: { doc: "withdraw the offer of this ticket; not answered", fields: { ticket: "u64" } },
  ended: {
    doc: "a guest has ended with this wait status; answered by accept, repeated until then",
    fields: { request: "u64", ...identity, waitStatus: "u32" },
  },
  snapshot: {
    doc: "snapshot: asked with an empty json, answered with the node's",
    fields: { request: "u64", json: "bytes" },
  },
  accept: {
    doc: "yes: to offer, ended or command; or, with request 0, the raw stream may begin",
    fields: { request: "u64", ...announcement, letter: "u32", detail: "text" },
  },
  refuse: {
    doc: "no: to offer or command, or, with request 0, to a stream",
    fields: { request: "u64", ...announcement, letter: "u32", reason: "text", fix: "text" },
  },
  hello: {
    doc: "hello, first in both directions: who I am and what this connection is for",
    fields: {
      protocolVersion: "u32",
      role: "u32",
      ...identity,
      nonce: "bytes",
      node: "text",
      lbVersion: "text",
    },
  },
  proof: { doc: "proof: I know the cluster key", fields: { proof: "bytes" } },
  error: { doc: "error: why I close this connection", fields: { message: "text" } },
  command: {
    doc:
      "command: one of `commands` for the process `pid`, or for an identity when homeNode is set",
    fields: {
      request: "u64",
      ...identity,
      command: "u32",
      pid: "u32",
      destination: "text",
      path: "text",
    },
  },
  inquiry: {
    doc: "inquiry: does this guest still run with you? answered by verdict",
    fields: { request: "u64", ...identity },
  },
  gossip: {
    doc:
      "gossip about members: one of `gossipKinds`, with the digest of the sender's table of members, " +
      "its announced letter (0: not told), and claims",
    fields: {
      request: "u64",
      kind: "u32",
      text: "text", // of ask, heard and unheard the node that is asked for
      digest: "u64",
      ...announcement,
      letter: "u32",
      claims: "bytes", // one after another, see lib/wire/claims.ts
    },
  },
  verdict: {
    doc: "verdict: to inquiry, or, with request 0, to a link (live: the raw stream begins)",
    fields: { request: "u64", ticket: "u64", verdict: "u32" },
  },
} as const satisfies Partial<Record<keyof typeof frameTypes, FrameSchema>>;
