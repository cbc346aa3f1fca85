/*
** Target: files that are damaged. The input is a list of damages, six bytes each, done to a sound file; whatever they are,
** each call answers or says what is wrong.
*/
#include <sys/stat.h>

static char *fuzz_file_sound;
static size_t fuzz_file_sound_length;

static void fuzz_file_path_of(char path[256]) {
  struct stat facts;
  const char *folder = stat("/dev/shm", &facts) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, 256, "%s/ledger-fuzz-%ld.db", folder, (long)getpid());
}

static void fuzz_file_clear(const char *path) {
  char name[300];
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  for (int i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
    unlink(name);
  }
}

/* wallstreet with rows of many pages, closed, so that all of it is in the one file. */
static void fuzz_file_make_sound(void) {
  char path[256], line[600];
  ledger *db = NULL;
  fuzz_file_path_of(path);
  fuzz_file_clear(path);
  FUZZ_REQUIRE(ledger_create(path, ledger_schema("wallstreet"), 0, &db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  ledger_begin(db);
  for (int i = 0; i < 300; i++) {
    int length = snprintf(line, sizeof line,
                          "{\"table\":\"users\",\"row\":{\"email\":\"user%d@example.com\","
                          "\"password_hash\":\"%0*d\",\"first_name\":\"A%d\",\"last_name\":\"B\"}}",
                          i, i % 200 + 1, i, i);
    FUZZ_REQUIRE(ledger_apply(db, line, length, NULL, NULL) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  }
  FUZZ_REQUIRE(ledger_commit(db) == LEDGER_OK, "commit");
  ledger_close(db);
  fuzz_file_sound = fuzz_read(path, &fuzz_file_sound_length);
  fuzz_file_clear(path);
}

static void fuzz_file_seeds(struct fuzz_seeds *seeds) {
  for (int i = 0; i < 64; i++) {
    unsigned char bytes[36];
    struct test_random r = {(uint64_t)i * 977};
    for (int k = 0; k < 36; k++) bytes[k] = (unsigned char)random_below(&r, 256);
    fuzz_seed_add(seeds, bytes, 6 * (1 + (size_t)i % 6));
  }
}

static void fuzz_file_mutate(struct test_random *r, struct fuzz_buffer *buffer, const struct fuzz_seeds *seeds) {
  (void)seeds;
  for (size_t i = 0; i < buffer->length; i++) buffer->bytes[i] = (char)random_below(r, 256);
}

static void fuzz_file_damage(char *copy, size_t *length, const unsigned char *how) {
  size_t pages = fuzz_file_sound_length / 4096;
  size_t place = (size_t)how[1] | (size_t)how[2] << 8 | (size_t)how[3] << 16;
  size_t page = (place >> 12) % pages, other = how[4] % pages;
  char held[4096];
  switch (how[0] % 12) {
  case 0: *length = place % fuzz_file_sound_length; break; /* cut short */
  case 1: *length = page * 4096; break;                    /* at a page's edge */
  case 2:                                                  /* two pages change places */
    memcpy(held, copy + page * 4096, 4096);
    memmove(copy + page * 4096, copy + other * 4096, 4096);
    memcpy(copy + other * 4096, held, 4096);
    break;
  case 3: memset(copy + page * 4096, how[5], 4096); break; /* a page of one byte */
  case 4: memcpy(copy + page * 4096, copy + other * 4096, 4096); break;
  case 5:
  case 6: copy[how[1] % 100] ^= (char)(1 << how[5] % 8); break;                                    /* the header */
  case 7: copy[(how[4] % 12) * 4096 % fuzz_file_sound_length + how[1] % 64] = (char)how[5]; break; /* the head of a page */
  default: copy[place % fuzz_file_sound_length] ^= (char)(1 << how[5] % 8); break;
  }
}

static int fuzz_file_drop(void *context, const void *bytes, size_t length) {
  (void)context;
  (void)bytes;
  (void)length;
  return 0;
}

static void fuzz_file_drain(ledger *db, int rc, ledger_rows **from) {
  ledger_rows *rows = *from;
  *from = NULL;
  if (rc == LEDGER_OK)
    while ((rc = ledger_rows_next(rows)) == LEDGER_ROW) (void)ledger_rows_json(rows, NULL);
  FUZZ_REQUIRE(rc == LEDGER_DONE || (ledger_error_of(db)->code == rc && ledger_error_of(db)->message[0] != '\0'), "rc %d", rc);
  ledger_rows_free(rows);
}

static void fuzz_file_run(const char *bytes, size_t size) {
  char path[256];
  ledger *db = NULL;
  ledger_rows *rows = NULL;
  ledger_facts facts;
  if (size < 6) return;
  if (fuzz_file_sound == NULL) fuzz_file_make_sound();
  char *copy = malloc(fuzz_file_sound_length);
  size_t length = fuzz_file_sound_length;
  memcpy(copy, fuzz_file_sound, fuzz_file_sound_length);
  for (size_t i = 0; i + 6 <= size; i += 6) fuzz_file_damage(copy, &length, (const unsigned char *)bytes + i);
  fuzz_file_path_of(path);
  fuzz_file_clear(path);
  FILE *file = fopen(path, "wb");
  FUZZ_REQUIRE(file != NULL && fwrite(copy, 1, length, file) == length, "no room for a file");
  fclose(file);
  free(copy);
  int rc = ledger_open(path, bytes[5] & 1 ? LEDGER_READ_ONLY_FILE : 0, &db);
  if (rc == LEDGER_OK) {
    static const char line[] = "{\"table\":\"users\",\"row\":{\"email\":\"new@example.com\","
                               "\"password_hash\":\"!\",\"first_name\":\"A\",\"last_name\":\"B\"}}";
    (void)ledger_info(db, &facts);
    fuzz_file_drain(db, ledger_relations(db, &rows), &rows);
    fuzz_file_drain(db, ledger_select(db, "users", "order=email.desc&email=like.*1*", &rows), &rows);
    fuzz_file_drain(db, ledger_digest(db, NULL, &rows), &rows);
    (void)ledger_export(db, LEDGER_EXPORT_FULL, LEDGER_EXPORT_COPY, fuzz_file_drop, NULL);
    rc = ledger_apply(db, line, -1, NULL, NULL);
    FUZZ_REQUIRE(rc == LEDGER_OK || ledger_error_of(db)->message[0] != '\0', "rc %d", rc);
    rc =
        ledger_apply(db, "{\"table\":\"users\",\"op\":\"delete\",\"where\":{\"email\":\"user7@example.com\"}}", -1, NULL, NULL);
    FUZZ_REQUIRE(rc == LEDGER_OK || ledger_error_of(db)->message[0] != '\0', "rc %d", rc);
  } else {
    FUZZ_REQUIRE(ledger_error_of(db)->code == rc && ledger_error_of(db)->message[0] != '\0', "rc %d", rc);
  }
  ledger_close(db);
  fuzz_file_clear(path);
}
