/* bystander.c - Prints what a program sees of itself at its start.
 *
 * For a comparison of a bare one with one that was launched: what its signals do, its environment without LD_PRELOAD,
 * its open descriptors.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* signal() leaves SA_RESTART out for a number that siginterrupt() was told of, siginterrupt(3). */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void show_interrupting(void)
{
	struct sigaction action;

	for (int on = 1; on >= 0; on--) {
		siginterrupt(SIGUSR2, on);
		signal(SIGUSR2, SIG_IGN);
		sigaction(SIGUSR2, NULL, &action);
		printf("siginterrupt(%d): restart %d\n", on, (action.sa_flags & SA_RESTART) != 0);
	}
}

int main(void)
{
	struct sigaction action;

	for (int signal_number = 1; signal_number < NSIG; signal_number++) {
		if (sigaction(signal_number, NULL, &action) == 0)
			printf("signal %d: default %d flags %#x\n", signal_number, action.sa_handler == SIG_DFL,
				(unsigned)action.sa_flags);
	}
	show_interrupting();
	for (char **variable = environ; *variable != NULL; variable++) {
		if (strncmp(*variable, "LD_PRELOAD=", 11) != 0)
			puts(*variable);
	}
	for (int fd = 0; fd < 1024; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor %d\n", fd);
	}
	return 0;
}
