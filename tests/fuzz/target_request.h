/*
** Requests that read: FORM TABLE, a line's end, the query string; over the schema of tests/access/requests.sql, whose tables have rows and
** hang together in every way. Whatever is asked, the answer is whole: JSON of the form that was asked for, or an error with a
** code and a sentence that is not our own fault; the same again when it is asked again; and nothing is written.
*/
#ifndef TARGET_REQUEST_H
#define TARGET_REQUEST_H

static ledger *fuzz_request_file(void) {
  static ledger *db;
  if (db != NULL) return db;
  size_t length;
  char *text = fuzz_read("tests/access/requests.sql", &length);
  struct schema_file file = {"requests.sql", text, length};
  struct schema_options options = {"requests", false};
  struct schema_result *result = NULL;
  schema_compile(&file, 1, &options, &result);
  FUZZ_REQUIRE(ledger_create(":memory:", result->script, 0, &db) == LEDGER_OK, "requests.sql");
  schema_free(result);
  free(text);
  return db;
}

static void fuzz_request_seeds(struct fuzz_seeds *seeds) {
  size_t length;
  char *text = fuzz_read("tests/access/requests.txt", &length), *at = text;
  while (*at != 0) { /* TABLE [FLAGS] ?QUERY, the answer, an empty line */
    size_t line = strcspn(at, "\n");
    char *mark = memchr(at, '?', line);
    if (*at != '#' && line > 0 && mark != NULL) {
      size_t table = strcspn(at, " ");
      char seed[4096];
      int size = snprintf(seed, sizeof seed, "%c%.*s\n%.*s", mark[-2] == 'v' ? 'v' : 'a', (int)table, at,
                          (int)(at + line - mark - 1), mark + 1);
      fuzz_seed_add(seeds, seed, (size_t)size);
    }
    char *end = strstr(at, "\n\n");
    at = line == 0 || *at == '#' || end == NULL ? at + line + (at[line] == '\n') : end + 2;
  }
  free(text);
}

static void fuzz_request_answer(const ledger_query *query, const ledger_answer *answer, int rc) {
  FUZZ_REQUIRE(rc == answer->error.code, "%d is not %d", rc, answer->error.code);
  if (rc != LEDGER_OK) {
    fuzz_require_error(rc, &answer->error);
    FUZZ_REQUIRE(answer->code[0] != 0 && answer->length == 0, "an error without a code, or with rows");
    FUZZ_REQUIRE(answer->details == NULL || fuzz_values_is_json(answer->details, strlen(answer->details)),
                 "details: %s", answer->details);
    return;
  }
  FUZZ_REQUIRE(strlen(answer->text) == answer->length, "%zu bytes", answer->length);
  FUZZ_REQUIRE(text_is_valid_utf8(answer->text, answer->length), "%s", answer->text);
  if (query->form != LEDGER_FORM_CSV)
    FUZZ_REQUIRE(fuzz_values_is_json(answer->text, answer->length), "not JSON: %s", answer->text);
}

static void fuzz_request_run(const char *bytes, size_t size) {
  ledger *db = fuzz_request_file();
  ledger_answer answer = {0}, again = {0};
  if (size == 0) return;
  char *form = malloc(size + 1);
  memcpy(form, bytes, size);
  form[size] = '\0';
  char *text = strchr(form, '\n');
  if (text != NULL) *text++ = '\0';
  ledger_query query = {.table = form + 1, .text = text};
  query.form = *form == 'v' ? LEDGER_FORM_CSV : *form == 'o' ? LEDGER_FORM_OBJECT : LEDGER_FORM_ARRAY;
  query.strips_nulls = *form == 's';
  query.count = (*form & 1) != 0 ? LEDGER_COUNT_EXACT : LEDGER_COUNT_NONE;
  query.rows_max = 100;
  ledger_set_timeout(db, 2000);
  fuzz_request_answer(&query, &answer, ledger_ask(db, &query, &answer));
  fuzz_request_answer(&query, &again, ledger_ask(db, &query, &again));
  if (answer.error.code != LEDGER_INTERRUPTED && again.error.code != LEDGER_INTERRUPTED) {
    FUZZ_REQUIRE(strcmp(answer.text, again.text) == 0 && answer.total == again.total, "%s\n%s", answer.text,
                 again.text);
    FUZZ_REQUIRE(strcmp(answer.error.message, again.error.message) == 0, "%s\n%s", answer.error.message,
                 again.error.message);
  }
  FUZZ_REQUIRE(sqlite3_total_changes64(db->sqlite) == 0 || sqlite3_get_autocommit(db->sqlite), "in a transaction");
  ledger_answer_free(&answer);
  ledger_answer_free(&again);
  free(form);
}

#endif
