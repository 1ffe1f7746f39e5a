/* proc_content.c - What files of /proc/self say of a guest.
 *
 * This node's text, with what is home's and without what is the library's own.
 *
 * Runs in:  the SIGSYS handler, all signals blocked.
 */
#include "calls/proc_content.h"

#include <linux/fcntl.h>
#include <linux/resource.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/limits.h"
#include "calls/own.h"
#include "home_call/request.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "process/cpu_time.h"

#define STAT_HOME_FIRST 4 /* fields of /proc/PID/stat that only home knows: ppid to tpgid, proc(5) */
#define STAT_HOME_LAST 8
#define STAT_USER_TIME 14
#define STAT_SYSTEM_TIME 15
#define STAT_CHILDREN_USER_TIME 16 /* who are at home */
#define STAT_CHILDREN_SYSTEM_TIME 17
#define STAT_START_TIME 22
#define STAT_SIZE 23  /* vsize, bytes */
#define TICK_US 10000 /* USER_HZ is 100 on x86-64 */

#define content (lb_areas()->content)
static uint8_t raw[8192];

/* Below /proc/self, or for a thread of this number there. */
static void make_path(char path[64], uint32_t tid, const char *name)
{
	size_t size = strlen("/proc/self/");

	memcpy(path, "/proc/self/", size);
	if (tid != 0) {
		memcpy(path + size, "task/", strlen("task/"));
		size += strlen("task/");
		size += lb_put_number((uint8_t *)path + size, tid);
		path[size++] = '/';
	}
	memcpy(path + size, name, strlen(name) + 1);
}

/* Reads a whole file of this node. Returns its size (cut to `size`) or a negative error. */
static int64_t read_local(const struct lb_thread *of, const char *name, uint8_t *to, size_t size)
{
	char path[64];
	size_t done = 0;
	int64_t fd;
	int64_t got;

	make_path(path, of != NULL ? of->local_tid : 0, name);
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

/* Reads a file as home has it for the shadow, which has this process's PID and its threads' TIDs. */
static int64_t read_home(const struct lb_thread *of, const char *name, uint8_t *to, size_t size)
{
	struct lb_request request = { .number = __NR_open };
	char path[64];
	int64_t fd;
	int64_t got;

	make_path(path, of != NULL ? of->home_tid : 0, name);
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

size_t lb_put_number(uint8_t *to, uint64_t number)
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

/* A text with one number, as "VmSize:\t    1234 kB": the number less by `own`. */
static size_t put_less(uint8_t *to, const uint8_t *text, size_t length, uint64_t own)
{
	size_t at = 0;
	size_t done;
	uint64_t number = 0;

	while (at < length && (text[at] < '0' || text[at] > '9'))
		at++;
	memcpy(to, text, at);
	done = at;
	for (; at < length && text[at] >= '0' && text[at] <= '9'; at++)
		number = number * 10 + (uint64_t)(text[at] - '0');
	done += lb_put_number(to + done, number > own ? number - own : 0);
	memcpy(to + done, text + at, length - at);
	return done + length - at;
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

/* A thread began when its own at home did. */
static bool is_home_field(unsigned field, const struct lb_thread *of)
{
	return (of != NULL && field == STAT_START_TIME) || (field >= STAT_HOME_FIRST && field <= STAT_HOME_LAST) ||
		field == STAT_CHILDREN_USER_TIME || field == STAT_CHILDREN_SYSTEM_TIME;
}

static uint64_t number_of(const uint8_t *text, size_t length)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	return number;
}

/* A field that is a number of ours; `here`: what this node says. */
static bool own_field(unsigned field, const struct lb_thread *of, uint64_t here, uint64_t *value)
{
	int64_t ticks[2];

	if (field == STAT_START_TIME) {
		*value = lb_self.start_ticks;
		return of == NULL;
	}
	if (field != STAT_USER_TIME && field != STAT_SYSTEM_TIME)
		return false;
	if (of != NULL) {
		*value = here + (field == STAT_USER_TIME ? of->cpu.user_us : of->cpu.system_us) / TICK_US;
		return true;
	}
	lb_cpu_ticks(&ticks[0], &ticks[1]);
	*value = (uint64_t)ticks[field == STAT_SYSTEM_TIME];
	return true;
}

/* /proc/PID/stat: this node's, with home's PID, parent, group, session, terminal, start time and children, the CPU
 * time of all nodes, and the program's own size. */
static int64_t make_stat(const struct lb_thread *of)
{
	static uint8_t home[2048];
	int64_t size = read_local(of, "stat", raw, sizeof(raw));
	int64_t home_size = read_home(of, "stat", home, sizeof(home));
	size_t done;
	size_t start = 0;
	size_t end;
	unsigned field;

	if (size < 0 || home_size < 0)
		return size < 0 ? size : home_size;
	done = lb_put_number(content, of != NULL ? of->home_tid : lb_self.home_pid);
	/* Its name, which others may write there. */
	while (start < (size_t)home_size && home[start] != ' ')
		start++;
	end = (size_t)home_size;
	while (end > start && home[end - 1] != ')')
		end--;
	memcpy(content + done, home + start, end - start);
	done += end - start;
	for (field = 3;; field++) {
		size_t length;
		uint64_t value;
		const uint8_t *text = is_home_field(field, of) ? stat_field(home, (size_t)home_size, field, &length)
							       : stat_field(raw, (size_t)size, field, &length);

		if (length == 0)
			break;
		content[done++] = ' ';
		if (own_field(field, of, number_of(text, length), &value)) {
			done += lb_put_number(content + done, value);
			continue;
		}
		if (field == STAT_SIZE) {
			done += put_less(content + done, text, length, lb_own_bytes(false));
			continue;
		}
		memcpy(content + done, text, length);
		done += length;
	}
	content[done++] = '\n';
	return (int64_t)done;
}

/* The length of the line at `at`, with its end. */
static size_t line_length(const uint8_t *text, size_t size, size_t at)
{
	size_t length = 0;

	while (at + length < size && text[at + length] != '\n')
		length++;
	return length + (at + length < size);
}

static bool line_begins(const uint8_t *line, size_t length, const char *name)
{
	size_t size = strlen(name);

	return length >= size && memcmp(line, name, size) == 0;
}

/* The first line of a text that begins like this; NULL: there is none. */
static const uint8_t *find_line(const uint8_t *text, size_t size, const char *name, size_t *length)
{
	size_t at;

	for (at = 0; at < size; at += *length) {
		*length = line_length(text, size, at);
		if (line_begins(text + at, *length, name))
			return text + at;
	}
	return NULL;
}

/* The first of the names that a line begins with, or NULL. */
static const char *named(const uint8_t *line, size_t length, const char *const *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (line_begins(line, length, names[i]))
			return names[i];
	}
	return NULL;
}

/* /proc/PID/status: lines with PIDs are home's, and sizes the program's. */
static int64_t make_status(const struct lb_thread *of)
{
	static uint8_t home[4096];
	static const char *const home_lines[] = { "Name:", "Tgid:", "Ngid:", "Pid:", "PPid:", "TracerPid:", "Uid:",
		"Gid:", "FDSize:", "Groups:", "NStgid:", "NSpid:", "NSpgid:", "NSsid:", "Umask:" };
	static const char *const sizes[] = { "VmPeak:", "VmSize:", "VmData:" };
	int64_t size = read_local(of, "status", raw, sizeof(raw));
	int64_t home_size = read_home(of, "status", home, sizeof(home));
	size_t done = 0;
	size_t at = 0;
	size_t length;

	if (size < 0 || home_size < 0)
		return size < 0 ? size : home_size;
	for (; at < (size_t)size; at += length) {
		const uint8_t *line = raw + at;
		const char *name;
		size_t home_length = length = line_length(raw, (size_t)size, at);

		if (named(line, length, sizes, sizeof(sizes) / sizeof(sizes[0]))) {
			done += put_less(content + done, line, length,
				lb_own_bytes(line_begins(line, length, "VmData:")) / 1024);
			continue;
		}
		name = named(line, length, home_lines, sizeof(home_lines) / sizeof(home_lines[0]));
		if (name != NULL && find_line(home, (size_t)home_size, name, &home_length) != NULL)
			line = find_line(home, (size_t)home_size, name, &home_length);
		memcpy(content + done, line, home_length);
		done += home_length;
	}
	return (int64_t)done;
}

/* Columns of /proc/PID/limits: "%-25s %-20s %-20s %-10s" (fs/proc/base.c, Linux 6.12). */
#define LIMIT_NAME_WIDTH 26
#define LIMIT_WIDTH 21

static size_t put_limit(uint8_t *to, uint64_t limit)
{
	size_t size = limit == ~0ULL ? strlen("unlimited") : lb_put_number(to, limit);

	if (limit == ~0ULL)
		memcpy(to, "unlimited", size);
	memset(to + size, ' ', size < LIMIT_WIDTH ? LIMIT_WIDTH - size : 1);
	return size < LIMIT_WIDTH ? LIMIT_WIDTH : size + 1;
}

/* /proc/PID/limits: each line as prlimit(2) tells it to the program. */
static int64_t make_limits(const struct lb_thread *of)
{
	static const struct {
		const char *name;
		uint32_t resource;
	} told[] = { { "Max address space", RLIMIT_AS }, { "Max data size", RLIMIT_DATA },
		{ "Max file size", RLIMIT_FSIZE }, { "Max processes", RLIMIT_NPROC },
		{ "Max open files", RLIMIT_NOFILE }, { "Max file locks", RLIMIT_LOCKS },
		{ "Max msgqueue size", RLIMIT_MSGQUEUE }, { "Max nice priority", RLIMIT_NICE } };
	int64_t size = read_local(of, "limits", raw, sizeof(raw));
	size_t done = 0;
	size_t at = 0;
	size_t length;
	size_t i;

	for (; size > 0 && at < (size_t)size; at += length) {
		const uint8_t *line = raw + at;
		uint64_t limit[2];

		length = line_length(raw, (size_t)size, at);
		for (i = 0; i < sizeof(told) / sizeof(told[0]); i++)
			if (line_begins(line, length, told[i].name))
				break;
		if (i == sizeof(told) / sizeof(told[0]) || length < LIMIT_NAME_WIDTH + 2 * LIMIT_WIDTH ||
			lb_limit_told(told[i].resource, limit) < 0) {
			memcpy(content + done, line, length);
			done += length;
			continue;
		}
		memcpy(content + done, line, LIMIT_NAME_WIDTH);
		done += LIMIT_NAME_WIDTH;
		done += put_limit(content + done, limit[0]);
		done += put_limit(content + done, limit[1]);
		memcpy(content + done, line + LIMIT_NAME_WIDTH + 2 * LIMIT_WIDTH,
			length - LIMIT_NAME_WIDTH - 2 * LIMIT_WIDTH);
		done += length - LIMIT_NAME_WIDTH - 2 * LIMIT_WIDTH;
	}
	return size < 0 ? size : (int64_t)done;
}

/* /proc/PID/statm: in pages; the first is the size of all, the sixth that of data and stack. */
static int64_t make_statm(const struct lb_thread *of)
{
	int64_t size = read_local(of, "statm", raw, sizeof(raw));
	size_t done = 0;
	size_t at = 0;
	unsigned field;

	for (field = 1; size > 0 && at < (size_t)size; field++) {
		uint64_t own = field == 1 || field == 6 ? lb_own_bytes(field == 6) / 4096 : 0;
		size_t length = 0;

		while (at + length < (size_t)size && raw[at + length] != ' ')
			length++;
		length++;
		done += put_less(content + done, raw + at, length, own);
		at += length;
	}
	return size < 0 ? size : (int64_t)done;
}

/* Files that are not just the node's. */
static const struct {
	const char *name;
	int64_t (*make)(const struct lb_thread *of);
} made[] = { { "stat", make_stat }, { "status", make_status }, { "limits", make_limits }, { "statm", make_statm } };

int64_t lb_proc_content(const char *name, const struct lb_thread *of)
{
	size_t i;

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		if (strcmp(name, made[i].name) == 0)
			return made[i].make(of);
	}
	return read_local(of, name, content, sizeof(content));
}
