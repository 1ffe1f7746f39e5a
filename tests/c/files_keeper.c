/* files_keeper.c - The keeper of a dead guest, for tests of calls on files. */
#include "keeper/keeper.h"
#include "keeper/ring.h"

#include "files_guest.h"

void lb_keeper_say(const char *format, ...)
{
	(void)format;
}

int64_t lb_keeper_now_ms(void)
{
	return 0;
}

void guest_dies(void)
{
	char control[] = "control";
	struct lb_keeper keeper = { .link.fd = -1, .ring = guest_ring(), .options.control_path = control };

	lb_ring_is_owed(&keeper);
}
