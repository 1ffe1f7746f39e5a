/* text.c - texts of bounded size, variables of the environment, errors. */
#include "launch.h"

void lb_text_add_part(struct lb_text *text, const char *what, size_t length)
{
	if (length + 1 > text->size - text->used) {
		text->cut = true;
		length = text->size - text->used - 1;
	}
	memcpy(text->at + text->used, what, length);
	text->used += length;
	text->at[text->used] = 0;
}

void lb_text_add(struct lb_text *text, const char *what)
{
	lb_text_add_part(text, what, strlen(what));
}

void lb_text_add_number(struct lb_text *text, uint64_t number)
{
	char digits[20];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	lb_text_add_part(text, digits + at, sizeof digits - at);
}

bool lb_begins(const char *text, const char *word)
{
	while (*word && *text == *word) {
		text++;
		word++;
	}
	return !*word;
}

bool lb_ends(const char *text, const char *word)
{
	size_t length = strlen(text), size = strlen(word);

	return length >= size && memcmp(text + length - size, word, size) == 0;
}

const char *lb_variable(char **environment, const char *name)
{
	for (; *environment; environment++) {
		if (lb_begins(*environment, name) && (*environment)[strlen(name)] == '=')
			return *environment + strlen(name) + 1;
	}
	return NULL;
}

_Noreturn void lb_fail(int code, const char *fix, const char *const *parts)
{
	char buffer[2 * LB_PATH_SIZE];
	struct lb_text text = { .at = buffer, .size = sizeof buffer };

	lb_text_add(&text, "lb: ");
	for (; *parts; parts++)
		lb_text_add(&text, *parts);
	lb_text_add(&text, "\n    fix: ");
	lb_text_add(&text, fix);
	lb_text_add(&text, "\n");
	lb_syscall3(__NR_write, 2, buffer, text.used);
	lb_syscall1(__NR_exit_group, code);
	__builtin_unreachable();
}
