/* internal.h - what the checkpoint half of the library shares (trigger, image, resume, homecoming). */
#ifndef LB_INTERNAL_H
#define LB_INTERNAL_H

#include "mask/aside.h"
#include "mask/mask.h"
#include "process/context.h"
#include "process/identity.h"
#include "process/process.h"
#include "trap/stub.h"
#include "lb_restorer.h"
#include "mem.h"
#include "syscall.h"
#include "text.h"

#include <asm/unistd.h>

#define LB_SIGTSTP 20
#define LB_SIGCHLD 17
#define LB_SIGSYS 31
#define LB_AT_FDCWD (-100)
#define LB_EINTR (-4)
#define LB_SA_NOCLDSTOP 1ULL
#define LB_SA_NOCLDWAIT 2ULL
#define LB_SA_SIGINFO 4ULL
#define LB_SA_ONSTACK 0x08000000ULL
#define LB_SA_NODEFER 0x40000000ULL
#define LB_SA_RESETHAND 0x80000000ULL
#define LB_SA_RESTORER 0x04000000ULL
#define LB_SA_RESTART 0x10000000ULL
#define LB_SIG_DFL 0ULL
#define LB_SIG_IGN 1ULL
#define LB_UPPER_DESCRIPTORS 64 /* numbers below RLIMIT_NOFILE that the library takes for itself */

/* Of struct ucontext, arch/x86/include/uapi/asm/{ucontext,sigcontext}.h: 64-bit words of gregs from 5 on. */
enum lb_register { LB_RDI = 8, LB_RSI = 9, LB_RDX = 12, LB_RAX = 13, LB_R10 = 2, LB_RIP = 16, LB_RSP = 15 };
#define LB_UC_GREGS 5
#define LB_UC_SIGMASK 37 /* word: 40 bytes before the registers, 256 bytes of struct sigcontext_64 */

/* ---- interpose.c */
void lb_restorer_learn(void) LB_HIDDEN; /* leaves SIGURG with an action of lb's */

/* ---- actions.c */
/* At the start: notes the program's actions of the signals that are ours, and puts our handler in front of them. */
void lb_actions_note_ours(void) LB_HIDDEN;
void lb_actions_stand_in_front(void) LB_HIDDEN;
/* Before a move from home: notes the actions of all signals; away they are kept up to date anyway. */
void lb_actions_take(void) LB_HIDDEN;
/* SA_RESETHAND: the default action from now on. */
void lb_action_reset(int signal) LB_HIDDEN;
/* In the restored process: tells the kernel all of them, as this place needs it. */
void lb_actions_give(void) LB_HIDDEN;

/* ---- control.c: the node's control socket */
/* Connects to lb_self.control_path. Returns a descriptor or a negative error. */
int lb_control_connect(void) LB_HIDDEN;
/* Sends one message and, if `answer`, receives one of `answer_size` bytes and up to `fds_max` descriptors (-1
 * where there is none). Returns the number of descriptors or a negative error. */
int lb_control_ask(
	int fd, const void *message, size_t size, void *answer, size_t answer_size, int *fds, int fds_max) LB_HIDDEN;

/* ---- maps.c: the process's own mappings */
struct lb_mapping {
	struct lb_image_segment segment;
	bool file;   /* a file's pages: all of them are sent, up to its end */
	bool device; /* [vvar]: pages that only the CPU can read, and not all of them */
	bool vdso;   /* the program's own, as the kernel has mapped it */
	bool skip;   /* [vsyscall], the node's own vdso, the hole */
	bool shared; /* MAP_SHARED */
	bool shared_writable;
	bool shared_anonymous;                 /* with relatives by fork(2) alone: no file of that name can be opened */
	uint64_t offset, device_number, inode; /* of its file */
	const char *path;                      /* its name, "" if it has none; valid during the call */
};
/* Calls `each` for every mapping, in address order, until it returns non-zero. Returns that or a negative
 * error. */
int lb_each_mapping(int (*each)(const struct lb_mapping *mapping, void *context), void *context) LB_HIDDEN;
/* The same of another process, by the path of its file `maps`. */
int lb_each_mapping_of(
	const char *maps, int (*each)(const struct lb_mapping *mapping, void *context), void *context) LB_HIDDEN;
/* The same with attributes, for which the kernel looks at all pages: some 25 ms for each GiB of them. */
int lb_each_mapping_whole(int (*each)(const struct lb_mapping *mapping, void *context), void *context) LB_HIDDEN;

/* ---- frozen.c: what the kernel knows of the process and an image must carry, kept in library memory */
/* Stops the clocks: saves and disarms timers, takes pending signals, notes limits. Returns 0 or an error, and
 * then everything is as before. */
int lb_freeze(void) LB_HIDDEN;
/* In the process that has come home, before it has its actions again: some of them throw away what waits. */
void lb_frozen_take_meanwhile(void) LB_HIDDEN;
/* Undoes lb_freeze in the same process. */
void lb_unfreeze(void) LB_HIDDEN;
/* A signal that was delivered, but too early: it comes again, before all others of its number. All blocked. */
void lb_signal_put_back(const struct lb_siginfo *info) LB_HIDDEN;
/* In the restored process: gives it all back. */
void lb_thaw(bool at_home) LB_HIDDEN;
/* The program's CLOCK_MONOTONIC when it was frozen. ns */
uint64_t lb_frozen_monotonic_ns(void) LB_HIDDEN;

/* ---- rseq.c: the area of rseq(2) */
/* At home: finds out which is registered. Returns 0 or -LB_E_RSEQ. */
int lb_rseq_take(void) LB_HIDDEN;
/* In the restored process: registers it again. */
void lb_rseq_give(void) LB_HIDDEN;
/* Before this process's TLS goes away: the kernel must not write glibc's struct rseq any more. */
void lb_rseq_unregister(void) LB_HIDDEN;

/* ---- attributes.c: of the process, as prctl(2) has set them */
void lb_attributes_take(void) LB_HIDDEN;
void lb_attributes_give(void) LB_HIDDEN;
/* Whether it is in a state that this library itself could not run in, away or on the way home: the processor is to trap
 * rdtsc or cpuid (prctl(2) PR_SET_TSC, arch_prctl(2)), or no memory may become executable (PR_SET_MDWE). */
bool lb_attributes_trap(void) LB_HIDDEN;
/* LB_ATTRIBUTE() of what is mapped next. */
void lb_attributes_note_new_memory(uint32_t of_new_memory) LB_HIDDEN;

/* ---- pages.c: which pages of this process exist */
enum lb_pages_way { LB_PAGES_SCANNED, LB_PAGES_SCANNED_BEFORE_6_15, LB_PAGES_ENTRIES };
enum lb_look {
	LB_LOOK_OWN,    /* pages with content that no file has, and guards */
	LB_LOOK_GUARDS, /* MADV_GUARD_INSTALL of madvise(2): memory that nobody may touch */
};
struct lb_pages {
	uint64_t start, end;
	bool guard;
};
typedef int lb_pages_each_fn(const struct lb_pages *row, void *context);
/* Begins a look at them; `best`: no better way than this one, for tests. Returns 0 or an error; to be ended always. */
int lb_pages_begin(enum lb_pages_way best) LB_HIDDEN;
void lb_pages_end(void) LB_HIDDEN;
/* Calls `each` for the rows of such pages in [start, end), a part of one mapping and behind the last one, until it
 * returns non-zero. Returns that or an error. */
int lb_pages_each(enum lb_look look, uint64_t start, uint64_t end, lb_pages_each_fn *each, void *context) LB_HIDDEN;
/* Reads what the program itself may not read. Returns how much, or an error. */
int64_t lb_pages_read(void *to, uint64_t at, uint64_t size) LB_HIDDEN;

/* ---- extents.c: where the file of a mapping has data, and where it has holes, which are zeros */
typedef int lb_stretch_fn(uint64_t start, uint64_t end, bool hole, void *context);
/* Calls `each` for the stretches of the whole mapping [start, end) of a file, in order, until it returns non-zero.
 * Returns that or an error. Where it is not known what is a hole, all is data. */
int lb_stretches_each(uint64_t start, uint64_t end, lb_stretch_fn *each, void *context) LB_HIDDEN;

/* ---- image.c */
struct lb_image_sink {
	int fd;
	bool socket;
	bool home;  /* fault points of the way home do not fire at the source */
	bool keeps; /* the shadow keeps the last image: only what has changed is sent (kept.c) */
	bool child; /* of a child that begins with it, and inherits less */
	uint64_t bytes;
};
/* Writes the image of this process. Everything it needs lies in memory that does not change meanwhile.
 * Returns 0 or a negative error. */
int lb_image_write(struct lb_image_sink *sink, uint64_t ticket) LB_HIDDEN;

/* ---- stream.c: whole messages over a socket, for the commit */
int lb_stream_send(int fd, uint32_t type, const void *body, uint32_t size) LB_HIDDEN;
/* Receives one message of exactly this type; FAILED gives its error. */
int lb_stream_expect(int fd, uint32_t type, void *body, uint32_t size) LB_HIDDEN;
int lb_stream_read(int fd, void *buffer, size_t size) LB_HIDDEN;
void lb_stream_timeout(int fd, uint32_t timeout_ms) LB_HIDDEN;

/* Whether the limits on memory that the program had can be given to it here: 0 or -LB_E_LIMIT. */
int lb_frozen_fits(void) LB_HIDDEN;

/* ---- children.c: children of this process, at home */
bool lb_has_children(void) LB_HIDDEN;
bool lb_shares_memory(void) LB_HIDDEN; /* with one of them: CLONE_VM of clone(2) */

/* ---- mapped.c: files that memory is mapped from */
void lb_mapped_begin(void) LB_HIDDEN;
/* In the order of addresses. Returns the number of its file in the image, from 1; 0: it is of none. */
uint32_t lb_mapped_note(const struct lb_mapping *mapping) LB_HIDDEN;
/* How many there are, and how many bytes they and their names take. */
uint32_t lb_mapped_count(uint64_t *size) LB_HIDDEN;
/* Of a mapping that has one; name: of LB_IMAGE_NAME_SIZE_MAX bytes. All but its size. */
void lb_mapped_tell(const struct lb_mapping *mapping, struct lb_image_file *file, char *name) LB_HIDDEN;
/* In a process that begins to be a guest: what the image has told. */
void lb_mapped_take(const struct lb_resume_args *args) LB_HIDDEN;
/* Away: the descriptor of what takes a file's place; -1: it is none of those. */
int lb_mapped_fd(const struct lb_mapping *mapping) LB_HIDDEN;
/* Pages that were written to here and are as they were: they are the file's again, and not the program's own. */
void lb_mapped_settle(const uint64_t *pages, uint32_t count) LB_HIDDEN;

/* ---- shared.c: memory that is to be shared with children, at home */
/* 0, or an error: another process has some of this one's. What it finds holds as long as this process does nothing. */
int lb_shared_look(void) LB_HIDDEN;
bool lb_shared_is_alone(const struct lb_mapping *mapping) LB_HIDDEN;

/* ---- fork_home.c: in the restored process: is it a child that is being forked? Then its life begins. */
bool lb_fork_is_born(void) LB_HIDDEN;
void lb_fork_begin_life(void) LB_HIDDEN;
/* fork_kept.c: an image of which the shadow keeps a copy. id: of the last one; 0: it keeps none. */
void lb_kept_begin(uint64_t id) LB_HIDDEN;
enum lb_page { LB_PAGE_CHANGED, LB_PAGE_KEPT, LB_PAGE_EMPTY };
/* In the order of addresses. data: the page itself, or a copy of it as it counts, valid until the next call. */
enum lb_page lb_kept(uint64_t page, const char **data) LB_HIDDEN;
void lb_kept_end(bool whole) LB_HIDDEN;
bool lb_kept_has(uint64_t page) LB_HIDDEN; /* of the tables that this needs */
void lb_kept_drop(void) LB_HIDDEN;         /* at home, where nothing is kept */
/* What a child does not inherit: timers and pending signals. */
void lb_frozen_forget(void) LB_HIDDEN;

/* ---- vdso.c */
/* The program's vdso (ordinary memory by now) calls the node's: patches it once, aims it each time. */
void lb_vdso_aim(uint64_t node_vdso) LB_HIDDEN;
/* Bytes of the loaded part of the vdso at `base`, whole pages. */
uint64_t lb_vdso_size(uint64_t base) LB_HIDDEN;
/* Whether this is in one of the functions that a moved program calls in place of the vdso's. */
bool lb_in_hook(uint64_t rip) LB_HIDDEN;

/* ---- shadow_exec.c */
/* Whether this process's limits let a shadow begin: 0, or the error that a move would end with. */
int lb_shadow_fits(void) LB_HIDDEN;
/* Becomes the shadow: returns only on error, and then everything is as before. */
int lb_become_shadow(const struct lb_local_order *order, int link_fd, int shadow_fd, int preload_fd, uint64_t bytes,
	uint64_t freeze_ns) LB_HIDDEN;
/* A descriptor number out of the program's way: moves fd there. Returns the new one or an error. */
/* Between these two a descriptor can be made although the program has all that it may have. */
void lb_fds_begin(void) LB_HIDDEN;
void lb_fds_end(void) LB_HIDDEN;
int lb_move_up(int fd) LB_HIDDEN; /* behind the program's, between those two */

/* ---- neighbours.c: other libraries between the program and its C library */
struct lb_next { /* the next library's functions of these names; 0: ask the C library itself */
	int (*sigaction)(int signal, const void *wanted, void *old);
	uint64_t (*signal)(int signal, uint64_t handler);
	uint64_t (*sysv_signal)(int signal, uint64_t handler);
	uint64_t (*sigset)(int signal, uint64_t handler);
	int (*sigignore)(int signal);
	int (*siginterrupt)(int signal, int interrupts);
	int (*sigtimedwait)(const uint64_t *set, void *info, const int64_t *limit);
	int (*sigwait)(const uint64_t *set, int *signal);
	int (*sigpending)(uint64_t *set);
	bool alone; /* the process cannot move: nothing is done in front of them */
};
extern struct lb_next lb_next LB_HIDDEN;
/* Makes room for them. */
void lb_neighbours_meet(void) LB_HIDDEN;

/* ---- init.c, trigger.c */
/* At home, in the program's own context: does what it orders, as if it had been delivered here. */
void lb_order_taken(int signal, const struct lb_siginfo *order) LB_HIDDEN;
int lb_homecoming(int state_fd, char **environment) LB_HIDDEN;
/* The order's work, on the private stack. */
struct lb_order_context {
	struct lb_local_order order;
	int fds[LB_LOCAL_DESCRIPTORS_MAX];
	uint32_t step; /* fault point number reached, for the report */
	uint64_t bytes;
	uint64_t freeze_us;
};
int lb_order_move_from_home(struct lb_order_context *context) LB_HIDDEN;
int lb_order_move_on(struct lb_order_context *context) LB_HIDDEN;
int lb_order_snapshot(struct lb_order_context *context) LB_HIDDEN;

#endif
