/* site_entry.S - Where patched sites arrive.
 *
 * A site's jump arrives with the program's own registers; like the system call that it stands for, it may change
 * rax, rcx and r11 only. Everything it needs lies on the program's stack below the red zone, so it may be
 * interrupted, nested, left by longjmp(3) and moved to another node at every instruction, except that nothing of the
 * program runs and nothing is moved while `answering` is set (signal_entry.c).
 */
#include <asm/unistd.h>

#include "patch/sites.h"

#define SIG_SETMASK 2
#define RED_ZONE 128

	.text
	.globl lb_site_stubs, lb_site_any_stubs
	.hidden lb_site_stubs, lb_site_any_stubs

/* Stub i: to fast_entry with rcx = i. */
	.type lb_site_stubs, @function
	.balign 16
	.cfi_startproc
	.cfi_def_cfa %rsp, 0
	.cfi_undefined %rip
lb_site_stubs:
	.set index, 0
	.rept LB_SITES
	.balign LB_STUB_SIZE
	mov $index, %ecx
	jmp fast_entry
	.set index, index + 1
	.endr
	.size lb_site_stubs, . - lb_site_stubs

/* The same of sites that pass any number: some calls are not answered, but made (site_calls.S). */
	.type lb_site_any_stubs, @function
	.balign 16
lb_site_any_stubs:
	.set index, 0
	.rept LB_SITES
	.balign LB_STUB_SIZE
	mov $index, %ecx
	jmp any_entry
	.set index, index + 1
	.endr
any_entry:
	cmp $__NR_futex, %eax
	je 1f
	cmp $__NR_sched_yield, %eax
	jne fast_entry
1:	shl $LB_DIRECT_SHIFT, %ecx
	lea lb_site_direct(%rip), %r11
	add %rcx, %r11
	jmp *%r11
	.size lb_site_any_stubs, . - lb_site_any_stubs

	.type fast_entry, @function
	.balign 16
fast_entry:
	lea -RED_ZONE(%rsp), %rsp
	.cfi_adjust_cfa_offset RED_ZONE
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov %rsp, %rbp
	.cfi_def_cfa_register %rbp
	lea lb_site_after(%rip), %r11
	push (%r11,%rcx,8)		/* -8(%rbp): where the program goes on */
	.cfi_offset %rip, -(RED_ZONE + 16)
	and $-16, %rsp
	push %r9
	push %r8
	push %r10
	push %rdx
	push %rsi
	push %rdi
	mov %ecx, %edi
	mov %rsp, %rsi
	lea -8(%rbp), %rdx
	mov %rax, %rcx
	/* This thread's: on the same thread it is when it goes on, wherever that is. */
	mov lb_this_thread@gottpoff(%rip), %r11
	mov %fs:(%r11), %r11
	movl $1, LB_THREAD_ANSWERING_AT(%r11)
	call lb_site_call
	mov lb_this_thread@gottpoff(%rip), %r11
	mov %fs:(%r11), %r11
	movl $0, LB_THREAD_ANSWERING_AT(%r11)
	cmpl $0, LB_THREAD_DEFERRED_AT(%r11)
	jne deliver
leave:
	pop %rdi
	pop %rsi
	pop %rdx
	pop %r10
	pop %r8
	pop %r9
	mov -8(%rbp), %rcx
	.cfi_register %rip, %rcx
	mov %rbp, %rsp
	.cfi_def_cfa_register %rsp
	pop %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	lea RED_ZONE(%rsp), %rsp
	.cfi_adjust_cfa_offset -RED_ZONE
	jmp *%rcx
	.cfi_def_cfa %rbp, RED_ZONE + 8
	.cfi_offset %rbp, -(RED_ZONE + 8)
	.cfi_offset %rip, -(RED_ZONE + 16)
deliver:
	/* Signals have come meanwhile, and all are blocked: now they are delivered, on the program's stack. */
	push %rax
	push %rax
	mov %rsp, %rdi
	call lb_deferred_take
	mov $__NR_rt_sigprocmask, %eax
	mov $SIG_SETMASK, %edi
	mov %rsp, %rsi
	xor %edx, %edx
	mov $8, %r10d
	syscall
	pop %rax
	pop %rax
	jmp leave
	.cfi_endproc
	.size fast_entry, . - fast_entry

	.section .note.GNU-stack,"",@progbits
