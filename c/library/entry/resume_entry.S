/* resume_entry.S - the restorer's way into resume.c, on the stack of the saved context. */
	.text
	.globl lb_resume_entry
	.hidden lb_resume_entry
	.type lb_resume_entry, @function
lb_resume_entry:
	cld
	mov lb_context + 48(%rip), %rsp
	call lb_resume
	jmp lb_context_resume
	.size lb_resume_entry, . - lb_resume_entry
	.section .note.GNU-stack,"",@progbits
