/* posix_timers.h - What the kernel keeps of the timers of timer_create(2).
 *
 * So that the next place gets it too.
 */
#ifndef LB_POSIX_TIMERS_H
#define LB_POSIX_TIMERS_H

#include "process/process.h"

#define LB_TIMERS_MAX 256 /* a process with more stays where it is: lib/host/proc.ts */

struct lb_timer {
	int32_t id;
	int32_t signal;
	uint64_t value;               /* sigev_value */
	int32_t notify;               /* SIGEV_* */
	uint32_t thread;              /* SIGEV_THREAD_ID: which, as home has it */
	uint32_t clock_thread;        /* of a CPU clock: whose, as home has it; 0: the caller's or the process's */
	int32_t clock;                /* clockid_t; CPU clocks without PID or TID */
	int64_t interval[2], left[2]; /* struct itimerspec, frozen: what is left until it expires; 0: it is off */
	int64_t due_ns;  /* frozen: when it expires, of the program's CLOCK_MONOTONIC: time goes on while it moves */
	int32_t overrun; /* of its last signal on an earlier node, told until it has sent another one */
	int64_t overrun_until_ns; /* none before that: of this node's CLOCK_MONOTONIC */
};

/* Sees which timers there are. Returns a negative error when one of them cannot move. */
int lb_timers_look(void) LB_HIDDEN;
/* Notes what is left of each, so that lb_timers_stop() sees what expires meanwhile. */
void lb_timers_note(void) LB_HIDDEN;
/* Stops them. Returns how many of them expired since lb_timers_note(): `lost` gets their places. */
int lb_timers_stop(uint16_t lost[LB_TIMERS_MAX]) LB_HIDDEN;
const struct lb_timer *lb_timer_at(int place) LB_HIDDEN;
/* What timer_getoverrun(2) tells now is what it tells later. Before anything that waits is taken. */
void lb_timers_note_overruns(void) LB_HIDDEN;
/* A signal of a timer that is stopped waits: when it goes on, the timer itself sends it, with the `overrun` ticks that
 * it stands for besides, and so has one waiting, however many are to come. False: it cannot, or is none. */
bool lb_timer_due(int32_t id, int32_t overrun) LB_HIDDEN;
/* Lets those that were stopped go on. */
void lb_timers_go_on(void) LB_HIDDEN;
/* In the restored process: makes them again, stopped, with their numbers. Returns 0 or a negative error. */
int lb_timers_make(void) LB_HIDDEN;
/* Takes them from the kernel; they are noted still. */
void lb_timers_delete(void) LB_HIDDEN;
void lb_timers_forget(void) LB_HIDDEN; /* a child has none */

/* What timer_getoverrun(2) is to tell, away from home; 0: what the kernel says. */
int32_t lb_timer_overrun(const struct lb_timer *timer) LB_HIDDEN;
/* A signal of it has been delivered, or may be taken by sigtimedwait(2) for these signals. */
void lb_timer_delivered(int32_t id) LB_HIDDEN;
void lb_timers_taken(uint64_t set) LB_HIDDEN;

/* Away from home, as the program makes and deletes them. NULL: there is none, or no room. */
struct lb_timer *lb_timer_find(int32_t id) LB_HIDDEN;
struct lb_timer *lb_timer_add(int32_t id, int32_t clock) LB_HIDDEN;
bool lb_timers_full(void) LB_HIDDEN; /* or home could not make another one with its number */
void lb_timer_remove(int32_t id) LB_HIDDEN;

#endif
