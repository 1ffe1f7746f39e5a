/* map_lines.c - Lines of /proc/self/maps.
 *
 * Linked into the keeper and the shadow; freestanding.
 */
#include "map_lines.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "mem.h"
#include "syscall.h"

/* A line of maps is shorter than the buffer but for long paths, whose tails do not start with what is looked for. */
int lb_each_map_line(void (*each)(const char *line, void *context), void *context)
{
	char buffer[1024];
	unsigned used = 0;
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, "/proc/thread-self/maps", 0, 0);
	if (fd < 0)
		return (int)fd;
	for (;;) {
		int64_t got = lb_syscall3(__NR_read, fd, (buffer + used), (sizeof buffer - 1 - used));
		if (got <= 0)
			break;
		used += (unsigned)got;
		unsigned start = 0;
		for (unsigned i = 0; i < used; i++) {
			if (buffer[i] != '\n')
				continue;
			buffer[i] = 0;
			each(buffer + start, context);
			start = i + 1;
		}
		memmove(buffer, buffer + start, used - start);
		used -= start;
		if (used == sizeof buffer - 1) /* its columns are in front */
			used = 200;
	}
	lb_syscall1(__NR_close, fd);
	return 0;
}
