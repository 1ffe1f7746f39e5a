/* shadow_world.h - what surrounds a shadow under test: its guest and its daemon.
 *
 * Each case forks a process that becomes a shadow, as the library's exec would make it, and plays its guest over
 * TCP and its daemon over a unix socket.
 */
#ifndef SHADOW_WORLD_H
#define SHADOW_WORLD_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"
#include "shadow/state.h"

#define TICKET 77u
#define DATA_MAX 65536u
#define RECONNECT_MS 60000 /* a busy machine must not make a shadow give up its guest */

struct shadow_world {
	pid_t pid;
	int link, listener, daemon;
	uint64_t seq, copy, signals;
	uint32_t reconnect_ms;
	char path[64];
	char fault[32]; /* LB_FAULT=... */
};
extern struct shadow_world shadow;

struct answer {
	int64_t result;
	uint32_t flags, out_size;
	uint8_t out[DATA_MAX];
};

void receive(int fd, void *to, size_t size);
/* The next message must be of this type; its body goes to `body`. Returns its size. */
uint32_t expect(uint32_t type, uint64_t seq, void *body, size_t size);
/* Returns how far home is in the backlog. */
uint64_t expect_serve(void);
void tell(uint32_t type, uint64_t seq, const void *body, uint32_t size);
/* A shadow, its link and its daemon. */
void start(void);
struct lb_link_call new_call(uint32_t number, uint32_t flags);
uint64_t send_call(const struct lb_link_call *call, const void *in);
const struct answer *reply(uint64_t seq);
/* A call of values only. */
int64_t values(uint32_t number, uint64_t a, uint64_t b, uint64_t c);
int64_t call_open(const char *path, int flags);
int64_t call_write(uint32_t number, int64_t fd, const void *data, uint32_t size);
uint64_t send_read(int64_t fd, uint32_t size);
void make_pipe(int64_t fds[2]);
/* The shadow's descriptor, opened by its file; and a write by it, which is no call of the guest's. */
int open_other(int64_t fd, int flags);
void write_outside(int64_t fd, const void *data, uint32_t size);
/* As a thread of the guest. */
uint64_t make_thread(void);
uint64_t as(uint64_t thread, struct lb_link_call call, const void *in);
struct lb_link_call value_call(uint32_t number, uint32_t flags, uint64_t a, uint64_t b, uint64_t c);
int64_t values_as(uint64_t thread, uint32_t number, uint64_t a, uint64_t b, uint64_t c);
uint64_t read_as(uint64_t thread, int64_t fd, uint32_t size);
uint64_t write_as(uint64_t thread, uint32_t flags, int64_t fd, const void *data, uint32_t size);
/* Returns the wait status of the shadow. */
int wait_end(void);
/* The guest ends with this status, and its shadow with it. */
void end_with(int code);

/* ---- the daemon's part */
void daemon_receive(uint32_t type, void *message, size_t size);
void daemon_tell(const void *message, size_t size);
void daemon_link(uint64_t ticket);
void hello(uint64_t ticket);

#endif
