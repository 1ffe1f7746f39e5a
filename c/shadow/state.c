/* state.c - The shadow's state. */
#define _GNU_SOURCE
#include <time.h>

#include "fault.h"
#include "state.h"

struct lb_shadow lb_shadow;
struct lb_fault_plan lb_fault_plan;
volatile sig_atomic_t lb_interrupted;

int64_t lb_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t lb_now_ms(void)
{
	return lb_now_ns() / 1000000;
}
