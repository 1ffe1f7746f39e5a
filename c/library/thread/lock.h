/* lock.h - The guest lock.
 *
 * Calls of a guest's threads are made one at a time.
 *
 * Held over each trapped call and each answer at a patched site, also while home is asked; only a call that may wait
 * for long lets go of it meanwhile. What it holds off: all state of the library that is not a thread's own. A process
 * of one thread never takes it.
 *
 * Runs in:  signal handlers with all signals blocked, and patched sites, whose signals are deferred.
 */
#ifndef LB_LOCK_H
#define LB_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <asm/unistd.h>

#include "syscall.h"

#include "thread/thread.h"

/* For what is over in a moment, and is done at home as well: all signals are blocked. */
static inline void lb_spin_take(volatile bool *spin)
{
	while (__atomic_test_and_set(spin, __ATOMIC_ACQUIRE))
		lb_syscall0(__NR_sched_yield);
}

static inline void lb_spin_leave(volatile bool *spin)
{
	__atomic_clear(spin, __ATOMIC_RELEASE);
}

/* There is more than one thread. Set while there is one, never cleared before the process moves. */
extern volatile bool lb_is_threaded LB_THREAD_HIDDEN;
/* The threads are to stop: no call begins any more. */
extern volatile uint32_t lb_stopping LB_THREAD_HIDDEN;

/* At the beginning of a call. False: nothing has begun, and the thread is to stop (image/threads.h). */
bool lb_lock_enter(void) LB_THREAD_HIDDEN;
/* In the middle of a call, whatever happens. */
void lb_lock_take(void) LB_THREAD_HIDDEN;
/* Whether it was held, by this thread. */
bool lb_lock_leave(void) LB_THREAD_HIDDEN;
/* Those who wait to begin look once more. */
void lb_lock_wake(void) LB_THREAD_HIDDEN;
/* In the restored process: nobody holds it. */
void lb_lock_reset(void) LB_THREAD_HIDDEN;

#endif
