/* mapflags.c - Maps memory in many ways, and prints its flags.
 *
 * Of each page what /proc/self/smaps says of it in VmFlags, and of the process what prctl(2) and its like do. The same
 * must be told after each move.
 *
 *   mapflags
 *
 * Prints "ready", and for each number in its input "begin", all that it knows, and "end", with that number.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul
#define RANGES_MAX 64
#define NR_MSEAL 462
#define PR_GET_MEMORY_MERGE_VALUE 68

static struct range {
	const char *name;
	char *start;
	size_t size;
} ranges[RANGES_MAX];
static int count;

static char *note(const char *name, char *start, size_t size)
{
	ranges[count++] = (struct range){ name, start, size };
	return start;
}

/* Between two pages of another kind, so that no two of them are one mapping. */
static char *map(const char *name, int protection, int flags)
{
	char *memory = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	memory = mmap(memory + PAGE, 4 * PAGE, protection, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (memory == MAP_FAILED) {
		printf("cannot map %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return note(name, memory, 4 * PAGE);
}

static char *filled(const char *name)
{
	char *memory = map(name, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	memset(memory, 'm', 4 * PAGE);
	return memory;
}

static void map_advised(void)
{
	static const struct {
		const char *name;
		int advice;
	} advices[] = {
		{ "DONTFORK", MADV_DONTFORK },
		{ "WIPEONFORK", MADV_WIPEONFORK },
		{ "DONTDUMP", MADV_DONTDUMP },
		{ "SEQUENTIAL", MADV_SEQUENTIAL },
		{ "RANDOM", MADV_RANDOM },
		{ "HUGEPAGE", MADV_HUGEPAGE },
		{ "NOHUGEPAGE", MADV_NOHUGEPAGE },
		{ "MERGEABLE", MADV_MERGEABLE },
		{ "COLD", MADV_COLD },
		{ "PAGEOUT", MADV_PAGEOUT },
		{ "FREE", MADV_FREE },
		{ "DONTNEED", MADV_DONTNEED },
	};

	for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
		madvise(filled(advices[i].name), 4 * PAGE, advices[i].advice);
}

/* The second page of it is written to. */
static void map_file(void)
{
	int fd = open("mapflags.data", O_RDWR | O_CREAT | O_TRUNC, 0600), reader;
	char *memory;

	for (int i = 0; i < 4 * 1024; i++)
		if (write(fd, "data", 4) != 4)
			exit(1);
	memory = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memory[PAGE] = 'w';
	note("file", memory, 4 * PAGE);
	memory = note("file for reading", mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0), 4 * PAGE);
	madvise(memory, 4 * PAGE, MADV_RANDOM);
	reader = open("mapflags.data", O_RDONLY);
	note("shared file", mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, reader, 0), 4 * PAGE);
	note("code of the program", (char *)((uintptr_t)map_file & ~(PAGE - 1)), PAGE);
	close(reader);
	close(fd);
}

static void map_all(void)
{
	char *memory = filled("plain");

	memory = filled("protected later");
	mprotect(memory, 4 * PAGE, PROT_READ);
	memory = filled("hidden later");
	mprotect(memory, 4 * PAGE, PROT_NONE);
	map("never touched", PROT_READ | PROT_WRITE, MAP_PRIVATE);
	map("not reserved", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);
	map("for reading", PROT_READ, MAP_PRIVATE);
	map("for nobody", PROT_NONE, MAP_PRIVATE);
	map("reservation", PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);
	map("code", PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
	map("stack", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_STACK);
	map("grows down", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_GROWSDOWN)[3 * PAGE] = 'x';
	map("populated", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE);
	map("locked from the start", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED);
	mlock(filled("locked"), 4 * PAGE);
	mlock2(map("locked on fault", PROT_READ | PROT_WRITE, MAP_PRIVATE), 4 * PAGE, MLOCK_ONFAULT);
	memory = filled("locked and hidden");
	mlock(memory, 4 * PAGE);
	mprotect(memory, 4 * PAGE, PROT_NONE);
	map_advised();
	memory = filled("many");
	madvise(memory, 4 * PAGE, MADV_DONTFORK);
	madvise(memory, 4 * PAGE, MADV_DONTDUMP);
	mlock(memory, 4 * PAGE);
	syscall(NR_MSEAL, filled("sealed"), 4 * PAGE, 0);
	map_file();
	note("heap", sbrk(0), 8 * PAGE);
	memset(sbrk(8 * PAGE), 'h', 8 * PAGE);
	note("stack of the program", (char *)((uintptr_t)&memory & ~(PAGE - 1)), PAGE);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("cannot write %s: %s\n", path, strerror(errno));
	close(fd);
}

static void set_process(void)
{
	write_file("/proc/self/oom_score_adj", "200");
	write_file("/proc/self/coredump_filter", "0x3f");
	prctl(PR_SET_TIMERSLACK, 70000, 0, 0, 0);
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	prctl(PR_SET_SPECULATION_CTRL, 0, PR_SPEC_DISABLE, 0, 0);
	personality(ADDR_NO_RANDOMIZE);
	mlockall(MCL_FUTURE | MCL_ONFAULT);
}

/* The line of this name that follows the mapping of this address. */
static void find(const char *address, const char *name, char *value, size_t size)
{
	FILE *stream = fopen("/proc/self/smaps", "r");
	char line[512];
	unsigned long start, end;
	int inside = 0;

	snprintf(value, size, "not mapped");
	while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (unsigned long)address >= start && (unsigned long)address < end;
		else if (inside && strncmp(line, name, strlen(name)) == 0)
			snprintf(value, size, "%s", line + strlen(name));
	}
	value[strcspn(value, "\n")] = 0;
	if (stream != NULL)
		fclose(stream);
}

static void tell_file(const char *path)
{
	char text[32] = "none";
	FILE *stream = fopen(path, "r");

	if (stream == NULL || fgets(text, sizeof text, stream) == NULL)
		strcpy(text, "none\n");
	printf("%s %s", path, text);
	if (stream != NULL)
		fclose(stream);
}

static void tell(int time)
{
	char value[512];

	printf("begin %d\n", time);
	for (int i = 0; i < count; i++) {
		for (size_t at = 0; at < ranges[i].size; at += PAGE) {
			find(ranges[i].start + at, "VmFlags:", value, sizeof value);
			printf("%s %zu:%s\n", ranges[i].name, at / PAGE, value);
		}
	}
	char *later = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	find(later, "VmFlags:", value, sizeof value);
	printf("mapped later:%s\n", value);
	munmap(later, PAGE);
	printf("timer slack %d\n", prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	printf("keep capabilities %d\n", prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	printf("no huge pages %d\n", prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	printf("store bypass %d\n", prctl(PR_GET_SPECULATION_CTRL, 0, 0, 0, 0));
	printf("merges %d\n", prctl(PR_GET_MEMORY_MERGE_VALUE, 0, 0, 0, 0));
	printf("no new privileges %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	printf("personality %x\n", (unsigned)personality(0xffffffff));
	tell_file("/proc/self/oom_score_adj");
	tell_file("/proc/self/coredump_filter");
	printf("end %d\n", time);
	fflush(stdout);
}

int main(void)
{
	char line[32];

	map_all();
	set_process();
	printf("ready\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL)
		tell(atoi(line));
	return 0;
}
