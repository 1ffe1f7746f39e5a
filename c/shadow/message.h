/* message.h - sendmsg(2) and recvmsg(2). */
#ifndef LB_SHADOW_MESSAGE_H
#define LB_SHADOW_MESSAGE_H

#include <sys/socket.h>
#include <sys/uio.h>
#include "state.h"

struct lb_message {
	struct msghdr header;
	struct iovec piece;
	struct lb_link_message *extra; /* in the reply's output */
};
bool lb_is_message(uint32_t number);
/* From the call's arguments to those of the system call. Returns false when the request is malformed. */
bool lb_message_make(const struct lb_link_call *call, int64_t *arguments, struct lb_message *message);
bool lb_message_allowed(const struct lb_link_call *call, struct lb_message *message);
void lb_message_done(const struct lb_link_call *call, struct lb_message *message, int64_t result);

#endif
