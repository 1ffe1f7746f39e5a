/* wait.h - Calls that may wait for long. */
#ifndef LB_SHADOW_WAIT_H
#define LB_SHADOW_WAIT_H

#include "state.h"

/* Executes a call, number and six arguments: signals, a CANCEL and the daemon are heard meanwhile. call: NULL, or what
 * the guest has sent. Returns its result or -errno. */
int64_t lb_wait_call(const struct lb_link_call *call, int64_t *arguments);
/* Waits until there is something to read, be it the end. */
void lb_wait_readable(int fd);

#endif
