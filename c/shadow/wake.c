/* wake.c - A signal every second, while time decides. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <time.h>

#include "state.h"
#include "wake.h"

#define WAKE_MS 1000

static timer_t timer;
static bool made, armed;

void lb_wake_never(void)
{
	if (made)
		timer_delete(timer);
	made = false;
	armed = false;
}

void lb_wake_up(void)
{
	bool wanted = lb_shadow.control_fd < 0 || lb_is_lost() || lb_shadow.ended;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGIO };
	struct itimerspec every = { { WAKE_MS / 1000, 0 }, { WAKE_MS / 1000, 0 } };

	if (!made && timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return; /* only promptness is lost: the next event tries again */
	made = true;
	if (wanted == armed)
		return;
	if (!wanted)
		memset(&every, 0, sizeof every);
	if (timer_settime(timer, 0, &every, NULL) == 0)
		armed = wanted;
}
