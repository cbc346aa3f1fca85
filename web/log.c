/*
** log: one JSON object per request on standard error, a line that is written at once. Never a token, a body, a path or a query:
** the route's template says what was asked.
*/
#include "server.h"

#include <errno.h>
#include <unistd.h>

static void log_write(struct web_text *line) {
  web_text_put(line, "}\n");
  if (line->failed) return;
  for (size_t at = 0; at < line->length;) {
    ssize_t written = write(STDERR_FILENO, line->bytes + at, line->length - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return; /* there is nobody to tell */
    at += (size_t)written;
  }
}

static void log_begin(struct web_text *line, const char *level, const char *message) {
  struct timespec now;
  struct tm utc;
  char second[32];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &utc);
  web_text_format(line, "{\"ts\":\"%s.%06ldZ\",\"level\":\"%s\",\"msg\":", second,
                  now.tv_nsec / 1000, level);
  web_text_json(line, message);
}

/* Of the server itself; also when requests are not logged. */
static void log_say(const char *level, const char *message) {
  struct web_text line = {0};
  log_begin(&line, level, message);
  log_write(&line);
  web_text_free(&line);
}

static void log_member(struct web_text *line, const char *name, const char *value) {
  if (!value || !value[0]) return;
  web_text_format(line, ",\"%s\":", name);
  web_text_json(line, value);
}

static void log_request(const struct web_request *request, const struct web_reply *reply,
                        int64_t took_ns, size_t sent) {
  struct web_text *line = &request->scratch->head; /* which was sent */
  char trace[33];
  text_clear(line);
  log_begin(line,
            reply->status >= 500   ? "error"
            : reply->status >= 400 ? "warn"
                                   : "info",
            "request");
  log_member(line, "request_id", request->id);
  if (request_trace(web_request_header(request, "traceparent", 0), trace))
    log_member(line, "trace_id", trace);
  log_member(line, "method", request->method_name);
  log_member(line, "route", request->label);
  web_text_format(line, ",\"status\":%d,\"duration_ms\":%" PRId64 ".%03" PRId64 ",\"bytes\":%zu",
                  reply->status, took_ns / 1000000, took_ns / 1000 % 1000, sent);
  log_member(line, "role", request->identity.role);
  log_member(line, "user_id", request->identity.user_id);
  log_member(line, "key_id", request->identity.key_id);
  log_member(line, "address", request->address);
  log_member(line, "error_code", reply->error_code);
  log_write(line);
}
