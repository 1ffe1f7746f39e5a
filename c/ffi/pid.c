/* pid.c - Names a process beyond doubt, and queues an order to it.
 *
 * PID and start time are the name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "obstacle.h"
#include "lb_state.h"
#include "proc_stat.h"

#define PIDFD_SIGNAL_THREAD_FLAG 1 /* PIDFD_SIGNAL_THREAD, linux/pidfd.h, Linux 6.9 */

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

int32_t lb_ffi_obstacle(uint32_t pid)
{
	uint8_t head[LB_HEAD_SIZE];
	char path[32];
	int32_t obstacle;
	ssize_t size;
	int fd;

	snprintf(path, sizeof path, "/proc/%u/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = pread(fd, head, sizeof head, 0);
	obstacle = size < 0 ? -errno : (int32_t)lb_obstacle_of_head(head, (size_t)size);
	close(fd);
	return obstacle;
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
	/* To its thread, whose queue is another one: one of the program's that waits must not swallow an order, nor an
	 * order one of the program's. */
	if (syscall(SYS_pidfd_send_signal, fd, signal, &info, PIDFD_SIGNAL_THREAD_FLAG) < 0) {
		rv = -errno;
		if (rv == -EINVAL) /* before Linux 6.9 */
			rv = syscall(SYS_pidfd_send_signal, fd, signal, &info, 0) < 0 ? -errno : 0;
	}
	close(fd);
	return rv;
}
