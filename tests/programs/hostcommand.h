/* hostcommand.h - How a command starts on a testbed host.
 *
 * What hostenter says to hosttree for it.
 */
#ifndef HOSTCOMMAND_H
#define HOSTCOMMAND_H

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One message, with these descriptors; the answer is a wait status. 0 to 2 are the command's standard input,
 * output and error. */
#define HOSTTREE_CWD 3
#define HOSTTREE_BLOCK 4 /* a file with the arguments, then the variables, each ending with NUL */
#define HOSTTREE_FDS 5

struct hosttree_order {
	unsigned arguments;
	unsigned variables;
};

/* In the child: as a shell starts its commands, from wherever the tests run. */
static inline void as_from_a_shell(void)
{
	sigset_t none;

	/* A group of its own whose parent is in the same session: not orphaned, so that stop signals
	 * count even where whoever runs the tests has no shell above (setpgid(2)). */
	setpgid(0, 0);
	/* A job of a script ignores SIGINT and SIGQUIT, one under nohup SIGHUP (signal(7): ignored signals
	 * stay so over an exec). */
	for (int number = 1; number <= SIGRTMAX; number++)
		signal(number, SIG_DFL);
	for (int number = 32; number < SIGRTMIN; number++) /* libc keeps them to itself */
		syscall(SYS_rt_sigaction, number, (const long[4]){ 0 }, NULL, sizeof(long));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

#endif
