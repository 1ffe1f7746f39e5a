/* own_memory.c - memory of the library's own, which only a guest has.
 *
 * Runs in:  a restored process before anything of the program does, and the SIGSYS handler; all signals blocked.
 */
#include "process/own_memory.h"

#include <linux/mman.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "process/process.h"

struct lb_guest_areas *lb_areas;
static uint64_t noted[LB_OWN_KINDS];

void lb_own_note(enum lb_own kind, uint64_t bytes)
{
	noted[kind] = bytes;
}

bool lb_areas_make(void)
{
	int64_t at;

	if (lb_areas)
		return true;
	at = lb_syscall6(__NR_mmap, 0, sizeof *lb_areas, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at < 0)
		return false;
	lb_areas = (struct lb_guest_areas *)at;
	return true;
}

void lb_areas_drop(void)
{
	if (lb_areas)
		lb_syscall2(__NR_munmap, lb_areas, sizeof *lb_areas);
	lb_areas = 0;
}

uint64_t lb_own_bytes(bool data)
{
	uint64_t bytes = (lb_areas ? LB_PAGES(sizeof *lb_areas) : 0) + noted[LB_OWN_KEPT];
	if (!data)
		bytes += lb_self.hole_end - lb_self.hole_start + lb_self.ring_end - lb_self.ring_start +
			noted[LB_OWN_LANDINGS];
	return bytes;
}
