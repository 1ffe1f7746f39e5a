/* lb_link.h - Messages of the link between a guest and its shadow.
 *
 * The guest is on the node where it runs, the shadow at home.
 *
 * Written by hand: only C speaks it. Both ends are x86-64 little-endian, so structs travel as they lie.
 * Each message is a struct lb_link_header followed by `size` bytes. The same socket first carries the
 * process's memory (lb_image.h); the words of the commit (MAPPED, GO, RUNNING, SERVE) are link messages.
 *
 * Guest to shadow: HELLO CALL CANCEL ACTIONS PREPARE ABORT ACTIVATE HOME EXIT WRITE ADVANCE CLOSE PLACE SEEK, and
 *                  source to restorer: GO.
 * Shadow to guest: SERVE REPLY SIGNAL STOP CONTINUE COME_HOME PREPARED ABORTED ACTIVATED MOVED READY APPLIED,
 *                  and restorer to source: MAPPED RUNNING FAILED.
 * A message of another type, or longer than LB_LINK_SIZE_MAX, is -LB_E_WIRE and closes the link.
 *
 * Doorbell: the last byte of SIGNAL, STOP, CONTINUE and COME_HOME, and of an APPLIED after which writes are not
 * to go on as before, is sent with MSG_OOB; the receiver has SO_OOBINLINE on and owns the socket (F_SETOWN), so a
 * guest that is computing gets SIGURG. The byte is part of the message: where a network strips the urgent mark only
 * the doorbell is lost.
 */
#ifndef LB_LINK_H
#define LB_LINK_H

#include <stdint.h>

#include "lb_wire.h"

enum lb_link_type {
	LB_LINK_MAPPED = 1,  /* restorer: every segment is in place */
	LB_LINK_GO = 2,      /* source: go into the library and park; body: struct lb_link_go */
	LB_LINK_RUNNING = 3, /* restored copy: parked in the library; body: struct lb_link_running */
	LB_LINK_FAILED = 4,  /* restorer: cannot; body: struct lb_link_status */
	LB_LINK_SERVE = 5,   /* shadow: this link is live: go on; body: struct lb_link_serve */
	LB_LINK_HELLO = 6,   /* guest, first on a new link; body: struct lb_link_hello */
	LB_LINK_CALL = 7,    /* body: struct lb_link_call, then its input data */
	LB_LINK_REPLY = 8,   /* body: struct lb_link_reply, then its output data; seq of the CALL */
	LB_LINK_CANCEL = 9,  /* guest: a signal wants the CALL of this seq to end with EINTR; no body */
	LB_LINK_SIGNAL = 10, /* shadow: a signal came to the home PID; body: siginfo_t (128 bytes); seq: home tid of
	                        the thread that it is for, 0: the process */
	LB_LINK_STOP = 11,   /* shadow: stop executing until CONTINUE; no body */
	LB_LINK_CONTINUE = 12,
	LB_LINK_ACTIONS = 13,   /* guest: signal dispositions changed; body: struct lb_link_actions; no reply */
	LB_LINK_COME_HOME = 14, /* shadow: please come home; no body */
	LB_LINK_PREPARE = 15,   /* guest: I am about to move on; body: struct lb_link_ticket (new ticket) */
	LB_LINK_PREPARED = 16,  /* shadow: noted; no body */
	LB_LINK_ABORT = 17,     /* guest: forget the prepared ticket; body: struct lb_link_ticket */
	LB_LINK_ABORTED = 18,   /* shadow: forgotten: your ticket is live: go on; no body */
	LB_LINK_ACTIVATE = 19,  /* new copy on a new link: make my ticket the live one; body: lb_link_ticket */
	LB_LINK_ACTIVATED = 20, /* shadow: done; this link is live: go on; no body */
	LB_LINK_MOVED = 21,     /* shadow to the old guest: your ticket is dead: exit; no body */
	LB_LINK_HOME = 22,      /* guest: I am frozen and come home; no body */
	LB_LINK_READY = 23,     /* home: the restorer waits for the image; no body */
	LB_LINK_EXIT = 24,      /* guest: exit_group called with this status; body: lb_link_status; no reply */
	/* The backlog: executed in order, without a reply; what was sent and not applied is sent again. */
	LB_LINK_WRITE = 25,   /* guest: write(2) these bytes, padded to 8; seq: the descriptor of a regular file, and
	                         in the upper half how many bytes of the body are padding */
	LB_LINK_ADVANCE = 26, /* guest: so many bytes have been read; seq: the descriptor; body: uint64_t */
	LB_LINK_APPLIED = 27, /* shadow: the backlog up to here is executed; body: struct lb_link_applied */
	LB_LINK_CLOSE = 28,   /* guest: close(2) of a file that was only read; seq: the descriptor; no body */
	LB_LINK_PLACE = 29,   /* guest: pwrite(2); seq as WRITE; body: uint64_t offset, then bytes as WRITE's */
	LB_LINK_SEEK = 30,    /* guest: lseek(2), SEEK_SET; seq: the descriptor; body: uint64_t offset */
	LB_LINK_TYPES,        /* one more than the last */
};

struct lb_link_header {
	uint32_t type;
	uint32_t size; /* bytes that follow */
	uint64_t seq;  /* CALL, REPLY, CANCEL: number of the call, from 1, +1 each for the whole process; else 0 */
};
_Static_assert(sizeof(struct lb_link_header) == 16, "header is 16 bytes on the wire");

struct lb_link_status {
	int64_t code; /* EXIT: exit status; FAILED: negative error */
	uint64_t detail;
};

/* A position in the backlog: bytes of its messages (WRITE, ADVANCE, CLOSE, PLACE, SEEK), headers included, since the
 * copy began. */
struct lb_link_serve {
	uint64_t backlog_at;  /* executed; the guest goes on from here */
	uint64_t signalfds;   /* signals that a signalfd(2) of the process may tell of; bit s-1 stands for signal s */
	uint64_t held;        /* LB_HOME_HOLD */
	uint64_t has_program; /* 1: home holds the program's file, and answers for /proc/self/exe */
};

struct lb_link_applied {
	uint64_t backlog_at;
	int32_t fd;       /* of a write that failed: later ones to it are dropped until the error is told; else -1 */
	int32_t error;    /* errno of it: the next write, fsync or close of that descriptor ends with it; else 0 */
	uint32_t revoked; /* 1: no descriptor is granted any more (the reserve is used up) */
	uint32_t unused;
};

struct lb_link_go {
	uint64_t monotonic_ns; /* the program's CLOCK_MONOTONIC at this moment */
};

struct lb_link_running {
	uint64_t monotonic_ns; /* the new node's CLOCK_MONOTONIC, for the log */
	uint64_t pid;          /* guest's PID on its node */
};

struct lb_link_ticket {
	uint64_t ticket;
	char node[LB_NODE_NAME_SIZE]; /* where that copy runs */
};

struct lb_link_actions { /* bit s-1 stands for signal s */
	uint64_t ignored;
	uint64_t caught;
	uint64_t child_flags; /* SA_NOCLDSTOP, SA_NOCLDWAIT of SIGCHLD's */
	uint64_t blocked;     /* of those that do nothing by default: they wait while they are blocked */
};

struct lb_link_hello {
	uint64_t ticket;
	uint64_t last_seq; /* last CALL this guest sent */
	uint64_t copy;     /* random, of this restored copy: an image restarted twice has one ticket */
	uint64_t signals;  /* SIGNAL messages that this copy has had: later ones are told again */
	struct lb_link_actions actions;
	char node[LB_NODE_NAME_SIZE];
};

/* How an argument of a forwarded call travels. */
enum lb_arg_kind {
	LB_ARG_VALUE = 0, /* args[i] as it is */
	LB_ARG_IN = 1,    /* args[i] = offset into the input data */
	LB_ARG_OUT = 2,   /* args[i] = offset into the output area */
	LB_ARG_INOUT = 3, /* input at offset `args[i]` of the input data; same bytes come back as output at
	                     out offset out_offsets[i] */
};

#define LB_CALL_ARGS 6

struct lb_link_call {
	uint32_t number;   /* system call number, or LB_HOME_* below */
	uint32_t in_size;  /* input bytes that follow this struct */
	uint32_t out_size; /* size of the output area */
	uint32_t flags;    /* LB_CALL_* */
	uint64_t args[LB_CALL_ARGS];
	uint64_t arg_sizes[LB_CALL_ARGS];   /* bytes of an IN, OUT or INOUT argument */
	uint64_t out_offsets[LB_CALL_ARGS]; /* INOUT: where its output lies in the output area */
	uint8_t kinds[LB_CALL_ARGS];        /* enum lb_arg_kind of each argument */
	uint16_t page_offset;               /* of a read or write: where in its page the program has the data */
	uint64_t thread; /* home tid of the caller; one that home does not know stands for the process's first */
};
_Static_assert(sizeof(struct lb_link_call) == 176, "nothing is between its members");

/* Argument 2 of a CALL of readv(2) and its like, IN: the pieces of argument 1, where all of them lie in a row. */
struct lb_link_piece {
	uint32_t size;
	uint32_t page_offset; /* as that of the call */
};
#define LB_PIECES_MAX 1024u /* UIO_MAXIOV, readv(2) */

#define LB_CALL_MAY_BLOCK 1u   /* execute it cancellable */
#define LB_CALL_RESULT_SIZE 2u /* `result` units of the one output are used; else all of it */
#define LB_CALL_UNIT_SHIFT 16  /* from here on: bytes a unit */

struct lb_link_reply {
	int64_t result;    /* >= 0, or -errno */
	uint32_t out_size; /* output bytes that follow this struct (the output area, cut after its last used byte) */
	uint32_t flags;    /* LB_REPLY_* */
};

#define LB_REPLY_REGULAR 1u         /* read family: the descriptor is a regular file: a short count means end of file */
#define LB_REPLY_SIGNALFD 2u        /* the process has a signalfd(2) more than before */
#define LB_REPLY_CHILD_ENDED 0x100u /* the child of VFORK has executed a program, or has ended: its parent goes on */
#define LB_REPLY_NO_CHILD 0x200u    /* FORK: the image could not become a process; nothing has happened */

/* Argument 5 of a CALL of sendmsg or recvmsg, INOUT: room that there is, and what recvmsg made of it. The others are
 * the descriptor, the data, the flags, the name and the control data. */
struct lb_link_message {
	uint32_t name_size;
	uint32_t flags; /* msg_flags */
	uint64_t control_size;
};

/* Calls that the shadow executes for the library itself, above every system call number. */
enum lb_home_call {
	LB_HOME_MEMFD = 0x10000, /* args: content, O_CLOEXEC or 0, name; result: a descriptor open for reading on it */
	LB_HOME_FILE = 0x10001,  /* args: descriptor, struct lb_home_file out: what may be done without home */
	LB_HOME_AHEAD = 0x10002, /* args: descriptor, out, offset or LB_AT_OFFSET: reads there; leaves the offset;
	                            out: uint64_t, the first byte's offset, then bytes; result: bytes, with those 8 */
	LB_HOME_HOLD = 0x10003,  /* args: signals that wait at home from now on, for a signalfd; siginfo_t[] of those
	                           that have come to the guest; 1: before all that have come here; uint64_t out: what
	                           signalfds tell of. Those that wait here no longer are told before the reply */
	/* Children (c/shadow/children.c). From VFORK until a reply says LB_REPLY_CHILD_ENDED all calls are the child's;
	 * the next three are said for a child only. */
	LB_HOME_VFORK = 0x10010,   /* args: struct lb_home_child, pidfd out; result: the child's PID */
	LB_HOME_MASK = 0x10011,    /* args: the child's signal mask */
	LB_HOME_STRINGS = 0x10012, /* args: strings for the EXEC that follows, each with its NUL */
	LB_HOME_EXEC = 0x10013,    /* args: directory, strings (the last of: path, arguments, environment), number of
	                           arguments | of the environment << 32, flags of execveat(2), mask and ignored
	                           signals of the new program */
	LB_HOME_FORK = 0x10014, /* READY, image, MAPPED, GO as on the way home; result: the PID of the child at home */
	/* Threads (c/shadow/threads.c): each has one at home, whose tid is its own for the program. */
	LB_HOME_THREAD = 0x10020, /* args: the tid it has, where home is another (`lb shadow`), or 0; result: its tid */
	LB_HOME_THREAD_END = 0x10021, /* args: tid of one that has ended; nothing of it may be outstanding */
};

#define LB_LIMITS 16 /* RLIM_NLIMITS */
struct lb_home_child {
	uint64_t flags;                /* of clone(2): signal of its end, CLONE_PIDFD */
	uint64_t mask;                 /* signals that it blocks; bit s-1 stands for signal s */
	uint64_t limits_set;           /* bit r: limits[r] is not as it was when the process left home */
	uint64_t limits[LB_LIMITS][2]; /* struct rlimit */
};

#define LB_AT_OFFSET UINT64_MAX /* of LB_HOME_AHEAD: at the descriptor's own offset */

/* Answer to LB_HOME_FILE; and argument 5 of a CALL of open(2) and its like, OUT: the same of what was opened. */
#define LB_GRANT_WRITE 1u       /* write(2) may be said to have succeeded before it is executed */
#define LB_GRANT_READ 2u        /* may be read ahead */
#define LB_GRANT_OFFSET 4u      /* no other descriptor of the process has its offset: lseek(2) may be behind, too */
#define LB_HOME_STATUS_SIZE 144 /* struct stat */
struct lb_home_file {
	uint64_t device, inode;
	uint64_t offset;     /* of the descriptor, at this moment */
	uint64_t offset_max; /* the file system takes offsets up to this one */
	uint32_t grants;
	uint32_t unit;       /* bytes that are allocated at once; 0: only what is contiguous may be written behind */
	uint32_t appends;    /* 1: O_APPEND */
	uint32_t is_regular; /* 1: `status` is struct stat of a regular file, as fstat(2) tells it at this moment */
	uint8_t status[LB_HOME_STATUS_SIZE];
};

#define LB_LINK_SIZE_MAX (LB_LINK_DATA_SIZE_MAX + 3 * 4096) /* with the pieces of a vector, or two paths */

#endif
