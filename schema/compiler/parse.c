/*
** parse: a schema file into statements, and each statement through PostgreSQL's parser. Knows what psql knows of a
** script: where a statement ends, backslash lines, the data behind COPY ... FROM stdin.
*/
#include "ddl.h"

#include <stdlib.h>

/* SQLite refuses expressions nested deeper than 1000, and a level here may become two there. The parser takes seconds for
** the tens of thousands that fit a statement: operators without a comma between them are counted before. */
#define PARSE_DEPTH_MAX 400
#define PARSE_OPERATORS_MAX 2000

/* ---- trees in the arena */

static void *parse_allocate(void *c, size_t bytes) {
  return compiler_alloc(c, bytes);
}
static void parse_release(void *c, void *memory) {
  (void)c;
  (void)memory;
}

/* The parser counts characters, everything else here counts bytes. */
static int parse_offset(const char *text, int character) {
  int offset = 0;
  for (; character > 1 && text[offset] != '\0'; character--) {
    do offset++;
    while (((unsigned char)text[offset] & 0xC0) == 0x80);
  }
  return offset;
}

static const char *parse_hint(const char *text, const char *message) {
  bool is_index = false;
  for (const char *p = text; *p != '\0' && !is_index; p++)
    is_index = sqlite3_strnicmp(p, "index", 5) == 0;
  if (is_index && sqlite3_strnicmp(text, "create table", 12) == 0) {
    return "INDEX inside CREATE TABLE is not PostgreSQL's: write CREATE INDEX after the table";
  }
  if (strstr(message, "\"AUTO_INCREMENT\"") != NULL || strstr(message, "\"`\"") != NULL)
    return "this is MySQL's dialect";
  return NULL;
}

/* The syntax error's words as the server gives them, at its character. */
static void parse_note_error(struct compiler *c, const char *text, const PgQueryError *error,
                             int location) {
  bool is_syntax = strncmp(error->message, "stack depth", 11) != 0;
  note_error(c, location >= 0 ? location : parse_offset(text, error->cursorpos),
             is_syntax ? "42601" : "54001", parse_hint(text, error->message), "%s", error->message);
}

/* Faults are noted at `location`, or where they are in the text when that is negative. */
PgQuery__ParseResult *parse_text_at(struct compiler *c, const char *text, int location) {
  ProtobufCAllocator allocator = {parse_allocate, parse_release, c};
  PgQueryProtobufParseResult parsed = pg_query_parse_protobuf(text);
  if (parsed.error != NULL) {
    parse_note_error(c, text, parsed.error, location);
    pg_query_free_protobuf_parse_result(parsed);
    return NULL;
  }
  PgQuery__ParseResult *tree = pg_query__parse_result__unpack(
      &allocator, parsed.parse_tree.len, (const uint8_t *)parsed.parse_tree.data);
  pg_query_free_protobuf_parse_result(parsed);
  if (tree == NULL) {
    note_error(c, location, "XX000", NULL, "the parser's tree could not be read");
    return NULL;
  }
  if (tree_depth(&tree->base) > PARSE_DEPTH_MAX) {
    note_error(c, location >= 0 ? location : 0, "54001", "split the expression",
               "the statement is nested deeper than %d levels", PARSE_DEPTH_MAX);
    return NULL;
  }
  return tree;
}

PgQuery__ParseResult *parse_text(struct compiler *c, const char *text) {
  if (strlen(text) > LEDGER_STATEMENT_MAX) {
    note_error(c, 0, "54001", "split it", "the statement is longer than %d bytes",
               LEDGER_STATEMENT_MAX);
    return NULL;
  }
  return parse_text_at(c, text, -1);
}

PgQuery__Node *parse_expression(struct compiler *c, const char *text, int location) {
  PgQuery__ParseResult *tree = parse_text_at(c, compiler_format(c, "SELECT %s", text), location);
  if (tree == NULL) return NULL;
  if (tree->n_stmts != 1 || tree->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT ||
      tree->stmts[0]->stmt->select_stmt->n_target_list != 1) {
    note_error(c, location, "0A000", NULL, "one expression is expected, not \"%s\"", text);
    return NULL;
  }
  return tree->stmts[0]->stmt->select_stmt->target_list[0]->res_target->val;
}

/* ---- trees back to text */

static PgQuery__Node *parse_wrap_expression(struct compiler *c, const PgQuery__Node *node) {
  PgQuery__Node *target_node = compiler_alloc(c, sizeof *target_node),
                *statement = compiler_alloc(c, sizeof *statement);
  PgQuery__ResTarget *target = compiler_alloc(c, sizeof *target);
  PgQuery__SelectStmt *select = compiler_alloc(c, sizeof *select);
  PgQuery__Node **list = compiler_alloc(c, sizeof *list);
  pg_query__node__init(target_node);
  pg_query__node__init(statement);
  pg_query__res_target__init(target);
  pg_query__select_stmt__init(select);
  target->val = (PgQuery__Node *)(uintptr_t)node;
  target_node->node_case = PG_QUERY__NODE__NODE_RES_TARGET;
  target_node->res_target = target;
  list[0] = target_node;
  select->n_target_list = 1;
  select->target_list = list;
  select->limit_option = PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_DEFAULT;
  select->op = PG_QUERY__SET_OPERATION__SETOP_NONE;
  statement->node_case = PG_QUERY__NODE__NODE_SELECT_STMT;
  statement->select_stmt = select;
  return statement;
}

const char *deparse_statement(struct compiler *c, const PgQuery__Node *statement) {
  PgQuery__RawStmt raw = PG_QUERY__RAW_STMT__INIT;
  PgQuery__RawStmt *raws[] = {&raw};
  PgQuery__ParseResult tree = PG_QUERY__PARSE_RESULT__INIT;
  raw.stmt = (PgQuery__Node *)(uintptr_t)statement;
  tree.version = PG_VERSION_NUM;
  tree.n_stmts = 1;
  tree.stmts = raws;
  size_t length = pg_query__parse_result__get_packed_size(&tree);
  uint8_t *packed = compiler_alloc(c, length + 1);
  pg_query__parse_result__pack(&tree, packed);
  PgQueryDeparseResult text = pg_query_deparse_protobuf((PgQueryProtobuf){length, (char *)packed});
  char *kept = text.error == NULL ? sqlite3_mprintf("%s", text.query) : NULL;
  bool failed = text.error != NULL;
  pg_query_free_deparse_result(text);
  if (!failed && kept == NULL) compiler_out_of_memory(c);
  const char *copy = kept != NULL ? compiler_copy(c, kept) : NULL;
  sqlite3_free(kept);
  /* The deparser has faults of its own: its text counts only when it means the same tree. */
  if (copy != NULL) {
    bool was_quiet = c->quiet;
    char trial[sizeof c->trial.sqlstate];
    memcpy(trial, c->trial.sqlstate, sizeof trial);
    c->quiet = true;
    PgQuery__ParseResult *again = parse_text_at(c, copy, -1);
    c->quiet = was_quiet;
    memcpy(c->trial.sqlstate, trial, sizeof trial);
    if (again == NULL || again->n_stmts != 1 ||
        !tree_equal(&statement->base, &again->stmts[0]->stmt->base))
      copy = NULL;
  }
  if (copy == NULL) {
    note_error(c, -1, "0A000", "write it in another form",
               "the statement has a form that cannot be written out again for PostgreSQL");
  }
  return copy;
}

const char *deparse_expression(struct compiler *c, const PgQuery__Node *node) {
  const char *text = deparse_statement(c, parse_wrap_expression(c, node));
  return text != NULL && strncmp(text, "SELECT ", 7) == 0 ? text + 7 : text;
}

/* ---- statements of a file */

struct parse_scan {
  const char *text;
  size_t length, at;
  bool is_word_begin; /* the last word was BEGIN: ATOMIC may follow */
  int atomic;         /* depth of BEGIN ATOMIC ... END and the CASE ... END within */
  int operators;      /* since the last comma */
  bool problem;       /* a name is too long, or a quote or comment has no end; noted */
};

static bool parse_is_word(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '_' || byte == '$' ||
         ((unsigned char)byte & 0x80) != 0;
}

static bool parse_looking_at(const struct parse_scan *scan, const char *word) {
  size_t length = strlen(word);
  return scan->length - scan->at >= length &&
         sqlite3_strnicmp(scan->text + scan->at, word, (int)length) == 0;
}

/* White space and comments. */
static void parse_skip_blank(struct parse_scan *scan) {
  while (scan->at < scan->length) {
    char byte = scan->text[scan->at];
    if (byte == ' ' || (byte >= '\t' && byte <= '\r')) {
      scan->at++;
    } else if (parse_looking_at(scan, "--")) {
      while (scan->at < scan->length && scan->text[scan->at] != '\n') scan->at++;
    } else if (parse_looking_at(scan, "/*")) {
      int depth = 0;
      do {
        if (parse_looking_at(scan, "/*"))
          depth++, scan->at += 2;
        else if (parse_looking_at(scan, "*/"))
          depth--, scan->at += 2;
        else
          scan->at++;
      } while (depth > 0 && scan->at < scan->length);
    } else {
      return;
    }
  }
}

/* Behind the closing quote; a doubled quote, or a backslash in E'', goes on. */
static void parse_skip_quoted(struct parse_scan *scan, char quote, bool has_escapes) {
  size_t start = scan->at++;
  while (scan->at < scan->length) {
    char byte = scan->text[scan->at++];
    if (has_escapes && byte == '\\') {
      if (scan->at < scan->length) scan->at++;
    } else if (byte == quote) {
      if (scan->at >= scan->length || scan->text[scan->at] != quote) {
        if (quote == '"' && scan->at - start - 2 > LEDGER_NAME_MAX) scan->problem = true;
        return;
      }
      scan->at++;
    }
  }
}

/* $tag$ ... $tag$; false when the dollar opens no quote. */
static bool parse_skip_dollar(struct parse_scan *scan) {
  size_t tag = scan->at + 1;
  while (tag < scan->length && scan->text[tag] != '$' && parse_is_word(scan->text[tag])) tag++;
  if (tag >= scan->length || scan->text[tag] != '$' ||
      (scan->text[scan->at + 1] >= '0' && scan->text[scan->at + 1] <= '9')) {
    return false;
  }
  size_t tag_length = tag + 1 - scan->at;
  for (size_t end = tag + 1; end + tag_length <= scan->length; end++) {
    if (scan->text[end] == '$' &&
        memcmp(scan->text + end, scan->text + scan->at, tag_length) == 0) {
      scan->at = end + tag_length;
      return true;
    }
  }
  scan->at = scan->length;
  return true;
}

static void parse_scan_word(struct parse_scan *scan) {
  size_t start = scan->at;
  while (scan->at < scan->length && parse_is_word(scan->text[scan->at])) scan->at++;
  size_t length = scan->at - start;
  const char *word = scan->text + start;
  bool was_begin = scan->is_word_begin;
  scan->is_word_begin = length == 5 && sqlite3_strnicmp(word, "begin", 5) == 0;
  if (was_begin && length == 6 && sqlite3_strnicmp(word, "atomic", 6) == 0)
    scan->atomic++;
  else if (scan->atomic > 0 && length == 4 && sqlite3_strnicmp(word, "case", 4) == 0)
    scan->atomic++;
  else if (scan->atomic > 0 && length == 3 && sqlite3_strnicmp(word, "end", 3) == 0)
    scan->atomic--;
  if (length > LEDGER_NAME_MAX && (word[0] < '0' || word[0] > '9')) scan->problem = true;
}

/* To the semicolon that ends the statement, or to the end of the text. The parser shortens a name that is too long, as
** PostgreSQL does with a notice; where two names become one by that, the second is refused as any other. */
static void parse_scan_statement(struct compiler *c, struct parse_scan *scan) {
  int depth = 0;
  scan->is_word_begin = false;
  scan->atomic = scan->operators = 0;
  int most_operators = 0;
  while (scan->at < scan->length) {
    size_t start = scan->at;
    char byte = scan->text[scan->at];
    scan->problem = false;
    if (byte == ';' && depth <= 0 && scan->atomic == 0) break;
    if (scan->operators > most_operators) most_operators = scan->operators;
    if ((byte == 'e' || byte == 'E') && scan->at + 1 < scan->length &&
        scan->text[scan->at + 1] == '\'') {
      scan->at++;
      parse_skip_quoted(scan, '\'', true);
    } else if (parse_looking_at(scan, "--") || parse_looking_at(scan, "/*")) {
      parse_skip_blank(scan);
    } else if (byte == '\'' || byte == '"') {
      parse_skip_quoted(scan, byte, false);
    } else if (byte == '$' && parse_skip_dollar(scan)) {
      continue;
    } else if (parse_is_word(byte)) {
      parse_scan_word(scan);
    } else {
      depth += (byte == '(') - (byte == ')');
      if (byte == ',')
        scan->operators = 0;
      else if (strchr("+-*/<>=~|&#%^!:", byte) != NULL)
        scan->operators++;
      scan->at++;
    }
    if (scan->problem) {
      int location = (int)(start - (size_t)c->statement_start);
      note(c, SCHEMA_HINT, location, "shorten it",
           "the name \"%s\" is cut to %d bytes, as PostgreSQL does",
           compiler_format(c, "%.*s", (int)(scan->at - start), scan->text + start),
           LEDGER_NAME_MAX);
    }
  }
  if (most_operators > PARSE_OPERATORS_MAX &&
      scan->at - (size_t)c->statement_start <= LEDGER_STATEMENT_MAX) {
    note_error(c, 0, "54001", "split the expression",
               "the statement has an expression of more than %d operators", PARSE_OPERATORS_MAX);
  }
}

static void parse_skip_line(struct parse_scan *scan) {
  while (scan->at < scan->length && scan->text[scan->at] != '\n') scan->at++;
  if (scan->at < scan->length) scan->at++;
}

/* \connect, \restrict and the like that pg_dump and people write for psql. */
static void parse_psql_line(struct compiler *c, struct parse_scan *scan) {
  size_t start = scan->at;
  while (scan->at < scan->length && scan->text[scan->at] != '\n' && scan->text[scan->at] != '\r' &&
         scan->text[scan->at] != ' ') {
    scan->at++;
  }
  const char *command = compiler_format(c, "%.*s", (int)(scan->at - start), scan->text + start);
  parse_skip_line(scan);
  if (strcmp(command, "\\i") == 0 || strcmp(command, "\\ir") == 0 ||
      strcmp(command, "\\include") == 0 || strcmp(command, "\\include_relative") == 0) {
    note_error(c, 0, "0A000", "give the included files to ledger themselves, in order",
               "%s includes another file, which is not read", command);
  } else if (strcmp(command, "\\if") == 0 || strcmp(command, "\\gexec") == 0 ||
             strcmp(command, "\\else") == 0) {
    note_error(c, 0, "0A000", NULL, "%s is a command of psql that is not followed here", command);
  } else {
    note(c, SCHEMA_SKIPPED, 0, NULL, "%s is a command of psql and means nothing here", command);
  }
}

/* The rows between COPY ... FROM stdin and the line \. */
static void parse_copy_data(struct compiler *c, struct parse_scan *scan, const char *statement) {
  int64_t rows = 0;
  parse_skip_line(scan);
  while (scan->at < scan->length) {
    bool is_end = parse_looking_at(scan, "\\.") &&
                  (scan->at + 2 == scan->length || scan->text[scan->at + 2] == '\n' ||
                   scan->text[scan->at + 2] == '\r');
    parse_skip_line(scan);
    if (is_end) break;
    rows++;
  }
  PgQuery__ParseResult *tree = parse_text(c, statement);
  if (tree == NULL || tree->n_stmts != 1 ||
      tree->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_COPY_STMT)
    return;
  const PgQuery__RangeVar *range = tree->stmts[0]->stmt->copy_stmt->relation;
  note(c, SCHEMA_SKIPPED, 0, "ledger import reads the rows of a dump into a file",
       "COPY %s: %lld rows are left out, a schema has no rows but those of INSERT",
       range != NULL ? range->relname : "", (long long)rows);
}

static bool parse_is_copy_in(const char *statement) {
  if (sqlite3_strnicmp(statement, "copy", 4) != 0) return false;
  for (const char *p = statement; *p != '\0'; p++) {
    if (sqlite3_strnicmp(p, "stdin", 5) == 0) return true;
  }
  return false;
}

static void parse_one(struct compiler *c, struct parse_scan *scan) {
  struct ddl *ddl = ddl_of(c);
  int errors = c->result->error_count;
  c->statement_start = (int)scan->at;
  if (scan->text[scan->at] == '\\') {
    parse_psql_line(c, scan);
    return;
  }
  parse_scan_statement(c, scan);
  size_t length = scan->at - (size_t)c->statement_start;
  if (scan->at < scan->length) scan->at++; /* the semicolon */
  if (length == 0 || c->result->error_count > errors) return;
  if (length > LEDGER_STATEMENT_MAX) {
    note_error(c, 0, "54001", "split it", "the statement has %d bytes; the limit is %d",
               (int)length, LEDGER_STATEMENT_MAX);
    return;
  }
  char *statement = compiler_alloc(c, length + 1);
  memcpy(statement, scan->text + c->statement_start, length);
  if (parse_is_copy_in(statement)) {
    parse_copy_data(c, scan, statement);
    return;
  }
  PgQuery__ParseResult *tree = parse_text(c, statement);
  ddl->statement = statement;
  ddl->statement_length = (int)length;
  for (size_t i = 0; tree != NULL && i < tree->n_stmts; i++) ddl_statement(c, tree->stmts[i]->stmt);
}

/* The first byte that no text has: NUL or a fault in the UTF-8; -1 when it is sound. */
static int parse_find_binary(const char *text, size_t length) {
  for (size_t i = 0; i < length;) {
    unsigned char byte = (unsigned char)text[i];
    size_t more = byte < 0x80   ? 0
                  : byte < 0xC2 ? 4
                  : byte < 0xE0 ? 1
                  : byte < 0xF0 ? 2
                  : byte < 0xF5 ? 3
                                : 4;
    if (byte == 0 || more == 4 || length - i <= more) return (int)i;
    for (size_t k = 1; k <= more; k++) {
      if (((unsigned char)text[i + k] & 0xC0) != 0x80) return (int)i;
    }
    if (more > 1) {
      unsigned char next = (unsigned char)text[i + 1];
      if ((byte == 0xE0 && next < 0xA0) || (byte == 0xED && next > 0x9F) ||
          (byte == 0xF0 && next < 0x90) || (byte == 0xF4 && next > 0x8F)) {
        return (int)i;
      }
    }
    i += more + 1;
  }
  return -1;
}

bool parse_file(struct compiler *c) {
  struct parse_scan scan = {.text = c->file->text, .length = c->file->length};
  int errors = c->result->error_count;
  c->statement_start = 0;
  if (scan.length > LEDGER_TEXT_MAX)
    return note_error(c, 0, "54000", NULL, "the file is larger than %d bytes", LEDGER_TEXT_MAX);
  if (scan.length >= 3 && memcmp(scan.text, "\xEF\xBB\xBF", 3) == 0) scan.at = 3;
  int binary = parse_find_binary(scan.text, scan.length);
  if (binary >= 0) {
    return note_error(c, binary, "22021", "save it as UTF-8",
                      "the file is not text: the byte 0x%02x does not belong in UTF-8 text",
                      (unsigned char)scan.text[binary]);
  }
  parse_skip_blank(&scan);
  if (scan.at >= scan.length) return note_error(c, 0, "42601", NULL, "the file has no statement");
  while (scan.at < scan.length) {
    parse_one(c, &scan);
    parse_skip_blank(&scan);
  }
  return c->result->error_count == errors;
}
