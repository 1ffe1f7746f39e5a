/* own_path.c - Paths below /proc that name this process. */
#include "process/own_path.h"

#include "mem.h"

#include "process/process.h"

static bool begins(const char **text, const char *with)
{
	size_t size = strlen(with);

	if (memcmp(*text, with, size) != 0)
		return false;
	*text += size;
	return true;
}

/* Skips a number that is this process's PID, or `word`, followed by '/'. */
static bool skip_self(const char **text, const char *word)
{
	const char *at = *text;
	uint64_t number = 0;

	if (word != NULL && begins(&at, word) && *at == '/') {
		*text = at + 1;
		return true;
	}
	for (at = *text; *at >= '0' && *at <= '9' && number < 1u << 30; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	if (number != lb_self.home_pid || *at != '/')
		return false;
	*text = at + 1;
	return true;
}

const char *lb_own_path(const char *path)
{
	const char *at = path;

	if (!begins(&at, "/proc/"))
		return NULL;
	if (!skip_self(&at, "thread-self") && !skip_self(&at, "self"))
		return NULL;
	if (begins(&at, "task/") && !skip_self(&at, NULL))
		return NULL;
	return at;
}

bool lb_proc_is_exe(const char *path)
{
	const char *name = lb_own_path(path);

	return !lb_self.program_is_home && name != NULL && strcmp(name, "exe") == 0 && lb_self.exe[0] != '\0';
}
