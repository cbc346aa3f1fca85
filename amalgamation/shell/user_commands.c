/*
** user_commands: ledger user: people made, shown, changed, kept out and let go, by the file's owner. A password comes from the
** terminal, without echo, or from standard input, never from an argument: those stand in the list of processes.
*/
#include "shell.h"

#include <termios.h>

#define USER_PASSWORD_MAX 1200
#define USER_PAGE 500

/* One line of standard input, without its end. False at the end of it, or when it is too long. */
static bool user_read_line(char *out, size_t size) {
  size_t length = 0;
  for (;;) {
    char c;
    ssize_t got = read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR && !shell_interrupted) continue;
    if (got < 0 || (got == 0 && length == 0)) return false;
    if (got == 0 || c == '\n') break;
    if (length + 1 == size || c == 0) return false;
    out[length++] = c;
  }
  if (length > 0 && out[length - 1] == '\r') length--;
  out[length] = 0;
  return true;
}

/* The same without echo, on a terminal. */
static bool user_ask(const char *prompt, char *out, size_t size) {
  struct termios before, silent;
  if (tcgetattr(STDIN_FILENO, &before) != 0) return false;
  silent = before;
  silent.c_lflag &= ~(tcflag_t)ECHO;
  tcsetattr(STDIN_FILENO, TCSAFLUSH,
            &silent); /* drops what was typed: nothing is, before the prompt */
  fputs(prompt, stderr);
  bool is_read = user_read_line(out, size);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
  fputc('\n', stderr);
  return is_read;
}

/* Of a person twice, of a program once. */
static int user_read_secret(const struct command *command, const char *what, char *out,
                            size_t size) {
  char prompt[64], again[USER_PASSWORD_MAX];
  const char *problem = NULL;
  snprintf(prompt, sizeof prompt, "%s: ", what);
  if (!isatty(STDIN_FILENO)) {
    if (!user_read_line(out, size)) problem = "none on standard input, or too long a one";
  } else if (!user_ask(prompt, out, size)) {
    problem = "none was given, or too long a one";
  } else {
    if (!user_ask("again: ", again, sizeof again) || strcmp(again, out) != 0)
      problem = "the two are not the same";
    explicit_bzero(again, sizeof again);
  }
  if (!problem) return EXIT_DONE;
  explicit_bzero(out, size);
  if (shell_interrupted) return EXIT_INTERRUPTED;
  report_problem(command->name, what, "22023", problem, NULL);
  return EXIT_USAGE;
}

/* ---- what is printed */

static void user_add_text(cJSON *out, const char *name, const char *text) {
  if (text[0])
    cJSON_AddStringToObject(out, name, text);
  else
    cJSON_AddNullToObject(out, name);
}

static cJSON *user_json(const ledger_user *user) {
  cJSON *out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "id", user->id);
  user_add_text(out, "email", user->email);
  user_add_text(out, "phone", user->phone);
  cJSON_AddStringToObject(out, "role", user->role);
  cJSON_AddItemToObject(out, "roles", cJSON_CreateRaw(user->roles));
  user_add_text(out, "email_confirmed_at", user->email_confirmed_at);
  user_add_text(out, "phone_confirmed_at", user->phone_confirmed_at);
  user_add_text(out, "last_sign_in_at", user->last_sign_in_at);
  user_add_text(out, "created_at", user->created_at);
  user_add_text(out, "updated_at", user->updated_at);
  user_add_text(out, "banned_until", user->banned_until);
  user_add_text(out, "deleted_at", user->deleted_at);
  cJSON_AddItemToObject(out, "app_metadata", cJSON_CreateRaw(user->app_metadata));
  cJSON_AddItemToObject(out, "user_metadata", cJSON_CreateRaw(user->user_metadata));
  cJSON_AddBoolToObject(out, "is_anonymous", user->is_anonymous);
  cJSON_AddBoolToObject(out, "has_password", user->has_password);
  return out;
}

static void user_print_line(const char *name, const char *text) {
  if (!text[0]) return;
  printf("%-19s ", name);
  report_words(stdout, text);
  putchar('\n');
}

static int user_print(const ledger_user *user, bool as_json) {
  if (as_json) return report_json(user_json(user));
  user_print_line("id", user->id);
  user_print_line("email", user->email);
  user_print_line("phone", user->phone);
  user_print_line("token role", user->role);
  user_print_line("roles", user->roles);
  user_print_line("password", user->has_password ? "set" : "none");
  user_print_line("anonymous", user->is_anonymous ? "yes" : "");
  user_print_line("email confirmed", user->email_confirmed_at);
  user_print_line("phone confirmed", user->phone_confirmed_at);
  user_print_line("last sign-in", user->last_sign_in_at);
  user_print_line("created", user->created_at);
  user_print_line("banned until", user->banned_until);
  user_print_line("left", user->deleted_at);
  user_print_line("app_metadata", user->app_metadata);
  user_print_line("user_metadata", user->user_metadata);
  return EXIT_DONE;
}

/* ---- create */

enum { CREATE_PHONE, CREATE_NO_PASSWORD, CREATE_ROLE, CREATE_METADATA, CREATE_JSON };

static int cmd_user_create(const struct command *command, char **arguments, char **values) {
  char password[USER_PASSWORD_MAX];
  int status = EXIT_DONE;
  ledger_user user;
  ledger_user_change change = {.email = arguments[1],
                               .phone = values[CREATE_PHONE],
                               .user_metadata = values[CREATE_METADATA],
                               .confirm = 1,
                               .by_administrator = 1};
  ledger *db = report_open_as(command, arguments[0], 0, NULL, &status);
  if (!db) return status;
  if (!values[CREATE_NO_PASSWORD]) {
    status = user_read_secret(command, "password", password, sizeof password);
    change.password = password;
  }
  if (status == EXIT_DONE) {
    /* the user and the role, or neither */
    int rc = ledger_begin(db);
    if (rc == LEDGER_OK) rc = ledger_user_create(db, &change, &user);
    if (rc == LEDGER_OK && values[CREATE_ROLE]) {
      rc = ledger_role_grant(db, arguments[1], values[CREATE_ROLE]);
      if (rc == LEDGER_OK) rc = ledger_user_get(db, arguments[1], &user);
    }
    if (rc == LEDGER_OK) {
      status = user_print(&user, values[CREATE_JSON] != NULL);
      rc = ledger_commit(db);
    }
    if (rc != LEDGER_OK) status = report_error(command->name, arguments[1], db);
  }
  explicit_bzero(password, sizeof password);
  ledger_close(db);
  return status;
}

/* ---- list and show */

enum { USERS_JSON };

struct user_listing {
  cJSON *array; /* NULL: a table for people */
};

static int user_list_one(void *context, const ledger_user *user) {
  struct user_listing *listing = context;
  if (shell_interrupted) return 1;
  if (listing->array) {
    cJSON_AddItemToArray(listing->array, user_json(user));
    return 0;
  }
  const char *name = user->email[0] ? user->email : user->phone[0] ? user->phone : "(anonymous)";
  const char *state = user->deleted_at[0]     ? "left"
                      : user->banned_until[0] ? "banned"
                      : user->has_password    ? "active"
                                              : "no password";
  printf("%-36s  ", user->id);
  report_words(stdout, name);
  printf("%*s  %-11s  %-24.24s  %s\n", (int)(strlen(name) < 32 ? 32 - strlen(name) : 0), "", state,
         user->last_sign_in_at[0] ? user->last_sign_in_at : "-", user->roles);
  return 0;
}

static int cmd_user_list(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE, rc = LEDGER_OK;
  int64_t total = 1;
  struct user_listing listing = {.array = values[USERS_JSON] ? cJSON_CreateArray() : NULL};
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (db && !listing.array)
    printf("%-36s  %-32s  %-11s  %-24s  %s\n", "id", "name", "state", "last sign-in", "roles");
  for (int64_t page = 1; db && rc == LEDGER_OK && (page - 1) * USER_PAGE < total; page++)
    rc = ledger_user_list(db, page, USER_PAGE, user_list_one, &listing, &total);
  if (db && rc != LEDGER_OK) status = report_error(command->name, arguments[0], db);
  if (db && rc == LEDGER_OK && listing.array)
    status = report_json(listing.array);
  else
    cJSON_Delete(listing.array);
  ledger_close(db);
  return status;
}

static int cmd_user_show(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger_user user;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  if (ledger_user_get(db, arguments[1], &user) != LEDGER_OK)
    status = report_error(command->name, NULL, db);
  else
    status = user_print(&user, values[USERS_JSON] != NULL);
  ledger_close(db);
  return status;
}

/* ---- changes */

/* The id of a user who is named by id or address, into `id`. */
static int user_change(const struct command *command, const char *path, const char *name,
                       const ledger_user_change *change, bool as_json) {
  int status = EXIT_DONE;
  ledger_user user;
  ledger *db = report_open_as(command, path, 0, NULL, &status);
  if (!db) return status;
  if (ledger_user_update(db, name, change, &user) != LEDGER_OK)
    status = report_error(command->name, name, db);
  else if (as_json)
    status = user_print(&user, true);
  ledger_close(db);
  return status;
}

enum {
  UPDATE_EMAIL,
  UPDATE_PHONE,
  UPDATE_TOKEN_ROLE,
  UPDATE_METADATA,
  UPDATE_APP_METADATA,
  UPDATE_CONFIRM,
  UPDATE_JSON
};

static int cmd_user_update(const struct command *command, char **arguments, char **values) {
  ledger_user_change change = {.email = values[UPDATE_EMAIL],
                               .phone = values[UPDATE_PHONE],
                               .role = values[UPDATE_TOKEN_ROLE],
                               .user_metadata = values[UPDATE_METADATA],
                               .app_metadata = values[UPDATE_APP_METADATA],
                               .confirm = values[UPDATE_CONFIRM] != NULL,
                               .by_administrator = 1};
  bool is_any = false;
  for (int i = 0; i < UPDATE_JSON; i++) is_any = is_any || values[i];
  if (!is_any) return report_usage(command, "say what is to be changed");
  return user_change(command, arguments[0], arguments[1], &change, values[UPDATE_JSON] != NULL);
}

static int cmd_user_password(const struct command *command, char **arguments, char **values) {
  char password[USER_PASSWORD_MAX];
  ledger_user_change change = {.password = password, .by_administrator = 1};
  (void)values;
  int status = user_read_secret(command, "password", password, sizeof password);
  if (status == EXIT_DONE)
    status = user_change(command, arguments[0], arguments[1], &change, false);
  explicit_bzero(password, sizeof password);
  return status;
}

enum { BAN_UNTIL };

static int cmd_user_ban(const struct command *command, char **arguments, char **values) {
  const char *until = values[BAN_UNTIL] ? values[BAN_UNTIL] : "infinity";
  ledger_user_change change = {.banned_until = until, .by_administrator = 1};
  if (!until[0]) return report_usage(command, "--until needs a time");
  return user_change(command, arguments[0], arguments[1], &change, false);
}

static int cmd_user_unban(const struct command *command, char **arguments, char **values) {
  ledger_user_change change = {.banned_until = "", .by_administrator = 1};
  (void)values;
  return user_change(command, arguments[0], arguments[1], &change, false);
}

enum { DELETE_HARD };

static int cmd_user_delete(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger *db = report_open_as(command, arguments[0], 0, NULL, &status);
  if (!db) return status;
  if (ledger_user_delete(db, arguments[1], values[DELETE_HARD] == NULL) != LEDGER_OK)
    status = report_error(command->name, arguments[1], db);
  ledger_close(db);
  return status;
}
