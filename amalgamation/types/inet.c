/*
** inet.c: inet and cidr. Addresses are read and printed as PostgreSQL does, quirks included: cidr
** takes an address with octets left out (10.1/16), hexadecimal (0x0a) and guesses a mask by the old
** classes; inet takes missing octets only with a mask that does not reach them; IPv6 may end in an
** IPv4 address.
*/
#include "../internal.h"

static int inet_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : -1;
}

static int inet_hex_digit(char c) {
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return inet_digit(c);
}

/* What is being read; at the end every next character is NUL, which no rule takes. */
struct inet_reader {
  const char *text;
  size_t length;
  size_t position;
};

static char inet_peek(const struct inet_reader *reader, size_t ahead) {
  size_t at = reader->position + ahead;
  return at < reader->length ? reader->text[at] : '\0';
}

static bool inet_at_end(const struct inet_reader *reader) {
  return reader->position >= reader->length;
}

static bool inet_skip(struct inet_reader *reader, char c) {
  if (inet_at_end(reader) || inet_peek(reader, 0) != c) return false;
  reader->position++;
  return true;
}

/* A decimal number up to limit; -1 if there is none or it is larger. `is_strict`: no leading zeros.
** */
static int inet_number(struct inet_reader *reader, int limit, bool is_strict) {
  int number = -1;
  for (int digit; (digit = inet_digit(inet_peek(reader, 0))) >= 0; reader->position++) {
    if (is_strict && number == 0) return -1;
    number = (number < 0 ? 0 : number) * 10 + digit;
    if (number > limit) return -1;
  }
  return number;
}

/* The mask after the slash, up to the end of the text; -1 if it is wrong. */
static int inet_mask_bits(struct inet_reader *reader, int limit, bool is_strict) {
  int bits = inet_number(reader, limit, is_strict);
  return inet_at_end(reader) ? bits : -1;
}

/* inet's octets: one to four, decimal. A point behind the last one is let pass, as PostgreSQL does.
** */
static int inet_octets(struct inet_reader *reader, unsigned char *bytes) {
  int count = 0;
  while (inet_digit(inet_peek(reader, 0)) >= 0) {
    int octet = inet_number(reader, 255, false);
    if (octet < 0 || count == 4) return -1;
    bytes[count++] = (unsigned char)octet;
    if (!inet_skip(reader, '.')) break;
  }
  return count;
}

/* cidr's: as above without the point behind, or hexadecimal digits, of which an odd last one is a
** high half. */
static int inet_cidr_octets(struct inet_reader *reader, unsigned char *bytes) {
  int count = 0;
  char second = inet_peek(reader, 1);
  if (inet_peek(reader, 0) == '0' && (second == 'x' || second == 'X') &&
      inet_hex_digit(inet_peek(reader, 2)) >= 0) {
    reader->position += 2;
    for (int digit; (digit = inet_hex_digit(inet_peek(reader, 0))) >= 0;) {
      if (count == 4) return -1;
      reader->position++;
      int low = inet_hex_digit(inet_peek(reader, 0));
      if (low >= 0) reader->position++;
      bytes[count++] = (unsigned char)(digit << 4 | (low < 0 ? 0 : low));
    }
    return count;
  }
  do {
    int octet = inet_number(reader, 255, false);
    if (octet < 0 || count == 4) return -1;
    bytes[count++] = (unsigned char)octet;
  } while (inet_skip(reader, '.'));
  return count;
}

/* The mask of a cidr without one: by class, but never narrower than the octets given. */
static int inet_class_bits(unsigned char first, int count) {
  int bits = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;
  if (bits < count * 8) bits = count * 8;
  return bits == 8 && first == 224 ? 4 : bits;
}

static bool inet_read_v4(struct inet_reader *reader, bool is_cidr, struct inet *out) {
  int count = is_cidr ? inet_cidr_octets(reader, out->bytes) : inet_octets(reader, out->bytes);
  if (count <= 0) return false;
  int bits = -1;
  if (inet_skip(reader, '/')) {
    bits = inet_mask_bits(reader, 32, false);
    if (bits < 0) return false;
  } else if (!inet_at_end(reader)) {
    return false;
  } else if (is_cidr) {
    bits = inet_class_bits(out->bytes[0], count);
  } else if (count == 4) {
    bits = 32;
  }
  if (bits < 0 || (!is_cidr && bits / 8 > count)) return false;
  out->bits = bits;
  return true;
}

/* The IPv4 tail of an IPv6 address, and its mask. Octets left out are zero, as in PostgreSQL, but
** for the last one. */
static bool inet_read_tail(struct inet_reader *reader, unsigned char *bytes, int *bits) {
  for (int count = 0; count < 4; count++) {
    bool is_given = inet_digit(inet_peek(reader, 0)) >= 0;
    int octet = is_given ? inet_number(reader, 255, true) : 0;
    if (octet < 0) return false;
    bytes[count] = (unsigned char)octet;
    if (inet_skip(reader, '/')) {
      *bits = inet_mask_bits(reader, 128, true);
      return *bits >= 0;
    }
    if (inet_at_end(reader)) return is_given;
    if (!inet_skip(reader, '.')) return false;
  }
  return false;
}

/* A group of one to four hexadecimal digits; -1 if there are more, -2 if there is none. */
static int inet_group(struct inet_reader *reader) {
  int group = -2;
  int digits = 0;
  for (int digit; (digit = inet_hex_digit(inet_peek(reader, 0))) >= 0; reader->position++) {
    if (++digits > 4) return -1;
    group = (group < 0 ? 0 : group) << 4 | digit;
  }
  return group;
}

static bool inet_read_v6(struct inet_reader *reader, struct inet *out) {
  int filled = 0;
  int gap = -1; /* where :: stands */
  out->bits = 128;
  if (inet_peek(reader, 0) == ':') {
    if (inet_peek(reader, 1) != ':') return false;
    reader->position++;
  }
  for (;;) {
    size_t start = reader->position;
    int group = inet_group(reader);
    char next = inet_peek(reader, 0);
    if (group == -1) return false;
    if (next == '.' && filled + 4 <= 16) {
      reader->position = start;
      if (!inet_read_tail(reader, out->bytes + filled, &out->bits)) return false;
      filled += 4;
      break;
    }
    if (group == -2 && next == ':') {
      if (gap >= 0) return false;
      gap = filled;
      reader->position++;
      continue;
    }
    if (group >= 0) {
      if (filled + 2 > 16) return false;
      out->bytes[filled++] = (unsigned char)(group >> 8);
      out->bytes[filled++] = (unsigned char)(group & 0xff);
    }
    if (inet_at_end(reader)) break;
    if (inet_skip(reader, '/')) {
      out->bits = inet_mask_bits(reader, 128, true);
      if (out->bits < 0) return false;
      break;
    }
    if (!inet_skip(reader, ':') || inet_at_end(reader)) return false;
  }
  if (gap < 0) return filled == 16;
  if (filled == 16) return false;
  memmove(out->bytes + 16 - (filled - gap), out->bytes + gap, (size_t)(filled - gap));
  memset(out->bytes + gap, 0, (size_t)(16 - filled));
  return true;
}

int inet_parse(const char *text, size_t length, bool is_cidr, struct inet *out,
               ledger_error *error) {
  struct inet_reader reader = {.text = text, .length = length};
  memset(out, 0, sizeof *out);
  out->is_v6 = length > 0 && memchr(text, ':', length);
  bool is_read = out->is_v6 ? inet_read_v6(&reader, out) : inet_read_v4(&reader, is_cidr, out);
  if (!is_read) {
    int rc = text_check(text, length, error);
    if (rc != LEDGER_OK) return rc;
    return error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                     is_cidr ? "cidr" : "inet", (int)length, text);
  }
  struct inet network = *out;
  inet_clear_host(&network);
  if (is_cidr && memcmp(network.bytes, out->bytes, sizeof network.bytes) != 0) {
    error_set(error, LEDGER_INVALID_TEXT, "invalid cidr value: \"%.*s\"", (int)length, text);
    error_detail(error, "Value has bits set to right of mask.");
    return LEDGER_INVALID_TEXT;
  }
  return LEDGER_OK;
}

static void inet_print_v4(sqlite3_str *out, const unsigned char *bytes) {
  sqlite3_str_appendf(out, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2], bytes[3]);
}

/* The longest run of two or more zero groups becomes ::, the first one of equals; a mapped IPv4
** address keeps its dots. */
static void inet_print_v6(sqlite3_str *out, const unsigned char *bytes) {
  unsigned groups[8];
  int best = 0;
  int best_length = 1;
  for (int i = 0, run = 0; i < 8; i++) {
    groups[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
    run = groups[i] == 0 ? run + 1 : 0;
    if (run > best_length) {
      best_length = run;
      best = i - run + 1;
    }
  }
  if (best_length < 2) best = 8;
  bool is_mapped = best == 0 && (best_length == 6 || (best_length == 7 && groups[7] != 1) ||
                                 (best_length == 5 && groups[5] == 0xffff));
  for (int i = 0; i < 8; i++) {
    if (i == best) {
      sqlite3_str_append(out, "::", 2);
      i += best_length - 1;
      continue;
    }
    if (i > 0 && i != best + best_length) sqlite3_str_appendchar(out, 1, ':');
    if (is_mapped && i == 6) {
      inet_print_v4(out, bytes + 12);
      return;
    }
    sqlite3_str_appendf(out, "%x", groups[i]);
  }
}

void inet_print(sqlite3_str *out, const struct inet *address, enum inet_mask mask) {
  if (address->is_v6) {
    inet_print_v6(out, address->bytes);
  } else {
    inet_print_v4(out, address->bytes);
  }
  if (mask == INET_MASK_ALWAYS ||
      (mask == INET_MASK_UNLESS_HOST && address->bits != inet_max_bits(address))) {
    sqlite3_str_appendf(out, "/%d", address->bits);
  }
}

int inet_input(const struct type *type, const char *text, size_t length, struct arena *arena,
               struct value *out, ledger_error *error) {
  bool is_cidr = type->id == TYPE_CIDR;
  struct inet address;
  int rc = inet_parse(text, length, is_cidr, &address, error);
  if (rc != LEDGER_OK) return rc;
  char buffer[64];
  sqlite3_str *canonical = sqlite3_str_new(NULL);
  inet_print(canonical, &address, is_cidr ? INET_MASK_ALWAYS : INET_MASK_UNLESS_HOST);
  size_t canonical_length = (size_t)sqlite3_str_length(canonical);
  const char *printed = sqlite3_str_value(canonical);
  const char *kept = NULL;
  if (printed && canonical_length < sizeof buffer)
    kept = arena_copy(arena, printed, canonical_length);
  sqlite3_free(sqlite3_str_finish(canonical));
  if (!kept) return error_memory(error);
  *out = (struct value){.kind = VALUE_TEXT, .text = kept, .length = canonical_length};
  return LEDGER_OK;
}

/* What the input function makes of itself is canonical; anything else was written by another
** program. */
int inet_output(const struct type *type, const struct value *stored, sqlite3_str *out,
                ledger_error *error) {
  bool is_cidr = type->id == TYPE_CIDR;
  struct inet address;
  if (stored->kind == VALUE_TEXT &&
      inet_parse(stored->text, stored->length, is_cidr, &address, NULL) == LEDGER_OK) {
    int before = sqlite3_str_length(out);
    inet_print(out, &address, is_cidr ? INET_MASK_ALWAYS : INET_MASK_UNLESS_HOST);
    const char *printed = sqlite3_str_value(out);
    if (!printed) return error_memory(error);
    size_t length = (size_t)(sqlite3_str_length(out) - before);
    if (length == stored->length && memcmp(printed + before, stored->text, length) == 0)
      return LEDGER_OK;
  }
  return error_set(error, LEDGER_CORRUPT, "stored value is not of type %s",
                   is_cidr ? "cidr" : "inet");
}

int inet_max_bits(const struct inet *address) {
  return address->is_v6 ? 128 : 32;
}

static void inet_fill_host(struct inet *address, bool ones) {
  for (int i = 0; i < inet_max_bits(address) / 8; i++) {
    int kept = address->bits - i * 8;
    unsigned char host = kept >= 8 ? 0 : kept <= 0 ? 0xff : (unsigned char)(0xff >> kept);
    address->bytes[i] =
        (unsigned char)(ones ? address->bytes[i] | host : address->bytes[i] & ~host);
  }
}

void inet_clear_host(struct inet *address) {
  inet_fill_host(address, false);
}

void inet_set_host(struct inet *address) {
  inet_fill_host(address, true);
}

/* Compares the first bits: -1, 0, 1. */
static int inet_order_bits(const struct inet *a, const struct inet *b, int bits) {
  int order = memcmp(a->bytes, b->bytes, (size_t)(bits / 8));
  if (order == 0 && bits % 8 != 0) {
    unsigned char mask = (unsigned char)(0xff00 >> bits % 8);
    order = (a->bytes[bits / 8] & mask) - (b->bytes[bits / 8] & mask);
  }
  return (order > 0) - (order < 0);
}

bool inet_same_bits(const struct inet *a, const struct inet *b, int bits) {
  return inet_order_bits(a, b, bits) == 0;
}

/* IPv4 first; then the network common to both, the longer mask last, then the whole address. */
int inet_order(const struct inet *a, const struct inet *b) {
  if (a->is_v6 != b->is_v6) return a->is_v6 ? 1 : -1;
  int order = inet_order_bits(a, b, a->bits < b->bits ? a->bits : b->bits);
  if (order == 0) order = (a->bits > b->bits) - (a->bits < b->bits);
  return order != 0 ? order : inet_order_bits(a, b, inet_max_bits(a));
}

/* Values that are no addresses, written by another program, come behind all others by their bytes.
** */
int inet_compare(const struct type *type, const struct value *a, const struct value *b) {
  struct inet left;
  struct inet right;
  bool left_is_one = inet_parse(a->text, a->length, false, &left, NULL) == LEDGER_OK;
  bool right_is_one = inet_parse(b->text, b->length, false, &right, NULL) == LEDGER_OK;
  if (left_is_one && right_is_one) return inet_order(&left, &right);
  if (left_is_one != right_is_one) return left_is_one ? -1 : 1;
  return string_compare(type, a, b);
}

/* The groups that :: stands for in an abbreviated IPv6 network of so many groups. PostgreSQL goes
** on counting a run that is no longer than the best one behind the group that ended it; so do we.
** */
static void inet_abbreviated_gap(const unsigned char *bytes, int groups, int *gap,
                                 int *gap_length) {
  int run = 0;
  int run_start = 0;
  *gap = 0;
  *gap_length = 0;
  for (int i = 0; i <= groups; i++) {
    bool is_zero = i < groups && bytes[2 * i] == 0 && bytes[2 * i + 1] == 0;
    if (is_zero) {
      if (run++ == 0) run_start = i;
    } else if (run > *gap_length) {
      *gap = run_start;
      *gap_length = run;
      run = 0;
    }
  }
}

/* Of an IPv6 network only the groups within the mask are shown, two at least. */
static void inet_abbreviate_v6(sqlite3_str *out, const struct inet *network) {
  const unsigned char *bytes = network->bytes;
  int groups = network->bits <= 32 ? 2 : (network->bits + 15) / 16;
  int gap;
  int gap_length;
  inet_abbreviated_gap(bytes, groups, &gap, &gap_length);
  bool is_v4 = gap == 0 && gap_length != groups &&
               (gap_length == 6 || (gap_length == 5 && bytes[10] == 0xff && bytes[11] == 0xff) ||
                (gap_length == 7 && bytes[14] != 0 && bytes[15] != 1));
  for (int i = 0; i < groups; i++) {
    if (i >= gap && i < gap + gap_length) {
      if (i == gap) sqlite3_str_appendchar(out, 1, ':');
      if (i == groups - 1) sqlite3_str_appendchar(out, 1, ':');
    } else if (is_v4 && i > 5) {
      sqlite3_str_appendf(out, i == 6 ? ":%d" : ".%d", bytes[2 * i]);
      if (i != 7 || network->bits > 120) sqlite3_str_appendf(out, ".%d", bytes[2 * i + 1]);
    } else {
      sqlite3_str_appendf(out, i > 0 ? ":%x" : "%x",
                          (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1]);
    }
  }
}

void inet_abbreviate(sqlite3_str *out, const struct inet *network) {
  if (network->is_v6 && network->bits == 0) {
    sqlite3_str_append(out, "::", 2);
  } else if (network->is_v6) {
    inet_abbreviate_v6(out, network);
  } else {
    int octets = network->bits == 0 ? 1 : (network->bits + 7) / 8;
    for (int i = 0; i < octets; i++)
      sqlite3_str_appendf(out, i == 0 ? "%d" : ".%d", network->bytes[i]);
  }
  sqlite3_str_appendf(out, "/%d", network->bits);
}
