/* pid.c - naming a process beyond doubt (PID and start time), and sending it an order. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "lb_state.h"
#include "proc_stat.h"

int32_t lb_pidfd_open_checked(uint32_t pid, uint64_t start_ticks, int zombie_too)
{
	uint64_t started;
	char state;
	int64_t rv;
	/* First the pidfd, then /proc: else the PID could get a new owner between. */
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
		return (int32_t)rv;
	}
	return fd;
}

int64_t lb_ffi_start_ticks(uint32_t pid)
{
	uint64_t started;
	char state;
	int64_t rv = lb_proc_stat(pid, &state, &started);

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
	info.si_errno = LB_SIGNAL_MARK;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)(uintptr_t)value;
	if (syscall(SYS_pidfd_send_signal, fd, signal, &info, 0) < 0)
		rv = -errno;
	close(fd);
	return rv;
}
