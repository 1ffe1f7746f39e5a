/* libc_rseq.h - The restartable sequences that libc registers. Freestanding. */
#ifndef LB_LIBC_RSEQ_H
#define LB_LIBC_RSEQ_H

#include <stdbool.h>
#include <stdint.h>

#include <asm/prctl.h>
#include <asm/unistd.h>
#include <linux/rseq.h>

#include "syscall.h"

#define LB_RSEQ_SIGNATURE 0x53053053 /* RSEQ_SIG, sys/rseq.h */
#define LB_RSEQ_SIZE 32              /* of the first version of struct rseq, which glibc registers */

/* glibc 2.35: where the thread's struct rseq lies; weak, as older C libraries have none. */
extern const int64_t lb_rseq_offset __asm__("__rseq_offset") __attribute__((weak));
extern const uint32_t lb_rseq_size __asm__("__rseq_size") __attribute__((weak));

/* The address of this thread's; 0: libc has registered none. */
static inline uint64_t lb_rseq_of_libc(void)
{
	uint64_t base = 0;

	if (!&lb_rseq_offset || !&lb_rseq_size || lb_rseq_size == 0)
		return 0;
	lb_syscall2(__NR_arch_prctl, ARCH_GET_FS, &base);
	return base + (uint64_t)lb_rseq_offset;
}

/* The kernel writes to a registered area whenever it switches to the thread; where that memory is gone it kills
 * the process (rseq_handle_notify_resume, kernel/rseq.c, v6.12). */
static inline void lb_rseq_of_libc_register(bool on)
{
	uint64_t address = lb_rseq_of_libc();

	if (address)
		lb_syscall4(__NR_rseq, address, LB_RSEQ_SIZE, on ? 0 : RSEQ_FLAG_UNREGISTER, LB_RSEQ_SIGNATURE);
}

#endif
