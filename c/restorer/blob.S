/* blob.S - the restorer blob as bytes, for whoever links enter.c. */
	.section .rodata
	.balign 16
	.globl lb_restorer_blob
	.hidden lb_restorer_blob
lb_restorer_blob:
	.incbin "restorer.bin"
	.globl lb_restorer_blob_end
	.hidden lb_restorer_blob_end
lb_restorer_blob_end:
	.section .note.GNU-stack,"",@progbits
