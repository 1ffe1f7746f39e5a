/* resume_entry.S - the restorer's way into resume.c, on the stack of the saved context. */
	.text
	.type lb_resume_entry, @function
lb_resume_entry:
	cld
	mov lb_context + 48(%rip), %rsp
	call lb_resume
	jmp lb_context_resume
	.size lb_resume_entry, . - lb_resume_entry

	.section .data.rel.ro,"aw",@progbits
	.balign 8
	.globl lb_resume_at
	.hidden lb_resume_at
lb_resume_at:
	.quad lb_resume_entry
	.section .note.GNU-stack,"",@progbits
