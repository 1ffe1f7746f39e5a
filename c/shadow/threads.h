/* threads.h - Threads of the guest. */
#ifndef LB_SHADOW_THREADS_H
#define LB_SHADOW_THREADS_H

#include <sys/types.h>

#include "message.h"
#include "state.h"
#include "transfers.h"
#include "wait.h"
#include "worker.h"

#define LB_REPLY_HEAD (sizeof(struct lb_link_header) + sizeof(struct lb_link_reply))

/* A CALL that is being executed. */
struct lb_execution {
	const struct lb_link_call *call;
	uint8_t *out; /* its output, so far behind a page as lb_transfer_offset() says */
	size_t room;  /* there, of a call that a child executes */
	struct lb_link_reply reply;
	int64_t arguments[1 + LB_CALL_ARGS]; /* number, and those of the system call */
	struct lb_message message;
	struct lb_transfer transfer;
	struct lb_wait wait;
};

/* Memory that grows by need. */
struct lb_area {
	uint8_t *at;
	size_t size;
};

struct lb_guest_thread {
	uint32_t tid;                       /* at home; 0: this place is free */
	bool ended;                         /* only its last reply is kept */
	bool cancelled;                     /* its call is to end with EINTR */
	uint64_t last_seq;                  /* of its last CALL executed */
	uint64_t executing_seq;             /* 0: none */
	uint8_t *reply;                     /* to its last CALL, header included: kept until the next */
	size_t reply_size;                  /* 0: none */
	uint8_t short_reply[LB_REPLY_HEAD]; /* of one that has ended */
	struct lb_area output;              /* not of the first: calls.c */
	struct lb_area input;               /* the CALL that a worker executes */
	struct lb_worker *worker;
	struct lb_parked *slot; /* where its thread waits while the process comes home */
	int *child_fd;          /* to the child of vfork(2) that runs in its place; NULL: none */
	pid_t child_pid;
	struct lb_execution execution;
	int64_t deadline_ns; /* its worker is cancelled then; 0: none */
	unsigned tries;      /* of a call that was cancelled before it was made */
};

/* Whose tid this is, or in whose place the child of this PID runs; else the first one. */
struct lb_guest_thread *lb_guest_thread_of(uint64_t tid);
struct lb_guest_thread *lb_guest_thread_first(void);
/* Calls `each` for all that there are. */
void lb_guest_threads_each(void (*each)(struct lb_guest_thread *thread));
/* The next call at home may wait: a worker for it. False: there is none. */
bool lb_guest_thread_prepare(struct lb_guest_thread *thread);
/* The first one changes its identity: its worker has the old one. */
void lb_guest_thread_changed(struct lb_guest_thread *first);
/* LB_HOME_THREAD and LB_HOME_THREAD_END. Returns false when the request is malformed. */
bool lb_guest_threads_call(const struct lb_link_call *call, const int64_t *arguments, struct lb_link_reply *reply);
/* Its reply is complete: one that has ended keeps it, and nothing else. */
void lb_guest_thread_settle(struct lb_guest_thread *thread);
/* Threads that wait in slots become workers. False: one of them cannot. */
bool lb_guest_threads_adopt(void);
/* The process comes home: they wait in slots, nothing is kept, and one that is nobody's ends. */
void lb_guest_threads_park(void);
/* In a child of this process: neither are there its workers. */
void lb_guest_threads_forget(void);
/* At least so large, its beginning on a page; what was there is lost. False: there is no memory. */
bool lb_area_make(struct lb_area *area, size_t size);

#endif
