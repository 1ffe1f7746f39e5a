/* children.h - A child of the guest that runs in its parent's place. */
#ifndef LB_SHADOW_CHILDREN_H
#define LB_SHADOW_CHILDREN_H

#include "child.h"
#include "state.h"

/* Has the child execute the call. Returns false when there is none. */
bool lb_child_takes(const struct lb_link_call *call, const uint8_t *in, struct lb_link_reply *reply, uint8_t *out);
/* LB_HOME_VFORK and what follows it. Returns false when the request is malformed. */
bool lb_children_call(
	const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply, lb_executor *execute);

#endif
