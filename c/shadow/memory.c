/* memory.c - The shadow's place in the program's memory.
 *
 * When a process leaves home the library loads this program into a range of its own (c/base/load.h); what the program
 * had is given up here.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lb_park.h"
#include "map_lines.h"
#include "memory.h"
#include "state.h"
#include "text.h"

#define LARGE_SIZE (64 << 10) /* malloc(3) maps what is as large; the range's heap is 1 MiB */
#define PAGE_UP(n) (((uint64_t)(n) + LB_PAGE - 1) & ~(uint64_t)(LB_PAGE - 1))

struct lb_loaded *lb_loaded;

/* The section of arrays that are not there at first: LB_LATER. */
extern char later_start[] __asm__("__start_lb_later") __attribute__((visibility("hidden")));
extern char later_end[] __asm__("__stop_lb_later") __attribute__((visibility("hidden")));

void lb_memory_init(void)
{
	lb_loaded = (struct lb_loaded *)getauxval(LB_AUX_LOADED);
	if (lb_loaded == NULL)
		return;
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, LARGE_SIZE);
}

static bool is_of_kernel(const char *line)
{
	const char *name = strchr(line, '[');

	return name != NULL &&
		(strncmp(name, "[vdso]", 6) == 0 || strncmp(name, "[vvar", 5) == 0 ||
			strncmp(name, "[vsyscall]", 10) == 0);
}

/* A line of /proc/self/maps. */
static void give_up(const char *line, void *unused)
{
	const char *at = line;
	uint64_t start = lb_parse_hex(&at), end = (at++, lb_parse_hex(&at));

	(void)unused;
	if (!is_of_kernel(line) && (end <= lb_loaded->start || start >= lb_loaded->end))
		munmap((void *)start, end - start);
}

static bool make(uint64_t start, uint64_t end)
{
	return start >= end ||
		mmap((void *)start, end - start, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == (void *)start;
}

void lb_memory_limit(bool raise)
{
	static const int resources[] = { RLIMIT_AS, RLIMIT_DATA };

	for (int i = 0; lb_loaded != NULL && i < 2; i++) {
		const uint64_t *programs = lb_shadow.state.limits[i];
		const struct rlimit limit = { raise ? programs[1] : programs[0], programs[1] };

		if (raise || programs[0] >= LB_SHADOW_MEMORY)
			setrlimit(resources[i], &limit);
	}
}

bool lb_memory_take(void)
{
	if (lb_loaded == NULL)
		return true;
	lb_each_map_line(give_up, NULL);
	return make(PAGE_UP(later_start), (uint64_t)later_end & ~(uint64_t)(LB_PAGE - 1)) &&
		make(lb_loaded->parking, lb_loaded->parking + LB_PARKED_MAX * (uint64_t)LB_PARKING_STACK_SIZE);
}
