/* execute.h - Executes a CALL. */
#ifndef LB_SHADOW_EXECUTE_H
#define LB_SHADOW_EXECUTE_H

#include "state.h"
#include "threads.h"

/* Executes the CALL of *execution, whose `call` and `out` are given; its reply (with `out_size` output bytes, at most
 * LB_LINK_DATA_SIZE_MAX) goes there. Returns false when the request is malformed. */
bool lb_execute_all(struct lb_execution *execution, const uint8_t *in);

/* The same in two steps, between which somebody makes the system call of `arguments`. */
enum lb_begun {
	LB_BEGUN_MALFORMED,
	LB_BEGUN_DONE,  /* there is nothing to make: the reply is complete */
	LB_BEGUN_READY, /* it does not wait for anybody */
	LB_BEGUN_WAITS, /* it may */
};
enum lb_begun lb_execute_begin(struct lb_execution *execution, const uint8_t *in);
void lb_execute_end(struct lb_execution *execution, int64_t result);

/* All of it for a child (child.h): lb_executor. */
bool lb_execute(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out);

#endif
