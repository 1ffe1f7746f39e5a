/* proc_files.c - /proc/self and /proc/<own PID>: what is true of the process comes from the node where it
 * runs, with the PID that the program knows; descriptors, directories and the program's file are home's.
 *
 * The content is read here and becomes a file in memory at home, so that its descriptor is like any other.
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <asm/unistd.h>

#include "../base/mem.h"
#include "../base/syscall.h"

#include "forward.h"

#define CONTENT_SIZE_MAX (LB_LINK_DATA_SIZE_MAX / 2) /* maps of LB_SEGMENTS_MAX lines need 400 KB */
#define STAT_HOME_FIRST 4 /* fields of /proc/PID/stat that only home knows: ppid to tpgid, proc(5) */
#define STAT_HOME_LAST 8
#define STAT_USER_TIME 14
#define STAT_SYSTEM_TIME 15
#define STAT_CHILDREN_USER_TIME 16 /* who are at home */
#define STAT_CHILDREN_SYSTEM_TIME 17
#define STAT_START_TIME 22

static uint8_t content[CONTENT_SIZE_MAX] LB_SCRATCH;
static uint8_t raw[8192];

/* Files that tell of the address space, the CPU time and the like. Not here: what home answers. */
static const char *const local_names[] = { "maps", "smaps", "smaps_rollup", "numa_maps", "status", "stat",
	"statm", "auxv", "cmdline", "environ", "limits", "io", "sched", "schedstat", "syscall", "wchan",
	"stack", "personality" };
/* Writing to them or mapping them is about the memory that is here. */
static const char *const foreign_names[] = { "mem", "pagemap", "clear_refs", "map_files" };

static bool begins(const char **text, const char *with)
{
	size_t size = strlen(with);

	if (memcmp(*text, with, size) != 0)
		return false;
	*text += size;
	return true;
}

/* Skips a number that is this process's PID, or `word`, followed by '/'. */
static bool skip_self(const char **text, const char *word)
{
	const char *at = *text;
	uint64_t number = 0;

	if (word != NULL && begins(&at, word) && *at == '/') {
		*text = at + 1;
		return true;
	}
	for (at = *text; *at >= '0' && *at <= '9' && number < 1u << 30; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	if (number != lb_self.home_pid || *at != '/')
		return false;
	*text = at + 1;
	return true;
}

/* The name below /proc/self, /proc/PID, /proc/thread-self or their task/PID; NULL: another path. `path` is in
 * a buffer of PATH_MAX, so comparing a few bytes past its end stays inside. */
static const char *self_name(const char *path)
{
	const char *at = path;

	if (!begins(&at, "/proc/"))
		return NULL;
	if (!skip_self(&at, "thread-self") && !skip_self(&at, "self"))
		return NULL;
	if (begins(&at, "task/") && !skip_self(&at, NULL))
		return NULL;
	return at;
}

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

bool lb_proc_is_exe(const char *path)
{
	const char *name = self_name(path);

	return name != NULL && strcmp(name, "exe") == 0 && lb_self.exe[0] != '\0';
}

bool lb_proc_is_foreign(const char *path)
{
	const char *name = self_name(path);

	return name != NULL &&
		is_one_of(name, foreign_names, sizeof(foreign_names) / sizeof(foreign_names[0]));
}

/* Reads a whole file of this node. Returns its size (cut to `size`) or a negative error. */
static int64_t read_local(const char *name, uint8_t *to, size_t size)
{
	char path[64] = "/proc/self/";
	size_t done = 0;
	int64_t fd;
	int64_t got;

	memcpy(path + strlen(path), name, strlen(name) + 1);
	fd = lb_syscall3(__NR_open, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	do {
		got = lb_syscall3(__NR_read, fd, to + done, size - done);
		if (got > 0)
			done += (size_t)got;
	} while (got > 0 && done < size);
	lb_syscall1(__NR_close, fd);
	return got < 0 ? got : (int64_t)done;
}

/* Reads a file as home has it for the shadow, which has this process's PID. */
static int64_t read_home(const char *path, uint8_t *to, size_t size)
{
	struct lb_request request = { .number = __NR_open };
	int64_t fd;
	int64_t got;

	lb_request_memory(&request, 0, LB_ARG_IN, (uint64_t)path, strlen(path) + 1);
	lb_request_value(&request, 1, O_RDONLY | O_CLOEXEC);
	fd = lb_request_run(&request);
	if (fd < 0)
		return fd;
	request = (struct lb_request){ .number = __NR_read, .flags = LB_CALL_RESULT_SIZE };
	lb_request_value(&request, 0, (uint64_t)fd);
	lb_request_memory(&request, 1, LB_ARG_OUT, (uint64_t)to, size);
	lb_request_value(&request, 2, size);
	got = lb_request_run(&request);
	lb_home_values(__NR_close, (uint64_t)fd, 0, 0, 0);
	return got;
}

static size_t put_number(uint8_t *to, uint64_t number)
{
	char digits[20];
	size_t count = 0;
	size_t i;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (i = 0; i < count; i++)
		to[i] = (uint8_t)digits[count - 1 - i];
	return count;
}

/* The text of a field of /proc/PID/stat, numbered as proc(5) does. The command may hold blanks and brackets:
 * fields are counted from its last bracket. */
static const uint8_t *stat_field(const uint8_t *text, size_t size, unsigned field, size_t *length)
{
	size_t at = size;
	unsigned number = 2;

	while (at > 0 && text[at - 1] != ')')
		at--;
	while (at < size && number < field) {
		if (text[at] == ' ')
			number++;
		at++;
	}
	*length = 0;
	while (at + *length < size && text[at + *length] != ' ' && text[at + *length] != '\n')
		++*length;
	return text + at;
}

static bool is_home_field(unsigned field)
{
	return (field >= STAT_HOME_FIRST && field <= STAT_HOME_LAST) || field == STAT_CHILDREN_USER_TIME ||
		field == STAT_CHILDREN_SYSTEM_TIME;
}

/* A field that is a number of ours. */
static bool own_field(unsigned field, uint64_t *value)
{
	int64_t ticks[2];

	if (field == STAT_START_TIME) {
		*value = lb_self.start_ticks;
		return true;
	}
	if (field != STAT_USER_TIME && field != STAT_SYSTEM_TIME)
		return false;
	lb_cpu_ticks(&ticks[0], &ticks[1]);
	*value = (uint64_t)ticks[field == STAT_SYSTEM_TIME];
	return true;
}

/* /proc/PID/stat: this node's, with home's PID, parent, group, session, terminal, start time and children, and the CPU
 * time of all nodes. */
static int64_t make_stat(void)
{
	static uint8_t home[2048];
	int64_t size = read_local("stat", raw, sizeof(raw));
	int64_t home_size = read_home("/proc/self/stat", home, sizeof(home));
	size_t done;
	size_t start = 0;
	size_t end;
	unsigned field;

	if (size < 0 || home_size < 0)
		return size < 0 ? size : home_size;
	done = put_number(content, lb_self.home_pid);
	while (start < (size_t)size && raw[start] != ' ')
		start++;
	end = (size_t)size;
	while (end > start && raw[end - 1] != ')')
		end--;
	memcpy(content + done, raw + start, end - start);
	done += end - start;
	for (field = 3;; field++) {
		size_t length;
		uint64_t value;
		const uint8_t *text = is_home_field(field) ? stat_field(home, (size_t)home_size, field, &length)
					      : stat_field(raw, (size_t)size, field, &length);

		if (length == 0)
			break;
		content[done++] = ' ';
		if (own_field(field, &value)) {
			done += put_number(content + done, value);
			continue;
		}
		memcpy(content + done, text, length);
		done += length;
	}
	content[done++] = '\n';
	return (int64_t)done;
}

/* /proc/PID/status: lines with PIDs are home's. */
static int64_t make_status(void)
{
	static uint8_t home[4096];
	static const char *const home_lines[] = { "Tgid:", "Ngid:", "Pid:", "PPid:", "TracerPid:", "Uid:",
		"Gid:", "FDSize:", "Groups:", "NStgid:", "NSpid:", "NSpgid:", "NSsid:", "Umask:" };
	int64_t size = read_local("status", raw, sizeof(raw));
	int64_t home_size = read_home("/proc/self/status", home, sizeof(home));
	size_t at = 0;
	size_t done = 0;

	if (size < 0 || home_size < 0)
		return size < 0 ? size : home_size;
	while (at < (size_t)size) {
		const uint8_t *line = raw + at;
		size_t length = 0;
		size_t i;

		while (at + length < (size_t)size && raw[at + length] != '\n')
			length++;
		length++;
		at += length;
		for (i = 0; i < sizeof(home_lines) / sizeof(home_lines[0]); i++) {
			size_t name = strlen(home_lines[i]);
			size_t from = 0;

			if (length < name || memcmp(line, home_lines[i], name) != 0)
				continue;
			while (from + name < (size_t)home_size && memcmp(home + from, home_lines[i], name) != 0) {
				while (from < (size_t)home_size && home[from] != '\n')
					from++;
				from++;
			}
			if (from + name >= (size_t)home_size)
				break;
			line = home + from;
			length = 0;
			while (from + length < (size_t)home_size && home[from + length] != '\n')
				length++;
			length++;
			break;
		}
		memcpy(content + done, line, length);
		done += length;
	}
	return (int64_t)done;
}

bool lb_proc_open(const char *path, uint64_t flags, int64_t *result)
{
	const char *name = self_name(path);
	struct lb_request request = { .number = LB_HOME_MEMFD };
	int64_t size;

	if (name == NULL || (flags & (O_PATH | O_DIRECTORY)) != 0)
		return false;
	if (!is_one_of(name, local_names, sizeof(local_names) / sizeof(local_names[0])))
		return false;
	if ((flags & O_ACCMODE) != O_RDONLY) {
		*result = -EACCES;
		return true;
	}
	if (strcmp(name, "stat") == 0)
		size = make_stat();
	else if (strcmp(name, "status") == 0)
		size = make_status();
	else
		size = read_local(name, content, sizeof(content));
	if (size < 0) {
		*result = size;
		return true;
	}
	lb_request_memory(&request, 0, LB_ARG_IN, (uint64_t)content, (uint64_t)size);
	lb_request_value(&request, 1, flags & O_CLOEXEC);
	*result = lb_request_run(&request);
	return true;
}
