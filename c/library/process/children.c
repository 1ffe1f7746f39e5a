/* children.c - Children of a process at home, before it leaves.
 *
 * They stay children of the home PID, so they are no obstacle, unless one of them uses this process's memory.
 */
#include "internal.h"

#include <linux/errno.h>
#include <linux/kcmp.h>

#define WNOHANG_ALL 0x41000005 /* WEXITED | WNOHANG | WNOWAIT | __WALL */

bool lb_has_children(void)
{
	uint8_t info[LB_SIGINFO_SIZE_RAW];

	return lb_syscall5(__NR_waitid, 0 /* P_ALL */, 0, info, WNOHANG_ALL, 0) != -ECHILD;
}

/* A child whose memory we may not look at has other credentials: it got them by executing a program, most likely, and
 * has memory of its own. */
static bool shares(uint32_t pid)
{
	int64_t result = lb_syscall5(__NR_kcmp, lb_self.local_pid, pid, KCMP_VM, 0, 0);

	return result == 0 || result == -ENOSYS;
}

/* /proc/self/task/TID/children: PIDs, each with a space behind it. */
bool lb_shares_memory(void)
{
	char text[512];
	uint32_t pid = 0;
	bool found = false;
	int64_t got;
	int64_t fd;

	if (!lb_has_children())
		return false;
	fd = lb_syscall4(__NR_openat, LB_AT_FDCWD, "/proc/thread-self/children", 0, 0);
	if (fd < 0)
		return true; /* a kernel without it: nobody knows */
	do {
		got = lb_syscall3(__NR_read, fd, text, sizeof text);
		for (int64_t i = 0; i < got && !found; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				pid = pid * 10 + (uint32_t)(text[i] - '0');
				continue;
			}
			found = pid != 0 && shares(pid);
			pid = 0;
		}
	} while (got > 0 && !found);
	lb_syscall1(__NR_close, fd);
	return found;
}
