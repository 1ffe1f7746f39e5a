/* launch.h - What the launcher's files share.
 *
 * The launcher is the C code that `lb` begins with.
 *
 * `lb launch` is to cost a program nothing, under whatever limits its user has set; Deno wants 38 GiB of address space
 * before its first line. So this blob, which the build puts into the runtime that it compiles with (tools/front.ts), is
 * where the loader jumps to. It becomes the program by itself where all that it needs has been prepared, and else lets
 * Deno run, which prepares it and comes back (lib/launch/launch.ts). Freestanding, without data and relocations.
 */
#ifndef LB_LAUNCH_H
#define LB_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <asm/unistd.h>

#include "lb_wire.h"
#include "mem.h"
#include "syscall.h"

#define LB_HIDDEN __attribute__((visibility("hidden")))
#define LB_PATH_SIZE 4096

/* Exit codes, as env(1) and nohup(1) have them; another subcommand's own error is LB_EXIT_HOST. */
enum lb_launch_exit { LB_EXIT_OWN = 125, LB_EXIT_NOT_EXECUTABLE = 126, LB_EXIT_NOT_FOUND = 127 };

/* Written into the blob's first bytes by the build. */
struct lb_front {
	uint8_t jump[8];
	int64_t entry; /* of Deno, counted from the blob's beginning */
	char hash[16]; /* beginning of the library's SHA-256: ffi/artifacts.ts */
	uint64_t library_size;
};

/* One `lb launch`. */
struct lb_launch {
	const struct lb_front *front;
	char **environment;
	const char *config;  /* --config; 0: none */
	const char *control; /* --control and --library: what Deno has prepared, both or none */
	const char *library;
	const char *program;
	char **arguments; /* the program's name and what follows it */
	bool no_daemon;
};

/* ---- text.c: texts of bounded size */
struct lb_text {
	char *at;
	size_t size, used;
	bool cut; /* something did not fit */
};
void lb_text_add(struct lb_text *text, const char *what) LB_HIDDEN;
void lb_text_add_part(struct lb_text *text, const char *what, size_t length) LB_HIDDEN;
void lb_text_add_number(struct lb_text *text, uint64_t number) LB_HIDDEN;
bool lb_begins(const char *text, const char *word) LB_HIDDEN;
bool lb_ends(const char *text, const char *word) LB_HIDDEN;
const char *lb_variable(char **environment, const char *name) LB_HIDDEN;
/* Two lines on standard error, as every error of lb; then the end. Parts up to a null pointer make the first line. */
_Noreturn void lb_fail(int code, const char *fix, const char *const *parts) LB_HIDDEN;

/* ---- config.c: where this node's sockets are. False: Deno has to say. */
bool lb_runtime_dir(const struct lb_launch *launch, struct lb_text *directory) LB_HIDDEN;

/* ---- parts.c: the library, as ffi/artifacts.ts has extracted it. False: Deno has to do it. */
bool lb_find_library(const struct lb_launch *launch, const char *control, struct lb_text *path) LB_HIDDEN;

/* ---- program.c: the program that a name stands for, and what keeps the library out of it */
enum lb_found { LB_FOUND, LB_MISSING, LB_REFUSED };
/* As a shell does: a name with a slash is a path, any other is looked up in PATH (null: there is none). `path`,
 * LB_PATH_SIZE bytes, is filled in unless it is missing; `reason` where it is refused. */
enum lb_found lb_find_program(const char *name, const char *path_variable, char *path, const char **reason) LB_HIDDEN;
/* enum lb_obstacle. `at`, LB_PATH_SIZE bytes: the file that has it, the program's or its interpreter's. */
uint32_t lb_find_obstacle(const char *path, const char *path_variable, char *at) LB_HIDDEN;

/* ---- daemon.c */
/* A connection to the node's control socket, or a negative error. */
int lb_connect_daemon(const char *control) LB_HIDDEN;
/* Tells the daemon that this process is about to become the program of this file, and why it stays. */
void lb_tell_daemon(int fd, uint32_t obstacle, const char *path) LB_HIDDEN;

/* ---- exec.c: returns only where Deno has to prepare something first */
void lb_launch(struct lb_launch *launch) LB_HIDDEN;
/* As the program stays here in any case. */
_Noreturn void lb_launch_bare(struct lb_launch *launch) LB_HIDDEN;

/* ---- limits.c: one clear line, where Deno would end with a stack trace */
struct lb_shortage {
	const char *what; /* null: nothing is short */
	const char *unit;
	const char *fix;
	uint64_t needed, limit;
};
void lb_find_shortage(struct lb_shortage *shortage) LB_HIDDEN;

#endif
