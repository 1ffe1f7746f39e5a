/* daemon.h - messages to this node's daemon about orders. */
#ifndef LB_DAEMON_H
#define LB_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct lb_order_context;

/* Asks whether the order stands, and for its descriptors. False: no. */
bool lb_daemon_fetch(uint64_t order_id, struct lb_order_context *context) LB_HIDDEN;
void lb_daemon_close(const int *fds) LB_HIDDEN; /* the descriptors of an order */
/* What became of an order whose process goes on here; error: a negative one, else it has been done. */
void lb_daemon_report(const struct lb_order_context *context, int error) LB_HIDDEN;
/* The process runs at home again. */
void lb_daemon_came_home(void) LB_HIDDEN;

#endif
