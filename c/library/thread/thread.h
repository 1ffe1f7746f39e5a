/* thread.h - state that the kernel or the library keeps for one thread.
 *
 * All code finds its own by lb_thread(), through a pointer in the thread's own storage: the library is there from the
 * program's start, so the place is fixed for all threads (initial-exec, "ELF Handling for Thread-Local Storage"). It is
 * zero in a new thread, as the C library gives it zeroed memory; its slot it gets when it first comes here.
 */
#ifndef LB_THREAD_H
#define LB_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/types.h>
#include <linux/sched/types.h>

#include "action.h"
#include "lb_park.h"
#include "thread/siginfo.h"

/* One of each number waits in a queue: SIGSYS and SIGURG are no real-time signals. */
#define LB_ASIDE_NUMBERS 2
struct lb_aside_queue {
	struct {
		bool waits;
		siginfo_t info;
	} signals[LB_ASIDE_NUMBERS];
};

struct lb_cpu_time {
	uint64_t user_us, system_us;
};

#define LB_CPU_WORDS 128 /* CONFIG_NR_CPUS is 8192 at most on x86-64 */
struct lb_cpus {
	uint64_t words[LB_CPU_WORDS];
};

/* How a thread is scheduled, as home has it; away calls that change it there note it here. */
struct lb_scheduling {
	struct sched_attr wanted;
	bool has_chosen;
	struct lb_cpus chosen; /* by the program, numbered as home's are */
};

#define LB_SPECULATIONS 3 /* store bypass, indirect branch, L1D flush: prctl(2), PR_GET_SPECULATION_CTRL */

/* A wait: right behind which call, and until when, of the program's CLOCK_MONOTONIC. */
struct lb_wait {
	bool valid;
	uint64_t rip, rsp;
	uint32_t number;
	int64_t deadline_ns;
};

#define LB_THREAD_SLOTS 256 /* slots: more than may move (LB_THREADS_MAX), as ended ones are found late */
#define LB_CONTEXT_WORDS 8

struct lb_call_areas; /* process/own_memory.h */
struct lb_thread {
	/* Its calls that are answered at patched sites. First, as patch/site_entry.S has their places. */
	volatile uint32_t answering; /* one is: signals that come meanwhile are deferred until it is over */
	volatile uint32_t deferred;  /* one has come meanwhile, and all are blocked */
	/* Of its own stack, for the handler of SIGSYS (entry/sigsys.c) and to park on; 0: none yet. */
	uint64_t stack_top;
	uint64_t deferred_mask; /* the interrupted context's own */
	struct {
		bool waits;
		siginfo_t info;
	} sent[2]; /* SIGBUS and SIGSEGV that were sent meanwhile: they cannot be blocked then */
	volatile bool faults_blocked;
	volatile bool was_reset; /* SA_RESETHAND has changed an action (entry/signal_entry.c) */

	/* Its waits. */
	struct lb_wait interrupted; /* by a signal of ours: to be made again (trap/wait.c) */
	struct lb_wait waits_here;  /* made on this node, where nobody sees how it ends */
	struct {
		int64_t noted_ns;  /* when it was interrupted; 0: there is none */
		uint64_t switches; /* how often the process had given up its processor by then: getrusage(2) */
	} untold;                  /* the call that was interrupted last, while its beginning is not known */

	bool holds_lock; /* the guest lock (thread/lock.h) */

	/* Its calls at home. */
	struct {
		uint64_t seq;      /* of the call that is on its way; 0: there is none */
		bool sent;         /* over the link that there is now */
		bool beside;       /* without the guest lock */
		bool let_go;       /* of that lock, since its call began */
		uint32_t answered; /* bytes of the reply that another thread has read for it; 0: not yet */
		int event_fd, signal_fd;
		uint64_t of_copy; /* lb_self.copy that these are of */
	} waiting;                /* home_call/link_calls.c */
	uint32_t reply_flags;     /* LB_REPLY_* of the last call */
	bool has_child;           /* a child of vfork(2) runs in its place */
	bool child_ended;         /* it has ended, and nothing more may be done in its name */
	uint32_t child_pid;       /* the child's */

	/* Its signals. */
	uint64_t believed;           /* away: which of SIGSYS and SIGURG the program blocks (mask/aside.c) */
	uint64_t held_mask;          /* what it blocks, as of its last call (calls/held.c) */
	uint64_t quiet_blocked;      /* what it blocks of the signals that do nothing by default (mask/mask.c) */
	struct lb_aside_queue aside; /* away: of those two, what was sent to this thread and waits */

	/* Its way out of the node's vdso, before an order is obeyed (entry/trigger.c). */
	struct {
		bool active;
		bool was_blocked; /* SIGTRAP was, which tells of each step */
		uint64_t copy;    /* where: lb_self.copy */
		int signal;       /* that has brought the order */
		unsigned steps;
		siginfo_t info;
	} stepping;

	/* What the kernel keeps for it and an image carries (image/kernel_state.c). */
	struct {
		uint64_t address; /* 0: none is registered */
		uint32_t size, signature;
	} rseq;
	uint64_t robust_head, robust_size; /* get_robust_list(2) */
	uint64_t clear_child_tid;          /* set_tid_address(2) */
	uint64_t fs_base, gs_base;
	char comm[16];                   /* TASK_COMM_LEN */
	struct lb_scheduling scheduling; /* image/scheduling.c */
	struct {
		int64_t timer_slack, mce_kill, personality;
		int64_t speculations[LB_SPECULATIONS];
	} attributes; /* image/attributes.c */

	struct lb_cpu_time cpu;       /* used on earlier nodes */
	struct lb_cpu_time cpu_noted; /* used so far, for an image */

	/* Which it is. */
	uint32_t home_tid;  /* as the program knows it: gettid(2) at home */
	uint32_t local_tid; /* on this node; 0: the slot is free */
	uint32_t left_by;   /* whose it was on this node, and who may be on its stack still; 0: nobody */
	uint32_t stopped;   /* in which round of stopping it waits, or has waited last */

	/* Where it goes on in a restored process: callee-saved registers, stack, where to return (context.S). */
	uint64_t context[LB_CONTEXT_WORDS];
	struct lb_call_areas *areas; /* of its calls at home; NULL: none yet */
};

#define LB_THREAD_HIDDEN __attribute__((visibility("hidden")))
extern struct lb_thread lb_threads[LB_THREAD_SLOTS] LB_THREAD_HIDDEN;
extern __thread struct lb_thread *lb_this_thread LB_THREAD_HIDDEN;

/* Where each waits while the process moves (image/threads.c), in the same places. */
extern struct lb_parked lb_parking[LB_THREAD_SLOTS] LB_THREAD_HIDDEN;
static inline struct lb_parked *lb_parked(const struct lb_thread *thread)
{
	return &lb_parking[thread - lb_threads];
}

/* Gives the calling thread a slot. Does not return where there is none: see threads.c. */
struct lb_thread *lb_thread_meet(void) LB_THREAD_HIDDEN;

static inline struct lb_thread *lb_thread(void)
{
	struct lb_thread *this = lb_this_thread;
	return this ? this : lb_thread_meet();
}

/* By its number at home or here; NULL: there is none. The first is inline as the functions that stand before the vdso
 * may call nothing (image/vdso.c). */
static inline struct lb_thread *lb_thread_of_home(uint32_t tid)
{
	for (unsigned i = 0; i < LB_THREAD_SLOTS; i++)
		if (lb_threads[i].local_tid != 0 && lb_threads[i].home_tid == tid)
			return &lb_threads[i];
	return 0;
}

struct lb_thread *lb_thread_of_local(uint32_t tid) LB_THREAD_HIDDEN;
/* The program's number of one of its threads as this node has it; 0: no thread of this process. */
uint32_t lb_local_tid(uint32_t home_tid) LB_THREAD_HIDDEN;
/* A slot that is free, and its stack too, for a thread that is to be made; NULL: none. It is taken as soon as it has a
 * number here. */
struct lb_thread *lb_thread_reserve(void) LB_THREAD_HIDDEN;
/* The thread is about to end: the slot is free, its stack is not yet. */
void lb_thread_leave(struct lb_thread *thread) LB_THREAD_HIDDEN;
unsigned lb_threads_count(void) LB_THREAD_HIDDEN;
/* The slot's thread has ended; all but the calling one are not there, in a child. */
void lb_thread_forget(struct lb_thread *thread) LB_THREAD_HIDDEN;
void lb_threads_forget_others(void) LB_THREAD_HIDDEN;

#endif
