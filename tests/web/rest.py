"""/rest/v1 in PostgREST's dialect: statuses, headers, bodies, refusals."""
import os
import sqlite3
import time
from server import Server, check, end, error, reply, sign

with Server(os.path.join(os.path.dirname(__file__), "rest.sql")) as server:
    ask = server.ask
    JSON = "application/json; charset=utf-8"
    OBJECT = "application/vnd.pgrst.object+json"

    # ---- reading
    reply("a read", ask("GET", "/rest/v1/items?select=id,name&order=id"), 200,
          '[{"id":1,"name":"chair"}, \n {"id":2,"name":"table"}, \n {"id":3,"name":"lamp"}]',
          Content_Type=JSON, Content_Range="0-2/*", Preference_Applied=None,
          Content_Location="/items?order=id&select=id%2Cname")
    reply("values as to_json() prints them", ask("GET", "/rest/v1/items?id=eq.1"), 200,
          '[{"id":1,"name":"chair","price":10.50,"mood":"ok","tags":["wood","old one"],'
          '"data":{"a": {"b": 1}},"made_at":"2026-01-01T00:00:00+00:00"}]')
    reply("no rows", ask("GET", "/rest/v1/items?id=eq.9"), 200, "[]", Content_Range="*/*")
    reply("no rows, counted", ask("GET", "/rest/v1/items?id=eq.9", Prefer="count=exact"), 200, "[]",
          Content_Range="*/0", Preference_Applied="count=exact")
    reply("counted, all", ask("GET", "/rest/v1/items?select=id", Prefer="count=exact"), 200, Content_Range="0-2/3")
    reply("counted, a part", ask("GET", "/rest/v1/items?select=id&limit=2&order=id", Prefer="count=exact"), 206,
          [{"id": 1}, {"id": 2}], Content_Range="0-1/3")
    reply("counted, the last part", ask("GET", "/rest/v1/items?select=id&offset=2&order=id", Prefer="count=planned"), 206,
          [{"id": 3}], Content_Range="2-2/3", Preference_Applied="count=planned")
    reply("at the end", ask("GET", "/rest/v1/items?select=id&offset=3", Prefer="count=exact"), 206, [], Content_Range="*/3")
    error("past the end", ask("GET", "/rest/v1/items?offset=4", Prefer="count=exact"), 416, "PGRST103",
          "Requested range not satisfiable", "An offset of 4 was requested, but there are only 3 rows.",
          Content_Range="*/3")
    reply("past the end, not counted", ask("GET", "/rest/v1/items?offset=4"), 200, [], Content_Range="*/*")
    reply("HEAD", ask("HEAD", "/rest/v1/items?select=id", Prefer="count=exact"), 200, "", Content_Range="0-2/3", Content_Type=JSON)
    reply("a Range", ask("GET", "/rest/v1/items?select=id&order=id", Range="1-1"), 200, [{"id": 2}], Content_Range="1-1/*")
    reply("a Range to the end", ask("GET", "/rest/v1/items?select=id&order=id", Range_Unit="items", Range="1-"), 200,
          [{"id": 2}, {"id": 3}], Content_Range="1-2/*")
    reply("no Range", ask("GET", "/rest/v1/items?select=id&limit=1&order=id", Range="x"), 200, [{"id": 1}])
    error("a Range that ends before it begins", ask("GET", "/rest/v1/items", Range="5-2"), 416, "PGRST103",
          "Requested range not satisfiable",
          "The lower boundary must be lower than or equal to the upper boundary in the Range header.")
    reply("a view", ask("GET", "/rest/v1/item_names?id=eq.2"), 200, [{"id": 2, "name": "table"}])
    reply("Content-Location without parameters", ask("GET", "/rest/v1/no_pk"), 200, Content_Location="/no_pk")
    reply("... with a plus and an umlaut", ask("GET", "/rest/v1/items?name=eq.a+b%C3%A4&id=eq.1"), 200, [],
          Content_Location="/items?id=eq.1&name=eq.a%20b%C3%A4")

    answer = ask("GET", "/rest/v1/items?select=id&id=in.(%s)" % ",".join(str(i) for i in range(1, 3000)))
    reply("... of a long list is left out", answer, 200, Content_Location=None)

    # ---- media types
    reply("an object", ask("GET", "/rest/v1/items?select=id&id=eq.1", Accept=OBJECT), 200, '{"id":1}',
          Content_Type=OBJECT + "; charset=utf-8")
    error("an object of none", ask("GET", "/rest/v1/items?id=eq.9", Accept=OBJECT), 406, "PGRST116",
          "Cannot coerce the result to a single JSON object", "The result contains 0 rows")
    error("an object of many", ask("GET", "/rest/v1/items", Accept=OBJECT), 406, "PGRST116",
          "Cannot coerce the result to a single JSON object", "The result contains 3 rows")
    reply("without nulls", ask("GET", "/rest/v1/items?select=id,price,mood&id=eq.3", Accept="application/vnd.pgrst.array+json;nulls=stripped"),
          200, [{"id": 3}], Content_Type="application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8")
    reply("an object without nulls", ask("GET", "/rest/v1/items?select=id,price&id=eq.3", Accept=OBJECT + ";nulls=stripped"),
          200, '{"id":3}', Content_Type=OBJECT + ";nulls=stripped; charset=utf-8")
    reply("CSV", ask("GET", "/rest/v1/items?select=id,name,price&order=id", Accept="text/csv"), 200,
          "id,name,price\n1,chair,10.50\n2,table,99.00\n3,lamp,", Content_Type="text/csv; charset=utf-8")
    reply("the heavier one", ask("GET", "/rest/v1/items?select=id&id=eq.1", Accept="text/csv;q=0.5, application/json;q=0.8"),
          200, [{"id": 1}], Content_Type=JSON)
    reply("the one that there is", ask("GET", "/rest/v1/items?select=id&id=eq.1", Accept="image/png, text/csv"), 200, "id\n1")
    error("none of them", ask("GET", "/rest/v1/items", Accept="image/png;q=0.9, text/x"), 406, "PGRST107",
          "None of these media types are available: image/png, text/x")
    error("no plans", ask("GET", "/rest/v1/items", Accept='application/vnd.pgrst.plan+text; for="application/json"; options=analyze;'),
          406, "PGRST107", 'None of these media types are available: application/vnd.pgrst.plan+text; for="application/json"; options=analyze')

    answer = ask("GET", "/rest/v1/item", Accept="application/json, application/problem+json")
    reply("a problem of RFC 9457 where it is asked for", answer, 404, Content_Type="application/problem+json; charset=utf-8")
    check("... has both", sorted(answer.json), ["code", "details", "hint", "message", "status", "title", "type"])

    # ---- inserting
    reply("an insert", ask("POST", "/rest/v1/items", {"id": 4, "name": "four"}), 201, "", Content_Range="*/*",
          Content_Type=None, Location=None, Preference_Applied=None)
    reply("its default", ask("GET", "/rest/v1/items?id=eq.4&select=mood,price"), 200, [{"mood": "ok", "price": None}])
    reply("with representation", ask("POST", "/rest/v1/items?select=id,name", {"id": 5, "name": "five"}, Prefer="return=representation,count=exact"),
          201, '[{"id":5,"name":"five"}]', Content_Type=JSON, Content_Range="*/1", Preference_Applied="return=representation, count=exact")
    reply("with its place", ask("POST", "/rest/v1/items", {"id": 6, "name": "six"}, Prefer="return=headers-only"), 201, "",
          Location="/items?id=eq.6", Preference_Applied="return=headers-only", Content_Range="*/*")
    reply("a list", ask("POST", '/rest/v1/items?columns="id","name"', [{"id": 7, "name": "seven"}, {"id": 8, "name": "eight"}],
                        Prefer="count=exact"), 201, "", Content_Range="*/2")
    reply("an empty list", ask("POST", "/rest/v1/items", []), 201, "")
    reply("one object", ask("POST", "/rest/v1/items?select=id", {"id": 9, "name": "n"}, Accept=OBJECT, Prefer="return=representation"),
          201, '{"id":9}', Content_Type=OBJECT + "; charset=utf-8")
    error("one object of two", ask("POST", "/rest/v1/items", [{"id": 10, "name": "x"}, {"id": 11, "name": "y"}], Accept=OBJECT,
                                   Prefer="return=representation"), 406, "PGRST116",
          "Cannot coerce the result to a single JSON object", "The result contains 2 rows")
    reply("... undoes it", ask("GET", "/rest/v1/items?id=in.(10,11)"), 200, [])
    reply("CSV", ask("POST", "/rest/v1/items", "id,name\n12,twelve\n13,NULL\n", Content_Type="text/csv"), 400)
    reply("CSV of two", ask("POST", "/rest/v1/items", "id,name\n12,twelve\n13,thirteen\n", Content_Type="text/csv", Prefer="count=exact"),
          201, "", Content_Range="*/2")
    reply("a form", ask("POST", "/rest/v1/items", "id=14&name=four+teen", Content_Type="application/x-www-form-urlencoded",
                        Prefer="return=representation"), 201)
    reply("... decoded", ask("GET", "/rest/v1/items?id=eq.14&select=name"), 200, [{"name": "four teen"}])
    reply("a column's default for what is missing", ask("POST", "/rest/v1/items?columns=id,name,mood&select=mood", {"id": 15, "name": "x"},
          Prefer="missing=default, return=representation"), 201, [{"mood": "ok"}], Preference_Applied="missing=default, return=representation")
    reply("null for what is missing", ask("POST", "/rest/v1/items?columns=id,name,mood&select=mood", {"id": 16, "name": "x"},
          Prefer="return=representation"), 201, [{"mood": None}])
    error("keys that differ", ask("POST", "/rest/v1/items", [{"id": 17, "name": "x"}, {"id": 18}]), 400, "PGRST102", "All object keys must match")
    error("no JSON", ask("POST", "/rest/v1/items", "{", Content_Type="application/json"), 400, "PGRST102", "Empty or invalid json")
    error("nothing", ask("POST", "/rest/v1/items", "", Content_Type="application/json"), 400, "PGRST102", "Empty or invalid json")
    error("an unknown column", ask("POST", "/rest/v1/items", {"id": 1, "nam": "x"}), 400, "PGRST204",
          "Could not find the 'nam' column of 'items' in the schema cache")
    error("another type of body", ask("POST", "/rest/v1/items", "x", Content_Type="image/png"), 415, "PGRST102",
          "Content-Type not acceptable: image/png")
    error("a key that is there", ask("POST", "/rest/v1/items", {"id": 1, "name": "x"}), 409, "23505",
          'duplicate key value violates unique constraint "items_pkey"', "Key (id)=(1) already exists.")
    error("a key that is not there", ask("POST", "/rest/v1/parts", {"item_id": 99, "name": "xx"}), 409, "23503",
          'insert or update on table "parts" violates foreign key constraint "parts_item_id_fkey"',
          'Key (item_id)=(99) is not present in table "items".')
    error("null", ask("POST", "/rest/v1/items", {"id": 90}), 400, "23502",
          'null value in column "name" of relation "items" violates not-null constraint',
          "Failing row contains (90, null, null, ok, null, null, 2026-01-01 00:00:00+00).")
    refused = ask("POST", "/rest/v1/parts", {"item_id": 1, "name": "x"})
    error("a check", refused, 400, "23514", 'new row for relation "parts" violates check constraint "parts_long"',
          refused.json["details"])
    error("too long", ask("POST", "/rest/v1/parts", {"item_id": 1, "name": "x" * 21}), 400, "22001",
          "value too long for type character varying(20)")
    error("no number", ask("POST", "/rest/v1/items", {"id": "x", "name": "x"}), 400, "22P02",
          'invalid input syntax for type integer: "x"')
    error("an enum", ask("POST", "/rest/v1/items", {"id": 91, "name": "x", "mood": "bad"}), 400, "22P02",
          'invalid input value for enum mood: "bad"')
    number = '[{"id": 92, "name": "x", "data": [%s]}]'
    error("a number of more digits than a request may write", ask("POST", "/rest/v1/items", number % "1e1000", Content_Type="application/json"),
          400, "22003", "value overflows numeric format")
    reply("... and of as many", ask("POST", "/rest/v1/items?select=id", number % "1e999", Content_Type="application/json", Prefer="return=representation,tx=rollback"),
          201, '[{"id":92}]')

    # ---- upserting
    reply("an upsert of one that is there", ask("POST", "/rest/v1/items", {"id": 4, "name": "vier"}, Prefer="resolution=merge-duplicates"),
          200, "", Preference_Applied="resolution=merge-duplicates", Content_Range="*/*")
    reply("... of a new one", ask("POST", "/rest/v1/items", [{"id": 4, "name": "vier"}, {"id": 19, "name": "x"}],
                                  Prefer="resolution=merge-duplicates,return=representation"), 201,
          Preference_Applied="resolution=merge-duplicates, return=representation")
    reply("... left as it is", ask("POST", "/rest/v1/items?select=id", [{"id": 4, "name": "no"}, {"id": 20, "name": "x"}],
                                   Prefer="resolution=ignore-duplicates,return=representation"), 201, [{"id": 20}],
          Preference_Applied="resolution=ignore-duplicates, return=representation")
    reply("on other columns", ask("POST", "/rest/v1/parts?on_conflict=item_id,name", {"item_id": 1, "name": "leg"},
                                  Prefer="resolution=merge-duplicates"), 201)
    reply("... again", ask("POST", "/rest/v1/parts?on_conflict=item_id,name", {"item_id": 1, "name": "leg"},
                           Prefer="resolution=merge-duplicates"), 200)
    reply("what became of it", ask("GET", "/rest/v1/items?id=in.(4,19)&select=name&order=id"), 200, [{"name": "vier"}, {"name": "x"}])

    # ---- changing
    reply("a change", ask("PATCH", "/rest/v1/items?id=eq.4", {"price": "1.5"}), 204, "", Content_Range="0-0/*", Content_Type=None)
    reply("with representation", ask("PATCH", "/rest/v1/items?id=in.(4,5)&select=id,price&order=id", {"price": 2},
                                     Prefer="return=representation,count=exact"), 200,
          Content_Range="0-1/2", Preference_Applied="return=representation, count=exact")
    reply("a guess is no count", ask("PATCH", "/rest/v1/items?id=eq.4", {"price": 2}, Prefer="count=planned"), 204, "", Content_Range="0-0/*",
          Preference_Applied="count=planned")
    reply("of none", ask("PATCH", "/rest/v1/items?id=eq.99", {"price": 2}, Prefer="count=exact"), 204, "", Content_Range="*/0")
    reply("of none, with representation", ask("PATCH", "/rest/v1/items?id=eq.99", {"price": 2}, Prefer="return=representation"), 200, [],
          Content_Range="*/*")
    error("an object of two", ask("PATCH", "/rest/v1/items?id=in.(4,5)", {"name": "both"}, Accept=OBJECT), 406, "PGRST116",
          "Cannot coerce the result to a single JSON object", "The result contains 2 rows")
    reply("... undoes it", ask("GET", "/rest/v1/items?name=eq.both"), 200, [])
    error("without a filter", ask("PATCH", "/rest/v1/items", {"name": "all"}), 400, "21000", "UPDATE requires a WHERE clause")
    reply("a bound that holds", ask("PATCH", "/rest/v1/items?id=in.(4,5)", {"price": 3}, Prefer="handling=strict, max-affected=2"), 204,
          Preference_Applied="handling=strict, max-affected=2")
    error("a bound that does not", ask("PATCH", "/rest/v1/items?id=in.(4,5)", {"price": 4}, Prefer="handling=strict, max-affected=1"), 400,
          "PGRST124", "Query result exceeds max-affected preference constraint", "The query affects 2 rows")
    reply("... undoes it", ask("GET", "/rest/v1/items?price=eq.4"), 200, [])
    reply("a bound without strict handling is none", ask("PATCH", "/rest/v1/items?id=in.(4,5)", {"price": 4}, Prefer="max-affected=1"), 204,
          Preference_Applied=None)
    reply("undone", ask("PATCH", "/rest/v1/items?id=eq.4&select=name", {"name": "gone"}, Prefer="tx=rollback,return=representation"), 200,
          [{"name": "gone"}], Preference_Applied="return=representation, tx=rollback")
    reply("... indeed", ask("GET", "/rest/v1/items?name=eq.gone"), 200, [])

    # ---- PUT
    reply("PUT of a new row", ask("PUT", "/rest/v1/items?id=eq.30", {"id": 30, "name": "new", "price": None, "mood": None, "tags": None, "data": None, "made_at": None}), 204, "")
    reply("PUT of another one", ask("PUT", "/rest/v1/items?id=eq.29&select=id", {"id": 29, "name": "new", "price": None, "mood": None, "tags": None, "data": None, "made_at": None},
                                    Prefer="return=representation"), 201, [{"id": 29}], Preference_Applied="return=representation")
    reply("PUT of it again", ask("PUT", "/rest/v1/items?id=eq.30&select=id,name", {"id": 30, "name": "put", "price": None, "mood": None, "tags": None, "data": None, "made_at": None},
                                 Prefer="return=representation"), 200)
    error("PUT without its key", ask("PUT", "/rest/v1/items?name=eq.x", {"id": 30, "name": "x"}), 405, "PGRST105",
          "Filters must include all and only primary key columns with 'eq' operators")
    error("PUT with a limit", ask("PUT", "/rest/v1/items?id=eq.30&limit=1", {"id": 30, "name": "x"}), 400, "PGRST114",
          "limit/offset querystring parameters are not allowed for PUT")
    error("PUT of another key", ask("PUT", "/rest/v1/items?id=eq.30", {"id": 31, "name": "x", "price": None, "mood": None, "tags": None, "data": None, "made_at": None}), 400, "PGRST115",
          "Payload values do not match URL in primary key column(s)")

    # ---- deleting
    reply("a deletion", ask("DELETE", "/rest/v1/items?id=eq.30"), 204, "", Content_Range="*/*", Content_Type=None)
    reply("counted", ask("DELETE", "/rest/v1/items?id=in.(19,20)", Prefer="count=exact"), 204, "", Content_Range="*/2")
    reply("with representation", ask("DELETE", "/rest/v1/items?id=eq.16&select=id", Prefer="return=representation"), 200, [{"id": 16}])
    reply("with a body that nobody reads", ask("DELETE", "/rest/v1/items?id=eq.15", Content_Type="application/json"), 204)
    error("without a filter", ask("DELETE", "/rest/v1/items"), 400, "21000", "DELETE requires a WHERE clause")

    # ---- preferences
    error("strict", ask("GET", "/rest/v1/items", Prefer="handling=strict, count=some, anything, timezone=Mars/Base"), 400, "PGRST122",
          "Invalid preferences given with handling=strict", "Invalid preferences: count=some, anything, timezone=Mars/Base")
    reply("lenient", ask("GET", "/rest/v1/items?limit=0", Prefer="handling=lenient, anything"), 200, Preference_Applied="handling=lenient")
    reply("the first counts", ask("GET", "/rest/v1/items?limit=0", Prefer="count=planned,count=exact"), 206, Preference_Applied="count=planned")
    reply("in any case and with spaces", ask("GET", "/rest/v1/items?limit=0", Prefer="Count=EXACT ,  timezone=UTC"), 206,
          Preference_Applied="count=exact, timezone=UTC")

    reply("in several headers", ask("GET", "/rest/v1/items?select=id&id=eq.1", Prefer=["count=exact", "handling=lenient,tx=commit"]), 200,
          Preference_Applied="count=exact, tx=commit, handling=lenient")
    reply("in PostgREST's order", ask("POST", "/rest/v1/items?columns=id,name&select=id", {"id": 4, "name": "v"},
          Prefer="max-affected=9, timezone=Etc/UTC, handling=strict, tx=rollback, count=exact, return=representation, missing=default, "
                 "resolution=merge-duplicates"), 200, [{"id": 4}],
          Preference_Applied="resolution=merge-duplicates, missing=default, return=representation, count=exact, tx=rollback, "
                             "handling=strict, timezone=Etc/UTC")
    reply("of a read only what concerns it", ask("GET", "/rest/v1/items?limit=0", Prefer="return=minimal, missing=default, resolution=merge-duplicates"),
          200, Preference_Applied=None)
    reply("of a deletion", ask("DELETE", "/rest/v1/items?id=eq.99", Prefer="handling=strict,max-affected=0,return=minimal,count=exact"), 204, "",
          Preference_Applied="return=minimal, count=exact, handling=strict, max-affected=0", Content_Range="*/0")
    reply("an empty one", ask("GET", "/rest/v1/items?limit=0", Prefer=""), 200, Preference_Applied=None)
    reply("nonsense", ask("GET", "/rest/v1/items?limit=0", Prefer=',, ; "a,b" ,=,count=,max-affected=x,' + "x" * 2000), 200, Preference_Applied=None)
    reply("a bound that is no number is none", ask("PATCH", "/rest/v1/items?id=eq.4", {"price": 1}, Prefer="handling=strict, max-affected=x"), 204,
          Preference_Applied="handling=strict")

    # ---- who may
    error("a table that is not for anon", ask("GET", "/rest/v1/hidden"), 401, "42501", "permission denied for table hidden",
          WWW_Authenticate="Bearer")
    reply("... but for service_role", ask("GET", "/rest/v1/hidden", key=server.service), 200, [])
    error("a view is not written", ask("POST", "/rest/v1/item_names", {"id": 1}), 400, "55000", 'cannot insert into view "item_names"')
    def token(claims, secret=None):
        rows = sqlite3.connect(server.file).execute("SELECT secret FROM ledger_secret ORDER BY n DESC LIMIT 1").fetchall()
        return ask("GET", "/rest/v1/no_pk", token=sign(claims, secret or rows[0][0]))
    now = int(time.time())
    reply("a token of ours", token({"role": "authenticated", "sub": "x", "exp": now + 100}), 200)
    error("one of others", token({"role": "anon"}, "x" * 32), 401, "PGRST301", "No suitable key or wrong key type",
          "None of the keys was able to decode the JWT",
          WWW_Authenticate='Bearer error="invalid_token", error_description="No suitable key or wrong key type"')
    error("one that has expired", token({"role": "anon", "exp": now - 100}), 401, "PGRST303", "JWT expired",
          WWW_Authenticate='Bearer error="invalid_token", error_description="JWT expired"')
    reply("... not yet for its clock", token({"role": "anon", "exp": now - 10}), 200)
    error("one that is not valid yet", token({"role": "anon", "nbf": now + 100}), 401, "PGRST303", "JWT not yet valid")
    error("one from the future", token({"role": "anon", "iat": now + 100}), 401, "PGRST303")
    error("of a role that there is not", token({"role": "nobody"}), 401, "22023", 'role "nobody" does not exist', WWW_Authenticate="Bearer")
    error("a bad token", ask("GET", "/rest/v1/items", token="a.b.c"), 401, "PGRST301", "JWT couldn't be decoded")
    error("no token", ask("GET", "/rest/v1/items", key="", token="abc"), 401, "PGRST301", "Expected 3 parts in JWT; got 1")
    error("a bad apikey", ask("GET", "/rest/v1/items", key="nonsense"), 401, "PGRST301", "Invalid API key", None, "Double check the API key.")
    reply("no key at all is anon", ask("GET", "/rest/v1/no_pk", key=""), 200)

    # ---- what there is not
    error("no such table", ask("GET", "/rest/v1/item"), 404, "PGRST205", "Could not find the table 'public.item' in the schema cache",
          None, "Perhaps you meant the table 'public.items'")
    error("no such path", ask("GET", "/rest/v1/items/1"), 404, "PGRST125", "Invalid path specified in request URL")
    error("no such column", ask("GET", "/rest/v1/items?select=nope"), 400, "42703", "column items.nope does not exist", None,
          'Perhaps you meant to reference the column "items.name".')
    refused = ask("GET", "/rest/v1/items?id=xx.1")
    error("no such operator", refused, 400, "PGRST100", '"failed to parse filter (xx.1)" (line 1, column 1)', refused.json["details"])
    error("no such schema", ask("GET", "/rest/v1/items", Accept_Profile="nope"), 406, "PGRST106", "Invalid schema: nope",
          None, "Only the following schemas are exposed: public, other")
    reply("a schema", ask("GET", "/rest/v1/items?limit=0", Accept_Profile="public"), 200, Content_Profile="public")
    reply("another one", ask("GET", "/rest/v1/things", Accept_Profile="other"), 200, [], Content_Profile="other")
    reply("for a write", ask("POST", "/rest/v1/no_pk", {"a": 2}, Content_Profile="public"), 201, Content_Profile=None)
    reply("... that answers rows", ask("POST", "/rest/v1/no_pk?select=a", {"a": 2}, Content_Profile="public", Prefer="return=representation"), 201,
          [{"a": 2}], Content_Profile="public")
    error("... that is none", ask("POST", "/rest/v1/no_pk", {"a": 2}, Content_Profile="x"), 406, "PGRST106", "Invalid schema: x",
          None, "Only the following schemas are exposed: public, other")

    # ---- OPTIONS
    reply("OPTIONS of a table", ask("OPTIONS", "/rest/v1/items"), 200, Allow="OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE")
    reply("OPTIONS without a key", ask("OPTIONS", "/rest/v1/no_pk"), 200, Allow="OPTIONS,GET,HEAD,POST,PATCH,DELETE")
    reply("OPTIONS of a view", ask("OPTIONS", "/rest/v1/item_names"), 200, Allow="OPTIONS,GET,HEAD")
    reply("OPTIONS of the root", ask("OPTIONS", "/rest/v1/"), 200, Allow="OPTIONS,GET,HEAD")
    reply("OPTIONS of nothing", ask("OPTIONS", "/rest/v1/nope"), 404)
    check("another method", ask("TRACE", "/rest/v1/items").json["code"], "PGRST117")

end()
