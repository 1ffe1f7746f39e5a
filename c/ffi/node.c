/* node.c - The node's CPU, memory and clocks, and its daemon's files. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

uint32_t lb_ffi_abi_version(void)
{
	return LB_ABI_VERSION;
}

static uint64_t xcr0_read(void)
{
	uint32_t low;
	uint32_t high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return ((uint64_t)high << 32) | low;
}

int32_t lb_ffi_cpu_features(uint8_t *buffer, uint32_t size)
{
	struct lb_ffi_cpu_features cpu = { .zero = 0 };
	uint32_t eax, ebx, ecx, edx;

	if (buffer == NULL || size < sizeof cpu)
		return -EINVAL;
	if (__get_cpuid(0, &eax, &ebx, &ecx, &edx)) {
		memcpy(cpu.vendor, &ebx, 4);
		memcpy(cpu.vendor + 4, &edx, 4);
		memcpy(cpu.vendor + 8, &ecx, 4);
	}
	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
		cpu.leaf1_ecx = ecx;
		cpu.leaf1_edx = edx;
	}
	if (cpu.leaf1_ecx & bit_OSXSAVE)
		cpu.xcr0 = xcr0_read();
	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
		uint32_t last = eax;

		cpu.leaf7_ebx = ebx;
		cpu.leaf7_ecx = ecx;
		cpu.leaf7_edx = edx;
		if (last >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
			cpu.leaf7_1_eax = eax;
	}
	if (__get_cpuid_count(0xd, 0, &eax, &ebx, &ecx, &edx))
		cpu.xsave_size = ebx;
	if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) {
		cpu.extended1_ecx = ecx;
		cpu.extended1_edx = edx;
	}
	memcpy(buffer, &cpu, sizeof cpu);
	return 0;
}

int32_t lb_ffi_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int32_t rv;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		/* For people and scripts; the lock is what counts, so a full disk does not matter. */
		if (ftruncate(fd, 0) == 0)
			dprintf(fd, "%d\n", (int)getpid());
		return fd;
	}
	rv = -errno;
	close(fd);
	return rv;
}

int32_t lb_ffi_open(const char *path, int32_t flags, uint32_t mode)
{
	int fd = open(path, flags | O_CLOEXEC, (mode_t)mode);

	return fd < 0 ? -errno : fd;
}

int32_t lb_ffi_memfd(const char *name, const uint8_t *content, uint32_t size)
{
	uint32_t done = 0;
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (done < size) {
		ssize_t written = pwrite(fd, content + done, size - done, (off_t)done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			int32_t error = -errno;

			close(fd);
			return error;
		}
		done += (uint32_t)written;
	}
	return fd;
}

int32_t lb_ffi_dup_above(int32_t fd, int32_t lowest)
{
	int duplicate = fcntl(fd, F_DUPFD, lowest);

	return duplicate < 0 ? -errno : duplicate;
}

int32_t lb_ffi_close(int32_t fd)
{
	return close(fd) < 0 ? -errno : 0;
}

int64_t lb_ffi_set_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur != limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return -errno;
	}
	return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

int32_t lb_ffi_umask(uint32_t mask)
{
	return (int32_t)umask((mode_t)mask);
}

int32_t lb_ffi_close_on_exec(uint32_t first)
{
	return syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return -errno;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t lb_ffi_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t lb_ffi_boot_time(void)
{
	return (clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME)) / 1000000;
}

int64_t lb_ffi_mem_available(void)
{
	static const char name[] = "\nMemAvailable:"; /* the third line */
	char text[512];
	const char *at;
	ssize_t size;
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof text - 1);
	if (size < 0) {
		int32_t error = -errno;

		close(fd);
		return error;
	}
	close(fd);
	text[size] = '\0';
	at = strstr(text, name);
	return at == NULL ? -EPROTO : (int64_t)strtoull(at + sizeof name - 1, NULL, 10) * 1024;
}

int32_t lb_ffi_notify(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t size;
	int32_t rv = 1;
	int fd;

	if (path == NULL || *path == '\0')
		return 0;
	size = strlen(path);
	if ((*path != '/' && *path != '@') || size >= sizeof address.sun_path)
		return -EINVAL;
	memcpy(address.sun_path, path, size);
	if (*path == '@')
		address.sun_path[0] = '\0'; /* abstract: its name ends where the size says */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) < 0)
		rv = -errno;
	close(fd);
	return rv;
}
