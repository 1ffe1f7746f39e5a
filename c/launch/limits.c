/* limits.c - Limits of the user's under which Deno does not start.
 *
 * It ends with a stack trace then, measured with Deno 2.6: its JavaScript engine reserves address space before it runs
 * anything, and its runtime starts threads.
 */
#include <asm/signal.h>
#include <linux/resource.h>
#include <linux/wait.h>

#include "launch.h"

#define ADDRESS_SPACE (40ULL << 30)
#define DATA (1ULL << 30)
#define STACK (1ULL << 20)
#define FILES (4ULL << 20) /* what it extracts is smaller; a file that is too long ends it by SIGXFSZ */
#define DESCRIPTORS 16
#define PROCESSES 4           /* it has itself, and two threads at least */
#define PROCESSES_LOOKED 1024 /* a larger limit is not reached by accident: no look */

static uint64_t limit_of(int64_t resource)
{
	uint64_t limit[2] = { ~0ULL, ~0ULL };

	lb_syscall4(__NR_prlimit64, 0, resource, 0, limit);
	return limit[0];
}

/* Whether so many more processes can be made: who counts how many is not to be seen from here. */
static bool can_make_processes(void)
{
	int64_t made[PROCESSES], count = 0;
	bool enough;

	for (; count < PROCESSES; count++) {
		made[count] = lb_syscall5(__NR_clone, 0, 0, 0, 0, 0);
		if (made[count] < 0)
			break;
		while (made[count] == 0)
			lb_syscall0(__NR_pause);
	}
	enough = count == PROCESSES;
	while (count-- > 0) {
		lb_syscall2(__NR_kill, made[count], SIGKILL);
		lb_syscall4(__NR_wait4, made[count], 0, __WCLONE /* without a signal at its end */, 0);
	}
	return enough;
}

void lb_find_shortage(struct lb_shortage *shortage)
{
	uint64_t address_space = limit_of(RLIMIT_AS), data = limit_of(RLIMIT_DATA);
	uint64_t stack = limit_of(RLIMIT_STACK), descriptors = limit_of(RLIMIT_NOFILE);
	uint64_t processes = limit_of(RLIMIT_NPROC), files = limit_of(RLIMIT_FSIZE);

	memset(shortage, 0, sizeof *shortage);
	if (address_space < ADDRESS_SPACE)
		*shortage = (struct lb_shortage){ "its address space", " MiB", "Raise the limit by ulimit -v",
			ADDRESS_SPACE >> 20, address_space >> 20 };
	else if (data < DATA)
		*shortage = (struct lb_shortage){ "its data", " MiB", "Raise the limit by ulimit -d", DATA >> 20,
			data >> 20 };
	else if (stack < STACK)
		*shortage = (struct lb_shortage){ "its stack", " KiB", "Raise the limit by ulimit -s", STACK >> 10,
			stack >> 10 };
	else if (files < FILES)
		*shortage = (struct lb_shortage){ "its files", " KiB", "Raise the limit by ulimit -f", FILES >> 10,
			files >> 10 };
	else if (descriptors < DESCRIPTORS)
		*shortage = (struct lb_shortage){ "its open files", "", "Raise the limit by ulimit -n", DESCRIPTORS,
			descriptors };
	else if (processes < PROCESSES_LOOKED && !can_make_processes())
		*shortage = (struct lb_shortage){ "its user's processes", "", "Raise the limit by ulimit -u",
			processes + PROCESSES, processes };
}
