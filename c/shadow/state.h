/* state.h - The shadow's state, for all of its files.
 *
 * Same PID, same descriptors; the shadow executes the guest's calls, passes signals on, and ends as the guest ends.
 *
 * One thread has all of this; workers, of a guest with several threads, make single calls for it (worker.c). All
 * signals are blocked except while it waits (main.c) and inside a call that may block (wait.c); handlers only record
 * (signals.c). Links come and go (links.c); which copy of the process counts
 * is decided in tickets.c and nowhere else. What a file wants of one above it, it leaves here as a flag.
 */
#ifndef LB_SHADOW_STATE_H
#define LB_SHADOW_STATE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lb_link.h"
#include "lb_state.h"
#include "lb_wire.h"

#define LB_LINKS 4 /* the live one, and candidates that have not said HELLO yet */
#define LB_PAGE 4096u
/* Room behind the longest message for what may follow while a call is executed: CANCEL. */
#define LB_LINK_SPARE 4096u
/* Large arrays, of which there is none before the program's memory is given up (memory.c): its limits hold for both. */
#define LB_LATER __attribute__((section("lb_later,\"aw\",@nobits#")))

struct lb_shadow_link {
	int fd; /* -1: unused */
	uint64_t ticket;
	size_t have;    /* bytes received */
	size_t taken;   /* bytes of messages already handled */
	uint8_t *bytes; /* a CALL's data then starts on a page */
};

struct lb_shadow {
	struct lb_state state;
	uint64_t prepared_ticket; /* 0: none */
	char prepared_node[LB_NODE_NAME_SIZE];
	struct lb_shadow_link links[LB_LINKS];
	struct lb_shadow_link *live; /* NULL: waiting for the first, or lost */
	bool waiting;                /* no guest yet: an image file; it may stay so for ever */
	int64_t lost_since_ms;
	/* calls */
	uint64_t executing_seq;                    /* 0: none */
	const struct lb_shadow_link *executing_in; /* its input lies in this link's area; NULL: none */
	bool cancelled;                            /* the executing CALL is to end with EINTR */
	void (*serve_events)(void);                /* handles all that is there without waiting: for calls that wait */
	/* threads of the guest */
	struct lb_guest_thread *caller; /* whose CALL is executed right now (threads.c); NULL: none */
	unsigned threads;               /* that it has beside its first one */
	unsigned outstanding;           /* CALLs that workers and children execute */
	bool apart;                     /* its threads may have identities of their own: each makes its calls itself */
	int workers_fd;                 /* by which workers tell that they are done; -1: none yet */
	uint32_t notifying;             /* workers that are about to write to it */
	/* children that share the guest's memory */
	unsigned children; /* that run in the place of a thread */
	int child_fd;      /* in one of them: to its parent; else -1 */
	bool is_child;     /* this process is one */
	/* daemon */
	bool changed;   /* it is to be told the new state */
	bool link_lost; /* it is to be asked for a link */
	int control_fd; /* -1: away */
	int64_t retry_ms;
	bool reported;
	bool bring_home; /* asked for while there was no link */
	bool ended;      /* wait_status is valid */
	int64_t ended_ms;
	uint32_t wait_status;
};
extern struct lb_shadow lb_shadow;

/* There is a guest, and no link to it. */
static inline bool lb_is_lost(void)
{
	return lb_shadow.live == NULL && !lb_shadow.waiting;
}

/* Something has come that a call which is about to block must look at first. */
extern volatile sig_atomic_t lb_interrupted;

int64_t lb_now_ms(void); /* CLOCK_MONOTONIC */
int64_t lb_now_ns(void);

#endif
