/* context.S - contexts to resume, and stacks of handlers.
 *
 * lb_context_save() is this library's setjmp: it notes the callee-saved registers, the stack and where to return, in
 * memory that does not change afterwards (the stack below may), and returns false. lb_context_resume() is its longjmp
 * in the restored process: it returns from the same call, with true. Only callee-saved registers matter: the program's
 * own registers lie in its signal frame.
 */
	.text
	.globl lb_context_save, lb_context_resume, lb_on_stack, lb_beside, lb_sigreturn
	.globl lb_order_stack_top, lb_resume_stack_top
	.hidden lb_context_save, lb_context_resume, lb_on_stack, lb_beside, lb_sigreturn
	.hidden lb_order_stack_top, lb_resume_stack_top

	.type lb_context_save, @function
lb_context_save:
	mov %rbx, 0(%rdi)
	mov %rbp, 8(%rdi)
	mov %r12, 16(%rdi)
	mov %r13, 24(%rdi)
	mov %r14, 32(%rdi)
	mov %r15, 40(%rdi)
	lea 8(%rsp), %rdx
	mov %rdx, 48(%rdi)
	mov (%rsp), %rdx
	mov %rdx, 56(%rdi)
	xor %eax, %eax
	ret
	.size lb_context_save, . - lb_context_save

	.type lb_context_resume, @function
lb_context_resume:
	mov 0(%rdi), %rbx
	mov 8(%rdi), %rbp
	mov 16(%rdi), %r12
	mov 24(%rdi), %r13
	mov 32(%rdi), %r14
	mov 40(%rdi), %r15
	mov 48(%rdi), %rsp
	mov $1, %eax
	jmp *56(%rdi)
	.size lb_context_resume, . - lb_context_resume

/* int64_t lb_on_stack(int64_t (*function)(void *), void *argument, uint64_t top): calls it on the stack that ends
 * there. Signals are blocked, and none is entered twice. */
	.type lb_on_stack, @function
lb_on_stack:
	push %rbp
	mov %rsp, %rbp
	mov %rdi, %rax
	mov %rsi, %rdi
	mov %rdx, %rsp
	call *%rax
	mov %rbp, %rsp
	pop %rbp
	ret
	.size lb_on_stack, . - lb_on_stack

/* int64_t lb_beside(int64_t (*function)(void *), void *argument, uint64_t flags): calls it on a stack of its own in
 * another process, which ends by that. */
	.type lb_beside, @function
lb_beside:
	mov %rdi, %r8
	mov %rsi, %r9
	mov %rdx, %rdi
	lea lb_beside_stack_top(%rip), %rsi
	xor %edx, %edx
	xor %r10d, %r10d
	mov $56, %eax		/* clone */
	syscall
	test %rax, %rax
	jz 1f
	ret
1:	xor %ebp, %ebp
	mov %r9, %rdi
	call *%r8
	mov %eax, %edi
	mov $60, %eax		/* exit */
	syscall
	hlt
	.size lb_beside, . - lb_beside

/* The restorer of our own signal frames. Byte for byte what unwinders look for: mov $15,%rax; syscall. */
	.type lb_sigreturn, @function
	nop
lb_sigreturn:
	mov $15, %rax
	syscall
	hlt			/* a frame that the kernel refuses: SIGSEGV, be it once more */
	.size lb_sigreturn, . - lb_sigreturn

	.bss
	.balign 64
	.balign 4096
lb_order_stack:
	.skip 65536
lb_order_stack_top:
	.skip 64
	.skip 65536
lb_resume_stack_top:
	.skip 64
	.skip 2048
lb_beside_stack_top:
	.skip 64
	.section .note.GNU-stack,"",@progbits
