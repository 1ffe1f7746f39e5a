/* held.h - Signals that wait here for a signalfd(2). */
#ifndef LB_SHADOW_HELD_H
#define LB_SHADOW_HELD_H

#include "state.h"

/* LB_HOME_HOLD. Returns false for any other call. */
bool lb_held_call(const struct lb_link_call *call, const int64_t *arguments, uint8_t *out, struct lb_link_reply *reply);
/* The guest has several threads from now on: each may read what waits. */
void lb_held_share(void);

#endif
