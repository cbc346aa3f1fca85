/*
** metrics: counts and times of requests, for GET /metrics in Prometheus' text format. Names as OpenTelemetry has them; a request is
** labelled with its route's template, never with its path.
*/
#include "server.h"

static const double metrics_bounds[] = {.005, .01, .025, .05, .075, .1,  .25,
                                        .5,   .75, 1,    2.5, 5,    7.5, 10};
#define METRICS_BOUNDS ((int)(sizeof metrics_bounds / sizeof *metrics_bounds))

enum {
  METRICS_SERIES = 512
}; /* of route, method and status; what is beyond them is counted as "other" */

struct metrics_series {
  const char *route, *method; /* static texts; route NULL: free */
  int status;
  int64_t buckets[METRICS_BOUNDS + 1], sum_ns;
};

static struct {
  pthread_mutex_t mutex;
  struct metrics_series series[METRICS_SERIES];
  int64_t sent_bytes, received_bytes;
} metrics = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct metrics_series *metrics_find(const char *route, const char *method, int status) {
  for (int i = 0; i < METRICS_SERIES; i++) {
    struct metrics_series *series = &metrics.series[i];
    if (series->route == NULL) {
      series->route = i == METRICS_SERIES - 1 ? "other" : route;
      series->method = i == METRICS_SERIES - 1 ? "other" : method;
      series->status = i == METRICS_SERIES - 1 ? 0 : status;
      return series;
    }
    if (series->status == status && strcmp(series->route, route) == 0 &&
        strcmp(series->method, method) == 0)
      return series;
  }
  return &metrics.series[METRICS_SERIES - 1];
}

static void metrics_note(const char *route, const char *method, int status, int64_t took_ns,
                         size_t received, size_t sent) {
  int bucket = 0;
  while (bucket < METRICS_BOUNDS && (double)took_ns > metrics_bounds[bucket] * 1e9) bucket++;
  pthread_mutex_lock(&metrics.mutex);
  struct metrics_series *series = metrics_find(route, method, status);
  series->buckets[bucket]++;
  series->sum_ns += took_ns;
  metrics.received_bytes += (int64_t)received;
  metrics.sent_bytes += (int64_t)sent;
  pthread_mutex_unlock(&metrics.mutex);
}

static void metrics_labels(struct web_text *out, const struct metrics_series *series) {
  web_text_format(out,
                  "{http_request_method=\"%s\",http_response_status_code=\"%d\",http_route=\"%s\"",
                  series->method, series->status, series->route);
}

#define METRICS_TIME "http_server_request_duration_seconds"

static void metrics_series_print(struct web_text *out, const struct metrics_series *series) {
  int64_t count = 0;
  for (int i = 0; i <= METRICS_BOUNDS; i++) {
    count += series->buckets[i];
    web_text_put(out, METRICS_TIME "_bucket");
    metrics_labels(out, series);
    if (i < METRICS_BOUNDS)
      web_text_format(out, ",le=\"%g\"} %" PRId64 "\n", metrics_bounds[i], count);
    else
      web_text_format(out, ",le=\"+Inf\"} %" PRId64 "\n", count);
  }
  web_text_put(out, METRICS_TIME "_sum");
  metrics_labels(out, series);
  web_text_format(out, "} %" PRId64 ".%09" PRId64 "\n", series->sum_ns / 1000000000,
                  series->sum_ns % 1000000000);
  web_text_put(out, METRICS_TIME "_count");
  metrics_labels(out, series);
  web_text_format(out, "} %" PRId64 "\n", count);
}

static void metrics_number(struct web_text *out, const char *name, const char *type,
                           const char *help, int64_t number) {
  web_text_format(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRId64 "\n", name, help, name, type, name,
                  number);
}

/* Resident memory, bytes; 0 where the system does not say. */
static int64_t metrics_resident(void) {
  long long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  if (fscanf(file, "%*s %lld", &pages) != 1) pages = 0;
  fclose(file);
  return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void metrics_handle(struct web_request *request, struct web_reply *reply) {
  struct web_server *server = request->server;
  struct web_text *out = &reply->body;
  reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
  web_text_put(out, "# HELP " METRICS_TIME " Time from a request's head to its reply.\n"
                    "# TYPE " METRICS_TIME " histogram\n");
  pthread_mutex_lock(&metrics.mutex);
  for (int i = 0; i < METRICS_SERIES && metrics.series[i].route; i++)
    metrics_series_print(out, &metrics.series[i]);
  int64_t sent = metrics.sent_bytes, received = metrics.received_bytes;
  pthread_mutex_unlock(&metrics.mutex);
  pthread_mutex_lock(&limits.mutex);
  int64_t refused = limits.refused;
  pthread_mutex_unlock(&limits.mutex);
  metrics_number(out, "http_server_request_body_bytes_total", "counter",
                 "Bytes of requests' bodies.", received);
  metrics_number(out, "http_server_response_body_bytes_total", "counter",
                 "Bytes of replies' bodies.", sent);
  metrics_number(out, "http_server_active_requests", "gauge", "Requests in work.",
                 atomic_load(&server->in_work));
  metrics_number(out, "ledger_connections", "gauge", "Connections that have a thread.",
                 atomic_load(&server->connections));
  metrics_number(out, "ledger_threads", "gauge", "Connections that can have one.",
                 server->options->threads);
  metrics_number(out, "ledger_rate_limited_total", "counter", "Requests refused by a rate limit.",
                 refused);
  metrics_number(out, "ledger_readers", "gauge", "Handles opened for reading.",
                 pool_count(&server->readers));
  metrics_number(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
                 metrics_resident());
}
