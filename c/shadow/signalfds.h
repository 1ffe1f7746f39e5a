/* signalfds.h - Descriptors of signalfd(2), which read the signals that wait for this process. */
#ifndef LB_SHADOW_SIGNALFDS_H
#define LB_SHADOW_SIGNALFDS_H

#include "message.h"
#include "state.h"

uint64_t lb_signalfds(void); /* signals that they tell of; bit s-1 stands for signal s */
void lb_signalfds_init(void);
/* Has this call made one, or brought one along? */
bool lb_signalfds_came(const struct lb_link_call *call, struct lb_message *message, int64_t result);

#endif
