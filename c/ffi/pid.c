/* pid.c - naming a process beyond doubt (PID and start time), and sending it an order. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

#define STAT_SIZE_MAX 1024 /* proc_pid_stat(5): a name of 16 bytes and 51 numbers, most of them short */
#define FIELDS_TO_START 20 /* field 22, counted from field 3, the first after the name */

int32_t lb_proc_stat(uint32_t pid, char *state, uint64_t *start_ticks)
{
	char path[32];
	char text[STAT_SIZE_MAX + 1];
	const char *at;
	ssize_t size;
	int fd;

	snprintf(path, sizeof path, "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	size = read(fd, text, STAT_SIZE_MAX);
	if (size <= 0) {
		int32_t error = size < 0 ? -errno : -ESRCH;

		close(fd);
		return error;
	}
	close(fd);
	text[size] = '\0';
	at = strrchr(text, ')'); /* the name may hold spaces and brackets; no later field does */
	if (at == NULL || at[1] != ' ' || at[2] == '\0')
		return -EPROTO;
	at += 2;
	for (int field = 1; field < FIELDS_TO_START; field++) {
		at = strchr(at, ' ');
		if (at == NULL)
			return -EPROTO;
		at++;
	}
	*state = strrchr(text, ')')[2];
	*start_ticks = strtoull(at, NULL, 10);
	return 0;
}

int32_t lb_pidfd_open_checked(uint32_t pid, uint64_t start_ticks, int zombie_too)
{
	uint64_t started;
	char state;
	int32_t rv;
	/* First the pidfd, then /proc: the other way round the PID could get a new owner between. */
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	if (fd < 0)
		return -errno;
	rv = lb_proc_stat(pid, &state, &started);
	if (rv == 0 && start_ticks != 0 && started != start_ticks)
		rv = -ESRCH;
	if (rv == 0 && !zombie_too && (state == 'Z' || state == 'X'))
		rv = -ESRCH;
	if (rv < 0) {
		close(fd);
		return rv;
	}
	return fd;
}

int64_t lb_ffi_start_ticks(uint32_t pid)
{
	uint64_t started;
	char state;
	int32_t rv = lb_proc_stat(pid, &state, &started);

	return rv < 0 ? rv : (int64_t)started;
}

int32_t lb_ffi_queue_order(uint32_t pid, uint64_t start_ticks, int32_t signal, uint64_t value)
{
	siginfo_t info;
	int32_t rv = 0;
	int32_t fd = lb_pidfd_open_checked(pid, start_ticks, 0);

	if (fd < 0)
		return fd;
	memset(&info, 0, sizeof info);
	info.si_signo = signal;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)(uintptr_t)value;
	if (syscall(SYS_pidfd_send_signal, fd, signal, &info, 0) < 0)
		rv = -errno;
	close(fd);
	return rv;
}
