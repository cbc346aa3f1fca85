/*
** Targets without a file: the input, output, cast, JSON and comparison functions of every type; the JSON scanner.
*/

/* ---- types: TYPE, a tab, the text */

static void fuzz_values_unescape(const char *in, size_t length, struct fuzz_seeds *seeds) {
  char *out = malloc(length + 1);
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    unsigned code;
    if (in[i] == '\\' && i + 1 < length && strchr("tnr\\", in[i + 1]) != NULL) {
      i++;
      out[used++] = (char)(in[i] == 't' ? '\t' : in[i] == 'n' ? '\n' : in[i] == 'r' ? '\r' : '\\');
    } else if (i + 3 < length && sscanf(in + i, "\\x%2x", &code) == 1) {
      out[used++] = (char)code;
      i += 3;
    } else {
      out[used++] = in[i];
    }
  }
  fuzz_seed_add(seeds, out, used);
  free(out);
}

static void fuzz_values_seeds(struct fuzz_seeds *seeds) {
  static const char *const paths[] = {"tests/types/inputs_documents.txt", "tests/types/inputs_moments.txt",
                                      "tests/types/inputs_numbers.txt", "tests/types/inputs_strings.txt"};
  for (int i = 0; i < 4; i++) {
    size_t length;
    char *text = fuzz_read(paths[i], &length);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
      if (*line != '#' && end - line < 2000) fuzz_values_unescape(line, (size_t)(end - line), seeds);
    free(text);
  }
}

/* The type keeps its place more often than not: most texts of another type are just refused. */
static void fuzz_values_mutate(struct test_random *r, struct fuzz_buffer *buffer, const struct fuzz_seeds *seeds) {
  char *tab = memchr(buffer->bytes, '\t', buffer->length);
  if (tab != NULL && random_chance(r, 85)) {
    static struct fuzz_buffer text;
    size_t type_length = (size_t)(tab + 1 - buffer->bytes);
    text.length = buffer->length - type_length;
    memcpy(text.bytes, tab + 1, text.length);
    fuzz_mutate_bytes(r, &text, seeds);
    if (text.length > FUZZ_INPUT_MAX - type_length) text.length = FUZZ_INPUT_MAX - type_length;
    memcpy(tab + 1, text.bytes, text.length);
    buffer->length = type_length + text.length;
  } else {
    fuzz_mutate_bytes(r, buffer, seeds);
  }
}

static bool fuzz_values_equal(const struct value *a, const struct value *b) {
  if (a->kind != b->kind) return false;
  if (a->kind == VALUE_INTEGER) return a->integer == b->integer;
  if (a->kind == VALUE_REAL) return memcmp(&a->real, &b->real, sizeof a->real) == 0;
  return a->length == b->length && (a->length == 0 || memcmp(a->text, b->text, a->length) == 0);
}

static bool fuzz_values_is_json(const char *text, size_t length) {
  struct json json;
  enum json_token token = JSON_NULL;
  json_start(&json, text, length);
  while (token != JSON_END && token != JSON_ERROR) token = json_next(&json);
  return token == JSON_END;
}

/* What was stored prints, and what is printed is stored as the same. */
static void fuzz_values_round_trip(const struct type *type, const char *name, const struct value *stored) {
  struct arena arena = {0};
  struct value again;
  ledger_error error = {0};
  sqlite3_str *out = sqlite3_str_new(NULL), *second = sqlite3_str_new(NULL), *json = sqlite3_str_new(NULL);
  int rc = type_output(type, stored, out, &error);
  FUZZ_REQUIRE(rc == LEDGER_OK, "%s: output says %s %s", name, error.sqlstate, error.message);
  const char *text = sqlite3_str_length(out) == 0 ? "" : sqlite3_str_value(out);
  size_t length = (size_t)sqlite3_str_length(out);
  FUZZ_REQUIRE(text_is_valid_utf8(text, length), "%s: output is not text", name);
  rc = type_input(type, text, length, &arena, &again, &error);
  FUZZ_REQUIRE(rc == LEDGER_OK, "%s: its own output %s is refused: %s %s", name, text, error.sqlstate, error.message);
  FUZZ_REQUIRE(fuzz_values_equal(stored, &again), "%s: output %s is stored as another value", name, text);
  rc = type_output(type, &again, second, &error);
  FUZZ_REQUIRE(rc == LEDGER_OK && sqlite3_str_length(second) == (int)length &&
                   (length == 0 || memcmp(sqlite3_str_value(second), text, length) == 0),
               "%s: %s prints otherwise the second time", name, text);
  FUZZ_REQUIRE(type_compare(type, stored, &again) == 0, "%s: %s differs from itself", name, text);
  rc = type_json(type, stored, json, &error);
  FUZZ_REQUIRE(rc == LEDGER_OK, "%s: as JSON: %s %s", name, error.sqlstate, error.message);
  if (type->id != TYPE_JSON || type->is_array) { /* json may hold what a scanner of ours reads as well, but verbatim */
    FUZZ_REQUIRE(fuzz_values_is_json(sqlite3_str_value(json), (size_t)sqlite3_str_length(json)), "%s: not JSON: %s", name,
                 sqlite3_str_value(json));
  }
  sqlite3_free(sqlite3_str_finish(out));
  sqlite3_free(sqlite3_str_finish(second));
  sqlite3_free(sqlite3_str_finish(json));
  arena_free(&arena);
}

static void fuzz_values_run(const char *bytes, size_t size) {
  static const enum ledger_kind kinds[] = {LEDGER_NUMBER, LEDGER_TEXT, LEDGER_BYTES, LEDGER_JSON};
  static const char *const labels[] = {"sad", "ok", "happy"};
  static const struct type_labels mood = {"mood", 3, labels};
  const char *tab = memchr(bytes, '\t', size);
  char name[200];
  struct type type;
  struct arena arena = {0};
  struct value stored;
  ledger_error error = {0};
  if (tab == NULL || (size_t)(tab - bytes) >= sizeof name) return;
  memcpy(name, bytes, (size_t)(tab - bytes));
  name[tab - bytes] = '\0';
  if (strncmp(name, "enum", 4) == 0 || strncmp(name, "mood", 4) == 0) {
    type = (struct type){.id = TYPE_ENUM, .length = -1, .is_array = strstr(name, "[]") != NULL, .labels = &mood};
  } else if (type_parse(name, &type, &error) != LEDGER_OK) {
    return;
  }
  size_t length = size - (size_t)(tab + 1 - bytes);
  char *text = malloc(length == 0 ? 1 : length); /* without a NUL behind it */
  if (length > 0) memcpy(text, tab + 1, length);
  int rc = type_input(&type, text, length, &arena, &stored, &error);
  if (rc == LEDGER_OK)
    fuzz_values_round_trip(&type, name, &stored);
  else
    fuzz_require_error(rc, &error);
  rc = type_cast(&type, text, length, &arena, &stored, &error);
  if (rc == LEDGER_OK)
    fuzz_values_round_trip(&type, name, &stored);
  else
    fuzz_require_error(rc, &error);
  for (int i = 0; i < 4; i++) {
    ledger_value given = {.kind = kinds[i], .text = text, .length = length};
    rc = type_assign(&type, &given, &arena, &stored, &error);
    if (rc == LEDGER_OK && stored.kind != VALUE_NULL)
      fuzz_values_round_trip(&type, name, &stored);
    else if (rc != LEDGER_OK)
      fuzz_require_error(rc, &error);
  }
  /* A stored form that a foreign program wrote: an error or a text. */
  struct value foreign = {.kind = VALUE_TEXT, .text = text, .length = length};
  sqlite3_str *out = sqlite3_str_new(NULL);
  rc = type_output(&type, &foreign, out, &error);
  if (rc != LEDGER_OK) fuzz_require_error(rc, &error);
  rc = type_json(&type, &foreign, out, &error);
  if (rc != LEDGER_OK) fuzz_require_error(rc, &error);
  sqlite3_free(sqlite3_str_finish(out));
  arena_free(&arena);
  free(text);
}

/* ---- the JSON scanner */

static void fuzz_json_seeds(struct fuzz_seeds *seeds) {
  fuzz_seed_text(seeds, "{\"a\": [1, -2.5e+10, true, false, null, \"x\\n\\u00e9\\ud83d\\ude00\"], "
                        "\"b\": {}, \"\": []}");
  fuzz_seed_text(seeds, "[[[[[[[[]]]]]]]]");
  fuzz_seed_text(seeds, " \"\\\"\\\\\\/\\b\\f\\n\\r\\t\" ");
  fuzz_seed_text(seeds, "{\"table\":\"users\",\"op\":\"insert\",\"row\":{\"id\":1,\"tags\":[\"a\",null]}}");
}

static void fuzz_json_run(const char *bytes, size_t size) {
  struct json json;
  struct arena arena = {0};
  ledger_error error = {0};
  if (!text_is_valid_utf8(bytes, size)) return;
  char *text = malloc(size == 0 ? 1 : size);
  if (size > 0) memcpy(text, bytes, size);
  json_start(&json, text, size);
  size_t steps = 0;
  for (enum json_token token = json_next(&json); token != JSON_END; token = json_next(&json)) {
    if (token == JSON_ERROR) {
      FUZZ_REQUIRE(json_error(&json, &error) == error.code, "json_error");
      fuzz_require_error(error.code, &error);
      break;
    }
    FUZZ_REQUIRE(++steps <= size, "more tokens than bytes");
    FUZZ_REQUIRE(json.position <= size && json.token_start <= size && json.depth <= LEDGER_JSON_DEPTH_MAX, "out of bounds");
    if (token == JSON_STRING || token == JSON_KEY) {
      const char *decoded;
      size_t length;
      int rc = json_decode(&arena, &json, &decoded, &length, &error);
      if (rc != LEDGER_OK)
        fuzz_require_error(rc, &error);
      else
        FUZZ_REQUIRE(text_is_valid_utf8(decoded, length), "decoded to no text");
      FUZZ_REQUIRE(json_compare(&json, &json) == 0, "a string differs from itself");
    }
    if ((token == JSON_OBJECT || token == JSON_ARRAY) && steps % 3 == 0) {
      size_t length;
      struct json ahead = json;
      if (json_skip(&ahead, &length)) FUZZ_REQUIRE(length <= size, "skipped %zu of %zu bytes", length, size);
    }
  }
  arena_free(&arena);
  free(text);
}
