/* main.c - Small checks of system calls.
 *
 * Each prints one line that does not depend on where, when or in which descriptor table of the launcher's it runs. The
 * log of a run away from home must be that of a run at home.
 *
 *   conformity [PAUSE_MS [PART...]]
 *
 * Prints "ready", waits for the file "go", runs the parts that never bring a process home, prints "parts at any
 * place end", waits for the file "rest", and runs the others. PAUSE_MS: between two checks. PART: only those.
 */
#include "conformity.h"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const struct part *const anywhere[] = { &part_files, &part_transfer, &part_direct, &part_disk, &part_names,
	&part_attributes, &part_descriptors, &part_locks, &part_pipes, &part_events, &part_sockets, &part_internet,
	&part_signals, &part_actions, &part_faults, &part_interrupted, &part_limits, &part_clocks, &part_identity,
	&part_memory, &part_bad_memory, &part_terminal, &part_queues, &part_signalfds, &part_program };
/* Behind a homecoming that docs/LIMITS.md tells of. */
static const struct part *const at_home[] = { &part_children, &part_others };
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

volatile uintptr_t bad_address = 16;
volatile sig_atomic_t caught;
volatile siginfo_t caught_info;

static long pause_ms;
static int checks;

static void pause_between(void)
{
	struct timespec rest = { pause_ms / 1000, pause_ms % 1000 * 1000000 };

	checks++;
	while (pause_ms > 0 && nanosleep(&rest, &rest) < 0)
		;
}

void show(const char *name, const char *format, ...)
{
	va_list list;

	printf("%s: ", name);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	fflush(stdout);
	pause_between();
}

void show_result(const char *name, long result, int error)
{
	if (result == -1)
		show(name, "%s", strerrorname_np(error) ? strerrorname_np(error) : "an unknown error");
	else
		show(name, "%ld", result);
}

void show_lasting(const char *name, long result, int error, int64_t lasted_ms, int64_t least_ms)
{
	const char *text = result == -1 ? strerrorname_np(error) : "";

	if (lasted_ms < least_ms)
		show(name, "%ld %s too early: %ld ms", result, text, (long)lasted_ms);
	else if (lasted_ms > least_ms + 20000)
		show(name, "%ld %s too late: %ld ms", result, text, (long)lasted_ms);
	else
		show(name, "%ld %s", result, text);
}

int must(const char *what, long result)
{
	if (result >= 0)
		return (int)result;
	printf("cannot go on: %s: %s\n", what, strerror(errno));
	exit(1);
}

int make_file(const char *name, const char *content)
{
	int fd = must(name, open(name, O_RDWR | O_CREAT | O_TRUNC, 0640));

	must(name, pwrite(fd, content, strlen(content), 0));
	return fd;
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	caught++;
	memcpy((void *)&caught_info, info, sizeof *info);
}

void catch_signal(int number, int flags)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = flags | SA_SIGINFO };

	caught = 0;
	must("sigaction", sigaction(number, &action, NULL));
}

void default_signal(int number)
{
	signal(number, SIG_DFL);
}

static int64_t alarm_from_ms; /* 0: none is on its way */

static int64_t here_ms; /* 0: not told */

void lasts_from_here(void)
{
	here_ms = now_ms();
}

int64_t lasts_from_ms(void)
{
	int64_t from_ms = here_ms;

	here_ms = 0;
	if (from_ms != 0)
		return from_ms;
	return alarm_from_ms != 0 ? alarm_from_ms : now_ms();
}

void alarm_is_over(void)
{
	const struct itimerval none = { { 0, 0 }, { 0, 0 } };

	if (alarm_from_ms != 0)
		setitimer(ITIMER_REAL, &none, NULL);
	alarm_from_ms = 0;
}

void alarm_in(long ms, int flags)
{
	/* Once more: the first may come before the call waits, where the process is moved in between. */
	struct itimerval timer = { { ms > 0, 0 }, { ms / 1000, ms % 1000 * 1000 } };

	alarm_from_ms = ms > 0 ? now_ms() : 0;
	if (ms > 0)
		catch_signal(SIGALRM, flags);
	must("setitimer", setitimer(ITIMER_REAL, &timer, NULL));
	if (ms == 0)
		default_signal(SIGALRM);
}

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_for(const char *file)
{
	while (access(file, F_OK) < 0)
		usleep(20000);
}

static char **wanted; /* NULL: all */

static int is_wanted(const char *name)
{
	for (char **one = wanted; one != NULL && *one != NULL; one++) {
		if (strcmp(*one, name) == 0)
			return 1;
	}
	return wanted == NULL;
}

static void run(const struct part *const *parts, size_t count, const char *base)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_wanted(parts[i]->name))
			continue;
		printf("---- %s\n", parts[i]->name);
		must(parts[i]->name, mkdir(parts[i]->name, 0755));
		must(parts[i]->name, chdir(parts[i]->name));
		parts[i]->run();
		must(base, chdir(base));
	}
}

int main(int argc, char **argv)
{
	char base[4096];

	if (environ[0] == NULL) /* program.c has started it as a child */
		return argc;
	pause_ms = argc > 1 ? atol(argv[1]) : 0;
	wanted = argc > 2 ? argv + 2 : NULL;
	must("getcwd", getcwd(base, sizeof base) != NULL ? 0 : -1);
	umask(022);
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	prctl(PR_SET_TIMERSLACK, 70000, 0, 0, 0);
	printf("ready\n");
	fflush(stdout);
	wait_for("go");
	run(anywhere, COUNT(anywhere), base);
	printf("parts at any place end\n");
	fflush(stdout);
	wait_for("rest");
	run(at_home, COUNT(at_home), base);
	printf("checks: %d\n", checks);
	return 0;
}
