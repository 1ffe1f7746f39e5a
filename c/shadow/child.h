/* child.h - The shadow of a vfork child. */
#ifndef LB_SHADOW_CHILD_H
#define LB_SHADOW_CHILD_H

#include "state.h"

/* Executes one call: lb_execute(), which is above this. */
typedef bool lb_executor(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out);
_Noreturn void lb_child_run(int *fd, const struct lb_home_child *wanted, lb_executor *execute);
/* Its own LB_HOME_* calls. Returns false for any other. */
bool lb_child_call(const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply);
/* Executes a call that may wait for long. */
int64_t lb_child_block(const int64_t *arguments);

#endif
