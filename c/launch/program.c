/* program.c - Finds the program to become, and what keeps the library out. */
#include <asm/fcntl.h>
#include <asm/stat.h>
#include <linux/errno.h>

#include "launch.h"
#include "obstacle.h"

#define DEFAULT_PATH "/bin:/usr/bin" /* where there is no PATH, as execvp(3) of glibc has it */
#define INTERPRETERS_MAX 5           /* of interpreters: the kernel's limit, fs/exec.c, v6.12 */
#define SCRIPT_LINE_MAX 256          /* what the kernel reads of a `#!` line: BINPRM_BUF_SIZE, binfmts.h, v6.12 */
#define MODE_TYPE 0170000
#define MODE_FILE 0100000
#define MODE_DIRECTORY 0040000

static enum lb_found probe(const char *path, const char **reason)
{
	struct stat status;
	int64_t error = lb_syscall2(__NR_stat, path, &status);

	if (error == -ENOENT || error == -ENOTDIR)
		return LB_MISSING;
	*reason = error == -EACCES                               ? "permission denied"
		: error < 0                                      ? "it cannot be looked at"
		: (status.st_mode & MODE_TYPE) == MODE_DIRECTORY ? "it is a directory"
		: (status.st_mode & 0111) == 0                   ? "it has no execute permission"
								 : NULL;
	return *reason ? LB_REFUSED : LB_FOUND;
}

static bool is_file(const char *path)
{
	struct stat status;

	return lb_syscall2(__NR_stat, path, &status) == 0 && (status.st_mode & MODE_TYPE) == MODE_FILE;
}

enum lb_found lb_find_program(const char *name, const char *path_variable, char *path, const char **reason)
{
	char candidate[LB_PATH_SIZE];
	enum lb_found best = LB_MISSING;
	const char *why = NULL;

	if (!*name || strlen(name) >= LB_PATH_SIZE)
		return LB_MISSING;
	for (const char *at = name; *at; at++) {
		if (*at == '/') {
			memcpy(path, name, strlen(name) + 1);
			return probe(path, reason);
		}
	}
	for (const char *at = path_variable ? path_variable : DEFAULT_PATH, *end; at; at = *end ? end + 1 : NULL) {
		struct lb_text text = { .at = candidate, .size = sizeof candidate };
		enum lb_found found;

		for (end = at; *end && *end != ':'; end++)
			;
		lb_text_add_part(&text, at, (size_t)(end - at));
		lb_text_add(&text, at == end ? "./" : "/"); /* an empty entry is the working directory */
		lb_text_add(&text, name);
		if (text.cut)
			continue;
		found = probe(candidate, &why);
		/* Look on, but remember that one was there; a directory that cannot be searched hides none. */
		if (found == LB_FOUND || (found == LB_REFUSED && best == LB_MISSING && is_file(candidate))) {
			memcpy(path, candidate, text.used + 1);
			*reason = why;
			best = found;
		}
		if (found == LB_FOUND)
			return best;
	}
	return best;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The next word of a line, made a string in place. Null: there is none. */
static char *next_word(char **at)
{
	char *word;

	while (is_blank(**at))
		(*at)++;
	word = *at;
	while (**at && !is_blank(**at))
		(*at)++;
	if (**at)
		*(*at)++ = 0;
	return *word ? word : NULL;
}

static bool is_option_or_setting(const char *word)
{
	if (*word == '-')
		return true;
	while (*word && *word != '=')
		word++;
	return *word == '=';
}

/* The program that a `#!` line starts; `env NAME` is looked through. False: none that could be found. */
static bool find_interpreter(char *line, const char *path_variable, char *path)
{
	const char *reason;
	char *interpreter, *word;

	for (char *end = line; *end; end++) {
		if (*end == '\n')
			*end = 0;
	}
	interpreter = next_word(&line);
	if (!interpreter || strlen(interpreter) >= LB_PATH_SIZE)
		return false;
	if (lb_ends(interpreter, "/env")) {
		do
			word = next_word(&line);
		while (word && is_option_or_setting(word));
		if (word)
			return lb_find_program(word, path_variable, path, &reason) == LB_FOUND;
	}
	memcpy(path, interpreter, strlen(interpreter) + 1);
	return true;
}

/* The loader drops LD_PRELOAD where credentials change, ld.so(8) "secure-execution mode". */
static uint32_t obstacle_of_credentials(int fd)
{
	struct stat status;
	int64_t uid = lb_syscall0(__NR_getuid);

	if (lb_syscall2(__NR_fstat, fd, &status) < 0)
		return LB_OBSTACLE_NONE;
	if ((status.st_mode & 04000) && status.st_uid != uid)
		return LB_OBSTACLE_SET_USER_ID;
	if ((status.st_mode & 02000) && status.st_gid != lb_syscall0(__NR_getgid))
		return LB_OBSTACLE_SET_GROUP_ID;
	if (uid != 0 && lb_syscall4(__NR_fgetxattr, fd, "security.capability", 0, 0) > 0)
		return LB_OBSTACLE_CAPABILITIES;
	return LB_OBSTACLE_NONE;
}

uint32_t lb_find_obstacle(const char *path, const char *path_variable, char *at)
{
	uint8_t head[LB_HEAD_SIZE];
	char line[SCRIPT_LINE_MAX];

	if (strlen(path) >= LB_PATH_SIZE)
		return LB_OBSTACLE_NONE;
	memcpy(at, path, strlen(path) + 1);
	for (int depth = 0; depth < INTERPRETERS_MAX; depth++) {
		int64_t fd = lb_syscall3(__NR_open, at, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
		int64_t size;
		uint32_t obstacle;

		if (fd < 0)
			return LB_OBSTACLE_NONE; /* the exec will say, or it may be run but not read */
		size = lb_syscall4(__NR_pread64, fd, head, sizeof head, 0);
		obstacle = obstacle_of_credentials((int)fd);
		if (obstacle == LB_OBSTACLE_NONE && size > 0)
			obstacle = lb_obstacle_of_head(head, (size_t)size);
		lb_syscall1(__NR_close, fd);
		if (size < 2 || head[0] != '#' || head[1] != '!')
			return obstacle;
		size = size < SCRIPT_LINE_MAX ? size : SCRIPT_LINE_MAX;
		memcpy(line, head + 2, (size_t)size - 2);
		line[size - 2] = 0;
		if (!find_interpreter(line, path_variable, at))
			return LB_OBSTACLE_NONE;
	}
	return LB_OBSTACLE_NONE;
}
