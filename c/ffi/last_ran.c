/* last_ran.c - Since when a process waits.
 *
 * A move that interrupts its call lets the time limit of that call go on.
 *
 * The kernel notes when a process last ran, by the clock of the processor that it ran on: se.exec_start of
 * /proc/PID/sched (proc_sched_show_task(), kernel/sched/debug.c, Linux 6.12). That clock leaves out interrupts, so what
 * it shows now is asked for on the same processor. The process may run on at any moment: the count of the times that it
 * gave up its processor tells the library whether it has.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define TEXT_SIZE 16384
#define FIELD_STATE 3 /* of /proc/PID/stat, proc_pid_stat(5) */
#define FIELD_PROCESSOR 39

struct sched {
	uint64_t exec_start_ns;
	uint64_t switches;
};

/* Returns whether there is such a file, not empty. */
static bool read_text(const char *path, char *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0, size = 0;

	if (fd < 0)
		return false;
	while ((got = read(fd, text + size, (size_t)(TEXT_SIZE - 1 - size))) > 0)
		size += got;
	close(fd);
	text[size] = '\0';
	return size > 0;
}

/* "name    :    value" */
static const char *value_of(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	const char *colon = line == NULL ? NULL : strchr(line, ':');

	return colon == NULL ? NULL : colon + 1;
}

static bool read_sched(const char *path, char *text, struct sched *sched)
{
	const char *start, *switches;
	uint64_t ms, ns;

	if (!read_text(path, text))
		return false; /* a kernel without CONFIG_SCHED_DEBUG: optional before Linux 6.15 */
	start = value_of(text, "\nse.exec_start");
	switches = value_of(text, "\nnr_voluntary_switches");
	if (start == NULL || switches == NULL || sscanf(start, "%" SCNu64 ".%6" SCNu64, &ms, &ns) != 2)
		return false;
	sched->exec_start_ns = ms * 1000000 + ns;
	sched->switches = strtoull(switches, NULL, 10);
	return true;
}

/* The processor that a process that sleeps has run on last; negative: it does not sleep. */
static int sleeps_on(const char *path, char *text)
{
	char *at;

	if (!read_text(path, text))
		return -1;
	at = strrchr(text, ')');
	if (at == NULL || at[1] != ' ' || at[2] != 'S')
		return -1;
	at += 1;
	for (int field = FIELD_STATE; at != NULL && field < FIELD_PROCESSOR; field++)
		at = strchr(at + 1, ' ');
	return at == NULL ? -1 : atoi(at);
}

/* How long ago that was by the clock of this processor: this thread goes there for a moment. Negative: not known. */
static int64_t since_ns(int cpu, uint64_t exec_start_ns, char *text)
{
	const struct timespec moment = { 0, 1 };
	cpu_set_t before, only;
	struct sched own;
	int64_t since = -1;

	CPU_ZERO(&only);
	if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof before, &before) < 0)
		return -1;
	CPU_SET(cpu, &only);
	if (sched_setaffinity(0, sizeof only, &only) < 0)
		return -1;
	nanosleep(&moment, NULL); /* woken up it has a new exec_start */
	if (read_sched("/proc/thread-self/sched", text, &own))
		since = (int64_t)(own.exec_start_ns - exec_start_ns);
	sched_setaffinity(0, sizeof before, &before);
	return since;
}

int32_t lb_ffi_last_ran(uint32_t pid, uint64_t *last_ran)
{
	char *text = malloc(TEXT_SIZE);
	char sched_path[32], stat_path[32];
	struct sched first, second;
	struct timespec now;
	int64_t since = -1;
	int cpu;

	if (text == NULL)
		return -ENOMEM;
	snprintf(sched_path, sizeof sched_path, "/proc/%u/sched", pid);
	snprintf(stat_path, sizeof stat_path, "/proc/%u/stat", pid);
	if (read_sched(sched_path, text, &first) && (cpu = sleeps_on(stat_path, text)) >= 0 &&
		read_sched(sched_path, text, &second) && first.exec_start_ns == second.exec_start_ns &&
		first.switches == second.switches)
		since = since_ns(cpu, second.exec_start_ns, text);
	free(text);
	if (since < 0 || clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		return -EAGAIN;
	last_ran[0] = (uint64_t)(now.tv_sec * 1000000000LL + now.tv_nsec - since);
	last_ran[1] = second.switches;
	return 0;
}
