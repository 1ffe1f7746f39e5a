/*
 * hostenter: runs a command on a testbed host, and ends as it ends.
 *
 *   hostenter PID COMMAND [ARGUMENT...]
 *
 * PID is what hostinit printed. nsenter(1) would do but for one thing: it stops with a command that is
 * stopped, does not notice when that goes on, and then keeps the whole host from ending.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "hostenter: %s: %s\n", what, strerror(errno));
	exit(126);
}

static int end_as(int status)
{
	static const struct rlimit no_core = { 0, 0 };
	sigset_t set;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	int status, host;
	pid_t child;

	if (argc < 3) {
		fprintf(stderr, "usage: hostenter PID COMMAND [ARGUMENT...]\n");
		return 126;
	}
	host = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	if (host < 0)
		die("cannot find the host");
	if (setns(host, CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS) < 0)
		die("cannot enter the host");
	close(host);
	child = fork();
	if (child < 0)
		die("cannot fork");
	if (child == 0) {
		/* A group of its own whose parent is in the same session: not orphaned, so that stop signals
		 * count even where whoever runs the tests has no shell above (setpgid(2)). */
		setpgid(0, 0);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "hostenter: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("cannot wait");
	return end_as(status);
}
