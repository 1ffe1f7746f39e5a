/* children.h - Children of the guest that run in the place of a thread. */
#ifndef LB_SHADOW_CHILDREN_H
#define LB_SHADOW_CHILDREN_H

#include "child.h"
#include "state.h"
#include "threads.h"

#define LB_CHILDREN_MAX 12 /* at a time */

/* LB_HOME_VFORK and what follows it. Returns false when the request is malformed. */
bool lb_children_call(
	const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply, lb_executor *execute);
/* Has the child in this thread's place execute a call. False: it is no more what it was. */
bool lb_child_send(const struct lb_guest_thread *thread, const struct lb_link_call *call, const uint8_t *in);
bool lb_child_has_answered(const struct lb_guest_thread *thread); /* or has ended */
/* False: it is no more what it was. */
bool lb_child_receive(const struct lb_guest_thread *thread, struct lb_link_reply *reply, uint8_t *out, size_t room);
void lb_child_gone(struct lb_guest_thread *thread);

#endif
