/* fast_copy.S - a copy that missing memory ends. */
	.text
	.globl lb_fast_copy, lb_fast_copy_end, lb_fast_copy_failed
	.hidden lb_fast_copy, lb_fast_copy_end, lb_fast_copy_failed

/* bool lb_fast_copy(void *to, const void *from, size_t size): a fault between the first label and lb_fast_copy_end
 * goes on at lb_fast_copy_failed. */
	.type lb_fast_copy, @function
	.balign 16
	.cfi_startproc
lb_fast_copy:
	mov %rdx, %rcx
	cmp $256, %rdx
	jae 4f			/* from here on the CPU's own copy is the faster one */
	sub $8, %rcx
	jb 2f
1:	mov (%rsi), %rax
	mov %rax, (%rdi)
	add $8, %rsi
	add $8, %rdi
	sub $8, %rcx
	jae 1b
2:	add $8, %rcx
	jz 5f
3:	movzbl (%rsi), %eax
	mov %al, (%rdi)
	inc %rsi
	inc %rdi
	dec %rcx
	jnz 3b
	jmp 5f
4:	rep movsb
lb_fast_copy_end:
5:	mov $1, %eax
	ret
lb_fast_copy_failed:
	xor %eax, %eax
	ret
	.cfi_endproc
	.size lb_fast_copy, . - lb_fast_copy
	.section .note.GNU-stack,"",@progbits
