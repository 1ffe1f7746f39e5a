/* exec.c - Becomes the program, with the library loaded into it.
 *
 * The library is loaded before all others.
 */
#include <linux/mman.h>
#include <linux/errno.h>

#include "launch.h"

#define VARIABLE "LD_PRELOAD="
#define LIBRARY "/" LB_NAME_LIBRARY

static bool is_separator(char c)
{
	return c == ':' || c == ' ';
}

/* LD_PRELOAD as it is, then the library, once: what the user preloads stays in front, in its order. A job that lb
 * started may start others by lb; a library of another lb version must not stay. library: may be null. */
static void compose(struct lb_text *text, const char *before, const char *library)
{
	const char *end;

	lb_text_add(text, VARIABLE);
	for (const char *at = before ? before : ""; *at; at = end) {
		size_t name = strlen(LIBRARY);

		for (; is_separator(*at); at++)
			;
		for (end = at; *end && !is_separator(*end); end++)
			;
		if (end == at || ((size_t)(end - at) >= name && memcmp(end - name, LIBRARY, name) == 0))
			continue;
		if (text->used > strlen(VARIABLE))
			lb_text_add(text, ":");
		lb_text_add_part(text, at, (size_t)(end - at));
	}
	if (library && text->used > strlen(VARIABLE))
		lb_text_add(text, ":");
	if (library)
		lb_text_add(text, library);
}

/* The environment with that variable in its place, or behind all others; without it where it would be empty. */
static char **make_environment(const struct lb_launch *launch, const char *library)
{
	const char *before = lb_variable(launch->environment, "LD_PRELOAD");
	size_t count = 0, made = 0;
	size_t size = strlen(VARIABLE) + (before ? strlen(before) : 0) + (library ? strlen(library) : 0) + 16;
	bool placed = false;
	struct lb_text text = { .size = size };
	char **list;
	int64_t memory;

	while (launch->environment[count])
		count++;
	memory = lb_syscall6(__NR_mmap, 0, (count + 2) * sizeof *list + size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory < 0)
		return launch->environment;
	list = (char **)memory;
	text.at = (char *)(list + count + 2);
	compose(&text, before, library);
	for (size_t i = 0; i <= count; i++) {
		char *variable = launch->environment[i];
		bool is_ours = i < count ? lb_begins(variable, VARIABLE) : !placed;

		if (is_ours && !placed && text.used > strlen(VARIABLE))
			list[made++] = text.at;
		else if (!is_ours && variable)
			list[made++] = variable;
		placed = placed || is_ours;
	}
	list[made] = NULL;
	return list;
}

static const char *describe(int64_t error)
{
	switch (-error) {
	case ENOENT:
		return "its interpreter is not found";
	case EACCES:
		return "permission denied";
	case ENOEXEC:
		return "exec format error";
	case E2BIG:
		return "argument list too long";
	case ENOMEM:
		return "out of memory";
	case ETXTBSY:
		return "it is open for writing";
	case ELOOP:
		return "too many interpreters or links";
	case EPERM:
		return "operation not permitted";
	default:
		return "the kernel refuses";
	}
}

static _Noreturn void become(const struct lb_launch *launch, const char *path, char **environment)
{
	int64_t error = lb_syscall3(__NR_execve, path, launch->arguments, environment);

	if (error == -ENOEXEC) { /* a script without a #! line is the shell's, execvp(3) */
		launch->arguments[0] = (char *)path;
		launch->arguments[-1] = "sh"; /* where `launch`, an option or `--` was */
		error = lb_syscall3(__NR_execve, "/bin/sh", launch->arguments - 1, environment);
	}
	lb_fail(LB_EXIT_NOT_EXECUTABLE, "Check its first line and its format",
		(const char *[]){ "Cannot run ", path, " as the kernel must accept it: ", describe(error), NULL });
}

static void find_program(const struct lb_launch *launch, char *path)
{
	const char *variable = lb_variable(launch->environment, "PATH");
	const char *reason = NULL, *name = launch->program;
	enum lb_found found = lb_find_program(name, variable, path, &reason);
	bool is_path = false;

	for (const char *c = name; *c; c++)
		is_path = is_path || *c == '/';
	if (found == LB_MISSING)
		lb_fail(LB_EXIT_NOT_FOUND, is_path ? "Check the path" : "Check the name and PATH",
			(const char *[]){ "Cannot run '", name, "' as it must exist: it is not found", NULL });
	if (found == LB_REFUSED)
		lb_fail(LB_EXIT_NOT_EXECUTABLE, "Check its mode and its owner",
			(const char *[]){ "Cannot run ", path, " as it must be executable: ", reason, NULL });
}

static const char *obstacle_text(uint32_t obstacle)
{
#define ROW(name, code, text) \
	if (obstacle == (code)) \
		return text;
	LB_OBSTACLE_MAP(ROW)
#undef ROW
	return "";
}

/* Says once why the program stays at home, and tells the daemon, which lists it. */
static void tell_obstacle(uint32_t obstacle, const char *path, const char *at, int daemon)
{
	char buffer[3 * LB_PATH_SIZE];
	struct lb_text text = { .at = buffer, .size = sizeof buffer };

	lb_text_add(&text, "lb: ");
	lb_text_add(&text, path);
	lb_text_add(&text, " runs here without balancing as it ");
	if (strcmp(path, at) != 0) {
		lb_text_add(&text, "is a script of ");
		lb_text_add(&text, at);
		lb_text_add(&text, ", which ");
	}
	lb_text_add(&text, obstacle_text(obstacle));
	lb_text_add(&text, "\n");
	lb_syscall3(__NR_write, 2, buffer, text.used);
	if (daemon >= 0)
		lb_tell_daemon(daemon, obstacle, at);
}

void lb_launch(struct lb_launch *launch)
{
	char directory[LB_PATH_SIZE], buffer[LB_PATH_SIZE], path[LB_PATH_SIZE], at[LB_PATH_SIZE];
	struct lb_text control = { .at = directory, .size = sizeof directory };
	struct lb_text found = { .at = buffer, .size = sizeof buffer };
	const char *library = launch->library;
	uint32_t obstacle;
	int daemon;

	if (library)
		lb_text_add(&control, launch->control);
	else if (!lb_runtime_dir(launch, &control))
		return;
	else
		lb_text_add(&control, "/" LB_NAME_CONTROL_SOCKET);
	if (!library && (control.cut || !lb_find_library(launch, control.at, &found)))
		return;
	daemon = lb_connect_daemon(control.at);
	if (daemon < 0 && !library && !launch->no_daemon)
		return; /* Deno tells what is wrong, with the config perhaps */
	find_program(launch, path);
	obstacle = lb_find_obstacle(path, lb_variable(launch->environment, "PATH"), at);
	if (obstacle != LB_OBSTACLE_NONE)
		tell_obstacle(obstacle, path, at, daemon);
	if (!library)
		library = found.at;
	/* The loader of another architecture would complain of a library that it cannot load. */
	become(launch, path, make_environment(launch, obstacle == LB_OBSTACLE_FOREIGN ? NULL : library));
}

void lb_launch_bare(struct lb_launch *launch)
{
	char path[LB_PATH_SIZE];

	find_program(launch, path);
	become(launch, path, make_environment(launch, NULL));
}
