/* action.h - Dispositions of signals as the kernel takes them. Freestanding. */
#ifndef LB_ACTION_H
#define LB_ACTION_H

#include <stdint.h>

#include <asm/unistd.h>

#include "syscall.h"

#define LB_SIGNALS 64
#define LB_SIGSET_SIZE 8
#define LB_SA_RESTORER 0x04000000ul /* asm/signal.h, which cannot be included beside <signal.h> */

/* struct kernel_sigaction of x86-64: what rt_sigaction(2) takes, for 32 and 33, too, which glibc's refuses. */
struct lb_action {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

/* SIG_DFL; SIGKILL and SIGSTOP refuse, which is as good. */
static inline void lb_signal_default(int signal)
{
	const struct lb_action action = { 0, 0, 0, 0 };

	lb_syscall4(__NR_rt_sigaction, signal, &action, 0, LB_SIGSET_SIZE);
}

#endif
