/* maps.c - walks the mappings of a process.
 *
 * As /proc/self/maps tells them (proc_pid_maps(5)), or, at more cost, with their attributes as /proc/self/smaps does
 * (proc_pid_smaps(5)).
 */
#include "image/maps.h"

#include <asm/unistd.h>
#include <linux/fcntl.h>

#include "mem.h"
#include "syscall.h"
#include "text.h"

#include "process/process.h"

#define VM_FLAGS "VmFlags: "
#define LINE_MAX_SIZE 8192 /* PATH_MAX and the columns; the kernel escapes newlines in names */

struct walk {
	int (*each)(const struct lb_mapping *mapping, void *context);
	void *context;
	bool attributes; /* a mapping is whole when they have been told */
	struct lb_mapping mapping;
};

/* The last line of each mapping: two letters and a blank for all that it is. */
static uint32_t parse_attributes(const char *at)
{
	static const char letters[][3] = {
#define LETTERS(name, letters, advice) letters,
		LB_ATTRIBUTE_MAP(LETTERS)
	};
	uint32_t attributes = 0;
	for (; at[0] && at[1]; at += at[2] == ' ' ? 3 : 1)
		for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++)
			if (at[0] == letters[i][0] && at[1] == letters[i][1])
				attributes |= 1u << i;
	return attributes;
}

static const char *next_column(const char *at)
{
	while (*at && *at != ' ')
		at++;
	while (*at == ' ')
		at++;
	return at;
}

/* "/tmp/hsperfdata_USER/PID", 32 KiB by default: HotSpot's UsePerfData, which jstat(1) and jps(1) read. */
static bool is_counters(const char *path)
{
	static const char folder[] = "/tmp/hsperfdata_";
	if (memcmp(path, folder, sizeof folder - 1) != 0)
		return false;
	for (path += sizeof folder - 1; *path && *path != '/'; path++)
		;
	if (*path++ != '/' || *path == 0)
		return false;
	for (; *path >= '0' && *path <= '9'; path++)
		;
	return *path == 0;
}

static void parse_line(const char *line, struct lb_mapping *mapping)
{
	const char *at = line;
	memset(mapping, 0, sizeof *mapping);
	mapping->segment.start = lb_parse_hex(&at);
	at++;
	mapping->segment.end = lb_parse_hex(&at);
	at++;
	mapping->segment.protection = (at[0] == 'r' ? 1u : 0) | (at[1] == 'w' ? 2u : 0) | (at[2] == 'x' ? 4u : 0);
	mapping->shared_writable = at[3] == 's' && at[1] == 'w';
	bool shared = mapping->shared = at[3] == 's';
	at = next_column(at);
	mapping->offset = lb_parse_hex(&at);
	at = next_column(at);
	mapping->device_number = lb_parse_hex(&at) << 32;
	at++;
	mapping->device_number |= lb_parse_hex(&at);
	for (at = next_column(at); *at >= '0' && *at <= '9'; at++)
		mapping->inode = mapping->inode * 10 + (uint64_t)(*at - '0');
	at = next_column(at);
	mapping->path = at;
	mapping->file = shared || mapping->inode != 0;
	mapping->counters = shared && is_counters(at);
	if (memcmp(at, "[stack]", 7) == 0)
		mapping->segment.kind = LB_SEGMENT_STACK;
	else if (memcmp(at, "[heap]", 6) == 0)
		mapping->segment.kind = LB_SEGMENT_HEAP;
	else if (shared && memcmp(at, "/dev/zero (deleted)", 19) == 0)
		mapping->shared_anonymous = true;
	else if (memcmp(at, "[vsyscall]", 10) == 0)
		mapping->skip = true;
	else if (memcmp(at, "[vvar", 5) == 0)
		/* As a still picture, for a handler's caller that is in the middle of the vdso. */
		mapping->device = true;
	else if (memcmp(at, "[vdso]", 6) == 0)
		mapping->vdso = mapping->file = true; /* code to carry along: the program has pointers into it */
	if (mapping->segment.start >= lb_self.hole_start && mapping->segment.start < lb_self.hole_end)
		mapping->skip = true;
	if (mapping->segment.start >= lb_self.ring_start && mapping->segment.start < lb_self.ring_end)
		mapping->skip = true;
}

/* One line without its newline. */
static int take_line(const char *line, struct walk *walk)
{
	static char path[LINE_MAX_SIZE];
	if (*line < 'A' || *line > 'Z') { /* an address; names of values begin with a capital */
		parse_line(line, &walk->mapping);
		if (!walk->attributes)
			return walk->each(&walk->mapping, walk->context);
		lb_text_copy(path, walk->mapping.path, sizeof path); /* the line goes before the last one comes */
		walk->mapping.path = path;
		return 0;
	}
	if (memcmp(line, VM_FLAGS, sizeof VM_FLAGS - 1) != 0)
		return 0;
	walk->mapping.segment.attributes = parse_attributes(line + sizeof VM_FLAGS - 1);
	if (walk->mapping.segment.attributes & LB_ATTRIBUTE(GROWS_DOWN))
		walk->mapping.segment.kind = LB_SEGMENT_STACK;
	return walk->each(&walk->mapping, walk->context);
}

static int walk_lines(const char *path, struct walk *walk)
{
	static char buffer[LINE_MAX_SIZE];
	size_t used = 0;
	int result = 0;
	int64_t fd = lb_syscall4(__NR_openat, AT_FDCWD, path, 0, 0);
	if (fd < 0)
		return (int)fd;
	for (;;) {
		int64_t got = lb_syscall3(__NR_read, fd, buffer + used, sizeof buffer - used);
		if (got <= 0) {
			result = got < 0 ? (int)got : result;
			break;
		}
		used += (size_t)got;
		size_t start = 0;
		for (size_t i = 0; i < used && !result; i++) {
			if (buffer[i] != '\n')
				continue;
			buffer[i] = 0;
			result = take_line(buffer + start, walk);
			start = i + 1;
		}
		if (result)
			break;
		memmove(buffer, buffer + start, used - start);
		used -= start;
		if (used == sizeof buffer) {
			result = -LB_E_SEGMENTS;
			break;
		}
	}
	lb_syscall1(__NR_close, fd);
	return result;
}

int lb_each_mapping_of(const char *maps, int (*each)(const struct lb_mapping *mapping, void *context), void *context)
{
	struct walk walk = { each, context, false, { .skip = false } };
	return walk_lines(maps, &walk);
}

int lb_each_mapping(int (*each)(const struct lb_mapping *mapping, void *context), void *context)
{
	return lb_each_mapping_of("/proc/thread-self/maps", each, context);
}

int lb_each_mapping_whole(int (*each)(const struct lb_mapping *mapping, void *context), void *context)
{
	struct walk walk = { each, context, true, { .skip = false } };
	return walk_lines("/proc/thread-self/smaps", &walk);
}
