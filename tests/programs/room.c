/*
 * room: how much memory the program's limits leave it. What it may still map must be the same wherever it runs.
 *
 *   room MEGABYTES
 *
 * Fills so many, prints "ready"; then a line each time that the file "look" is there (it removes it): what it may
 * still map, in pages of 4 KiB, and what getrlimit(2), /proc/self/limits and /proc/self/status say. Ends when the
 * file "end" is there, by a stack that grows to a megabyte.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE 4096UL

static void must(int right, const char *what)
{
	if (right)
		return;
	perror(what);
	exit(1);
}

/* Pages that can still be mapped at once: found by halving. */
static unsigned long room(int protection)
{
	unsigned long low = 0, high = 1UL << 32;

	while (high - low > 1) {
		unsigned long middle = (low + high) / 2;
		void *at = mmap(NULL, middle * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (at == MAP_FAILED) {
			high = middle;
			continue;
		}
		munmap(at, middle * PAGE);
		low = middle;
	}
	return low;
}

/* The line of a file in /proc/self that begins like this, without its blanks in a row. */
static void print_line(const char *path, const char *begin)
{
	char line[512];
	FILE *file = fopen(path, "r");

	must(file != NULL, path);
	while (fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, begin, strlen(begin)) != 0)
			continue;
		printf(" |");
		for (char *word = strtok(line, " \t\n"); word != NULL; word = strtok(NULL, " \t\n"))
			printf(" %s", word);
	}
	fclose(file);
}

static void look(void)
{
	struct rlimit space, data;

	must(getrlimit(RLIMIT_AS, &space) == 0 && getrlimit(RLIMIT_DATA, &data) == 0, "getrlimit");
	printf("room %lu %lu limits %ld %ld %ld %ld", room(PROT_NONE), room(PROT_READ | PROT_WRITE),
		(long)space.rlim_cur, (long)space.rlim_max, (long)data.rlim_cur, (long)data.rlim_max);
	printf(" lock %d", mlockall(MCL_CURRENT) == 0);
	munlockall();
	print_line("/proc/self/limits", "Max address space");
	print_line("/proc/self/limits", "Max data size");
	print_line("/proc/self/limits", "Max open files");
	print_line("/proc/self/status", "VmSize");
	print_line("/proc/self/status", "VmData");
	printf("\n");
	fflush(stdout);
}

static int deep(unsigned levels)
{
	volatile char here[PAGE];

	memset((void *)here, (int)levels, sizeof here);
	return levels == 0 ? here[0] : deep(levels - 1) + here[PAGE / 2];
}

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 : 0;
	char *memory = size > 0 ? malloc(size) : NULL;

	must(size == 0 || memory != NULL, "malloc");
	if (memory != NULL)
		memset(memory, 1, size);
	setvbuf(stdout, NULL, _IOFBF, 4096);
	printf("ready\n");
	fflush(stdout);
	while (access("end", F_OK) < 0) {
		if (unlink("look") == 0)
			look();
		usleep(10000);
	}
	printf("deep %d\n", deep(256) != 0);
	return 0;
}
