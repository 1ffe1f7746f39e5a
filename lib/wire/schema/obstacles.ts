/**
 * Obstacles: why a process cannot move.
 *
 * @module
 */

/**
 * Words that follow "it"; `{}` stands for what was found. Codes below 20 are found before the program runs, by the
 * launcher too, and travel in messages.
 */
export const obstacles = {
  STATIC: { code: 1, text: "is statically linked" },
  SET_USER_ID: { code: 2, text: "is set-user-ID" },
  SET_GROUP_ID: { code: 3, text: "is set-group-ID" },
  CAPABILITIES: { code: 4, text: "has capabilities of its own" },
  FOREIGN: { code: 5, text: "is not a 64-bit x86 program" },
  OTHER_LIBC: { code: 6, text: "uses another C library than glibc" },
  USER: { code: 20, text: "runs as user {}" },
  TRACED: { code: 21, text: "is being traced" },
  STOPPED: { code: 22, text: "is stopped" },
  THREADS: { code: 23, text: 'has {} threads (config threads = "move" lets them move)' },
  SECCOMP: { code: 24, text: "has a seccomp filter" },
  BLOCKS_SIGNAL: { code: 26, text: "blocks signal {}, by which it is told to move" },
  CHILDREN: { code: 27, text: "has {} {}" },
  OLD_TIMERS: {
    code: 28,
    text: "has POSIX timers, which can come home only to Linux 6.16 or later",
  },
  WAKING_TIMER: { code: 29, text: "has a POSIX timer that wakes the machine" },
  TIMERS: { code: 30, text: "has {} POSIX timers" },
  PROBED: { code: 31, text: "is being probed" },
  HUGE_PAGES: { code: 32, text: "has huge pages of its own (MAP_HUGETLB)" },
  SYSTEM_V: { code: 33, text: "has System V shared memory" },
  IO_URING: { code: 34, text: "uses io_uring" },
  IO_URING_DESCRIPTOR: { code: 35, text: "uses io_uring: descriptor {}" },
  SHARED_SIZE: { code: 36, text: "has {} MiB of shared memory in one piece" },
  SHARED_WITH: { code: 37, text: "has shared writable memory, and process {} has it too" },
  SHARED: { code: 38, text: "has shared writable memory: {}" },
  SHARED_LATER: { code: 39, text: "has shared memory that may become writable: {}" },
  MAPPINGS: { code: 40, text: "has {} mappings" },
  USERFAULTFD: { code: 41, text: "uses userfaultfd" },
  PERF_EVENTS: { code: 42, text: "counts perf events" },
  SIGNALFD: { code: 43, text: "has a signalfd for {}: descriptor {}" },
  TAKEN_OVER: { code: 44, text: "is built with {}, whose books cannot move" },
  PINNED: { code: 45, text: "is pinned" },
  NEEDS_HOME: { code: 46, text: "needs its home for {}" },
  UNSEEN: { code: 47, text: "cannot be looked at just now: {}" },
  THREADS_MAX: { code: 48, text: "has {} threads, at most {} move" },
} as const;

/** Other words for it, whole. */
export const obstacleTexts = {
  NOT_LOADED: "its lb library is not loaded",
  LEADER_ENDED: "its main thread has ended, and others run",
  NO_MAPS: "its memory map cannot be read",
  NO_DESCRIPTORS: "its descriptors cannot be read",
} as const;
