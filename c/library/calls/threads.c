/* threads.c - Threads that a guest makes, and their end.
 *
 * A thread has one of its own at home, which makes its calls, and whose number is its own for the program. So home
 * makes one first. The one here begins on the library's stack that its slot has, in a copy of the frame that its
 * parent's call has: by rt_sigreturn(2) it goes on behind that call with the parent's registers and mask, its own
 * stack, and 0.
 *
 * Runs in:  the SIGSYS handler, all signals blocked; a new thread, all signals blocked.
 */
#include "calls/threads.h"

#include <linux/errno.h>
#include <linux/sched.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"

#include "calls/own.h"
#include "home_call/link_calls.h"
#include "home_call/request.h"
#include "home_call/user_memory.h"
#include "process/arm.h"
#include "process/identity.h"
#include "process/limits.h"
#include "process/own_memory.h"
#include "process/process.h"
#include "process/robust.h"
#include "thread/lock.h"
#include "trap/frame.h"
#include "trap/stub.h"
#include "trap/trap.h"

#define MUST (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS)
#define MAY (MUST | CLONE_SYSVSEM | CLONE_DETACHED | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)
/* The numbers in the program's memory are home's, and written before anybody looks. */
#define FLAGS (MUST | CLONE_SYSVSEM | CLONE_PARENT_SETTID)

/* What a new thread's stack begins with. */
struct newborn {
	struct lb_thread *thread;
	struct ucontext context;
	siginfo_t unused; /* struct rt_sigframe ends so */
};

/* clang-format off */
__asm__(".pushsection .text\n"
	/* Its arguments are those of clone(2). */
	".type clone_thread, @function\n"
	"clone_thread:\n"
	"	mov %rcx, %r10\n"
	"	mov $56, %eax\n" /* clone */
	"	syscall\n"
	"	test %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call begin_life\n"
	"	mov %rax, %rsp\n" /* the context: where rt_sigreturn(2) looks for it */
	"	jmp lb_sigreturn\n"
	".size clone_thread, . - clone_thread\n"
	".popsection\n");
/* clang-format on */
_Static_assert(__NR_clone == 56, "as clone_thread has it");
int64_t clone_thread(
	uint64_t flags, struct newborn *stack, uint32_t *tid, uint64_t child_tid, uint64_t storage) LB_HIDDEN;

__attribute__((used)) static struct ucontext *begin_life(struct newborn *self)
{
	self->thread->local_tid = (uint32_t)lb_syscall0(__NR_gettid);
	lb_arm(); /* as its parent is: it cannot fail */
	return &self->context;
}

bool lb_clone_is_thread(const struct lb_clone *clone)
{
	uint64_t self;

	if ((clone->flags & MUST) != MUST || (clone->flags & ~(uint64_t)MAY) != 0 || clone->stack == 0)
		return false;
	/* Of storage that is not laid out as "ELF Handling for Thread-Local Storage" says, ours has no place in it. */
	return lb_user_read(&self, clone->storage, sizeof(self)) == 0 && self == clone->storage;
}

/* Where its pointer to its slot is in a thread's storage: in each as far from where FS points to. */
static uint64_t slot_pointer(uint64_t storage)
{
	uint64_t own;

	__asm__("mov %%fs:0, %0" : "=r"(own));
	return storage + ((uint64_t)&lb_this_thread - own);
}

static bool has_memory(struct lb_thread *thread)
{
	bool has = thread->stack_top != 0 && thread->areas != NULL;

	if (has)
		return true;
	lb_limits_follow(LB_STACK_SIZE + LB_PAGES(sizeof(struct lb_call_areas)));
	has = lb_thread_make_stack(thread) && lb_thread_make_areas(thread);
	lb_limits_follow(0);
	return has;
}

/* A copy of the frame, at the upper end of the new thread's own stack. */
static struct newborn *lay_out(struct lb_thread *thread, const struct ucontext *from, uint64_t stack)
{
	uint64_t size = lb_vectors_size(from->uc_mcontext.fpstate);
	uint64_t vectors = (thread->stack_top - size) & ~63ULL; /* as xrstor wants it */
	struct newborn *self = (struct newborn *)((vectors - sizeof(*self)) & ~63ULL);

	if (size > LB_STACK_SIZE / 2)
		return NULL;
	memset(self, 0, sizeof(*self));
	self->thread = thread;
	self->context = *from;
	if (size > 0) {
		memcpy((void *)vectors, from->uc_mcontext.fpstate, size);
		self->context.uc_mcontext.fpstate = (void *)vectors;
	}
	self->context.uc_mcontext.rax = 0;
	self->context.uc_mcontext.rsp = stack;
	self->context.uc_stack = (stack_t){ .ss_flags = SS_DISABLE }; /* a new thread has none: clone(2) */
	return self;
}

/* What it has of its parent; all else is its own. */
static void inherit(struct lb_thread *thread, uint32_t home_tid)
{
	const struct lb_thread *by = lb_thread();

	thread->home_tid = home_tid;
	thread->believed = by->believed;
	thread->quiet_blocked = by->quiet_blocked;
	thread->faults_blocked = by->faults_blocked;
	thread->scheduling = by->scheduling;
}

static int64_t make_here(struct lb_trap *trap, const struct lb_clone *clone, struct lb_thread *thread, uint32_t tid)
{
	struct newborn *self = lay_out(thread, trap->context, clone->stack);
	uint64_t pointer = slot_pointer(clone->storage);
	uint64_t clears = clone->flags & CLONE_CHILD_CLEARTID;

	if (self == NULL || lb_user_write(pointer, &thread, sizeof(thread)) < 0)
		return -EAGAIN;
	if (clone->flags & CLONE_PARENT_SETTID)
		lb_user_write(clone->parent_tid, &tid, sizeof(tid));
	if (clone->flags & CLONE_CHILD_SETTID)
		lb_user_write(clone->child_tid, &tid, sizeof(tid));
	inherit(thread, tid);
	return clone_thread(FLAGS | clears, self, &thread->local_tid, clone->child_tid, clone->storage);
}

int64_t lb_thread_clone(struct lb_trap *trap, const struct lb_clone *clone)
{
	struct lb_thread *thread = lb_threads_count() < LB_THREADS_MAX ? lb_thread_reserve() : NULL;
	int64_t tid, result;

	if (thread == NULL || !has_memory(thread))
		return -EAGAIN;
	tid = lb_home_values(LB_HOME_THREAD, 0, 0, 0, 0);
	if (tid < 0)
		return tid == -ENOSYS ? LB_NEEDS_HOME : tid;
	/* From the moment that there is another one, this call holds it off. */
	if (!lb_is_threaded) {
		lb_is_threaded = true;
		lb_lock_take();
	}
	result = make_here(trap, clone, thread, (uint32_t)tid);
	if (result > 0)
		return tid;
	lb_thread_leave(thread);
	lb_home_values(LB_HOME_THREAD_END, (uint64_t)tid, 0, 0, 0);
	return result;
}

/* ---- its end ---- */

int64_t lb_own_exit(struct lb_trap *trap)
{
	struct lb_thread *thread = lb_thread();
	uint64_t head = 0, size = 0, home_tid = thread->home_tid;

	/* The last one's status is the process's: synchronize_group_exit(), kernel/exit.c, Linux 6.12. */
	if (lb_threads_count() <= 1)
		return lb_own_exit_group(trap);
	lb_syscall3(__NR_get_robust_list, 0, &head, &size);
	lb_robust_end(head, thread->home_tid);
	lb_syscall2(__NR_set_robust_list, 0, size);
	if (home_tid != lb_self.home_pid) /* the first one there is the shadow itself */
		lb_home_values(LB_HOME_THREAD_END, home_tid, 0, 0, 0);
	lb_link_thread_ends(thread);
	lb_thread_leave(thread);
	/* Nothing of the program runs in it any more. The kernel clears the program's word and wakes who waits. */
	trap->context->uc_sigmask = ~0ULL;
	return lb_here(trap);
}
