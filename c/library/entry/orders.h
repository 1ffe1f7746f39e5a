/* orders.h - leaves home, moves on, comes home, or writes an image. */
#ifndef LB_ORDERS_H
#define LB_ORDERS_H

#include <stdint.h>

#include "process/process.h"

/* The order's work, on the private stack. */
struct lb_order_context {
	struct lb_local_order order;
	int fds[LB_LOCAL_DESCRIPTORS_MAX];
	uint32_t step;   /* fault point number reached, for the report */
	uint32_t detail; /* of the error, for the report: struct lb_local_report */
	uint64_t bytes;
	int64_t began_ns; /* when the process stopped */
	uint64_t freeze_us;
};
int lb_order_move_from_home(struct lb_order_context *context) LB_HIDDEN;
int lb_order_move_on(struct lb_order_context *context) LB_HIDDEN;
int lb_order_snapshot(struct lb_order_context *context) LB_HIDDEN;
/* Brings this guest home from inside a signal handler, all signals blocked. system_call: the number that needs
 * home, or LB_NO_SYSTEM_CALL. Returns 0 AT HOME (interception is off), or a negative error, still here. */
int lb_go_home(uint32_t system_call) LB_HIDDEN;

#endif
