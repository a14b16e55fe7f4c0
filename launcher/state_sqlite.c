/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "launcher/state.h"
#include "runtime/digits.h"

/* A database with three tables, written in one transaction: a crash leaves no half of it. */

static const char schema[] =
		"BEGIN;"
		"CREATE TABLE steps(step TEXT, role TEXT, kind TEXT, key_type TEXT, version "
		"INTEGER);"
		"CREATE TABLE states(step TEXT, key, value);"
		"CREATE TABLE positions(step TEXT, role TEXT, instance INTEGER, part, position);";

enum { STEPS, STATES, POSITIONS, TABLES };

static const char *const inserts[TABLES] = {
		[STEPS] = "INSERT INTO steps VALUES(?, ?, ?, ?, ?)",
		[STATES] = "INSERT INTO states VALUES(?, ?, ?)",
		[POSITIONS] = "INSERT INTO positions VALUES(?, ?, ?, ?, ?)",
};

struct database {
	sqlite3 *handle;
	sqlite3_stmt *statements[TABLES];
};

static int fail(struct wax_state_writer *writer, struct wax_err *err)
{
	struct database *database = writer->context;

	return wax_err_set(err, -EIO, "write '%s': %s", writer->options->out_path,
			sqlite3_errmsg(database->handle));
}

/* What is bound lives until the statement has run. */
static int bind(sqlite3_stmt *statement, int column, enum wax_state_type type,
		struct wax_bytes bytes)
{
	struct wax_state_shown shown = wax_state_show(type, bytes);
	char digits[WAX_DIGITS_MAX];

	/* An INTEGER has a sign. */
	if (shown.form == WAX_STATE_UNSIGNED && shown.number <= INT64_MAX)
		shown = (struct wax_state_shown){
				.form = WAX_STATE_INTEGER, .integer = (int64_t)shown.number};
	switch (shown.form) {
	case WAX_STATE_INTEGER:
		return sqlite3_bind_int64(statement, column, shown.integer);
	case WAX_STATE_UNSIGNED:
		return sqlite3_bind_text(statement, column, digits,
				(int)(wax_digits_u64(digits, shown.number) - digits),
				SQLITE_TRANSIENT);
	case WAX_STATE_REAL:
		return sqlite3_bind_double(statement, column, shown.real);
	case WAX_STATE_STRING:
		return sqlite3_bind_text64(statement, column, bytes.data ? bytes.data : "",
				bytes.bytes, SQLITE_STATIC, SQLITE_UTF8);
	case WAX_STATE_BYTES:
		break;
	}
	return sqlite3_bind_blob64(statement, column, bytes.data, bytes.bytes, SQLITE_STATIC);
}

static int bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	return sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
}

/* @param bound what the calls that bind gave back, or'ed: 0 is success */
static int insert(struct wax_state_writer *writer, int table, int bound, struct wax_err *err)
{
	struct database *database = writer->context;
	sqlite3_stmt *statement = database->statements[table];

	if (bound != SQLITE_OK || sqlite3_step(statement) != SQLITE_DONE ||
			sqlite3_reset(statement) != SQLITE_OK)
		return fail(writer, err);
	return 0;
}

static int write_step(struct wax_state_writer *writer, const struct wax_manifest_step *step,
		struct wax_err *err)
{
	struct database *database = writer->context;
	sqlite3_stmt *statement = database->statements[STEPS];
	int bound = bind_text(statement, 1, step->id);

	bound |= bind_text(statement, 2, wax_state_role(step));
	bound |= bind_text(statement, 3, step->kind);
	bound |= bind_text(statement, 4, step->key);
	bound |= sqlite3_bind_int64(statement, 5, step->version);
	return insert(writer, STEPS, bound, err);
}

static int write_entry(struct wax_state_writer *writer, const struct wax_manifest_step *step,
		struct wax_bytes key, struct wax_bytes value, struct wax_err *err)
{
	struct database *database = writer->context;
	sqlite3_stmt *statement = database->statements[STATES];
	int bound = bind_text(statement, 1, step->id);

	bound |= bind(statement, 2, wax_state_key_type(writer->options->key_type, step), key);
	bound |= bind(statement, 3, writer->options->value_type, value);
	return insert(writer, STATES, bound, err);
}

static int write_position(struct wax_state_writer *writer,
		const struct wax_state_position *position, struct wax_err *err)
{
	struct database *database = writer->context;
	sqlite3_stmt *statement = database->statements[POSITIONS];
	int bound = bind_text(statement, 1, position->step->id);

	bound |= bind_text(statement, 2, wax_state_role(position->step));
	bound |= sqlite3_bind_int64(statement, 3, position->instance);
	bound |= bind(statement, 4, WAX_STATE_AUTO, position->name);
	bound |= bind(statement, 5, writer->options->value_type, position->position);
	return insert(writer, POSITIONS, bound, err);
}

static int finish(struct wax_state_writer *writer, struct wax_err *err)
{
	struct database *database = writer->context;

	return sqlite3_exec(database->handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK
			? fail(writer, err)
			: 0;
}

static void close_database(struct wax_state_writer *writer)
{
	struct database *database = writer->context;

	for (int i = 0; i < TABLES; i++)
		sqlite3_finalize(database->statements[i]);
	sqlite3_close(database->handle);
	free(database);
}

int wax_state_open_sqlite(const struct wax_tool_options *options,
		struct wax_state_writer *ret_writer, struct wax_err *err)
{
	struct database *database = calloc(1, sizeof(*database));
	struct wax_state_writer writer = {
			.step = write_step,
			.entry = write_entry,
			.position = write_position,
			.finish = finish,
			.close = close_database,
			.options = options,
			.context = database,
	};

	if (!database)
		return wax_err_set(err, -ENOMEM, "no memory for a database");

	int r = sqlite3_open_v2(options->out_path, &database->handle, SQLITE_OPEN_READWRITE, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_exec(database->handle, schema, NULL, NULL, NULL);
	for (int i = 0; i < TABLES && r == SQLITE_OK; i++)
		r = sqlite3_prepare_v2(
				database->handle, inserts[i], -1, &database->statements[i], NULL);
	if (r != SQLITE_OK) {
		r = fail(&writer, err);
		close_database(&writer);
		return r;
	}
	*ret_writer = writer;
	return 0;
}
