/* end.c - Ends the shadow as the guest has ended.
 *
 * So that whoever waits for the home PID sees the same.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "action.h"
#include "backlog.h"
#include "end.h"
#include "state.h"

#define EXIT_OUTPUT_LOST 74 /* EX_IOERR, sysexits.h(3head) */

/* A write that was said to have succeeded has failed, and the program has ended without hearing of it. */
bool lb_end_tell_untold(void)
{
	const struct lb_untold *untold = lb_backlog_untold();
	char line[640];
	int length;

	if (untold == NULL)
		return false;
	length = snprintf(line, sizeof line,
		"lb: Cannot keep all that %s (pid %d) wrote to %s as it must reach the disk: %s\n"
		"    fix: Do what the reason asks for, then run the program again\n",
		lb_shadow.state.program, (int)getpid(), untold->path, strerror(untold->error));
	if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
		length = 0; /* the exit status says it too */
	return true;
}

void lb_end_exit(int64_t code)
{
	if (lb_end_tell_untold() && code == 0)
		code = EXIT_OUTPUT_LOST;
	for (;;)
		syscall(SYS_exit_group, (int)code);
}

static _Noreturn void die_by(int signal)
{
	const struct rlimit none = { 0, 0 };
	uint64_t mask = ~(UINT64_C(1) << (signal - 1));

	/* The memory that a core file would show is not the program's. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	lb_signal_default(signal);
	syscall(SYS_tgkill, getpid(), gettid(), signal);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, LB_SIGSET_SIZE);
	lb_end_exit(128 + signal); /* a signal whose default does not kill: the shell's way to say it */
}

void lb_end_status(uint32_t wait_status)
{
	if (WIFSIGNALED(wait_status)) {
		lb_end_tell_untold();
		die_by(WTERMSIG(wait_status));
	}
	lb_end_exit(WEXITSTATUS(wait_status));
}

void lb_end_lost(const char *why)
{
	char line[512];
	int length = snprintf(line, sizeof line,
		"lb: Cannot go on with %s (pid %d) as its guest on %s is lost: %s\n"
		"    fix: Check that node and the network, then start the program again\n",
		lb_shadow.state.program, (int)getpid(), lb_shadow.state.runs_on, why);

	if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
		length = 0; /* nobody to tell: the end by SIGKILL says it */
	die_by(SIGKILL);
}
