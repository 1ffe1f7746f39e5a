/* tracer.c - Stops one thread as a debugger does.
 *
 *   tracer TID
 *
 * Prints "stopped", and lets it go at the end of its input.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	pid_t tid = argc == 2 ? (pid_t)atol(argv[1]) : 0;
	int status;
	char byte;

	if (tid <= 0) {
		fprintf(stderr, "usage: tracer TID\n");
		return 2;
	}
	if (ptrace(PTRACE_SEIZE, tid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0)
		return fail("ptrace");
	if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		return fail("waitpid");
	printf("stopped\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	if (ptrace(PTRACE_DETACH, tid, 0, 0) < 0)
		return fail("detach");
	return 0;
}
