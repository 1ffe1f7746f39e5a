/**
 * Limits that both languages, or two nodes, keep.
 *
 * @module
 */

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
  threadsMax: 128, // of a process that moves
  pendingSignalsMax: 512, // in an image; as many may come while it moves
  orderTimeoutMs: 2_000, // an order that was not fetched by then no longer stands
  ioTimeoutMs: 10_000, // silence on a stream before it counts as lost
  reconnectLimitMs: 600_000,
  flushMs: 5, // until what is written behind is on its way
  frameHeaderSize: 8,
  noSystemCall: 0xffff_ffff, // in the place of a system call's number: it was an order
  ownDescriptorsMin: 960, // ours lie from here on: above programs' own, below the usual limit of 1024
  loadUntold: 0xffff_ffff, // in the place of a load: the sender does not tell it
  nonceSize: 32,
  macSize: 16, // of HMAC-SHA-256; a forger has one try a connection, then it closes
  helloFrameSizeMax: 1024, // before the proof nobody makes us reserve more
  helloTimeoutMs: 5_000, // a half-open connection is closed after this
  answerTimeoutMs: 10_000, // an answer between daemons that takes longer counts as lost
} as const;

/**
 * Signals that cannot wait at home, as the shadow (SIGIO) and the library need them for themselves: a process with a
 * signalfd for one of them stays at home.
 */
export const neverHeld = { SIGURG: 23, SIGIO: 29, SIGSYS: 31 } as const;
