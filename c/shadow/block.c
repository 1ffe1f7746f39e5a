/* block.c - A system call that a signal can keep from being made.
 *
 * A handler that comes right before the call would be too early to interrupt it: so it moves the code past the call.
 */
#define _GNU_SOURCE
#include "block.h"

extern const char lb_block_start[], lb_block_end[], lb_block_cancelled[];
_Static_assert(LB_NOT_MADE == -512, "see lb_block_cancelled");

/* rdi: flag, rsi: number and six arguments. From lb_block_start to lb_block_end nothing has happened yet, and the
 * result is LB_NOT_MADE; at lb_block_end it is in rax. */
__asm__(".pushsection .text\n"
	".globl lb_block, lb_block_start, lb_block_end, lb_block_cancelled\n"
	".type lb_block, @function\n"
	"lb_block:\n"
	"	mov %rsi, %r11\n"
	"	mov %rdi, %rcx\n"
	"	mov (%r11), %rax\n"
	"	mov 8(%r11), %rdi\n"
	"	mov 16(%r11), %rsi\n"
	"	mov 24(%r11), %rdx\n"
	"	mov 32(%r11), %r10\n"
	"	mov 40(%r11), %r8\n"
	"	mov 48(%r11), %r9\n"
	"lb_block_start:\n"
	"	cmpl $0, (%rcx)\n"
	"	jne lb_block_cancelled\n"
	"	syscall\n"
	"lb_block_end:\n"
	"	ret\n"
	"lb_block_cancelled:\n"
	"	mov $-512, %rax\n"
	"	ret\n"
	".size lb_block, . - lb_block\n"
	".popsection\n");

LB_BARE void lb_block_stop(ucontext_t *context)
{
	const char *at = (const char *)context->uc_mcontext.gregs[REG_RIP];

	if (at >= lb_block_start && at < lb_block_end)
		context->uc_mcontext.gregs[REG_RIP] = (greg_t)lb_block_cancelled;
}
