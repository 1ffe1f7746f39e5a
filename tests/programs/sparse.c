/* sparse.c - sparse KIND [SIZE]: makes memory of which little exists.
 *
 * It says "ready"; for each line that it reads it looks at all of it again and says "ok", or what is wrong.
 *
 *   plain          nothing
 *   own MIB        so much memory, all of it used
 *   reserve GIB    so much reserved address space, eight pages of it used
 *   filemap MIB    a private mapping of a file that is as large and has eight pages of data
 *   guards         guard pages, MADV_GUARD_INSTALL of madvise(2), here and in a child
 *   lock FILE      not so: who has a lock on that file
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102 /* Linux 6.13 */
#define MADV_GUARD_REMOVE 103
#endif
#define PAGE 4096ul
#define PARTS 8
#define GUARDED 64 /* pages, every fourth of which is a guard */

static char *memory, *mapped;
static size_t size;
static int file_guards; /* Linux 6.15 */

static const char *look_at_nothing(void)
{
	return NULL;
}

static void own(void)
{
	memory = malloc(size);
	memset(memory, 'o', size);
}

static const char *look_at_own(void)
{
	for (size_t i = 0; i < size; i++)
		if (memory[i] != 'o')
			return "a byte of its own memory";
	return NULL;
}

static void reserve(void)
{
	memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	/* Half of them in mappings of their own, half in one that is as large as the space between them. */
	for (size_t i = 0; i < PARTS; i++) {
		char *at = memory + size / PARTS * i;
		mprotect(at, i % 2 ? PAGE : size / PARTS, PROT_READ | PROT_WRITE);
		at[i] = (char)(i + 1);
	}
}

static const char *look_at_reserved(void)
{
	for (size_t i = 0; i < PARTS; i++) {
		char *at = memory + size / PARTS * i;
		if (at[i] != (char)(i + 1))
			return "a page of reserved memory";
	}
	return memory[size / PARTS * 2 + size / PARTS / 2] == 0 ? NULL : "reserved memory is not zero";
}

static void map_file(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("sparse.data", O_CREAT | O_RDWR | O_TRUNC, 0644);
	if (fd < 0 || ftruncate(fd, (off_t)size) != 0 || fcntl(fd, F_SETLK, &lock) != 0) {
		perror("sparse.data");
		exit(1);
	}
	for (size_t at = 0; at < size; at += size / PARTS)
		if (pwrite(fd, "page", 4, (off_t)(at + 10)) != 4)
			exit(1);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memory[size / 2 + 20 * PAGE] = 'm'; /* in a hole */
	memory[size / 2 + 20] = 'd';        /* in data */
}

static const char *look_at_file(void)
{
	for (size_t at = 0; at < size; at += size / PARTS) {
		/* One of them only at the end, after all moves. */
		if (at != size / PARTS && memcmp(memory + at + 10, "page", 4) != 0)
			return "a page of the file";
		if (memory[at + size / PARTS - PAGE] != 0)
			return "a hole is not zero";
	}
	if (memory[size / 2 + 20 * PAGE] != 'm' || memory[size / 2 + 20] != 'd')
		return "what was written to the mapping";
	return NULL;
}

static const char *look_at_the_rest(void)
{
	return memcmp(memory + size / PARTS + 10, "page", 4) == 0 ? NULL : "a page that was never read";
}

static sigjmp_buf back;

static void jump_back(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

static int can_touch(const char *at)
{
	if (sigsetjmp(back, 1) != 0)
		return 0;
	*(volatile const char *)at;
	return 1;
}

static void guard(void)
{
	int fd = open("guarded.data", O_CREAT | O_RDWR | O_TRUNC, 0644);
	if (fd < 0 || ftruncate(fd, GUARDED * PAGE) != 0)
		exit(1);
	signal(SIGSEGV, jump_back);
	memory = mmap(NULL, GUARDED * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mapped = mmap(NULL, GUARDED * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	memset(memory, 'a', GUARDED * PAGE);
	memset(mapped, 'f', GUARDED / 2 * PAGE);
	for (size_t i = 0; i < GUARDED; i += 4)
		if (madvise(memory + i * PAGE, PAGE, MADV_GUARD_INSTALL) != 0) {
			puts("none");
			exit(0);
		}
	file_guards = madvise(mapped + 8 * PAGE, 4 * PAGE, MADV_GUARD_INSTALL) == 0;
	/* The last one can be neither read nor touched. */
	mprotect(memory + (GUARDED - 4) * PAGE, 4 * PAGE, PROT_NONE);
}

static const char *look_at_pages(void)
{
	for (size_t i = 0; i < GUARDED - 4; i++) {
		if (can_touch(memory + i * PAGE) != (i % 4 != 0))
			return i % 4 == 0 ? "a guard is gone" : "a page cannot be touched";
		if (i % 4 != 0 && memory[i * PAGE] != 'a')
			return "a page between guards";
	}
	for (size_t i = 0; i < GUARDED; i++) {
		int is_guard = file_guards && i >= 8 && i < 12;
		if (can_touch(mapped + i * PAGE) == is_guard)
			return is_guard ? "a file's guard is gone" : "a file's page cannot be touched";
		if (!is_guard && mapped[i * PAGE] != (i < GUARDED / 2 ? 'f' : 0))
			return "a page of the file between guards";
	}
	mprotect(memory + (GUARDED - 4) * PAGE, 4 * PAGE, PROT_READ);
	if (can_touch(memory + (GUARDED - 4) * PAGE) || memory[(GUARDED - 3) * PAGE] != 'a')
		return "a guard in memory without rights";
	mprotect(memory + (GUARDED - 4) * PAGE, 4 * PAGE, PROT_NONE);
	madvise(memory, PAGE, MADV_GUARD_REMOVE);
	if (!can_touch(memory) || memory[0] != 0)
		return "what was a guard";
	madvise(memory, PAGE, MADV_GUARD_INSTALL);
	return NULL;
}

static const char *look_at_guards(void)
{
	const char *wrong = look_at_pages();
	int status = 1;
	pid_t child = wrong ? -1 : fork();

	if (child == 0) {
		wrong = look_at_pages();
		if (wrong)
			fprintf(stderr, "child: %s\n", wrong);
		_exit(wrong != NULL);
	}
	if (!wrong && (waitpid(child, &status, 0) != child || status != 0))
		return "guards in a child";
	return wrong;
}

static int tell_lock(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR);
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) != 0)
		return 1;
	return puts(lock.l_type == F_UNLCK ? "free" : "locked") < 0;
}

int main(int count, char **words)
{
	const char *kind = count > 1 ? words[1] : "";
	const char *(*look)(void) = look_at_nothing, *(*last)(void) = look_at_nothing;
	char line[64];

	size = count > 2 ? strtoul(words[2], NULL, 10) : 0;
	if (strcmp(kind, "lock") == 0)
		return tell_lock(words[2]);
	if (strcmp(kind, "own") == 0) {
		size <<= 20;
		own();
		look = look_at_own;
	} else if (strcmp(kind, "reserve") == 0) {
		size <<= 30;
		reserve();
		look = look_at_reserved;
	} else if (strcmp(kind, "filemap") == 0) {
		size <<= 20;
		map_file();
		look = look_at_file;
		last = look_at_the_rest;
	} else if (strcmp(kind, "guards") == 0) {
		guard();
		look = look_at_guards;
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		const char *wrong = look();
		puts(wrong ? wrong : "ok");
		fflush(stdout);
	}
	const char *wrong = last();
	puts(wrong ? wrong : "the end");
	return wrong != NULL;
}
