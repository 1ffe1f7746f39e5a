/* test_enter.c - The way from a stream into the restorer. Units: c/keeper/enter.c
 * c/restorer/{enter,files,map_lines}.c c/base/mem.c
 *
 * In the restorer's place stands a blob that ends the process with a status of its own when its
 * arguments are what the image said: so it was entered, in the hole, and could read them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "check.h"
#include "enter.h"
#include "keeper.h"
#include "lb_link.h"
#include "lb_restorer.h"

#define ENTERED 33
#define TICKET 0x1122334455667788u
#define MUTANTS 300 /* each a fork: a second or two in all */

/* exit_group(args->header.ticket == TICKET ? ENTERED : ENTERED + 1), args in rdi. Never called:
 * it holds the blob, so that the compiler fills in the offset. */
__attribute__((used, noinline)) static void blob_holder(void)
{
	__asm__ volatile(".globl lb_restorer_blob, lb_restorer_blob_end\n\t"
			 ".hidden lb_restorer_blob, lb_restorer_blob_end\n"
			 "lb_restorer_blob:\n\t"
			 "mov %%rdi, %%rbx\n\t"
			 "mov %[wrong], %%edi\n\t"
			 "movabs %[ticket], %%rax\n\t"
			 "cmp %%rax, %c[offset](%%rbx)\n\t"
			 "jne 1f\n\t"
			 "mov %[entered], %%edi\n"
			 "1:\n\t"
			 "mov $231, %%eax\n\t"
			 "syscall\n"
			 "lb_restorer_blob_end:"
		:
		: [wrong] "i"(ENTERED + 1), [entered] "i"(ENTERED), [ticket] "i"(TICKET),
		[offset] "i"(offsetof(struct lb_restorer_args, header.ticket))
		: "rax", "rbx", "rdi", "rcx", "r11");
}

struct image {
	struct lb_image_header header;
	struct lb_image_segment segments[3];
};

static struct image good_image(void)
{
	struct image image;

	memset(&image, 0, sizeof image);
	image.header.magic = LB_IMAGE_MAGIC;
	image.header.version = LB_IMAGE_VERSION;
	image.header.abi_version = LB_ABI_VERSION;
	image.header.ticket = TICKET;
	image.header.segments = 3;
	image.segments[0] = (struct lb_image_segment){ 0x400000, 0x402000, PROT_READ, 0, 0, 0, 0 };
	image.segments[1] = (struct lb_image_segment){ 0x555555000000, 0x555555021000, PROT_READ | PROT_WRITE,
		LB_SEGMENT_HEAP, 0, 0, 0 };
	image.segments[2] = (struct lb_image_segment){ 0x7ffe00000000, 0x7ffe00021000, PROT_READ | PROT_WRITE,
		LB_SEGMENT_STACK, 0, 0, 0 };
	return image;
}

/* What came of an attempt: the child's wait status, and the code of FAILED (0: it said nothing). */
struct attempt {
	int wait_status;
	int64_t failed;
};

static struct attempt enter(const void *stream, size_t size)
{
	struct attempt attempt = { 0, 0 };
	struct {
		struct lb_link_header header;
		struct lb_link_status status;
	} failed;
	int ends[2];
	pid_t pid;

	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	CHECK_EQUAL(write(ends[0], stream, size), size);
	CHECK_EQUAL(shutdown(ends[0], SHUT_WR), 0);
	pid = fork_child();
	if (pid == 0) {
		static struct lb_keeper_options options;
		struct lb_guest_start start = { ends[1], ends[1], ends[1], &options };

		strcpy(options.node, "here:9734");
		options.control_path = "/run/lb/control.sock";
		lb_guest_enter(&start);
	}
	close(ends[1]);
	CHECK_EQUAL(waitpid(pid, &attempt.wait_status, 0), pid);
	if (recv(ends[0], &failed, sizeof failed, MSG_WAITALL) == (ssize_t)sizeof failed) {
		CHECK_EQUAL(failed.header.type, LB_LINK_FAILED);
		CHECK_EQUAL(failed.header.size, sizeof failed.status);
		attempt.failed = failed.status.code;
	}
	close(ends[0]);
	return attempt;
}

static void expect_failure(const struct image *image, size_t size, int64_t code)
{
	struct attempt attempt = enter(image, size);

	CHECK_EQUAL(attempt.wait_status, 1 << 8);
	CHECK_EQUAL(attempt.failed, code);
}

static void enters_the_blob(void)
{
	struct image image = good_image();
	struct attempt attempt = enter(&image, sizeof image);

	CHECK_EQUAL(attempt.wait_status, ENTERED << 8);
	CHECK_EQUAL(attempt.failed, 0);
}

static void refuses_short_streams(void)
{
	struct image image = good_image();

	expect_failure(&image, 0, -LB_E_PEER_LOST);
	expect_failure(&image, 1, -LB_E_PEER_LOST);
	expect_failure(&image, sizeof image.header, -LB_E_PEER_LOST);
	expect_failure(&image, sizeof image - 1, -LB_E_PEER_LOST);
}

static void refuses_bad_headers(void)
{
	struct image image = good_image();

	image.header.magic++;
	expect_failure(&image, sizeof image, -LB_E_WIRE);
	image = good_image();
	image.header.version++;
	expect_failure(&image, sizeof image, -LB_E_WIRE);
	image = good_image();
	image.header.abi_version++;
	expect_failure(&image, sizeof image, -LB_E_WIRE);
	image = good_image();
	image.header.segments = 0;
	expect_failure(&image, sizeof image, -LB_E_WIRE);
	image.header.segments = LB_SEGMENTS_MAX + 1;
	expect_failure(&image, sizeof image, -LB_E_SEGMENTS);
	image.header.segments = UINT32_MAX;
	expect_failure(&image, sizeof image, -LB_E_SEGMENTS);
	image = good_image();
	image.header.auxv_words = LB_AUXV_WORDS + 1;
	expect_failure(&image, sizeof image, -LB_E_WIRE);
}

static void refuses_bad_segments(void)
{
	static const struct lb_image_segment bad[] = {
		{ 0, 0x1000, 0, 0, 0, 0, 0 },          /* page 0 */
		{ 0x401000, 0x401000, 0, 0, 0, 0, 0 }, /* empty */
		{ 0x402000, 0x401000, 0, 0, 0, 0, 0 }, /* ends before it starts */
		{ 0x400001, 0x402000, 0, 0, 0, 0, 0 }, /* no page */
		{ 0x400000, 0x402001, 0, 0, 0, 0, 0 },
		{ 0x400000, 0x402000, 0, LB_SEGMENT_SHARED + 1, 0, 0, 0 }, /* of no kind */
		{ 0x400000, 0x555555001000, 0, 0, 0, 0, 0 },               /* overlaps the next */
		{ 0x600000000000, 0x600000001000, 0, 0, 0, 0, 0 },         /* out of order */
		{ 0x7fffffffe000, 0x800000000000, 0, 0, 0, 0, 0 },         /* beyond user space */
		{ 0xfffffffffffff000, 0, 0, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct image image = good_image();

		image.segments[0] = bad[i];
		expect_failure(&image, sizeof image, -LB_E_WIRE);
	}
}

/* A step of xorshift64: the same mutants in each run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Whatever the peer sends, the child ends by itself: refused with a word, or inside the blob. */
static void survives_mutants(void)
{
	uint64_t random = 0x9e3779b97f4a7c15u;

	for (int i = 0; i < MUTANTS; i++) {
		struct image image = good_image();
		uint8_t *bytes = (uint8_t *)&image;
		/* Where the checks look: the first fields, the auxv's size and the table. */
		static const size_t starts[] = { 0, offsetof(struct image, header.auxv_words),
			offsetof(struct image, segments) };
		static const size_t sizes[] = { 40, 8, sizeof image.segments };

		for (uint64_t n = next_random(&random) % 4 + 1; n > 0; n--) {
			uint64_t where = next_random(&random) % 3;
			size_t at = starts[where] + next_random(&random) % sizes[where];

			bytes[at] = (uint8_t)next_random(&random);
		}
		struct attempt attempt = enter(&image, sizeof image);

		CHECK(WIFEXITED(attempt.wait_status));
		if (WEXITSTATUS(attempt.wait_status) == 1)
			CHECK(attempt.failed < 0);
		else
			CHECK(WEXITSTATUS(attempt.wait_status) == ENTERED || image.header.ticket != TICKET);
	}
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	run_case("a good image enters the restorer with its arguments", enters_the_blob);
	run_case("a stream that ends early is said to have failed", refuses_short_streams);
	run_case("a header of another kind, version or size is refused", refuses_bad_headers);
	run_case("segments that no process could have are refused", refuses_bad_segments);
	run_case("no header and table, however wrong, crash the keeper's child", survives_mutants);
	return 0;
}
