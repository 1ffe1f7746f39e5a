/* site_calls.S - Where patched sites make their calls.
 *
 * What waits for another thread, or wakes one, is this node's alone and must not cost a trap: futex(2) and
 * sched_yield(2) are made directly, in text that is exempt from Syscall User Dispatch, with the program's own registers
 * and mask and nothing on its stack. So they restart, end by EINTR and are left by longjmp(3) as the kernel has it, and
 * a context that is interrupted here becomes one of the site by its rip alone (lb_sites_leave). What the kernel would
 * misunderstand is trapped: futexes with priorities, whose words tell a thread's number, and time limits other than a
 * point in time of CLOCK_REALTIME.
 */
#include <asm/unistd.h>

#include "patch/sites.h"

	.text
	.globl lb_site_direct, lb_site_direct_futex, lb_site_direct_yield, lb_site_direct_after, lb_site_traps
	.hidden lb_site_direct, lb_site_direct_futex, lb_site_direct_yield, lb_site_direct_after, lb_site_traps
	.type lb_site_direct, @function
	.balign LB_DIRECT_SIZE
	.cfi_startproc
	.cfi_undefined %rip
lb_site_direct:
	.set index, 0
	.rept LB_SITES
	.balign LB_DIRECT_SIZE
	/* A site that passes any number, and this is one of these two. */
	cmp $__NR_futex, %eax
	je 1f
	jmp 2f

	.if index == 0
lb_site_direct_yield:
	.endif
	mov $__NR_sched_yield, %eax
	jmp 2f

	.if index == 0
lb_site_direct_futex:
	.endif
1:	mov %esi, %ecx
	and $LB_FUTEX_COMMAND, %ecx
	cmp $LB_FUTEX_LAST, %ecx
	ja 4f
	mov $LB_FUTEX_WAKES, %r11d
	bt %ecx, %r11d
	jnc 3f
5:	mov $__NR_futex, %eax
2:	syscall
	.if index == 0
lb_site_direct_after:
	.endif
	jmp *lb_site_after + 8 * index(%rip)
3:	mov $LB_FUTEX_WAITS, %r11d
	bt %ecx, %r11d
	jnc 4f
	test %r10, %r10			/* no time limit */
	jz 5b
	test %ecx, %ecx			/* FUTEX_WAIT, whose limit is relative */
	jz 4f
	test $LB_FUTEX_REALTIME, %esi
	jnz 5b
4:	mov $__NR_futex, %eax
	jmp lb_site_traps + LB_STUB_SIZE * index

	.set index, index + 1
	.endr
	.balign LB_DIRECT_SIZE
	.cfi_endproc
	.size lb_site_direct, . - lb_site_direct
/* Where site i makes its call if it has no `syscall` of its own any more: outside the range that is exempt from
 * Syscall User Dispatch (process/arm.c), so behind all other code, where the linker puts sections it does not know, in
 * the order in which it meets them: that of vdso.c, which is exempt, is named first. */
	.section lb_hooks, "ax", @progbits
	.section lb_traps, "ax", @progbits
	.balign LB_STUB_SIZE
	.type lb_site_traps, @function
lb_site_traps:
	.set index, 0
	.rept LB_SITES
	.balign LB_STUB_SIZE
	syscall
	jmp *lb_site_after + 8 * index(%rip)
	.set index, index + 1
	.endr
	.balign LB_STUB_SIZE
	.size lb_site_traps, . - lb_site_traps
	.section .note.GNU-stack,"",@progbits
