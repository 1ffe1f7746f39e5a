/* identity.c - which process this is: its PID and its start time. */
#include "process/identity.h"

#include <linux/fcntl.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "process/process.h"
#include "thread/thread.h"

/* Field 22 of /proc/self/stat: proc_pid_stat(5). */
uint64_t lb_start_ticks(void)
{
	char text[1024];
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/self/stat", 0, 0);
	if (fd < 0)
		return 0;
	int64_t got = lb_syscall3(__NR_read, fd, text, sizeof text - 1);
	lb_syscall1(__NR_close, fd);
	if (got <= 0)
		return 0;
	text[got] = 0;
	const char *at = text + got;
	while (at > text && *at != ')')
		at--;
	unsigned field = 2;
	for (; *at && field < 22; at++)
		field += *at == ' ';
	uint64_t ticks = 0;
	for (; *at >= '0' && *at <= '9'; at++)
		ticks = ticks * 10 + (uint64_t)(*at - '0');
	return ticks;
}

void lb_become_child(void)
{
	lb_self.local_pid = (uint32_t)lb_syscall0(__NR_getpid);
	lb_self.home_pid = lb_self.local_pid;
	lb_self.start_ticks = lb_start_ticks();
	memset(&lb_self.cpu, 0, sizeof lb_self.cpu); /* the parent's: fork(2) */
	struct lb_thread *only = lb_thread();
	memset(&only->cpu, 0, sizeof only->cpu);
	lb_threads_forget_others();
	only->local_tid = only->home_tid = lb_self.local_pid;
}
