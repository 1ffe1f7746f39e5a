/* memory_child.h - A child that shares memory, but not the table of descriptors.
 *
 * Freestanding.
 */
#ifndef LB_MEMORY_CHILD_H
#define LB_MEMORY_CHILD_H

#include <stdint.h>

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "syscall.h"

/* Calls `function` in such a child, on the stack that ends at `stack_top`, while this process waits for it as in
 * vfork(2). What it opens and closes is its own: to close a file here would release the program's locks on it
 * (fcntl_locking(2)). Without a child (RLIMIT_NPROC, say) nothing is called. */
static inline void lb_memory_child(void (*function)(void), uint64_t stack_top)
{
	int64_t pid = __NR_clone;

	__asm__ volatile("xor %%edx, %%edx\n\t"
			 "xor %%r10d, %%r10d\n\t"
			 "xor %%r8d, %%r8d\n\t"
			 "syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "call *%[function]\n\t"
			 "mov %[exit], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n"
			 "1:"
		: "+a"(pid)
		: "D"((uint64_t)(CLONE_VM | CLONE_VFORK)),
		"S"(stack_top), [function] "b"(function), [exit] "i"(__NR_exit)
		: "rcx", "rdx", "r8", "r10", "r11", "memory", "cc");
	while (pid > 0 && lb_syscall4(__NR_wait4, pid, 0, __WALL, 0) == -EINTR)
		continue;
}

#endif
