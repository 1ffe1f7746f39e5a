/* resume_entry.S - the restorer's way into resume.c, on a stack that no thread has. */
	.text
	.globl lb_resume_entry
	.hidden lb_resume_entry
	.type lb_resume_entry, @function
lb_resume_entry:
	cld
	lea lb_resume_stack_top(%rip), %rsp
	call lb_resume			/* does not return */
	hlt
	.size lb_resume_entry, . - lb_resume_entry
	.section .note.GNU-stack,"",@progbits
