/* test_ffi_node.c - Streams, files and facts of this node. Units: c/ffi/
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "check.h"
#include "lb_ffi.h"

static char folder[] = "/tmp/lb-test-XXXXXX";

struct pair { /* a TCP connection on loopback */
	int client, server;
	uint32_t client_port, server_port;
};

static struct pair connect_pair(int family)
{
	struct sockaddr_storage address = { .ss_family = (sa_family_t)family };
	socklen_t size = sizeof address;
	struct pair pair;
	int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET)
		((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQUAL(bind(listener, (struct sockaddr *)&address, size), 0); /* IPv6: any address */
	CHECK_EQUAL(listen(listener, 1), 0);
	CHECK_EQUAL(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	if (family == AF_INET6)
		((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
	pair.client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQUAL(connect(pair.client, (struct sockaddr *)&address, size), 0);
	pair.server = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(pair.server >= 0);
	close(listener);
	CHECK_EQUAL(getsockname(pair.client, (struct sockaddr *)&address, &size), 0);
	/* The port is at the same place in both families. */
	pair.client_port = ntohs(((struct sockaddr_in *)&address)->sin_port);
	CHECK_EQUAL(getpeername(pair.client, (struct sockaddr *)&address, &size), 0);
	pair.server_port = ntohs(((struct sockaddr_in *)&address)->sin_port);
	return pair;
}

static void finds_sockets(void)
{
	struct pair pair = connect_pair(AF_INET);
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int set = epoll_create1(EPOLL_CLOEXEC); /* as Deno's runtime has it in one */
	char word[4];
	int32_t fd;

	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, pair.server, &event), 0);
	fd = lb_ffi_take_socket("127.0.0.1", pair.server_port, "127.0.0.1", pair.client_port);
	CHECK(fd >= 0);
	CHECK(fd != pair.server);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQUAL(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	/* What Deno does next with the number it still has; the stream lives on. */
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_DEL, pair.server, NULL), 0);
	shutdown(pair.server, SHUT_RDWR);
	CHECK_EQUAL(close(pair.server), 0);
	CHECK_EQUAL(write(pair.client, "over", 4), 4);
	CHECK_EQUAL(read(fd, word, 4), 4);
	CHECK(memcmp(word, "over", 4) == 0);
	CHECK_EQUAL(epoll_wait(set, &event, 1, 0), 0); /* nobody hears of it any more */
	close(set);
	CHECK_EQUAL(lb_ffi_close(fd), 0);
	CHECK_EQUAL(read(pair.client, word, 4), 0);
	CHECK_EQUAL(lb_ffi_take_socket("127.0.0.1", pair.server_port, "127.0.0.1", pair.client_port), -ENOENT);
	CHECK_EQUAL(lb_ffi_take_socket("localhost", 1, "127.0.0.1", 2), -EINVAL);
	CHECK_EQUAL(lb_ffi_take_socket("127.0.0.1", 65536, "127.0.0.1", 2), -EINVAL);
	CHECK_EQUAL(lb_ffi_take_socket(NULL, 1, "127.0.0.1", 2), -EINVAL);
	close(pair.client);
}

static void finds_ipv6_sockets(void)
{
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 loopback = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr_in mapped = { .sin_family = AF_INET };
	struct pair pair;
	int32_t fd;
	int listener, client, server;
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	socklen_t size = sizeof any;

	if (probe < 0 || bind(probe, (struct sockaddr *)&loopback, sizeof loopback) < 0) {
		printf("skip lb_ffi_take_socket() knows IPv6: this machine has none\n");
		return;
	}
	close(probe);
	pair = connect_pair(AF_INET6);
	fd = lb_ffi_take_socket("::1", pair.client_port, "0:0:0:0:0:0:0:1", pair.server_port);
	CHECK(fd >= 0);
	close(fd);
	close(pair.client);
	close(pair.server);
	/* An IPv4 peer of an IPv6 listener: the kernel names it ::ffff:127.0.0.1. */
	listener = socket(AF_INET6, SOCK_STREAM, 0);
	CHECK_EQUAL(bind(listener, (struct sockaddr *)&any, sizeof any), 0);
	CHECK_EQUAL(listen(listener, 1), 0);
	CHECK_EQUAL(getsockname(listener, (struct sockaddr *)&any, &size), 0);
	mapped.sin_port = any.sin6_port;
	mapped.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQUAL(connect(client, (struct sockaddr *)&mapped, sizeof mapped), 0);
	server = accept(listener, NULL, NULL);
	size = sizeof mapped;
	CHECK_EQUAL(getsockname(client, (struct sockaddr *)&mapped, &size), 0);
	fd = lb_ffi_take_socket("127.0.0.1", ntohs(any.sin6_port), "::ffff:127.0.0.1", ntohs(mapped.sin_port));
	CHECK(fd >= 0);
	close(fd);
	close(server);
	close(client);
	close(listener);
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	CHECK_EQUAL(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

static void tunes_streams(void)
{
	struct pair pair = connect_pair(AF_INET);
	int file = open("/dev/null", O_RDONLY);

	CHECK_EQUAL(lb_ffi_tune_stream(pair.client, 12000), 0);
	CHECK_EQUAL(option_of(pair.client, IPPROTO_TCP, TCP_NODELAY), 1);
	CHECK_EQUAL(option_of(pair.client, SOL_SOCKET, SO_KEEPALIVE), 1);
	CHECK_EQUAL(option_of(pair.client, IPPROTO_TCP, TCP_KEEPIDLE), 6);
	CHECK_EQUAL(option_of(pair.client, IPPROTO_TCP, TCP_KEEPINTVL), 2);
	CHECK_EQUAL(option_of(pair.client, IPPROTO_TCP, TCP_USER_TIMEOUT), 12000);
	CHECK_EQUAL(lb_ffi_tune_stream(pair.client, 100), 0);
	CHECK_EQUAL(option_of(pair.client, IPPROTO_TCP, TCP_KEEPIDLE), 1);
	CHECK_EQUAL(lb_ffi_tune_stream(pair.server, 0), 0);
	CHECK_EQUAL(option_of(pair.server, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	CHECK_EQUAL(lb_ffi_tune_stream(file, 1), -ENOTSOCK);
	close(file);
	close(pair.client);
	close(pair.server);
}

static void locks(void)
{
	char path[64];
	struct stat status;
	int32_t first, second;

	snprintf(path, sizeof path, "%s/lock", folder);
	first = lb_ffi_lock(path);
	CHECK(first >= 0);
	CHECK_EQUAL(stat(path, &status), 0);
	CHECK_EQUAL(status.st_mode & 0777, 0600);
	CHECK_EQUAL(lb_ffi_lock(path), -EWOULDBLOCK);
	CHECK_EQUAL(lb_ffi_close(first), 0);
	second = lb_ffi_lock(path);
	CHECK(second >= 0);
	lb_ffi_close(second);
	unlink(path);
	CHECK_EQUAL(lb_ffi_lock("/nowhere/lock"), -ENOENT);
}

static void opens_files(void)
{
	static const uint8_t content[] = "state of a process";
	char text[sizeof content];
	int32_t fd = lb_ffi_memfd("lb-state", content, sizeof content);

	CHECK(fd >= 0);
	CHECK_EQUAL(read(fd, text, sizeof text), sizeof content);
	CHECK(memcmp(text, content, sizeof content) == 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQUAL(lb_ffi_close(fd), 0);
	CHECK_EQUAL(lb_ffi_close(fd), -EBADF);
	fd = lb_ffi_memfd("empty", NULL, 0);
	CHECK(fd >= 0);
	close(fd);
	fd = lb_ffi_open("/dev/null", O_RDWR, 0);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	fd = lb_ffi_dup_above(0, 700);
	CHECK(fd >= 700);
	CHECK_EQUAL(fcntl(fd, F_GETFD), 0); /* for the program that follows */
	close(fd);
	CHECK_EQUAL(lb_ffi_dup_above(-1, 3), -EBADF);
	CHECK_EQUAL(lb_ffi_open("/nowhere/file", O_RDONLY, 0), -ENOENT);
	CHECK_EQUAL(lb_ffi_umask(027) & ~0777, 0);
	CHECK_EQUAL(lb_ffi_umask(022), 027);
}

static void raises_open_files(void)
{
	struct rlimit limit;

	CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 256, limit.rlim_max }), 0);
	CHECK_EQUAL(lb_ffi_set_nofile(), limit.rlim_max > INT64_MAX ? INT64_MAX : limit.rlim_max);
	CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQUAL(limit.rlim_cur, limit.rlim_max);
}

/* Compares with what /proc/cpuinfo says in words, where it says it. */
static bool cpuinfo_has(const char *word)
{
	char line[16384];
	char spaced[64];
	bool has = false;
	FILE *file = fopen("/proc/cpuinfo", "r");

	CHECK(file != NULL);
	snprintf(spaced, sizeof spaced, " %s ", word);
	while (!has && fgets(line, sizeof line - 1, file) != NULL) {
		line[strcspn(line, "\n")] = ' ';
		has = strncmp(line, "flags", 5) == 0 && strstr(line, spaced) != NULL;
	}
	fclose(file);
	return has;
}

static void knows_the_cpu(void)
{
	struct lb_ffi_cpu_features cpu;
	uint8_t small[8];

	CHECK_EQUAL(lb_ffi_cpu_features(small, sizeof small), -EINVAL);
	CHECK_EQUAL(lb_ffi_cpu_features((uint8_t *)&cpu, sizeof cpu), 0);
	CHECK(strlen(cpu.vendor) == 12);
	CHECK(cpu.leaf1_edx & 1u << 26);     /* SSE2: every x86-64 has it */
	CHECK(cpu.extended1_edx & 1u << 29); /* long mode */
	CHECK_EQUAL((cpu.leaf1_ecx >> 28 & 1) && (cpu.xcr0 & 4), cpuinfo_has("avx"));
	CHECK_EQUAL((cpu.leaf7_ebx >> 5 & 1) && (cpu.xcr0 & 4), cpuinfo_has("avx2"));
	CHECK_EQUAL((cpu.leaf7_ebx >> 16 & 1) && (cpu.xcr0 & 0xe0) == 0xe0, cpuinfo_has("avx512f"));
	if (cpu.xcr0 != 0)
		CHECK(cpu.xsave_size >= 576); /* legacy area and header */
}

static void knows_the_clock_and_memory(void)
{
	int64_t before = lb_ffi_monotonic_ns();
	int64_t boot = lb_ffi_boot_time();

	usleep(1000);
	CHECK(lb_ffi_monotonic_ns() - before >= 1000000);
	CHECK(boot > 0);
	CHECK(boot < (int64_t)time(NULL) * 1000 + 1000);
	CHECK(lb_ffi_mem_available() > 1 << 20);
	CHECK_EQUAL(lb_ffi_mem_available() % 1024, 0);
	CHECK_EQUAL(lb_ffi_abi_version(), LB_ABI_VERSION);
}

static void notifies(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[64], text[32], name[sizeof path + 1];
	socklen_t size;
	int abstract = socket(AF_UNIX, SOCK_DGRAM, 0);
	int plain = socket(AF_UNIX, SOCK_DGRAM, 0);

	unsetenv("NOTIFY_SOCKET");
	CHECK_EQUAL(lb_ffi_notify("READY=1"), 0);
	snprintf(path, sizeof path, "%s/notify", folder);
	snprintf(name, sizeof name, "@%s", path);
	strcpy(address.sun_path, path);
	CHECK_EQUAL(bind(plain, (struct sockaddr *)&address, sizeof address), 0);
	strcpy(address.sun_path + 1, path);
	address.sun_path[0] = '\0';
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	CHECK_EQUAL(bind(abstract, (struct sockaddr *)&address, size), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	CHECK_EQUAL(lb_ffi_notify("READY=1"), 1);
	CHECK_EQUAL(recv(plain, text, sizeof text, MSG_DONTWAIT), 7);
	CHECK(memcmp(text, "READY=1", 7) == 0);
	setenv("NOTIFY_SOCKET", name, 1);
	CHECK_EQUAL(lb_ffi_notify("STOPPING=1"), 1);
	CHECK_EQUAL(recv(abstract, text, sizeof text, MSG_DONTWAIT), 10);
	setenv("NOTIFY_SOCKET", "relative", 1);
	CHECK_EQUAL(lb_ffi_notify("READY=1"), -EINVAL);
	unlink(path);
	setenv("NOTIFY_SOCKET", path, 1);
	CHECK_EQUAL(lb_ffi_notify("READY=1"), -ENOENT);
	close(plain);
	close(abstract);
}

static void checks_the_kernel(void)
{
	int32_t can = lb_ffi_self_check();

	CHECK(can >= 0);
	CHECK_EQUAL(can & ~63, 0);
	/* Whatever this kernel can do, it can do twice, and asking changes nothing here. */
	CHECK_EQUAL(lb_ffi_self_check(), can);
	CHECK(can & LB_FFI_CAN_PIDFD);
	CHECK(can & LB_FFI_CAN_CLOSE_RANGE);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	CHECK(mkdtemp(folder) != NULL);
	run_case("lb_ffi_take_socket() takes a stream away from whoever had it", finds_sockets);
	run_case("lb_ffi_take_socket() knows IPv6 and IPv4-mapped addresses", finds_ipv6_sockets);
	run_case("lb_ffi_tune_stream() sets keepalive, timeout and no delay", tunes_streams);
	run_case("lb_ffi_lock() is held by one, until it is closed", locks);
	run_case("lb_ffi_open() and lb_ffi_memfd() give close-on-exec descriptors", opens_files);
	run_case("lb_ffi_set_nofile() raises the soft limit", raises_open_files);
	run_case("lb_ffi_cpu_features() agrees with /proc/cpuinfo", knows_the_cpu);
	run_case("clocks and memory are plausible", knows_the_clock_and_memory);
	run_case("lb_ffi_notify() reaches paths and abstract addresses", notifies);
	run_case("lb_ffi_self_check() answers the same twice", checks_the_kernel);
	rmdir(folder);
	return 0;
}
