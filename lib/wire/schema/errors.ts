/**
 * Errors of our own: codes, and the words for people.
 *
 * @module
 */

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
  THREADS_MAX: {
    code: 4131,
    text: "the process has more threads than move",
    fix: "start it with fewer (OMP_NUM_THREADS, or an option of its own)",
  },
  PARK: {
    code: 4132,
    text: "a thread does not stop",
    fix: "try again later, without a debugger on it",
  },
  THREAD_LIMIT: {
    code: 4133,
    text: "the node does not give it as many threads as it has",
    fix: "let the user have more processes there (ulimit -u, or the pids limit of its cgroup)",
  },
  SMALL_STACKS: {
    code: 4134,
    text: "its threads run on stacks too small for a signal, as Go's do",
    fix: "run it where it is to stay",
  },
} as const;
