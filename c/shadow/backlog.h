/* backlog.h - What the guest has done without waiting. */
#ifndef LB_SHADOW_BACKLOG_H
#define LB_SHADOW_BACKLOG_H

#include "state.h"

bool lb_backlog_handles(uint32_t type); /* is it a message of the backlog? */
/* Takes one message; its data must stay where it is until the flush. Returns false when it is malformed. */
bool lb_backlog_handle(const struct lb_link_header *message);
/* Executes what was taken: before anything else is done for the guest, and before the link's area moves. */
void lb_backlog_flush(void);
/* As that, and the guest learns how far home is: by a message, or by the reply that follows. */
void lb_backlog_applied(bool by_reply);
/* A new copy: its backlog begins. */
void lb_backlog_begin(void);
/* Is this the call that is to hear of a write that failed? Then *result is its result. */
bool lb_backlog_owes(uint32_t number, int64_t fd, int64_t *result);
void lb_backlog_replaced(int64_t fd); /* dup2(2) has put another file there */
/* Writes that failed and that the program has not heard of; NULL: none. */
struct lb_untold {
	int error;
	unsigned count;
	char path[256];
};
const struct lb_untold *lb_backlog_untold(void);

#endif
