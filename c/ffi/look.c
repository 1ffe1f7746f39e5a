/* look.c - Reads the figures of many processes in one call.
 *
 * Two descriptors are open at a time.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define TEXT_SIZE 1024 /* /proc/PID/stat: a name and 51 numbers, most of them short */

/* Fields of /proc/PID/stat as proc_pid_stat(5) numbers them. */
enum field { STATE = 3, UTIME = 14, STIME = 15, THREADS = 20, START = 22, RSS = 24 };

/* Reads a small file of a folder of /proc. Returns its size, or a negative error; -ESRCH: it is gone. */
static int32_t read_text(int folder, const char *path, char *text)
{
	ssize_t size;
	int fd, error;

	fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	size = read(fd, text, TEXT_SIZE - 1);
	error = errno;
	close(fd);
	if (size < 0)
		return -error;
	text[size] = 0;
	return size == 0 ? -ESRCH : (int32_t)size;
}

/* Adds the times of a thread: "ran waited slices", in nanoseconds (proc_pid_schedstat(), fs/proc/base.c, v6.12): no
 * two equal ones with a step of the program between them, as ticks of 10 ms may be. */
static void add_times(struct lb_ffi_look *look, int folder, const char *path)
{
	char text[TEXT_SIZE];
	char *at = text;

	if (read_text(folder, path, text) <= 0)
		return;
	look->ran_ns += strtoull(at, &at, 10);
	look->waited_ns += strtoull(at, NULL, 10);
}

/* Adds the times of all threads; those that end meanwhile are left out. */
static void add_threads(struct lb_ffi_look *look)
{
	char path[48];
	DIR *tasks;

	snprintf(path, sizeof path, "/proc/%u/task", look->pid);
	tasks = opendir(path);
	if (tasks == NULL)
		return;
	for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
		char name[sizeof entry->d_name + sizeof "/schedstat"];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/schedstat", entry->d_name);
		add_times(look, dirfd(tasks), name);
	}
	closedir(tasks);
}

static int32_t look_stat(struct lb_ffi_look *look)
{
	char path[48];
	char text[TEXT_SIZE];
	char *at;
	int32_t size;

	snprintf(path, sizeof path, "/proc/%u/stat", look->pid);
	size = read_text(AT_FDCWD, path, text);
	at = size < 0 ? NULL : strrchr(text, ')'); /* the name may hold brackets, too */

	if (size < 0)
		return size;
	if (at == NULL || at[1] != ' ')
		return -EPROTO;
	at += 2;
	look->state = (uint8_t)*at;
	for (int field = STATE + 1; field <= RSS; field++) {
		unsigned long long value;

		at = strchr(at, ' ');
		if (at == NULL)
			return -EPROTO;
		value = strtoull(++at, NULL, 10);
		if (field == UTIME || field == STIME)
			look->cpu_ticks += value;
		else if (field == THREADS)
			look->threads = (uint32_t)value;
		else if (field == START)
			look->start_ticks = value;
		else if (field == RSS)
			look->rss_bytes = value * (unsigned long long)sysconf(_SC_PAGESIZE);
	}
	return 0;
}

int32_t lb_ffi_look(uint8_t *looks, uint32_t size)
{
	uint32_t count = size / (uint32_t)sizeof(struct lb_ffi_look);

	if (looks == NULL || size % sizeof(struct lb_ffi_look) != 0)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		char path[48];
		struct timespec now;
		struct lb_ffi_look look = { 0 };

		memcpy(&look, looks + i * sizeof look, sizeof look);
		look = (struct lb_ffi_look){ .pid = look.pid };
		clock_gettime(CLOCK_BOOTTIME, &now);
		look.at_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
		look.error = look_stat(&look);
		snprintf(path, sizeof path, "/proc/%u/schedstat", look.pid);
		if (look.error == 0 && look.threads > 1)
			add_threads(&look);
		else if (look.error == 0)
			add_times(&look, AT_FDCWD, path);
		memcpy(looks + i * sizeof look, &look, sizeof look);
	}
	return (int32_t)count;
}
