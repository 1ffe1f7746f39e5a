/* end.c - the shadow ends as its guest has ended: same exit status, or same signal. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shadow.h"

_Noreturn void lb_end_exit(int64_t code)
{
	_exit((int)code & 0xff);
}

static _Noreturn void end_by_signal(int signal)
{
	/* struct kernel_sigaction: SIG_DFL */
	static const unsigned long action[4];
	const struct rlimit none = { 0, 0 };
	uint64_t mask = ~(UINT64_C(1) << (signal - 1));

	/* A core of the shadow would tell nothing of the guest, whose own is on its node. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	syscall(SYS_rt_sigaction, signal, action, NULL, sizeof(uint64_t));
	syscall(SYS_tgkill, getpid(), getpid(), signal);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
	/* Not reached for a signal that ends a process. */
	_exit(128 + signal);
}

_Noreturn void lb_end_status(uint32_t wait_status)
{
	int status = (int)wait_status;

	if (WIFSIGNALED(status) && WTERMSIG(status) <= 64)
		end_by_signal(WTERMSIG(status));
	lb_end_exit(WEXITSTATUS(status));
}

_Noreturn void lb_end_lost(const char *why)
{
	char line[512];
	int fd = lb_shadow.state.trace_fd >= 0 ? lb_shadow.state.trace_fd : STDERR_FILENO;
	int size = snprintf(line, sizeof line,
			    "lb: Cannot go on with pid %u (%s) as it ran on \"%s\", which is lost: %s\n"
			    "    fix: Start it again; see the logs of both nodes for when the link was lost\n",
			    lb_shadow.state.home_pid, lb_shadow.state.program, lb_shadow.state.runs_on, why);

	/* The program's standard error may be closed: there is nobody else to tell. */
	if (size > 0 && write(fd, line, (size_t)size) < 0)
		size = 0;
	kill(getpid(), SIGKILL);
	_exit(128 + SIGKILL);
}
