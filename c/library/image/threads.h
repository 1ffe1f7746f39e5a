/* threads.h - stops all threads, and lets them go on.
 *
 * One of them, which obeys an order or goes home, stops the others; each parks in this library, on its own stack, all
 * signals blocked. An image has them as they stand there. In the copy each is made again, and goes on from there.
 */
#ifndef LB_IMAGE_THREADS_H
#define LB_IMAGE_THREADS_H

#include <stdbool.h>
#include <stdint.h>

#include "lb_park.h"
#include "process/process.h"
#include "thread/siginfo.h"

/* Stops all others. 0; or -LB_E_PARK and in *detail which thread did not stop, -LB_E_THREADS_MAX and how many there
 * are, or another error: then nothing has happened. The guest lock may be held; it is let go meanwhile. */
int lb_threads_stop(uint32_t *detail) LB_HIDDEN;
/* They go on here. */
void lb_threads_go(void) LB_HIDDEN;
/* The calling thread stops, on its own stack. Returns when it is to go on, here or in a copy. */
void lb_thread_park(void) LB_HIDDEN;

/* ---- in a restored process */

/* The thread that the restorer has becomes the one that it is to be: the leader; at home, where threads have been kept,
 * the one with its number. */
void lb_threads_choose_first(bool at_home) LB_HIDDEN;
/* Whether it is any thread of the program's: else it ends when the others go on. */
bool lb_first_is_a_thread(void) LB_HIDDEN;
/* Makes the others, which wait; at home of those that have been kept for them. 0 or an error: this node does not give
 * so many, or not what one of them needs. */
int lb_threads_make(struct lb_parked *kept, uint32_t kept_count) LB_HIDDEN;
/* They go on, and the calling one as well. */
__attribute__((noreturn)) void lb_threads_begin(void) LB_HIDDEN;

#endif
