/* dispatch.c - interception after a move: every system call that the program makes arrives here.
 *
 * Syscall User Dispatch (prctl(2), PR_SET_SYSCALL_USER_DISPATCH) turns each call from outside this library's
 * text into SIGSYS. The handler runs on the program's stack with all signals blocked and decides by the table
 * (lb_syscalls.h): go home with it (forward_call.c), answer it here (forward_own.c and its like), let the
 * program execute it on this node, or bring the process home.
 *
 * A call that runs here is not made inside the handler: the context is changed so that the program makes it,
 * after the handler has returned, from the stub below, with its own registers and signal mask. So restarts,
 * EINTR, handlers that interrupt it and longjmp(3) out of it are all the kernel's own.
 */
#include <linux/errno.h>
#include <linux/audit.h>
#include <linux/elf.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <asm/unistd.h>

#include "mem.h"
#include "syscall.h"
#include "lb_syscalls.h"

#include "patch/answers.h"
#include "internal.h"
#include "process/own_memory.h"
#include "cache/ring.h"
#include "patch/sites.h"

/* The stub's frame lies below the kernel's signal frame, whose upper end (the vector registers) reaches up to the
 * program's red zone: the kernel reads it when the handler returns. rcx is free, as a call changes it anyway. */
struct stub_frame {
	uint64_t rip;                         /* where the program goes on */
	uint64_t number;                      /* the trigger's handler makes an interrupted call again by it */
	uint64_t rdi, rsi, rdx, r10, r8, rsp; /* as the program has them */
	uint64_t redirected;                  /* an argument is another one, right on this node only */
	uint64_t masked;                      /* it waits under `mask` */
	uint64_t mask;
	uint64_t takes;   /* of SIGURG and SIGSYS, what it waits for */
	uint64_t settled; /* a handler has ended it: it has returned, whatever comes now */
	uint8_t scratch[LB_SCRATCH_SIZE];
};
_Static_assert(offsetof(struct stub_frame, rsp) == 56, "see the stub");
_Static_assert(offsetof(struct stub_frame, scratch) == 104, "see lb_stub_poll");
struct poll_scratch {
	struct pollfd descriptor;
	int64_t left[2]; /* struct timespec */
	int64_t error;
};
_Static_assert(offsetof(struct poll_scratch, error) == 24 && sizeof(struct poll_scratch) <= LB_SCRATCH_SIZE,
	"see lb_stub_poll");

#define STUB_RETURN \
	"	mov 16(%rsp), %rdi\n" \
	"	mov 24(%rsp), %rsi\n" \
	"	mov 32(%rsp), %rdx\n" \
	"	mov 40(%rsp), %r10\n" \
	"	mov 48(%rsp), %r8\n"
#define STUB_JUMP \
	"	mov (%rsp), %rcx\n" \
	"	mov 56(%rsp), %rsp\n" \
	"	jmp *%rcx\n"

/* clang-format off */
__asm__(".pushsection .text\n"
	".globl lb_stub_call, lb_stub_after, lb_stub_interrupt, lb_stub_interrupted, lb_stub_poll, lb_stub_polled\n"
	".hidden lb_stub_call, lb_stub_after, lb_stub_interrupt, lb_stub_interrupted, lb_stub_poll, lb_stub_polled\n"
	".type lb_stub_call, @function\n"
	".balign 16\n"
	"	.cfi_startproc\n"
	"	.cfi_escape 0x0f, 3, 0x77, 0x38, 0x06\n" /* CFA: what lies at rsp + 56 */
	"	.cfi_escape 0x10, 16, 2, 0x77, 0\n"      /* rip: at rsp */
	"lb_stub_call:\n"
	"	syscall\n"
	"lb_stub_after:\n"
	STUB_RETURN STUB_JUMP
	/* The same, but the result is EINTR whatever the call says. */
	"lb_stub_interrupt:\n"
	"	syscall\n"
	"lb_stub_interrupted:\n"
	STUB_RETURN
	"	mov $-4, %rax\n"
	STUB_JUMP
	/* ppoll(2) of one socket: the program's own call if it is ready, else the error of the scratch. */
	"lb_stub_poll:\n"
	"	syscall\n"
	"lb_stub_polled:\n"
	STUB_RETURN
	"	test %rax, %rax\n"
	"	js 1f\n"
	"	jz 2f\n"
	"	mov 8(%rsp), %rax\n"
	"	mov (%rsp), %rcx\n"
	"	sub $2, %rcx\n"
	"	mov 56(%rsp), %rsp\n"
	"	jmp *%rcx\n"
	"2:	mov 128(%rsp), %rax\n"
	"1:\n"
	STUB_JUMP
	"	.cfi_endproc\n"
	".size lb_stub_call, . - lb_stub_call\n"
	".globl lb_stub_sigreturn\n"
	".hidden lb_stub_sigreturn\n"
	".type lb_stub_sigreturn, @function\n"
	"lb_stub_sigreturn:\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	"	hlt\n" /* a frame that the kernel refuses: SIGSEGV, be it once more */
	/* Where SIGSYS arrives: on a stack of its own, as the program's may be a small one. Never nested. */
	".type on_sigsys_entry, @function\n"
	"on_sigsys_entry:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	lea sigsys_stack_top(%rip), %rsp\n"
	"	call on_sigsys\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size on_sigsys_entry, . - on_sigsys_entry\n"
	".popsection\n"
	".pushsection .bss\n"
	".balign 4096\n"
	"	.skip 65536\n"
	"sigsys_stack_top:\n"
	"	.skip 64\n"
	".popsection\n");
/* clang-format on */
extern char lb_stub_call[] LB_HIDDEN;
extern char lb_stub_after[] LB_HIDDEN;
extern char lb_stub_poll[] LB_HIDDEN;
extern char lb_stub_polled[] LB_HIDDEN;
extern char lb_stub_interrupt[] LB_HIDDEN;
extern char lb_stub_interrupted[] LB_HIDDEN;
extern char lb_stub_sigreturn[] LB_HIDDEN;
extern char on_sigsys_entry[] LB_HIDDEN;

/* The lowest word of the signal frame at `context` that is in use: its return address, and rbp below that. */
#define FRAME_BOTTOM(context) ((uint64_t)(context) - 16)

#define NO_INDEX 6

static int64_t redirect(struct lb_trap *trap, unsigned index, uint64_t value, const void *scratch, size_t scratch_size)
{
	struct sigcontext *registers = (struct sigcontext *)&trap->context->uc_mcontext;
	uint64_t bottom = trap->stack != 0 ? trap->stack : FRAME_BOTTOM(trap->context);
	uint64_t at = (bottom - sizeof(struct stub_frame)) & ~15ULL;
	struct stub_frame frame = {
		.rip = registers->rip,
		.number = trap->number,
		.rdi = registers->rdi,
		.rsi = registers->rsi,
		.rdx = registers->rdx,
		.r10 = registers->r10,
		.r8 = registers->r8,
		.rsp = registers->rsp,
		.redirected = index != NO_INDEX,
	};

	if (scratch != NULL) {
		memcpy(frame.scratch, scratch, scratch_size);
		value = at + offsetof(struct stub_frame, scratch);
	}
	memcpy((void *)at, &frame, sizeof(frame));
	if (index == 0)
		registers->rdi = value;
	else if (index == 1)
		registers->rsi = value;
	else if (index == 2)
		registers->rdx = value;
	else if (index == 3)
		registers->r10 = value;
	else if (index == 4)
		registers->r8 = value;
	registers->rax = trap->number;
	registers->rsp = at;
	registers->rip = (uint64_t)lb_stub_call;
	return LB_DONE;
}

int64_t lb_here(struct lb_trap *trap)
{
	return redirect(trap, NO_INDEX, 0, NULL, 0);
}

int64_t lb_here_scratch(struct lb_trap *trap, unsigned index, const void *content, size_t size)
{
	return redirect(trap, index, 0, content, size);
}

int64_t lb_here_value(struct lb_trap *trap, unsigned index, uint64_t value)
{
	return redirect(trap, index, value, NULL, 0);
}

void lb_here_waits(struct lb_trap *trap, const uint64_t *mask, uint64_t takes)
{
	struct stub_frame *frame = (struct stub_frame *)trap->context->uc_mcontext.rsp;

	frame->masked = mask != NULL;
	frame->mask = mask != NULL ? *mask : 0;
	frame->takes = takes;
}

int64_t lb_here_poll(struct lb_trap *trap, int64_t left_ns)
{
	struct sigcontext *registers = &trap->context->uc_mcontext;
	struct poll_scratch scratch = {
		.descriptor = { .fd = (int)registers->rdi, .events = lb_socket_events(trap->number) },
		.left = { left_ns / 1000000000, left_ns % 1000000000 },
		.error = lb_socket_error(trap->number),
	};

	redirect(trap, 0, 0, &scratch, sizeof(scratch));
	registers->rsi = 1;
	registers->rdx = registers->rdi + offsetof(struct poll_scratch, left);
	registers->r10 = 0;
	registers->rax = __NR_ppoll;
	registers->rip = (uint64_t)lb_stub_poll;
	return LB_DONE;
}

int64_t lb_interrupt_masked(struct lb_trap *trap, uint64_t mask)
{
	struct sigcontext *registers = &trap->context->uc_mcontext;
	struct {
		int64_t sec, nsec;
		uint64_t mask;
	} scratch = { 0, 0, lb_mask_strip(mask) };

	/* ppoll(2) of nothing with no time: the kernel delivers under the mask and puts the old one back. */
	redirect(trap, 2, 0, &scratch, sizeof(scratch));
	lb_here_waits(trap, &mask, 0);
	registers->rdi = 0;
	registers->rsi = 0;
	registers->r10 = registers->rdx + 16;
	registers->r8 = sizeof(mask);
	registers->rax = __NR_ppoll;
	registers->rip = (uint64_t)lb_stub_interrupt;
	return LB_DONE;
}

int64_t lb_again(struct lb_trap *trap)
{
	struct sigcontext *registers = (struct sigcontext *)&trap->context->uc_mcontext;

	/* `syscall` and `int $0x80` are both two bytes long. */
	registers->rip -= 2;
	registers->rax = trap->number;
	return LB_DONE;
}

int64_t lb_come(struct lb_trap *trap)
{
	lb_self.home_request = lb_request_of(trap);
	if (lb_thread()->has_child || lb_go_home(trap->number) < 0)
		return -ENOSYS;
	/* The process is at home, nothing is trapped, and the call is simply made. */
	trap->context->uc_sigmask |= lb_mask_believed();
	return lb_again(trap);
}

/* The call that this context was interrupted in, before or after it was made; NULL: none, or it has returned. */
static struct stub_frame *stub_of(const uint64_t *context)
{
	const struct sigcontext *registers = &((const struct ucontext *)context)->uc_mcontext;
	struct stub_frame *frame = (struct stub_frame *)registers->rsp;

	if (registers->rip != (uint64_t)lb_stub_call && registers->rip != (uint64_t)lb_stub_after &&
		registers->rip != (uint64_t)lb_stub_interrupt && registers->rip != (uint64_t)lb_stub_interrupted)
		return NULL;
	return frame->settled ? NULL : frame;
}

const uint64_t *lb_stub_mask(const uint64_t *context)
{
	const struct stub_frame *frame = stub_of(context);

	return frame != NULL && frame->masked ? &frame->mask : NULL;
}

uint64_t lb_stub_takes(const uint64_t *context)
{
	const struct stub_frame *frame = stub_of(context);

	return frame != NULL ? frame->takes : 0;
}

void lb_stub_leave(uint64_t *context)
{
	struct sigcontext *registers = &((struct ucontext *)context)->uc_mcontext;
	struct stub_frame *frame = stub_of(context);

	if (frame == NULL)
		return;
	if (frame->masked && registers->rip == (uint64_t)lb_stub_call) {
		/* What was not blocked here came before the call was made. */
		registers->rip = (uint64_t)lb_stub_after;
		registers->rax = (uint64_t)-EINTR;
	}
	if (registers->rip == (uint64_t)lb_stub_interrupt)
		registers->rip = (uint64_t)lb_stub_interrupted;
	frame->settled = registers->rip != (uint64_t)lb_stub_call;
}

bool lb_forward_interrupted(uint64_t rip, uint64_t rsp, uint32_t *number)
{
	const struct stub_frame *frame = (const struct stub_frame *)rsp;

	if ((rip != (uint64_t)lb_stub_after && rip != (uint64_t)lb_stub_polled) || frame->settled)
		return false;
	*number = (uint32_t)frame->number;
	return true;
}

bool lb_forward_in_stub(uint64_t rip)
{
	return (rip >= (uint64_t)lb_stub_call && rip <= (uint64_t)lb_stub_after) ||
		(rip >= (uint64_t)lb_stub_poll && rip <= (uint64_t)lb_stub_polled);
}

void lb_forward_rewind(struct ucontext *context)
{
	struct sigcontext *registers = &context->uc_mcontext;
	const struct stub_frame *frame = (const struct stub_frame *)registers->rsp;

	if (registers->rip != (uint64_t)lb_stub_poll &&
		(registers->rip != (uint64_t)lb_stub_call || !frame->redirected))
		return;
	registers->rax = frame->number;
	registers->rdi = frame->rdi;
	registers->rsi = frame->rsi;
	registers->rdx = frame->rdx;
	registers->r10 = frame->r10;
	registers->r8 = frame->r8;
	registers->rip = frame->rip - 2;
	registers->rsp = frame->rsp;
	lb_wait_again(registers);
}

static int64_t dispatch(struct lb_trap *trap)
{
	const struct lb_row *row = lb_row_of(trap->number);

	if (row == NULL)
		return lb_come(trap);
	switch ((enum lb_where)row->where) {
	case LB_HOME:
		return lb_forward_row(trap, row);
	case LB_HERE:
		return lb_here(trap);
	case LB_OWN:
		return lb_own(trap);
	case LB_REFUSED:
		return -ENOSYS;
	case LB_COME:
		break;
	}
	return lb_come(trap);
}

static int64_t decide(struct lb_trap *trap)
{
	int64_t result;

	if (lb_thread()->has_child && lb_child_decides(trap, &result))
		return result;
	return lb_socket_events(trap->number) != 0 ? lb_socket_call(trap, dispatch) : dispatch(trap);
}

/* A SIGSYS that the program or another process sent. If the program has a handler for it, it is sent once more,
 * this time to that: so the kernel itself calls it, on the stack that it asked for. */
static void own_sigsys(siginfo_t *info, struct ucontext *context)
{
	const struct lb_action *action = &lb_self.actions[SIGSYS];
	const struct lb_action none = { .handler = 0 };
	const uint64_t others = ~LB_BIT(SIGSYS);

	if (lb_signal_defer(SIGSYS, info, (uint64_t *)context))
		return;
	context->uc_mcontext.rip = lb_sites_settled(context->uc_mcontext.rip);
	if (lb_thread()->has_child || lb_aside_blocks(SIGSYS, (uint64_t *)context)) {
		lb_aside_put(SIGSYS, (struct lb_siginfo *)info);
	} else if (action->handler == (uint64_t)SIG_DFL) { /* the process ends by it */
		lb_syscall4(__NR_rt_sigaction, SIGSYS, &none, NULL, sizeof(none.mask));
		lb_syscall2(__NR_tkill, lb_self.local_pid, SIGSYS);
		lb_syscall4(__NR_rt_sigprocmask, SIG_SETMASK, &others, NULL, sizeof(none.mask));
	} else if (action->handler != (uint64_t)SIG_IGN) {
		lb_signal_forward(SIGSYS, action);
		lb_signal_put_back((struct lb_siginfo *)info);
		return;
	}
	lb_resume_call((uint64_t *)context);
}

static int64_t answer(struct lb_trap *trap)
{
	int64_t result = LB_SLOW;

	if (lb_fast_wants(trap->number)) {
		result = lb_fast_call(trap->number, trap->args);
		lb_sites_trapped(trap->number, trap->context->uc_mcontext.rip);
	} else {
		lb_sites_before_call(trap->number, trap->args);
	}
	if (lb_thread()->has_child) /* whose descriptors are its own */
		return result == LB_SLOW ? decide(trap) : result;
	if (result == LB_SLOW && lb_files_prepare(trap))
		result = lb_fast_call(trap->number, trap->args);
	if (result != LB_SLOW)
		return result;
	lb_files_before(trap);
	lb_last_reply_flags = 0;
	result = decide(trap);
	lb_files_after(trap, result);
	if (lb_self.away)
		lb_mapped_after(trap, result);
	if (lb_mapped_is_stale() && lb_go_home(trap->number) == 0)
		trap->context->uc_sigmask |= lb_mask_believed();
	if (lb_self.away)
		lb_held_after(trap->context->uc_sigmask | lb_mask_believed());
	return result;
}

static void on_sigsys(int signal, siginfo_t *info, void *context) __attribute__((used));
static void on_sigsys(int signal, siginfo_t *info, void *context)
{
	struct ucontext *uc = context;
	struct sigcontext *registers = (struct sigcontext *)&uc->uc_mcontext;
	struct lb_trap trap = {
		.context = uc,
		.number = (uint32_t)registers->rax,
		.args = { registers->rdi, registers->rsi, registers->rdx, registers->r10, registers->r8,
			registers->r9 },
	};
	int64_t result;

	(void)signal;
	if (info->si_code != SYS_USER_DISPATCH) {
		own_sigsys(info, uc);
		return;
	}
	registers->rip = lb_sites_origin(registers->rip);
	result = info->_sifields._sigsys._arch == AUDIT_ARCH_X86_64 ? answer(&trap) : lb_come(&trap);
	if (!lb_child_settle(uc) && result != LB_DONE)
		registers->rax = (uint64_t)result;
	if (trap.number != __NR_rt_sigreturn) /* which has said so */
		lb_faults_note(uc->uc_sigmask);
	if (lb_self.away && lb_signal_was_reset())
		lb_actions_sync();
	if (lb_self.away)
		lb_link_drain();
}

/* The library's own file header: ld(1) defines it in every shared object. */
extern const Elf64_Ehdr __ehdr_start LB_HIDDEN;

/* The one R-X mapping of the library, from its program headers, up to where its calls are trapped. */
static bool text_range(uint64_t *start, uint64_t *size)
{
	uint64_t base = (uint64_t)&__ehdr_start;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(base + __ehdr_start.e_phoff);
	unsigned i;

	for (i = 0; i < __ehdr_start.e_phnum; i++) {
		if (segments[i].p_type != PT_LOAD || !(segments[i].p_flags & PF_X))
			continue;
		*start = base + segments[i].p_vaddr;
		/* Its end are the calls that are to be trapped (fast_entry.S). */
		*size = (uint64_t)lb_site_traps - *start;
		return *size + LB_SITES * LB_STUB_SIZE == segments[i].p_memsz;
	}
	return false;
}

void lb_sigsys_take(void)
{
	const struct lb_action *program = &lb_self.actions[SIGSYS];
	struct lb_action action = {
		.handler = (uint64_t)on_sigsys_entry,
		.flags = SA_SIGINFO | SA_RESTORER,
		.restorer = (uint64_t)lb_stub_sigreturn,
		.mask = ~0ULL,
	};

	/* Of a call that one of the program's interrupts; a trapped one is none. */
	if (program->handler == (uint64_t)SIG_DFL || program->handler == (uint64_t)SIG_IGN)
		action.flags |= SA_RESTART;
	else
		action.flags |= program->flags & SA_RESTART;
	lb_syscall4(__NR_rt_sigaction, SIGSYS, &action, NULL, sizeof(action.mask));
}

int lb_forward_arm(void)
{
	uint64_t start;
	uint64_t size;

	if (!text_range(&start, &size))
		return -LB_E_UNSUPPORTED;
	lb_link_prepare_socket();
	lb_sigsys_take();
	/* Without a selector every call from outside is trapped; calls of this text, here too, are not. */
	return (int)lb_syscall5(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, start, size, NULL);
}
