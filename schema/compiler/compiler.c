/*
** compiler: the front door of the schema compiler. Memory, notes, names and look-ups that all its files use, and the two
** entries schema_compile() and schema_query(). Everything a compilation makes lies in one arena, freed by schema_free().
*/
#include "ddl.h"

#include <pthread.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

/* PostgreSQL's parser and the tree's walks recurse; depth is bounded by parse.c so that this much stack is enough. */
#define COMPILER_STACK_BYTES (64 * 1024 * 1024)

/* ---- memory */

#define COMPILER_BLOCK_BYTES (256 * 1024)

struct compiler_block {
  struct compiler_block *next;
  size_t used, size;
  max_align_t bytes[];
};

struct compiler_arena {
  struct compiler_block *blocks;
  jmp_buf *escape; /* where short memory goes */
};

void compiler_out_of_memory(struct compiler *c) {
  struct compiler_arena *arena = c->arena;
  longjmp(*arena->escape, 1);
}

void *compiler_alloc(struct compiler *c, size_t bytes) {
  struct compiler_arena *arena = c->arena;
  struct compiler_block *block = arena->blocks;
  if (bytes > SIZE_MAX / 4) compiler_out_of_memory(c);
  bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
  if (block == NULL || block->size - block->used < bytes) {
    size_t size = bytes > COMPILER_BLOCK_BYTES ? bytes : COMPILER_BLOCK_BYTES;
    block = calloc(1, sizeof *block + size);
    if (block == NULL) compiler_out_of_memory(c);
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
  }
  void *memory = (char *)block->bytes + block->used;
  block->used += bytes;
  return memory;
}

static char *compiler_copy_bytes(struct compiler *c, const char *text, size_t length) {
  char *copy = compiler_alloc(c, length + 1);
  if (length > 0) memcpy(copy, text, length);
  return copy;
}

char *compiler_copy(struct compiler *c, const char *text) {
  return compiler_copy_bytes(c, text, strlen(text));
}

static char *compiler_vformat(struct compiler *c, const char *format, va_list arguments) {
  char *text = sqlite3_vmprintf(format, arguments);
  if (text == NULL) compiler_out_of_memory(c);
  char *copy = compiler_copy(c, text);
  sqlite3_free(text);
  return copy;
}

char *compiler_format(struct compiler *c, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = compiler_vformat(c, format, arguments);
  va_end(arguments);
  return text;
}

char *compiler_take(struct compiler *c, sqlite3_str *text) {
  int rc = sqlite3_str_errcode(text), length = sqlite3_str_length(text);
  char *finished = sqlite3_str_finish(text);
  if (rc != SQLITE_OK) {
    sqlite3_free(finished);
    compiler_out_of_memory(c);
  }
  char *copy = compiler_copy_bytes(c, finished != NULL ? finished : "", (size_t)length);
  sqlite3_free(finished);
  return copy;
}

void *compiler_append(struct compiler *c, void *array_pointer, int *count, size_t element) {
  char *array;
  memcpy(&array, array_pointer, sizeof array);
  /* Room doubles at each power of two, so that no capacity need be kept. */
  if (*count == 0 || (*count >= 4 && (*count & (*count - 1)) == 0)) {
    size_t room = *count == 0 ? 4 : (size_t)*count * 2;
    char *grown = compiler_alloc(c, room * element);
    if (*count > 0) memcpy(grown, array, (size_t)*count * element);
    array = grown;
    memcpy(array_pointer, &array, sizeof array);
  }
  void *added = array + (size_t)*count * element;
  memset(added, 0, element);
  ++*count;
  return added;
}

void remove_at(void *array, int *count, int position, size_t element) {
  char *bytes = array;
  memmove(bytes + (size_t)position * element, bytes + (size_t)(position + 1) * element,
          (size_t)(*count - position - 1) * element);
  --*count;
}

/* ---- notes */

static struct schema_note *compiler_note(struct compiler *c, enum schema_severity severity,
                                         int location) {
  struct schema_result *result = c->result;
  struct schema_note *added = APPEND(c, result->notes, result->note_count);
  added->severity = severity;
  added->file = c->file_index;
  added->line = 1;
  added->column = 1;
  if (c->file == NULL) return added;
  size_t end = (size_t)c->statement_start + (location > 0 ? (size_t)location : 0);
  if (end > c->file->length) end = c->file->length;
  for (size_t i = 0; i < end; i++) {
    unsigned char byte = (unsigned char)c->file->text[i];
    if (byte == '\n') {
      added->line++;
      added->column = 1;
    } else if ((byte & 0xC0) != 0x80) {
      added->column++;
    }
  }
  return added;
}

/* One fault is said once: a trigger's function is read for each trigger that names it. */
static bool compiler_is_repeated(const struct schema_result *result) {
  const struct schema_note *added = &result->notes[result->note_count - 1];
  for (int i = 0; i < result->note_count - 1; i++) {
    const struct schema_note *note = &result->notes[i];
    if (note->line == added->line && note->column == added->column && note->file == added->file &&
        note->severity == added->severity && strcmp(note->message, added->message) == 0)
      return true;
  }
  return false;
}

bool note_error(struct compiler *c, int location, const char *sqlstate, const char *hint,
                const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (c->quiet) {
    if (c->trial.sqlstate[0] == '\0') {
      sqlite3_snprintf((int)sizeof c->trial.sqlstate, c->trial.sqlstate, "%s", sqlstate);
      sqlite3_vsnprintf((int)sizeof c->trial.message, c->trial.message, format, arguments);
      c->trial.location = location;
    }
  } else {
    struct schema_note *added = compiler_note(c, SCHEMA_ERROR, location);
    sqlite3_snprintf((int)sizeof added->sqlstate, added->sqlstate, "%s", sqlstate);
    added->message = compiler_vformat(c, format, arguments);
    added->hint = hint != NULL ? compiler_copy(c, hint) : NULL;
    if (compiler_is_repeated(c->result))
      c->result->note_count--;
    else
      c->result->error_count++;
  }
  va_end(arguments);
  return false;
}

void note(struct compiler *c, enum schema_severity severity, int location, const char *hint,
          const char *format, ...) {
  if (c->quiet) return;
  va_list arguments;
  va_start(arguments, format);
  struct schema_note *added = compiler_note(c, severity, location);
  added->message = compiler_vformat(c, format, arguments);
  added->hint = hint != NULL ? compiler_copy(c, hint) : NULL;
  va_end(arguments);
}

struct place place_here(struct compiler *c, int location) {
  return (struct place){c->file_index, c->statement_start, location};
}

struct place place_enter(struct compiler *c, struct place place) {
  struct place before = place_here(c, 0);
  c->file_index = place.file;
  c->file = &ddl_of(c)->files[place.file];
  c->statement_start = place.start;
  return before;
}

/* ---- names */

const char *quoted(struct compiler *c, const char *name) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "\"%w\"", name);
  return compiler_take(c, out);
}

const char *string_literal(struct compiler *c, const char *text) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "%Q", text);
  return compiler_take(c, out);
}

const char *qualified(struct compiler *c, const char *schema, const char *name) {
  return compiler_format(c, "%s.%s", quoted(c, schema), quoted(c, name));
}

const char *stored_name(struct compiler *c, const char *schema, const char *name) {
  if (schema == NULL || strcmp(schema, "public") == 0) return compiler_copy(c, name);
  return compiler_format(c, "%s_%s", schema, name);
}

const char *column_list(struct compiler *c, int count, const char *const *columns) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(out, "%s\"%w\"", i > 0 ? ", " : "", columns[i]);
  return compiler_take(c, out);
}

const char *json_list(struct compiler *c, int count, const char *const *items) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(out, 1, '[');
  for (int i = 0; i < count; i++) {
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    if (items[i] == NULL) {
      sqlite3_str_appendall(out, "null");
      continue;
    }
    sqlite3_str_appendchar(out, 1, '"');
    for (const char *p = items[i]; *p != '\0'; p++) {
      if (*p == '"' || *p == '\\')
        sqlite3_str_appendf(out, "\\%c", *p);
      else if ((unsigned char)*p < 0x20)
        sqlite3_str_appendf(out, "\\u%04x", (unsigned)(unsigned char)*p);
      else
        sqlite3_str_appendchar(out, 1, *p);
    }
    sqlite3_str_appendchar(out, 1, '"');
  }
  sqlite3_str_appendchar(out, 1, ']');
  return compiler_take(c, out);
}

const char *sha256_hex(struct compiler *c, const void *bytes, size_t length) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  char *hex = compiler_alloc(c, 2 * sizeof hash + 1);
  crypto_hash_sha256(hash, bytes, length);
  sodium_bin2hex(hex, 2 * sizeof hash + 1, hash, sizeof hash);
  return hex;
}

bool name_check(struct compiler *c, int location, const char *what, const char *name) {
  bool is_plain = name[0] != '\0' && (name[0] < '0' || name[0] > '9') && name[0] != '$';
  for (const char *p = name; *p != '\0'; p++) {
    is_plain = is_plain && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                            (*p >= '0' && *p <= '9') || *p == '_' || *p == '$');
  }
  if (!is_plain) {
    return note_error(c, location, "42602", "rename it to letters, digits and underscores",
                      "the %s name \"%s\" has characters other than letters, digits, _ and $", what,
                      name);
  }
  if (strlen(name) > LEDGER_NAME_MAX) {
    return note_error(c, location, "42622", "shorten it",
                      "the %s name \"%s\" is longer than %d bytes", what, name, LEDGER_NAME_MAX);
  }
  if (sqlite3_strnicmp(name, "ledger_", 7) == 0 || sqlite3_strnicmp(name, "sqlite_", 7) == 0) {
    return note_error(c, location, "42602", "choose another name",
                      "the %s name \"%s\" begins with a reserved prefix", what, name);
  }
  return true;
}

bool stored_name_is_free(struct compiler *c, const char *stored) {
  const struct model *model = c->model;
  for (int i = 0; i < model->relation_count; i++) {
    if (sqlite3_stricmp(model->relations[i]->stored_name, stored) == 0) return false;
  }
  for (int i = 0; i < model->index_count; i++) {
    if (sqlite3_stricmp(model->indexes[i]->stored_name, stored) == 0) return false;
  }
  return true;
}

bool relation_name_is_used(struct compiler *c, const char *schema, const char *name) {
  const struct model *model = c->model;
  if (find_relation(c, schema, name) != NULL || find_index(c, schema, name) != NULL ||
      find_sequence(c, schema, name) != NULL) {
    return true;
  }
  for (int i = 0; i < model->relation_count; i++) {
    const struct relation_def *relation = model->relations[i];
    const struct constraint_def *constraint = find_constraint(relation, name);
    if (strcmp(relation->schema, schema) == 0 && constraint != NULL &&
        (constraint->kind == CONSTRAINT_PRIMARY || constraint->kind == CONSTRAINT_UNIQUE)) {
      return true;
    }
  }
  return false;
}

static bool constraint_name_is_used(struct compiler *c, const char *schema, const char *name) {
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    if (strcmp(relation->schema, schema) == 0 && find_constraint(relation, name) != NULL)
      return true;
  }
  return false;
}

/* Cuts at a character's edge. */
static int name_clip(const char *name, int length) {
  int full = (int)strlen(name);
  if (length >= full) return full;
  while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80) length--;
  return length;
}

/* name1_name2_label in at most 63 bytes: the longer of the two names gives way first. */
static const char *name_make(struct compiler *c, const char *name1, const char *name2,
                             const char *label) {
  int overhead = (label != NULL ? (int)strlen(label) + 1 : 0) + (name2 != NULL ? 1 : 0);
  int length1 = (int)strlen(name1), length2 = name2 != NULL ? (int)strlen(name2) : 0;
  while (length1 + length2 > LEDGER_NAME_MAX - overhead) {
    if (length1 > length2)
      length1--;
    else
      length2--;
  }
  length1 = name_clip(name1, length1);
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_append(out, name1, length1);
  if (name2 != NULL) {
    sqlite3_str_appendchar(out, 1, '_');
    sqlite3_str_append(out, name2, name_clip(name2, length2));
  }
  if (label != NULL) sqlite3_str_appendf(out, "_%s", label);
  return compiler_take(c, out);
}

const char *name_choose_relation(struct compiler *c, const char *schema, const char *name1,
                                 const char *name2, const char *label, bool is_constraint) {
  const char *numbered = label;
  for (int pass = 1;; pass++) {
    const char *name = name_make(c, name1, name2, numbered);
    if (!relation_name_is_used(c, schema, name) &&
        !(is_constraint && constraint_name_is_used(c, schema, name)))
      return name;
    numbered = compiler_format(c, "%s%d", label, pass);
  }
}

const char *name_choose_constraint(struct compiler *c, const char *schema, const char *name1,
                                   const char *name2, const char *label) {
  const char *numbered = label;
  for (int pass = 1;; pass++) {
    const char *name = name_make(c, name1, name2, numbered);
    if (!constraint_name_is_used(c, schema, name)) return name;
    numbered = compiler_format(c, "%s%d", label, pass);
  }
}

/* ---- look-ups */

/* schema NULL: the schema that SET search_path named, else public. */
static bool schema_is(struct compiler *c, const char *schema, const char *found) {
  if (schema != NULL) return strcmp(schema, found) == 0;
  return strcmp(found, ddl_of(c)->default_schema) == 0 || strcmp(found, "public") == 0;
}

struct relation_def *find_relation(struct compiler *c, const char *schema, const char *name) {
  for (int i = 0; i < c->model->relation_count; i++) {
    struct relation_def *relation = c->model->relations[i];
    if (strcmp(relation->name, name) == 0 && schema_is(c, schema, relation->schema))
      return relation;
  }
  return NULL;
}

struct column_def *find_column(const struct relation_def *relation, const char *name) {
  for (int i = 0; i < relation->column_count; i++) {
    struct column_def *column = &relation->columns[i];
    if (!column->dropped && strcmp(column->name, name) == 0) return column;
  }
  return NULL;
}

struct constraint_def *find_constraint(const struct relation_def *relation, const char *name) {
  for (int i = 0; i < relation->constraint_count; i++) {
    if (strcmp(relation->constraints[i].name, name) == 0) return &relation->constraints[i];
  }
  return NULL;
}

struct enum_def *find_enum(struct compiler *c, const char *schema, const char *name) {
  for (int i = 0; i < c->model->enum_count; i++) {
    struct enum_def *found = c->model->enums[i];
    if (strcmp(found->name, name) == 0 && schema_is(c, schema, found->schema)) return found;
  }
  return NULL;
}

struct domain_def *find_domain(struct compiler *c, const char *schema, const char *name) {
  for (int i = 0; i < c->model->domain_count; i++) {
    struct domain_def *found = c->model->domains[i];
    if (strcmp(found->name, name) == 0 && schema_is(c, schema, found->schema)) return found;
  }
  return NULL;
}

struct sequence_def *find_sequence(struct compiler *c, const char *schema, const char *name) {
  for (int i = 0; i < c->model->sequence_count; i++) {
    struct sequence_def *found = c->model->sequences[i];
    if (strcmp(found->name, name) == 0 && schema_is(c, schema, found->schema)) return found;
  }
  return NULL;
}

struct index_def *find_index(struct compiler *c, const char *schema, const char *name) {
  for (int i = 0; i < c->model->index_count; i++) {
    struct index_def *found = c->model->indexes[i];
    if (strcmp(found->name, name) == 0 && schema_is(c, schema, found->schema)) return found;
  }
  return NULL;
}

struct function_def *find_function(struct compiler *c, const char *schema, const char *name,
                                   int argument_count) {
  for (int i = 0; i < c->model->function_count; i++) {
    struct function_def *found = c->model->functions[i];
    if (strcmp(found->name, name) == 0 && schema_is(c, schema, found->schema) &&
        (argument_count < 0 || found->argument_count == argument_count)) {
      return found;
    }
  }
  return NULL;
}

bool schema_exists(struct compiler *c, const char *schema) {
  struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->schema_count; i++) {
    if (strcmp(ddl->schemas[i], schema) == 0) return true;
  }
  for (int i = 0; i < ddl->do_schema_count; i++) {
    if (strcmp(ddl->do_schemas[i], schema) == 0) return true;
  }
  return strcmp(schema, "public") == 0;
}

bool names_of_range(struct compiler *c, const PgQuery__RangeVar *range, const char **schema,
                    const char **name) {
  *schema = range->schemaname != NULL && range->schemaname[0] != '\0' ? range->schemaname
                                                                      : ddl_of(c)->default_schema;
  *name = range->relname;
  if (range->catalogname != NULL && range->catalogname[0] != '\0') {
    return note_error(c, range->location, "0A000", NULL,
                      "cross-database references are not implemented: \"%s.%s.%s\"",
                      range->catalogname, *schema, *name);
  }
  if (!schema_exists(c, *schema)) {
    return note_error(c, range->location, "3F000", "CREATE SCHEMA must come before it",
                      "schema \"%s\" does not exist", *schema);
  }
  return true;
}

bool names_of_list(struct compiler *c, size_t count, PgQuery__Node *const *nodes,
                   const char **schema, const char **name) {
  *schema = ddl_of(c)->default_schema;
  *name = count > 0 ? node_string(nodes[count - 1]) : NULL;
  if (count > 1) *schema = node_string(nodes[count - 2]);
  if (*schema == NULL || *name == NULL || count > 2)
    return note_error(c, -1, "42601", NULL, "improper qualified name");
  return true;
}

bool names_of_text(struct compiler *c, const char *text, const char **schema, const char **name) {
  const char *parts[3] = {NULL};
  int count = 0;
  while (count < 3) {
    sqlite3_str *part = sqlite3_str_new(NULL);
    if (*text == '"') {
      for (text++; *text != '\0' && (*text != '"' || text[1] == '"'); text++) {
        sqlite3_str_appendchar(part, 1, *text);
        if (*text == '"') text++;
      }
      if (*text == '"') text++;
    } else {
      for (; *text != '\0' && *text != '.'; text++) {
        sqlite3_str_appendchar(part, 1, *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text);
      }
    }
    parts[count++] = compiler_take(c, part);
    if (*text != '.') break;
    text++;
  }
  *schema = count == 2 ? parts[0] : NULL;
  *name = parts[count - 1];
  return count <= 2 && *text == '\0';
}

struct relation_def *relation_of_range(struct compiler *c, const PgQuery__RangeVar *range,
                                       bool missing_ok) {
  const char *schema =
      range->schemaname != NULL && range->schemaname[0] != '\0' ? range->schemaname : NULL;
  struct relation_def *relation = find_relation(c, schema, range->relname);
  if (relation == NULL && !missing_ok) outside_missing(c, schema, range->relname, range->location);
  return relation;
}

/* ---- entries */

struct compiler_run {
  struct ddl *ddl;
  const char *select; /* schema_query() only */
  struct schema_query *query;
  int rc;
};

/* In order of place; notes of one place keep the order in which they were found. */
static void compiler_sort_notes(struct schema_result *result) {
  for (int i = 1; i < result->note_count; i++) {
    struct schema_note moved = result->notes[i];
    int at = i;
    for (; at > 0; at--) {
      const struct schema_note *before = &result->notes[at - 1];
      if (before->file != moved.file   ? before->file < moved.file
          : before->line != moved.line ? before->line < moved.line
                                       : before->column <= moved.column) {
        break;
      }
      result->notes[at] = *before;
    }
    result->notes[at] = moved;
  }
}

static void compiler_hash_files(struct compiler *c) {
  struct ddl *ddl = ddl_of(c);
  crypto_hash_sha256_state state;
  unsigned char hash[crypto_hash_sha256_BYTES];
  char *hex = compiler_alloc(c, 2 * sizeof hash + 1);
  crypto_hash_sha256_init(&state);
  for (int i = 0; i < ddl->file_count; i++) {
    const struct schema_file *file = &ddl->files[i];
    *APPEND(c, ddl->sha256, ddl->sha256_count) = sha256_hex(c, file->text, file->length);
    crypto_hash_sha256_update(&state, (const unsigned char *)file->text, file->length);
  }
  crypto_hash_sha256_final(&state, hash);
  sodium_bin2hex(hex, 2 * sizeof hash + 1, hash, sizeof hash);
  ddl->schema_sha256 = hex;
}

static void compiler_run_files(struct compiler *c) {
  struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->file_count; i++) {
    c->file = &ddl->files[i];
    c->file_index = i;
    parse_file(c);
  }
  finish_domains(c);
  finish_tables(c);
  finish_indexes(c);
  finish_views(c);
  finish_triggers(c);
  finish_policies(c);
  finish_encrypted(c);
  finish_grants(c);
  finish_seeds(c);
  compiler_sort_notes(c->result);
  if (c->result->error_count > 0) return;
  compiler_hash_files(c);
  emit_postgres(c);
  c->result->postgres = emit_postgres_script(c);
  c->result->script = emit_sqlite(c);
  c->result->json = emit_json(c);
}

static void *compiler_thread(void *argument) {
  struct compiler_run *run = argument;
  struct compiler *c = &run->ddl->compiler;
  struct compiler_arena *arena = c->arena;
  jmp_buf escape;
  arena->escape = &escape;
  if (setjmp(escape) != 0) {
    run->rc = 2;
    return NULL;
  }
  compiler_run_files(c);
  run->rc = c->result->error_count > 0;
  return NULL;
}

static bool compiler_on_large_stack(void *(*work)(void *), void *argument) {
  pthread_attr_t attributes;
  pthread_t thread;
  if (pthread_attr_init(&attributes) != 0) return false;
  bool started = pthread_attr_setstacksize(&attributes, COMPILER_STACK_BYTES) == 0 &&
                 pthread_create(&thread, &attributes, work, argument) == 0;
  pthread_attr_destroy(&attributes);
  if (started) pthread_join(thread, NULL);
  return started;
}

static void compiler_start(struct compiler *c, struct compiler_arena *arena, struct ddl *ddl) {
  c->arena = arena;
  c->file = NULL;
  c->result = &ddl->result;
  c->options = &ddl->options;
  c->model = &ddl->model;
  ddl->default_schema = "public";
  ddl->result.model = &ddl->model;
}

int schema_compile(const struct schema_file *files, int file_count,
                   const struct schema_options *options, struct schema_result **out) {
  *out = NULL;
  struct compiler_arena *arena = calloc(1, sizeof *arena);
  struct ddl *ddl = calloc(1, sizeof *ddl);
  if (arena == NULL || ddl == NULL || sodium_init() < 0) {
    free(arena);
    free(ddl);
    return 2;
  }
  compiler_start(&ddl->compiler, arena, ddl);
  ddl->files = files;
  ddl->file_count = file_count;
  ddl->options = *options;
  struct compiler_run run = {.ddl = ddl};
  if (!compiler_on_large_stack(compiler_thread, &run) || run.rc == 2) {
    schema_free(&ddl->result);
    return 2;
  }
  ddl->files = NULL; /* the caller's; notes have taken what they need */
  *out = &ddl->result;
  return run.rc;
}

static struct ddl *ddl_of_result(const struct schema_result *result) {
  return (struct ddl *)(void *)((char *)(uintptr_t)result - offsetof(struct ddl, result));
}

static void compiler_arena_free(struct compiler_arena *arena) {
  while (arena->blocks != NULL) {
    struct compiler_block *next = arena->blocks->next;
    free(arena->blocks);
    arena->blocks = next;
  }
  free(arena);
}

void schema_free(struct schema_result *result) {
  if (result == NULL) return;
  struct ddl *ddl = ddl_of_result(result);
  compiler_arena_free(ddl->compiler.arena);
  free(ddl);
}

/* ---- one SELECT */

static void query_keep(struct compiler *c, struct schema_query *out,
                       const struct query *translated) {
  out->column_count = translated->column_count;
  out->sql = sqlite3_mprintf("%s", translated->sql);
  out->names = calloc((size_t)translated->column_count + 1, sizeof *out->names);
  out->types = calloc((size_t)translated->column_count + 1, sizeof *out->types);
  if (out->sql == NULL || out->names == NULL || out->types == NULL) compiler_out_of_memory(c);
  for (int i = 0; i < translated->column_count; i++) {
    out->names[i] =
        sqlite3_mprintf("%s", translated->names[i] != NULL ? translated->names[i] : "?column?");
    out->types[i] = sqlite3_mprintf("%s", sqltype_format(c, &translated->types[i]));
    if (out->names[i] == NULL || out->types[i] == NULL) compiler_out_of_memory(c);
  }
}

static void *compiler_query_thread(void *argument) {
  struct compiler_run *run = argument;
  struct compiler *c = &run->ddl->compiler;
  struct compiler_arena *arena = c->arena;
  struct query translated = {0};
  jmp_buf escape;
  arena->escape = &escape;
  if (setjmp(escape) != 0) {
    run->rc = 2;
    return NULL;
  }
  c->quiet = true;
  c->trial.location = -1;
  PgQuery__ParseResult *parsed = parse_text(c, run->select);
  if (parsed != NULL && (parsed->n_stmts != 1 ||
                         parsed->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)) {
    note_error(c, 0, "0A000", NULL, "one SELECT is expected");
    parsed = NULL;
  }
  if (parsed != NULL &&
      query_translate(c, parsed->stmts[0]->stmt->select_stmt, NULL, false, &translated)) {
    query_keep(c, run->query, &translated);
  } else {
    if (c->trial.sqlstate[0] == '\0')
      note_error(c, -1, "0A000", NULL, "this SELECT is not supported");
    memcpy(run->query->sqlstate, c->trial.sqlstate, sizeof run->query->sqlstate);
    memcpy(run->query->message, c->trial.message, sizeof run->query->message);
    run->query->position = c->trial.location;
    run->rc = 1;
  }
  return NULL;
}

int schema_query(const struct schema_result *schema, const char *select, struct schema_query *out) {
  memset(out, 0, sizeof *out);
  out->position = -1;
  struct compiler_arena *arena = calloc(1, sizeof *arena);
  struct ddl *ddl = malloc(sizeof *ddl);
  struct compiler_run run = {.ddl = ddl, .select = select, .query = out, .rc = 2};
  if (arena != NULL && ddl != NULL) {
    /* A compiler of its own over the same model: what the query needs is freed with it. */
    *ddl = *ddl_of_result(schema);
    compiler_start(&ddl->compiler, arena, ddl);
    ddl->result.note_count = 0;
    ddl->result.notes = NULL;
    run.rc = 0;
    if (!compiler_on_large_stack(compiler_query_thread, &run)) run.rc = 2;
  }
  if (run.rc == 2) {
    schema_query_free(out);
    memcpy(out->sqlstate, "53200", 6);
    sqlite3_snprintf((int)sizeof out->message, out->message, "out of memory");
  }
  if (arena != NULL) compiler_arena_free(arena);
  free(ddl);
  return run.rc;
}

void schema_query_free(struct schema_query *query) {
  sqlite3_free(query->sql);
  for (int i = 0; i < query->column_count; i++) {
    if (query->names != NULL) sqlite3_free(query->names[i]);
    if (query->types != NULL) sqlite3_free(query->types[i]);
  }
  free(query->names);
  free(query->types);
  memset(query, 0, sizeof *query);
}
