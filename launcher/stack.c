/* SPDX-License-Identifier: Apache-2.0 */
#include "launcher/stack.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#ifdef WAX_HAVE_LIBDW

#include <dlfcn.h>
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

/*
 * elfutils is loaded when the first stack is wanted: hardly a run wants one, and each would start later
 * for the libraries that it brings along.
 */
#define FUNCTIONS(X)                                                                               \
	X(dwfl_addrmodule)                                                                         \
	X(dwfl_begin)                                                                              \
	X(dwfl_end)                                                                                \
	X(dwfl_errmsg)                                                                             \
	X(dwfl_frame_pc)                                                                           \
	X(dwfl_getthread_frames)                                                                   \
	X(dwfl_lineinfo)                                                                           \
	X(dwfl_linux_proc_attach)                                                                  \
	X(dwfl_linux_proc_find_elf)                                                                \
	X(dwfl_linux_proc_report)                                                                  \
	X(dwfl_module_addrname)                                                                    \
	X(dwfl_module_getsrc)                                                                      \
	X(dwfl_module_info)                                                                        \
	X(dwfl_report_end)                                                                         \
	X(dwfl_standard_find_debuginfo)

#define POINTER(name) __typeof__(&name) name;
static struct {
	FUNCTIONS(POINTER)
} dw;

static int load_functions(struct wax_err *err)
{
	static bool tried, loaded;
	if (!tried) {
		void *library = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
		loaded = library != NULL;
#define LOAD(name) loaded = loaded && (*(void **)&dw.name = dlsym(library, #name)) != NULL;
		FUNCTIONS(LOAD)
		tried = true;
	}
	return loaded ? 0 : wax_err_set(err, -ENOSYS,
				"its stack is not shown: install elfutils (libdw.so.1)");
}

/* The last part of a path. */
static const char *file_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

struct counters {
	Dwarf_Addr at[WAX_STACK_FRAMES_MAX]; /* an instruction of each frame */
	uint32_t count;
};

static int add_frame(Dwfl_Frame *frame, void *context)
{
	struct counters *counters = context;
	Dwarf_Addr at;
	bool is_activation;
	if (counters->count == WAX_STACK_FRAMES_MAX || !dw.dwfl_frame_pc(frame, &at, &is_activation))
		return DWARF_CB_ABORT;
	/* A return address lies behind the call, and may belong to the next line. */
	counters->at[counters->count++] = is_activation ? at : at - 1;
	return DWARF_CB_OK;
}

static void name_frame(Dwfl *dwfl, Dwarf_Addr at, char text[WAX_STACK_FRAME_BYTES])
{
	Dwfl_Module *module = dw.dwfl_addrmodule(dwfl, at);
	const char *name = NULL, *library = NULL, *source = NULL;
	int number = 0;
	if (module) {
		name = dw.dwfl_module_addrname(module, at);
		library = dw.dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
		Dwfl_Line *line = dw.dwfl_module_getsrc(module, at);
		source = line ? dw.dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
	}
	if (source)
		snprintf(text, WAX_STACK_FRAME_BYTES, "%s (%s:%d)", name ? name : "?",
				file_of(source), number);
	else
		snprintf(text, WAX_STACK_FRAME_BYTES, "%s (%s)", name ? name : "?",
				library ? file_of(library) : "unknown code");
}

/* Wait until it has stopped. One that ends meanwhile is left for whoever waits for its end. */
static bool wait_stopped(pid_t pid)
{
	siginfo_t info = {0};
	if (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL) < 0 ||
			info.si_code == CLD_EXITED || info.si_code == CLD_KILLED ||
			info.si_code == CLD_DUMPED)
		return false;
	return waitid(P_PID, (id_t)pid, &info, WSTOPPED | __WALL) == 0;
}

/* Stop it for as long as it takes to walk the frames; names are looked up afterwards. */
static int walk(Dwfl *dwfl, pid_t pid, struct counters *counters, struct wax_err *err)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return wax_err_set(err, -errno, "its stack cannot be read: %m");
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && wait_stopped(pid) &&
			dw.dwfl_linux_proc_attach(dwfl, pid, true) == 0)
		dw.dwfl_getthread_frames(dwfl, pid, add_frame, counters);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	if (counters->count == 0)
		return wax_err_set(err, -EIO, "its stack cannot be read: %s", dw.dwfl_errmsg(-1));
	return 0;
}

int wax_stack_read(pid_t pid, struct wax_stack *stack, struct wax_err *err)
{
	static char *no_debug_path;
	static Dwfl_Callbacks callbacks;
	struct counters counters = {.count = 0};
	stack->frame_count = 0;
	if (load_functions(err) < 0)
		return -ENOSYS;
	callbacks = (Dwfl_Callbacks){
			.find_elf = dw.dwfl_linux_proc_find_elf,
			.find_debuginfo = dw.dwfl_standard_find_debuginfo,
			.debuginfo_path = &no_debug_path,
	};
	Dwfl *dwfl = dw.dwfl_begin(&callbacks);
	if (!dwfl || dw.dwfl_linux_proc_report(dwfl, pid) != 0 ||
			dw.dwfl_report_end(dwfl, NULL, NULL) != 0) {
		dw.dwfl_end(dwfl);
		return wax_err_set(err, -EIO, "its stack cannot be read: %s", dw.dwfl_errmsg(-1));
	}
	int r = walk(dwfl, pid, &counters, err);
	for (uint32_t i = 0; i < counters.count; i++)
		name_frame(dwfl, counters.at[i], stack->frames[stack->frame_count++]);
	dw.dwfl_end(dwfl);
	return r;
}

#else

int wax_stack_read(pid_t pid, struct wax_stack *stack, struct wax_err *err)
{
	(void)pid;
	stack->frame_count = 0;
	return wax_err_set(err, -ENOSYS, "its stack is not shown: wax was built without elfutils");
}

#endif
