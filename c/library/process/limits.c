/* limits.c - RLIMIT_AS and RLIMIT_DATA of a guest.
 *
 * The program's, while the library's memory lies beside the program's.
 *
 * Runs in:  the SIGSYS handler, and a restored process before anything of the program does.
 */
#include "process/limits.h"

#include <asm/unistd.h>
#include <linux/resource.h>

#include "syscall.h"

#include "process/own_memory.h"
#include "process/process.h"

#define NO_LIMIT (~0ULL) /* RLIM64_INFINITY */

/* What the program has been given, or has set: [0] RLIMIT_AS, [1] RLIMIT_DATA. Away from home only. */
static uint64_t programs[2][2];

bool lb_limit_is_ours(uint32_t resource)
{
	return lb_self.away && (resource == RLIMIT_AS || resource == RLIMIT_DATA);
}

static uint64_t raised(uint64_t limit, uint64_t by)
{
	return limit > NO_LIMIT - 1 - by ? NO_LIMIT : limit + by;
}

int64_t lb_limit_get(uint32_t resource, uint64_t limit[2])
{
	if (!lb_limit_is_ours(resource))
		return lb_syscall4(__NR_prlimit64, 0, resource, 0, limit);
	limit[0] = programs[resource == RLIMIT_DATA][0];
	limit[1] = programs[resource == RLIMIT_DATA][1];
	return 0;
}

int64_t lb_limit_set(uint32_t resource, const uint64_t limit[2])
{
	if (!lb_limit_is_ours(resource))
		return lb_syscall4(__NR_prlimit64, 0, resource, limit, 0);
	uint64_t own = lb_own_bytes(resource == RLIMIT_DATA);
	uint64_t kernel[2] = { raised(limit[0], own), raised(limit[1], own) };
	int64_t error = lb_syscall4(__NR_prlimit64, 0, resource, kernel, 0);
	if (error)
		return error;
	programs[resource == RLIMIT_DATA][0] = limit[0];
	programs[resource == RLIMIT_DATA][1] = limit[1];
	return 0;
}

void lb_limits_follow(uint64_t coming)
{
	for (uint32_t i = 0; lb_self.away && i < 2; i++) {
		uint64_t own = lb_own_bytes(i == 1) + coming;
		uint64_t kernel[2] = { raised(programs[i][0], own), raised(programs[i][1], own) };
		lb_syscall4(__NR_prlimit64, 0, i == 1 ? RLIMIT_DATA : RLIMIT_AS, kernel, 0);
	}
}

/* Limits that a process dies of, or is told of by a failing call, where they are too low. */
static const uint32_t of_memory[] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK };

int lb_limits_fit(const uint64_t (*limits)[2])
{
	for (unsigned i = 0; i < sizeof of_memory / sizeof of_memory[0]; i++) {
		uint32_t resource = of_memory[i];
		uint64_t own = resource == RLIMIT_STACK ? 0 : lb_own_bytes(resource == RLIMIT_DATA);
		uint64_t here[2];
		int64_t error = lb_syscall4(__NR_prlimit64, 0, resource, 0, here);
		if (error)
			return (int)error;
		if (raised(limits[resource][0], own) > here[1])
			return -LB_E_LIMIT;
	}
	return 0;
}
