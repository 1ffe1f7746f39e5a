/* look.c - Reads the figures of many processes in one call.
 *
 * One descriptor is open at a time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define TEXT_SIZE 1024 /* /proc/PID/stat: a name and 51 numbers, most of them short */

/* Fields of /proc/PID/stat as proc_pid_stat(5) numbers them. */
enum field { STATE = 3, UTIME = 14, STIME = 15, THREADS = 20, START = 22, RSS = 24 };

/* Reads a small file of /proc. Returns its size, or a negative error; -ESRCH: the process is gone. */
static int32_t read_text(uint32_t pid, const char *name, char *text)
{
	char path[48];
	ssize_t size;
	int fd, error;

	snprintf(path, sizeof path, "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
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

static int32_t look_stat(struct lb_ffi_look *look)
{
	char text[TEXT_SIZE];
	int32_t size = read_text(look->pid, "stat", text);
	char *at = size < 0 ? NULL : strrchr(text, ')'); /* the name may hold brackets, too */

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
		char text[TEXT_SIZE];
		struct lb_ffi_look look = { 0 };

		memcpy(&look, looks + i * sizeof look, sizeof look);
		look = (struct lb_ffi_look){ .pid = look.pid };
		/* "ran waited slices", in nanoseconds (proc_pid_schedstat(), fs/proc/base.c, v6.12): no two
		 * equal ones with a step of the program between them, as ticks of 10 ms may be. */
		if (read_text(look.pid, "schedstat", text) > 0)
			look.ran_ns = strtoull(text, NULL, 10);
		look.error = look_stat(&look);
		memcpy(looks + i * sizeof look, &look, sizeof look);
	}
	return (int32_t)count;
}
