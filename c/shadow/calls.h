/* calls.h - CALLs of the guest, and their replies. */
#ifndef LB_SHADOW_CALLS_H
#define LB_SHADOW_CALLS_H

#include <poll.h>
#include <time.h>

#include "children.h"
#include "state.h"

/* Executes one, or has it executed. Returns false when it is malformed. */
bool lb_call(const struct lb_shadow_link *link, const struct lb_link_header *header);
/* The CALL of this number is to end with EINTR. */
void lb_call_cancel(uint64_t seq);
/* Goes on with what workers and children have done. */
void lb_calls_serve(void);
/* What tells that there is something to go on with; returns how many. */
#define LB_CALLS_POLLED (1 + LB_CHILDREN_MAX)
nfds_t lb_calls_poll(struct pollfd *fds);
/* How long that may take at most; NULL: whatever time. */
const struct timespec *lb_calls_limit(void);

#endif
