/* stub.c - Calls that the program makes on this node itself.
 *
 * They are not made inside the handler: the context is changed so that the program makes the call after the handler has
 * returned, from the stub below, with its own registers and signal mask. So restarts, EINTR, handlers that interrupt it
 * and longjmp(3) out of it are all the kernel's own.
 *
 * Runs in:  the SIGSYS and the trigger's handler, all signals blocked; the stub as the program.
 */
#include "trap/stub.h"

#include <linux/errno.h>
#include <linux/poll.h>
#include <asm/unistd.h>

#include "mem.h"
#include "trap/frame.h"
#include "trap/wait.h"

#define SECOND_NS 1000000000LL

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
_Static_assert(offsetof(struct stub_frame, number) == 8 && __NR_rt_sigtimedwait == 128, "see stub_after");
_Static_assert(offsetof(siginfo_t, si_errno) == 4 && offsetof(siginfo_t, si_code) == 8, "see stub_after");
_Static_assert(offsetof(struct stub_frame, scratch) == 104, "see stub_poll");
struct poll_scratch {
	struct pollfd descriptor;
	int64_t left[2]; /* struct timespec */
	int64_t error;
};
_Static_assert(
	offsetof(struct poll_scratch, error) == 24 && sizeof(struct poll_scratch) <= LB_SCRATCH_SIZE, "see stub_poll");

#define LB_TEXT_OF(x) #x
#define LB_TEXT(x) LB_TEXT_OF(x)
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
	".type stub_call, @function\n"
	".balign 16\n"
	"	.cfi_startproc\n"
	"	.cfi_escape 0x0f, 3, 0x77, 0x38, 0x06\n" /* CFA: what lies at rsp + 56 */
	"	.cfi_escape 0x10, 16, 2, 0x77, 0\n"      /* rip: at rsp */
	"stub_call:\n"
	"	syscall\n"
	"stub_after:\n"
	STUB_RETURN
	/* What sigtimedwait(2) has taken: as lb_signal_unwrap() does it. */
	"	cmpl $128, 8(%rsp)\n"
	"	jne 3f\n"
	"	test %rax, %rax\n"
	"	jle 3f\n"
	"	test %rsi, %rsi\n"
	"	jz 3f\n"
	"	cmpl $-" LB_TEXT(LB_SIGNAL_MARK) ", 8(%rsi)\n"
	"	jne 3f\n"
	"	mov 4(%rsi), %ecx\n"
	"	mov %ecx, 8(%rsi)\n"
	"	movl $0, 4(%rsi)\n"
	"3:\n"
	STUB_JUMP
	/* The same, but the result is EINTR whatever the call says. */
	"stub_interrupt:\n"
	"	syscall\n"
	"stub_interrupted:\n"
	STUB_RETURN
	"	mov $-4, %rax\n"
	STUB_JUMP
	/* ppoll(2) of one socket: the program's own call if it is ready, else the error of the scratch. */
	"stub_poll:\n"
	"	syscall\n"
	"stub_polled:\n"
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
	".size stub_call, . - stub_call\n"
	".popsection\n");
/* clang-format on */
extern char stub_call[] LB_HIDDEN;
extern char stub_after[] LB_HIDDEN;
extern char stub_poll[] LB_HIDDEN;
extern char stub_polled[] LB_HIDDEN;
extern char stub_interrupt[] LB_HIDDEN;
extern char stub_interrupted[] LB_HIDDEN;

/* The lowest word of the signal frame at `context` that is in use: its return address, and rbp below that. */
#define FRAME_BOTTOM(context) ((uint64_t)(context) - 16)

#define NO_INDEX 6

static int64_t redirect(struct lb_trap *trap, unsigned index, uint64_t value, const void *scratch, size_t scratch_size)
{
	struct sigcontext *registers = &trap->context->uc_mcontext;
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
	registers->rip = (uint64_t)stub_call;
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

int64_t lb_here_poll(struct lb_trap *trap, short events, int64_t left_ns, int64_t error)
{
	struct sigcontext *registers = &trap->context->uc_mcontext;
	struct poll_scratch scratch = {
		.descriptor = { .fd = (int)registers->rdi, .events = events },
		.left = { left_ns / SECOND_NS, left_ns % SECOND_NS },
		.error = error,
	};

	redirect(trap, 0, 0, &scratch, sizeof(scratch));
	registers->rsi = 1;
	registers->rdx = registers->rdi + offsetof(struct poll_scratch, left);
	registers->r10 = 0;
	registers->rax = __NR_ppoll;
	registers->rip = (uint64_t)stub_poll;
	return LB_DONE;
}

int64_t lb_interrupt_masked(struct lb_trap *trap, uint64_t mask, uint64_t kernels)
{
	struct sigcontext *registers = &trap->context->uc_mcontext;
	struct {
		int64_t sec, nsec;
		uint64_t mask;
	} scratch = { 0, 0, kernels };

	/* ppoll(2) of nothing with no time: the kernel delivers under the mask and puts the old one back. */
	redirect(trap, 2, 0, &scratch, sizeof(scratch));
	lb_here_waits(trap, &mask, 0);
	registers->rdi = 0;
	registers->rsi = 0;
	registers->r10 = registers->rdx + 16;
	registers->r8 = sizeof(mask);
	registers->rax = __NR_ppoll;
	registers->rip = (uint64_t)stub_interrupt;
	return LB_DONE;
}

int64_t lb_trap_again(struct lb_trap *trap)
{
	/* `syscall` and `int $0x80` are both two bytes long; rax has the number still. */
	trap->context->uc_mcontext.rip -= 2;
	return LB_DONE;
}

/* The call that this context was interrupted in, before or after it was made; NULL: none, or it has returned. */
static struct stub_frame *stub_of(const struct ucontext *context)
{
	const struct sigcontext *registers = &context->uc_mcontext;
	struct stub_frame *frame = (struct stub_frame *)registers->rsp;

	if (registers->rip != (uint64_t)stub_call && registers->rip != (uint64_t)stub_after &&
		registers->rip != (uint64_t)stub_interrupt && registers->rip != (uint64_t)stub_interrupted)
		return NULL;
	return frame->settled ? NULL : frame;
}

const uint64_t *lb_stub_mask(const struct ucontext *context)
{
	const struct stub_frame *frame = stub_of(context);

	return frame != NULL && frame->masked ? &frame->mask : NULL;
}

uint64_t lb_stub_takes(const struct ucontext *context)
{
	const struct stub_frame *frame = stub_of(context);

	return frame != NULL ? frame->takes : 0;
}

void lb_stub_leave(struct ucontext *context)
{
	struct sigcontext *registers = &context->uc_mcontext;
	struct stub_frame *frame = stub_of(context);

	if (frame == NULL)
		return;
	if (frame->masked && registers->rip == (uint64_t)stub_call) {
		/* What was not blocked here came before the call was made. */
		registers->rip = (uint64_t)stub_after;
		registers->rax = (uint64_t)-EINTR;
	}
	if (registers->rip == (uint64_t)stub_interrupt)
		registers->rip = (uint64_t)stub_interrupted;
	frame->settled = registers->rip != (uint64_t)stub_call;
}

bool lb_stub_is_after(const struct ucontext *context, uint32_t *number)
{
	uint64_t rip = context->uc_mcontext.rip;
	const struct stub_frame *frame = (const struct stub_frame *)context->uc_mcontext.rsp;

	if ((rip != (uint64_t)stub_after && rip != (uint64_t)stub_polled) || frame->settled)
		return false;
	*number = (uint32_t)frame->number;
	return true;
}

bool lb_stub_is_at(const struct ucontext *context)
{
	uint64_t rip = context->uc_mcontext.rip;

	return (rip >= (uint64_t)stub_call && rip <= (uint64_t)stub_after) ||
		(rip >= (uint64_t)stub_poll && rip <= (uint64_t)stub_polled);
}

void lb_stub_rewind(struct ucontext *context)
{
	struct sigcontext *registers = &context->uc_mcontext;
	const struct stub_frame *frame = (const struct stub_frame *)registers->rsp;

	if (registers->rip != (uint64_t)stub_poll && (registers->rip != (uint64_t)stub_call || !frame->redirected))
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
