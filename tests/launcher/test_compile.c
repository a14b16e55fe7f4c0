/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/compile.h"

/* A folder to compile in, and what a compiler is told of the world. */
static char work[64];
static char source[96];
static char tmpdir[96];
static char compiler[128] = "CC=cc";
static char flags[128] = "WAX_CFLAGS=";
static char path[4096];
static char library[4096];
static char *environment[] = {tmpdir, compiler, flags, path, NULL};
static struct wax_compile_env env = {environment, library};
static struct wax_compiled compiled = {.fd = -1};
static struct wax_err err;

static void write_source(const char *name, const char *text)
{
	snprintf(source, sizeof(source), "%s/%s", work, name);

	FILE *file = fopen(source, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static int count_files(const char *directory)
{
	int count = 0;
	DIR *opened = opendir(directory);

	cr_assert_not_null(opened);
	for (struct dirent *entry; (entry = readdir(opened));)
		count += entry->d_name[0] != '.';
	closedir(opened);
	return count;
}

static void set_up(void)
{
	const char *build = getenv("BUILD");

	snprintf(work, sizeof(work), "/tmp/wax-compile.XXXXXX");
	cr_assert_not_null(mkdtemp(work));
	snprintf(tmpdir, sizeof(tmpdir), "TMPDIR=%s", work);
	snprintf(path, sizeof(path), "PATH=%s", getenv("PATH"));
	snprintf(library, sizeof(library), "%s/libwax.so", build ? build : "build");
}

static void tear_down(void)
{
	wax_compiled_close(&compiled);
	unlink(source);
	cr_expect_eq(count_files(work), 0, "something was left in %s", work);
	rmdir(work);
}

TestSuite(compile, .init = set_up, .fini = tear_down);

static void silence(void)
{
	int null = open("/dev/null", O_WRONLY);

	dup2(null, STDERR_FILENO);
	close(null);
}

static const char flow[] = "#include <wax/wax.h>\n"
			   "WAX_FLOW(made, \"Made by a test\")\n"
			   "{\n"
			   "	wax_output(wax_input(flow, \"in\", wax_numbers(1, 0)), \"out\",\n"
			   "			wax_null());\n"
			   "}\n";

Test(compile, sources_are_known_by_their_suffix)
{
	cr_assert(wax_compile_wants("a.c"));
	cr_assert(wax_compile_wants("x.d/a.cc"));
	cr_assert(wax_compile_wants("a.so.cpp"));
	cr_assert(wax_compile_wants("a.cxx"));
	cr_assert_not(wax_compile_wants("a.so"));
	cr_assert_not(wax_compile_wants("a"));
	cr_assert_not(wax_compile_wants("x.c/a"));
	write_source("none", "");
}

Test(compile, a_c_source_becomes_a_flow)
{
	write_source("a.c", flow);
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), 0, "%s", err.text);
	cr_assert_eq(count_files(work), 1, "only the source is there");

	/* What it is linked with is loaded in waxrun; here it is not. */
	cr_assert_not_null(dlopen(library, RTLD_NOW | RTLD_LOCAL), "%s", dlerror());

	void *object = dlopen(compiled.path, RTLD_NOW | RTLD_LOCAL);

	cr_assert_not_null(object, "%s", dlerror());
	cr_assert_not_null(dlsym(object, "wax_flow_entry"));
}

Test(compile, a_source_called_like_an_option_is_a_source)
{
	write_source("-a.c", flow);
	cr_assert_eq(chdir(work), 0);
	cr_assert_eq(wax_compile("-a.c", &env, &compiled, &err), 0, "%s", err.text);
}

Test(compile, flags_of_the_user_come_last)
{
	write_source("a.c", "int made = MADE;\n");
	snprintf(flags, sizeof(flags), "WAX_CFLAGS=  -DMADE=7 -O0 ");
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), 0, "%s", err.text);

	void *object = dlopen(compiled.path, RTLD_NOW | RTLD_LOCAL);

	cr_assert_not_null(object, "%s", dlerror());
	cr_assert_eq(*(int *)dlsym(object, "made"), 7);
	dlclose(object);
}

Test(compile, a_compiler_may_be_several_words)
{
	write_source("a.c", "int made;\n");
	snprintf(compiler, sizeof(compiler), "CC=env cc");
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), 0, "%s", err.text);
}

Test(compile, a_wrong_source_is_refused)
{
	silence();
	write_source("a.c", "int made(\n");
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), -EBADMSG);
	cr_assert_not_null(strstr(err.text, "the compiler's messages are above"));
}

Test(compile, a_name_that_is_nowhere_defined_is_refused)
{
	silence();
	write_source("a.c", "int missing(void);\nint made(void)\n{\n	return missing();\n}\n");
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), -EBADMSG);
}

Test(compile, a_missing_source_is_named)
{
	snprintf(source, sizeof(source), "%s/none.c", work);
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), -ENOENT);
	cr_assert_not_null(strstr(err.text, "none.c"));
}

Test(compile, a_missing_compiler_is_named)
{
	write_source("a.c", flow);
	snprintf(compiler, sizeof(compiler), "CC=no-such-compiler");
	/* A folder on the path that may not be entered would be another error. */
	setenv("PATH", "/usr/bin:/bin", 1);
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), -ENOENT);
	cr_assert_not_null(strstr(err.text, "no-such-compiler"));
}

Test(compile, a_library_without_headers_beside_it_is_named)
{
	write_source("a.c", flow);
	snprintf(library, sizeof(library), "%s", source);
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), -ENOENT);
	cr_assert_not_null(strstr(err.text, "WAX_CFLAGS"));
}

Test(compile, a_directory_that_cannot_be_written_is_named)
{
	write_source("a.c", flow);
	snprintf(tmpdir, sizeof(tmpdir), "TMPDIR=%s/none", work);
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), -ENOENT);
	cr_assert_not_null(strstr(err.text, "TMPDIR"));
}

Test(compile, a_killed_compiler_is_told_from_a_discontent_one)
{
	write_source("a.c", flow);
	snprintf(compiler, sizeof(compiler), "CC=%s/cc", work);
	cr_assert_eq(symlink("/bin/false", compiler + 3), 0);
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), -EBADMSG);
	unlink(compiler + 3);

	FILE *script = fopen(compiler + 3, "w");

	fputs("#!/bin/sh\nkill -TERM $$\n", script);
	fchmod(fileno(script), 0755);
	fclose(script);
	cr_assert_eq(wax_compile(source, &env, &compiled, &err), -EINTR);
	unlink(compiler + 3);
}
