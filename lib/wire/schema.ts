/**
 * Every number and name that languages or nodes share.
 *
 * The schema: what both languages, or two nodes, must agree on. `tools/gen.ts` prints
 * `c/include/lb_wire.h` from it; ids are append-only and never reused.
 *
 * @module
 */

/** Types a field may have; `char[N]` is UTF-8 text padded with NUL, always NUL-terminated. */
export type FieldType = "u32" | "i32" | "u64" | "i64" | `char[${number}]`;

/** A fixed-size message: fields in wire order, widest first so that C needs no padding. */
export interface StructSchema {
  readonly id: number;
  readonly doc: string;
  readonly fields: Readonly<Record<string, FieldType>>;
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

/** What a TCP connection is for; sent in hello. */
export const roles = {
  daemon: 1,
  memory: 2, // a process's memory, by the ticket of its offer
  link: 3, // a link of a copy that has had one, or that its shadow expects by PREPARE
  command: 4,
  restart: 5, // the first link of an image: there is one copy of it only
} as const;

/** What an order asks of a process. */
export const orders = {
  none: 0, // the order no longer stands
  move: 1, // stream to the socket, then become the shadow
  checkpoint: 2, // write the image file, then become a waiting shadow
  snapshot: 3, // write the image file and go on
  home: 4, // a guest: go home
} as const;

/** What became of an identity or a ticket, as its home tells it. */
export const verdicts = {
  live: 1, // this ticket is the live one
  dead: 2, // this ticket will never be live again: that copy must exit
  unknown: 3, // nothing can be said yet: ask again
} as const;

/** States of a keeper's guest or of a shadow, in LocalKeeper and LocalShadow. */
export const guestStates = {
  restoring: 1,
  running: 2,
  ended: 3,
  left: 4,
  lost: 5,
  waiting: 6,
} as const;

/** What a frame `gossip` says or asks. */
export const gossipKinds = {
  ping: 1, // are you there? answered by ack
  ack: 2,
  ask: 3, // ping `target` for me; answered by heard or unheard
  heard: 4,
  unheard: 5,
  news: 6, // claims that are new to the sender; not answered
  sync: 7, // all claims of the sender; answered by synced
  synced: 8,
  refused: 9, // no to sync of a node that is no member: why, in `text`
  knock: 10, // a ping to a node that is not in the list of the sender; answered by ack
} as const;

/** What a claim holds of a member; of one incarnation the greater number counts. */
export const memberStatuses = { alive: 1, suspected: 2, failed: 3, left: 4 } as const;

/** Bits of a claim's `flags`. */
export const memberFlags = {
  open: 1, // it has joined, or its config names no associated node: lists are extended by it
} as const;

/** How an order ended, in LocalReport. */
export const outcomes = { moved: 0, aborted: 1, written: 2 } as const;

/**
 * Messages on the node's control socket (unix, SOCK_SEQPACKET, one message a packet, at most one
 * array of descriptors by SCM_RIGHTS). Each starts with `type: u32, size: u32`, which gen.ts adds.
 */
export const local = {
  Register: {
    id: 0x50,
    doc: "P: program to daemon, from the preloaded library's constructor",
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
    doc: "daemon's answer to Fetch. Descriptors: kind move: [stream socket, shadow binary, " +
      "preload library] at home, [stream socket] for a guest; kind checkpoint: [image file, shadow " +
      "binary, preload library]; kind snapshot: [image file]; home and none: no descriptor. " +
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
      "R: program, guest or fresh shadow to daemon: how the order ended; error is 0 or a negative code",
    fields: {
      orderId: "u64",
      ticket: "u64",
      bytes: "u64",
      freezeUs: "u64",
      outcome: "u32",
      error: "i32",
      step: "u32",
      zero: "u32",
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

/** Bits of a frame's `flags`. */
export const frameFlags = {
  authenticated: 1, // the last limits.macSize bytes of the body are its code
  answer: 2, // this frame answers the one with the same request
} as const;

/** What a frame `command` asks for. */
export const commands = {
  migrate: 1, // move the process to `destination`, or to the preferred node when that is empty
  home: 2, // bring the process home
  checkpoint: 3, // write its image to `path` and leave a waiting shadow
  snapshot: 4, // write its image to `path`; it goes on
  pin: 5, // the balancer leaves it where it is
  unpin: 6, // the balancer may move it again
  drain: 7, // the node (no process) sends all away and takes nothing
  undrain: 8, // the node takes processes again
  why: 9, // tell what keeps the process where it is, and the last decisions about it
  join: 10, // the node becomes a member of the cluster that `destination` is in
  leave: 11, // the node is no member any more
  drainGuests: 12, // the node sends its guests away and takes nothing; its own processes stay
  fate: 14, // tell what became of a move to this node, by its ticket; "": nothing is known
  wake: 13, // a guest that is stopped for the owner of its node goes on, as its home wants it back
} as const;

/** Types a field of a frame's body may have: text is u16 size + UTF-8, bytes is u32 size + bytes. */
export type BodyFieldType = "u32" | "i32" | "u64" | "i64" | "text" | "bytes";

/** The body of a frame: fields in wire order, no padding. */
export interface FrameSchema {
  readonly doc: string;
  readonly fields: Readonly<Record<string, BodyFieldType>>;
}

/**
 * An announcement's stamp, and the load in thousandths of a process per unit of capacity
 * (limits.loadUntold: the sender's policy does not tell it).
 */
const announcement = { epoch: "u64", sequence: "u64", load: "u32" } as const;
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

/** Sizes in bytes, times in milliseconds. */
export const limits = {
  nodeNameSize: 64, // with the NUL: an address or host name and a port
  programNameSize: 64,
  controlPathSizeMax: 108, // sun_path, unix(7)
  localMessageSizeMax: 512,
  localDescriptorsMax: 4,
  frameSizeMax: 1 << 20, // a snapshot of some thousand processes fits; memory does not travel in frames
  linkDataSizeMax: 1 << 20, // data of one forwarded call; longer transfers are split
  segmentsMax: 4096, // mappings of one process; vm.max_map_count is 65530 by default
  sharedSizeMax: 1 << 30, // bytes of one mapping of shared memory, as all of its pages are read
  pendingSignalsMax: 512, // in an image; as many may come while it moves
  orderTimeoutMs: 2_000, // an order that was not fetched by then no longer stands
  ioTimeoutMs: 10_000, // silence on a stream before it counts as lost
  reconnectLimitMs: 600_000,
  flushMs: 5, // until what is written behind is on its way
  frameHeaderSize: 8,
  loadUntold: 0xffff_ffff, // in the place of a load: the sender does not tell it
  nonceSize: 32,
  macSize: 16, // of HMAC-SHA-256; a forger has one try a connection, then it closes
  helloFrameSizeMax: 1024, // before the proof nobody makes us reserve more
  helloTimeoutMs: 5_000, // a half-open connection is closed after this
  answerTimeoutMs: 10_000, // an answer between daemons that takes longer counts as lost
} as const;

/** Errors of our own as negative codes below the kernel's -4095; text and fix are shared. */
export const errors = {
  WIRE: {
    code: 4097,
    text: "a message is malformed",
    fix: "run the same lb version on both nodes",
  },
  UNSUPPORTED: {
    code: 4098,
    text: "this state cannot be moved",
    fix: "see `lb ps` for the reason",
  },
  THREADS: {
    code: 4099,
    text: "the process has several threads",
    fix: "only single-threaded programs move",
  },
  CHILDREN: {
    code: 4100,
    text: "the process has children",
    fix: "it can move when they have ended",
  },
  SHARED_MEMORY: {
    code: 4101,
    text: "memory is shared and writable",
    fix: "it can move when it is unmapped",
  },
  SIGNALS: { code: 4102, text: "too many signals are pending", fix: "try again later" },
  SEGMENTS: {
    code: 4103,
    text: "there are too many mappings",
    fix: "such a process does not move",
  },
  PEER_LOST: { code: 4104, text: "the other node was lost", fix: "check the network and the node" },
  PEER_REFUSED: { code: 4105, text: "the other side refused", fix: "see the other node's log" },
  DESCRIPTORS: { code: 4106, text: "no descriptor number is free", fix: "raise RLIMIT_NOFILE" },
  MEMORY: {
    code: 4107,
    text: "memory could not be mapped at its address",
    fix: "check the memory limits there",
  },
  STALE: { code: 4108, text: "the order no longer stands", fix: "order again" },
  DEAD: { code: 4109, text: "this copy is not the live one", fix: "nothing: it ends" },
  FAULT: { code: 4110, text: "a test asked for this failure", fix: "unset LB_FAULT" },
  GUARDS: {
    code: 4111,
    text: "the other node has no guard pages (MADV_GUARD_INSTALL)",
    fix: "move it to a node with Linux 6.13 or later",
  },
  LOCKED: {
    code: 4112,
    text: "more memory is locked than the limit there allows",
    fix: "raise RLIMIT_MEMLOCK of the daemon there",
  },
  MEMORY_KIND: {
    code: 4113,
    text: "it has huge pages of its own or a shadow stack",
    fix: "use madvise(MADV_HUGEPAGE) instead of MAP_HUGETLB",
  },
  TRAPS: {
    code: 4114,
    text: "it has the processor trap rdtsc or cpuid, or refuses executable memory (PR_SET_MDWE)",
    fix: "such a process does not move",
  },
  LIMIT: {
    code: 4120,
    text: "a limit on memory there is lower than the program's",
    fix: "raise it where that node's daemon is started: ulimit -v, -d, -s",
  },
  SCHEDULING: {
    code: 4125,
    text: "its scheduling policy cannot be had there",
    fix: "allow it on that node (ulimit -r), or let the process have another (chrt)",
  },
  RSEQ: {
    code: 4130,
    text: "it has registered an area by rseq(2) that the kernel does not tell of",
    fix:
      "let it be traced by its own child (kernel.yama.ptrace_scope below 2, no debugger), or use the C library's area",
  },
} as const;

/** What the answer to Register tells a program of its node's config. */
export const registration = {
  stopByHand: 1, // sigtstp = "stop"
  sigwinch: 2, // trigger-signal = "SIGWINCH"
} as const;

/** Why the loader does not load the library into a program: words that follow "it". */
export const obstacles = {
  STATIC: { code: 1, text: "is statically linked" },
  SET_USER_ID: { code: 2, text: "is set-user-ID" },
  SET_GROUP_ID: { code: 3, text: "is set-group-ID" },
  CAPABILITIES: { code: 4, text: "has capabilities of its own" },
  FOREIGN: { code: 5, text: "is not a 64-bit x86 program" },
  OTHER_LIBC: { code: 6, text: "uses another C library than glibc" },
} as const;

/**
 * Fault points (only in dist/faults, a build for tests): `LB_FAULT=NUMBER:ACTION` in the environment of the part that owns the
 * point makes it fail there once; ACTION is kill (SIGKILL self), hang (sleep for ever), pause (1.5 s), cut (shut
 * the stream down) or fail (take the error path).
 */
export const faults = {
  sourceFetched: 1, // library at home: order fetched, nothing sent
  sourceTable: 2, // header and table sent
  sourceMemory: 3, // in the middle of memory
  sourceSent: 4, // all memory sent, MAPPED not yet seen
  sourceMapped: 5, // MAPPED seen, GO not sent
  sourceGo: 6, // GO sent, RUNNING not seen
  sourceRunning: 7, // RUNNING seen, before the exec of the shadow
  shadowStart: 8, // shadow has started, SERVE not sent
  shadowServed: 9, // SERVE sent
  guestTable: 20, // restorer: table read
  guestMemory: 21, // restorer: in the middle of memory
  guestMapped: 22, // restorer: all mapped, MAPPED not sent
  guestGo: 23, // restorer: GO seen, before the jump into the library
  guestRunning: 24, // library: resumed, RUNNING not sent
  guestParked: 25, // library: RUNNING sent, SERVE not seen
  guestServed: 26, // library: SERVE seen
  movePrepare: 40, // guest moving on: PREPARE sent, not answered
  movePrepared: 41, // guest moving on: PREPARED seen
  moveActivate: 42, // new copy: before ACTIVATE
  shadowActivate: 43, // shadow: ACTIVATE seen, nothing changed
  shadowActivated: 44, // shadow: ticket changed, nobody told
  homeBegin: 60, // guest: HOME sent
  homeExec: 61, // shadow: before the exec for homecoming
  homeReady: 62, // at home: READY sent
  homeMemory: 63, // at home: in the middle of memory
  homeMapped: 64, // at home: MAPPED not sent
  homeGo: 65, // at home: GO seen
  homeConfirm: 66, // at home: resumed, RUNNING not sent
} as const;

/**
 * Signals that cannot wait at home, as the shadow (SIGIO) and the library need them for themselves: a process with a
 * signalfd for one of them stays at home.
 */
export const neverHeld = { SIGURG: 23, SIGIO: 29, SIGSYS: 31 } as const;

/** All of it under one name. */
export const schema = {
  protocolVersion: 2,
  abiVersion: 3,
  port: 9734,
  frameTypes,
  frameFlags,
  frames,
  roles,
  commands,
  orders,
  verdicts,
  guestStates,
  gossipKinds,
  memberStatuses,
  memberFlags,
  outcomes,
  local,
  limits,
  neverHeld,
  errors,
  registration,
  obstacles,
  faults,
} as const;
