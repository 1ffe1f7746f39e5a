/* park.c - Threads of the program that wait in the shadow.
 *
 * They keep what the kernel knows of them by their number: leases, PDEATHSIG of children, timers.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "park.h"

struct lb_parked lb_parked[LB_PARKED_MAX];
uint32_t lb_parked_count;

_Static_assert(offsetof(struct lb_parked, state) == 0 && offsetof(struct lb_parked, ip) == 8 &&
		offsetof(struct lb_parked, sp) == 16 && offsetof(struct lb_parked, arg) == 24 && LB_PARKED_WAITS == 1 &&
		LB_PARKED_GO == 2 && FUTEX_WAIT_PRIVATE == 128 && FUTEX_WAKE_PRIVATE == 129,
	"see lb_park");

/* rdi: the slot. FUTEX_WAKE_PRIVATE tells that the thread is there, FUTEX_WAIT_PRIVATE waits. */
__asm__(".pushsection .text\n"
	".globl lb_park\n"
	".hidden lb_park\n"
	".type lb_park, @function\n"
	"lb_park:\n"
	"	mov %rdi, %rbx\n"
	"	movl $1, (%rbx)\n"
	"	mov $129, %esi\n"
	"	mov $0x7fffffff, %edx\n"
	"	mov $202, %eax\n" /* futex */
	"	syscall\n"
	"1:	cmpl $2, (%rbx)\n"
	"	je 2f\n"
	"	mov %rbx, %rdi\n"
	"	mov $128, %esi\n"
	"	mov $1, %edx\n"
	"	xor %r10d, %r10d\n"
	"	mov $202, %eax\n"
	"	syscall\n"
	"	jmp 1b\n"
	"2:	mov 24(%rbx), %rdi\n"
	"	mov 16(%rbx), %rsp\n"
	"	jmp *8(%rbx)\n"
	".size lb_park, . - lb_park\n"
	".popsection\n");

void lb_park_let_go(struct lb_parked *slot, uint64_t ip, uint64_t sp, uint64_t arg)
{
	slot->ip = ip;
	slot->sp = sp;
	slot->arg = arg;
	__atomic_store_n(&slot->state, LB_PARKED_GO, __ATOMIC_RELEASE);
	syscall(SYS_futex, &slot->state, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void lb_park_wait(const struct lb_parked *slot)
{
	while (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) != LB_PARKED_WAITS)
		syscall(SYS_futex, &slot->state, FUTEX_WAIT_PRIVATE, LB_PARKED_NONE, NULL, NULL, 0);
}

void lb_park_take(struct lb_parked *slots, uint32_t count)
{
	lb_parked_count = 0;
	for (uint32_t i = 0; i < count && lb_parked_count < LB_PARKED_MAX; i++) {
		struct lb_parked *slot = &lb_parked[lb_parked_count];

		if (slots[i].state != LB_PARKED_WAITS)
			continue;
		slot->state = LB_PARKED_NONE;
		slot->tid = slots[i].tid;
		lb_park_let_go(&slots[i], (uint64_t)lb_park, 0, (uint64_t)slot);
		lb_parked_count++;
	}
	for (uint32_t i = 0; i < lb_parked_count; i++)
		lb_park_wait(&lb_parked[i]);
}
