/* proc_stat.h - A process's state and start time.
 *
 * With its PID they name it beyond doubt. Freestanding.
 */
#ifndef LB_PROC_STAT_H
#define LB_PROC_STAT_H

#include <stdint.h>

#include <asm/unistd.h>
#include <linux/errno.h>

#include "syscall.h"

/* Of asm-generic/fcntl.h, which cannot be included beside <fcntl.h>. */
#define LB_AT_FDCWD (-100)
#define LB_O_CLOEXEC 02000000

#define LB_PROC_STAT_SIZE_MAX 1024 /* proc_pid_stat(5): a name and 51 numbers, most of them short */
#define LB_PROC_STAT_START 20      /* field 22, counted from field 3, the first after the name */

/* Reads /proc/PID/stat. Returns 0; -ESRCH: there is no such process; or another negative
 * error. The out-parameters are written on success only; `state` is the letter (R S D T Z ...),
 * start_ticks is in clock ticks since boot. */
static inline int64_t lb_proc_stat(uint32_t pid, char *state, uint64_t *start_ticks)
{
	char text[LB_PROC_STAT_SIZE_MAX];
	char path[24] = "/proc/";
	char digits[10];
	uint64_t value = 0;
	int64_t fd, size, at, name_end = -1;
	int n = 6, count = 0, field = 1;

	do {
		digits[count++] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid != 0);
	while (count > 0)
		path[n++] = digits[--count];
	for (at = 0; at < 6; at++)
		path[n + at] = "/stat"[at];
	fd = lb_syscall4(__NR_openat, LB_AT_FDCWD, path, LB_O_CLOEXEC, 0);
	if (fd < 0)
		return fd == -ENOENT ? -ESRCH : fd;
	size = lb_syscall3(__NR_read, fd, text, sizeof text);
	lb_syscall1(__NR_close, fd);
	if (size <= 0)
		return size == 0 ? -ESRCH : size;
	for (at = 0; at < size; at++)
		if (text[at] == ')')
			name_end = at; /* the last: the name may hold brackets, too */
	if (name_end < 0 || name_end + 3 >= size)
		return -EPROTO;
	for (at = name_end + 2; at < size && field < LB_PROC_STAT_START; at++)
		field += text[at] == ' ';
	if (at == size)
		return -EPROTO;
	for (; at < size && text[at] >= '0' && text[at] <= '9'; at++)
		value = value * 10 + (uint64_t)(text[at] - '0');
	*state = text[name_end + 2];
	*start_ticks = value;
	return 0;
}

#endif
