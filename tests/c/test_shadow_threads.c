/* test_shadow_threads.c - Calls of several threads of a guest at a time. Each is made by one of home's own.
 * Units: c/shadow/{backlog,birth,block,calls,child,children,control,descriptors,end,execute,grant,held,home,last_image,links,memory,message,park,paths,serve,signalfds,signals,state,threads,tickets,transfers,wait,wake,worker}.c c/restorer/map_lines.c c/base/{load,mem}.c tests/c/shadow_world.c
 */
#include "shadow_world.h"

#include <sys/file.h>
#include <sys/un.h>
#include <time.h>

/* Whichever call's comes next: its number. */
static uint64_t next_reply(struct lb_link_reply *answer)
{
	struct lb_link_header header;
	uint8_t data[100];

	receive(shadow.link, &header, sizeof header);
	CHECK_EQUAL(header.type, LB_LINK_REPLY);
	receive(shadow.link, answer, sizeof *answer);
	receive(shadow.link, data, answer->out_size);
	return header.seq;
}

static int count_tasks(void)
{
	char path[64];
	struct stat status;

	snprintf(path, sizeof path, "/proc/%d/task", (int)shadow.pid);
	CHECK(stat(path, &status) == 0);
	return (int)status.st_nlink - 2;
}

/* One that ends is gone as soon as the kernel is through with it. */
static void expect_tasks(int count)
{
	for (int i = 0; i < 5000 && count_tasks() != count; i++)
		usleep(1000);
	CHECK_EQUAL(count_tasks(), count);
}

static void one_waits_and_others_go_on(void)
{
	const uint64_t pad = UINT64_C(7) << 32;
	char path[] = "/tmp/lb-test-threads.XXXXXX", content[4] = "";
	int64_t fds[2];
	uint64_t one, seq;
	int fd = mkstemp(path);

	start();
	make_pipe(fds);
	one = make_thread();
	seq = read_as(one, fds[0], 100);
	for (int i = 0; i < 1000; i++)
		CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	/* What the guest has written behind is not held up, either. */
	tell(LB_LINK_WRITE, (uint64_t)fd | pad, "a.......", 8);
	struct lb_link_applied applied;

	CHECK_EQUAL(expect(LB_LINK_APPLIED, 0, &applied, sizeof applied), sizeof applied);
	CHECK_EQUAL(pread(fd, content, sizeof content, 0), 1);
	CHECK_EQUAL(content[0], 'a');
	CHECK_EQUAL(call_write(SYS_write, fd, "b", 1), 1);
	uint64_t written = write_as(shadow.pid, LB_CALL_MAY_BLOCK, fds[1], "abc", 3);
	uint64_t seen = 0;

	for (int i = 0; i < 2; i++) { /* in whatever order they end */
		struct lb_link_reply answer;
		uint64_t of = next_reply(&answer);

		CHECK_EQUAL(answer.result, 3);
		CHECK_EQUAL(answer.out_size, of == seq ? 3 : 0);
		seen += of;
	}
	CHECK_EQUAL(seen, seq + written);
	CHECK_EQUAL(values(LB_HOME_THREAD_END, one, 0, 0), 0);
	CHECK_EQUAL(values(LB_HOME_THREAD_END, one, 0, 0), -ESRCH);
	expect_tasks(1);
	unlink(path);
	end_with(0);
}

static void one_of_two_that_wait_is_cancelled(void)
{
	int64_t first[2], second[2];
	uint64_t one, seq, other;

	start();
	make_pipe(first);
	make_pipe(second);
	one = make_thread();
	for (int round = 0; round < 50; round++) {
		seq = read_as(one, first[0], 100);
		other = read_as(0, second[0], 100);
		/* Before they wait, while they do: never lost, never twice. */
		usleep((unsigned)round * 40);
		tell(LB_LINK_CANCEL, round % 2 == 0 ? seq : other, NULL, 0);
		CHECK_EQUAL(reply(round % 2 == 0 ? seq : other)->result, -EINTR);
		tell(LB_LINK_CANCEL, round % 2 == 0 ? other : seq, NULL, 0);
		CHECK_EQUAL(reply(round % 2 == 0 ? other : seq)->result, -EINTR);
		tell(LB_LINK_CANCEL, seq, NULL, 0); /* late: nothing happens */
		CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	}
	end_with(0);
}

/* At home a call that need not wait is over before a signal could end it, however late home hears of it. */
static void a_call_that_need_not_wait_is_made_although_it_is_cancelled(void)
{
	struct {
		struct lb_link_header header;
		struct lb_link_call call;
		struct lb_link_header cancel;
	} message = { .call = new_call(SYS_read, LB_CALL_MAY_BLOCK), .cancel = { .type = LB_LINK_CANCEL } };
	int64_t fds[2];

	start();
	make_pipe(fds);
	message.call.thread = make_thread();
	message.call.args[0] = (uint64_t)fds[0];
	message.call.kinds[1] = LB_ARG_OUT;
	message.call.arg_sizes[1] = message.call.args[2] = message.call.out_size = 100;
	message.header = (struct lb_link_header){ LB_LINK_CALL, sizeof message.call, 0 };
	for (int round = 0; round < 50; round++) {
		bool waits = round % 2 == 1;

		if (!waits)
			CHECK_EQUAL(call_write(SYS_write, fds[1], "ab", 2), 2);
		message.header.seq = message.cancel.seq = ++shadow.seq;
		CHECK(send(shadow.link, &message, sizeof message, MSG_NOSIGNAL) == sizeof message);
		CHECK_EQUAL(reply(message.header.seq)->result, waits ? -EINTR : 2);
	}
	end_with(0);
}

static void replies_come_in_the_order_of_ends(void)
{
	enum { THREADS = 60 };
	int64_t fds[THREADS][2];
	uint64_t tids[THREADS], seqs[THREADS];

	start();
	for (int i = 0; i < THREADS; i++) {
		make_pipe(fds[i]);
		tids[i] = make_thread();
		for (int j = 0; j < i; j++)
			CHECK(tids[i] != tids[j]);
	}
	CHECK_EQUAL(count_tasks(), THREADS + 2); /* the main thread, and a worker for the first one */
	for (int i = 0; i < THREADS; i++)
		seqs[i] = read_as(tids[i], fds[i][0], 10);
	for (int i = THREADS - 1; i >= 0; i--) {
		write_outside(fds[i][1], "x", 1);
		CHECK_EQUAL(reply(seqs[i])->result, 1);
	}
	for (int i = 0; i < THREADS; i++)
		CHECK_EQUAL(values_as(tids[i], LB_HOME_THREAD_END, tids[i], 0, 0), 0); /* itself */
	expect_tasks(1);
	end_with(0);
}

static void calls_of_all_threads_happen_once_across_links(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	int64_t fds[2], other[2];
	uint64_t one, two, three, waits, waits_too, done, last;

	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	make_pipe(fds);
	make_pipe(other);
	one = make_thread();
	two = make_thread();
	three = make_thread();
	done = write_as(three, LB_CALL_MAY_BLOCK, other[1], "a", 1);
	CHECK_EQUAL(reply(done)->result, 1);
	waits = read_as(one, fds[0], 10);
	waits_too = read_as(two, fds[0], 10);
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	last = shadow.seq;
	for (int i = 0; i < 2 * LB_LINKS; i++) {
		usleep(i == 0 ? 20000 : 0);
		close(shadow.link); /* as if the replies had been lost */
		daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
		daemon_link(TICKET);
		hello(TICKET);
		expect_serve();
		shadow.seq = waits - 1;
		CHECK_EQUAL(read_as(one, fds[0], 10), waits);
		CHECK_EQUAL(read_as(two, fds[0], 10), waits_too);
		shadow.seq = done - 1;
		CHECK_EQUAL(reply(write_as(three, LB_CALL_MAY_BLOCK, other[1], "a", 1))->result, 1);
		shadow.seq = last - 1;
		CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	}
	CHECK_EQUAL(reply(read_as(three, other[0], 10))->result, 1); /* written once */
	/* It ends while there is no link, and its reply comes over the next. */
	close(shadow.link);
	daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
	write_outside(fds[1], "xy", 2);
	usleep(50000);
	daemon_link(TICKET);
	hello(TICKET);
	expect_serve();
	last = shadow.seq;

	for (int i = 0; i < 2; i++) {
		struct lb_link_call call = value_call(SYS_read, LB_CALL_MAY_BLOCK, (uint64_t)fds[0], 0, 10);

		shadow.seq = (i == 0 ? waits : waits_too) - 1;
		call.kinds[1] = LB_ARG_OUT;
		call.arg_sizes[1] = call.out_size = 10;
		as(i == 0 ? one : two, call, NULL);
	}
	struct lb_link_reply answer;
	uint64_t of = next_reply(&answer);

	CHECK_EQUAL(answer.result, 2);
	waits = of == waits ? waits_too : waits;
	tell(LB_LINK_CANCEL, waits, NULL, 0);
	CHECK_EQUAL(reply(waits)->result, -EINTR);
	shadow.seq = last;
	end_with(0);
}

static void threads_come_and_go(void)
{
	uint64_t before = 0;
	int64_t fds[2];

	start();
	make_pipe(fds);
	for (int i = 0; i < 1000; i++) {
		uint64_t one = make_thread();

		CHECK(one != before);
		before = one;
		if (i % 10 == 0) {
			uint64_t seq = read_as(one, fds[0], 10);

			write_outside(fds[1], "ab", 2);
			CHECK_EQUAL(reply(seq)->result, 2);
		}
		CHECK_EQUAL(values_as(i % 2 == 0 ? one : 0, LB_HOME_THREAD_END, one, 0, 0), 0);
	}
	expect_tasks(1);
	/* As many as there may be, and one more. */
	uint64_t tids[300];
	int count = 0;
	int64_t tid;

	while ((tid = values(LB_HOME_THREAD, 0, 0, 0)) > 0)
		tids[count++] = (uint64_t)tid;
	CHECK_EQUAL(tid, -EAGAIN);
	CHECK_EQUAL(count, 255);
	for (int i = 0; i < count; i++)
		CHECK_EQUAL(values(LB_HOME_THREAD_END, tids[i], 0, 0), 0);
	expect_tasks(1);
	/* One that a copy from an image has already. */
	CHECK_EQUAL(values(LB_HOME_THREAD, 4711, 0, 0), 4711);
	CHECK_EQUAL(values(LB_HOME_THREAD, 4711, 0, 0), -EINVAL);
	CHECK_EQUAL(values_as(4711, SYS_getpid, 0, 0, 0), shadow.pid);
	CHECK_EQUAL(values(LB_HOME_THREAD_END, 4711, 0, 0), 0);
	end_with(0);
}

static int64_t elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void whatever_waits_waits_in_a_worker(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct lb_link_actions actions = { .caught = UINT64_C(1) << (SIGTTOU - 1) };
	socklen_t size = sizeof address;
	char path[] = "/tmp/lb-test-threads.XXXXXX";
	int file = mkstemp(path), listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd polled = { .events = POLLIN };
	struct lb_link_call call;
	struct timespec begun;
	siginfo_t info;
	uint64_t one, seq;
	int64_t fd;

	CHECK(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0); /* a name of the kernel's */
	CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	CHECK(listen(listener, 4) == 0);
	start();
	one = make_thread();
	seq = as(one, value_call(SYS_accept, LB_CALL_MAY_BLOCK, (uint64_t)listener, 0, 0), NULL);
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	CHECK(connect(client, (struct sockaddr *)&address, size) == 0);
	polled.fd = (int)reply(seq)->result;
	CHECK(polled.fd > 2);
	/* A time limit is kept, whatever interrupts. */
	tell(LB_LINK_ACTIONS, 0, &actions, sizeof actions);
	call = value_call(SYS_poll, LB_CALL_MAY_BLOCK, 0, 1, 200);
	call.kinds[0] = LB_ARG_INOUT;
	call.arg_sizes[0] = call.in_size = call.out_size = sizeof polled;
	clock_gettime(CLOCK_MONOTONIC, &begun);
	seq = as(one, call, &polled);
	usleep(20000);
	for (int i = 0; i < 5; i++) {
		CHECK(syscall(SYS_tgkill, shadow.pid, one, SIGTTOU) == 0);
		expect(LB_LINK_SIGNAL, one, &info, sizeof info);
		CHECK_EQUAL(info.si_signo, SIGTTOU);
	}
	CHECK_EQUAL(reply(seq)->result, 0);
	CHECK(elapsed_ms(&begun) >= 200);
	/* A lock that another process has. */
	fd = call_open(path, O_RDWR);
	CHECK(flock(file, LOCK_EX) == 0);
	seq = as(one, value_call(SYS_flock, LB_CALL_MAY_BLOCK, (uint64_t)fd, LOCK_EX, 0), NULL);
	CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	CHECK(flock(file, LOCK_UN) == 0);
	CHECK_EQUAL(reply(seq)->result, 0);
	end_with(0);
	unlink(path);
	close(file);
	close(client);
	close(listener);
}

/* With calls outstanding the guest can neither fork, nor move, nor come home; and a thread has one at a time. */
static void what_cannot_be_while_calls_are_outstanding(void)
{
	uint8_t message[LB_LOCAL_MESSAGE_SIZE_MAX] __attribute__((aligned(8)));
	struct lb_link_ticket prepare = { .ticket = TICKET + 5, .node = "away:3" };
	int64_t fds[2];
	uint64_t one, seq;

	start();
	daemon_receive(LB_LOCAL_REPORT, message, sizeof(struct lb_local_report));
	make_pipe(fds);
	one = make_thread();
	seq = read_as(one, fds[0], 10);
	for (int kind = 0; kind < 5; kind++) {
		uint64_t last = shadow.seq;

		if (kind == 0)
			tell(LB_LINK_HOME, 0, NULL, 0);
		else if (kind == 1)
			tell(LB_LINK_PREPARE, 0, &prepare, sizeof prepare);
		else if (kind == 2)
			as(0, new_call(LB_HOME_FORK, 0), NULL);
		else if (kind == 3)
			as(one, new_call(SYS_getpid, 0), NULL);
		else
			as(0, value_call(LB_HOME_THREAD_END, 0, one, 0, 0), NULL);
		CHECK_EQUAL(recv(shadow.link, message, 1, 0), 0);
		close(shadow.link);
		daemon_receive(LB_LOCAL_LOST_LINK, message, sizeof(struct lb_local_lost_link));
		daemon_link(TICKET);
		hello(TICKET);
		expect_serve();
		shadow.seq = seq - 1;
		read_as(one, fds[0], 10);
		shadow.seq = last + 1;
		CHECK_EQUAL(values(SYS_getpid, 0, 0, 0), shadow.pid);
	}
	tell(LB_LINK_CANCEL, seq, NULL, 0);
	CHECK_EQUAL(reply(seq)->result, -EINTR);
	end_with(0);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

struct reader {
	uint64_t tid, seq;
	int64_t fds[2];
	int fd;
	unsigned given, taken;
	bool due; /* its read ends */
};

static void begin_reader(struct reader *reader, uint64_t tid)
{
	*reader = (struct reader){ .tid = tid };
	make_pipe(reader->fds);
	reader->fd = open_other(reader->fds[1], O_WRONLY);
}

/* Receives one reply, and reads again. */
static void hear(struct reader *readers, int count)
{
	struct lb_link_header header;
	struct lb_link_reply answer;
	uint8_t data[8];
	int i = 0;

	receive(shadow.link, &header, sizeof header);
	CHECK_EQUAL(header.type, LB_LINK_REPLY);
	receive(shadow.link, &answer, sizeof answer);
	CHECK(answer.out_size <= sizeof data);
	receive(shadow.link, data, answer.out_size);
	while (i < count && readers[i].seq != header.seq)
		i++;
	CHECK(i < count && readers[i].due);
	CHECK(answer.result == -EINTR || answer.result == answer.out_size);
	for (uint32_t at = 0; at < answer.out_size; at++)
		CHECK_EQUAL(data[at], (uint8_t)(readers[i].taken++ % 251)); /* each byte once, in order */
	CHECK(readers[i].taken <= readers[i].given);
	readers[i].seq = read_as(readers[i].tid, readers[i].fds[0], sizeof data);
	readers[i].due = readers[i].taken < readers[i].given;
}

/* LB_TEST_ROUNDS: more of them, others each time. */
static void random_calls_of_many_threads(void)
{
	enum { READERS = 12 };
	static struct reader readers[READERS];
	const char *text = getenv("LB_TEST_ROUNDS");
	unsigned rounds = text != NULL ? (unsigned)atoi(text) : 1000;
	uint64_t seed = text != NULL ? (uint64_t)getpid() : 1;

	start();
	for (int i = 0; i < READERS; i++)
		begin_reader(&readers[i], i == 0 ? (uint64_t)shadow.pid : make_thread());
	for (int i = 0; i < READERS; i++)
		readers[i].seq = read_as(readers[i].tid, readers[i].fds[0], 8);
	for (unsigned round = 0; round < rounds; round++) {
		alarm(CASE_SECONDS_MAX);
		for (unsigned n = next_random(&seed) % READERS; n > 0; n--) {
			struct reader *reader = &readers[next_random(&seed) % READERS];
			uint32_t what = next_random(&seed) % 4;

			if (what == 3)
				CHECK(kill(shadow.pid, SIGCHLD) == 0);
			if (what == 0 || what == 1) {
				uint8_t bytes[3];

				for (int i = 0; i < 3; i++)
					bytes[i] = (uint8_t)(reader->given++ % 251);
				CHECK_EQUAL(write(reader->fd, bytes, sizeof bytes), sizeof bytes);
			}
			if (what == 1 || what == 2)
				tell(LB_LINK_CANCEL, reader->seq, NULL, 0);
			reader->due |= what < 3;
		}
		for (int i = 0; i < READERS; i++) {
			while (readers[i].due)
				hear(readers, READERS);
		}
	}
	end_with(0);
	for (int i = 0; i < READERS; i++)
		close(readers[i].fd);
}

int main(void)
{
	run_case("one thread waits and others go on", one_waits_and_others_go_on);
	run_case("one of two calls that wait is cancelled", one_of_two_that_wait_is_cancelled);
	run_case("a call that need not wait is made although it is cancelled",
		a_call_that_need_not_wait_is_made_although_it_is_cancelled);
	run_case("replies come in the order in which calls end", replies_come_in_the_order_of_ends);
	run_case("calls of all threads happen once across lost links", calls_of_all_threads_happen_once_across_links);
	run_case("threads come and go", threads_come_and_go);
	run_case("whatever waits, waits in a worker", whatever_waits_waits_in_a_worker);
	run_case("nothing moves while calls are outstanding", what_cannot_be_while_calls_are_outstanding);
	run_case("random calls of many threads", random_calls_of_many_threads);
	return 0;
}
