/*
** proof_commands: ledger head and ledger verify: the journal's head, to be kept elsewhere, and the proof of the book.
*/
#include "shell.h"

static int head_print_json(const ledger_head *head) {
  char journal[32];
  snprintf(journal, sizeof journal, "%" PRId64, head->journal);
  cJSON *out = cJSON_CreateObject();
  cJSON_AddItemToObject(out, "journal", cJSON_CreateRaw(journal));
  cJSON_AddStringToObject(out, "hash", head->hash);
  if (head->created_at[0]) cJSON_AddStringToObject(out, "created_at", head->created_at);
  if (head->public_key[0]) cJSON_AddStringToObject(out, "public_key", head->public_key);
  if (head->signature[0]) cJSON_AddStringToObject(out, "signature", head->signature);
  return report_json(out);
}

/* The first line is what `ledger verify --head` takes. */
static int head_print(const ledger_head *head) {
  printf("%" PRId64 ":%s\n", head->journal, head->hash);
  if (head->signature[0]) printf("signed by %s\nsignature %s\n", head->public_key, head->signature);
  return EXIT_DONE;
}

enum { HEAD_SIGN, HEAD_NEW_KEY, HEAD_JSON };

static int cmd_head(const struct command *command, char **arguments, char **values) {
  unsigned char secret[LEDGER_SECRET_KEY_BYTES], public[LEDGER_PUBLIC_KEY_BYTES];
  ledger_head head;
  int status = EXIT_DONE;
  const char *path = values[HEAD_NEW_KEY] ? values[HEAD_NEW_KEY] : values[HEAD_SIGN];
  if (values[HEAD_SIGN] && values[HEAD_NEW_KEY])
    return report_usage(command, "give one of --sign, --new-key, which signs with the new key");
  ledger *db = report_open(command, arguments[0], path ? 0 : LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  if (values[HEAD_NEW_KEY]) {
    ledger_signing_key(secret, public);
    status = key_file_make(command, path, secret, sizeof secret);
  } else if (path)
    status = key_file_read(command, path, secret, sizeof secret);
  if (status == EXIT_DONE && ledger_get_head(db, path ? secret : NULL, &head) != LEDGER_OK) {
    status = report_error(command->name, arguments[0], db);
    /* Only then is it certain that the key has signed nothing. */
    if (values[HEAD_NEW_KEY] && ledger_error_of(db)->code == LEDGER_FORBIDDEN) unlink(path);
  } else if (status == EXIT_DONE)
    status = values[HEAD_JSON] ? head_print_json(&head) : head_print(&head);
  explicit_bzero(secret, sizeof secret);
  ledger_close(db);
  return status;
}

/* A member of the report as it stands there, or "". */
static void verify_say(const cJSON *object, const char *name, const char *before) {
  const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
  if (!member || cJSON_IsNull(member)) return;
  fputs(before, stdout);
  if (cJSON_IsString(member)) {
    report_words(stdout, member->valuestring);
    return;
  }
  char *text = cJSON_PrintUnformatted(member);
  fputs(text ? text : "", stdout);
  free(text);
}

/* "broken: 2 breaks in 17 journals, 40 entries", and a line for each of the first hundred */
static int verify_print(const struct command *command, const char *report, bool proven) {
  cJSON *document = cJSON_Parse(report);
  const cJSON *found;
  if (!document) return report_memory(command);
  fputs(proven ? "proven" : "broken", stdout);
  if (!proven) verify_say(document, "breaks", ", breaks: ");
  verify_say(document, "journals", "; journals: ");
  verify_say(document, "entries", ", entries: ");
  putchar('\n');
  cJSON_ArrayForEach(found, cJSON_GetObjectItemCaseSensitive(document, "first")) {
    verify_say(found, "check", "  ");
    verify_say(found, "table", " ");
    verify_say(found, "id", " ");
    verify_say(found, "seq", " seq ");
    verify_say(found, "message", ": ");
    putchar('\n');
  }
  cJSON_Delete(document);
  return EXIT_DONE;
}

enum { VERIFY_FULL, VERIFY_HEAD, VERIFY_PUBLIC_KEY, VERIFY_JSON };

static int cmd_verify(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  char *report = NULL;
  struct progress progress = {.doing = "verifying", .unit = "rows"};
  ledger_verify_options options = {.full = values[VERIFY_FULL] != NULL,
                                   .head = values[VERIFY_HEAD],
                                   .public_key = values[VERIFY_PUBLIC_KEY]};
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return EXIT_USAGE;
  ledger_progress(db, progress_report, &progress);
  int rc = ledger_verify(db, &options, &report);
  progress_end(&progress);
  if (rc != LEDGER_OK && rc != LEDGER_BOOK_BROKEN) {
    status = report_error(command->name, arguments[0], db);
    if (status != EXIT_INTERRUPTED) status = EXIT_USAGE; /* neither proven nor broken */
  } else {
    if (values[VERIFY_JSON])
      puts(report);
    else
      status = verify_print(command, report, rc == LEDGER_OK);
    if (rc == LEDGER_BOOK_BROKEN) status = EXIT_REFUSED;
  }
  ledger_free(report);
  ledger_close(db);
  return status;
}
