/*
** Targets: what comes from outside in syncing. The rows of a batch, hashed rightly, for any maker of a bundle can do that; the header
** of one; an acknowledgement. Whatever they are, each is taken or refused with a sentence, and no script that ends with COMMIT
** has a byte in its rows that could act.
*/

struct fuzz_script {
  char bytes[4 * FUZZ_INPUT_MAX + 65536];
  size_t length;
};

static int fuzz_script_add(void *context, const void *bytes, size_t length) {
  struct fuzz_script *script = context;
  if (length > sizeof script->bytes - 1 - script->length) return 1;
  memcpy(script->bytes + script->length, bytes, length);
  script->length += length;
  script->bytes[script->length] = 0;
  return 0;
}

static int fuzz_batch_script(const char *header, const char *body, size_t length, size_t piece,
                             enum ledger_export_format format, struct fuzz_script *out) {
  struct batch_script *script = NULL;
  ledger_error error;
  error_clear(&error);
  out->length = 0;
  out->bytes[0] = 0;
  int rc = batch_script_start(header, format, fuzz_script_add, out, &script, &error);
  for (size_t i = 0; i < length && rc == LEDGER_OK; i += piece)
    rc = batch_script_body(script, body + i, length - i < piece ? length - i : piece);
  int end = batch_script_end(script);
  if (rc == LEDGER_OK) rc = end;
  FUZZ_REQUIRE(rc == error.code && (rc == LEDGER_OK || error.message[0] != 0), "%d without a sentence", rc);
  FUZZ_REQUIRE(rc == LEDGER_OK || rc == LEDGER_ALTERED || rc == LEDGER_NEWER_BATCH || rc == LEDGER_IO, "%d", rc);
  bool commits = out->length > 8 && strcmp(out->bytes + out->length - 8, "COMMIT;\n") == 0;
  FUZZ_REQUIRE(commits == (rc == LEDGER_OK), "%d, and COMMIT: %d", rc, commits);
  return rc;
}

/* The rows between COPY and \. */
static void fuzz_batch_is_inert(const char *rows) {
  const char *end = strstr(rows, "\n\\.\n");
  if (strncmp(rows, "\\.\n", 3) == 0) return;
  FUZZ_REQUIRE(end != NULL, "the rows have no end");
  for (const char *at = rows; at < end; at++) {
    unsigned char c = (unsigned char)*at;
    bool acts = (c < 0x20 && c != '\t' && c != '\n') || c == ';' || c == 0x7f ||
                (c == '\\' && at[1] != 'N' && (at[1] < '0' || at[1] > '3'));
    FUZZ_REQUIRE(!acts, "a byte that acts: %02x", c);
  }
}

static void fuzz_batch_seeds(struct fuzz_seeds *seeds) {
  fuzz_seed_text(seeds, "\\N\tf\tx\t\\N\n\\.\n");
  fuzz_seed_text(seeds, "117649592745328640\tf\ta\\073b\tit's\n12\tt\tk\t\\N\n\\.\n");
  fuzz_seed_text(seeds, "1\tf\t\\134.\t\n2\tf\t\xc3\xa9\t\\011\\012\n3\tf\t\t\n\\.\n");
  fuzz_seed_text(seeds, "\\.\n");
}

static void fuzz_batch_run(const char *bytes, size_t size) {
  static struct fuzz_script whole, pieces;
  unsigned char hash[SEAL_SHA256_BYTES];
  char hex[2 * SEAL_SHA256_BYTES + 1], header[400];
  struct seal_sha256 state;
  int rows = 0;
  for (size_t i = 0; i < size; i++) rows += bytes[i] == '\n';
  seal_sha256_init(&state);
  seal_sha256_update(&state, bytes, size);
  seal_sha256_final(&state, hash);
  text_hex(hash, sizeof hash, hex);
  snprintf(header, sizeof header,
           "{\"ledger_batch\":1,\"bytes\":%d,\"body\":\"%s\",\"tables\":[{\"schema\":\"public\",\"table\":\"t\","
           "\"columns\":[\"a\",\"b\"],\"deltas\":[],\"rows\":%d,\"sum\":\"0\"}]}",
           (int)size, hex, rows > 0 ? rows - 1 : 0);
  for (int format = LEDGER_EXPORT_COPY; format <= LEDGER_EXPORT_INSERT; format++) {
    int rc = fuzz_batch_script(header, bytes, size, size + 1, format, &whole);
    FUZZ_REQUIRE(fuzz_batch_script(header, bytes, size, 3, format, &pieces) == rc, "in pieces it is another code");
    if (rc != LEDGER_OK) continue;
    FUZZ_REQUIRE(strcmp(whole.bytes, pieces.bytes) == 0, "in pieces it is another script");
    if (format == LEDGER_EXPORT_COPY) fuzz_batch_is_inert(strstr(whole.bytes, "FROM stdin;\n") + 12);
  }
}

static void fuzz_header_seeds(struct fuzz_seeds *seeds) {
  fuzz_seed_text(seeds, "{\"ledger_batch\":1,\"device\":\"00000000-0000-4000-8000-000000000000\",\"epoch\":1,\"seq\":1,"
                        "\"previous\":\"\",\"rows\":1,\"bytes\":10,\"body\":"
                        "\"bd5b2b1b0c3dbb2de30bd2ee7a3e5d2a5a8b0d2d5a8b0d2d5a8b0d2d5a8b0d2d\",\"careful\":false,"
                        "\"tables\":[{\"schema\":\"public\",\"table\":\"t\",\"columns\":[\"a\",\"b\"],\"deltas\":[\"b\"],"
                        "\"rows\":1,\"sum\":\"7\"}]}");
  fuzz_seed_text(seeds, "{\"ledger_batch\":1,\"bytes\":0,\"body\":"
                        "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"tables\":[]}");
}

static void fuzz_header_run(const char *bytes, size_t size) {
  static struct fuzz_script out;
  char *header = malloc(size + 1);
  memcpy(header, bytes, size);
  header[size] = 0;
  fuzz_batch_script(header, "", 0, 1, LEDGER_EXPORT_COPY, &out);
  fuzz_batch_script(header, "\\N\tf\tx\n\\.\n", 10, 10, LEDGER_EXPORT_INSERT, &out);
  free(header);
}

static void fuzz_acknowledge_seeds(struct fuzz_seeds *seeds) {
  static const char *const rest[] = {
      ",\"epoch\":1,\"received\":1,\"hash\":\"\",\"applied\":1,\"reason\":null,\"clock\":117649592745328640,\"key_range\":null}",
      ",\"epoch\":1,\"received\":0,\"hash\":\"bd5b2b1b0c3dbb2de30bd2ee7a3e5d2a5a8b0d2d5a8b0d2d5a8b0d2d5a8b0d2d\","
      "\"applied\":0,\"reason\":\"a \\\"b\\\" \\u00e9\",\"last\":0,\"journal\":0,\"entry\":0}",
      ",\"epoch\":1,\"received\":0,\"hash\":\"\",\"applied\":0,\"clock\":1,\"key_range\":3,\"more\":[{}]}",
      ",\"enrolled\":false}\nsignature 00"};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
    char text[700];
    snprintf(text, sizeof text, "{\"ledger_ack\":1,\"main\":\"11111111-1111-4111-8111-111111111111\",\"device\":\"%s\"%s",
             "00000000-0000-4000-8000-000000000000", rest[i]);
    fuzz_seed_text(seeds, text);
  }
}

/* Each on a file of the device that the seeds name. */
static void fuzz_acknowledge_run(const char *bytes, size_t size) {
  static ledger *db;
  ledger_sync_facts facts;
  if (db == NULL) {
    int rc = ledger_create(":memory:", ledger_schema("wallstreet"), 0, &db);
    FUZZ_REQUIRE(rc == LEDGER_OK, "%s", ledger_error_of(db)->message);
    sqlite3_exec(db->sqlite, "UPDATE ledger_sync_state SET device = '00000000-0000-4000-8000-000000000000'", NULL, NULL, NULL);
  }
  for (int is_trusted = 0; is_trusted < 2; is_trusted++) {
    int rc = ledger_acknowledge(db, bytes, (ptrdiff_t)size, is_trusted);
    FUZZ_REQUIRE(rc != LEDGER_CORRUPT && rc != LEDGER_ERROR && rc != LEDGER_MISUSE, "%d %s", rc, ledger_error_of(db)->message);
    FUZZ_REQUIRE(ledger_sync_status(db, &facts) == LEDGER_OK, "%s", ledger_error_of(db)->message);
    FUZZ_REQUIRE(facts.received <= facts.cut && facts.applied <= facts.received, "it has received more than was cut");
  }
  sqlite3_exec(db->sqlite, "UPDATE ledger_sync_state SET main = NULL, key_range = NULL", NULL, NULL, NULL);
}
