/* state.c - The shadow's state, and its copy in the memfd. */
#define _GNU_SOURCE
#include <string.h>
#include <time.h>

#include "fault.h"
#include "state.h"

struct lb_shadow lb_shadow;
struct lb_fault_plan lb_fault_plan;
volatile sig_atomic_t lb_interrupted;

int64_t lb_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void lb_state_save(void)
{
	lb_shadow.state.last_seq = lb_shadow.last_seq;
	lb_shadow.state.link_fd = lb_shadow.live != NULL ? lb_shadow.live->fd : -1;
	memcpy(lb_shadow.saved, &lb_shadow.state, sizeof lb_shadow.state);
}
