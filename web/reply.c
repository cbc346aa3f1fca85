/*
** reply: what goes back: headers, refusals in the words of a route's dialect, the bytes.
*/
#include "server.h"

static const char *reply_reason(int status) {
  switch (status) {
  case 200: return "OK";
  case 201: return "Created";
  case 204: return "No Content";
  case 206: return "Partial Content";
  case 300: return "Multiple Choices";
  case 304: return "Not Modified";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 406: return "Not Acceptable";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 411: return "Length Required";
  case 412: return "Precondition Failed";
  case 413: return "Content Too Large";
  case 414: return "URI Too Long";
  case 415: return "Unsupported Media Type";
  case 416: return "Range Not Satisfiable";
  case 417: return "Expectation Failed";
  case 422: return "Unprocessable Content";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  case 505: return "HTTP Version Not Supported";
  case 507: return "Insufficient Storage";
  default: return "Status";
  }
}

static void web_header(struct web_reply *reply, const char *name, const char *format, ...) {
  va_list arguments;
  web_text_format(&reply->headers, "%s: ", name);
  size_t start = reply->headers.length;
  va_start(arguments, format);
  text_format(&reply->headers, format, arguments);
  va_end(arguments);
  if (reply->headers.failed) return;
  /* A value that came from a client's text or a row ends no header. */
  char *to = reply->headers.bytes + start;
  for (const char *from = to; *from; from++)
    if ((unsigned char)*from >= ' ' && *from != 0x7f) *to++ = *from;
  *to = '\0';
  reply->headers.length = (size_t)(to - reply->headers.bytes);
  web_text_add(&reply->headers, "\r\n", 2);
}

/* ---- refusals */

static void rest_problem(struct web_request *request, struct web_reply *reply,
                         const struct web_problem *problem); /* rest_error.c */

static void web_refuse(struct web_request *request, struct web_reply *reply,
                       const struct web_problem *problem) {
  reply->status = problem->status;
  reply->content_type = NULL;
  reply->borrowed = NULL;
  reply->borrowed_length = 0;
  text_clear(&reply->body);
  snprintf(reply->error_code, sizeof reply->error_code, "%s",
           problem->error ? problem->error->sqlstate : problem->code);
  if (request->route && request->route->refuse)
    request->route->refuse(request, reply, problem);
  else
    rest_problem(request, reply, problem);
}

/* Status, code on /rest and word on /auth of an error that is the server's to answer: who asks, and whether the file can be had. */
static const struct {
  int code, status;
  const char *rest, *word;
} reply_errors[] = {{LEDGER_BAD_TOKEN, 401, "PGRST301", "bad_jwt"},
                    {LEDGER_TOKEN_EXPIRED, 401, "PGRST303", "bad_jwt"},
                    {LEDGER_SESSION_GONE, 401, "PGRST301", "session_not_found"},
                    {LEDGER_BAD_KEY, 401, "PGRST301", "bad_jwt"},
                    {LEDGER_BANNED, 403, NULL, "user_banned"},
                    {LEDGER_RATE_LIMITED, 429, NULL, "over_request_rate_limit"},
                    {LEDGER_BUSY, 503, NULL, "unexpected_failure"},
                    {LEDGER_INTERRUPTED, 504, NULL, "request_timeout"},
                    {LEDGER_FULL, 507, NULL, "unexpected_failure"}};

static void web_refuse_error(struct web_request *request, struct web_reply *reply,
                             const ledger_error *error) {
  struct web_problem problem = {.status = 500,
                                .code = error->sqlstate,
                                .word = "unexpected_failure",
                                .message = error->message,
                                .details = error->detail[0] ? error->detail : NULL,
                                .hint = error->hint[0] ? error->hint : NULL,
                                .error = error};
  for (size_t i = 0; i < sizeof reply_errors / sizeof *reply_errors; i++) {
    if (reply_errors[i].code != error->code) continue;
    problem.status = reply_errors[i].status;
    problem.word = reply_errors[i].word;
    if (reply_errors[i].rest) problem.code = reply_errors[i].rest;
  }
  web_refuse(request, reply, &problem);
}

/* ---- the bytes */

static void reply_date(struct web_worker *worker) {
  time_t now = time(NULL);
  struct tm utc;
  if (now == worker->date_time) return;
  worker->date_time = now;
  gmtime_r(&now, &utc);
  strftime(worker->date, sizeof worker->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
}

/* Will the connection end behind this reply? As civetweb decides it. */
static bool reply_closes(const struct web_request *request, const struct web_reply *reply) {
  if (reply->closes || !request->info->http_version) return true;
  const char *wish = web_request_header(request, "Connection", 0);
  if (wish) return !request_list_has(wish, "keep-alive");
  return strcmp(request->info->http_version, "1.1") != 0;
}

static void reply_line(struct web_text *head, const char *name, const char *value) {
  web_text_put(head, name);
  web_text_put(head, value);
  web_text_add(head, "\r\n", 2);
}

/* Sends it, in one piece where it is small. Returns the bytes of the body. */
static size_t reply_send(struct web_request *request, struct web_reply *reply) {
  struct web_text *head = &request->scratch->head;
  const char *body = reply->borrowed ? reply->borrowed : reply->body.bytes;
  size_t length = reply->borrowed ? reply->borrowed_length : reply->body.length;
  if (reply->status == 0) reply->status = 200;
  if (reply->body.failed || reply->headers.failed) {
    static const char memory[] =
        "{\"code\":\"53200\",\"details\":null,\"hint\":null,\"message\":\"out of memory\"}";
    web_text_free(&reply->headers);
    reply->status = 500;
    reply->content_type = NULL;
    body = memory;
    length = sizeof memory - 1;
  }
  bool has_body = reply->status >= 200 && reply->status != 204 && reply->status != 304;
  bool closes = reply_closes(request, reply);
  reply_date(request->worker);
  web_text_put(head, "HTTP/1.1 ");
  text_number(head, (size_t)reply->status);
  reply_line(head, " ", reply_reason(reply->status));
  reply_line(head, "Date: ", request->worker->date);
  web_text_put(head, "Server: ledger/" LEDGER_VERSION "\r\n");
  if (has_body && (length > 0 || reply->content_type))
    reply_line(head, "Content-Type: ",
               reply->content_type ? reply->content_type : "application/json; charset=utf-8");
  if (has_body) {
    web_text_put(head, "Content-Length: ");
    text_number(head, length);
    web_text_put(head, "\r\n");
  }
  reply_line(head, "X-Request-Id: ", request->id);
  if (closes)
    web_text_put(head, "Connection: close\r\n");
  else if (strcmp(request->info->http_version, "1.1") != 0)
    web_text_put(head, "Connection: keep-alive\r\n");
  if (reply->headers.length > 0) web_text_add(head, reply->headers.bytes, reply->headers.length);
  web_text_add(head, "\r\n", 2);
  if (closes) mg_disable_connection_keep_alive(request->connection);
  if (!has_body || request->method == WEB_HEAD) length = 0;
  bool is_joined = length > 0 && length <= SERVER_KEEP_BYTES - 2048;
  if (is_joined) web_text_add(head, body, length);
  if (head->failed) {
    mg_disable_connection_keep_alive(request->connection);
    return 0;
  }
  bool is_sent = mg_write(request->connection, head->bytes, head->length) == (int)head->length;
  for (size_t at = 0; is_sent && !is_joined && at < length;) {
    size_t part = length - at < INT_MAX / 2 ? length - at : INT_MAX / 2;
    is_sent = mg_write(request->connection, body + at, part) == (int)part;
    at += part;
  }
  if (!is_sent) mg_disable_connection_keep_alive(request->connection);
  return length;
}
