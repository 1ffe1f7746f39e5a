/* children.c - Children of a process at home, before it leaves.
 *
 * They stay children of the home PID, so they are no obstacle, unless one of them uses this process's memory.
 */
#include "process/children.h"

#include <linux/errno.h>
#include <linux/kcmp.h>
#include <linux/wait.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "syscall.h"

#include "process/process.h"

#define WITHOUT_REAPING (WEXITED | WNOHANG | WNOWAIT | __WALL)

bool lb_has_children(void)
{
	siginfo_t info;

	return lb_syscall5(__NR_waitid, P_ALL, 0, &info, WITHOUT_REAPING, 0) != -ECHILD;
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
	fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/children", 0, 0);
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
