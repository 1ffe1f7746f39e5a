/* ending.c - Tells home that the guest has ended. */
#define _GNU_SOURCE
#include <sys/socket.h>

#include "ending.h"

void lb_guest_tell_end(struct lb_keeper *keeper)
{
	if (keeper->link.fd >= 0)
		shutdown(keeper->link.fd, SHUT_WR); /* the shadow reads all, then sees the end */
	keeper->flushing = false;
	keeper->ended_unanswered = true;
	keeper->tell_ended = true;
	keeper->ended_until = lb_keeper_now_ms() +
		(keeper->options.restart ? keeper->options.io_timeout_ms : keeper->options.reconnect_limit_ms);
	if (keeper->options.control_path == NULL)
		keeper->finished = true;
}
