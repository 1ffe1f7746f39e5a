/* load.h - A static program in memory of this process. Freestanding.
 *
 * The program becomes what an exec would make of it, but for what the process is: its threads, its file and its name
 * stay. The range:
 *
 *   start  segments | heap (brk) | stack, arguments | stacks of parked threads  end
 */
#ifndef LB_LOAD_H
#define LB_LOAD_H

#include <stdint.h>

#include "lb_image.h"

#define LB_RANGE_FIRST 0x200000000000ULL /* far from where Linux puts programs, heaps, libraries and stacks */
#define LB_RANGE_STEP 0x001000000000ULL
#define LB_RANGE_END 0x7e0000000000ULL /* libraries and stacks are above */

/* Type of an entry of the auxiliary vector: where struct lb_loaded is. Linux has none above 51. */
#define LB_AUX_LOADED 0x6c62

/* struct prctl_mm_map of linux/prctl.h, spelled out because linux/prctl.h and sys/prctl.h exclude each other. */
struct lb_mm_map {
	struct lb_image_mm fields;
	uint64_t *auxv;
	uint32_t auxv_size;
	uint32_t exe_fd;
};

/* What a program that was loaded finds, on its stack. */
struct lb_loaded {
	const void *argument; /* of whoever has loaded it, in memory of that one */
	uint64_t start, end;  /* the range */
	uint64_t parking;     /* stacks of parked threads, LB_PARKING_STACK_SIZE each (lb_park.h) */
	struct lb_mm_map map; /* but for its brk, which may have grown */
};

struct lb_load {
	int32_t file;
	uint64_t start;           /* of a range of LB_RANGE_SIZE, where nothing is */
	const char *arguments;    /* `argc` strings, one behind the other */
	uint32_t argc;            /* those that are too many are left out */
	const char *last;         /* one more */
	const void *argument;     /* for struct lb_loaded */
	uint64_t entry;           /* filled in */
	uint64_t stack;           /* filled in */
	struct lb_loaded *loaded; /* filled in */
};

/* Loads it. Memory of its section lb_later is not there yet when it begins, nor are stacks for parked threads. Returns
 * 0 or a negative error: then nothing is in the range. */
int lb_load(struct lb_load *load) __attribute__((visibility("hidden")));
/* Gives the range back. */
void lb_load_drop(const struct lb_load *load) __attribute__((visibility("hidden")));
/* Names its heap, stack and arguments to the kernel: the last step that may fail. */
int lb_load_name(const struct lb_load *load) __attribute__((visibility("hidden")));
__attribute__((noreturn, visibility("hidden"))) void lb_load_enter(const struct lb_load *load);

#endif
