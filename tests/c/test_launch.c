/* test_launch.c - The launcher. Which program a name stands for, what keeps the library out of it, where a config
 * file has the sockets.
 * Units: c/launch/{config,program,text}.c c/base/mem.c
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "check.h"
#include "launch/launch.h"

static char directory[] = "/tmp/lb-test-launch.XXXXXX";
static char paths[8][512];

/* One of eight paths in the test's directory, in turn. */
static const char *in(const char *name)
{
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", directory, name);
	return path;
}

static const char *write_bytes(const char *name, const void *bytes, size_t size, mode_t mode)
{
	const char *path = in(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	fchmod(fd, mode);
	close(fd);
	return path;
}

static const char *write_text(const char *name, const char *text, mode_t mode)
{
	return write_bytes(name, text, strlen(text), mode);
}

/* A program's beginning: an ELF header, and program headers of which one names the loader. */
static size_t make_elf(uint8_t *bytes, int bits, int machine, const char *loader)
{
	size_t size = 64 + 2 * 56;

	memset(bytes, 0, 512);
	memcpy(bytes, "\177ELF", 4);
	bytes[4] = bits == 64 ? 2 : 1;
	bytes[5] = 1;
	bytes[18] = (uint8_t)machine;
	bytes[32] = 64;
	bytes[54] = 56;
	bytes[56] = 2;
	bytes[64] = 1;
	bytes[120] = loader == NULL ? 1 : 3;
	if (loader != NULL) {
		bytes[128] = (uint8_t)size;
		bytes[152] = (uint8_t)(strlen(loader) + 1);
		strcpy((char *)bytes + size, loader);
		size += strlen(loader) + 1;
	}
	return size;
}

#define GLIBC "/lib64/ld-linux-x86-64.so.2"

static const char *write_elf(const char *name, int bits, int machine, const char *loader)
{
	uint8_t bytes[512];

	return write_bytes(name, bytes, make_elf(bytes, bits, machine, loader), 0755);
}

static void check_found(const char *name, const char *variable, enum lb_found wanted, const char *where)
{
	char path[LB_PATH_SIZE] = "";
	const char *reason = NULL;

	CHECK_EQUAL(lb_find_program(name, variable, path, &reason), wanted);
	if (where != NULL)
		CHECK_TEXT(path, where);
	CHECK((wanted == LB_REFUSED) == (reason != NULL));
}

static void finds_programs(void)
{
	char variable[2048];

	mkdir(in("a"), 0755);
	mkdir(in("b"), 0755);
	write_text("a/data", "x", 0644);
	write_text("b/data", "x", 0755);
	write_text("b/prog", "x", 0755);
	snprintf(variable, sizeof variable, "%s:%s:%s", in("absent"), in("a"), in("b"));
	check_found("prog", variable, LB_FOUND, in("b/prog"));
	/* Like a shell: what cannot be executed does not end the search. */
	check_found("data", variable, LB_FOUND, in("b/data"));
	check_found("data", in("a"), LB_REFUSED, in("a/data"));
	check_found(in("a"), variable, LB_REFUSED, NULL);
	check_found(".", variable, LB_MISSING, NULL);
	check_found(in("b/prog"), "", LB_FOUND, in("b/prog"));
	check_found(in("b/prog/x"), "", LB_MISSING, NULL);
	check_found("", variable, LB_MISSING, NULL);
	check_found("absent", variable, LB_MISSING, NULL);
	check_found("sh", NULL, LB_FOUND, NULL);
	CHECK(chdir(in("b")) == 0);
	check_found("prog", "/absent:", LB_FOUND, "./prog");
	CHECK(chdir("/") == 0);
}

static void check_obstacle(const char *path, const char *variable, uint32_t wanted, const char *where)
{
	char at[LB_PATH_SIZE];

	CHECK_EQUAL(lb_find_obstacle(path, variable, at), wanted);
	if (where != NULL)
		CHECK_TEXT(at, where);
}

static void knows_obstacles(void)
{
	check_obstacle(write_elf("dynamic", 64, 62, GLIBC), "", LB_OBSTACLE_NONE, NULL);
	check_obstacle(write_elf("nix", 64, 62, "/nix/store/x/lib/ld-linux-x86-64.so.2"), "", LB_OBSTACLE_NONE, NULL);
	check_obstacle(write_elf("own", 64, 62, "/opt/glibc/lib/ld-2.31.so"), "", LB_OBSTACLE_NONE, NULL);
	check_obstacle(write_elf("static", 64, 62, NULL), "", LB_OBSTACLE_STATIC, in("static"));
	check_obstacle(write_elf("old", 32, 3, "/lib/ld-linux.so.2"), "", LB_OBSTACLE_FOREIGN, NULL);
	check_obstacle(write_elf("x32", 32, 62, "/libx32/ld-linux-x32.so.2"), "", LB_OBSTACLE_FOREIGN, NULL);
	check_obstacle(write_elf("arm", 64, 183, GLIBC), "", LB_OBSTACLE_FOREIGN, NULL);
	check_obstacle(write_elf("musl", 64, 62, "/lib/ld-musl-x86_64.so.1"), "", LB_OBSTACLE_OTHER_LIBC, NULL);
	check_obstacle("/bin/sh", "", LB_OBSTACLE_NONE, NULL);
	check_obstacle(in("absent"), "", LB_OBSTACLE_NONE, NULL);
	if (getuid() == 0)
		return; /* as root the sticky program below belongs to us */
	check_obstacle("/usr/bin/su", "", LB_OBSTACLE_SET_USER_ID, NULL);
}

static void looks_at_interpreters(void)
{
	char text[600];

	write_elf("static", 64, 62, NULL);
	snprintf(text, sizeof text, "#! %s -x\n", in("static"));
	check_obstacle(write_text("script", text, 0755), "", LB_OBSTACLE_STATIC, in("static"));
	snprintf(text, sizeof text, "#!%s", in("script"));
	check_obstacle(write_text("outer", text, 0755), "", LB_OBSTACLE_STATIC, in("static"));
	check_obstacle(
		write_text("env", "#!/usr/bin/env -S A=1 static\n", 0755), directory, LB_OBSTACLE_STATIC, in("static"));
	check_obstacle(write_text("plain", "echo hi\n", 0755), "", LB_OBSTACLE_NONE, NULL);
	snprintf(text, sizeof text, "#!%s\n", in("loop"));
	check_obstacle(write_text("loop", text, 0755), "", LB_OBSTACLE_NONE, NULL);
}

static void never_fails(void)
{
	static const char *const texts[] = { "#!", "#!\n", "#! ", "#!/usr/bin/env", "#!/usr/bin/env -i A=b\n", "#",
		"" };
	uint8_t bytes[512];
	char at[LB_PATH_SIZE];
	size_t whole = make_elf(bytes, 64, 62, GLIBC);

	for (size_t size = 0; size <= whole; size++)
		lb_find_obstacle(write_bytes("part", bytes, size, 0755), "", at);
	for (size_t i = 24; i < whole; i++) { /* any field as large as can be */
		make_elf(bytes, 64, 62, GLIBC);
		memset(bytes + i, 0xff, whole - i < 8 ? whole - i : 8);
		lb_find_obstacle(write_bytes("part", bytes, whole, 0755), "", at);
	}
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		lb_find_obstacle(write_text("part", texts[i], 0755), "", at);
}

/* Where the sockets are, by a config file's text; null: Deno has to say. */
static const char *runtime_by(const char *config, char **environment)
{
	static char buffer[LB_PATH_SIZE];
	struct lb_text text = { .at = buffer, .size = sizeof buffer };
	struct lb_launch launch = { .environment = environment };

	launch.config = config == NULL ? in("absent.toml") : write_text("lb.toml", config, 0644);
	if (config == NULL)
		launch.config = NULL;
	return lb_runtime_dir(&launch, &text) ? buffer : NULL;
}

static void reads_configs(void)
{
	char *with[] = { "HOME=/h", "XDG_RUNTIME_DIR=/r", NULL };
	char *without[] = { "HOME=/h", NULL };
	char *none[] = { NULL };
	char beside[600];

	snprintf(beside, sizeof beside, "%s/run", directory);
	CHECK_TEXT(runtime_by("listen = \"1.2.3.4\"\n", with), "/r/lb");
	CHECK_TEXT(runtime_by("", without), "/h/.local/state/lb");
	CHECK(runtime_by("", none) == NULL);
	CHECK_TEXT(runtime_by("runtime-dir = \"/x y\" # a comment\n[policy]\n", with), "/x y");
	CHECK_TEXT(runtime_by("# runtime-dir = \"/no\"\n\truntime-dir=\"~/x\"", with), "/h/x");
	CHECK_TEXT(runtime_by("runtime-dir = \"run\"\n", with), beside);
	CHECK_TEXT(runtime_by("[policy]\nruntime-dir = \"/no\"\n", with), "/r/lb");
	CHECK(runtime_by("'runtime-dir' = \"/x\"\n", with) == NULL);
	CHECK(runtime_by("\"runtime-dir\" = \"/x\"\n", with) == NULL);
	CHECK(runtime_by("runtime-dir = '/x'\n", with) == NULL);
	CHECK(runtime_by("runtime-dir = \"/x\\u0041\"\n", with) == NULL);
	CHECK(runtime_by("runtime-dir = \"/x\"\nruntime-dir = \"/y\"\n", with) == NULL);
	CHECK(runtime_by("runtime-dir = \"/x\" y\n", with) == NULL);
	CHECK(runtime_by("a = \"\"\"\nruntime-dir = \"/x\"\n\"\"\"\n", with) == NULL);
}

int main(void)
{
	char command[sizeof directory + 16];

	CHECK(mkdtemp(directory) != NULL);
	run_case("a name is looked up in PATH, a path is taken as it is", finds_programs);
	run_case("programs that the library cannot be loaded into are known", knows_obstacles);
	run_case("a script has the obstacles of its interpreter", looks_at_interpreters);
	run_case("no file makes the search for obstacles fail", never_fails);
	run_case("a simple config file is read, any other is left to Deno", reads_configs);
	snprintf(command, sizeof command, "rm -r %s", directory);
	return system(command) == 0 ? 0 : 1;
}
