/* arm.c - Arms Syscall User Dispatch.
 *
 * Runs in:  a restored process before anything of the program does, all signals blocked.
 */
#include "process/arm.h"

#include <stdbool.h>
#include <linux/elf.h>
#include <linux/prctl.h>
#include <asm/unistd.h>

#include "syscall.h"

#include "process/entries.h"
#include "process/handlers.h"
#include "process/process.h"

/* The library's own file header: ld(1) defines it in every shared object. */
extern const Elf64_Ehdr __ehdr_start LB_HIDDEN;

/* The one R-X mapping of the library, from its program headers, up to where its calls are trapped. */
static bool text_range(uint64_t *start, uint64_t *size)
{
	uint64_t base = (uint64_t)&__ehdr_start;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(base + __ehdr_start.e_phoff);
	unsigned i;

	for (i = 0; i < __ehdr_start.e_phnum; i++) {
		if (segments[i].p_type != PT_LOAD || !(segments[i].p_flags & PF_X))
			continue;
		*start = base + segments[i].p_vaddr;
		/* Its end are the calls that are to be trapped (patch/site_calls.S). */
		*size = (uint64_t)lb_entries.traps - *start;
		return *size + lb_entries.traps_size == segments[i].p_memsz;
	}
	return false;
}

int lb_arm(void)
{
	uint64_t start;
	uint64_t size;

	if (!text_range(&start, &size))
		return -LB_E_UNSUPPORTED;
	lb_sigsys_take();
	/* Without a selector every call from outside is trapped; calls of this text, here too, are not. */
	return (int)lb_syscall5(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, start, size, NULL);
}
