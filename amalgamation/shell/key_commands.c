/*
** key_commands: ledger key: API keys, the JWT keys of Supabase clients, and the secret that signs tokens.
*/
#include "shell.h"

#define KEY_OVERLAP_SECONDS 3600 /* as long as an access token lives */
#define KEY_SECRET_MAX 1100

enum {
  KEY_CREATE_ROLE,
  KEY_CREATE_NAME,
  KEY_CREATE_DESCRIPTION,
  KEY_CREATE_PERMISSIONS,
  KEY_CREATE_EXPIRES,
  KEY_CREATE_RATE,
  KEY_CREATE_JSON
};

static int key_show(const char *id, const char *key, bool as_json) {
  if (as_json) {
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "id", id);
    cJSON_AddStringToObject(out, "key", key);
    return report_json(out);
  }
  puts(key);
  fprintf(stderr, "key %s: it is not shown again\n", id);
  return EXIT_DONE;
}

static int cmd_key_create(const struct command *command, char **arguments, char **values) {
  int64_t rate = 0;
  int status = EXIT_DONE;
  char *id = NULL, *key = NULL;
  const char *limit = values[KEY_CREATE_RATE];
  if (limit && strcmp(limit, "none") == 0)
    rate = -1;
  else if (!report_number(limit, INT_MAX, &rate))
    return report_usage(command, "--rate-limit is requests a minute, from 1, or none");
  if ((arguments[1] == NULL) == (values[KEY_CREATE_ROLE] == NULL))
    return report_usage(command, "name a user, or --role=anon or --role=service_role");
  ledger_key_request request = {.user = arguments[1],
                                .role = values[KEY_CREATE_ROLE],
                                .name = values[KEY_CREATE_NAME],
                                .description = values[KEY_CREATE_DESCRIPTION],
                                .permissions = values[KEY_CREATE_PERMISSIONS],
                                .expires_at = values[KEY_CREATE_EXPIRES],
                                .rate_limit = (int)rate};
  ledger *db = report_open_as(command, arguments[0], 0, NULL, &status);
  if (!db) return status;
  if (ledger_key_create(db, &request, &id, &key) != LEDGER_OK)
    status = report_error(command->name, arguments[1], db);
  else
    status = key_show(id, key, values[KEY_CREATE_JSON] != NULL);
  ledger_free(id);
  ledger_free(key);
  ledger_close(db);
  return status;
}

enum { KEY_LIST_JSON };

static int cmd_key_list(const struct command *command, char **arguments, char **values) {
  static const struct print_column columns[] = {
      {"id", -36},        {"role", -13},      {"user_id", -36},      {"name", -20},
      {"is_active", -9},  {"rate_limit", 10}, {"last_used_at", -27}, {"expires_at", -27},
      {"permissions", 0}, {NULL, 0}};
  int status = EXIT_DONE;
  ledger_rows *rows = NULL;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  if (ledger_key_list(db, &rows) != LEDGER_OK)
    status = report_error(command->name, arguments[0], db);
  else if (values[KEY_LIST_JSON])
    status = rows_print_json(command, NULL, db, rows);
  else
    status = print_table(command, NULL, db, rows, columns);
  ledger_close(db);
  return status;
}

static int cmd_key_revoke(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  (void)values;
  ledger *db = report_open_as(command, arguments[0], 0, NULL, &status);
  if (!db) return status;
  if (ledger_key_revoke(db, arguments[1]) != LEDGER_OK)
    status = report_error(command->name, arguments[1], db);
  ledger_close(db);
  return status;
}

enum { KEY_JWT_ROLE, KEY_JWT_DAYS, KEY_JWT_JSON };

static int cmd_key_jwt(const struct command *command, char **arguments, char **values) {
  static const char *const usual[] = {"anon", "service_role"};
  const char *const *roles = usual;
  const char *given = values[KEY_JWT_ROLE];
  int count = 2, status = EXIT_DONE;
  int64_t days = 0;
  if (given) {
    roles = &given;
    count = 1;
  }
  if (!report_number(values[KEY_JWT_DAYS], 36500, &days))
    return report_usage(command, "--days is a number from 1 to 36500");
  ledger *db = report_open(command, arguments[0], 0, &status);
  if (!db) return status;
  cJSON *out = cJSON_CreateObject();
  for (int i = 0; i < count && status == EXIT_DONE; i++) {
    char *token = NULL;
    if (ledger_token_sign(db, roles[i], days * 86400, &token) != LEDGER_OK)
      status = report_error(command->name, roles[i], db);
    else if (values[KEY_JWT_JSON])
      cJSON_AddStringToObject(out, roles[i], token);
    else if (given)
      puts(token);
    else
      printf("%-12s %s\n", roles[i], token);
    ledger_free(token);
  }
  if (status == EXIT_DONE && values[KEY_JWT_JSON])
    status = report_json(out);
  else
    cJSON_Delete(out);
  ledger_close(db);
  return status;
}

enum { KEY_ROTATE_OVERLAP, KEY_ROTATE_STDIN };

static int cmd_key_rotate(const struct command *command, char **arguments, char **values) {
  char secret[KEY_SECRET_MAX];
  int64_t overlap = KEY_OVERLAP_SECONDS;
  int status = EXIT_DONE;
  bool is_none = values[KEY_ROTATE_OVERLAP] && strcmp(values[KEY_ROTATE_OVERLAP], "0") == 0;
  if (is_none)
    overlap = 0;
  else if (!report_number(values[KEY_ROTATE_OVERLAP], INT_MAX, &overlap))
    return report_usage(command, "--overlap is a number of seconds");
  ledger *db = report_open(command, arguments[0], 0, &status);
  if (!db) return status;
  if (values[KEY_ROTATE_STDIN]) status = user_read_secret(command, "secret", secret, sizeof secret);
  if (status == EXIT_DONE &&
      ledger_secret_rotate(db, values[KEY_ROTATE_STDIN] ? secret : NULL, overlap) != LEDGER_OK)
    status = report_error(command->name, arguments[0], db);
  explicit_bzero(secret, sizeof secret);
  ledger_close(db);
  return status;
}
