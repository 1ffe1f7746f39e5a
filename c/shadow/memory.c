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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lb_restorer.h"
#include "map_lines.h"
#include "memory.h"
#include "park.h"
#include "state.h"
#include "text.h"

#define LARGE_SIZE (64 << 10) /* malloc(3) maps what is as large; the range's heap is 1 MiB */
#define PAGE_UP(n) (((uint64_t)(n) + LB_PAGE - 1) & ~(uint64_t)(LB_PAGE - 1))

struct lb_loaded *lb_loaded;
static struct lb_stays sealed[LB_STAYS_MAX - 1];
static uint32_t sealed_count;

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

	return name != NULL && strchr(line, '/') == NULL &&
		(strncmp(name, "[vdso]", 6) == 0 || strncmp(name, "[vvar", 5) == 0 ||
			strncmp(name, "[vsyscall]", 10) == 0);
}

/* A line of /proc/self/maps. What is sealed stays (mseal(2)); of what can be written the content goes. */
static void give_up(const char *line, void *unused)
{
	const char *at = line;
	struct lb_stays range = { .start = lb_parse_hex(&at) };

	(void)unused;
	range.end = (at++, lb_parse_hex(&at));
	range.writable = strncmp(at, " rw", 3) == 0;
	if (is_of_kernel(line) || (range.end > lb_loaded->start && range.start < lb_loaded->end) ||
		munmap((void *)range.start, range.end - range.start) == 0)
		return;
	madvise((void *)range.start, range.end - range.start, MADV_DONTNEED);
	if (sealed_count < LB_STAYS_MAX - 1)
		sealed[sealed_count++] = range;
}

bool lb_memory_take(void)
{
	return lb_each_map_line(give_up, NULL) == 0;
}

static bool make(uint64_t start, uint64_t size)
{
	return size == 0 ||
		mmap((void *)start, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == (void *)start;
}

static uint64_t later_size(void)
{
	return ((uint64_t)later_end & ~(uint64_t)(LB_PAGE - 1)) - PAGE_UP(later_start);
}

bool lb_memory_make(void)
{
	static bool has_stacks; /* they stay: threads may be on them */

	if (!has_stacks)
		has_stacks = make(lb_loaded->parking, lb_parked_count * (uint64_t)LB_PARKING_STACK_SIZE);
	return has_stacks && make(PAGE_UP(later_start), later_size());
}

void lb_memory_lend(struct lb_stay *stay)
{
	munmap((void *)PAGE_UP(later_start), later_size());
	memset(stay, 0, sizeof *stay);
	stay->ranges[0] = (struct lb_stays){ lb_loaded->start, lb_loaded->end, 1 };
	memcpy(stay->ranges + 1, sealed, sealed_count * sizeof *sealed);
	stay->count = 1 + sealed_count;
	stay->map = lb_loaded->map;
	stay->map.fields.brk = (uint64_t)syscall(SYS_brk, 0);
	prctl(PR_GET_NAME, stay->comm);
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
