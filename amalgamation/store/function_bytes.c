/*
** function_bytes.c: SQL functions over bytea: pieces, encodings, digests.
*/
#include "../internal.h"
#include "function.h"

static int bytes_cat(struct function_call *call) {
  for (int i = 0; i < call->count; i++) {
    sqlite3_str_append(call->out, call->arguments[i].text, (int)call->arguments[i].length);
  }
  return LEDGER_OK;
}

static void bytes_byteacat(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "bbb", bytes_cat);
}

static int bytes_length(struct function_call *call) {
  call->integer = (int64_t)call->arguments[0].length;
  return LEDGER_OK;
}

static void bytes_byteaoctetlen(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "ib", bytes_length);
}

/* substr(bytes, from, length): positions count from 1 and may lie outside. */
static int bytes_substr_body(struct function_call *call) {
  int64_t size = (int64_t)call->arguments[0].length;
  int64_t from = call->arguments[1].integer;
  int64_t end = size + 1;
  if (call->count == 3) {
    if (call->arguments[2].integer < 0) {
      return error_set(&call->error, LEDGER_SUBSTRING, "negative substring length not allowed");
    }
    end = from + call->arguments[2].integer;
  }
  if (from < 1) from = 1;
  if (end > size + 1) end = size + 1;
  if (from < end)
    sqlite3_str_append(call->out, call->arguments[0].text + from - 1, (int)(end - from));
  return LEDGER_OK;
}

static void bytes_substr(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 3 ? "bbii" : "bbi", bytes_substr_body);
}

static int bytes_check_index(struct function_call *call) {
  int64_t index = call->arguments[1].integer;
  if (index >= 0 && index < (int64_t)call->arguments[0].length) return LEDGER_OK;
  return error_set(&call->error, LEDGER_ARRAY_SUBSCRIPT, "index %lld out of valid range, 0..%lld",
                   (long long)index, (long long)call->arguments[0].length - 1);
}

static int bytes_get_byte(struct function_call *call) {
  int rc = bytes_check_index(call);
  if (rc == LEDGER_OK)
    call->integer = (unsigned char)call->arguments[0].text[call->arguments[1].integer];
  return rc;
}

static void bytes_byteaGetByte(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "ibi", bytes_get_byte);
}

static int bytes_set_byte(struct function_call *call) {
  int rc = bytes_check_index(call);
  if (rc != LEDGER_OK) return rc;
  const struct value *bytes = &call->arguments[0];
  int64_t index = call->arguments[1].integer;
  char byte = (char)(call->arguments[2].integer & 0xff);
  sqlite3_str_append(call->out, bytes->text, (int)index);
  sqlite3_str_append(call->out, &byte, 1);
  sqlite3_str_append(call->out, bytes->text + index + 1, (int)((int64_t)bytes->length - index - 1));
  return LEDGER_OK;
}

static void bytes_byteaSetByte(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "bbii", bytes_set_byte);
}

static int bytes_position(struct function_call *call) {
  const struct value *bytes = &call->arguments[0];
  const struct value *part = &call->arguments[1];
  if (part->length == 0) {
    call->integer = 1;
    return LEDGER_OK;
  }
  const char *found = memmem(bytes->text, bytes->length, part->text, part->length);
  call->integer = found ? found - bytes->text + 1 : 0;
  return LEDGER_OK;
}

static void bytes_byteapos(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "ibb", bytes_position);
}

/* Takes off the bytes of a set, from the start or the end or both. */
static int bytes_trim(struct function_call *call, bool at_start, bool at_end) {
  const struct value *bytes = &call->arguments[0], *set = &call->arguments[1];
  size_t from = 0, end = bytes->length;
  while (at_start && from < end && memchr(set->text, bytes->text[from], set->length) != NULL)
    from++;
  while (at_end && from < end && memchr(set->text, bytes->text[end - 1], set->length) != NULL)
    end--;
  sqlite3_str_append(call->out, bytes->text + from, (int)(end - from));
  return LEDGER_OK;
}

static int bytes_trim_both(struct function_call *call) {
  return bytes_trim(call, true, true);
}

static int bytes_trim_start(struct function_call *call) {
  return bytes_trim(call, true, false);
}

static int bytes_trim_end(struct function_call *call) {
  return bytes_trim(call, false, true);
}

static void bytes_byteatrim(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "bbb", bytes_trim_both);
}

static void bytes_bytealtrim(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "bbb", bytes_trim_start);
}

static void bytes_byteartrim(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "bbb", bytes_trim_end);
}

/* ---- encodings */

static int bytes_encode_body(struct function_call *call) {
  const struct value *format = &call->arguments[1];
  return bytea_encode(call->out, call->arguments[0].text, call->arguments[0].length, format->text,
                      format->length, &call->error);
}

static void bytes_binary_encode(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "tbt", bytes_encode_body);
}

static int bytes_decode_body(struct function_call *call) {
  const struct value *format = &call->arguments[1];
  struct value decoded = {.kind = VALUE_NULL};
  int rc = bytea_decode(call->arena, call->arguments[0].text, call->arguments[0].length,
                        format->text, format->length, &decoded, &call->error);
  if (rc == LEDGER_OK) sqlite3_str_append(call->out, decoded.text, (int)decoded.length);
  return rc;
}

static void bytes_binary_decode(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "btt", bytes_decode_body);
}

/* PostgreSQL's names of UTF-8, letters and digits alone counting. */
static bool bytes_is_utf8(const struct value *name) {
  char letters[8];
  size_t length = 0;
  for (size_t i = 0; i < name->length; i++) {
    unsigned char c = (unsigned char)name->text[i];
    if (c >= 0x80 || !text_is_alphanumeric(c)) continue;
    if (length == sizeof letters) return false;
    letters[length++] = (char)text_lower(c);
  }
  return (length == 4 && memcmp(letters, "utf8", 4) == 0) ||
         (length == 7 && memcmp(letters, "unicode", 7) == 0);
}

static int bytes_convert(struct function_call *call, const char *which) {
  const struct value *encoding = &call->arguments[1];
  if (!bytes_is_utf8(encoding)) {
    return error_set(&call->error, LEDGER_INVALID_PARAMETER, "invalid %s encoding name \"%.*s\"",
                     which, (int)encoding->length, encoding->text);
  }
  int rc = text_check(call->arguments[0].text, call->arguments[0].length, &call->error);
  if (rc == LEDGER_OK)
    sqlite3_str_append(call->out, call->arguments[0].text, (int)call->arguments[0].length);
  return rc;
}

static int bytes_convert_from_body(struct function_call *call) {
  return bytes_convert(call, "source");
}

static int bytes_convert_to_body(struct function_call *call) {
  return bytes_convert(call, "destination");
}

static void bytes_convert_from(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "tbt", bytes_convert_from_body);
}

static void bytes_convert_to(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "btt", bytes_convert_to_body);
}

/* ---- digests */

static int bytes_md5_body(struct function_call *call) {
  char digest[33];
  bytea_md5(call->arguments[0].text, call->arguments[0].length, digest);
  sqlite3_str_append(call->out, digest, 32);
  return LEDGER_OK;
}

static void bytes_md5_text(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "tt", bytes_md5_body);
}

static void bytes_md5_bytea(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "tb", bytes_md5_body);
}

static int bytes_sha256_body(struct function_call *call) {
  struct seal_sha256 hash;
  unsigned char digest[SEAL_SHA256_BYTES];
  seal_sha256_init(&hash);
  seal_sha256_update(&hash, call->arguments[0].text, call->arguments[0].length);
  seal_sha256_final(&hash, digest);
  sqlite3_str_append(call->out, (const char *)digest, SEAL_SHA256_BYTES);
  return LEDGER_OK;
}

static void bytes_sha256(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "bb", bytes_sha256_body);
}

static int bytes_sha512_body(struct function_call *call) {
  unsigned char digest[SEAL_SHA512_BYTES];
  seal_sha512(call->arguments[0].text, call->arguments[0].length, digest);
  sqlite3_str_append(call->out, (const char *)digest, SEAL_SHA512_BYTES);
  return LEDGER_OK;
}

static void bytes_sha512(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "bb", bytes_sha512_body);
}

int function_bytes_register(sqlite3 *db, struct function_session *session) {
  static const struct function_row rows[] = {
      {"pg_byteacat", 2, FUNCTION_STRICT, bytes_byteacat, NULL},
      {"pg_byteaoctetlen", 1, FUNCTION_STRICT, bytes_byteaoctetlen, NULL},
      {"pg_bytea_substr", 3, FUNCTION_STRICT, bytes_substr, NULL},
      {"pg_bytea_substr_no_len", 2, FUNCTION_STRICT, bytes_substr, NULL},
      {"pg_byteaGetByte", 2, FUNCTION_STRICT, bytes_byteaGetByte, NULL},
      {"pg_byteaSetByte", 3, FUNCTION_STRICT, bytes_byteaSetByte, NULL},
      {"pg_byteapos", 2, FUNCTION_STRICT, bytes_byteapos, NULL},
      {"pg_binary_encode", 2, FUNCTION_STRICT, bytes_binary_encode, NULL},
      {"pg_binary_decode", 2, FUNCTION_STRICT, bytes_binary_decode, NULL},
      {"pg_convert_from", 2, FUNCTION_STRICT, bytes_convert_from, NULL},
      {"pg_convert_to", 2, FUNCTION_STRICT, bytes_convert_to, NULL},
      {"pg_md5_text", 1, FUNCTION_STRICT, bytes_md5_text, NULL},
      {"pg_md5_bytea", 1, FUNCTION_STRICT, bytes_md5_bytea, NULL},
      {"pg_sha256_bytea", 1, FUNCTION_STRICT, bytes_sha256, NULL},
      {"pg_sha512_bytea", 1, FUNCTION_STRICT, bytes_sha512, NULL},
      {"pg_byteatrim", 2, FUNCTION_STRICT, bytes_byteatrim, NULL},
      {"pg_bytealtrim", 2, FUNCTION_STRICT, bytes_bytealtrim, NULL},
      {"pg_byteartrim", 2, FUNCTION_STRICT, bytes_byteartrim, NULL},
  };
  return function_register(db, session, rows, sizeof rows / sizeof *rows);
}
