/* hostinit.c - The first process of a testbed host.
 *
 * In new network, mount, PID and host-name namespaces.
 *
 *   hostinit NAME
 *
 * Prints the PID (as seen from outside) by which the namespaces can be entered, reaps what is left to
 * it, and ends when its standard input closes: the kernel then kills every process of the host, so
 * that nothing outlives the test, however that one ends.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostchildren.h"

static void die(const char *what)
{
	fprintf(stderr, "hostinit: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void run_first(void)
{
	struct pollfd list[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };
	char byte;

	/* The parent waits only for us; without it nobody would. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		die("cannot tie the host to its starter");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		die("cannot mount /proc");
	list[1].fd = children_watch();
	if (list[1].fd < 0)
		die("cannot watch children");
	for (;;) {
		if (poll(list, 2, -1) < 0 && errno != EINTR)
			die("cannot wait");
		if (list[1].revents & POLLIN)
			children_read(list[1].fd);
		reap();
		if (list[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0)
			exit(0);
	}
}

int main(int argc, char **argv)
{
	pid_t first;

	if (argc != 2) {
		fprintf(stderr, "usage: hostinit NAME\n");
		return 2;
	}
	if (unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS) < 0)
		die("cannot make namespaces");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("cannot make mounts private");
	if (sethostname(argv[1], strlen(argv[1])) < 0)
		die("cannot set the host name");
	first = fork();
	if (first < 0)
		die("cannot fork");
	if (first == 0)
		run_first();
	close(STDIN_FILENO);
	printf("%d\n", (int)first);
	fflush(stdout);
	waitpid(first, NULL, 0);
	return 0;
}
