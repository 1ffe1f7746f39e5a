/* signal_handler.h - a signal's handler as the kernel sees it, for assembler files. */
#ifndef LB_SIGNAL_HANDLER_H
#define LB_SIGNAL_HANDLER_H

#include <asm/unistd.h>

#include "entry/signal_entry.h"

#define SIG_SETMASK 2

/* \name asks \arrived what is to be done: back, or to the program's own handler, which gets the kernel's frame as it is
 * and returns as it would. */
/* clang-format off */
	.macro SIGNAL_HANDLER name, arrived
	.text
	.globl \name
	.hidden \name
	.type \name, @function
	.balign 16
	.cfi_startproc
\name:
	push %rdx
	.cfi_adjust_cfa_offset 8
	push %rsi
	.cfi_adjust_cfa_offset 8
	push %rdi			/* struct lb_entry: signal, handler, mask */
	.cfi_adjust_cfa_offset 8
	sub $16, %rsp
	.cfi_adjust_cfa_offset 16
	mov %rsp, %rcx
	call \arrived
	cmp $LB_ENTRY_MASKED, %eax
	jb 3f
	jne 2f
	mov $__NR_rt_sigprocmask, %eax
	mov $SIG_SETMASK, %edi
	mov %rsp, %rsi
	xor %edx, %edx
	mov $8, %r10d
	syscall
2:	add $8, %rsp
	.cfi_adjust_cfa_offset -8
	pop %r11
	.cfi_adjust_cfa_offset -8
	pop %rdi
	.cfi_adjust_cfa_offset -8
	pop %rsi
	.cfi_adjust_cfa_offset -8
	pop %rdx
	.cfi_adjust_cfa_offset -8
	xor %eax, %eax
	jmp *%r11
3:	/* Not through the program's restorer: that call would be trapped, and the mask in the frame changed. */
	.cfi_adjust_cfa_offset 40
	add $48, %rsp
	mov $__NR_rt_sigreturn, %eax
	syscall
	hlt
	.cfi_endproc
	.size \name, . - \name
	.section .note.GNU-stack,"",@progbits
	.endm
/* clang-format on */

#endif
