/* main.c - Where `lb` begins.
 *
 * Is this a launch that needs no Deno, and if not, can Deno run at all?
 */
#include "launch.h"

/* The loader jumps here as to any program's entry: the stack holds argc, argv and what follows, %rdx a function for
 * the C library's exit. Both are as they were when Deno begins, System V ABI for x86-64, 3.4.1.
 */
__asm__(".section .text.entry, \"ax\"\n"
	".globl lb_launch_entry\n"
	"lb_launch_entry:\n"
	"	jmp 1f\n"
	"	.balign 8\n"
	"	.skip 32\n" /* the rest of struct lb_front */
	"1:	push %rdx\n"
	"	lea 8(%rsp), %rdi\n"
	"	lea lb_launch_entry(%rip), %rsi\n"
	"	sub $8, %rsp\n"
	"	call lb_launch_begin\n"
	"	add $8, %rsp\n"
	"	pop %rdx\n"
	"	lea lb_launch_entry(%rip), %rax\n"
	"	add 8+lb_launch_entry(%rip), %rax\n"
	"	jmp *%rax\n"
	".text\n");
_Static_assert(sizeof(struct lb_front) == 40, "the room that the entry leaves");

void lb_launch_begin(uint64_t *stack, const struct lb_front *front) LB_HIDDEN;

/* Whether an argument is this option with a value: its value, or null. */
static const char *value_of(const char *argument, const char *option)
{
	return lb_begins(argument, option) ? argument + strlen(option) : NULL;
}

/* As parseLaunch() of lib/cli/launch.ts. False: help, or something is wrong, and Deno says it. */
static bool parse(struct lb_launch *launch, char **at)
{
	for (; *at && **at == '-'; at++) {
		const char *value;

		if (strcmp(*at, "--") == 0) {
			at++;
			break;
		}
		if (strcmp(*at, "--no-daemon") == 0) {
			launch->no_daemon = true;
		} else if ((value = value_of(*at, "--config=")) != NULL) {
			launch->config = value;
		} else if (strcmp(*at, "--config") == 0 && at[1]) {
			launch->config = *++at;
		} else if ((value = value_of(*at, "--control=")) != NULL) {
			launch->control = value;
		} else if ((value = value_of(*at, "--library=")) != NULL) {
			launch->library = value;
		} else {
			return false;
		}
	}
	launch->program = *at;
	launch->arguments = at;
	return *at && !launch->library == !launch->control;
}

static _Noreturn void refuse(const struct lb_shortage *shortage, bool is_launch)
{
	char needed[24], limit[24];
	struct lb_text needed_text = { .at = needed, .size = sizeof needed };
	struct lb_text limit_text = { .at = limit, .size = sizeof limit };

	lb_text_add_number(&needed_text, shortage->needed);
	lb_text_add_number(&limit_text, shortage->limit);
	lb_fail(is_launch ? LB_EXIT_OWN : LB_EXIT_HOST, shortage->fix,
		(const char *[]){ "Cannot start lb as the limit of ", shortage->what, " must be ", needed,
			shortage->unit, " or more: it is ", limit, shortage->unit, NULL });
}

void lb_launch_begin(uint64_t *stack, const struct lb_front *front)
{
	char **argv = (char **)(stack + 1);
	struct lb_launch launch = { .front = front, .environment = argv + stack[0] + 1 };
	bool is_launch = stack[0] >= 2 && strcmp(argv[1], "launch") == 0;
	bool is_parsed = is_launch && parse(&launch, argv + 2);
	struct lb_shortage shortage;

	if (is_parsed)
		lb_launch(&launch);
	lb_find_shortage(&shortage);
	if (!shortage.what)
		return;
	if (is_parsed && launch.no_daemon)
		lb_launch_bare(&launch);
	refuse(&shortage, is_launch);
}
