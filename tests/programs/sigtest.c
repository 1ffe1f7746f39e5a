/*
 * sigtest: tells which signals reach it.
 *
 *   sigtest [--ignore N]...
 *
 * Prints "ready PID", then one line "signal N from PID" for each signal that it handles (HUP, INT,
 * USR1, USR2, TERM, WINCH, CONT); ends with status 7 after SIGTERM, and by default action for the rest.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pipe_ends[2];

struct event {
	int number;
	pid_t sender;
};

static void handler(int number, siginfo_t *info, void *context)
{
	struct event event = { number, info->si_pid };

	(void)context;
	/* One write below PIPE_BUF is atomic; a full pipe of 64 KiB would need thousands of signals. */
	if (write(pipe_ends[1], &event, sizeof event) != (ssize_t)sizeof event)
		_exit(98);
}

int main(int argc, char **argv)
{
	static const int handled[] = { SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH, SIGCONT };
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct event event;

	if (pipe(pipe_ends) < 0) {
		perror("sigtest: pipe");
		return 99;
	}
	for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
		sigaction(handled[i], &action, NULL);
	for (int i = 1; i + 1 < argc; i += 2)
		if (strcmp(argv[i], "--ignore") == 0)
			signal(atoi(argv[i + 1]), SIG_IGN);
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	while (read(pipe_ends[0], &event, sizeof event) == (ssize_t)sizeof event) {
		printf("signal %d from %d\n", event.number, (int)event.sender);
		fflush(stdout);
		if (event.number == SIGTERM)
			return 7;
	}
	return 97;
}
