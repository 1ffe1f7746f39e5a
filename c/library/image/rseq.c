/* rseq.c - the area of restartable sequences (rseq(2)), registered on each node.
 *
 * The program, or its C library, has registered it; the kernel keeps the number of the processor there.
 *
 * The kernel does not tell a process where its own area is. That of glibc is known, and to register an area once more
 * tells whether it is that one. Another's is told to a tracer (PTRACE_GET_RSEQ_CONFIGURATION, ptrace(2), Linux 5.13):
 * a short-lived process that shares this one's memory, which only a program without glibc's pays for.
 *
 * Runs in:  the trigger's and the SIGSYS handler, all signals blocked; the restored process before it goes on. A
 * sequence that a move comes into has been left for its abort handler by then, as by any signal.
 */
#include "image/rseq.h"

#include <asm/prctl.h>
#include <linux/errno.h>
#include <linux/prctl.h>
#include <linux/ptrace.h>
#include <linux/rseq.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <asm/unistd.h>

#include "libc_rseq.h"
#include "mem.h"
#include "syscall.h"

#include "home_call/user_memory.h"
#include "process/context.h"
#include "process/process.h"
#include "thread/lock.h"
#include "thread/thread.h"

static int64_t call(uint64_t address, uint32_t size, uint64_t flags, uint32_t signature)
{
	return lb_syscall4(__NR_rseq, address, size, flags, signature);
}

void lb_rseq_drop(void)
{
	if (lb_thread()->rseq.address)
		call(lb_thread()->rseq.address, lb_thread()->rseq.size, RSEQ_FLAG_UNREGISTER,
			lb_thread()->rseq.signature);
}

/* In a process of its own: asks the kernel about its parent. */
static int64_t ask(void *argument)
{
	struct ptrace_rseq_configuration *told = argument;
	int64_t parent = lb_thread()->local_tid; /* that thread: it shares its storage */
	int32_t status;
	int64_t error = lb_syscall4(__NR_ptrace, PTRACE_SEIZE, parent, 0, 0);
	if (error < 0)
		return error;
	lb_syscall4(__NR_ptrace, PTRACE_INTERRUPT, parent, 0, 0);
	do
		error = lb_syscall4(__NR_wait4, parent, &status, __WALL, 0);
	while (error == -EINTR);
	if (error > 0)
		error = lb_syscall4(__NR_ptrace, PTRACE_GET_RSEQ_CONFIGURATION, parent, sizeof *told, told);
	return error; /* its end lets the parent go on */
}

static bool ask_beside(struct ptrace_rseq_configuration *told)
{
	memset(told, 0, sizeof *told);
	/* No signal tells of its end, and nobody but this one waits for it. */
	int64_t pid = lb_beside(ask, told, CLONE_VM | CLONE_FS | CLONE_FILES);
	if (pid < 0)
		return false;
	int64_t ended;
	do
		ended = lb_syscall4(__NR_wait4, pid, 0, __WALL, 0);
	while (ended == -EINTR);
	return told->rseq_abi_pointer != 0;
}

int lb_rseq_take(void)
{
	static uint8_t nobodys[LB_RSEQ_SIZE] __attribute__((aligned(LB_RSEQ_SIZE)));
	static struct ptrace_rseq_configuration told;
	uint64_t libc = lb_rseq_of_libc();
	uint64_t probe = libc ? libc : (uint64_t)nobodys;
	int64_t result = call(probe, LB_RSEQ_SIZE, 0, LB_RSEQ_SIGNATURE);
	lb_thread()->rseq.address = 0;
	if (result == 0) /* there was none */
		call(probe, LB_RSEQ_SIZE, RSEQ_FLAG_UNREGISTER, LB_RSEQ_SIGNATURE);
	if (result == 0 || result == -ENOSYS)
		return 0;
	lb_thread()->rseq.address = probe;
	lb_thread()->rseq.size = LB_RSEQ_SIZE;
	lb_thread()->rseq.signature = LB_RSEQ_SIGNATURE;
	if (result == -EBUSY)
		return 0;
	/* One thread at a time: what asks has a stack, and a place for the answer, of which there is one. */
	static volatile bool asking;
	lb_spin_take(&asking);
	bool known = ask_beside(&told);
	if (!known) {
		/* Where Yama lets no process trace its parent. */
		lb_syscall5(__NR_prctl, PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
		known = ask_beside(&told);
		lb_syscall5(__NR_prctl, PR_SET_PTRACER, 0, 0, 0, 0);
	}
	lb_thread()->rseq.address = told.rseq_abi_pointer;
	lb_thread()->rseq.size = told.rseq_abi_size;
	lb_thread()->rseq.signature = told.signature;
	lb_spin_leave(&asking);
	return known ? 0 : -LB_E_RSEQ;
}

void lb_rseq_give(void)
{
	const struct {
		uint32_t start, number;
	} none = { 0, (uint32_t)RSEQ_CPU_ID_REGISTRATION_FAILED };
	/* A kernel that has no rseq(2): then the program is not to believe what it was told elsewhere. */
	if (lb_thread()->rseq.address &&
		call(lb_thread()->rseq.address, lb_thread()->rseq.size, 0, lb_thread()->rseq.signature) < 0)
		lb_user_write(lb_thread()->rseq.address, &none, sizeof none);
}
