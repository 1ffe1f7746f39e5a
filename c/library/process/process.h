/* process.h - what the files of the preloaded library share.
 *
 * The library is freestanding: no libc call, no errno, no TLS, -mgeneral-regs-only; raw system calls only
 * (c/base/syscall.h). After a move its text is the one range that Syscall User Dispatch exempts.
 * One thread. Two places: at home (nothing intercepted) and away (every call of the program trapped).
 */
#ifndef LB_PRELOAD_H
#define LB_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb_image.h"
#include "lb_link.h"
#include "lb_state.h"
#include "lb_wire.h"
#include "thread/thread.h"

#define LB_HIDDEN __attribute__((visibility("hidden")))
#define LB_EXPORT __attribute__((visibility("default")))

/* Large areas whose content means nothing to a child (kept.c): a part of .bss of its own, so they cost no file. */
#define LB_SCRATCH __attribute__((section("lb_scratch,\"aw\",@nobits#")))

#define LB_BIT(signal) (1ULL << ((signal) - 1))

/* What the library knows of the process; part of the image. Fixed at load or at resume, except where noted. What a
 * thread of it has: thread/thread.h. */
struct lb_process {
	bool registered;
	bool away;
	bool stop_by_hand; /* SIGTSTP sent by hand stops, as without us: config sigtstp = "stop" */
	bool threads_move; /* config threads = "move" at home: threads that it makes away stay there */
	int order_signal;  /* at home: carries orders besides SIGURG; 0: none does */
	uint32_t home_pid;
	uint32_t local_pid; /* this node's PID: == home_pid at home */
	uint64_t start_ticks;
	uint64_t ticket;      /* live ticket while away */
	uint64_t copy;        /* random, of this restored copy */
	uint64_t signals_had; /* by this copy, from its shadow */
	int link_fd;          /* away: to the shadow */
	int keeper_fd;        /* away: to the keeper */
	int stream_fd;
	uint64_t call_seq;     /* last CALL sent, by any thread */
	uint32_t home_call;    /* what brought it home: a system call's number, or LB_NO_SYSTEM_CALL */
	uint64_t home_request; /* and what that asked for: CameHome in lib/wire/schema/local.ts */
	uint64_t signalfds;    /* away: signals that descriptors of signalfd(2) tell of; bit s-1 stands for signal s */
	uint64_t held;       /* away: of those, the ones that wait at home, as the program blocks them (calls/held.c) */
	uint64_t limits_set; /* bit r: the program has changed this node's limit r */
	bool may_share;      /* has made anonymous memory away that children to come share */
	int64_t monotonic_offset_ns; /* add to this node's CLOCK_MONOTONIC/BOOTTIME to get the program's */
	/* Used on earlier nodes. At home the kernel counts a shadow, too, and some of it for the process alone: what
	 * threads that have ended have used. */
	struct lb_cpu_time cpu;
	uint32_t io_timeout_ms;
	uint32_t reconnect_limit_ms;
	uint64_t vdso;                            /* this node's vdso (away, or at home after a return); 0: untouched */
	uint64_t program_vdso, program_vdso_size; /* the one that the program was started with */
	uint64_t range_start;          /* where its shadow lies at home, and nothing of the program; at home 0 */
	uint64_t hole_start, hole_end; /* restorer's hole, never in an image */
	uint64_t ring_start, ring_end; /* away: memory shared with the keeper (ring.h), never in an image; 0: none */
	char home_node[LB_NODE_NAME_SIZE];
	char node[LB_NODE_NAME_SIZE];                /* where it runs */
	char control_path[LB_CONTROL_PATH_SIZE_MAX]; /* this node's control socket */
	char exe[4096];                              /* home's /proc/self/exe, as it was */
	bool program_is_home;                        /* home answers for it (c/shadow/paths.c) */
	struct lb_action actions[LB_SIGNALS + 1];    /* the program's own, while away (exact masks) */
};
extern struct lb_process lb_self LB_HIDDEN;
/* Home is to be gone to, as soon as no call is on its way. */
extern bool lb_come_home LB_HIDDEN;

/* Whether a signal may carry an order. Away from home that is SIGURG alone, but what was ours stays ours. */
#define LB_IS_TRIGGER(signal) ((signal) == SIGURG || ((signal) != 0 && (signal) == lb_self.order_signal))

#endif
