/* syscall.h - Raw system calls of x86-64.
 *
 * They give the kernel's own result: no errno, no libc.
 *
 * lb_syscallN(number, arguments...) returns >= 0 or -errno. Arguments may be integers or pointers; a
 * 32-bit unsigned is zero-extended and a signed one sign-extended, as C does it.
 */
#ifndef LB_SYSCALL_H
#define LB_SYSCALL_H

#include <stdint.h>

static inline __attribute__((always_inline)) int64_t lb_syscall_raw(
	int64_t number, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f)
{
	int64_t result;
	register int64_t r10 __asm__("r10") = d;
	register int64_t r8 __asm__("r8") = e;
	register int64_t r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
		: "=a"(result)
		: "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}

#define LB_ARG(x) ((int64_t)(x))
#define lb_syscall0(n) lb_syscall_raw(LB_ARG(n), 0, 0, 0, 0, 0, 0)
#define lb_syscall1(n, a) lb_syscall_raw(LB_ARG(n), LB_ARG(a), 0, 0, 0, 0, 0)
#define lb_syscall2(n, a, b) lb_syscall_raw(LB_ARG(n), LB_ARG(a), LB_ARG(b), 0, 0, 0, 0)
#define lb_syscall3(n, a, b, c) lb_syscall_raw(LB_ARG(n), LB_ARG(a), LB_ARG(b), LB_ARG(c), 0, 0, 0)
#define lb_syscall4(n, a, b, c, d) lb_syscall_raw(LB_ARG(n), LB_ARG(a), LB_ARG(b), LB_ARG(c), LB_ARG(d), 0, 0)
#define lb_syscall5(n, a, b, c, d, e) \
	lb_syscall_raw(LB_ARG(n), LB_ARG(a), LB_ARG(b), LB_ARG(c), LB_ARG(d), LB_ARG(e), 0)
#define lb_syscall6(n, a, b, c, d, e, f) \
	lb_syscall_raw(LB_ARG(n), LB_ARG(a), LB_ARG(b), LB_ARG(c), LB_ARG(d), LB_ARG(e), LB_ARG(f))

#endif
