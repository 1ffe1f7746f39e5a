/* own_path.c - Paths below /proc that name this process. */
#include "process/own_path.h"

#include "mem.h"

#include "process/identity.h"
#include "process/process.h"

static bool begins(const char **text, const char *with)
{
	size_t size = strlen(with);

	if (memcmp(*text, with, size) != 0)
		return false;
	*text += size;
	return true;
}

/* Skips a number, followed by '/' or the end. 0: there is none. */
static uint32_t skip_number(const char **text)
{
	const char *at = *text;
	uint64_t number = 0;

	for (; *at >= '0' && *at <= '9' && number < 1u << 30; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	if (at == *text || (*at != '/' && *at != '\0'))
		return 0;
	*text = at + (*at == '/');
	return (uint32_t)number;
}

/* Skips a word, followed by '/' or the end. */
static bool skip_word(const char **text, const char *word)
{
	const char *at = *text;

	if (!begins(&at, word) || (*at != '/' && *at != '\0'))
		return false;
	*text = at + (*at == '/');
	return true;
}

const char *lb_own_path(const char *path, struct lb_thread **thread)
{
	const char *at = path;
	uint32_t number;

	*thread = NULL;
	if (!begins(&at, "/proc/"))
		return NULL;
	if (skip_word(&at, "thread-self")) {
		*thread = lb_thread();
		return at;
	}
	if (!skip_word(&at, "self")) {
		number = skip_number(&at);
		if (number == 0 || !lb_is_own_process(number))
			return NULL;
		if (number != lb_own_pid())
			*thread = lb_own_thread(number);
	}
	if (!begins(&at, "task/"))
		return at;
	number = skip_number(&at);
	*thread = number != 0 ? lb_own_thread(number) : NULL;
	return *thread != NULL ? at : NULL;
}

bool lb_proc_is_exe(const char *path)
{
	struct lb_thread *thread;
	const char *name = lb_own_path(path, &thread);

	return !lb_self.program_is_home && name != NULL && strcmp(name, "exe") == 0 && lb_self.exe[0] != '\0';
}
