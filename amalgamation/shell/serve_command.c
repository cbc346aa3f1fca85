/*
** serve_command: ledger serve: the HTTP server, which is web/. The drop-in has none.
*/
#include "shell.h"

#include "../../web/web.h"

enum {
  SERVE_LISTEN,
  SERVE_SCHEMA,
  SERVE_TLS,
  SERVE_OPEN,
  SERVE_KEY_FILE,
  SERVE_THREADS,
  SERVE_CORS,
  SERVE_QUIET,
  SERVE_BODY_MAX,
  SERVE_TIMEOUT,
  SERVE_REQUEST_TIMEOUT,
  SERVE_IDLE_TIMEOUT,
  SERVE_SIGN_INS,
  SERVE_BEHIND_PROXY,
  SERVE_SHOW_KEYS,
  SERVE_NO_SIGNUP,
  SERVE_NO_ANONYMOUS,
  SERVE_CONFIRM,
  SERVE_TOKEN_SECONDS,
  SERVE_ANON_REQUESTS
};

/* --listen: one address, or several with commas between them. */
static bool serve_addresses(char *text, web_options *options) {
  int count = 0;
  char *rest = NULL;
  for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
    if (count == WEB_LISTEN_MAX - 1) return false;
    options->listen[count++] = word;
  }
  return count > 0;
}

/* A time in seconds, into milliseconds. */
static bool serve_seconds(const char *text, int *out_ms) {
  int64_t seconds = 0;
  if (!text) return true;
  if (!report_number(text, 86400, &seconds)) return false;
  *out_ms = (int)seconds * 1000;
  return true;
}

static int serve_options(const struct command *command, char **values, web_options *options,
                         ledger_auth_settings *auth) {
  int64_t threads = options->threads, body = options->body_max, token = 0, sign_ins = 0, anon = 0;
  if (values[SERVE_LISTEN] && !serve_addresses(values[SERVE_LISTEN], options))
    return report_usage(command, "--listen is ADDRESS:PORT, or a few of them with commas");
  if (!report_number(values[SERVE_THREADS], 1024, &threads) || threads < 4)
    return report_usage(command, "--threads is from 4 to 1024");
  if (!report_number(values[SERVE_BODY_MAX], LEDGER_TEXT_MAX, &body))
    return report_usage(command, "--body-max is a number of bytes, 256 MiB at most");
  if (!serve_seconds(values[SERVE_TIMEOUT], &options->statement_ms) ||
      !serve_seconds(values[SERVE_REQUEST_TIMEOUT], &options->request_ms) ||
      !serve_seconds(values[SERVE_IDLE_TIMEOUT], &options->idle_ms))
    return report_usage(command, "a timeout is a number of seconds, from 1 to 86400");
  if (!report_number(values[SERVE_TOKEN_SECONDS], 31536000, &token))
    return report_usage(command, "--token-seconds is from 1 to 31536000");
  if (values[SERVE_SIGN_INS] && strcmp(values[SERVE_SIGN_INS], "0") == 0)
    options->sign_ins = 0;
  else if (!report_number(values[SERVE_SIGN_INS], 1000000, &sign_ins))
    return report_usage(command, "--sign-ins is a number, or 0 for no limit");
  else if (values[SERVE_SIGN_INS])
    options->sign_ins = (int)sign_ins;
  if (!report_number(values[SERVE_ANON_REQUESTS], 1000000, &anon))
    return report_usage(command, "--anon-requests is from 1 to 1000000");
  options->anon_requests = (int)anon;
  options->threads = (int)threads;
  options->body_max = body;
  options->tls = values[SERVE_TLS];
  options->cors = values[SERVE_CORS];
  options->opens_tables = values[SERVE_OPEN] != NULL;
  options->behind_proxy = values[SERVE_BEHIND_PROXY] != NULL;
  options->is_quiet = values[SERVE_QUIET] != NULL;
  options->shows_keys = values[SERVE_SHOW_KEYS] != NULL;
  auth->signup_disabled = values[SERVE_NO_SIGNUP] != NULL;
  auth->anonymous_disabled = values[SERVE_NO_ANONYMOUS] != NULL;
  auth->must_confirm = values[SERVE_CONFIRM] != NULL;
  auth->token_seconds = (int)token;
  options->auth = auth;
  return EXIT_DONE;
}

/* Where a schema is named, a file that is not there is made. */
static int serve_make(const struct command *command, const char *path, const char *schema,
                      ledger **made) {
  if (!schema || access(path, F_OK) == 0) return EXIT_DONE;
  int status = init_file(command, path, schema, false, 0, made);
  if (status == EXIT_DONE) return EXIT_DONE;
  ledger_close(*made);
  *made = NULL;
  return status;
}

static int cmd_serve(const struct command *command, char **arguments, char **values) {
  unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES];
  ledger_auth_settings auth = {0};
  web_options options = {.path = arguments[0],
                         .listen = {"127.0.0.1:8787"},
                         .threads = 96,
                         .body_max = 16 * 1024 * 1024,
                         .request_ms = 10000,
                         .idle_ms = 60000,
                         .sign_ins = 30};
  int status = serve_options(command, values, &options, &auth);
  const char *key_path = encrypt_key_path(values[SERVE_KEY_FILE]);
  if (status == EXIT_DONE && key_path) {
    status = key_file_read(command, key_path, key, sizeof key);
    options.encryption_key = key;
    options.key_is_optional = values[SERVE_KEY_FILE] == NULL;
  }
  if (status == EXIT_DONE)
    status = serve_make(command, arguments[0], values[SERVE_SCHEMA], &options.made);
  if (status == EXIT_DONE) status = web_serve(&options);
  explicit_bzero(key, sizeof key);
  return status;
}
