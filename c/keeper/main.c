/* main.c - lb-keeper: its command line. The daemon starts `guest`; `lb restart` becomes `restart`.
 *
 * lb-keeper guest   --control PATH --node NAME --ticket T --home NODE --pid PID --start TICKS
 *                   [--from NODE] [--io-timeout-ms N] [--reconnect-limit-ms N]
 *         fd 3: the stream, which is the link too if it comes from home; fd 4: a link, if any
 * lb-keeper restart --node NAME [--control PATH] [any of the above]
 *         fd 3: the image file; fd 4: the link
 *
 * A restart takes from the image what its command line leaves out. Exit status of `guest`: 0; when
 * the guest was never restored, 128 and the signal that ended it, or an errno, or 1; of `restart`:
 * the guest's own, its signal included, or 4 when the image could not be continued here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"
#include "loop.h"

#define STREAM_FD 3
#define LINK_FD 4
#define EXIT_NOT_RESTORED 1

extern char **environ;

static _Noreturn void usage(const char *what, const char *value)
{
	lb_keeper_say("Cannot start a keeper as %s must be right: '%s'\n"
		      "    fix: Use `lb daemon` and `lb restart`, which start keepers",
		what, value);
	exit(LB_EXIT_USAGE);
}

static uint64_t number(const char *name, const char *text, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value > max)
		usage(name, text);
	return value;
}

static void node_name(char *to, const char *name, const char *text)
{
	if (*text == '\0' || strlen(text) >= LB_NODE_NAME_SIZE)
		usage(name, text);
	strcpy(to, text);
}

static void option(struct lb_keeper_options *options, const char *name, const char *value)
{
	if (strcmp(name, "--control") == 0) {
		if (strlen(value) >= LB_CONTROL_PATH_SIZE_MAX)
			usage(name, value);
		options->control_path = value;
	} else if (strcmp(name, "--node") == 0) {
		node_name(options->node, name, value);
	} else if (strcmp(name, "--home") == 0) {
		node_name(options->home_node, name, value);
	} else if (strcmp(name, "--from") == 0) {
		node_name(options->from, name, value);
	} else if (strcmp(name, "--ticket") == 0) {
		options->ticket = number(name, value, UINT64_MAX);
	} else if (strcmp(name, "--start") == 0) {
		options->start_ticks = number(name, value, UINT64_MAX);
	} else if (strcmp(name, "--pid") == 0) {
		options->home_pid = (uint32_t)number(name, value, INT32_MAX);
	} else if (strcmp(name, "--io-timeout-ms") == 0) {
		options->io_timeout_ms = (uint32_t)number(name, value, INT32_MAX);
	} else if (strcmp(name, "--reconnect-limit-ms") == 0) {
		options->reconnect_limit_ms = (uint32_t)number(name, value, INT32_MAX);
	} else {
		usage("every option", name);
	}
}

static void parse(struct lb_keeper_options *options, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	memset(options, 0, sizeof *options);
	options->io_timeout_ms = LB_IO_TIMEOUT_MS;
	options->reconnect_limit_ms = LB_RECONNECT_LIMIT_MS;
	options->restart = strcmp(verb, "restart") == 0;
	if (!options->restart && strcmp(verb, "guest") != 0)
		usage("its first word, guest or restart,", verb);
	for (int i = 2; i < argc; i += 2)
		option(options, argv[i], i + 1 < argc ? argv[i + 1] : "");
	if (options->node[0] == '\0')
		usage("--node", "");
	if (!options->restart &&
		(options->control_path == NULL || options->home_node[0] == '\0' || options->ticket == 0 ||
			options->home_pid == 0))
		usage("--control, --home, --ticket and --pid", "missing");
	if (!lb_fault_read(&options->fault, environ))
		usage(LB_VARIABLE_FAULT, getenv(LB_VARIABLE_FAULT));
}

/* What kept a guest from being restored, for the daemon to tell the source. */
static int failure_status(const struct lb_keeper *keeper, int error)
{
	int status = keeper->wait_status;

	if (error != -LB_E_PEER_LOST) /* it was never started */
		return error < 0 && error > -127 ? -error : EXIT_NOT_RESTORED;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EXIT_NOT_RESTORED;
}

/* Ends as the guest did, so that the shell sees what it would have seen. */
static _Noreturn void end_as(int wait_status)
{
	struct rlimit no_core = { 0, 0 };
	sigset_t set;

	if (WIFEXITED(wait_status))
		_exit(WEXITSTATUS(wait_status));
	setrlimit(RLIMIT_CORE, &no_core); /* the core would be ours, not the guest's */
	prctl(PR_SET_DUMPABLE, 0);
	signal(WTERMSIG(wait_status), SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(wait_status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(WTERMSIG(wait_status));
	_exit(128 + WTERMSIG(wait_status));
}

int main(int argc, char **argv)
{
	static struct lb_keeper keeper;
	int link_fd = fcntl(LINK_FD, F_GETFD) < 0 ? -1 : LINK_FD;
	int error;

	parse(&keeper.options, argc, argv);
	if (fcntl(STREAM_FD, F_GETFD) < 0)
		usage("descriptor 3", "closed");
	fcntl(STREAM_FD, F_SETFD, FD_CLOEXEC);
	if (link_fd >= 0)
		fcntl(link_fd, F_SETFD, FD_CLOEXEC);
	if (!keeper.options.restart) {
		setsid(); /* fails if the daemon has done it */
		if (chdir("/") < 0)
			return EXIT_NOT_RESTORED;
	}
	error = lb_keeper_run(&keeper, STREAM_FD, link_fd);
	if (!keeper.options.restart)
		return error < 0 ? failure_status(&keeper, error) : 0;
	if (error < 0) {
		lb_keeper_say("Cannot restart '%s' as its image must be whole: wait status 0x%x\n"
			      "    fix: Check the file, and this node with `lb doctor`",
			keeper.program, (unsigned)keeper.wait_status);
		return LB_EXIT_HOST;
	}
	/* A guest that moved on ends with 0; one that home turned away, with another status. */
	if (keeper.dead || (keeper.left && keeper.wait_status != 0)) {
		lb_keeper_say("Cannot restart '%s' as home must serve it: another copy is live\n"
			      "    fix: See at %s with `lb ps` where it runs",
			keeper.program, keeper.options.home_node);
		return LB_EXIT_HOST;
	}
	if (keeper.left) {
		lb_keeper_say("'%s' has moved on", keeper.program);
		return 0;
	}
	end_as(keeper.wait_status);
}
