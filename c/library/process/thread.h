/* thread.h - state that the kernel or the library keeps for one thread.
 *
 * A process that moves has one thread. All code finds its state by lb_thread(), the calling thread's.
 */
#ifndef LB_THREAD_H
#define LB_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "process/siginfo.h"

/* One of each number waits in a queue: SIGSYS and SIGURG are no real-time signals. */
#define LB_ASIDE_NUMBERS 2
struct lb_aside_queue {
	struct {
		bool waits;
		struct lb_siginfo info;
	} signals[LB_ASIDE_NUMBERS];
};

struct lb_cpu_time {
	uint64_t user_us, system_us;
};

struct lb_thread {
	/* Its calls at home. */
	uint64_t call_seq;    /* last CALL sent */
	bool busy;            /* a CALL is outstanding, or a message is half sent */
	uint32_t reply_flags; /* LB_REPLY_* of the last call */
	bool has_child;       /* a child of vfork(2) runs in its place, and lb_self.home_pid is the child's */
	bool child_ended;     /* it has ended, and nothing more may be done in its name */

	/* Its signals. */
	uint64_t believed;           /* away: which of SIGSYS and SIGURG the program blocks (mask/aside.c) */
	uint64_t quiet_blocked;      /* what it blocks of the signals that do nothing by default (mask/mask.c) */
	struct lb_aside_queue aside; /* away: of those two, what was sent to this thread and waits */

	/* What the kernel keeps for it and an image carries (image/kernel_state.c). */
	struct {
		uint64_t address; /* 0: none is registered */
		uint32_t size, signature;
	} rseq;
	uint64_t robust_head, robust_size; /* get_robust_list(2) */
	uint64_t clear_child_tid;          /* set_tid_address(2) */
	uint64_t fs_base, gs_base;
	char comm[16]; /* TASK_COMM_LEN */

	struct lb_cpu_time cpu; /* used on earlier nodes */
};

extern struct lb_thread lb_only_thread __attribute__((visibility("hidden")));

static inline struct lb_thread *lb_thread(void)
{
	return &lb_only_thread;
}

#endif
