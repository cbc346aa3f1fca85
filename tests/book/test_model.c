/*
** The book against a model of it in memory (model.h): random operations of every kind, retries, bad input, batches in each mode with
** linked groups, dry runs and rollbacks. Each result is compared, member by member; every few hundred operations all balances
** are, and the proof is asked for.
** LEDGER_TEST_SEED; LEDGER_TEST_COUNT: operations (100000).
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "operations.h"

/* ---- comparing */

static void print_asked(const ledger_operation *asked) {
  print_error("  {\"op\":\"%s\"",
              model_members[asked->kind].needs == NULL ? "?" : operation_word(asked->kind));
#define X(name, meaning)                                                                           \
  if (asked->name != NULL) print_error(",\"%s\":\"%s\"", #name, asked->name);
  LEDGER_OPERATION_TEXTS(X)
#undef X
#define X(name, meaning)                                                                           \
  if (asked->name) print_error(",\"%s\":true", #name);
  LEDGER_OPERATION_FLAGS(X)
#undef X
  if (asked->version != 0) print_error(",\"version\":%lld", (long long)asked->version);
  if (asked->to_version != 0) print_error(",\"to_version\":%lld", (long long)asked->to_version);
  for (int i = 0; i < asked->leg_count; i++)
    print_error("%s{\"account\":\"%s\",\"amount\":\"%s\"%s%s%s}", i == 0 ? ",\"legs\":[" : ",",
                asked->legs[i].account, asked->legs[i].amount,
                asked->legs[i].currency == NULL ? "" : ",\"currency\":\"",
                asked->legs[i].currency == NULL ? "" : asked->legs[i].currency,
                asked->legs[i].currency == NULL ? "" : "\"");
  print_error("%s}\n", asked->leg_count > 0 ? "]" : "");
}

#define differs(asked, ...)                                                                        \
  do {                                                                                             \
    print_error("LEDGER_TEST_SEED=%llu, operation %lld:\n", (unsigned long long)random_seed(),     \
                (long long)run.number);                                                            \
    print_asked(asked);                                                                            \
    print_error(__VA_ARGS__);                                                                      \
    fail_msg("the book and the model differ");                                                     \
  } while (0)

/* 12.5, 12.50 and 12.50000000 are the same; "" is none. */
static bool same_number(const char *text, int64_t amount, int scale) {
  char wanted[24], seen[24];
  model_text(amount, scale, wanted);
  snprintf(seen, sizeof seen, "%s", text);
  char *texts[] = {wanted, seen};
  for (int i = 0; i < 2; i++) {
    size_t length = strlen(texts[i]);
    if (strchr(texts[i], '.') == NULL) continue;
    while (texts[i][length - 1] == '0') texts[i][--length] = 0;
    if (texts[i][length - 1] == '.') texts[i][--length] = 0;
  }
  return strcmp(wanted, seen) == 0;
}

static void compare_balance(const ledger_operation *asked, const ledger_balance *seen,
                            const struct model_account *account, int64_t balance, int64_t available,
                            int64_t held, int64_t version) {
  char texts[3][24];
  model_text(balance, account->scale, texts[0]);
  model_text(available, account->scale, texts[1]);
  model_text(held, account->scale, texts[2]);
  if (strcmp(seen->balance, texts[0]) != 0 || strcmp(seen->available, texts[1]) != 0 ||
      strcmp(seen->held, texts[2]) != 0 || seen->version != version ||
      strcmp(seen->currency, account->currency) != 0 || seen->scale != account->scale)
    differs(asked,
            "%s: balance %s available %s held %s version %lld %s:%d\nmodel: %s %s %s %lld %s:%d\n",
            seen->account, seen->balance, seen->available, seen->held, (long long)seen->version,
            seen->currency, seen->scale, texts[0], texts[1], texts[2], (long long)version,
            account->currency, account->scale);
}

/* The accounts that it touched, each as its last entry left it. */
static void compare_balances(const ledger_operation *asked, const ledger_result *result,
                             const struct model_journal *journal) {
  int count = 0;
  for (int i = 0; i < journal->entry_count; i++) {
    const struct model_entry *entry = &journal->entries[i];
    const struct model_account *account = &run.model.accounts[entry->account];
    bool is_last = !account->is_system;
    for (int k = i + 1; k < journal->entry_count && is_last; k++)
      is_last = journal->entries[k].account != entry->account;
    if (!is_last) continue;
    count++;
    const ledger_balance *seen = NULL;
    for (int k = 0; k < result->balance_count; k++)
      if (strcmp(result->balances[k].account, account->name) == 0) seen = &result->balances[k];
    if (seen == NULL) differs(asked, "account %s is not in the result\n", account->name);
    compare_balance(asked, seen, account, entry->balance, entry->available, entry->held,
                    entry->version);
    if (strcmp(seen->status, model_statuses[account->status]) != 0)
      differs(asked, "%s is %s, in the model %s\n", account->name, seen->status,
              model_statuses[account->status]);
  }
  if (journal->entry_count > 0 && count != result->balance_count)
    differs(asked, "%d balances, in the model %d\n", result->balance_count, count);
}

static void compare_amounts(const ledger_operation *asked, const ledger_result *result,
                            const struct model_journal *journal) {
  const struct model_account *accounts = run.model.accounts;
  char text[24];
  if (journal->entry_count > 0 &&
      (!same_number(result->amount, journal->amount, accounts[journal->account].scale) ||
       strcmp(result->currency, accounts[journal->account].currency) != 0))
    differs(asked, "amount %s %s, in the model %s %s\n", result->amount, result->currency,
            model_text(journal->amount, accounts[journal->account].scale, text),
            accounts[journal->account].currency);
  if (journal->has_fee
          ? !same_number(result->fee, journal->fee, accounts[journal->fee_account].scale)
          : result->fee[0] != 0)
    differs(asked, "fee \"%s\", in the model %s\n", result->fee,
            journal->has_fee ? model_text(journal->fee, accounts[journal->fee_account].scale, text)
                             : "none");
  if (journal->shows_remaining
          ? !same_number(result->remaining, journal->remaining, accounts[journal->account].scale)
          : result->remaining[0] != 0)
    differs(asked, "remaining \"%s\", in the model %s\n", result->remaining,
            journal->shows_remaining
                ? model_text(journal->remaining, accounts[journal->account].scale, text)
                : "none");
  if (journal->received_account < 0) {
    if (result->received[0] != 0 || result->rate[0] != 0)
      differs(asked, "received %s at %s\n", result->received, result->rate);
  } else if (!same_number(result->received, journal->received,
                          accounts[journal->received_account].scale) ||
             strcmp(result->received_currency, accounts[journal->received_account].currency) != 0 ||
             strcmp(result->rate, journal->rate) != 0) {
    differs(asked, "received %s %s at %s, in the model %s %s at %s\n", result->received,
            result->received_currency, result->rate,
            model_text(journal->received, accounts[journal->received_account].scale, text),
            accounts[journal->received_account].currency, journal->rate);
  }
}

static void compare_done(const ledger_operation *asked, const ledger_result *result,
                         const struct model_journal *journal, bool is_replay) {
  char text[40];
  if (result->replayed != is_replay) differs(asked, "replayed %d\n", result->replayed);
  if (result->kind != journal->kind || strcmp(result->reference, journal->reference) != 0)
    differs(asked, "it is a %d, %s\n", (int)result->kind, result->reference);
  if (strcmp(result->status, journal->status) != 0)
    differs(asked, "status %s, in the model %s\n", result->status, journal->status);
  if (result->journal <= 0) differs(asked, "no number\n");
  if (result->created_at[0] == 0 ||
      (is_replay && strcmp(result->created_at, journal->created_at) != 0))
    differs(asked, "created at %s, in the model %s\n", result->created_at, journal->created_at);
  int64_t counts =
      journal->effective_us != 0 ? journal->effective_us : model_time(result->created_at);
  if (model_time(result->effective_at) != counts)
    differs(asked, "effective at %s, in the model %s\n", result->effective_at,
            time_text(counts, text));
  compare_balances(asked, result, journal);
  if (journal->code == LEDGER_OK) compare_amounts(asked, result, journal);
}

static void compare_refusal(const ledger_operation *asked, const ledger_result *result,
                            const struct model_judgement *judgement) {
  if (!judgement->codes[result->code]) {
    print_error("refused with %d %s; the model:", result->code,
                result->error == NULL ? "" : result->error->message);
    for (int i = 0; i < MODEL_CODES; i++)
      if (judgement->codes[i]) print_error(" %d", i);
    differs(asked, "\n");
  }
  if (result->error == NULL || result->error->code != result->code ||
      result->error->message[0] == 0 ||
      strcmp(result->error->sqlstate, ledger_sqlstate(result->code)) != 0)
    differs(asked, "a refusal with %d has no sentence of its own\n", result->code);
}

/* ---- running */

static bool is_kept(const ledger_operation *asked, int code) {
  return asked->keep_failed &&
         (code == LEDGER_NO_FUNDS || code == LEDGER_FROZEN || code == LEDGER_SUSPENDED ||
          code == LEDGER_CLOSED || code == LEDGER_LIMIT || code == LEDGER_HOLD_EXPIRED);
}

static void model_do(const struct model_judgement *judgement, const ledger_operation *asked,
                     const ledger_result *result) {
  if (judgement->opens) {
    struct model_account *account =
        model_add_account(&run.model, result->transaction_id, asked->currency, 2);
    if (asked->number != NULL)
      snprintf(account->number, sizeof account->number, "%s", asked->number);
    struct model_judgement opening = *judgement;
    opening.target = run.model.account_count - 1;
    model_apply(&run.model, &opening, asked, result->created_at);
  } else {
    model_apply(&run.model, judgement, asked, result->created_at);
  }
}

/* One result, and the model follows. True: it was refused. */
static bool settle(const ledger_operation *asked, const ledger_result *result, int64_t before_us,
                   int64_t after_us) {
  static struct model_judgement judgement;
  model_judge(&run.model, asked, before_us, after_us, &judgement);
  if (judgement.replay >= 0) {
    const struct model_journal *past = &run.model.journals[judgement.replay];
    if (result->code != past->code)
      differs(asked, "a retry gives %d, the first time it was %d\n", result->code, past->code);
    compare_done(asked, result, past, true);
    run.replays++;
    return past->code != LEDGER_OK;
  }
  if (result->code == LEDGER_OK) {
    if (judgement.count > 0 && !judgement.is_unsure) {
      for (int i = 0; i < MODEL_CODES; i++)
        if (judgement.codes[i])
          print_error("the model refuses with %d %s\n", i, ledger_sqlstate(i));
      differs(asked, "it was done\n");
    }
    if (result->journal <= run.last_journal)
      differs(asked, "its number is %lld\n", (long long)result->journal);
    run.last_journal = result->journal;
    model_do(&judgement, asked, result);
    compare_done(asked, result, &run.model.journals[run.model.journal_count - 1], false);
    run.counts[asked->kind]++;
    return false;
  }
  compare_refusal(asked, result, &judgement);
  run.refused[result->code]++;
  if (is_kept(asked, result->code)) {
    model_keep_refusal(&run.model, &judgement, asked, result->code, result->created_at);
    compare_done(asked, result, &run.model.journals[run.model.journal_count - 1], false);
  } else if (result->journal != 0) {
    differs(asked, "it was refused with %d and has the number %lld\n", result->code,
            (long long)result->journal);
  }
  return true;
}

static void keep(const struct asked *asked) {
  if (model_find_journal(&run.model, asked->operation.reference) < 0 ||
      asked->operation.expires_at != NULL)
    return;
  asked_copy(asked, &run.kept[run.kept_count < KEPT ? run.kept_count++ : below(KEPT)]);
}

/* Operations of which one was refused and all are undone: those before it were possible, it was not. */
static void settle_broken(const struct asked *asked, const ledger_result *results, int first,
                          int last, int64_t before_us, int64_t after_us) {
  static struct model_judgement judgement;
  struct model_mark mark = model_mark(&run.model);
  int refused = first;
  while (refused <= last && results[refused].code == LEDGER_LINK_BROKEN) refused++;
  if (refused > last) differs(&asked[first].operation, "all are refused for another one's sake\n");
  for (int i = first; i < refused; i++) {
    model_judge(&run.model, &asked[i].operation, before_us, after_us, &judgement);
    if (judgement.replay >= 0 && run.model.journals[judgement.replay].code == LEDGER_OK) continue;
    if (judgement.replay >= 0 || (judgement.count > 0 && !judgement.is_unsure))
      differs(&asked[i].operation, "it is not what broke the group\n");
    model_do(&judgement, &asked[i].operation, &results[i]);
  }
  const ledger_operation *one = &asked[refused].operation;
  model_judge(&run.model, one, before_us, after_us, &judgement);
  if (judgement.replay >= 0 ? run.model.journals[judgement.replay].code != results[refused].code
                            : !judgement.codes[results[refused].code])
    compare_refusal(one, &results[refused], &judgement);
  if (judgement.replay < 0 && results[refused].journal != 0)
    differs(one, "it was undone and has the number %lld\n", (long long)results[refused].journal);
  for (int i = refused + 1; i <= last; i++)
    if (results[i].code != LEDGER_LINK_BROKEN || results[i].journal != 0)
      differs(&asked[i].operation, "%d after the refusal of its group\n", results[i].code);
  run.refused[LEDGER_LINK_BROKEN] += last - first;
  model_undo(&run.model, mark);
}

#define BATCH 20

static void settle_batch(const struct asked *asked, const ledger_result *results, int count,
                         enum ledger_batch_mode mode, int rc, int64_t before_us, int64_t after_us) {
  if (mode == LEDGER_BATCH_ATOMIC && rc != LEDGER_OK) {
    settle_broken(asked, results, 0, count - 1, before_us, after_us);
    return;
  }
  if (rc != LEDGER_OK) differs(&asked[0].operation, "a batch gives %d\n", rc);
  bool stopped = false;
  for (int i = 0; i < count; i++) {
    int last = i;
    while (mode != LEDGER_BATCH_ATOMIC && last < count - 1 && asked[last].operation.linked) last++;
    bool is_broken = false;
    for (int k = i; k <= last && last > i; k++) is_broken |= results[k].code != LEDGER_OK;
    if (stopped) {
      if (results[i].code != LEDGER_LINK_BROKEN)
        differs(&asked[i].operation, "%d behind a stop\n", results[i].code);
      continue;
    }
    bool refused = false;
    if (is_broken) {
      settle_broken(asked, results, i, last, before_us, after_us);
      refused = true;
    }
    for (; !is_broken && i <= last; i++)
      refused |= settle(&asked[i].operation, &results[i], before_us, after_us);
    i = last;
    stopped = refused && mode == LEDGER_BATCH_STOP;
    if (refused && mode == LEDGER_BATCH_ATOMIC)
      differs(&asked[i].operation, "an atomic batch has a refusal\n");
  }
}

static int run_batch(ledger *db) {
  static struct asked asked[BATCH];
  static ledger_operation operations[BATCH];
  static ledger_result results[BATCH];
  enum ledger_batch_mode mode = (enum ledger_batch_mode)below(3);
  int count = 1 + below(mode == LEDGER_BATCH_ATOMIC && chance(80) ? 4 : BATCH),
      flags = chance(10) ? LEDGER_DRY_RUN : 0;
  struct model_mark mark = model_mark(&run.model);
  int64_t last_journal = run.last_journal;
  for (int i = 0; i < count; i++) {
    make(&asked[i]);
    asked[i].operation.linked = chance(8);
    operations[i] = asked[i].operation;
  }
  int64_t before_us = asked_us();
  int rc = ledger_post_batch(db, count, operations, mode, flags, results);
  settle_batch(asked, results, count, mode, rc, before_us, clock_us());
  if (flags & LEDGER_DRY_RUN) {
    model_undo(&run.model, mark);
    run.last_journal = last_journal;
  } else {
    for (int i = 0; i < count; i++) keep(&asked[i]);
  }
  return count;
}

/* As a line of ledger batch. */
static void print_json(const ledger_operation *asked, char *out, size_t room) {
  size_t used = (size_t)snprintf(out, room, "{\"op\":\"%s\"", operation_word(asked->kind));
#define TEXT(name, value)                                                                          \
  if ((value) != NULL) {                                                                           \
    used += (size_t)snprintf(out + used, room - used, ", \"%s\": %s", name,                        \
                             strcmp(name, "metadata") == 0 ? value : "\"");                        \
    for (const char *at = value; strcmp(name, "metadata") != 0 && *at != 0; at++)                  \
      used += (size_t)snprintf(out + used, room - used, *at == '"' ? "\\%c" : "%c", *at);          \
    if (strcmp(name, "metadata") != 0) out[used++] = '"';                                          \
  }
#define X(name, meaning) TEXT(#name, asked->name)
  LEDGER_OPERATION_TEXTS(X)
#undef X
#define X(name, meaning)                                                                           \
  if (asked->name) used += (size_t)snprintf(out + used, room - used, ",\"%s\":true", #name);
  LEDGER_OPERATION_FLAGS(X)
#undef X
  if (asked->version != 0)
    used +=
        (size_t)snprintf(out + used, room - used, ",\"version\":%lld", (long long)asked->version);
  if (asked->to_version != 0)
    used += (size_t)snprintf(out + used, room - used, ",\"to_version\":%lld",
                             (long long)asked->to_version);
  for (int i = 0; i < asked->leg_count; i++) {
    used += (size_t)snprintf(out + used, room - used, "%s{\"amount\": %s\"",
                             i == 0 ? ",\"legs\":[" : ",", "");
    used += (size_t)snprintf(out + used, room - used, "%s\"", asked->legs[i].amount);
    TEXT("account", asked->legs[i].account)
    TEXT("currency", asked->legs[i].currency)
    TEXT("description", asked->legs[i].description)
    used += (size_t)snprintf(out + used, room - used, "}%s", i == asked->leg_count - 1 ? "]" : "");
  }
#undef TEXT
  snprintf(out + used, room - used, "}");
}

static void run_one(ledger *db) {
  static struct asked asked;
  static char json[8000];
  ledger_operation read;
  ledger_result result;
  make(&asked);
  bool by_json =
      chance(20) && (asked.operation.metadata == NULL || asked.operation.metadata[0] == '{');
  if (by_json) {
    print_json(&asked.operation, json, sizeof json);
    if (ledger_operation_read(db, json, -1, &read) != LEDGER_OK)
      differs(&asked.operation, "%s\n%s\n", json, ledger_error_of(db)->message);
  }
  int64_t before_us = asked_us();
  int rc = ledger_post(db, by_json ? &read : &asked.operation, &result);
  int64_t after_us = clock_us();
  if (rc != result.code)
    differs(&asked.operation, "returned %d, in the result %d\n", rc, result.code);
  settle(&asked.operation, &result, before_us, after_us);
  keep(&asked);
}

static void apply(ledger *db, const char *format, ...) {
  char line[1000];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (ledger_apply(db, line, -1, NULL, NULL) != LEDGER_OK)
    fail_msg("%s: %s", line, ledger_error_of(db)->message);
}

/* Plain rows are written between: what is remembered of an account's row is stale then, and each makes a link of the chain. */
static void run_row(ledger *db) {
  char line[300];
  if (chance(60)) {
    apply(db,
          "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"N%d\"},\"where\":{"
          "\"id\":\"%s\"}}",
          below(99), users[below(USERS)]);
    return;
  }
  int number = some_account(NULL);
  if (number < 0 || run.model.accounts[number].is_portfolio ||
      run.model.accounts[number].status == MODEL_CLOSED)
    return;
  struct model_account *account = &run.model.accounts[number];
  snprintf(line, sizeof line,
           "{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"balance\":\"1.00\"},\"where\":{"
           "\"id\":\"%s\"}}",
           account->name);
  assert_int_equal(ledger_apply(db, line, -1, NULL, NULL), LEDGER_FORBIDDEN);
  model_note(&run.model, account, sizeof *account);
  account->status = chance(70) ? MODEL_ACTIVE : MODEL_FROZEN;
  apply(db,
        "{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"status\":\"%s\"},\"where\":{\"id\":"
        "\"%s\"}}",
        model_statuses[account->status], account->name);
}

/* Some in a transaction of the caller's, which ends well or is undone. */
static int run_transaction(ledger *db) {
  struct model_mark mark = model_mark(&run.model);
  int64_t last_journal = run.last_journal;
  int count = 1 + below(12), done = 0;
  run.began_us = clock_us();
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  while (done < count) {
    if (chance(80)) {
      if (chance(5)) run_row(db);
      run_one(db);
      done++;
    } else {
      done += run_batch(db);
    }
  }
  run.began_us = 0;
  if (chance(60)) {
    assert_int_equal(ledger_commit(db), LEDGER_OK);
    return done;
  }
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  model_undo(&run.model, mark);
  run.last_journal = last_journal;
  return done;
}

/* ---- all of it compared, and proved */

static void sweep_balances(ledger *db) {
  static const ledger_operation nothing = {.kind = LEDGER_OP_AUDIT};
  char texts[3][24];
  for (int i = 0; i < run.model.account_count; i++) {
    struct model_account *account = &run.model.accounts[i];
    ledger_balance seen;
    if (account->is_system && account->version == 0) continue;
    int rc = ledger_account(db, account->name, &seen);
    if (rc != LEDGER_OK) differs(&nothing, "%s: %s\n", account->name, ledger_error_of(db)->message);
    compare_balance(&nothing, &seen, account, account->balance, model_available(account),
                    account->held, account->version);
    if (account->number[0] == 0)
      snprintf(account->number, sizeof account->number, "%s", seen.number);
    model_text(account->overdraft, account->scale, texts[0]);
    model_text(account->least, account->scale, texts[1]);
    model_text(account->most, account->scale, texts[2]);
    if (!account->is_system &&
        (strcmp(seen.overdraft_limit, texts[0]) != 0 || strcmp(seen.min_balance, texts[1]) != 0 ||
         strcmp(seen.max_balance, account->most == INT64_MAX ? "" : texts[2]) != 0 ||
         strcmp(seen.status, model_statuses[account->status]) != 0))
      differs(&nothing, "%s: limits %s %s %s, %s; in the model %s %s %s, %s\n", seen.account,
              seen.overdraft_limit, seen.min_balance, seen.max_balance, seen.status, texts[0],
              texts[1], account->most == INT64_MAX ? "none" : texts[2],
              model_statuses[account->status]);
  }
}

/* The balance of an account as of a time: the sum of what counts until then. */
static void sweep_past(ledger *db) {
  static const ledger_operation nothing = {.kind = LEDGER_OP_AUDIT};
  char time[40], text[24];
  int number = some_account(NULL);
  if (number < 0) return;
  const struct model_account *account = &run.model.accounts[number];
  for (int i = 0; i < 4; i++) {
    enum ledger_clock clock = i % 2 == 0 ? LEDGER_EFFECTIVE : LEDGER_BOOKED;
    int64_t moment_us = JANUARY + DAY(below(320)), balance = 0;
    if (clock == LEDGER_BOOKED && run.model.journal_count > 0)
      moment_us = model_time(run.model.journals[below(run.model.journal_count)].created_at);
    for (int k = 0; k < run.model.journal_count; k++) {
      const struct model_journal *journal = &run.model.journals[k];
      int64_t counts = model_time(journal->created_at);
      if (clock == LEDGER_EFFECTIVE && journal->effective_us != 0) counts = journal->effective_us;
      for (int e = 0; e < journal->entry_count && counts <= moment_us; e++)
        if (journal->entries[e].account == number && journal->entries[e].layer == MODEL_POSTED)
          balance += journal->entries[e].amount;
    }
    ledger_balance seen;
    int rc = ledger_balance_at(db, account->name, time_text(moment_us, time), clock, &seen);
    if (rc != LEDGER_OK || strcmp(seen.balance, model_text(balance, account->scale, text)) != 0)
      differs(&nothing, "%s at %s by clock %d: %s %s, in the model %s\n", account->name, time,
              (int)clock, rc == LEDGER_OK ? "" : ledger_error_of(db)->message, seen.balance, text);
  }
}

/* Page by page: each entry of an account once, from the first version to the last or the other way round. */
static void sweep_history(ledger *db) {
  static const ledger_operation nothing = {.kind = LEDGER_OP_AUDIT};
  int number = some_account(NULL);
  if (number < 0) return;
  const struct model_account *account = &run.model.accounts[number];
  ledger_history_filter filter = {
      .account = account->name, .limit = 1 + below(50), .oldest_first = chance(50)};
  int64_t seen = 0, balance = 0;
  for (int page = filter.limit; page == filter.limit;) {
    ledger_rows *rows = NULL;
    assert_int_equal(ledger_history(db, &filter, &rows), LEDGER_OK);
    for (page = 0; ledger_rows_next(rows) == LEDGER_ROW; page++) {
      int64_t version = strtoll(ledger_rows_text(rows, 8, NULL), NULL, 10);
      seen++;
      if (version != (filter.oldest_first ? seen : account->version + 1 - seen))
        differs(&nothing, "%s: entry %lld of its history has version %lld\n", account->name,
                (long long)seen, (long long)version);
      filter.after = strtoll(ledger_rows_text(rows, 0, NULL), NULL, 10);
      if (version == account->version)
        model_read(ledger_rows_text(rows, 6, NULL), account->scale, account->scale, &balance);
    }
    ledger_rows_free(rows);
  }
  if (seen != account->version || balance != account->balance)
    differs(&nothing, "%s: %lld entries in its history, not %lld\n", account->name, (long long)seen,
            (long long)account->version);
}

static void prove(ledger *db) {
  const ledger_verify_options options = {0};
  char *report = NULL;
  int rc = ledger_verify(db, &options, &report);
  if (rc != LEDGER_OK)
    fail_msg("LEDGER_TEST_SEED=%llu, after operation %lld: %d %s\n%s",
             (unsigned long long)random_seed(), (long long)run.number, rc,
             ledger_error_of(db)->message, report == NULL ? "" : report);
  ledger_free(report);
}

/* ---- the world is made */

static void make_world(ledger *db, bool is_full) {
  static const char *const owned[] = {"USD", "BTC", "ETH"};
  char text[40], name[80];
  for (int i = 0; i < USERS; i++)
    apply(db,
          "{\"table\":\"users\",\"row\":{\"id\":\"%s\",\"email\":\"u%d@example.com\",\"password_"
          "hash\":\"!\","
          "\"first_name\":\"U\",\"last_name\":\"V\"}}",
          users[i], i);
  if (!is_full) return;
  run.has_portfolio = run.model.has_portfolio = true;
  for (int i = 0; i < USERS; i++) { /* the last one's row is made with the first entry */
    if (i < USERS - 1)
      apply(db, "{\"table\":\"portfolio\",\"row\":{\"user_id\":\"%s\"}}", users[i]);
    for (int k = 0; k < COUNT_OF(owned); k++) {
      snprintf(name, sizeof name, "portfolio:%s:%s", users[i], owned[k]);
      model_add_account(&run.model, name, owned[k], 8)->is_portfolio = true;
    }
  }
  for (int i = 0; i < COUNT_OF(rates); i++)
    apply(db,
          "{\"table\":\"exchange_rates\",\"row\":{\"from_currency\":\"%s\",\"to_currency\":\"%s\","
          "\"rate\":%s,"
          "\"source\":\"test\",\"quoted_at\":\"%s\"}}",
          rates[i].from, rates[i].to, rates[i].rate, time_text(rates[i].quoted_us, text));
  assert_int_equal(ledger_delete(db, "fee_config", 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL),
                   LEDGER_OK);
  for (int i = 0; i < COUNT_OF(fees); i++)
    apply(db,
          "{\"table\":\"fee_config\",\"row\":{\"fee_type\":\"%s\",\"currency\":\"%s\",\"percentage_"
          "fee\":%s,\"flat_fee\":%s,"
          "\"minimum_amount\":%s,\"maximum_amount\":%s}}",
          fees[i].type, fees[i].currency, fees[i].percentage, fees[i].flat, fees[i].least,
          fees[i].most == NULL ? "null" : fees[i].most);
  for (int i = 0; i < COUNT_OF(addresses); i++)
    apply(db,
          "{\"table\":\"deposit_addresses\",\"row\":{\"user_id\":\"%s\",\"crypto_type\":\"%s\","
          "\"address\":\"%s\","
          "\"is_active\":%s}}",
          addresses[i].user, addresses[i].coin, addresses[i].address,
          addresses[i].is_active ? "true" : "false");
  run.model.rates = rates;
  run.model.rate_count = COUNT_OF(rates);
  run.model.fees = fees;
  run.model.fee_count = COUNT_OF(fees);
  run.model.addresses = addresses;
  run.model.address_count = COUNT_OF(addresses);
}

/* Accounts and money in them, so that there is something to move. */
static void make_accounts(ledger *db) {
  for (int i = 0; i < 24; i++) {
    static struct asked asked;
    ledger_result result;
    for (int step = 0; step < 2; step++) {
      memset(&asked, 0, offsetof(struct asked, texts));
      run.number++;
      asked.operation.kind = step == 0 ? LEDGER_OP_OPEN : LEDGER_OP_DEPOSIT;
      asked.operation.reference = put(&asked, "start-%lld", (long long)run.number);
      if (step == 0) {
        asked.operation.currency = currencies[i % COUNT_OF(currencies)];
      } else {
        asked.operation.to = run.model.accounts[run.model.account_count - 1].name;
        asked.operation.amount = put(&asked, "%d", 1000 + below(100000));
      }
      int64_t before_us = asked_us();
      ledger_post(db, &asked.operation, &result);
      settle(&asked.operation, &result, before_us, clock_us());
      assert_int_equal(result.code, LEDGER_OK);
      if (step == 0) sweep_balances(db);
    }
  }
}

static void run_all(int64_t count) {
  int64_t done = 0, swept = 0, proved = 500;
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("# LEDGER_TEST_SEED=%llu, %lld operations\n", (unsigned long long)random_seed(),
         (long long)count);
  while (done < count) {
    ledger *db = run.db[below(run.handles)];
    int kind = below(100);
    if (kind < 3) run_row(db);
    done += kind < 50 ? (run_one(db), 1) : kind < 85 ? run_batch(db) : run_transaction(db);
    model_keep(&run.model);
    if (done >= swept + 400) {
      sweep_balances(db);
      sweep_past(db);
      sweep_history(db);
      swept = done;
    }
    if (done >= proved) { /* each takes as long as all that there is: ever more rarely */
      prove(db);
      proved = done + done / 2;
    }
  }
  for (int i = 0; i < run.handles; i++) sweep_balances(run.db[i]);
  prove(run.db[0]);
  int64_t refused = 0;
  for (int i = 0; i < MODEL_CODES; i++) refused += run.refused[i];
  printf("# %lld journals, %lld refusals, %lld retries\n", (long long)run.model.journal_count,
         (long long)refused, (long long)run.replays);
  if (getenv("LEDGER_TEST_DETAIL") == NULL) return;
  for (int i = 0; i < COUNT_OF(makers); i++)
    printf("# %s: %lld\n", operation_word(makers[i].kind), (long long)run.counts[makers[i].kind]);
  for (int i = 0; i < MODEL_CODES; i++)
    if (run.refused[i] > 0) printf("# %s: %lld\n", ledger_sqlstate(i), (long long)run.refused[i]);
}

static void start(const char *path, const char *schema, int handles, int64_t count) {
  memset(&run, 0, sizeof run);
  run.random.state = random_seed() + (uint64_t)handles * 7919 + 1000003 * strlen(schema);
  run.handles = handles;
  model_start(&run.model, (int)count + 1000);
  if (ledger_create(path, ledger_schema(schema), LEDGER_SYNC_NORMAL, &run.db[0]) != LEDGER_OK)
    fail_msg("%s", ledger_error_of(run.db[0])->message);
  make_world(run.db[0], strcmp(schema, "full") == 0);
  if (handles == 2) assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &run.db[1]), LEDGER_OK);
  make_accounts(run.db[0]);
}

static void finish(void) {
  for (int i = 0; i < run.handles; i++) ledger_close(run.db[i]);
  model_end(&run.model);
}

static void test_full(void **state) {
  (void)state;
  int64_t count = random_count(100000);
  start(":memory:", "full", 1, count);
  run_all(count);
  for (int i = 0; i < COUNT_OF(makers); i++) /* none was left out */
    if (count >= 50000 && run.counts[makers[i].kind] == 0)
      fail_msg("no %s was done", operation_word(makers[i].kind));
  finish();
}

/* A schema with accounts and transactions alone, and times without a zone. */
static void test_wallstreet(void **state) {
  (void)state;
  int64_t count = random_count(100000) / 10;
  start(":memory:", "wallstreet", 1, count);
  run_all(count);
  finish();
}

/* What a handle remembers of accounts is stale as soon as the other one has written. */
static void test_two_handles(void **state) {
  (void)state;
  char path[256];
  int64_t count = random_count(100000) / 10;
  snprintf(path, sizeof path, "%s/ledger-model-%ld.db",
           access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
  file_remove(path);
  start(path, "full", 2, count);
  run_all(count);
  finish();
  file_remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_full), cmocka_unit_test(test_wallstreet),
                                     cmocka_unit_test(test_two_handles)};
  return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
