/* pending.c - whose signals wait.
 *
 * Runs in:  signal handlers of the library, all signals blocked.
 */
#include "mask/pending.h"

#include <linux/fcntl.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "thread/lock.h"
#include "thread/thread.h"

/* "SigPnd:\t0000000000000000" of /proc/thread-self/status: for this thread alone. */
uint64_t lb_thread_pending(void)
{
	char text[2048];
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/status", O_CLOEXEC, 0);
	int64_t got = fd < 0 ? fd : lb_syscall3(__NR_read, fd, text, sizeof text - 1);
	uint64_t set = 0;
	if (fd >= 0)
		lb_syscall1(__NR_close, fd);
	for (int64_t at = 0; at + 8 < got; at++)
		if (memcmp(text + at, "\nSigPnd:", 8) == 0) {
			const char *digit = text + at + 9;
			for (text[got] = 0; (*digit >= '0' && *digit <= '9') || (*digit >= 'a' && *digit <= 'f');
				digit++)
				set = set * 16 + (uint64_t)(*digit <= '9' ? *digit - '0' : *digit - 'a' + 10);
			break;
		}
	return set;
}

uint64_t lb_signals_mine(uint64_t pending)
{
	const struct lb_thread *leader;
	if (!lb_is_threaded || pending == 0)
		return pending;
	leader = lb_thread_of_home(lb_self.home_pid);
	if (leader == 0 || leader == lb_thread())
		return pending;
	return pending & (lb_thread_pending() | leader->held_mask);
}
