/* clock.h - this node's CLOCK_MONOTONIC, and the program's. */
#ifndef LB_CLOCK_H
#define LB_CLOCK_H

#include <stdint.h>

#include <asm/unistd.h>
#include <linux/time.h>

#include "process/process.h"
#include "syscall.h"

static inline int64_t lb_monotonic_raw_ns(void)
{
	int64_t now[2];
	lb_syscall2(__NR_clock_gettime, CLOCK_MONOTONIC, now);
	return now[0] * 1000000000 + now[1];
}

static inline uint64_t lb_program_monotonic_ns(void)
{
	return (uint64_t)(lb_monotonic_raw_ns() + lb_self.monotonic_offset_ns);
}

#endif
