/*
** function_network.c: SQL functions over inet and cidr, and the collation pg_inet.
*/
#include "../internal.h"
#include "function.h"

/* Reads argument i, stored inet or cidr: the text of a stored cidr is an inet as well. */
static int network_read(struct function_call *call, int i, struct inet *out) {
  return inet_parse(call->arguments[i].text, call->arguments[i].length, false, out, &call->error);
}

static int network_read_two(struct function_call *call, struct inet *a, struct inet *b) {
  int rc = network_read(call, 0, a);
  return rc == LEDGER_OK ? network_read(call, 1, b) : rc;
}

/* ---- of one address: an integer, or a text made by `print` */

static void network_print_inet(sqlite3_str *out, struct inet *address) {
  inet_print(out, address, INET_MASK_UNLESS_HOST);
}

static void network_print_host(sqlite3_str *out, struct inet *address) {
  inet_print(out, address, INET_MASK_NEVER);
}

static void network_print_show(sqlite3_str *out, struct inet *address) {
  inet_print(out, address, INET_MASK_ALWAYS);
}

static void network_print_abbreviated(sqlite3_str *out, struct inet *address) {
  inet_abbreviate(out, address);
}

static void network_print_network(sqlite3_str *out, struct inet *address) {
  inet_clear_host(address);
  inet_print(out, address, INET_MASK_ALWAYS);
}

static void network_print_broadcast(sqlite3_str *out, struct inet *address) {
  inet_set_host(address);
  inet_print(out, address, INET_MASK_UNLESS_HOST);
}

static void network_print_netmask(sqlite3_str *out, struct inet *address) {
  memset(address->bytes, 0xff, sizeof address->bytes);
  inet_clear_host(address);
  inet_print(out, address, INET_MASK_NEVER);
}

static void network_print_hostmask(sqlite3_str *out, struct inet *address) {
  memset(address->bytes, 0, sizeof address->bytes);
  inet_set_host(address);
  inet_print(out, address, INET_MASK_NEVER);
}

static void network_print_not(sqlite3_str *out, struct inet *address) {
  for (size_t i = 0; i < sizeof address->bytes; i++)
    address->bytes[i] = (unsigned char)~address->bytes[i];
  inet_print(out, address, INET_MASK_UNLESS_HOST);
}

static int network_printed(struct function_call *call,
                           void (*print)(sqlite3_str *, struct inet *)) {
  struct inet address;
  int rc = network_read(call, 0, &address);
  if (rc == LEDGER_OK) print(call->out, &address);
  return rc;
}

#define NETWORK_PRINTED(name, print)                                                               \
  static int network_##name##_body(struct function_call *call) {                                   \
    return network_printed(call, print);                                                           \
  }                                                                                                \
  static void network_##name(sqlite3_context *context, int count, sqlite3_value **values) {        \
    function_run(context, count, values, "tt", network_##name##_body);                             \
  }
NETWORK_PRINTED(host, network_print_host)
NETWORK_PRINTED(show, network_print_show)
NETWORK_PRINTED(inet_abbrev, network_print_inet)
NETWORK_PRINTED(cidr_abbrev, network_print_abbreviated)
NETWORK_PRINTED(network, network_print_network)
NETWORK_PRINTED(broadcast, network_print_broadcast)
NETWORK_PRINTED(netmask, network_print_netmask)
NETWORK_PRINTED(hostmask, network_print_hostmask)
NETWORK_PRINTED(not, network_print_not)
#undef NETWORK_PRINTED

static int network_masklen_body(struct function_call *call) {
  struct inet address;
  int rc = network_read(call, 0, &address);
  if (rc == LEDGER_OK) call->integer = address.bits;
  return rc;
}

static void network_masklen(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "it", network_masklen_body);
}

static int network_family_body(struct function_call *call) {
  struct inet address;
  int rc = network_read(call, 0, &address);
  if (rc == LEDGER_OK) call->integer = address.is_v6 ? 6 : 4;
  return rc;
}

static void network_family(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "it", network_family_body);
}

/* ---- of two: is one within the other? */

static bool network_is_within(const struct inet *inner, const struct inet *outer, bool or_equal) {
  return inner->is_v6 == outer->is_v6 &&
         (or_equal ? inner->bits >= outer->bits : inner->bits > outer->bits) &&
         inet_same_bits(inner, outer, outer->bits);
}

static bool network_test_sub(const struct inet *a, const struct inet *b) {
  return network_is_within(a, b, false);
}

static bool network_test_subeq(const struct inet *a, const struct inet *b) {
  return network_is_within(a, b, true);
}

static bool network_test_sup(const struct inet *a, const struct inet *b) {
  return network_is_within(b, a, false);
}

static bool network_test_supeq(const struct inet *a, const struct inet *b) {
  return network_is_within(b, a, true);
}

static bool network_test_overlap(const struct inet *a, const struct inet *b) {
  return network_is_within(a, b, true) || network_is_within(b, a, true);
}

static bool network_test_same_family(const struct inet *a, const struct inet *b) {
  return a->is_v6 == b->is_v6;
}

static int network_tested(struct function_call *call,
                          bool (*test)(const struct inet *, const struct inet *)) {
  struct inet a;
  struct inet b;
  int rc = network_read_two(call, &a, &b);
  if (rc == LEDGER_OK) call->integer = test(&a, &b);
  return rc;
}

#define NETWORK_TESTED(name)                                                                       \
  static int network_##name##_body(struct function_call *call) {                                   \
    return network_tested(call, network_test_##name);                                              \
  }                                                                                                \
  static void network_##name(sqlite3_context *context, int count, sqlite3_value **values) {        \
    function_run(context, count, values, "itt", network_##name##_body);                            \
  }
NETWORK_TESTED(sub)
NETWORK_TESTED(subeq)
NETWORK_TESTED(sup)
NETWORK_TESTED(supeq)
NETWORK_TESTED(overlap)
NETWORK_TESTED(same_family)
#undef NETWORK_TESTED

/* ---- masks and arithmetic */

static int network_set_masklen(struct function_call *call, bool is_cidr) {
  struct inet address;
  int rc = network_read(call, 0, &address);
  if (rc != LEDGER_OK) return rc;
  int64_t bits =
      call->arguments[1].integer == -1 ? inet_max_bits(&address) : call->arguments[1].integer;
  if (bits < 0 || bits > inet_max_bits(&address)) {
    return error_set(&call->error, LEDGER_INVALID_PARAMETER, "invalid mask length: %lld",
                     (long long)bits);
  }
  address.bits = (int)bits;
  if (is_cidr) inet_clear_host(&address);
  inet_print(call->out, &address, is_cidr ? INET_MASK_ALWAYS : INET_MASK_UNLESS_HOST);
  return LEDGER_OK;
}

static int network_inet_set_masklen_body(struct function_call *call) {
  return network_set_masklen(call, false);
}

static int network_cidr_set_masklen_body(struct function_call *call) {
  return network_set_masklen(call, true);
}

static void network_inet_set_masklen(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "tti", network_inet_set_masklen_body);
}

static void network_cidr_set_masklen(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "tti", network_cidr_set_masklen_body);
}

static int network_merge_body(struct function_call *call) {
  struct inet a;
  struct inet b;
  int rc = network_read_two(call, &a, &b);
  if (rc != LEDGER_OK) return rc;
  if (a.is_v6 != b.is_v6) {
    return error_set(&call->error, LEDGER_INVALID_PARAMETER,
                     "cannot merge addresses from different families");
  }
  if (b.bits < a.bits) a.bits = b.bits;
  while (!inet_same_bits(&a, &b, a.bits)) a.bits--;
  network_print_network(call->out, &a);
  return LEDGER_OK;
}

static void network_merge(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "ttt", network_merge_body);
}

static int network_combine(struct function_call *call, const char *verb, bool is_and) {
  struct inet a;
  struct inet b;
  int rc = network_read_two(call, &a, &b);
  if (rc != LEDGER_OK) return rc;
  if (a.is_v6 != b.is_v6) {
    return error_set(&call->error, LEDGER_INVALID_PARAMETER,
                     "cannot %s inet values of different sizes", verb);
  }
  for (size_t i = 0; i < sizeof a.bytes; i++) {
    a.bytes[i] = (unsigned char)(is_and ? a.bytes[i] & b.bytes[i] : a.bytes[i] | b.bytes[i]);
  }
  if (b.bits > a.bits) a.bits = b.bits;
  network_print_inet(call->out, &a);
  return LEDGER_OK;
}

static int network_and_body(struct function_call *call) {
  return network_combine(call, "AND", true);
}

static int network_or_body(struct function_call *call) {
  return network_combine(call, "OR", false);
}

static void network_and(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "ttt", network_and_body);
}

static void network_or(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "ttt", network_or_body);
}

static int network_out_of_range(struct function_call *call) {
  return error_set(&call->error, LEDGER_OUT_OF_RANGE, "result is out of range");
}

/* Adds byte by byte from the right: `steps` is spread over the address in two's complement, so that
** the carry and what is left of steps must come out as 0, 0 or as 1, -1. */
static int network_move(struct function_call *call, int64_t steps) {
  struct inet address;
  int rc = network_read(call, 0, &address);
  if (rc != LEDGER_OK) return rc;
  int carry = 0;
  for (int i = inet_max_bits(&address) / 8 - 1; i >= 0; i--) {
    int sum = address.bytes[i] + (int)(steps & 0xff) + carry;
    address.bytes[i] = (unsigned char)(sum & 0xff);
    carry = sum >> 8;
    int64_t low = steps & 0xff;
    steps = (steps - low) / 256;
  }
  if (!((steps == 0 && carry == 0) || (steps == -1 && carry == 1)))
    return network_out_of_range(call);
  network_print_inet(call->out, &address);
  return LEDGER_OK;
}

static int network_plus_body(struct function_call *call) {
  return network_move(call, call->arguments[1].integer);
}

static int network_minus_body(struct function_call *call) {
  if (call->arguments[1].integer == INT64_MIN) return network_out_of_range(call);
  return network_move(call, -call->arguments[1].integer);
}

static void network_plus(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "ttl", network_plus_body);
}

static void network_minus(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "ttl", network_minus_body);
}

static int network_difference_body(struct function_call *call) {
  struct inet a;
  struct inet b;
  int rc = network_read_two(call, &a, &b);
  if (rc != LEDGER_OK) return rc;
  if (a.is_v6 != b.is_v6) {
    return error_set(&call->error, LEDGER_INVALID_PARAMETER,
                     "cannot subtract inet values of different sizes");
  }
  int last = inet_max_bits(&a) / 8 - 1;
  unsigned char difference[16];
  int borrow = 0;
  for (int i = last; i >= 0; i--) {
    int digit = a.bytes[i] - b.bytes[i] - borrow;
    borrow = digit < 0;
    difference[i] = (unsigned char)(digit & 0xff);
  }
  uint64_t low = borrow ? UINT64_MAX : 0;
  for (int i = last < 7 ? 0 : last - 7; i <= last; i++) low = low << 8 | difference[i];
  /* Above the lower eight bytes there may be nothing but their sign. */
  unsigned char sign = low >> 63 ? 0xff : 0;
  for (int i = 0; i <= last - 8; i++) {
    if (difference[i] != sign) return network_out_of_range(call);
  }
  memcpy(&call->integer, &low, sizeof low);
  return LEDGER_OK;
}

static void network_difference(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, "itt", network_difference_body);
}

static int network_collate(void *data, int a_length, const void *a, int b_length, const void *b) {
  static const struct type type = {.id = TYPE_INET};
  (void)data;
  struct value left = {.kind = VALUE_TEXT, .text = a, .length = (size_t)a_length};
  struct value right = {.kind = VALUE_TEXT, .text = b, .length = (size_t)b_length};
  return inet_compare(&type, &left, &right);
}

int function_network_register(sqlite3 *db, struct function_session *session) {
  static const struct function_row rows[] = {
      {"pg_network_host", 1, FUNCTION_STRICT, network_host, NULL},
      {"pg_network_show", 1, FUNCTION_STRICT, network_show, NULL},
      {"pg_inet_abbrev", 1, FUNCTION_STRICT, network_inet_abbrev, NULL},
      {"pg_cidr_abbrev", 1, FUNCTION_STRICT, network_cidr_abbrev, NULL},
      {"pg_network_network", 1, FUNCTION_STRICT, network_network, NULL},
      {"pg_inet_to_cidr", 1, FUNCTION_STRICT, network_network, NULL},
      {"pg_network_broadcast", 1, FUNCTION_STRICT, network_broadcast, NULL},
      {"pg_network_netmask", 1, FUNCTION_STRICT, network_netmask, NULL},
      {"pg_network_hostmask", 1, FUNCTION_STRICT, network_hostmask, NULL},
      {"pg_network_masklen", 1, FUNCTION_STRICT, network_masklen, NULL},
      {"pg_network_family", 1, FUNCTION_STRICT, network_family, NULL},
      {"pg_network_sub", 2, FUNCTION_STRICT, network_sub, NULL},
      {"pg_network_subeq", 2, FUNCTION_STRICT, network_subeq, NULL},
      {"pg_network_sup", 2, FUNCTION_STRICT, network_sup, NULL},
      {"pg_network_supeq", 2, FUNCTION_STRICT, network_supeq, NULL},
      {"pg_network_overlap", 2, FUNCTION_STRICT, network_overlap, NULL},
      {"pg_inet_same_family", 2, FUNCTION_STRICT, network_same_family, NULL},
      {"pg_inet_set_masklen", 2, FUNCTION_STRICT, network_inet_set_masklen, NULL},
      {"pg_cidr_set_masklen", 2, FUNCTION_STRICT, network_cidr_set_masklen, NULL},
      {"pg_inet_merge", 2, FUNCTION_STRICT, network_merge, NULL},
      {"pg_inetnot", 1, FUNCTION_STRICT, network_not, NULL},
      {"pg_inetand", 2, FUNCTION_STRICT, network_and, NULL},
      {"pg_inetor", 2, FUNCTION_STRICT, network_or, NULL},
      {"pg_inetpl", 2, FUNCTION_STRICT, network_plus, NULL},
      {"pg_inetmi_int8", 2, FUNCTION_STRICT, network_minus, NULL},
      {"pg_inetmi", 2, FUNCTION_STRICT, network_difference, NULL},
  };
  int rc = function_register(db, session, rows, sizeof rows / sizeof *rows);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_collation_v2(db, "pg_inet", SQLITE_UTF8, NULL, network_collate, NULL);
  return rc;
}
