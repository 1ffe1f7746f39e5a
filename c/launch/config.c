/* config.c - Reads from the config file where this node's sockets are.
 *
 * It is the one key that a launch needs.
 *
 * No TOML parser: a file is read as lines, and where one could mean something else Deno reads it. So a file that is
 * wrong elsewhere does not end a launch; the daemon, which must answer, has read it.
 */
#include <asm/fcntl.h>
#include <asm/stat.h>
#include <linux/errno.h>

#include "kernel.h"
#include "launch.h"

#define CONFIG_SIZE_MAX 16384

static bool is_file(const char *path)
{
	struct stat status;

	return lb_syscall2(__NR_stat, path, &status) == 0 && (status.st_mode & LB_S_IFMT) == LB_S_IFREG;
}

/* The file to read, as lib/host/config.ts looks for it. False: Deno has to. An empty path: there is none. */
static bool find_file(const struct lb_launch *launch, struct lb_text *path)
{
	const char *named = launch->config ? launch->config : lb_variable(launch->environment, LB_VARIABLE_CONFIG);
	const char *base = lb_variable(launch->environment, "XDG_CONFIG_HOME");
	const char *home = lb_variable(launch->environment, "HOME");

	if (named && *named) {
		lb_text_add(path, named);
		return *named == '/' && !path->cut;
	}
	if (base && *base) {
		lb_text_add(path, base);
		lb_text_add(path, "/lb/" LB_NAME_CONFIG_FILE);
	} else if (home) {
		lb_text_add(path, home);
		lb_text_add(path, "/.config/lb/" LB_NAME_CONFIG_FILE);
	}
	if (path->cut)
		return false;
	if (path->used && is_file(path->at))
		return true;
	path->used = 0;
	lb_text_add(path, LB_NAME_SYSTEM_CONFIG_FILE);
	if (!is_file(path->at))
		path->used = 0;
	return true;
}

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* The value of `runtime-dir = "..."`, which is all of a line. Null: this line is not so simple. */
static const char *simple_value(const char *line, const char *end, size_t *length)
{
	const char *at = skip_blanks(line + strlen(LB_NAME_RUNTIME_DIR_KEY));
	const char *value;

	if (*at != '=')
		return NULL;
	at = skip_blanks(at + 1);
	if (*at != '"')
		return NULL;
	value = ++at;
	while (at < end && *at != '"' && *at != '\\')
		at++;
	if (at == end || *at != '"')
		return NULL;
	*length = (size_t)(at - value);
	at = skip_blanks(at + 1);
	return at == end || *at == '#' || *at == '\r' ? value : NULL;
}

static bool contains(const char *text, const char *end, const char *word)
{
	for (; text < end; text++) {
		if (lb_begins(text, word))
			return true;
	}
	return false;
}

/* Finds the key in a file's text. False: Deno has to. A length of zero: it is not there. */
static bool find_key(const char *text, size_t size, const char **value, size_t *length)
{
	const char *end = text + size;

	*length = 0;
	if (contains(text, end, "\"\"\"") || contains(text, end, "'''"))
		return false; /* a line may lie inside a text */
	for (const char *line = text; line < end;) {
		const char *after = line;
		const char *at = skip_blanks(line);

		while (after < end && *after != '\n')
			after++;
		if (*at == '[')
			return true; /* a table: the keys above it are over */
		if (lb_begins(at, LB_NAME_RUNTIME_DIR_KEY)) {
			*value = simple_value(at, after, length);
			return *value && *length && !contains(after, end, LB_NAME_RUNTIME_DIR_KEY);
		}
		if (*at != '#' && contains(at, after, LB_NAME_RUNTIME_DIR_KEY))
			return false;
		line = after + 1;
	}
	return true;
}

static bool add_default(const struct lb_launch *launch, struct lb_text *directory)
{
	const char *runtime = lb_variable(launch->environment, "XDG_RUNTIME_DIR");
	const char *home = lb_variable(launch->environment, "HOME");

	if (runtime && *runtime == '/') {
		lb_text_add(directory, runtime);
		lb_text_add(directory, "/lb");
		return true;
	}
	if (!home || *home != '/')
		return false;
	lb_text_add(directory, home);
	lb_text_add(directory, "/.local/state/lb");
	return true;
}

/* A path of the file, made absolute: `~/` is the home, anything else lies beside the file. */
static bool add_path(
	const struct lb_launch *launch, const char *file, const char *value, size_t length, struct lb_text *directory)
{
	const char *home = lb_variable(launch->environment, "HOME");
	size_t beside = strlen(file);

	if (value[0] == '~' && length > 1 && value[1] == '/') {
		if (!home || *home != '/')
			return false;
		lb_text_add(directory, home);
		value++;
		length--;
	} else if (value[0] != '/') {
		while (beside && file[beside - 1] != '/')
			beside--;
		lb_text_add_part(directory, file, beside);
	}
	lb_text_add_part(directory, value, length);
	return true;
}

bool lb_runtime_dir(const struct lb_launch *launch, struct lb_text *directory)
{
	char file_buffer[LB_PATH_SIZE], text[CONFIG_SIZE_MAX];
	struct lb_text file = { .at = file_buffer, .size = sizeof file_buffer };
	const char *value = NULL;
	size_t length = 0;
	int64_t fd, size;

	file_buffer[0] = 0;
	if (!find_file(launch, &file))
		return false;
	if (file.used) {
		fd = lb_syscall3(__NR_open, file.at, O_RDONLY | O_CLOEXEC, 0);
		if (fd < 0)
			return false;
		size = lb_syscall3(__NR_read, fd, text, sizeof text - 1);
		lb_syscall1(__NR_close, fd);
		if (size < 0 || size == (int64_t)sizeof text - 1)
			return false;
		text[size] = 0;
		if (!find_key(text, (size_t)size, &value, &length))
			return false;
	}
	if (length ? !add_path(launch, file.at, value, length, directory) : !add_default(launch, directory))
		return false;
	return !directory->cut;
}
