/* check.c - Tries in a child process what this kernel can do.
 *
 * For `lb doctor`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

#define SELECTOR_ALLOW 0 /* SYSCALL_DISPATCH_FILTER_ALLOW and _BLOCK of <linux/prctl.h> */
#define SELECTOR_BLOCK 1
#define PAGE 4096u

static volatile char selector; /* the kernel reads it at each call while dispatch is armed */
static volatile sig_atomic_t trapped;

static void on_trap(int signal)
{
	(void)signal;
	selector = SELECTOR_ALLOW; /* first: the handler's own sigreturn is a call, too */
	trapped = 1;
}

static int can_dispatch(void)
{
	struct sigaction action = { .sa_handler = on_trap };

	if (sigaction(SIGSYS, &action, NULL) < 0)
		return 0;
	selector = SELECTOR_ALLOW;
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0UL, 0UL, &selector) < 0)
		return 0;
	selector = SELECTOR_BLOCK;
	syscall(SYS_getppid);
	selector = SELECTOR_ALLOW;
	return trapped;
}

static int can_set_mm(void)
{
	uint32_t size = 0; /* of struct prctl_mm_map; a kernel that knows the call tells anyone */

	return prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0UL, 0UL) == 0 && size != 0;
}

static int can_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int sent = fd >= 0 && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0;

	if (fd >= 0)
		close(fd);
	return sent;
}

static int can_close_range(void)
{
	return syscall(SYS_close_range, 1000000u, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

static int can_read_at(const char *path, uint64_t offset)
{
	uint64_t word;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int can = fd >= 0 && pread(fd, &word, sizeof word, (off_t)offset) == (ssize_t)sizeof word;

	if (fd >= 0)
		close(fd);
	return can;
}

static int can_pagemap(void)
{
	uint64_t here = 1;
	uint64_t address = (uint64_t)(uintptr_t)&here;

	return can_read_at("/proc/self/pagemap", address / PAGE * sizeof(uint64_t)) &&
		can_read_at("/proc/self/mem", address);
}

static int can_pagemap_scan(void)
{
	struct { /* struct pm_scan_arg of <linux/fs.h>, Linux 6.7; older headers lack it */
		uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
		uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
	} scan = { .size = sizeof scan };
	struct {
		uint64_t start, end, categories;
	} region;
	const uint64_t present = 8; /* PAGE_IS_PRESENT */
	uint64_t here = 1;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int can;

	scan.start = (uint64_t)(uintptr_t)&here / PAGE * PAGE;
	scan.end = scan.start + PAGE;
	scan.vec = (uint64_t)(uintptr_t)&region;
	scan.vec_len = 1;
	scan.category_mask = present;
	scan.return_mask = present;
	can = fd >= 0 && ioctl(fd, _IOWR('f', 16, scan), &scan) == 1;
	if (fd >= 0)
		close(fd);
	return can;
}

int32_t lb_ffi_self_check(void)
{
	sigset_t all;
	sigset_t before;
	int status;
	int32_t rv;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* Deno's handlers must not run in the child */
	pid = fork();
	if (pid == 0) {
		int can = 0;

		signal(SIGSYS, SIG_DFL);
		sigdelset(&all, SIGSYS);
		sigprocmask(SIG_SETMASK, &all, NULL);
		can |= can_set_mm() ? LB_FFI_CAN_SET_MM : 0;
		can |= can_pidfd() ? LB_FFI_CAN_PIDFD : 0;
		can |= can_close_range() ? LB_FFI_CAN_CLOSE_RANGE : 0;
		can |= can_pagemap() ? LB_FFI_CAN_PAGEMAP : 0;
		can |= can_pagemap_scan() ? LB_FFI_CAN_PAGEMAP_SCAN : 0;
		can |= can_dispatch() ? LB_FFI_CAN_DISPATCH : 0;
		_exit(can);
	}
	rv = pid < 0 ? -errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rv < 0)
		return rv;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}
