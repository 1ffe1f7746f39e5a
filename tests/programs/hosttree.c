/* hosttree.c - The ancestor of all that runs on a host.
 *
 * What hostinit is where there are no namespaces.
 *
 *   hosttree SOCKET
 *   hosttree -- COMMAND [ARGUMENT...]
 *
 * Prints its PID once it listens on SOCKET, starts what hostenter asks for there, and reaps what is left to
 * it: as a subreaper (prctl(2)) it becomes the parent of every orphan of its host, whatever that made of its
 * environment, descriptors, group or session. When its standard input closes it kills all of them, one
 * generation after the other, and ends, so that nothing outlives the test, however that one ends.
 *
 * In the second form it runs a command and ends as that does; what is left of it is named, killed, and a
 * failure.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hostchildren.h"
#include "hostcommand.h"

#define RUNNING_MAX 4096
#define KILL_SECONDS_MAX 20
#define GRACE_MS 2000 /* to end without being killed, once the command has */

/* The commands that run, each with the connection of the hostenter that waits for it. */
static struct {
	pid_t pid; /* 0: free */
	int client;
} running[RUNNING_MAX];

static void die(const char *what)
{
	fprintf(stderr, "hosttree: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Splits a block of strings that end with NUL. */
static char **strings(char *block, size_t count, char **after)
{
	char **list = calloc(count + 1, sizeof *list);

	if (list == NULL)
		die("no memory");
	for (size_t i = 0; i < count; i++) {
		list[i] = block;
		block += strlen(block) + 1;
	}
	*after = block;
	return list;
}

static _Noreturn void run(const struct hosttree_order *order, const int *fds)
{
	struct stat block;
	char *at, **arguments;

	as_from_a_shell();
	if (fchdir(fds[HOSTTREE_CWD]) < 0 || fstat(fds[HOSTTREE_BLOCK], &block) < 0)
		die("cannot take the order");
	at = mmap(NULL, (size_t)block.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[HOSTTREE_BLOCK], 0);
	if (at == MAP_FAILED)
		die("cannot map the order");
	arguments = strings(at, order->arguments, &at);
	environ = strings(at, order->variables, &at);
	for (int fd = 0; fd < 3; fd++)
		if (dup2(fds[fd], fd) < 0)
			die("cannot hand over a descriptor");
	execvp(arguments[0], arguments);
	fprintf(stderr, "hosttree: %s: %s\n", arguments[0], strerror(errno));
	_exit(127);
}

static void start(int client)
{
	struct hosttree_order order;
	int fds[HOSTTREE_FDS], place = 0;
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof fds)];
	} control = { 0 };
	struct iovec data = { &order, sizeof order };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};

	if (recvmsg(client, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof order ||
		control.head.cmsg_type != SCM_RIGHTS || control.head.cmsg_len != CMSG_LEN(sizeof fds)) {
		close(client);
		return;
	}
	memcpy(fds, CMSG_DATA(&control.head), sizeof fds);
	while (place < RUNNING_MAX && running[place].pid != 0)
		place++;
	if (place == RUNNING_MAX)
		die("too many commands");
	running[place].client = client;
	running[place].pid = fork();
	if (running[place].pid < 0)
		die("cannot fork");
	if (running[place].pid == 0)
		run(&order, fds);
	for (int i = 0; i < HOSTTREE_FDS; i++)
		close(fds[i]);
}

/* Reaps all that has ended and tells who waits for it. Returns whether there are children left. */
static int reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < RUNNING_MAX; i++) {
			if (running[i].pid != pid)
				continue;
			send(running[i].client, &status, sizeof status, MSG_NOSIGNAL);
			close(running[i].client);
			running[i].pid = 0;
		}
	}
	return pid == 0;
}

/* Whether a process is our child, by proc_pid_stat(5): "PID (NAME) STATE PPID"; where it is to be told, tells
 * its name. */
static int is_ours(const char *pid, int tell)
{
	char path[64], text[512], *after = NULL;
	ssize_t size;
	int parent = 0, fd;

	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0; /* it has ended */
	size = read(fd, text, sizeof text - 1);
	close(fd);
	if (size > 0) {
		text[size] = '\0';
		after = strrchr(text, ')');
	}
	if (after == NULL || sscanf(after, ") %*c %d", &parent) != 1 || parent != getpid())
		return 0;
	after[1] = '\0';
	if (tell)
		fprintf(stderr, "hosttree: a process is left: %s\n", text);
	return 1;
}

/* A child of ours keeps its PID until we reap it: nobody else is hit. */
static void kill_children(int tell)
{
	DIR *all = opendir("/proc");
	const struct dirent *entry;

	if (all == NULL)
		die("cannot list processes");
	while ((entry = readdir(all)) != NULL)
		if (atoi(entry->d_name) > 0 && is_ours(entry->d_name, tell))
			kill(atoi(entry->d_name), SIGKILL);
	closedir(all);
}

/* A child's children become ours when it has ended. */
static void end_children(int tell)
{
	time_t late = time(NULL) + KILL_SECONDS_MAX;

	while (reap()) {
		if (time(NULL) > late) {
			fprintf(stderr, "hosttree: processes do not end\n");
			exit(1);
		}
		kill_children(tell);
		poll(NULL, 0, 10);
	}
}

static void ignore(int signal)
{
	(void)signal;
}

static int run_command(char **command)
{
	int status = 0;
	pid_t child, pid;

	/* Ctrl-C is for the command, after which we still have to look; handled, as it would inherit what is
	 * ignored. */
	signal(SIGINT, ignore);
	signal(SIGTERM, ignore);
	child = fork();
	if (child < 0)
		die("cannot fork");
	if (child == 0) {
		execvp(command[0], command);
		die(command[0]);
	}
	while ((pid = waitpid(-1, &status, 0)) != child)
		if (pid < 0 && errno != EINTR)
			die("cannot wait");
	for (int waited = 0; waited < GRACE_MS && reap(); waited += 10)
		poll(NULL, 0, 10);
	if (reap()) {
		end_children(1);
		return 1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(address.sun_path, path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, SOMAXCONN) < 0)
		die(path);
	return fd;
}

int main(int argc, char **argv)
{
	struct pollfd list[3] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN },
		{ .events = POLLIN } };
	char byte;
	int client;

	if (argc < 2 || (argc > 2) != (strcmp(argv[1], "--") == 0)) {
		fprintf(stderr, "usage: hosttree SOCKET, or hosttree -- COMMAND [ARGUMENT...]\n");
		return 2;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("cannot adopt orphans");
	if (argc > 2)
		return run_command(argv + 2);
	setsid(); /* the keys of whoever runs the tests are not for us: we end what runs here */
	list[1].fd = children_watch();
	if (list[1].fd < 0)
		die("cannot watch children");
	list[2].fd = listen_on(argv[1]);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	for (;;) {
		if (poll(list, 3, -1) < 0 && errno != EINTR)
			die("cannot wait");
		if (list[1].revents & POLLIN)
			children_read(list[1].fd);
		reap();
		if (list[0].revents != 0 && read(STDIN_FILENO, &byte, 1) <= 0) {
			end_children(0);
			return 0;
		}
		if (list[2].revents & POLLIN) {
			client = accept4(list[2].fd, NULL, NULL, SOCK_CLOEXEC);
			if (client >= 0)
				start(client);
		}
	}
}
