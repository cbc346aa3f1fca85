/*
** bundle_commands: batches carried by hand: ledger bundle key, trust, seal, open, show on either side, and ledger receive beside
** the main PostgreSQL, so that a kiosk need not hold a login there.
*/
#include "shell.h"

#define BUNDLES_MAX (ARGUMENT_MAX - 1)

static int bundle_report(const struct command *command, const char *path,
                         const ledger_bundle *bundle) {
  return report_ledger_error(command->name, path, ledger_bundle_error(bundle));
}

/* ---- a bundle as a file */

struct bundle_file {
  const char *path;
  int file; /* -1: none */
  int64_t size;
  struct progress progress;
  ledger_bundle *bundle;
};

/* What is no file cannot be read twice: a copy that has no name. */
static int bundle_file_copy(int from) {
  const char *folder = getenv("TMPDIR");
  char path[PATH_MAX], bytes[64 * 1024];
  if (!folder || !folder[0]) folder = "/tmp";
  if (snprintf(path, sizeof path, "%s/ledger-bundle-XXXXXX", folder) >= (int)sizeof path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int file = mkostemp(path, O_CLOEXEC);
  if (file < 0) return -1;
  unlink(path);
  ssize_t length;
  while ((length = read(from, bytes, sizeof bytes)) != 0) {
    if (length > 0 && write(file, bytes, (size_t)length) == length) continue;
    if (length < 0 && errno == EINTR && !shell_interrupted) continue;
    int problem = length > 0 && errno == 0 ? ENOSPC : errno;
    close(file);
    errno = problem;
    return -1;
  }
  return file;
}

static int bundle_file_read(void *context, int64_t offset, void *bytes, size_t length) {
  struct bundle_file *input = context;
  char *to = bytes;
  if (progress_report(&input->progress, offset, input->size) != 0) return 1;
  while (length > 0) {
    ssize_t got = pread(input->file, to, length, offset);
    if (got < 0 && errno == EINTR && !shell_interrupted) continue;
    if (got <= 0) return 1; /* it was cut since it was opened */
    to += got;
    offset += got;
    length -= (size_t)got;
  }
  return 0;
}

static void bundle_file_close(struct bundle_file *input) {
  ledger_bundle_close(input->bundle);
  if (input->file >= 0) close(input->file);
  input->bundle = NULL;
  input->file = -1;
}

static int bundle_file_problem(const struct command *command, const char *path) {
  report_problem(command->name, path, "58P01", strerror(errno), NULL);
  return EXIT_USAGE;
}

/* Opens a bundle ("-": standard input) and reads its header. Reports what is wrong; close it always. */
static int bundle_file_open(const struct command *command, const char *path,
                            struct bundle_file *input) {
  struct stat facts;
  *input = (struct bundle_file){
      .path = path, .file = -1, .progress = {.doing = "reading", .unit = "bytes"}};
  int file = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return bundle_file_problem(command, path);
  if (fstat(file, &facts) == 0 && !S_ISREG(facts.st_mode)) {
    errno = 0;
    int copy = bundle_file_copy(file), problem = errno;
    close(file);
    file = copy;
    errno = problem;
  }
  if (file < 0 || fstat(file, &facts) != 0) {
    if (file >= 0) close(file);
    return bundle_file_problem(command, path);
  }
  input->file = file;
  input->size = facts.st_size;
  int rc = ledger_bundle_open(bundle_file_read, input, input->size, &input->bundle);
  return rc == LEDGER_OK ? EXIT_DONE : bundle_report(command, path, input->bundle);
}

/* ---- key, trust */

enum { KEY_SHOW };

static int cmd_bundle_key(const struct command *command, char **arguments, char **values) {
  unsigned char secret[LEDGER_MAIN_KEY_BYTES], public[LEDGER_MAIN_PUBLIC_KEY_BYTES];
  int status;
  if (values[KEY_SHOW]) {
    status = key_file_read(command, arguments[0], secret, sizeof secret);
  } else {
    ledger_main_key(secret);
    status = key_file_make(command, arguments[0], secret, sizeof secret);
  }
  if (status == EXIT_DONE) {
    ledger_main_public_key(secret, public);
    key_print(stdout, public, sizeof public);
  }
  explicit_bzero(secret, sizeof secret);
  return status;
}

enum { TRUST_REPLACE };

static int cmd_bundle_trust(const struct command *command, char **arguments, char **values) {
  unsigned char public[LEDGER_MAIN_PUBLIC_KEY_BYTES];
  char name[33];
  int status = key_read_public(command, arguments[1], public, sizeof public);
  if (status != EXIT_DONE) return status;
  ledger *db = report_open(command, arguments[0], 0, &status);
  if (!db) return status;
  if (ledger_set_main_key(db, public, values[TRUST_REPLACE] != NULL) == LEDGER_OK) {
    ledger_main_key_name(public, name);
    printf("main has key %s\n", name);
  } else
    status = report_error(command->name, arguments[0], db);
  ledger_close(db);
  return status;
}

/* ---- seal */

enum { SEAL_OUT, SEAL_SIGN, SEAL_SINCE };

static void bundle_say_batches(int64_t first, int64_t last) {
  if (first == last)
    printf("batch %" PRId64, first);
  else
    printf("batches %" PRId64 " to %" PRId64, first, last);
}

static int bundle_seal_to(const struct command *command, ledger *db, const char *path,
                          const char *out, int64_t since, const unsigned char *secret) {
  struct output_file output;
  int64_t first, last;
  int status = output_open(&output, command, out);
  if (status != EXIT_DONE) return status;
  int rc = ledger_bundle_seal(db, since, secret, &first, &last, output_write, &output);
  if (rc == LEDGER_OK && first == 0) {
    output_drop(&output);
    puts("nothing to seal: main has all of it");
    return EXIT_DONE;
  }
  if (rc == LEDGER_IO && output_failed(&output))
    status = output_problem(&output, "nothing was written");
  else if (rc != LEDGER_OK)
    status = report_error(command->name, path, db);
  status = output_end(&output, status);
  if (status != EXIT_DONE) return status;
  printf("%s: ", out);
  bundle_say_batches(first, last);
  putchar('\n');
  return EXIT_DONE;
}

static int cmd_bundle_seal(const struct command *command, char **arguments, char **values) {
  unsigned char secret[LEDGER_SECRET_KEY_BYTES], main_key[LEDGER_MAIN_PUBLIC_KEY_BYTES];
  struct progress progress = {.doing = "sealing", .unit = "bytes"};
  int64_t since = 0, seq;
  if (!values[SEAL_OUT] || !values[SEAL_SIGN])
    return report_usage(command, "-o OUT and --sign=KEYFILE are needed");
  if (!report_number(values[SEAL_SINCE], INT64_MAX, &since))
    return report_usage(command, "--since is the number of a batch");
  int status = key_file_read(command, values[SEAL_SIGN], secret, sizeof secret);
  ledger *db =
      status == EXIT_DONE ? report_open(command, arguments[0], LEDGER_SMALL, &status) : NULL;
  if (db) {
    ledger_progress(db, progress_report, &progress);
    /* Without main's key nothing can be sealed, and nothing is cut. */
    if (ledger_get_main_key(db, main_key) != LEDGER_OK || ledger_batch_cut(db, &seq) != LEDGER_OK)
      status = report_error(command->name, arguments[0], db);
    else
      status = bundle_seal_to(command, db, arguments[0], values[SEAL_OUT], since, secret);
    progress_end(&progress);
    ledger_close(db);
  }
  explicit_bzero(secret, sizeof secret);
  return status;
}

/* ---- open, show */

enum { OPEN_KEY, OPEN_FROM, OPEN_FORMAT, OPEN_OUT };

static int bundle_print_script(const struct command *command, struct bundle_file *input,
                               enum ledger_export_format format, const char *out) {
  struct output_file output;
  char end[128];
  int status = output_open(&output, command, out);
  if (status != EXIT_DONE) return status;
  int rc = ledger_bundle_script(input->bundle, 0, format, output_write, &output);
  if (rc == LEDGER_OK) {
    snprintf(end, sizeof end, "SELECT ledger_sync.acknowledgement('%.36s');\n",
             ledger_bundle_get_facts(input->bundle)->device);
    if (output_write(&output, end, strlen(end)) != 0) rc = LEDGER_IO;
  }
  if (rc == LEDGER_IO && output_failed(&output))
    status = output_problem(&output, NULL);
  else if (rc != LEDGER_OK)
    status = bundle_report(command, input->path, input->bundle);
  return output_end(&output, status);
}

static int cmd_bundle_open(const struct command *command, char **arguments, char **values) {
  unsigned char secret[LEDGER_MAIN_KEY_BYTES], sender[LEDGER_PUBLIC_KEY_BYTES];
  enum ledger_export_format format = LEDGER_EXPORT_COPY;
  struct bundle_file input;
  if (!values[OPEN_KEY]) return report_usage(command, "--key=KEYFILE is needed");
  if (values[OPEN_FORMAT] && strcmp(values[OPEN_FORMAT], "insert") == 0)
    format = LEDGER_EXPORT_INSERT;
  else if (values[OPEN_FORMAT] && strcmp(values[OPEN_FORMAT], "copy") != 0)
    return report_usage(command, "--format is copy or insert");
  int status = key_file_read(command, values[OPEN_KEY], secret, sizeof secret);
  if (status == EXIT_DONE && values[OPEN_FROM])
    status = key_read_public(command, values[OPEN_FROM], sender, sizeof sender);
  if (status == EXIT_DONE) {
    status = bundle_file_open(command, arguments[0], &input);
    if (status == EXIT_DONE &&
        ledger_bundle_verify(input.bundle, secret, values[OPEN_FROM] ? sender : NULL, NULL, NULL) !=
            LEDGER_OK)
      status = bundle_report(command, arguments[0], input.bundle);
    progress_end(&input.progress);
    if (status == EXIT_DONE && !values[OPEN_FROM])
      report_problem(command->name, arguments[0], NULL, "who signed it was not checked",
                     "--from=PUBKEY says whose it must be");
    if (status == EXIT_DONE)
      status = bundle_print_script(command, &input, format, values[OPEN_OUT]);
    progress_end(&input.progress);
    bundle_file_close(&input);
  }
  explicit_bzero(secret, sizeof secret);
  return status;
}

enum { BUNDLE_JSON };

static int bundle_print_json(const ledger_bundle_facts *facts) {
  cJSON *out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "device", facts->device);
  info_add(out, "epoch", facts->epoch);
  info_add(out, "first", facts->first);
  info_add(out, "last", facts->last);
  info_add(out, "batches", facts->batches);
  cJSON_AddStringToObject(out, "previous", facts->previous);
  cJSON_AddStringToObject(out, "hash", facts->hash);
  cJSON_AddStringToObject(out, "sender", facts->sender);
  cJSON_AddStringToObject(out, "recipient", facts->recipient);
  cJSON_AddStringToObject(out, "created_at", facts->created_at);
  info_add(out, "bytes", facts->bytes);
  return report_json(out);
}

static int bundle_print(const ledger_bundle_facts *facts) {
  printf("device     %s, epoch %" PRId64 "\nholds      ", facts->device, facts->epoch);
  bundle_say_batches(facts->first, facts->last);
  printf(", %" PRId64 " bytes\nhash       %s\n", facts->bytes, facts->hash);
  if (facts->previous[0]) printf("follows    %s\n", facts->previous);
  printf("created    %s\nsigned by  %s\nsealed to  %s\n", facts->created_at, facts->sender,
         facts->recipient);
  return EXIT_DONE;
}

/* What can be said of it without a key: that it was signed by whom it names, and arrived whole. */
static int cmd_bundle_show(const struct command *command, char **arguments, char **values) {
  struct bundle_file input;
  int status = bundle_file_open(command, arguments[0], &input);
  if (status == EXIT_DONE && ledger_bundle_check_signature(input.bundle, NULL) != LEDGER_OK)
    status = bundle_report(command, arguments[0], input.bundle);
  progress_end(&input.progress);
  if (status == EXIT_DONE) {
    const ledger_bundle_facts *facts = ledger_bundle_get_facts(input.bundle);
    status = values[BUNDLE_JSON] ? bundle_print_json(facts) : bundle_print(facts);
  }
  bundle_file_close(&input);
  return status;
}

/* ---- receive */

enum { RECEIVE_KEY, RECEIVE_ACK_DIR, RECEIVE_OUT };

struct receive {
  const struct command *command;
  struct main_link link;
  unsigned char secret[LEDGER_MAIN_KEY_BYTES];
  const char *folder, *out; /* of acknowledgements */
  int status;
  bool is_over; /* main is gone, or Ctrl-C */
  int count;
  struct bundle_file inputs[BUNDLES_MAX], *order[BUNDLES_MAX];
  char *acknowledgement; /* the last one of the device; from malloc() */
};

/* Where main stands with the device of a bundle. */
struct receive_position {
  char epoch[24], public_key[2 * LEDGER_PUBLIC_KEY_BYTES + 1], revoked_because[256], hash[65];
  bool is_revoked;
  int64_t received;
  char hash_here[65]; /* that the bundle has for batch `received` */
};

static void receive_failed(struct receive *receive, int status) {
  receive->is_over |= status == EXIT_INTERRUPTED;
  if (receive->status == EXIT_DONE || status == EXIT_INTERRUPTED) receive->status = status;
}

/* Refuses one bundle, and goes on with the others. */
static bool receive_refuse(struct receive *receive, const struct bundle_file *input,
                           const char *sqlstate, const char *problem, const char *hint) {
  report_problem(receive->command->name, input->path, sqlstate, problem, hint);
  receive_failed(receive, EXIT_REFUSED);
  return false;
}

static bool receive_refuse_bundle(struct receive *receive, const struct bundle_file *input) {
  int status = bundle_report(receive->command, input->path, input->bundle);
  receive_failed(receive, status == EXIT_INTERRUPTED ? status : EXIT_REFUSED);
  return false;
}

/* Main itself is the trouble: nothing more can be done. */
static bool receive_stop(struct receive *receive) {
  receive->status = main_link_report(&receive->link);
  receive->is_over = true;
  return false;
}

static void receive_copy(char *to, size_t size, const PGresult *rows, int column) {
  snprintf(to, size, "%s", PQgetvalue(rows, 0, column));
}

/* What main knows of the device, read again for each bundle: the one before may have moved it. */
static bool receive_position(struct receive *receive, const struct bundle_file *input,
                             struct receive_position *out) {
  const char *device = ledger_bundle_get_facts(input->bundle)->device;
  PGresult *rows = main_link_query(
      &receive->link,
      "SELECT epoch, coalesce(pg_catalog.encode(public_key, 'hex'), ''), revoked_at IS NOT NULL,"
      " coalesce(revoked_because, ''), received_seq, pg_catalog.encode(received_hash, 'hex')"
      " FROM ledger_sync.device WHERE device = $1::pg_catalog.uuid",
      1, &device);
  if (!rows) return receive_stop(receive);
  bool is_known = PQntuples(rows) == 1;
  if (is_known) {
    *out = (struct receive_position){.is_revoked = PQgetvalue(rows, 0, 2)[0] == 't'};
    receive_copy(out->epoch, sizeof out->epoch, rows, 0);
    receive_copy(out->public_key, sizeof out->public_key, rows, 1);
    receive_copy(out->revoked_because, sizeof out->revoked_because, rows, 3);
    out->received = strtoll(PQgetvalue(rows, 0, 4), NULL, 10);
    receive_copy(out->hash, sizeof out->hash, rows, 5);
  }
  PQclear(rows);
  return is_known ||
         receive_refuse(receive, input, ledger_sqlstate(LEDGER_NOT_ENROLLED),
                        "the main database does not know the device",
                        "ledger export FILE --init --enrol, for main's operator to run");
}

/* Fits ledger_bundle_verify(). */
static int receive_batch(void *context, int64_t seq, const char *hash) {
  struct receive_position *position = context;
  if (seq == position->received)
    snprintf(position->hash_here, sizeof position->hash_here, "%s", hash);
  return shell_interrupted;
}

/* Is it whole, from the device that it names, which main takes batches of? */
static bool receive_verify(struct receive *receive, struct bundle_file *input,
                           struct receive_position *position) {
  unsigned char sender[LEDGER_PUBLIC_KEY_BYTES];
  char problem[300];
  if (position->is_revoked) {
    snprintf(problem, sizeof problem, "the device was revoked%s%s",
             position->revoked_because[0] ? ": " : "", position->revoked_because);
    return receive_refuse(receive, input, ledger_sqlstate(LEDGER_REVOKED), problem, NULL);
  }
  if (!key_read_text(position->public_key, strlen(position->public_key), sender, sizeof sender))
    return receive_refuse(receive, input, ledger_sqlstate(LEDGER_WRONG_KEY),
                          "main knows no key of the device",
                          "ledger push enrols it, once ledger head has signed; or export --enrol");
  int rc = ledger_bundle_verify(input->bundle, receive->secret, sender, receive_batch, position);
  progress_end(&input->progress);
  return rc == LEDGER_OK || receive_refuse_bundle(receive, input);
}

/* Batches that main has had for long: are they these? */
static bool receive_is_past(struct receive *receive, const struct bundle_file *input,
                            const char *epoch, bool *is_same) {
  const ledger_bundle_facts *facts = ledger_bundle_get_facts(input->bundle);
  char last[24];
  const char *values[] = {facts->device, epoch, last};
  snprintf(last, sizeof last, "%" PRId64, facts->last);
  PGresult *rows =
      main_link_query(&receive->link,
                      "SELECT pg_catalog.encode(hash, 'hex') FROM ledger_sync.batch"
                      " WHERE device = $1::pg_catalog.uuid AND epoch = $2::pg_catalog.int8"
                      " AND seq = $3::pg_catalog.int8",
                      3, values);
  if (!rows) return receive_stop(receive);
  *is_same = PQntuples(rows) == 1 && strcmp(PQgetvalue(rows, 0, 0), facts->hash) == 0;
  PQclear(rows);
  return true;
}

/* Of a bundle that is the device's for certain: main's operator is told, too, by ledger_sync.fleet. */
static bool receive_refuse_order(struct receive *receive, const struct bundle_file *input,
                                 const char *sqlstate, const char *problem, const char *hint) {
  const char *values[] = {ledger_bundle_get_facts(input->bundle)->device, problem};
  receive_refuse(receive, input, sqlstate, problem, hint);
  PGresult *rows = main_link_query(
      &receive->link, "SELECT ledger_sync.report_error($1::pg_catalog.uuid, $2)", 2, values);
  PQclear(rows);
  return rows ? false : receive_stop(receive);
}

/* Does it follow on what main has? A chain of hashes: where one batch is the same, all before it are. */
static bool receive_order(struct receive *receive, const struct bundle_file *input,
                          const struct receive_position *position) {
  const ledger_bundle_facts *facts = ledger_bundle_get_facts(input->bundle);
  char problem[100];
  bool is_same = true;
  if (strtoll(position->epoch, NULL, 10) != facts->epoch)
    return receive_refuse_order(receive, input, ledger_sqlstate(LEDGER_OTHER_EPOCH),
                                "the bundle is of another epoch than the device's", NULL);
  if (facts->first > position->received + 1) {
    snprintf(problem, sizeof problem, "batches %" PRId64 " to %" PRId64 " are missing",
             position->received + 1, facts->first - 1);
    return receive_refuse_order(receive, input, ledger_sqlstate(LEDGER_GAP), problem,
                                "receive the bundle before this one first");
  }
  if (facts->first == position->received + 1)
    is_same = strcmp(facts->previous, position->hash) == 0;
  else if (facts->last >= position->received)
    is_same = strcmp(position->hash_here, position->hash) == 0;
  else if (!receive_is_past(receive, input, position->epoch, &is_same))
    return false;
  if (is_same) return true;
  return receive_refuse_order(receive, input, ledger_sqlstate(LEDGER_FORK),
                              "main has other batches of these numbers: the device's file was "
                              "restored from a backup, or copied",
                              "on the device: ledger device rekey FILE");
}

/* Sends what main has not. Each batch is a transaction: those before one that main refuses stay. */
static bool receive_send(struct receive *receive, struct bundle_file *input, int64_t after) {
  struct main_link *link = &receive->link;
  int rc = ledger_bundle_script(input->bundle, after, LEDGER_EXPORT_COPY, main_link_write, link);
  progress_end(&input->progress);
  if (rc == LEDGER_OK && main_link_end(link)) return true;
  ledger_error error = link->error;
  bool lives = main_link_abandon(link);
  if (error.code == LEDGER_OK) return receive_refuse_bundle(receive, input);
  if (lives && error.code != LEDGER_INTERRUPTED)
    return receive_refuse_order(receive, input, error.sqlstate, error.message, error.hint);
  link->error = error;
  return receive_stop(receive);
}

static bool receive_say(const struct receive *receive, const struct bundle_file *input) {
  const ledger_bundle_facts *facts = ledger_bundle_get_facts(input->bundle);
  cJSON *document = cJSON_Parse(receive->acknowledgement);
  if (!document) return false;
  const cJSON *applied = cJSON_GetObjectItemCaseSensitive(document, "applied");
  const cJSON *reason = cJSON_GetObjectItemCaseSensitive(document, "reason");
  printf("%s: device %s, ", input->path, facts->device);
  bundle_say_batches(facts->first, facts->last);
  if (cJSON_IsNumber(applied) && applied->valuedouble >= (double)facts->last) {
    fputs(": applied\n", stdout);
  } else {
    printf(": in custody: ");
    report_words(stdout, cJSON_IsString(reason) ? reason->valuestring : "an earlier batch waits");
    putchar('\n');
  }
  cJSON_Delete(document);
  return true;
}

/* Main's word for what it has of the device, to be signed; and what there is to say of the bundle. */
static void receive_acknowledgement(struct receive *receive, const struct bundle_file *input,
                                    bool is_taken) {
  char sql[128];
  snprintf(sql, sizeof sql, "SELECT ledger_sync.acknowledgement('%.36s');\n",
           ledger_bundle_get_facts(input->bundle)->device);
  const char *text = main_link_text(&receive->link, sql);
  if (!text) {
    receive_stop(receive);
    return;
  }
  free(receive->acknowledgement);
  receive->acknowledgement = strdup(text);
  if (receive->acknowledgement && (!is_taken || receive_say(receive, input))) return;
  receive->status = report_memory(receive->command);
  receive->is_over = true;
}

/* One bundle, from its signature to main's tables. */
static void receive_bundle(struct receive *receive, struct bundle_file *input) {
  struct receive_position position;
  if (!receive_position(receive, input, &position) || !receive_verify(receive, input, &position))
    return;
  bool is_taken = receive_order(receive, input, &position);
  if (is_taken && ledger_bundle_get_facts(input->bundle)->last > position.received)
    is_taken = receive_send(receive, input, position.received);
  /* Taken or refused, the device is to know what main has. */
  if (!receive->is_over) receive_acknowledgement(receive, input, is_taken);
}

/* The signed acknowledgement of a device, once its bundles are done. */
static void receive_answer(struct receive *receive, const char *device) {
  char path[PATH_MAX], signature[LEDGER_ACKNOWLEDGEMENT_SIGNATURE];
  struct output_file output;
  if (!receive->acknowledgement) return;
  snprintf(path, sizeof path, "%s/%s.ack", receive->folder ? receive->folder : "", device);
  ledger_sign_acknowledgement(receive->secret, receive->acknowledgement, signature);
  int status = output_open(&output, receive->command, receive->folder ? path : receive->out);
  if (status == EXIT_DONE) {
    fprintf(output.file, "%s\n%s\n", receive->acknowledgement, signature);
    status = output_end(&output, EXIT_DONE);
  }
  if (status != EXIT_DONE) receive_failed(receive, EXIT_REFUSED);
  free(receive->acknowledgement);
  receive->acknowledgement = NULL;
}

static int receive_compare(const void *a, const void *b) {
  const struct bundle_file *const *pair[] = {a, b};
  const ledger_bundle_facts *one = ledger_bundle_get_facts((*pair[0])->bundle),
                            *other = ledger_bundle_get_facts((*pair[1])->bundle);
  int order = strcmp(one->device, other->device);
  if (order == 0) order = (one->epoch > other->epoch) - (one->epoch < other->epoch);
  return order ? order : (one->first > other->first) - (one->first < other->first);
}

static const char *receive_device(const struct receive *receive, int i) {
  return i < receive->count ? ledger_bundle_get_facts(receive->order[i]->bundle)->device : "";
}

/* Opens the bundles and puts them in order. One that is none does not stop the others. */
static int receive_open(struct receive *receive, char **paths) {
  for (; *paths; paths++) {
    struct bundle_file *input = &receive->inputs[receive->count];
    if (bundle_file_open(receive->command, *paths, input) == EXIT_DONE) {
      receive->order[receive->count++] = input;
      continue;
    }
    bundle_file_close(input);
    receive_failed(receive, EXIT_REFUSED);
  }
  qsort(receive->order, (size_t)receive->count, sizeof *receive->order, receive_compare);
  for (int i = 1; i < receive->count && !receive->folder; i++)
    if (strcmp(receive_device(receive, i - 1), receive_device(receive, i)) != 0)
      return report_usage(receive->command,
                          "the bundles are of several devices: give --ack-dir=DIR");
  return EXIT_DONE;
}

static void receive_all(struct receive *receive, const char *dsn) {
  if (!main_link_open(&receive->link, receive->command->name, dsn)) receive_stop(receive);
  for (int i = 0; i < receive->count && !receive->is_over; i++) {
    receive_bundle(receive, receive->order[i]);
    if (strcmp(receive_device(receive, i), receive_device(receive, i + 1)) != 0)
      receive_answer(receive, receive_device(receive, i));
  }
  main_link_close(&receive->link);
}

static int cmd_receive(const struct command *command, char **arguments, char **values) {
  struct stat facts;
  if (!values[RECEIVE_KEY]) return report_usage(command, "--key=KEYFILE is needed");
  if (values[RECEIVE_ACK_DIR] && values[RECEIVE_OUT])
    return report_usage(command, "give one of --ack-dir, -o");
  const char *folder = values[RECEIVE_ACK_DIR];
  if (folder &&
      (strlen(folder) > PATH_MAX - 64 || stat(folder, &facts) != 0 || !S_ISDIR(facts.st_mode)))
    return key_problem(command, folder, "58P01", "is not a folder");
  struct receive *receive = calloc(1, sizeof *receive);
  if (!receive) return report_memory(command);
  receive->command = command;
  receive->folder = folder;
  receive->out = values[RECEIVE_OUT];
  int status = key_file_read(command, values[RECEIVE_KEY], receive->secret, sizeof receive->secret);
  if (status == EXIT_DONE) {
    status = receive_open(receive, arguments + 1);
    if (status == EXIT_DONE && receive->count > 0) receive_all(receive, arguments[0]);
    if (status == EXIT_DONE) status = receive->status;
  }
  for (int i = 0; i < receive->count; i++) bundle_file_close(&receive->inputs[i]);
  free(receive->acknowledgement);
  explicit_bzero(receive, sizeof *receive);
  free(receive);
  return status;
}
