/*
** role_commands: ledger role: what users may be, where the schema has roles.
*/
#include "shell.h"

enum { ROLE_LIST_JSON };

static int role_print_user(const struct command *command, ledger *db, const char *name) {
  ledger_user user;
  if (ledger_user_get(db, name, &user) != LEDGER_OK) return report_error(command->name, NULL, db);
  puts(user.roles);
  return EXIT_DONE;
}

static int cmd_role_list(const struct command *command, char **arguments, char **values) {
  static const struct print_column columns[] = {{"name", -20}, {"description", 0}, {NULL, 0}};
  int status = EXIT_DONE;
  ledger_rows *rows = NULL;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  if (arguments[1])
    status = role_print_user(command, db, arguments[1]);
  else if (ledger_select(db, "roles", "select=name,description&order=name", &rows) != LEDGER_OK)
    status = report_error(command->name, arguments[0], db);
  else if (values[ROLE_LIST_JSON])
    status = rows_print_json(command, NULL, db, rows);
  else
    status = print_table(command, NULL, db, rows, columns);
  ledger_close(db);
  return status;
}

static int role_change(const struct command *command, char **arguments,
                       int (*change)(ledger *db, const char *user, const char *role)) {
  int status = EXIT_DONE;
  ledger *db = report_open_as(command, arguments[0], 0, NULL, &status);
  if (!db) return status;
  if (change(db, arguments[1], arguments[2]) != LEDGER_OK)
    status = report_error(command->name, arguments[1], db);
  ledger_close(db);
  return status;
}

static int cmd_role_grant(const struct command *command, char **arguments, char **values) {
  (void)values;
  return role_change(command, arguments, ledger_role_grant);
}

static int cmd_role_revoke(const struct command *command, char **arguments, char **values) {
  (void)values;
  return role_change(command, arguments, ledger_role_revoke);
}
