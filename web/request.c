/*
** request: reads what a client says of a request: method, path, headers, the framing of its body. Pure functions first, which
** the fuzz target calls; then those that read from the connection.
*/
#include "server.h"

#include <strings.h>

/* ---- escapes */

static int request_hex(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/* Decodes `length` bytes into `out`, which has room for as many and a NUL. False for a bad escape, a NUL, or what is not UTF-8. */
static bool request_unescape(const char *text, size_t length, bool plus_is_space, char *out) {
  size_t count = 0;
  for (size_t at = 0; at < length; at++) {
    char byte = text[at];
    if (byte == '%') {
      int high = at + 2 < length ? request_hex(text[at + 1]) : -1;
      int low = high >= 0 ? request_hex(text[at + 2]) : -1;
      if (low < 0) return false;
      byte = (char)(high * 16 + low);
      at += 2;
    } else if (byte == '+' && plus_is_space) {
      byte = ' ';
    }
    if (byte == '\0') return false;
    out[count++] = byte;
  }
  out[count] = '\0';
  for (const unsigned char *at = (const unsigned char *)out; *at;) {
    int sequence = text_utf8(at);
    if (sequence == 0) return false;
    at += sequence;
  }
  return true;
}

static char *web_request_decode(struct web_request *request, const char *text, size_t length,
                                bool plus_is_space) {
  char *out = web_keep(request, length + 1);
  return out && request_unescape(text, length, plus_is_space, out) ? out : NULL;
}

/* A path's slashes and NULs must not be escaped, nor may it hold control characters: what it names would depend on who reads it. */
static bool request_path_is_plain(const char *path) {
  if (path[0] != '/') return false;
  for (const char *at = path; *at; at++) {
    if ((unsigned char)*at < ' ' || *at == 0x7f) return false;
    if (*at != '%') continue;
    int high = request_hex(at[1]), low = high >= 0 ? request_hex(at[2]) : -1;
    if (low < 0) return false;
    int byte = high * 16 + low;
    if (byte == '/' || byte == '\\' || byte < ' ' || byte == 0x7f) return false;
  }
  return true;
}

static const char *web_request_parameter(struct web_request *request, const char *name) {
  size_t length = strlen(name);
  for (const char *at = request->query; *at;) {
    size_t end = strcspn(at, "&");
    size_t equals = strcspn(at, "=&");
    if (equals == length && memcmp(at, name, length) == 0) {
      size_t skip = equals < end ? equals + 1 : equals;
      return web_request_decode(request, at + skip, end - skip, true);
    }
    at += end;
    if (*at == '&') at++;
  }
  return NULL;
}

/* ---- headers */

static const char *web_request_header(const struct web_request *request, const char *name,
                                      int nth) {
  for (int i = 0; i < request->info->num_headers; i++)
    if (strcasecmp(request->info->http_headers[i].name, name) == 0 && nth-- == 0)
      return request->info->http_headers[i].value;
  return NULL;
}

/* Is `token` one of the elements of a comma-separated list? Parameters behind a ';' do not count. */
static bool request_list_has(const char *list, const char *token) {
  size_t length = strlen(token);
  while (*list) {
    list += strspn(list, " \t,");
    size_t end = strcspn(list, ","), word = strcspn(list, ",; \t");
    if (word == length && strncasecmp(list, token, length) == 0) return true;
    list += end;
  }
  return false;
}

static bool web_request_has(const struct web_request *request, const char *name,
                            const char *token) {
  const char *list;
  for (int nth = 0; (list = web_request_header(request, name, nth)) != NULL; nth++)
    if (request_list_has(list, token)) return true;
  return false;
}

/*
** civetweb stops reading headers at a line that is none (a folded one, an empty name, other bytes), and takes names with spaces behind
** them; what stands below, or is meant by them, another server would see. It leaves the bytes as they came but for NULs in place of
** colons and ends of lines: behind the last header must be the empty line, and nothing but blanks between a name and its value.
*/
static const char *request_head_problem(const struct mg_request_info *info) {
  bool has_host = false;
  for (int i = 0; i < info->num_headers; i++) {
    const char *name = info->http_headers[i].name, *value = info->http_headers[i].value;
    has_host = has_host || strcasecmp(name, "Host") == 0;
    for (const char *at = name + strlen(name) + 1; at < value; at++)
      if (*at == '\0') return "a space before the colon of a header";
  }
  if (info->num_headers > 0 && info->num_headers < MG_MAX_HEADERS) {
    const char *end = info->http_headers[info->num_headers - 1].value;
    end += strlen(end);
    if (end[1] != '\0' || end[2] != '\r' || end[3] != '\0')
      return "a line that is no header, or does not end with CR LF";
  }
  return has_host || strcmp(info->http_version, "1.1") != 0 ? NULL : "no Host";
}

/* What stands behind "Bearer " in an Authorization header; NULL if it is none. */
static const char *request_bearer(const char *authorization) {
  if (!authorization || strncasecmp(authorization, "bearer", 6) != 0) return NULL;
  const char *token = authorization + 6;
  if (*token != ' ') return NULL;
  token += strspn(token, " ");
  return *token && !strpbrk(token, " \t,") ? token : NULL;
}

/* A request id that a client gave: 1 to 63 characters that say nothing to a log's reader but themselves. */
static bool request_id_is_good(const char *id) {
  size_t length = id ? strlen(id) : 0;
  if (length == 0 || length > 63) return false;
  return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+/=@") ==
         length;
}

/* The trace id of a traceparent header (W3C Trace Context), 32 lower-case hexadecimal digits; false if it is none. */
static bool request_trace(const char *traceparent, char trace[33]) {
  static const char digits[] = "0123456789abcdef";
  if (!traceparent || strlen(traceparent) < 55) return false;
  if (strspn(traceparent, digits) != 2 || strncmp(traceparent, "ff", 2) == 0) return false;
  if (traceparent[2] != '-' || strspn(traceparent + 3, digits) != 32 || traceparent[35] != '-')
    return false;
  if (strspn(traceparent + 36, digits) != 16 || traceparent[52] != '-' ||
      strspn(traceparent + 53, digits) != 2)
    return false;
  if (strspn(traceparent + 3, "0") >= 32 || strspn(traceparent + 36, "0") >= 16) return false;
  memcpy(trace, traceparent + 3, 32);
  trace[32] = '\0';
  return true;
}

/* The last address of X-Forwarded-For: what our own proxy saw. False if there is none that looks like one. */
static bool request_forwarded(const char *list, char address[48]) {
  if (!list) return false;
  const char *last = strrchr(list, ',');
  last = last ? last + 1 : list;
  last += strspn(last, " \t");
  size_t length = strspn(last, "0123456789abcdefABCDEF.:");
  if (length == 0 || length >= 48 || last[length + strspn(last + length, " \t")] != '\0')
    return false;
  memcpy(address, last, length);
  address[length] = '\0';
  return true;
}

/* How the client reaches the server: TLS may end before it. */
static const char *web_request_scheme(const struct web_request *request) {
  const web_options *options = request->server->options;
  const char *forwarded = web_request_header(request, "X-Forwarded-Proto", 0);
  bool is_tls =
      options->tls || (options->behind_proxy && forwarded && strcmp(forwarded, "https") == 0);
  return is_tls ? "https" : "http";
}

/* ---- the framing of the body */

/* A Content-Length: digits alone. -1 if it is none. */
static long long request_length(const char *text) {
  long long length = 0;
  if (!*text) return -1;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || length > (LLONG_MAX - 9) / 10) return -1;
    length = length * 10 + (*text - '0');
  }
  return length;
}

/* How long the body is: *length, -1 for chunks. NULL, or what is wrong: where two servers could read two different requests
** out of the same bytes we read none. */
static const char *request_framing(const struct web_request *request, long long *length) {
  const char *text = web_request_header(request, "Content-Length", 0);
  bool is_chunked = web_request_header(request, "Transfer-Encoding", 0) != NULL;
  *length = is_chunked ? -1 : 0;
  if (is_chunked && text) return "both Content-Length and Transfer-Encoding";
  if (is_chunked && strcmp(request->info->http_version, "1.1") != 0)
    return "Transfer-Encoding in HTTP/1.0";
  if (web_request_header(request, "Transfer-Encoding", 1) ||
      web_request_header(request, "Content-Length", 1))
    return "more than one header for the body's length";
  if (is_chunked && strcasecmp(web_request_header(request, "Transfer-Encoding", 0), "chunked") != 0)
    return "a Transfer-Encoding other than chunked";
  if (!text) return NULL;
  *length = request_length(text);
  return *length < 0 ? "a Content-Length that is no number" : NULL;
}

/* ---- methods */

static const struct {
  const char *name;
  enum web_method method;
} request_methods[] = {{"GET", WEB_GET},        {"HEAD", WEB_HEAD}, {"POST", WEB_POST},
                       {"PATCH", WEB_PATCH},    {"PUT", WEB_PUT},   {"DELETE", WEB_DELETE},
                       {"OPTIONS", WEB_OPTIONS}};
#define REQUEST_METHODS ((int)(sizeof request_methods / sizeof *request_methods))

static int request_method(const char *name) {
  for (int i = 0; i < REQUEST_METHODS; i++)
    if (strcmp(request_methods[i].name, name) == 0) return (int)request_methods[i].method;
  return 0;
}
