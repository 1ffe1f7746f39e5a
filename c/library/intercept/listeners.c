/* listeners.c - What is done about messages of home that nobody has asked for. */
#include "cache/descriptors.h"
#include "cache/read_ahead.h"
#include "calls/held.h"
#include "home_call/link.h"
#include "image/threads.h"

static void hear_applied(const struct lb_link_applied *applied)
{
	if (applied->fd >= 0)
		lb_files_failed(applied->fd);
	if (applied->revoked)
		lb_files_revoke();
}

static bool stop(void)
{
	uint32_t missing;
	return lb_threads_stop(&missing) == 0;
}

const struct lb_link_listeners lb_link_listeners = {
	.news = lb_ahead_drop_all,
	.applied = hear_applied,
	.served = lb_held_hear,
	.stop = stop,
	.go = lb_threads_go,
};
