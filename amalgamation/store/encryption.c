/*
** encryption.c: columns that are kept encrypted: those whose comment has the line @encrypted, once the file has a key.
**
** A value is kept as "enc:1:" and base64url of a random nonce of 24 bytes, the ciphertext and its tag (XChaCha20-Poly1305); in a json
** or jsonb column as a JSON string of that. NULL stays NULL. The additional data is a hash of the key's id and of the names of
** schema, table and column: what was encrypted for one column, or under another key, does not open in this one. A row's key is
** not in it, for it may change and the values go with the row: a value can be put into another row of its column unnoticed by this
** (by who can write the file; the audit trail and the digests notice), and an old one be put back.
**
** The id of the key stands in ledger_meta, as encryption_key; a handle has the key itself for as long as it is open.
** SQL sees the ciphertext: defaults, checks, triggers, indexes. The schema compiler refuses those that would read it.
*/
#include "../internal.h"
#include "write.h"

#define ENCRYPTION_MARK "@encrypted"
#define ENCRYPTION_FORM "enc:1:"
#define ENCRYPTION_FORM_LENGTH (sizeof ENCRYPTION_FORM - 1)
#define ENCRYPTION_REPORT_VALUES 1000

_Static_assert(LEDGER_ENCRYPTION_KEY_BYTES == SEAL_VALUE_KEY_BYTES, "a key");

struct encryption {
  unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES];
  char id[ENCRYPTION_ID_DIGITS + 1];
};

LEDGER_PRIVATE bool encryption_is_marked(const struct column *column) {
  const struct type *type = &column->type;
  bool fits =
      !type->is_array && (type->id == TYPE_TEXT || type->id == TYPE_JSON ||
                          type->id == TYPE_JSONB || (type->id == TYPE_VARCHAR && type->length < 0));
  if (!fits || column->generated_sql != NULL) return false;
  size_t length = strlen(ENCRYPTION_MARK);
  for (const char *line = column->comment; line != NULL; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, ENCRYPTION_MARK, length) == 0 && (line[length] == 0 || line[length] == '\n'))
      return true;
  }
  return false;
}

/* ---- keys */

/* The key's name: it tells keys apart and nothing about them. */
static void encryption_name(const unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES],
                            char id[ENCRYPTION_ID_DIGITS + 1]) {
  static const char purpose[] = "ledger: id of an encryption key";
  struct seal_blake2b hash;
  unsigned char bytes[SEAL_BLAKE2B_BYTES];
  seal_blake2b_init(&hash);
  seal_blake2b_update(&hash, purpose, sizeof purpose);
  seal_blake2b_update(&hash, key, LEDGER_ENCRYPTION_KEY_BYTES);
  seal_blake2b_final(&hash, bytes);
  text_hex(bytes, ENCRYPTION_ID_DIGITS / 2, id);
}

static void encryption_free(struct encryption *encryption) {
  if (encryption == NULL) return;
  seal_wipe(encryption, sizeof *encryption);
  sqlite3_free(encryption);
}

static struct encryption *encryption_new(const unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES]) {
  struct encryption *encryption = sqlite3_malloc64(sizeof *encryption);
  if (encryption == NULL) return NULL;
  memcpy(encryption->key, key, sizeof encryption->key);
  encryption_name(key, encryption->id);
  return encryption;
}

LEDGER_PRIVATE void encryption_close(ledger *db) {
  encryption_free(db->encryption);
  db->encryption = NULL;
}

/* The handle has no key, or another one than the file. */
static int encryption_no_key(ledger *db) {
  const char *wanted = db->catalog->encryption_key;
  if (db->encryption == NULL) {
    error_set(&db->error, LEDGER_NO_ENCRYPTION_KEY,
              "the encrypted columns need the file's key, and none was given");
  } else {
    error_set(&db->error, LEDGER_NO_ENCRYPTION_KEY,
              "the encrypted columns need the file's key, and another one was given");
    error_detail(&db->error, "The key that was given is %s.", db->encryption->id);
  }
  return error_hint(&db->error, "The file's key is %s: give it by --key-file or LEDGER_KEY_FILE.",
                    wanted);
}

static bool encryption_has_key(const ledger *db) {
  return db->encryption != NULL && strcmp(db->encryption->id, db->catalog->encryption_key) == 0;
}

LEDGER_PRIVATE int encryption_set_key(ledger *db,
                                      const unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES]) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  encryption_close(db);
  if (db->catalog->encryption_key == NULL) {
    rc = error_set(&db->error, LEDGER_NOT_IN_PREREQUISITE, "the file has no encryption key yet");
    error_hint(&db->error, "ledger encrypt gives it one, and encrypts what is there.");
  } else if ((db->encryption = encryption_new(key)) == NULL) {
    rc = error_memory(&db->error);
  } else if (!encryption_has_key(db)) {
    rc = encryption_no_key(db);
    encryption_close(db);
  }
  transaction_end_read(db);
  return rc;
}

LEDGER_PRIVATE int encryption_export(ledger *db, bool decrypts) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  if (decrypts && db->catalog->encryption_key != NULL && !encryption_has_key(db))
    rc = encryption_no_key(db);
  if (rc == LEDGER_OK) db->exports_clear = decrypts;
  transaction_end_read(db);
  return rc;
}

/* ---- one value */

/* What a value is bound to. */
static void encryption_about(const char *id, const struct relation *relation,
                             const struct column *column, unsigned char about[SEAL_BLAKE2B_BYTES]) {
  struct seal_blake2b hash;
  seal_blake2b_init(&hash);
  seal_blake2b_update(&hash, id,
                      strlen(id) + 1); /* each with its NUL, so that none runs into the next */
  seal_blake2b_update(&hash, relation->schema, strlen(relation->schema) + 1);
  seal_blake2b_update(&hash, relation->name, strlen(relation->name) + 1);
  seal_blake2b_update(&hash, column->name, strlen(column->name) + 1);
  seal_blake2b_final(&hash, about);
}

static bool encryption_is_json(const struct column *column) {
  return column->type.id == TYPE_JSON || column->type.id == TYPE_JSONB;
}

/* The base64 in a value of our form. */
static bool encryption_digits(const struct column *column, const struct value *value,
                              const char **digits, size_t *length) {
  size_t quote = encryption_is_json(column) ? 1 : 0;
  if (value->kind != VALUE_TEXT || value->length < ENCRYPTION_FORM_LENGTH + 2 * quote) return false;
  const char *text = value->text;
  size_t end = value->length - quote;
  if (quote == 1 && (text[0] != '"' || text[end] != '"')) return false;
  if (memcmp(text + quote, ENCRYPTION_FORM, ENCRYPTION_FORM_LENGTH) != 0) return false;
  *digits = text + quote + ENCRYPTION_FORM_LENGTH;
  *length = end - quote - ENCRYPTION_FORM_LENGTH;
  return true;
}

/* LEDGER_MEMORY where that is short. */
static int encryption_lock(const struct encryption *encryption, const struct relation *relation,
                           const struct column *column, struct arena *arena, struct value *value) {
  unsigned char about[SEAL_BLAKE2B_BYTES];
  size_t quote = encryption_is_json(column) ? 1 : 0;
  size_t length = value->length + SEAL_VALUE_MORE_BYTES, digits = seal_base64_length(length);
  unsigned char *sealed = arena_alloc(arena, length);
  char *text = arena_alloc(arena, ENCRYPTION_FORM_LENGTH + digits + 2 * quote + 1);
  if (sealed == NULL || text == NULL) return LEDGER_MEMORY;
  encryption_about(encryption->id, relation, column, about);
  seal_value(encryption->key, value->text, value->length, about, sealed);
  memcpy(text + quote, ENCRYPTION_FORM, ENCRYPTION_FORM_LENGTH);
  seal_base64(sealed, length, text + quote + ENCRYPTION_FORM_LENGTH);
  *value = (struct value){
      .kind = VALUE_TEXT, .text = text, .length = ENCRYPTION_FORM_LENGTH + digits + 2 * quote};
  if (quote == 1) text[0] = text[value->length - 1] = '"';
  return LEDGER_OK;
}

/* LEDGER_CORRUPT if it does not open. */
static int encryption_unlock(const struct encryption *encryption, const struct relation *relation,
                             const struct column *column, struct arena *arena,
                             const struct value *stored, struct value *out) {
  unsigned char about[SEAL_BLAKE2B_BYTES];
  const char *digits;
  size_t count, length;
  if (!encryption_digits(column, stored, &digits, &count)) return LEDGER_CORRUPT;
  size_t room = count / 4 * 3 + 3;
  unsigned char *sealed = arena_alloc(arena, room);
  char *text = arena_alloc(arena, room);
  if (sealed == NULL || text == NULL) return LEDGER_MEMORY;
  if (!seal_base64_read(digits, count, sealed, room, &length)) return LEDGER_CORRUPT;
  encryption_about(encryption->id, relation, column, about);
  if (!seal_value_open(encryption->key, sealed, length, about, text)) return LEDGER_CORRUPT;
  *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length - SEAL_VALUE_MORE_BYTES};
  return LEDGER_OK;
}

/* Which row, for messages: "", or ", key (...)" where the row is known. */
static void encryption_row(const struct relation *relation, const struct value *row, char *out,
                           int room) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; row != NULL && relation->primary != NULL && i < relation->primary->count; i++) {
    int column = relation->primary->columns[i];
    sqlite3_str_appendall(text, i == 0 ? ", key (" : ", ");
    if (row[column].kind != VALUE_NULL)
      (void)type_output(&relation->columns[column].type, &row[column], text, NULL);
    if (i == relation->primary->count - 1) sqlite3_str_appendchar(text, 1, ')');
  }
  char *whole = sqlite3_str_finish(text);
  sqlite3_snprintf(room, out, "%s", whole == NULL ? "" : whole);
  sqlite3_free(whole);
}

/* A value that does not open: one that was never encrypted, or was altered or moved. */
static int encryption_bad(ledger *db, const struct relation *relation, const struct column *column,
                          const struct value *stored, const struct value *row) {
  char place[200];
  const char *digits;
  size_t length;
  bool is_ours = encryption_digits(column, stored, &digits, &length);
  encryption_row(relation, row, place, (int)sizeof place);
  error_set(&db->error, LEDGER_CORRUPT, "table \"%s\"%s, column \"%s\": %s", relation->name, place,
            column->name,
            is_ours ? "the value was altered, or encrypted for another column or under another key"
                    : "the value is not encrypted, and the file has a key");
  if (!is_ours) {
    error_hint(&db->error, "Another program wrote it: ledger encrypt with the file's key as the "
                           "new one, too, encrypts what is in clear.");
  }
  sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
  sqlite3_snprintf((int)sizeof db->error.column, db->error.column, "%s", column->name);
  return LEDGER_CORRUPT;
}

LEDGER_PRIVATE int encryption_open_value(ledger *db, const struct relation *relation, int column,
                                         const struct value *stored, const struct value *row,
                                         struct arena *arena, struct value *out) {
  const struct column *of = &relation->columns[column];
  struct value clear = *stored;
  if (of->is_encrypted && stored->kind != VALUE_NULL && db->encryption != NULL) {
    if (!encryption_has_key(db)) return encryption_no_key(db);
    int rc = encryption_unlock(db->encryption, relation, of, arena, stored, &clear);
    if (rc == LEDGER_MEMORY) return error_memory(&db->error);
    if (rc != LEDGER_OK) return encryption_bad(db, relation, of, stored, row);
  }
  *out = clear;
  return LEDGER_OK;
}

LEDGER_PRIVATE int encryption_seal_value(ledger *db, const struct relation *relation, int column,
                                         struct value *value) {
  const struct column *of = &relation->columns[column];
  if (!of->is_encrypted || value->kind == VALUE_NULL) return LEDGER_OK;
  int rc = encryption_has_key(db) ? LEDGER_OK : encryption_no_key(db);
  if (rc == LEDGER_OK && encryption_lock(db->encryption, relation, of, &db->arena, value) != 0)
    rc = error_memory(&db->error);
  if (rc == LEDGER_OK) return rc;
  sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
  sqlite3_snprintf((int)sizeof db->error.column, db->error.column, "%s", of->name);
  return rc;
}

LEDGER_PRIVATE int encryption_keep_value(ledger *db, const struct relation *relation, int column,
                                         struct value *value) {
  const char *digits;
  size_t length;
  if (encryption_digits(&relation->columns[column], value, &digits, &length)) return LEDGER_OK;
  return encryption_seal_value(db, relation, column, value);
}

LEDGER_PRIVATE int encryption_refuse(ledger *db, const struct relation *relation, int column) {
  const char *name = relation->columns[column].name;
  error_set(&db->error, LEDGER_UNSUPPORTED,
            "column \"%s\" of \"%s\" is encrypted: it can be read whole or be null, nothing else",
            name, relation->name);
  sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
  sqlite3_snprintf((int)sizeof db->error.column, db->error.column, "%s", name);
  return LEDGER_UNSUPPORTED;
}

/* ---- all values: the first key, another key, none */

#define ENCRYPTION_FUNCTION "ledger_encryption_turn"

struct encryption_turn {
  ledger *db;
  const struct encryption *from, *to; /* NULL: in clear */
  const struct relation *relation;
  struct arena arena; /* of one value */
  ledger_error error; /* of a value, where `failed` */
  bool failed;
  int64_t count;
};

/* In clear, from whatever state it is in: what opens under neither key was never encrypted, or was damaged. */
static int encryption_turn_open(struct encryption_turn *turn, const struct column *column,
                                const struct value *stored, struct value *clear) {
  const char *digits;
  size_t length;
  *clear = *stored;
  if (!encryption_digits(column, stored, &digits, &length)) return LEDGER_OK;
  int rc = LEDGER_CORRUPT;
  if (turn->from != NULL)
    rc = encryption_unlock(turn->from, turn->relation, column, &turn->arena, stored, clear);
  /* What an import brought may be encrypted under the key that the file gets only now. */
  if (rc == LEDGER_CORRUPT && turn->to != NULL)
    rc = encryption_unlock(turn->to, turn->relation, column, &turn->arena, stored, clear);
  return rc;
}

static int encryption_turn_value(struct encryption_turn *turn, int position, int key_count,
                                 sqlite3_value **key, struct value *value) {
  ledger *db = turn->db;
  const struct relation *relation = turn->relation;
  const struct column *column = &relation->columns[position];
  struct value clear;
  int rc = encryption_turn_open(turn, column, value, &clear);
  if (rc == LEDGER_OK && turn->to != NULL)
    rc = encryption_lock(turn->to, relation, column, &turn->arena, &clear);
  if (rc == LEDGER_MEMORY) return error_memory(&db->error);
  if (rc == LEDGER_OK) {
    *value = clear;
    turn->count++;
    return turn->count % ENCRYPTION_REPORT_VALUES == 0 ? connection_report(db, turn->count, 0) : rc;
  }
  struct value *row = arena_alloc(&turn->arena, (size_t)relation->column_count * sizeof *row);
  for (int i = 0; row != NULL && i < key_count; i++)
    row[relation->primary->columns[i]] = function_argument(key[i]);
  return encryption_bad(db, relation, column, value, row);
}

/* ledger_encryption_turn(position, value, key...) */
static void encryption_function(sqlite3_context *context, int count, sqlite3_value **arguments) {
  struct encryption_turn *turn = sqlite3_user_data(context);
  struct value value = function_argument(arguments[1]);
  if (value.kind == VALUE_NULL) {
    sqlite3_result_null(context);
    return;
  }
  arena_reset(&turn->arena);
  int rc = encryption_turn_value(turn, sqlite3_value_int(arguments[0]), count - 2, arguments + 2,
                                 &value);
  if (rc == LEDGER_OK) {
    sqlite3_result_text64(context, value.text, value.length, SQLITE_TRANSIENT, SQLITE_UTF8);
    return;
  }
  turn->error = turn->db->error;
  turn->failed = true;
  sqlite3_result_error(context, turn->error.message, -1);
}

/* UPDATE main."t" SET "a" = ledger_encryption_turn(3, "a", "id") WHERE "a" IS NOT NULL */
static sqlite3_str *encryption_sql(const struct relation *relation) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  const char *separator = " SET ";
  sqlite3_str_appendf(sql, "UPDATE main.\"%w\"", relation->stored_name);
  for (int i = 0; i < relation->column_count; i++) {
    if (!relation->columns[i].is_secret) continue;
    const char *name = relation->columns[i].name;
    sqlite3_str_appendf(sql, "%s\"%w\" = " ENCRYPTION_FUNCTION "(%d, \"%w\"", separator, name, i,
                        name);
    for (int k = 0; relation->primary != NULL && k < relation->primary->count; k++)
      sqlite3_str_appendf(sql, ", \"%w\"", relation->columns[relation->primary->columns[k]].name);
    sqlite3_str_appendchar(sql, 1, ')');
    separator = ", ";
  }
  separator = " WHERE ";
  for (int i = 0; i < relation->column_count; i++) {
    if (!relation->columns[i].is_secret) continue;
    sqlite3_str_appendf(sql, "%s\"%w\" IS NOT NULL", separator, relation->columns[i].name);
    separator = " OR ";
  }
  return sql;
}

static int encryption_relation(struct encryption_turn *turn, const struct relation *relation) {
  ledger *db = turn->db;
  sqlite3_stmt *stmt = NULL;
  struct observe observe;
  turn->relation = relation;
  int rc = statement_prepare(db, encryption_sql(relation), &stmt);
  if (rc != LEDGER_OK) return rc;
  rc = observe_start(&observe, db, relation, false);
  if (rc == LEDGER_OK) {
    rc = statement_step(db, stmt);
    if (rc == LEDGER_DONE) rc = LEDGER_OK;
    if (rc != LEDGER_OK && turn->failed) {
      db->error = turn->error;
      rc = db->error.code;
    }
  }
  statement_end(stmt);
  return observe_end(&observe, rc, NULL);
}

static bool encryption_has_secrets(const struct relation *relation) {
  for (int i = 0; i < relation->column_count; i++) {
    if (relation->columns[i].is_secret) return true;
  }
  return false;
}

/* The key's id into the file, and all handles' catalogs, which have it, to be read again: a view comes and goes. */
static int encryption_note(ledger *db, const struct encryption *to) {
  char *sql = to == NULL ? sqlite3_mprintf("DELETE FROM ledger_meta WHERE key = 'encryption_key'")
                         : sqlite3_mprintf("INSERT OR REPLACE INTO ledger_meta (key, value) VALUES "
                                           "('encryption_key', %Q)",
                                           to->id);
  if (sql == NULL) return error_memory(&db->error);
  int rc = statement_exec(db, sql);
  sqlite3_free(sql);
  if (rc == LEDGER_OK)
    rc = statement_exec(db, "CREATE VIEW main.ledger_encryption_turned AS SELECT 1;"
                            "DROP VIEW main.ledger_encryption_turned");
  return rc;
}

/* May the file's key become that? */
static int encryption_check(ledger *db, const struct encryption *to) {
  const struct catalog *catalog = db->catalog;
  bool has_secrets = false;
  if (catalog->encryption_key != NULL && !encryption_has_key(db)) return encryption_no_key(db);
  if (catalog->encryption_key == NULL && to == NULL)
    return error_set(&db->error, LEDGER_NOT_IN_PREREQUISITE, "the file has no encryption key");
  for (int i = 0; i < catalog->relation_count && !has_secrets; i++)
    has_secrets = encryption_has_secrets(&catalog->relations[i]);
  if (has_secrets) return LEDGER_OK;
  error_set(&db->error, LEDGER_NOT_IN_PREREQUISITE, "the file has no columns to be encrypted");
  return error_hint(&db->error,
                    "The schema marks them: a line " ENCRYPTION_MARK " in the column's comment.");
}

static int encryption_turn_all(struct encryption_turn *turn) {
  ledger *db = turn->db;
  const struct catalog *catalog = db->catalog;
  int rc = encryption_check(db, turn->to);
  turn->from = catalog->encryption_key == NULL ? NULL : db->encryption;
  if (rc == LEDGER_OK) {
    int sqlite_rc = sqlite3_create_function_v2(db->sqlite, ENCRYPTION_FUNCTION, -1,
                                               SQLITE_UTF8 | SQLITE_DIRECTONLY, turn,
                                               encryption_function, NULL, NULL, NULL);
    if (sqlite_rc != SQLITE_OK) return store_error(db, sqlite_rc);
  }
  for (int i = 0; i < catalog->relation_count && rc == LEDGER_OK; i++) {
    const struct relation *relation = &catalog->relations[i];
    if (encryption_has_secrets(relation) && !relation->is_mains)
      rc = encryption_relation(turn, relation);
  }
  ledger_error error = db->error;
  sqlite3_create_function_v2(db->sqlite, ENCRYPTION_FUNCTION, -1, SQLITE_UTF8, NULL, NULL, NULL,
                             NULL, NULL);
  db->error = error;
  return rc == LEDGER_OK ? encryption_note(db, turn->to) : rc;
}

/* What was in clear is in the file yet: in free pages, in the gaps of others, in the log. All of the file is written anew. */
static int encryption_wipe(ledger *db) {
  int rc = statement_exec(db, "VACUUM");
  if (rc == LEDGER_OK) {
    /* Not done while somebody reads: then the next checkpoint does it. */
    (void)sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return LEDGER_OK;
  }
  char problem[sizeof db->error.message];
  memcpy(problem, db->error.message, sizeof problem);
  error_set(&db->error, rc,
            "the values are encrypted, but the file could not be rid of what was in clear: %s",
            problem);
  return error_hint(&db->error, "Once that is mended encrypt with the same key again.");
}

LEDGER_PRIVATE int encryption_change(ledger *db, const unsigned char *new_key, int64_t *count) {
  struct encryption_turn turn = {.db = db};
  struct encryption *to = NULL;
  if (db->in_transaction)
    return error_set(&db->error, LEDGER_ACTIVE_TRANSACTION,
                     "the encryption key changes in a transaction of its own");
  if (new_key != NULL && (to = encryption_new(new_key)) == NULL) return error_memory(&db->error);
  turn.to = to;
  int rc = transaction_begin(db);
  if (rc == LEDGER_OK) rc = transaction_end(db, encryption_turn_all(&turn));
  arena_free(&turn.arena);
  if (rc != LEDGER_OK) {
    encryption_free(to);
    return rc;
  }
  bool was_clear = to != NULL && (turn.from == NULL || strcmp(turn.from->id, to->id) == 0);
  encryption_close(db);
  db->encryption = to;
  *count = turn.count;
  return was_clear ? encryption_wipe(db) : LEDGER_OK;
}

#undef ENCRYPTION_MARK
#undef ENCRYPTION_FORM
#undef ENCRYPTION_FORM_LENGTH
#undef ENCRYPTION_FUNCTION
#undef ENCRYPTION_REPORT_VALUES
