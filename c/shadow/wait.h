/* wait.h - Calls that may wait for long. */
#ifndef LB_SHADOW_WAIT_H
#define LB_SHADOW_WAIT_H

#include <time.h>

#include "state.h"

/* A cancelled call that was not made yet gets this long: longer than any takes that need not wait. */
#define LB_ONCE_NS 1000000
#define LB_ONCE_TRIES 10 /* each of which another signal may come before */

/* Executes a call, number and six arguments: signals, a CANCEL and the daemon are heard meanwhile. Returns its result
 * or -errno. */
int64_t lb_wait_call(const struct lb_link_call *call, int64_t *arguments);

/* The same in steps: it is made, asked about, and made again while lb_wait_goes_on() says so. */
struct lb_wait {
	int64_t *arguments;
	int limit; /* index of a time limit in milliseconds; 0: none */
	int64_t deadline_ms;
	bool counts; /* it has one in a timespec */
	int64_t deadline_ns;
	struct timespec left;
	int64_t done; /* bytes written so far */
};
void lb_wait_begin(struct lb_wait *wait, const struct lb_link_call *call, int64_t *arguments);
bool lb_wait_goes_on(struct lb_wait *wait, int64_t result, bool interrupted);
int64_t lb_wait_end(const struct lb_wait *wait, int64_t result);

#endif
