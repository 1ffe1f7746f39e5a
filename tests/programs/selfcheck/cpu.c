/* cpu.c - registers: general, SSE, AVX, AVX-512, x87, and the control words. */
#include "selfcheck.h"

#include <asm/prctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Fifteen registers are loaded, a counter on the stack is counted down so that the stack pointer is
 * all the loop needs, and the registers are stored again. Order: rax rbx rcx rsi rdi rbp r8-r15 rdx.
 */
void general_spin(uint64_t count, uint64_t *out, const uint64_t *in);
__asm__(".text\n.type general_spin, @function\ngeneral_spin:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	push %rsi\n"
	"	push %rdi\n"
	"	mov 0(%rdx), %rax; mov 8(%rdx), %rbx; mov 16(%rdx), %rcx; mov 24(%rdx), %rsi\n"
	"	mov 32(%rdx), %rdi; mov 40(%rdx), %rbp; mov 48(%rdx), %r8; mov 56(%rdx), %r9\n"
	"	mov 64(%rdx), %r10; mov 72(%rdx), %r11; mov 80(%rdx), %r12; mov 88(%rdx), %r13\n"
	"	mov 96(%rdx), %r14; mov 104(%rdx), %r15; mov 112(%rdx), %rdx\n"
	"1:	decq (%rsp)\n"
	"	jnz 1b\n"
	"	push %rax; push %rbx; push %rcx; push %rsi; push %rdi; push %rbp; push %r8; push %r9\n"
	"	push %r10; push %r11; push %r12; push %r13; push %r14; push %r15; push %rdx\n"
	"	mov 128(%rsp), %rax\n"
	"	pop 112(%rax); pop 104(%rax); pop 96(%rax); pop 88(%rax); pop 80(%rax); pop 72(%rax)\n"
	"	pop 64(%rax); pop 56(%rax); pop 48(%rax); pop 40(%rax); pop 32(%rax); pop 24(%rax)\n"
	"	pop 16(%rax); pop 8(%rax); pop 0(%rax)\n"
	"	add $16, %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n.size general_spin, . - general_spin\n");

/* The same for 16 xmm, 16 ymm, or 32 zmm registers and k1-k7; the arrays have 64 bytes a register. */
void xmm_spin(uint64_t count, void *out, const void *in);
void ymm_spin(uint64_t count, void *out, const void *in);
void zmm_spin(uint64_t count, void *out, const void *in);
__asm__(".text\n"
	".macro spin_function name, load, store, kind, last\n"
	".type \\name, @function\n"
	"\\name:\n"
	"	.set n, 0\n"
	"	.rept \\last + 1\n"
	"	spin_load \\load, \\kind, %n\n"
	"	.set n, n + 1\n"
	"	.endr\n"
	"1:	dec %rdi\n"
	"	jnz 1b\n"
	"	.set n, 0\n"
	"	.rept \\last + 1\n"
	"	spin_store \\store, \\kind, %n\n"
	"	.set n, n + 1\n"
	"	.endr\n"
	"	ret\n"
	".size \\name, . - \\name\n"
	".endm\n"
	".altmacro\n"
	".macro spin_load load, kind, n\n	\\load 64*\\n(%rdx), %\\kind\\n\n.endm\n"
	".macro spin_store store, kind, n\n	\\store %\\kind\\n, 64*\\n(%rsi)\n.endm\n"
	"spin_function xmm_spin, movdqu, movdqu, xmm, 15\n"
	"spin_function ymm_spin, vmovdqu, vmovdqu, ymm, 15\n"
	"spin_function zmm_vectors_spin, vmovdqu64, vmovdqu64, zmm, 31\n"
	".noaltmacro\n"
	/* The mask registers around the vector loop, which does not touch them. */
	".type zmm_spin, @function\nzmm_spin:\n"
	"	kmovw 2048(%rdx), %k1; kmovw 2056(%rdx), %k2; kmovw 2064(%rdx), %k3\n"
	"	kmovw 2072(%rdx), %k4; kmovw 2080(%rdx), %k5; kmovw 2088(%rdx), %k6\n"
	"	kmovw 2096(%rdx), %k7\n"
	"	call zmm_vectors_spin\n"
	"	kmovw %k1, 2048(%rsi); kmovw %k2, 2056(%rsi); kmovw %k3, 2064(%rsi)\n"
	"	kmovw %k4, 2072(%rsi); kmovw %k5, 2080(%rsi); kmovw %k6, 2088(%rsi)\n"
	"	kmovw %k7, 2096(%rsi)\n"
	"	vzeroupper\n"
	"	ret\n.size zmm_spin, . - zmm_spin\n");

#define GENERAL_COUNT 15
#define VECTOR_BYTES (32 * 64)
#define MASK_BYTES (7 * 8)

/* Long enough (about 2 ms) that most moves happen inside one of the loops. */
#define SPINS 4000000u

static const uint32_t mxcsr_wanted = 0x1f80 | 0x4000 | 0x8000; /* round up, flush to zero */
static const uint16_t x87_wanted = 0x037f | 0x0400;            /* round down */
static uint64_t gs_area[4];

bool spin_general(uint64_t count, uint64_t seed)
{
	uint64_t in[GENERAL_COUNT], out[GENERAL_COUNT] = { 0 };

	for (size_t i = 0; i < GENERAL_COUNT; i++)
		in[i] = pattern_of(seed * GENERAL_COUNT + i);
	general_spin(count, out, in);
	return memcmp(in, out, sizeof in) == 0;
}

static void vectors(const char *name, void (*spin)(uint64_t, void *, const void *), size_t width, size_t registers,
	bool masks, long round)
{
	static _Alignas(64) unsigned char in[VECTOR_BYTES + MASK_BYTES], out[VECTOR_BYTES + MASK_BYTES];
	size_t bad = 0;

	for (size_t i = 0; i < sizeof in / 8; i++)
		((uint64_t *)in)[i] = pattern_of((uint64_t)round + i * 31);
	memset(out, 0, sizeof out);
	spin(SPINS, out, in);
	for (size_t i = 0; i < registers; i++)
		bad += memcmp(in + i * 64, out + i * 64, width) != 0;
	CHECK(bad == 0, "%zu %s registers changed", bad, name);
	for (size_t i = 0; masks && i < 7; i++) /* kmovw: 16 bits */
		CHECK(memcmp(in + VECTOR_BYTES + i * 8, out + VECTOR_BYTES + i * 8, 2) == 0,
			"mask register k%zu changed", i + 1);
}

static void setup(void)
{
	for (size_t i = 0; i < 4; i++)
		gs_area[i] = pattern_of(900 + i);
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, gs_area) != 0) {
		perror("selfcheck: arch_prctl");
		exit(2);
	}
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr_wanted));
	__asm__ volatile("fldcw %0" : : "m"(x87_wanted));
}

static void check_control_words(void)
{
	uint32_t mxcsr;
	uint16_t x87;
	uint64_t through_gs;

	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	__asm__ volatile("fnstcw %0" : "=m"(x87));
	__asm__ volatile("mov %%gs:8, %0" : "=r"(through_gs));
	CHECK((mxcsr & ~0x3fu) == mxcsr_wanted, "MXCSR is %#x, not %#x", mxcsr, mxcsr_wanted);
	CHECK(x87 == x87_wanted, "the x87 control word is %#x, not %#x", x87, x87_wanted);
	CHECK(through_gs == gs_area[1], "the GS base changed");
}

static void check_x87(long round)
{
	volatile uint64_t left = SPINS;
	double in = (double)round + 0.25, out = 0;

	__asm__ volatile("fldl %2\n1: decq %1\n jnz 1b\n fstpl %0" : "=m"(out), "+m"(left) : "m"(in) : "cc", "st");
	CHECK(in == out, "an x87 register changed");
}

/* A call changes rax, rcx and r11 and nothing else: whole vectors must live through one, too. */
static void check_vectors_across_call(long round)
{
	_Alignas(32) uint64_t in[3][4], out[3][4];

	for (size_t i = 0; i < 12; i++)
		in[i / 4][i % 4] = pattern_of((uint64_t)round * 12 + i);
	__asm__ volatile("vmovdqa (%0), %%ymm0; vmovdqa 32(%0), %%ymm7; vmovdqa 64(%0), %%ymm15\n"
			 "mov %2, %%eax; syscall\n"
			 "vmovdqa %%ymm0, (%1); vmovdqa %%ymm7, 32(%1); vmovdqa %%ymm15, 64(%1)\n"
			 "vzeroupper"
		:
		: "r"(in), "r"(out), "i"(SYS_sched_yield)
		: "rax", "rcx", "r11", "memory", "xmm0", "xmm7", "xmm15");
	CHECK(memcmp(in, out, sizeof in) == 0, "a ymm register changed across a call");
}

static void check_round(long round)
{
	CHECK(spin_general(SPINS, (uint64_t)round), "a general register changed");
	vectors("xmm", xmm_spin, 16, 16, false, round);
	if (__builtin_cpu_supports("avx"))
		vectors("ymm", ymm_spin, 32, 16, false, round);
	if (__builtin_cpu_supports("avx"))
		check_vectors_across_call(round);
	if (__builtin_cpu_supports("avx512f"))
		vectors("zmm", zmm_spin, 64, 32, true, round);
	check_x87(round);
	check_control_words();
}

const struct group group_cpu = { "cpu", setup, check_round };
