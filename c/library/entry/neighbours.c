/* neighbours.c - Other libraries between the program and its C library.
 *
 * AddressSanitizer's runtime refuses to start unless it is the first library of the process, so that its functions
 * are found before all others: AsanCheckDynamicRTPrereqs(), compiler-rt/lib/asan/asan_linux.cpp, LLVM 18 (gcc has the
 * same code). Ours stands in front of four functions only, and passes on what is not for it to the next library that
 * has them. So it steps back: the check leaves out what is named as the kernel's vdso is.
 *
 * ThreadSanitizer and MemorySanitizer keep books of every signal handler and every byte, and Valgrind executes the
 * program in a machine of its own: nothing of that can move, so there the library only tells the daemon that the
 * process is there.
 */
#include "entry/neighbours.h"

#include "process/process.h"

struct neighbour_map { /* struct link_map, link.h: its public part */
	uint64_t base;
	const char *name;
	const void *dynamic;
	struct neighbour_map *next;
};

struct neighbour_list { /* struct r_debug, link.h: the loader's list of what is loaded, in its order */
	int32_t version;
	struct neighbour_map *first;
};

extern struct neighbour_list lb_loaded __asm__("_r_debug") __attribute__((weak));
extern const char lb_dynamic __asm__("_DYNAMIC") LB_HIDDEN;

extern void lb_asan_init(void) __asm__("__asan_init") __attribute__((weak));
extern void lb_tsan_init(void) __asm__("__tsan_init") __attribute__((weak));
extern void lb_msan_init(void) __asm__("__msan_init") __attribute__((weak));

extern void *lb_dlsym(void *handle, const char *name) __asm__("dlsym") __attribute__((weak));
#define RTLD_NEXT ((void *)-1L)

struct lb_next lb_next;

/* Client request RUNNING_ON_VALGRIND, valgrind.h: four rotations that add up to nothing, and a marker that only
 * Valgrind's machine acts on. */
static bool is_under_valgrind(void)
{
	uint64_t request[6] = { 0x1001, 0, 0, 0, 0, 0 };
	uint64_t result = 0;
	__asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi; xchgq %%rbx, %%rbx"
		: "+d"(result)
		: "a"(request)
		: "cc", "memory");
	return result != 0;
}

static void step_back(void)
{
	if (!&lb_loaded)
		return;
	for (struct neighbour_map *map = lb_loaded.first; map; map = map->next)
		if (map->dynamic == &lb_dynamic)
			map->name = "linux-lb-preload.so";
}

void lb_neighbours_meet(void)
{
	if (lb_dlsym) {
		/* Not before this: the functions work without, and nobody looks names up inside a handler. */
		lb_next.sigaction = (int (*)(int, const void *, void *))lb_dlsym(RTLD_NEXT, "sigaction");
		lb_next.signal = (uint64_t (*)(int, uint64_t))lb_dlsym(RTLD_NEXT, "signal");
		lb_next.sysv_signal = (uint64_t (*)(int, uint64_t))lb_dlsym(RTLD_NEXT, "__sysv_signal");
		lb_next.sigset = (uint64_t (*)(int, uint64_t))lb_dlsym(RTLD_NEXT, "sigset");
		lb_next.sigignore = (int (*)(int))lb_dlsym(RTLD_NEXT, "sigignore");
		lb_next.siginterrupt = (int (*)(int, int))lb_dlsym(RTLD_NEXT, "siginterrupt");
		lb_next.sigtimedwait =
			(int (*)(const uint64_t *, void *, const int64_t *))lb_dlsym(RTLD_NEXT, "sigtimedwait");
		lb_next.sigwait = (int (*)(const uint64_t *, int *))lb_dlsym(RTLD_NEXT, "sigwait");
		lb_next.sigpending = (int (*)(uint64_t *))lb_dlsym(RTLD_NEXT, "sigpending");
	}
	if (lb_asan_init)
		step_back();
	lb_next.alone = lb_tsan_init || lb_msan_init || is_under_valgrind();
}
