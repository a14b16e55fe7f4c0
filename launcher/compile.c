/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/compile.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wax/run.h>

/*
 * The compiler writes to a private directory; what it made is copied to a memfd, and the directory
 * is removed. Signals that would end this process are held back between the two: the compiler is
 * in the same process group, so an interrupt ends it, and the signal is delivered when all is
 * removed.
 */

enum { ARGUMENTS_MAX = 128, PATH_BYTES = 4096 };

/* The command line of the compiler. Words are borrowed or stand in `words`. */
struct command {
	char *arguments[ARGUMENTS_MAX];
	uint32_t count;
	char *words; /* a copy of $CC and of $WAX_CFLAGS, cut into words */
};

struct place {
	char directory[PATH_BYTES];
	char object[PATH_BYTES + 16];
};

static const char *suffix_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');

	return dot ? dot : "";
}

static bool is_cplusplus(const char *path)
{
	const char *suffix = suffix_of(path);

	return strcmp(suffix, ".cc") == 0 || strcmp(suffix, ".cpp") == 0 ||
			strcmp(suffix, ".cxx") == 0;
}

bool wax_compile_wants(const char *path)
{
	return strcmp(suffix_of(path), ".c") == 0 || is_cplusplus(path);
}

static const char *variable(char *const *environment, const char *name)
{
	size_t bytes = strlen(name);

	for (; *environment; environment++) {
		if (strncmp(*environment, name, bytes) == 0 && (*environment)[bytes] == '=')
			return (*environment)[bytes + 1] ? *environment + bytes + 1 : NULL;
	}
	return NULL;
}

/* ---- What to compile with */

/* Path of the library, symbolic links followed: headers are beside the file itself. */
static int find_library(const char *given, char library[PATH_BYTES], struct wax_err *err)
{
	Dl_info info = {0};

	if (!given && dladdr((void *)wax_version, &info))
		given = info.dli_fname;
	if (!given || !realpath(given, library))
		return wax_err_set(err, -ENOENT,
				"libwax.so is not found where it was loaded from, "
				"which a flow must be linked with: %s",
				given ? given : "?");
	return 0;
}

/* lib/libwax.so, lib/x86_64-linux-gnu/libwax.so, and a build folder with include/ in it. */
static int find_headers(const char *library, char include[PATH_BYTES], struct wax_err *err)
{
	static const char *const ways[] = {"../include", "../../include", "include"};
	char probe[PATH_BYTES + 16];
	int directory_bytes = (int)(strrchr(library, '/') - library);

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int bytes = snprintf(
				include, PATH_BYTES, "%.*s/%s", directory_bytes, library, ways[i]);

		if (bytes < 0 || bytes >= PATH_BYTES)
			break;
		snprintf(probe, sizeof(probe), "%s/wax/wax.h", include);
		if (access(probe, R_OK) == 0)
			return 0;
	}
	return wax_err_set(err, -ENOENT,
			"wax/wax.h is not beside '%s': install wax's development files, or say "
			"where it is in WAX_CFLAGS=-I...",
			library);
}

static int add(struct command *command, const char *argument, struct wax_err *err)
{
	if (command->count + 1 == ARGUMENTS_MAX)
		return wax_err_set(err, -E2BIG, "WAX_CFLAGS has too many words");
	command->arguments[command->count++] = (char *)argument;
	return 0;
}

static int add_words(struct command *command, char *words, struct wax_err *err)
{
	char *rest = NULL;
	int r = 0;

	for (char *word = strtok_r(words, " \t\n", &rest); word && r == 0;
			word = strtok_r(NULL, " \t\n", &rest))
		r = add(command, word, err);
	return r;
}

static int add_all(struct command *command, const char *const *arguments, struct wax_err *err)
{
	int r = 0;

	for (; *arguments && r == 0; arguments++)
		r = add(command, *arguments, err);
	return r;
}

/*
 * WAX_CFLAGS stand behind the flags of ours, so that they can take them back. -z defs: a name that
 * is nowhere defined is reported by the linker, which knows the line.
 */
static int build_command(struct command *command, const char *source, const char *object,
		const char *include, const char *library, char *const *environment,
		struct wax_err *err)
{
	const char *compiler = variable(environment, is_cplusplus(source) ? "CXX" : "CC");
	const char *flags = variable(environment, "WAX_CFLAGS");
	const char *const usual[] = {"-shared", "-fPIC", "-O3", "-march=native", "-g",
			"-Wl,-z,defs", "-I", include, NULL};
	const char *const last[] = {"-o", object, source, library, NULL};

	if (!compiler)
		compiler = is_cplusplus(source) ? "c++" : "cc";
	if (!flags)
		flags = "";
	size_t compiler_bytes = strlen(compiler) + 1, flags_bytes = strlen(flags) + 1;

	command->words = malloc(compiler_bytes + flags_bytes);
	if (!command->words)
		return wax_err_set(err, -ENOMEM, "no memory");
	memcpy(command->words, compiler, compiler_bytes);
	memcpy(command->words + compiler_bytes, flags, flags_bytes);

	int r = add_words(command, command->words, err);

	if (r == 0 && command->count == 0)
		r = wax_err_set(err, -ENOENT, "CC names no compiler");
	if (r == 0)
		r = add_all(command, usual, err);
	if (r == 0)
		r = add_words(command, command->words + compiler_bytes, err);
	if (r == 0)
		r = add_all(command, last, err);
	return r;
}

/* ---- Compiling */

static int spawn(const struct command *command, char *const *environment, const sigset_t *mask,
		pid_t *ret_pid, struct wax_err *err)
{
	posix_spawnattr_t attributes;
	int code;

	if (posix_spawnattr_init(&attributes) != 0)
		return wax_err_set(err, -ENOMEM, "no memory");
	posix_spawnattr_setsigmask(&attributes, mask);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	code = posix_spawnp(ret_pid, command->arguments[0], NULL, &attributes, command->arguments,
			environment);
	posix_spawnattr_destroy(&attributes);
	if (code == 0)
		return 0;
	errno = code;
	return wax_err_set(err, -code,
			"the compiler '%s' cannot be started: %m: "
			"install it, or name another one in CC",
			command->arguments[0]);
}

static int run(const struct command *command, const char *source, char *const *environment,
		const sigset_t *mask, struct wax_err *err)
{
	pid_t pid;
	int status;
	int r = spawn(command, environment, mask, &pid, err);

	if (r < 0)
		return r;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return wax_err_set(err, -errno, "wait for the compiler: %m");
	}
	if (WIFSIGNALED(status))
		return wax_err_set(err, -EINTR,
				"flow '%s': the compiler was killed by signal %d (%s)", source,
				WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return wax_err_set(err, -EBADMSG,
				"flow '%s' does not compile: the compiler's messages are above",
				source);
	return 0;
}

/* ---- Where */

static int make_place(struct place *place, char *const *environment, struct wax_err *err)
{
	const char *parent = variable(environment, "TMPDIR");

	if (!parent)
		parent = "/tmp";
	int bytes = snprintf(place->directory, sizeof(place->directory), "%s/wax-XXXXXX", parent);

	if (bytes < 0 || (size_t)bytes >= sizeof(place->directory))
		return wax_err_set(err, -ENAMETOOLONG, "TMPDIR is too long");
	if (!mkdtemp(place->directory))
		return wax_err_set(err, -errno,
				"no directory to compile in can be made in '%s': %m: name another "
				"one in TMPDIR",
				parent);
	snprintf(place->object, sizeof(place->object), "%s/flow.so", place->directory);
	return 0;
}

static void remove_place(const struct place *place)
{
	unlink(place->object);
	rmdir(place->directory);
}

/* What a profiler shows, and /proc/PID/maps: the name of the source. */
static int copy_to_memory(const char *object, const char *source, struct wax_err *err)
{
	const char *slash = strrchr(source, '/');
	struct stat info;
	int from = open(object, O_RDONLY | O_CLOEXEC);
	int to = memfd_create(slash ? slash + 1 : source, MFD_CLOEXEC);
	int r = 0;

	if (from < 0 || to < 0 || fstat(from, &info) < 0)
		r = wax_err_set(err, -errno, "what was compiled cannot be read: %m");
	for (off_t at = 0; r == 0 && at < info.st_size;) {
		if (sendfile(to, from, &at, (size_t)(info.st_size - at)) <= 0)
			r = wax_err_set(err, -EIO, "what was compiled cannot be copied: %m");
	}
	if (from >= 0)
		close(from);
	if (r < 0 && to >= 0)
		close(to);
	return r < 0 ? r : to;
}

static int compile_in(const struct place *place, const char *source, const char *library,
		char *const *environment, const sigset_t *mask, struct wax_err *err)
{
	struct command command = {0};
	char include[PATH_BYTES];
	int r = find_headers(library, include, err);

	if (r == 0)
		r = build_command(&command, source, place->object, include, library, environment,
				err);
	if (r == 0)
		r = run(&command, source, environment, mask, err);
	if (r == 0)
		r = copy_to_memory(place->object, source, err);
	free(command.words);
	return r;
}

static int compile_held_back(const char *source, const char *library, char *const *environment,
		struct wax_err *err)
{
	struct place place;
	sigset_t held, mask;

	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_BLOCK, &held, &mask);

	int r = make_place(&place, environment, err);

	if (r == 0) {
		r = compile_in(&place, source, library, environment, &mask, err);
		remove_place(&place);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}

int wax_compile(const char *path, const struct wax_compile_env *env,
		struct wax_compiled *ret_compiled, struct wax_err *err)
{
	char *const *environment = env && env->environment ? env->environment : environ;
	char library[PATH_BYTES], source[PATH_BYTES];
	/* Nothing that the compiler takes for an option. */
	int bytes = snprintf(source, sizeof(source), "%s%s", path[0] == '-' ? "./" : "", path);

	if (bytes < 0 || (size_t)bytes >= sizeof(source))
		return wax_err_set(err, -ENAMETOOLONG, "flow '%s': the path is too long", path);
	if (access(path, R_OK) < 0)
		return wax_err_set(err, -errno, "flow '%s': %m", path);

	int r = find_library(env ? env->library : NULL, library, err);

	if (r == 0)
		r = compile_held_back(source, library, environment, err);
	if (r < 0)
		return r;

	ret_compiled->fd = r;
	snprintf(ret_compiled->path, sizeof(ret_compiled->path), "/proc/self/fd/%d", r);
	return 0;
}

void wax_compiled_close(struct wax_compiled *compiled)
{
	if (compiled->fd >= 0)
		close(compiled->fd);
	compiled->fd = -1;
}
