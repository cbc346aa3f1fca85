/*
** chain.c: the bytes that the journal's hash chain is over, for writing and for verifying. BLAKE2b-256; integers are 8 bytes,
** little endian; a text is its length in 4 bytes and then its bytes, a null one the length 2^32 - 1 (no value has that many).
*/
#include "../internal.h"

LEDGER_PRIVATE void chain_open(struct chain *chain) {
  chain->used = 0;
  seal_blake2b_init(&chain->state);
}

LEDGER_PRIVATE void chain_add(struct chain *chain, const void *bytes, size_t length) {
  if (length > sizeof chain->bytes - chain->used) {
    seal_blake2b_update(&chain->state, chain->bytes, chain->used);
    chain->used = 0;
  }
  if (length > sizeof chain->bytes) {
    seal_blake2b_update(&chain->state, bytes, length);
    return;
  }
  memcpy(chain->bytes + chain->used, bytes, length);
  chain->used += length;
}

LEDGER_PRIVATE void chain_integer(struct chain *chain, int64_t number) {
  unsigned char bytes[8];
  uint64_t bits = (uint64_t)number;
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(bits >> (8 * i));
  chain_add(chain, bytes, sizeof bytes);
}

static void chain_length(struct chain *chain, uint32_t length) {
  unsigned char bytes[4];
  for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(length >> (8 * i));
  chain_add(chain, bytes, sizeof bytes);
}

LEDGER_PRIVATE void chain_bytes(struct chain *chain, const unsigned char *bytes, size_t length) {
  chain_length(chain, (uint32_t)length);
  if (length > 0) chain_add(chain, bytes, length);
}

LEDGER_PRIVATE void chain_text(struct chain *chain, const char *text, size_t length) {
  if (text == NULL)
    chain_length(chain, UINT32_MAX);
  else
    chain_bytes(chain, (const unsigned char *)text, length);
}

static void chain_word(struct chain *chain, const char *text) {
  chain_text(chain, text, text == NULL ? 0 : strlen(text));
}

LEDGER_PRIVATE void chain_start(struct chain *chain, const unsigned char previous[32]) {
  chain_open(chain);
  chain_add(chain, previous, 32);
}

LEDGER_PRIVATE void chain_end(struct chain *chain, unsigned char hash[32]) {
  seal_blake2b_update(&chain->state, chain->bytes, chain->used);
  seal_blake2b_final(&chain->state, hash);
}

LEDGER_PRIVATE void chain_journal(struct chain *chain, int64_t seq, const char *kind,
                                  const char *id, const char *reference, int64_t parent,
                                  int outcome, const char *reason, int64_t effective_us,
                                  int64_t created_us, int row_count, const unsigned char *request,
                                  size_t request_length, const char *detail) {
  chain_integer(chain, seq);
  chain_word(chain, kind);
  chain_word(chain, id);
  chain_word(chain, reference);
  chain_integer(chain, parent);
  chain_integer(chain, outcome);
  chain_word(chain, reason);
  chain_integer(chain, effective_us);
  chain_integer(chain, created_us);
  chain_integer(chain, row_count);
  chain_bytes(chain, request, request_length);
  chain_word(chain, detail);
}

LEDGER_PRIVATE void chain_entry(struct chain *chain, int64_t seq, int64_t account_key, int layer,
                                int64_t amount, int64_t balance_after, int64_t available_after,
                                int64_t version, int64_t previous, int64_t jump) {
  chain_integer(chain, seq);
  chain_integer(chain, account_key);
  chain_integer(chain, layer);
  chain_integer(chain, amount);
  chain_integer(chain, balance_after);
  chain_integer(chain, available_after);
  chain_integer(chain, version);
  chain_integer(chain, previous);
  chain_integer(chain, jump);
}

LEDGER_PRIVATE void chain_row(struct chain *chain, const char *owner, const char *type,
                              const char *amount, const char *currency, const char *reference,
                              const char *created_at) {
  chain_word(chain, owner);
  chain_word(chain, type);
  chain_word(chain, amount);
  chain_word(chain, currency);
  chain_word(chain, reference);
  chain_word(chain, created_at);
}
