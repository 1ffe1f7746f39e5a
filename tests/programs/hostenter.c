/* hostenter.c - Runs a command on a testbed host.
 *
 * It ends as the command ends.
 *
 *   hostenter PID COMMAND [ARGUMENT...]
 *   hostenter SOCKET COMMAND [ARGUMENT...]
 *
 * PID is what hostinit printed; a path is the socket of hosttree. nsenter(1) would do for the former but for one
 * thing: it stops with a command that is stopped, does not notice when that goes on, and then keeps the whole
 * host from ending.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostcommand.h"

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

/* Writes strings, each with its NUL. Returns how many. */
static unsigned write_strings(int fd, char *const *list)
{
	unsigned count = 0;

	for (; list[count] != NULL; count++) {
		size_t size = strlen(list[count]) + 1;

		if (write(fd, list[count], size) != (ssize_t)size)
			die("cannot write the order");
	}
	return count;
}

/* Has hosttree run the command with our descriptors, directory and environment. */
static int ask(const char *path, char *const *command)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct hosttree_order order;
	int status, tree = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int fds[HOSTTREE_FDS] = { 0, 1, 2, [HOSTTREE_CWD] = open(".", O_PATH | O_CLOEXEC),
		[HOSTTREE_BLOCK] = memfd_create("order", MFD_CLOEXEC) };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof fds)];
	} control = { .head = { CMSG_LEN(sizeof fds), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec data = { &order, sizeof order };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};

	if (tree < 0 || fds[HOSTTREE_CWD] < 0 || fds[HOSTTREE_BLOCK] < 0)
		die("cannot make the order");
	order.arguments = write_strings(fds[HOSTTREE_BLOCK], command);
	order.variables = write_strings(fds[HOSTTREE_BLOCK], environ);
	memcpy(CMSG_DATA(&control.head), fds, sizeof fds);
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (connect(tree, (struct sockaddr *)&address, sizeof address) < 0 || sendmsg(tree, &message, MSG_NOSIGNAL) < 0)
		die("cannot reach the host");
	/* What the command closes is closed. */
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	if (read(tree, &status, sizeof status) != (ssize_t)sizeof status)
		status = SIGKILL; /* the host has been killed */
	return end_as(status);
}

int main(int argc, char **argv)
{
	int status, host;
	pid_t child;

	if (argc < 3) {
		fprintf(stderr, "usage: hostenter PID|SOCKET COMMAND [ARGUMENT...]\n");
		return 126;
	}
	if (strchr(argv[1], '/') != NULL)
		return ask(argv[1], argv + 2);
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
		as_from_a_shell();
		execvp(argv[2], argv + 2);
		fprintf(stderr, "hostenter: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("cannot wait");
	return end_as(status);
}
