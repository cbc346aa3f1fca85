/*
** request.c: what was asked, as a fingerprint kept with the journal. Each member that was given has an item of nine bytes:
** its number, and the SipHash of its value in one spelling (12.5 and 12.50, an account's number and its id, are the same).
** So a repeated operation is known from another one with the same reference, and the member that differs can be named.
** Texts for people (description, metadata, reason) are not part of what is asked.
*/
#include "../internal.h"
#include "book_state.h"

/* These numbers are in the files: a member that ledger.h gains is added to the end of LEDGER_OPERATION_TEXTS. */
enum {
  REQUEST_op, /* always the first item */
  REQUEST_legs,
  REQUEST_final,
#define X(name, meaning) REQUEST_##name,
  LEDGER_OPERATION_TEXTS(X)
#undef X
      REQUEST_COUNT
};

static const char *const request_names[REQUEST_COUNT] = {"op", "legs", "final",
#define X(name, meaning) #name,
                                                         LEDGER_OPERATION_TEXTS(X)
#undef X
};

_Static_assert(REQUEST_COUNT *REQUEST_ITEM <= REQUEST_MAX, "REQUEST_MAX is too small");

struct request {
  unsigned char *out;
  size_t length;
};

static void request_add(struct request *request, int member, const void *value, size_t length) {
  uint64_t hash = seal_short(value, length);
  unsigned char *item = request->out + request->length;
  item[0] = (unsigned char)member;
  for (int i = 0; i < 8; i++) item[1 + i] = (unsigned char)(hash >> (8 * i));
  request->length += REQUEST_ITEM;
}

/* A number without leading and trailing zeros, the sign minus or none; other text as it is. At most `room` bytes. */
static size_t request_number(const char *text, char *out, size_t room) {
  while (text_is_space(*text)) text++;
  bool negative = *text == '-';
  if (*text == '-' || *text == '+') text++;
  while (*text == '0') text++;
  size_t whole = strspn(text, "0123456789");
  size_t length = whole;
  if (text[whole] == '.') {
    size_t fraction = strspn(text + whole + 1, "0123456789");
    while (fraction > 0 && text[whole + fraction] == '0') fraction--;
    if (fraction > 0) length = whole + 1 + fraction;
  }
  size_t used = 0;
  if (negative && length > 0) out[used++] = '-';
  if (length > room - 1) length = room - 1;
  memcpy(out + used, text, length);
  return used + length;
}

/* The account's own name where there is such an account: by its number, in capitals, it is the same one. */
static const char *request_account(ledger *db, const char *name) {
  struct account *account;
  if (account_find_any(db, name, &account) == LEDGER_OK) return account->name;
  error_clear(&db->error);
  return name;
}

static void request_number_item(struct request *request, int member, const char *text) {
  char number[64];
  request_add(request, member, number, request_number(text, number, sizeof number));
}

static void request_text_item(struct request *request, int member, const char *text) {
  request_add(request, member, text, strlen(text));
}

static void request_legs_item(ledger *db, struct request *request, const ledger_operation *asked) {
  struct seal_blake2b hash;
  unsigned char digest[32];
  seal_blake2b_init(&hash);
  for (int i = 0; i < asked->leg_count; i++) {
    const ledger_leg *leg = &asked->legs[i];
    char number[64];
    size_t length = request_number(leg->amount, number, sizeof number);
    const char *name = request_account(db, leg->account);
    seal_blake2b_update(&hash, name, strlen(name) + 1);
    seal_blake2b_update(&hash, number, length);
    seal_blake2b_update(&hash, "", 1);
  }
  seal_blake2b_final(&hash, digest);
  request_add(request, REQUEST_legs, digest, sizeof digest);
}

LEDGER_PRIVATE size_t request_print(ledger *db, const ledger_operation *asked,
                                    unsigned char out[REQUEST_MAX]) {
  struct request request = {.out = out};
  request_text_item(&request, REQUEST_op, operation_word(asked->kind));
#define ACCOUNT(name)                                                                              \
  if (asked->name != NULL)                                                                         \
    request_text_item(&request, REQUEST_##name, request_account(db, asked->name));
#define NUMBER(name)                                                                               \
  if (asked->name != NULL) request_number_item(&request, REQUEST_##name, asked->name);
#define TEXT(name)                                                                                 \
  if (asked->name != NULL) request_text_item(&request, REQUEST_##name, asked->name);
  ACCOUNT(account)
  ACCOUNT(from)
  ACCOUNT(to)
  NUMBER(amount)
  TEXT(currency)
  TEXT(of)
  TEXT(fee)
  TEXT(rounding)
  NUMBER(least)
  NUMBER(min_available)
  NUMBER(max_after)
  TEXT(effective_at)
  TEXT(expires_at)
  TEXT(type)
  TEXT(number)
  TEXT(user)
  NUMBER(overdraft_limit)
  NUMBER(min_balance)
  NUMBER(max_balance)
  TEXT(side)
  TEXT(asset)
  NUMBER(price)
  TEXT(address)
  TEXT(txn_hash)
  if (asked->final) request_text_item(&request, REQUEST_final, "");
#undef ACCOUNT
#undef NUMBER
#undef TEXT
  if (asked->leg_count > 0) request_legs_item(db, &request, asked);
  return request.length;
}

static const unsigned char *request_item(const unsigned char *items, size_t length, int member) {
  for (size_t at = 0; at + REQUEST_ITEM <= length; at += REQUEST_ITEM) {
    if (items[at] == member) return items + at;
  }
  return NULL;
}

LEDGER_PRIVATE const char *request_difference(const unsigned char *a, size_t a_length,
                                              const unsigned char *b, size_t b_length) {
  if (a_length == b_length && memcmp(a, b, a_length) == 0) return NULL;
  for (int member = 0; member < REQUEST_COUNT; member++) {
    const unsigned char *left = request_item(a, a_length, member);
    const unsigned char *right = request_item(b, b_length, member);
    if (left == NULL && right == NULL) continue;
    if (left == NULL || right == NULL || memcmp(left, right, REQUEST_ITEM) != 0)
      return request_names[member];
  }
  return "op"; /* the same members in another order: not by this version */
}
