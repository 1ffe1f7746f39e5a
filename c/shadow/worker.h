/* worker.h - Threads of this process that execute one system call at a time. */
#ifndef LB_SHADOW_WORKER_H
#define LB_SHADOW_WORKER_H

#include <stdbool.h>

#include "block.h"
#include "lb_link.h"
#include "lb_park.h"

/* One a thread of the guest (lb_park.h), and one for its first, in whose place the main thread is. */
#define LB_WORKERS_MAX 256
#define LB_CANCEL_SIGNAL 32 /* below libc's SIGRTMIN: a program does not have it by its number */

struct lb_worker {
	uint32_t tid;   /* the kernel clears it at its end; 0 and not taken: this place is free */
	uint32_t state; /* enum of worker.c, futex(2) */
	bool taken;
	bool begun; /* it is where it waits for calls */
	bool lives; /* it leaves, and does not end */
	void *owner;
	/* The call. */
	volatile sig_atomic_t stop; /* of lb_block() */
	int64_t arguments[1 + LB_CALL_ARGS];
	int64_t result;
	uint64_t mask; /* while it is made */
	/* The signal that came meanwhile: one at most, as all are blocked from then on. si_signo 0: none. */
	siginfo_t info;
	uint32_t stops; /* lb_worker_stops as it came */
	/* The way out. */
	uint64_t ip, sp, arg;
	struct lb_worker *next; /* of those that are done */
};

/* How often this process has been stopped: a signal to stop it that came before is done with. */
extern volatile uint32_t lb_worker_stops;

/* A new one. NULL: there is no place, or the kernel has none. */
struct lb_worker *lb_worker_make(void *owner);
/* A thread that waits in this slot becomes one, once lb_worker_wait_begun() returns. NULL as above. */
struct lb_worker *lb_worker_adopt(struct lb_parked *slot, void *owner);
void lb_worker_wait_begun(const struct lb_worker *worker);
/* It ends, or waits in this slot: lb_park_wait(). It must not be at work. */
void lb_worker_end(struct lb_worker *worker);
void lb_worker_park(struct lb_worker *worker, struct lb_parked *slot);
/* Makes the call of `arguments`, number and six; signals of `mask` are blocked meanwhile. */
void lb_worker_start(struct lb_worker *worker, const int64_t *arguments, uint64_t mask);
/* Ends its call, with -EINTR or LB_NOT_MADE if it was not over. False: the kernel queues no more signals now. */
bool lb_worker_cancel(struct lb_worker *worker);
/* The next one whose call is over: each is told once; NULL: none. */
struct lb_worker *lb_worker_next_done(void);
/* Which one runs this code; NULL: the main thread. */
struct lb_worker *lb_worker_self(void);
/* In its handler. */
void lb_worker_signalled(struct lb_worker *worker, const siginfo_t *info, ucontext_t *context);

#endif
