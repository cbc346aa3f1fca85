/*
** Every refusal of the book, code by code: it has its SQLSTATE and a sentence that names what it is about, and it changes nothing:
** all tables of the file, the engine's own with them, are the same before and after, byte for byte, as another connection reads
** them. Where there is a limit, what reaches it is done and what passes it by one is refused.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

/* Accounts stand in these texts by their numbers; $A1 is the id of the account A1. JSON has ' for ". */
struct refusal {
  int code;
  const char *refused;
  const char *says;    /* a part of the sentence; more than one with | between them */
  const char *at_most; /* an operation at the limit, which is done; or NULL */
};

static const struct refusal refusals[] = {
    {LEDGER_NO_FUNDS, "{'op':'withdraw','from':'A1','amount':10.01}",
     "account A1 has 10.00 USD available, 10.01 is needed",
     "{'op':'withdraw','from':'A1','amount':10.00}"},
    {LEDGER_NO_FUNDS, "{'op':'transfer','from':'A1','to':'A2','amount':10.01}",
     "account A1 has 10.00 USD available, 10.01 is needed",
     "{'op':'transfer','from':'A1','to':'A2','amount':10}"},
    {LEDGER_NO_FUNDS, "{'op':'transfer','from':'A1','to':'A2','amount':9.91,'fee':'withdrawal'}",
     "10.01 is needed", "{'op':'transfer','from':'A1','to':'A2','amount':9.90,'fee':'withdrawal'}"},
    {LEDGER_NO_FUNDS, "{'op':'hold','from':'A1','amount':10.01}", "A1|10.00 USD",
     "{'op':'hold','from':'A1','amount':10}"},
    {LEDGER_NO_FUNDS, "{'op':'withdraw','from':'OVERDRAFT','amount':5.01}",
     "OVERDRAFT has 0.00 USD available, 5.01", "{'op':'withdraw','from':'OVERDRAFT','amount':5}"},
    {LEDGER_NO_FUNDS, "{'op':'withdraw','from':'LEAST','amount':6.01}", "LEAST|6.01 is needed",
     "{'op':'withdraw','from':'LEAST','amount':6}"},
    {LEDGER_NO_FUNDS, "{'op':'withdraw','from':'HELD','amount':2.01}",
     "HELD has 2.00 USD available", "{'op':'withdraw','from':'HELD','amount':2}"},
    {LEDGER_NO_FUNDS, "{'op':'capture','of':'OF-ALL','fee':'withdrawal'}",
     "ALL has 0.00 USD available",
     "{'op':'capture','of':'OF-ALL','amount':4.90,'fee':'withdrawal','final':true}"},
    {LEDGER_NO_FUNDS,
     "{'op':'post','legs':[{'account':'A1','amount':-10.01},{'account':'A2','amount':10.01}]}",
     "A1", "{'op':'post','legs':[{'account':'A1','amount':-10},{'account':'A2','amount':10}]}"},
    {LEDGER_NO_FUNDS, "{'op':'exchange','from':'A1','to':'E1','amount':10.01}", "A1",
     "{'op':'exchange','from':'A1','to':'E1','amount':10}"},
    {LEDGER_NO_FUNDS, "{'op':'fee','account':'A1','amount':10.01}", "A1",
     "{'op':'fee','account':'A1','amount':10}"},
    {LEDGER_NO_FUNDS, "{'op':'adjust','from':'A1','amount':10.01}", "A1",
     "{'op':'adjust','from':'A1','amount':10}"},
    {LEDGER_NO_FUNDS, "{'op':'reverse','of':'SPENT'}", "A2|0.00 USD", NULL},
    {LEDGER_NO_FUNDS,
     "{'op':'order','user':'USER','side':'buy','asset':'BTC','amount':0.00100001,'price':100000}",
     "portfolio:USER:USD has 100.00000000 USD available, 100.00100000 is needed",
     "{'op':'order','user':'USER','side':'buy','asset':'BTC','amount':0.001,'price':100000}"},
    {LEDGER_NO_FUNDS,
     "{'op':'order','user':'USER','side':'sell','asset':'BTC','amount':0.50000001,'price':1}",
     "portfolio:USER:BTC",
     "{'op':'order','user':'USER','side':'sell','asset':'BTC','amount':0.5,'price':1}"},
    {LEDGER_NO_FUNDS, "{'op':'payout','user':'USER','currency':'BTC','amount':0.50000001}",
     "portfolio:USER:BTC has 0.50000000 BTC",
     "{'op':'payout','user':'USER','currency':'BTC','amount':0.5}"},

    {LEDGER_FROZEN, "{'op':'withdraw','from':'FROZEN','amount':0.01}", "account FROZEN is frozen",
     "{'op':'deposit','to':'FROZEN','amount':0.01}"},
    {LEDGER_FROZEN, "{'op':'transfer','from':'FROZEN','to':'A1','amount':1}", "FROZEN",
     "{'op':'transfer','from':'A1','to':'FROZEN','amount':1}"},
    {LEDGER_FROZEN, "{'op':'hold','from':'FROZEN','amount':1}", "FROZEN", NULL},
    {LEDGER_FROZEN, "{'op':'capture','of':'OF-FROZEN'}", "FROZEN",
     "{'op':'release','of':'OF-FROZEN'}"},
    {LEDGER_FROZEN, "{'op':'deposit','to':'FROZEN','amount':5,'fee':'deposit'}", "FROZEN", NULL},

    {LEDGER_SUSPENDED, "{'op':'deposit','to':'SUSPENDED','amount':1}",
     "account SUSPENDED is suspended", NULL},
    {LEDGER_SUSPENDED, "{'op':'withdraw','from':'SUSPENDED','amount':1}", "SUSPENDED", NULL},
    {LEDGER_SUSPENDED, "{'op':'transfer','from':'A1','to':'SUSPENDED','amount':1}", "SUSPENDED",
     NULL},

    {LEDGER_CLOSED, "{'op':'deposit','to':'CLOSED','amount':1}", "account CLOSED is closed", NULL},
    {LEDGER_CLOSED, "{'op':'transfer','from':'A1','to':'CLOSED','amount':1}", "CLOSED", NULL},
    {LEDGER_CLOSED, "{'op':'activate','account':'CLOSED'}", "CLOSED", NULL},
    {LEDGER_CLOSED, "{'op':'close','account':'CLOSED'}", "CLOSED", NULL},
    {LEDGER_CLOSED, "{'op':'limit','account':'CLOSED','max_balance':1}", "CLOSED", NULL},

    {LEDGER_WRONG_CURRENCY, "{'op':'deposit','to':'A1','amount':1,'currency':'EUR'}",
     "account A1 is in USD|EUR", "{'op':'deposit','to':'A1','amount':1,'currency':'USD'}"},
    {LEDGER_WRONG_CURRENCY, "{'op':'transfer','from':'A1','to':'E1','amount':1}", "A1|E1|USD|EUR",
     NULL},
    {LEDGER_WRONG_CURRENCY, "{'op':'hold','from':'A1','to':'E1','amount':1}", "A1|E1", NULL},
    {LEDGER_WRONG_CURRENCY, "{'op':'exchange','from':'A1','to':'A2','amount':1}", "A1|A2|USD",
     NULL},
    {LEDGER_WRONG_CURRENCY,
     "{'op':'post','legs':[{'account':'A1','amount':-1,'currency':'EUR'},{'account':'A2','amount':"
     "1}]}",
     "A1|EUR", NULL},
    {LEDGER_WRONG_CURRENCY, "{'op':'payout','user':'USER','currency':'USD','amount':1}", "USD",
     NULL},

    {LEDGER_WRONG_SCALE, "{'op':'deposit','to':'A1','amount':1.001}", "1.001",
     "{'op':'deposit','to':'A1','amount':1.000}"},
    {LEDGER_WRONG_SCALE, "{'op':'deposit','to':'YEN','amount':1.5}", "1.5",
     "{'op':'deposit','to':'YEN','amount':1.00}"},
    {LEDGER_WRONG_SCALE, "{'op':'transfer','from':'portfolio:USER:USD','to':'A1','amount':0.001}",
     "0.001", "{'op':'transfer','from':'portfolio:USER:USD','to':'A1','amount':0.01}"},
    {LEDGER_WRONG_SCALE, "{'op':'deposit','to':'portfolio:USER:ETH','amount':0.000000001}",
     "0.000000001", "{'op':'deposit','to':'portfolio:USER:ETH','amount':0.00000001}"},
    {LEDGER_WRONG_SCALE,
     "{'op':'order','user':'USER','side':'sell','asset':'BTC','amount':0.1,'price':0.000000001}",
     "0.000000001", NULL},

    {LEDGER_NOT_POSITIVE, "{'op':'deposit','to':'A1','amount':0}",
     "amount 0 is not greater than zero", "{'op':'deposit','to':'A1','amount':0.01}"},
    {LEDGER_NOT_POSITIVE, "{'op':'deposit','to':'A1','amount':'-0.00'}", "-0.00", NULL},
    {LEDGER_NOT_POSITIVE, "{'op':'deposit','to':'A1','amount':-1}", "-1", NULL},
    {LEDGER_NOT_POSITIVE,
     "{'op':'post','legs':[{'account':'A1','amount':'0'},{'account':'A2','amount':'0'}]}", "0",
     NULL},
    {LEDGER_NOT_POSITIVE, "{'op':'capture','of':'OF-HELD','amount':0}", "0",
     "{'op':'capture','of':'OF-HELD','amount':0.01}"},
    {LEDGER_NOT_POSITIVE, "{'op':'exchange','from':'YEN','to':'A1','amount':1}",
     "JPY give 0.00 USD|0.00400000", "{'op':'exchange','from':'YEN','to':'A1','amount':2}"},
    {LEDGER_NOT_POSITIVE, "{'op':'limit','account':'A1','overdraft_limit':-0.01}",
     "overdraft_limit", "{'op':'limit','account':'A1','overdraft_limit':0}"},
    {LEDGER_NOT_POSITIVE,
     "{'op':'order','user':'USER','side':'sell','asset':'BTC','amount':0.00000001,'price':0.1}",
     "0.00000001",
     "{'op':'order','user':'USER','side':'sell','asset':'BTC','amount':0.00000001,'price':0.5}"},

    {LEDGER_AMOUNT_RANGE, "{'op':'deposit','to':'A1','amount':9999999999990.00}",
     "A1|9999999999999.99", "{'op':'deposit','to':'A1','amount':9999999999989.99}"},
    {LEDGER_AMOUNT_RANGE, "{'op':'deposit','to':'A2','amount':10000000000000}", "10000000000000",
     "{'op':'deposit','to':'A2','amount':9999999999999.99}"},
    {LEDGER_AMOUNT_RANGE, "{'op':'deposit','to':'A2','amount':99999999999999999999999999}",
     "99999999999999999999999999", NULL},
    {LEDGER_AMOUNT_RANGE, "{'op':'deposit','to':'portfolio:USER:ETH','amount':10000000000}",
     "10000000000", "{'op':'deposit','to':'portfolio:USER:ETH','amount':9999999999.99999999}"},
    {LEDGER_AMOUNT_RANGE,
     "{'op':'order','user':'USER','side':'sell','asset':'BTC','amount':0.5,'price':99999999999}",
     "99999999999",
     "{'op':'order','user':'USER','side':'sell','asset':'BTC','amount':0.5,'price':9999999999."
     "99999999}"},
    {LEDGER_AMOUNT_RANGE, "{'op':'limit','account':'A1','max_balance':10000000000000}",
     "max_balance", "{'op':'limit','account':'A1','max_balance':9999999999999.99}"},

    {LEDGER_SAME_ACCOUNT, "{'op':'transfer','from':'A1','to':'A1','amount':1}", "A1", NULL},
    {LEDGER_SAME_ACCOUNT, "{'op':'transfer','from':'A1','to':'$A1','amount':1}", "A1", NULL},
    {LEDGER_SAME_ACCOUNT, "{'op':'hold','from':'A1','to':'A1','amount':1}", "A1", NULL},
    {LEDGER_SAME_ACCOUNT, "{'op':'exchange','from':'A1','to':'A1','amount':1}", "A1", NULL},
    {LEDGER_SAME_ACCOUNT,
     "{'op':'post','legs':[{'account':'A1','amount':-1},{'account':'$A1','amount':1}]}", "A1",
     NULL},
    {LEDGER_SAME_ACCOUNT,
     "{'op':'order','user':'USER','side':'buy','asset':'USD','amount':1,'price':1}",
     "portfolio:USER:USD", NULL},

    {LEDGER_UNKNOWN_ACCOUNT, "{'op':'deposit','to':'nobody','amount':1}", "nobody", NULL},
    {LEDGER_UNKNOWN_ACCOUNT, "{'op':'deposit','to':'system:world:USD','amount':1}",
     "system:world:USD", NULL},
    {LEDGER_UNKNOWN_ACCOUNT, "{'op':'withdraw','from':'system:equity:USD','amount':1}",
     "system:equity:USD", NULL},
    {LEDGER_UNKNOWN_ACCOUNT, "{'op':'transfer','from':'A1','to':'system:fees:USD','amount':1}",
     "system:fees:USD", NULL},
    {LEDGER_UNKNOWN_ACCOUNT, "{'op':'deposit','to':'portfolio:USER:DOGE','amount':1}",
     "portfolio:USER:DOGE", NULL},
    {LEDGER_UNKNOWN_ACCOUNT,
     "{'op':'deposit','to':'portfolio:00000000-0000-4000-8000-000000000000:BTC','amount':1}",
     "portfolio:00000000-0000-4000-8000-000000000000:BTC", NULL},
    {LEDGER_UNKNOWN_ACCOUNT, "{'op':'freeze','account':'nobody'}", "nobody", NULL},
    {LEDGER_UNKNOWN_ACCOUNT, "{'op':'limit','account':'nobody'}", "nobody", NULL},
    {LEDGER_UNKNOWN_ACCOUNT, "{'op':'receive','address':'nowhere','amount':1}", "nowhere", NULL},

    {LEDGER_REFERENCE_REUSED, "{'op':'deposit','to':'A1','amount':10.01,'reference':'FILL-A1'}",
     "FILL-A1|amount", NULL},
    {LEDGER_REFERENCE_REUSED, "{'op':'deposit','to':'A2','amount':10,'reference':'FILL-A1'}",
     "FILL-A1|\"to\"", NULL},
    {LEDGER_REFERENCE_REUSED, "{'op':'opening','to':'A1','amount':10,'reference':'FILL-A1'}",
     "FILL-A1|\"op\"", NULL},
    {LEDGER_REFERENCE_REUSED,
     "{'op':'deposit','to':'A1','amount':10,'effective_at':'2026-01-01','reference':'FILL-A1'}",
     "FILL-A1|effective_at", NULL},

    {LEDGER_KEY_REUSED, "{'op':'deposit','to':'PART','amount':2,'key':'K','scope':'S'}", "K|amount",
     "{'op':'deposit','to':'A1','amount':2,'key':'K','scope':'T'}"},
    {LEDGER_KEY_REUSED, "{'op':'deposit','to':'PART','amount':1,'key':'K','scope':'S'}",
     "K|reference", NULL},

    {LEDGER_HOLD_EXPIRED, "{'op':'capture','of':'OF-EXPIRED'}", "OF-EXPIRED|20",
     "{'op':'release','of':'OF-EXPIRED'}"},
    {LEDGER_HOLD_EXPIRED, "{'op':'capture','of':'OF-EXPIRED','amount':0.01}", "OF-EXPIRED",
     "{'op':'expire','of':'OF-EXPIRED'}"},

    {LEDGER_OVER_CAPTURED, "{'op':'capture','of':'OF-HELD','amount':8.01}", "OF-HELD|8.00 USD|8.01",
     "{'op':'capture','of':'OF-HELD','amount':8.00}"},
    {LEDGER_OVER_CAPTURED, "{'op':'capture','of':'OF-PART','amount':1.01}",
     "OF-PART|1.00 USD|3.00|1.01", "{'op':'capture','of':'OF-PART','amount':1}"},
    {LEDGER_OVER_CAPTURED, "{'op':'fill','of':'ORDER','amount':0.10000001}",
     "ORDER|0.10000000 BTC|0.10000001", "{'op':'fill','of':'ORDER','amount':0.1}"},

    {LEDGER_OVER_REVERSED, "{'op':'reverse','of':'FILL-A1','amount':10.01}",
     "FILL-A1|10.00 USD|10.01", "{'op':'reverse','of':'FILL-A1','amount':10}"},
    {LEDGER_OVER_REVERSED, "{'op':'reverse','of':'REVERSED'}", "REVERSED", NULL},
    {LEDGER_OVER_REVERSED, "{'op':'reverse','of':'REVERSED-PART','amount':0.61}",
     "REVERSED-PART|0.60 USD|0.61", "{'op':'reverse','of':'REVERSED-PART','amount':0.60}"},

    {LEDGER_LIMIT, "{'op':'deposit','to':'MOST','amount':4.01}", "account MOST|5.00 USD",
     "{'op':'deposit','to':'MOST','amount':4}"},
    {LEDGER_LIMIT, "{'op':'transfer','from':'A1','to':'MOST','amount':4.01}", "MOST",
     "{'op':'transfer','from':'A1','to':'MOST','amount':4}"},
    {LEDGER_LIMIT, "{'op':'capture','of':'OF-MOST'}", "MOST",
     "{'op':'capture','of':'OF-MOST','amount':4,'final':true}"},

    {LEDGER_UNBALANCED,
     "{'op':'post','legs':[{'account':'A1','amount':-1},{'account':'A2','amount':1.01}]}",
     "sum to zero",
     "{'op':'post','legs':[{'account':'A1','amount':-1},{'account':'A2','amount':1}]}"},
    {LEDGER_UNBALANCED,
     "{'op':'post','legs':[{'account':'A1','amount':-1},{'account':'E1','amount':1}]}",
     "sum to zero", NULL},
    {LEDGER_UNBALANCED,
     "{'op':'post','legs':[{'account':'A1','amount':-1},{'account':'portfolio:USER:USD','amount':1}"
     "]}",
     "sum to zero", NULL},

    {LEDGER_RESERVED_SUFFIX, "{'op':'deposit','to':'A1','amount':1,'reference':'R.C'}", "R.C|.C",
     "{'op':'deposit','to':'A1','amount':1,'reference':'R.c'}"},
    {LEDGER_RESERVED_SUFFIX, "{'op':'deposit','to':'A1','amount':1,'reference':'R.F1'}", "R.F1",
     "{'op':'deposit','to':'A1','amount':1,'reference':'R.F1a'}"},
    {LEDGER_RESERVED_SUFFIX, "{'op':'deposit','to':'A1','amount':1,'reference':'R.X1'}", "R.X1",
     "{'op':'deposit','to':'A1','amount':1,'reference':'R.X'}"},
    {LEDGER_RESERVED_SUFFIX, "{'op':'deposit','to':'A1','amount':1,'reference':'R.L63'}", "R.L63",
     "{'op':'deposit','to':'A1','amount':1,'reference':'RL63'}"},

    {LEDGER_UNKNOWN_REFERENCE, "{'op':'capture','of':'nothing'}", "nothing", NULL},
    {LEDGER_UNKNOWN_REFERENCE, "{'op':'reverse','of':'fill-a1'}", "fill-a1", NULL},
    {LEDGER_UNKNOWN_REFERENCE, "{'op':'fill','of':'nothing'}", "nothing", NULL},
    {LEDGER_UNKNOWN_REFERENCE, "{'op':'approve','of':'nothing'}", "nothing", NULL},

    {LEDGER_WRONG_STATE, "{'op':'capture','of':'FILL-A1'}", "FILL-A1|deposit", NULL},
    {LEDGER_WRONG_STATE, "{'op':'capture','of':'ORDER'}", "ORDER", NULL},
    {LEDGER_WRONG_STATE, "{'op':'release','of':'OF-RELEASED'}", "OF-RELEASED", NULL},
    {LEDGER_WRONG_STATE, "{'op':'capture','of':'OF-RELEASED'}", "OF-RELEASED", NULL},
    {LEDGER_WRONG_STATE, "{'op':'expire','of':'OF-HELD'}", "OF-HELD", NULL},
    {LEDGER_WRONG_STATE, "{'op':'reverse','of':'OF-HELD'}", "OF-HELD|hold", NULL},
    {LEDGER_WRONG_STATE, "{'op':'reverse','of':'REVERSAL'}", "REVERSAL", NULL},
    {LEDGER_WRONG_STATE, "{'op':'activate','account':'A1'}", "A1|active",
     "{'op':'activate','account':'FROZEN'}"},
    {LEDGER_WRONG_STATE, "{'op':'freeze','account':'portfolio:USER:BTC'}", "portfolio:USER:BTC",
     NULL},
    {LEDGER_WRONG_STATE, "{'op':'opening','to':'A1','amount':1}", "A1",
     "{'op':'opening','to':'NEW','amount':1}"},
    {LEDGER_WRONG_STATE, "{'op':'complete','of':'PAYOUT','txn_hash':'0x1'}", "PAYOUT",
     "{'op':'approve','of':'PAYOUT'}"},
    {LEDGER_WRONG_STATE, "{'op':'approve','of':'APPROVED'}", "APPROVED",
     "{'op':'complete','of':'APPROVED','txn_hash':'0x1'}"},
    {LEDGER_WRONG_STATE, "{'op':'cancel','of':'PAYOUT'}", "PAYOUT",
     "{'op':'reject','of':'PAYOUT'}"},

    {LEDGER_VERSION_CONFLICT, "{'op':'deposit','to':'A1','amount':1,'version':2}",
     "account A1 has version 1, not 2", "{'op':'deposit','to':'A1','amount':1,'version':1}"},
    {LEDGER_VERSION_CONFLICT,
     "{'op':'transfer','from':'A1','to':'MOST','amount':1,'version':1,'to_version':7}", "MOST|7",
     "{'op':'transfer','from':'A1','to':'MOST','amount':1,'version':1,'to_version':2}"},

    {LEDGER_CONDITION_FAILED, "{'op':'withdraw','from':'A1','amount':1,'min_available':9.01}",
     "A1|9.00 USD", "{'op':'withdraw','from':'A1','amount':1,'min_available':9}"},
    {LEDGER_CONDITION_FAILED, "{'op':'deposit','to':'A1','amount':1,'max_after':10.99}",
     "A1|11.00 USD", "{'op':'deposit','to':'A1','amount':1,'max_after':11}"},
    {LEDGER_CONDITION_FAILED, "{'op':'exchange','from':'E1','to':'A1','amount':10,'least':10.81}",
     "10.80 USD|1.08000000|10.81",
     "{'op':'exchange','from':'E1','to':'A1','amount':10,'least':10.80}"},
    {LEDGER_CONDITION_FAILED, "{'op':'fill','of':'ORDER','price':99.99999999}",
     "ORDER|100.00000000|99.99999999", "{'op':'fill','of':'ORDER','price':100.00000001}"},
    {LEDGER_CONDITION_FAILED, "{'op':'fill','of':'ORDER','least':10.00000001}",
     "10.00000000 USD|10.00000001", "{'op':'fill','of':'ORDER','least':10}"},

    {LEDGER_NO_RATE, "{'op':'exchange','from':'A1','to':'YEN','amount':1}", "USD to JPY", NULL},
    {LEDGER_NO_RATE,
     "{'op':'exchange','from':'E1','to':'A1','amount':1,'effective_at':'2025-12-31T23:59:59."
     "999999Z'}",
     "EUR to USD|2025-12-31 23:59:59.999999",
     "{'op':'exchange','from':'E1','to':'A1','amount':1,'effective_at':'2026-01-01T00:00:00Z'}"},

    {LEDGER_NO_FEE, "{'op':'withdraw','from':'E1','amount':1,'fee':'withdrawal'}", "withdrawal|EUR",
     "{'op':'withdraw','from':'A1','amount':1,'fee':'withdrawal'}"},
    {LEDGER_NO_FEE, "{'op':'withdraw','from':'A1','amount':1,'fee':'trading'}", "trading|USD",
     NULL}, /* there is one, not active */

    {LEDGER_NOT_IN_BOOK, "{'op':'deposit','to':'STRANGER','amount':1}", "STRANGER",
     "{'op':'opening','to':'STRANGER','amount':7}"},
    {LEDGER_NOT_IN_BOOK, "{'op':'transfer','from':'A1','to':'STRANGER','amount':1}", "STRANGER",
     NULL},

    {LEDGER_BOOK_BROKEN, "{'op':'deposit','to':'TOUCHED','amount':1}", "TOUCHED", NULL},
    {LEDGER_BOOK_BROKEN, "{'op':'transfer','from':'A1','to':'TOUCHED','amount':1}", "TOUCHED",
     NULL},

    {LEDGER_NOT_EMPTY, "{'op':'close','account':'A1'}", "account A1|10.00 USD",
     "{'op':'close','account':'NEW'}"},
    {LEDGER_NOT_EMPTY, "{'op':'close','account':'EXPECTS'}", "EXPECTS", NULL},

    {LEDGER_BAD_OPERATION, "{'op':'deposit','to':'A1'}", "deposit needs \"amount\"", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'deposit','to':'A1','amount':1,'from':'A2'}",
     "deposit takes no \"from\"", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'deposit','to':'','amount':1}", "\"to\" is empty", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'adjust','amount':1}", "to|from",
     "{'op':'adjust','to':'A1','amount':1}"},
    {LEDGER_BAD_OPERATION, "{'op':'adjust','amount':1,'from':'A1','to':'A2'}", "to|from", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'deposit','to':'A1','amount':1,'scope':'S'}", "scope", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'deposit','to':'A1','amount':1,'rounding':'sideways'}",
     "sideways", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'post','legs':[{'account':'A1','amount':-1}]}", "legs|1", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'post','legs':[{'account':'A1'},{'account':'A2','amount':1}]}",
     "amount", NULL},
    {LEDGER_BAD_OPERATION,
     "{'op':'order','user':'USER','side':'give','asset':'BTC','amount':1,'price':1}", "give", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'open','currency':'usd'}", "usd",
     "{'op':'open','currency':'USD'}"},
    {LEDGER_BAD_OPERATION, "{'op':'hold','from':'A1','amount':1,'expires_at':'2026-01-01'}",
     "2026-01-01", NULL},
    {LEDGER_BAD_OPERATION, "{'op':'reverse','of':'CHANGED','amount':1}", "CHANGED",
     "{'op':'reverse','of':'CHANGED'}"},
    {LEDGER_BAD_OPERATION,
     "{'op':'withdraw','from':'A1','amount':1,'reference':'"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890'"
     "}",
     "reference|90",
     "{'op':'withdraw','from':'A1','amount':1,'reference':'"
     "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789'"
     "}"},
};
#define REFUSALS ((int)(sizeof refusals / sizeof *refusals))

#define USER_ID "00000000-0000-4000-8000-00000000000a"

static char path[200];
static ledger *db;
static ledger *second;
static sqlite3 *other; /* the second's: reads what there is, and writes behind the book's back */
static int counter;

/* ---- texts */

/* ' becomes ", $NAME the id of the account with that number, USER the user's id. */
static const char *written(const char *text, char *out, size_t room) {
  size_t used = 0;
  for (const char *at = text; *at != 0 && used < room - 40; at++) {
    if (*at == '\'') {
      out[used++] = '"';
    } else if (*at == '$') {
      char number[32];
      size_t length = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
      snprintf(number, sizeof number, "%.*s", (int)length, at + 1);
      sqlite3_stmt *stmt = NULL;
      sqlite3_prepare_v2(other, "SELECT id FROM accounts WHERE account_number = ?1", -1, &stmt,
                         NULL);
      sqlite3_bind_text(stmt, 1, number, -1, SQLITE_STATIC);
      assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
      used += (size_t)snprintf(out + used, room - used, "%s",
                               (const char *)sqlite3_column_text(stmt, 0));
      sqlite3_finalize(stmt);
      at += length;
    } else if (at > text && strncmp(at, "USER", 4) == 0 && (at[-1] == ':' || at[-1] == '\'')) {
      used += (size_t)snprintf(out + used, room - used, USER_ID);
      at += 3;
    } else {
      out[used++] = *at;
    }
  }
  out[used] = 0;
  return out;
}

static const char *ask(const char *json, ledger_operation *out) {
  static char text[4000], reference[20];
  written(json, text, sizeof text);
  if (ledger_operation_read(db, text, -1, out) != LEDGER_OK)
    fail_msg("%s: %s", text, ledger_error_of(db)->message);
  if (out->reference == NULL) {
    snprintf(reference, sizeof reference, "N-%d", ++counter);
    out->reference = reference;
  }
  return text;
}

static void done(const char *json) {
  ledger_operation operation;
  const char *text = ask(json, &operation);
  if (ledger_post(db, &operation, NULL) != LEDGER_OK)
    fail_msg("%s: %s", text, ledger_error_of(db)->message);
}

static void row(const char *json) {
  char text[1000];
  written(json, text, sizeof text);
  if (ledger_apply(db, text, -1, NULL, NULL) != LEDGER_OK)
    fail_msg("%s: %s", text, ledger_error_of(db)->message);
}

/* ---- all there is in the file, as one number */

static uint64_t content_hash(uint64_t hash, const void *bytes, int length) {
  for (int i = 0; i < length; i++)
    hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
  return hash;
}

static uint64_t content_table(uint64_t hash, const char *table, int64_t *rows) {
  char *sql = sqlite3_mprintf("SELECT * FROM \"%w\" ORDER BY 1, 2", table);
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_prepare_v2(other, sql, -1, &stmt, NULL), SQLITE_OK);
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    ++*rows;
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      int type = sqlite3_column_type(stmt, i);
      hash = content_hash(hash, &type, sizeof type);
      const void *bytes = sqlite3_column_blob(stmt, i);
      hash = content_hash(hash, bytes, sqlite3_column_bytes(stmt, i));
    }
  }
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
  sqlite3_free(sql);
  return hash;
}

struct content {
  uint64_t hash;
  int64_t rows;
};

static struct content content(void) {
  struct content all = {0xcbf29ce484222325u, 0};
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(
      sqlite3_prepare_v2(
          other,
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
          " AND name NOT LIKE 'ledger\\_catalog%' ESCAPE '\\' ORDER BY name",
          -1, &stmt, NULL),
      SQLITE_OK);
  while (sqlite3_step(stmt) == SQLITE_ROW)
    all.hash = content_table(all.hash, (const char *)sqlite3_column_text(stmt, 0), &all.rows);
  sqlite3_finalize(stmt);
  return all;
}

static void assert_unchanged(const struct content *before, const char *what) {
  struct content after = content();
  if (after.rows != before->rows || after.hash != before->hash)
    fail_msg("%s has changed the file", what);
}

/* ---- the world */

static void open_account(const char *number, const char *currency, const char *amount) {
  char json[200];
  snprintf(json, sizeof json, "{'op':'open','currency':'%s','number':'%s'}", currency, number);
  done(json);
  if (amount == NULL) return;
  snprintf(json, sizeof json, "{'op':'deposit','to':'%s','amount':%s,'reference':'FILL-%s'}",
           number, amount, number);
  done(json);
}

static void make_holds(void) {
  char json[300], time[MOMENT_TEXT_MAX];
  done("{'op':'hold','from':'HELD','amount':8,'reference':'OF-HELD'}");
  done("{'op':'hold','from':'ALL','amount':5,'reference':'OF-ALL'}");
  done("{'op':'hold','from':'PART','amount':3,'reference':'OF-PART'}");
  done("{'op':'capture','of':'OF-PART','amount':2}");
  done("{'op':'hold','from':'PART','amount':1,'reference':'OF-RELEASED'}");
  done("{'op':'release','of':'OF-RELEASED'}");
  done("{'op':'hold','from':'PART','to':'MOST','amount':4.01,'reference':'OF-MOST'}");
  done("{'op':'hold','from':'PART','to':'EXPECTS','amount':1,'reference':'OF-EXPECTS'}");
  done("{'op':'hold','from':'FROZEN','amount':1,'reference':'OF-FROZEN'}");
  int64_t expires_us = clock_now_us() + 300000;
  size_t length = moment_text(TYPE_TIMESTAMPTZ, expires_us + MOMENT_UNIX_EPOCH, time);
  snprintf(json, sizeof json,
           "{'op':'hold','from':'PART','amount':1,'reference':'OF-EXPIRED','expires_at':'%.*s'}",
           (int)length, time);
  done(json);
  while (clock_now_us() <= expires_us) continue;
}

static void make_prices(void) {
  row("{'table':'users','row':{'id':'" USER_ID "','email':'a@example.com','password_hash':'!'}}");
  row("{'table':'portfolio','row':{'user_id':'" USER_ID "'}}");
  row("{'table':'exchange_rates','row':{'from_currency':'EUR','to_currency':'USD','rate':1.08,'"
      "quoted_at':'2026-01-01T00:00:00Z'}}");
  row("{'table':'exchange_rates','row':{'from_currency':'USD','to_currency':'EUR','rate':0.9,'"
      "quoted_at':'2026-01-01T00:00:00Z'}}");
  row("{'table':'exchange_rates','row':{'from_currency':'JPY','to_currency':'USD','rate':0.004,'"
      "quoted_at':'2026-01-01T00:00:00Z'}}");
  assert_int_equal(ledger_delete(db, "fee_config", 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL),
                   LEDGER_OK);
  row("{'table':'fee_config','row':{'fee_type':'withdrawal','currency':'USD','percentage_fee':1,'"
      "minimum_amount':0.10}}");
  row("{'table':'fee_config','row':{'fee_type':'deposit','currency':'USD','flat_fee':1}}");
  row("{'table':'fee_config','row':{'fee_type':'trading','currency':'USD','percentage_fee':1,'is_"
      "active':false}}");
  done("{'op':'deposit','to':'portfolio:USER:USD','amount':100}");
  done("{'op':'deposit','to':'portfolio:USER:BTC','amount':0.8}");
  done("{'op':'order','user':'USER','side':'sell','asset':'BTC','amount':0.1,'price':100,'"
       "reference':'ORDER'}");
  done("{'op':'payout','user':'USER','currency':'BTC','amount':0.1,'reference':'PAYOUT'}");
  done("{'op':'payout','user':'USER','currency':'BTC','amount':0.1,'reference':'APPROVED'}");
  done("{'op':'approve','of':'APPROVED'}");
}

/* Rows that another program wrote: a balance the book does not know, and one that it knows better. */
static void make_foreign(void) {
  row("{'table':'accounts','row':{'account_number':'STRANGER','account_type':'checking','currency':"
      "'USD'}}");
  assert_int_equal(
      sqlite3_exec(other,
                   "UPDATE accounts SET balance = '7.00', available_balance = '7.00' WHERE "
                   "account_number = 'STRANGER';"
                   "UPDATE accounts SET balance = '6.00' WHERE account_number = 'TOUCHED'",
                   NULL, NULL, NULL),
      SQLITE_OK);
}

static int setup(void **state) {
  static const char *const plain[] = {"HELD", "ALL", "PART", "FROZEN", "SUSPENDED", "LEAST"};
  (void)state;
  snprintf(path, sizeof path, "%s/ledger-refusals-%ld.db",
           access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
  file_remove(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  assert_int_equal(ledger_open(path, LEDGER_PLAIN, &second), LEDGER_OK);
  other = second->sqlite;
  open_account("A1", "USD", "10");
  open_account("A2", "USD", NULL);
  open_account("NEW", "USD", NULL);
  open_account("E1", "EUR", "10");
  open_account("YEN", "JPY", "100");
  for (int i = 0; i < 6; i++) open_account(plain[i], "USD", i == 1 ? "5" : "10");
  open_account("MOST", "USD", "1");
  open_account("EXPECTS", "USD", NULL);
  open_account("TOUCHED", "USD", "5");
  open_account("OVERDRAFT", "USD", NULL);
  open_account("CLOSED", "USD", NULL);
  done("{'op':'limit','account':'OVERDRAFT','overdraft_limit':5}");
  done("{'op':'limit','account':'LEAST','min_balance':4}");
  done("{'op':'limit','account':'MOST','max_balance':5}");
  make_prices();
  make_holds();
  done("{'op':'freeze','account':'FROZEN'}");
  done("{'op':'suspend','account':'SUSPENDED'}");
  done("{'op':'close','account':'CLOSED'}");
  done("{'op':'deposit','to':'A2','amount':3,'reference':'SPENT'}");
  done("{'op':'transfer','from':'A2','to':'PART','amount':3}");
  done("{'op':'deposit','to':'PART','amount':1,'reference':'REVERSED'}");
  done("{'op':'reverse','of':'REVERSED','reference':'REVERSAL'}");
  done("{'op':'deposit','to':'PART','amount':1,'reference':'REVERSED-PART'}");
  done("{'op':'reverse','of':'REVERSED-PART','amount':0.40}");
  done("{'op':'deposit','to':'PART','amount':1,'key':'K','scope':'S'}");
  done("{'op':'exchange','from':'E1','to':'PART','amount':1,'reference':'CHANGED'}");
  done("{'op':'deposit','to':'E1','amount':1}");
  make_foreign();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ledger_close(second);
  ledger_close(db);
  file_remove(path);
  return 0;
}

/* ---- the tests */

static void assert_says(const struct refusal *refusal, const char *text,
                        const ledger_error *error) {
  char parts[600];
  written(refusal->says, parts, sizeof parts);
  for (char *part = strtok(parts, "|"); part != NULL; part = strtok(NULL, "|"))
    if (strstr(error->message, part) == NULL)
      fail_msg("%s: \"%s\" does not say \"%s\"", text, error->message, part);
  size_t length = strlen(error->message);
  if (length == 0 || error->message[length - 1] == '.')
    fail_msg("%s: \"%s\" ends in a stop", text, error->message);
}

static void try_refusal(const struct refusal *refusal) {
  ledger_operation operation;
  ledger_result result;
  struct content before = content();
  const char *text = ask(refusal->refused, &operation);
  for (int road = 0; road < 3; road++) { /* alone, in a batch, in a transaction of the caller's */
    int rc;
    if (road == 2) assert_int_equal(ledger_begin(db), LEDGER_OK);
    /* What was read lives until another call: it is read anew. */
    text = ask(refusal->refused, &operation);
    rc = road == 1 ? ledger_post_batch(db, 1, &operation, LEDGER_BATCH_ATOMIC, 0, &result)
                   : ledger_post(db, &operation, &result);
    if (rc != refusal->code)
      fail_msg("%s: %d %s, not %d", text, rc,
               rc == LEDGER_OK ? "done" : ledger_error_of(db)->message, refusal->code);
    assert_int_equal(result.code, rc);
    assert_int_equal(result.journal, 0);
    assert_int_equal(result.balance_count, 0);
    assert_string_equal(result.status, "failed");
    assert_non_null(result.error);
    assert_int_equal(result.error->code, rc);
    assert_string_equal(result.error->sqlstate, ledger_sqlstate(rc));
    assert_string_equal(ledger_error_of(db)->message, result.error->message);
    ledger_error error = *result.error;
    assert_says(refusal, text, &error);
    if (road == 2) assert_int_equal(ledger_commit(db), LEDGER_OK);
    assert_unchanged(&before, text);
  }
  if (refusal->at_most == NULL) return;
  /* What reaches the limit is done; a dry run shows it, and leaves nothing behind. */
  text = ask(refusal->at_most, &operation);
  int rc = ledger_post_batch(db, 1, &operation, LEDGER_BATCH_CONTINUE, LEDGER_DRY_RUN, &result);
  if (rc != LEDGER_OK || result.code != LEDGER_OK)
    fail_msg("%s: %d %s", text, result.code, result.error == NULL ? "" : result.error->message);
  assert_unchanged(&before, text);
}

static void test_code(void **state) {
  int code = *(const int *)*state, count = 0;
  for (int i = 0; i < REFUSALS; i++) {
    if (refusals[i].code != code) continue;
    count++;
    try_refusal(&refusals[i]);
  }
  if (count == 0) fail_msg("%s has no test", ledger_sqlstate(code));
}

/* Of a linked group, and of an atomic batch: the one that was refused has its reason, the others this one. */
static void test_link_broken(void **state) {
  (void)state;
  struct content before = content();
  for (int mode = 0; mode < 3; mode++) {
    ledger_operation operations[3];
    ledger_result results[3];
    memset(operations, 0, sizeof operations);
    for (int i = 0; i < 3; i++)
      operations[i] = (ledger_operation){.kind = LEDGER_OP_WITHDRAW,
                                         .from = "A1",
                                         .amount = i == 1 ? "10.01" : "0.01",
                                         .reference = i == 0   ? "L1"
                                                      : i == 1 ? "L2"
                                                               : "L3",
                                         .linked = i < 2,
                                         .keep_failed = 1};
    int rc = ledger_post_batch(db, 3, operations, (enum ledger_batch_mode)mode, 0, results);
    assert_int_equal(rc, mode == LEDGER_BATCH_ATOMIC ? LEDGER_NO_FUNDS : LEDGER_OK);
    for (int i = 0; i < 3; i++) {
      assert_int_equal(results[i].code, i == 1 ? LEDGER_NO_FUNDS : LEDGER_LINK_BROKEN);
      assert_string_equal(results[i].error->sqlstate, i == 1 ? "LG001" : "LG018");
      assert_string_equal(results[i].reference, operations[i].reference);
      assert_int_equal(results[i].journal, 0);
    }
    assert_non_null(strstr(results[0].error->message, "another operation"));
    assert_unchanged(&before, "a broken group");
  }
}

/* A schema without the tables, or with some of them. */
static void test_no_book(void **state) {
  static const char *const schemas[] = {"elon", "wallstreet"};
  static const struct {
    const char *json, *table;
  } tries[] = {
      {"{\"op\":\"open\",\"currency\":\"USD\",\"reference\":\"R\"}", "accounts"},
      {"{\"op\":\"deposit\",\"to\":\"portfolio:" USER_ID ":BTC\",\"amount\":1,\"reference\":\"R\"}",
       "portfolio"},
      {"{\"op\":\"receive\",\"address\":\"a\",\"amount\":1,\"reference\":\"R\"}",
       "deposit_addresses"},
      {"{\"op\":\"order\",\"user\":\"" USER_ID
       "\",\"side\":\"buy\",\"asset\":\"BTC\",\"amount\":1,\"price\":1,\"reference\":\"R\"}",
       "trades"},
      {"{\"op\":\"payout\",\"user\":\"" USER_ID
       "\",\"currency\":\"BTC\",\"amount\":1,\"reference\":\"R\"}",
       "crypto_withdrawals"}};
  (void)state;
  for (int schema = 0; schema < 2; schema++) {
    ledger *plain = NULL;
    assert_int_equal(ledger_create(":memory:", ledger_schema(schemas[schema]), 0, &plain),
                     LEDGER_OK);
    for (size_t i = schema; i < sizeof tries / sizeof *tries; i++) {
      ledger_operation operation;
      assert_int_equal(ledger_operation_read(plain, tries[i].json, -1, &operation), LEDGER_OK);
      int rc = ledger_post(plain, &operation, NULL);
      if (schema == 0 && rc == LEDGER_OK) continue; /* elon has some of these tables */
      if (rc != LEDGER_NO_BOOK || strstr(ledger_error_of(plain)->message, tries[i].table) == NULL ||
          strcmp(ledger_error_of(plain)->sqlstate, "LG026") != 0)
        fail_msg("%s, %s: %d %s", schemas[schema], tries[i].json, rc,
                 ledger_error_of(plain)->message);
    }
    ledger_close(plain);
  }
}

/* keep_failed: a refusal for the state of things uses the reference up and gives its first reason again; others do not. */
static void test_kept(void **state) {
  (void)state;
  ledger_operation operation = {.kind = LEDGER_OP_WITHDRAW,
                                .from = "A1",
                                .amount = "10.01",
                                .reference = "KEPT",
                                .keep_failed = 1};
  ledger_result result;
  assert_int_equal(ledger_post(db, &operation, &result), LEDGER_NO_FUNDS);
  assert_true(result.journal > 0);
  assert_string_equal(result.status, "failed");
  int64_t journal = result.journal;
  char first[512];
  snprintf(first, sizeof first, "%s", result.error->message);
  done("{'op':'deposit','to':'A1','amount':1}"); /* now there would be enough */
  struct content before = content();
  assert_int_equal(ledger_post(db, &operation, &result), LEDGER_NO_FUNDS);
  assert_int_equal(result.replayed, 1);
  assert_int_equal(result.journal, journal);
  assert_string_equal(result.error->message, first);
  assert_string_equal(result.error->sqlstate, "LG001");
  operation.amount = "10.02";
  assert_int_equal(ledger_post(db, &operation, &result), LEDGER_REFERENCE_REUSED);
  operation.amount = "0";
  operation.reference = "NOT-KEPT"; /* its input is wrong */
  assert_int_equal(ledger_post(db, &operation, &result), LEDGER_NOT_POSITIVE);
  assert_int_equal(result.journal, 0);
  assert_unchanged(&before, "a retry");
  operation.amount = "1";
  assert_int_equal(ledger_post(db, &operation, &result), LEDGER_OK);
  assert_int_equal(result.replayed, 0);
}

/* 64 legs are done, 65 are not; one account is in one leg only. */
static void test_legs(void **state) {
  (void)state;
  static char numbers[66][16], amounts[66][16];
  static ledger_leg legs[66];
  for (int i = 0; i < 65; i++) {
    snprintf(numbers[i], sizeof numbers[i], "LEG%d", i);
    open_account(numbers[i], "USD", i % 2 == 0 ? "1" : NULL);
    snprintf(amounts[i], sizeof amounts[i], "%s0.0%d", i % 2 == 0 ? "-" : "", 1 + i / 2 % 9);
    legs[i] = (ledger_leg){.account = numbers[i], .amount = amounts[i]};
  }
  ledger_operation operation = {
      .kind = LEDGER_OP_POST, .reference = "LEGS", .leg_count = 65, .legs = legs};
  struct content before = content();
  ledger_result result;
  assert_int_equal(ledger_post(db, &operation, &result), LEDGER_BAD_OPERATION);
  assert_unchanged(&before, "65 legs");
  operation.leg_count = 64;
  assert_int_equal(ledger_post(db, &operation, &result), LEDGER_OK);
  assert_int_equal(result.balance_count, 64);
  legs[3].amount =
      NULL; /* a retry with a leg that has lost its amount is another operation, not a crash */
  assert_int_not_equal(ledger_post(db, &operation, &result), LEDGER_OK);
  legs[3].account = NULL;
  operation.reference = "LEGS-2";
  assert_int_equal(ledger_post(db, &operation, &result), LEDGER_BAD_OPERATION);
}

static const int codes[] = {
#define X(name, number, state, meaning) number,
    LEDGER_ERRORS(X)
#undef X
};

int main(void) {
  static struct CMUnitTest tests[64];
  size_t count = 0;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i] >= LEDGER_NO_FUNDS && codes[i] <= LEDGER_BAD_OPERATION &&
        codes[i] != LEDGER_LINK_BROKEN && codes[i] != LEDGER_NO_BOOK) /* sync has its own tests */
      tests[count++] = (struct CMUnitTest){ledger_sqlstate(codes[i]), test_code, NULL, NULL,
                                           (void *)(uintptr_t)&codes[i]};
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_link_broken);
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_no_book);
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_legs);
  tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_kept);
  return _cmocka_run_group_tests("refusals", tests, count, setup, teardown);
}
