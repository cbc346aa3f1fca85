"""/rest/v1/rpc: the book's operations by name, keys of idempotency, /api of the Advancia system, the documents of the API."""
import json
from server import Server, check, end, error, reply


def user(server, email):
    answer = server.ask("POST", "/auth/v1/signup", {"email": email, "password": "correct horse"})
    if answer.status != 200:
        raise SystemExit("no user: " + answer.text)
    return answer.json["access_token"], answer.json["user"]["id"]


with Server("full", "--sign-ins=0") as server:
    ask = server.ask

    def call(function, arguments=None, **more):
        return ask("POST", "/rest/v1/rpc/" + function, arguments, **more)

    alice, alice_id = user(server, "alice@example.com")
    bob, bob_id = user(server, "bob@example.com")
    root = {"key": server.service}
    for number, owner, currency in (("A", alice_id, "USD"), ("B", bob_id, "USD"), ("E", alice_id, "EUR")):
        reply("an account for " + number, call("open", {"number": number, "currency": currency, "user": owner}, **root), 200)
    deposit = call("deposit", {"to": "A", "amount": "100.00", "reference": "D1"}, **root)
    reply("a deposit", deposit, 200,
          Content_Type="application/json; charset=utf-8", Content_Range="0-0/*", Idempotency_Replayed=None)
    reply("the same deposit", call("deposit", {"to": "A", "amount": "100.00", "reference": "D1"}, **root), 200, Idempotency_Replayed="true")

    # ---- a user's own money
    answer = call("transfer", {"from": "A", "to": "B", "amount": 25}, token=alice)
    reply("a transfer", answer, 200)
    check("... shows the payer's balance", [(b["number"], b["balance"]) for b in answer.json["balances"]], [("A", "75.00")])
    error("from somebody else's account", call("transfer", {"from": "A", "to": "B", "amount": 1}, token=bob), 404, "LG010",
          'there is no account "A"')
    error("a deposit is not for users", call("deposit", {"to": "A", "amount": 1}, token=alice), 403, "42501",
          "permission denied for function deposit")
    error("nothing is for anon", call("transfer", {"from": "A", "to": "B", "amount": 1}), 401, "42501",
          "permission denied for function transfer", WWW_Authenticate="Bearer")
    error("not enough", call("transfer", {"from": "A", "to": "B", "amount": 1000}, token=alice), 409, "LG001",
          "account A has 75.00 USD available, 1000.00 is needed")
    error("digits that there are not", call("transfer", {"from": "A", "to": "B", "amount": "0.001"}, token=alice), 400, "LG006")
    reply("a balance", call("balance", {"account": "A"}, token=alice), 200)
    reply("... by GET", ask("GET", "/rest/v1/rpc/balance?account=A", token=alice), 200, ask("GET", "/rest/v1/rpc/balance?account=A", token=alice).text)
    check("... its text", ask("GET", "/rest/v1/rpc/balance?account=A", token=alice).json["available"], "75.00")
    reply("... by HEAD", ask("HEAD", "/rest/v1/rpc/balance?account=A", token=alice), 200, "")
    answer = ask("GET", "/rest/v1/rpc/history?account=A&limit=1", token=alice)
    reply("history is a list", answer, 200, Content_Range="0-0/*")
    check("... of the last one", (len(answer.json), answer.json[0]["kind"]), (1, "transfer"))
    reply("... one object", ask("GET", "/rest/v1/rpc/history?account=A&limit=1", token=alice, Accept="application/vnd.pgrst.object+json"), 200,
          answer.json[0], Content_Type="application/vnd.pgrst.object+json; charset=utf-8")
    error("... not of two", ask("GET", "/rest/v1/rpc/history?account=A", token=alice, Accept="application/vnd.pgrst.object+json"), 406,
          "PGRST116", "Cannot coerce the result to a single JSON object", "The result contains 2 rows")
    reply("counted", call("balance", {"account": "A"}, token=alice, Prefer="count=exact"), 200, Content_Range="0-0/1", Preference_Applied="count=exact")
    reply("minimal", call("balance", {"account": "A"}, token=alice, Prefer="count=exact,return=minimal"), 204, "", Content_Range="0-0/1")
    error("what writes is not for GET", ask("GET", "/rest/v1/rpc/transfer?from=A&to=B&amount=1", token=alice), 405, "25006",
          "cannot execute transfer in a read-only transaction")
    error("nor PATCH", ask("PATCH", "/rest/v1/rpc/transfer", {}), 405, "PGRST101", "Cannot use the PATCH method on RPC")
    reply("OPTIONS of what writes", ask("OPTIONS", "/rest/v1/rpc/transfer"), 200, Allow="OPTIONS,POST")
    reply("OPTIONS of what reads", ask("OPTIONS", "/rest/v1/rpc/balance"), 200, Allow="OPTIONS,GET,HEAD,POST")

    # ---- arguments
    error("no such function", call("tranfer", {"to": "B", "from": "A"}), 404, "PGRST202",
          "Could not find the function public.tranfer(from, to) in the schema cache",
          "Searched for the function public.tranfer with parameters from, to or with a single unnamed json/jsonb parameter, "
          "but no matches were found in the schema cache.", "Perhaps you meant to call the function public.transfer")
    error("no arguments", call("transfer", {}), 404, "PGRST202",
          "Could not find the function public.transfer without parameters in the schema cache",
          "Searched for the function public.transfer without parameters or with a single unnamed json/jsonb parameter, "
          "but no matches were found in the schema cache.", "Perhaps you meant to call the function public.transfer(amount, from, to)")
    error("by GET", ask("GET", "/rest/v1/rpc/balanc?x=1"), 404, "PGRST202",
          "Could not find the function public.balanc(x) in the schema cache",
          "Searched for the function public.balanc with parameter x, but no matches were found in the schema cache.",
          "Perhaps you meant to call the function public.balance")
    error("nothing like it", call("pay", {}), 404, "PGRST202", "Could not find the function public.pay without parameters in the schema cache",
          "Searched for the function public.pay without parameters or with a single unnamed json/jsonb parameter, "
          "but no matches were found in the schema cache.")
    error("in another schema", call("balance", {"account": "A"}, Content_Profile="nope"), 406, "PGRST106", "Invalid schema: nope",
          None, "Only the following schemas are exposed: public")
    reply("no body is no argument", ask("POST", "/rest/v1/rpc/head", "", **root), 200)
    reply("a form", ask("POST", "/rest/v1/rpc/balance", "account=A", token=alice, Content_Type="application/x-www-form-urlencoded"), 200)
    error("no JSON", ask("POST", "/rest/v1/rpc/balance", "{", Content_Type="application/json"), 400, "PGRST102", "Empty or invalid json")
    error("no object", ask("POST", "/rest/v1/rpc/balance", "[1]", Content_Type="application/json"), 400, "PGRST102", "Empty or invalid json")
    error("another body", ask("POST", "/rest/v1/rpc/balance", "x", Content_Type="text/html"), 415, "PGRST102", "Content-Type not acceptable: text/html")
    error("no such path", ask("POST", "/rest/v1/rpc/a/b", {}), 404, "PGRST125", "Invalid path specified in request URL")

    # ---- keys
    move = {"from": "A", "to": "B", "amount": "5"}
    first = call("transfer", move, token=alice, Idempotency_Key='"k-1"')
    reply("a call with a key", first, 200, Idempotency_Replayed=None)
    again = call("transfer", move, token=alice, Idempotency_Key='"k-1"')
    reply("... again", again, 200, first.text, Idempotency_Replayed="true", Content_Range=first["Content-Range"])
    reply("... without quotes", call("transfer", move, token=alice, Idempotency_Key="k-1"), 200, first.text, Idempotency_Replayed="true")
    error("... for something else", call("transfer", dict(move, amount="6"), token=alice, Idempotency_Key="k-1"), 422, "LG012",
          'key "k-1" was used for another operation: "amount" differs')
    reply("another caller's is another one", call("transfer", dict(move, **{"from": "B", "to": "A"}), token=bob, Idempotency_Key="k-1"), 200,
          Idempotency_Replayed=None)
    error("no string", call("transfer", move, token=alice, Idempotency_Key='"k'), 400, "22023",
          "The header Idempotency-Key is not a string", None, 'Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324"')
    error("a reference for something else", call("deposit", {"to": "A", "amount": "1", "reference": "D1"}, **root), 409, "LG011",
          'reference "D1" was used for another operation: "amount" differs', "It was journal %d, a deposit." % deposit.json["journal"])
    error("a reference as keys make them", call("deposit", {"to": "A", "amount": "1", "reference": "KEY-1"}, **root), 400, "LG019",
          'reference "KEY-1" begins as those do that are made of keys')
    check("the money moved once", call("balance", {"account": "A"}, token=alice).json["balance"], "75.00")
    reply("the proof", call("verify", {}, **root), 200)
    check("... proven", call("verify", {}, **root).json["proven"], True)
    check("... nor any balance that can be written", ask("PATCH", "/rest/v1/accounts?account_number=eq.A", {"balance": 1}, **root).json["code"], "42501")

    # ---- /api
    reply("my notifications", ask("GET", "/api/notifications", token=alice), 200, [])
    answer = ask("POST", "/api/vector-memory", {"embedding": {"vector": [0.1, 0.2]}, "context": "likes tea"}, token=alice)
    reply("a memory", answer, 201)
    check("... is mine", (answer.json or {}).get("user_id"), alice_id)
    memory = "/api/vector-memory/" + str((answer.json or {}).get("id"))
    reply("... read", ask("GET", memory, token=alice), 200, answer.json)
    check("... by somebody else", ask("GET", memory, token=bob).status, 404)
    reply("... changed", ask("PATCH", memory, {"context": "likes coffee"}, token=alice), 200)
    check("... it says", ask("GET", memory, token=alice).json.get("context"), "likes coffee")
    check("... not by somebody else", ask("PATCH", memory, {"context": "x"}, token=bob).status, 404)
    check("... nor deleted", (ask("DELETE", memory, token=bob).status, ask("GET", memory, token=alice).status), (404, 200))
    reply("... deleted", ask("DELETE", memory, token=alice), 204, "")
    check("... gone", ask("GET", memory, token=alice).status, 404)
    answer = ask("POST", "/api/ai-commands", {"model": "m", "input": {"prompt": "p"}}, token=alice)
    reply("an AI command", answer, 201)
    reply("a list of them", ask("GET", "/api/ai-commands", token=alice), 200, [answer.json])
    reply("with the parameters of /rest/v1", ask("GET", "/api/ai-commands?select=model&model=eq.n", token=alice), 200, [])
    check("for somebody else there is none", ask("GET", "/api/ai-commands", token=bob).json, [])
    check("as somebody else", ask("POST", "/api/ai-commands", {"model": "m", "input": {}, "user_id": alice_id}, token=bob).json["code"], "42501")
    check("anon", ask("POST", "/api/ai-commands", {"model": "m", "input": {}}).status, 401)
    check("no such resource", ask("GET", "/api/nothing", token=alice).status, 404)
    check("a method without an id", ask("DELETE", "/api/ai-commands", token=alice).status, 405)
    check("crypto withdrawals", ask("GET", "/api/crypto-withdrawals", token=alice).json, [])

    # ---- documents
    def references(document):
        """Every $ref with whether it leads somewhere."""
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    yield node["$ref"]
                for value in node.values():
                    yield from walk(value)
            elif isinstance(node, list):
                for value in node:
                    yield from walk(value)

        def resolve(reference):
            node = document
            for part in reference[2:].split("/"):
                node = node.get(part) if isinstance(node, dict) else None
            return node is not None
        return [reference for reference in walk(document) if not resolve(reference)]

    documents = {}
    for role, who in (("anon", {}), ("authenticated", {"token": alice}), ("service_role", root)):
        answer = ask("GET", "/openapi.json", **who)
        document = documents[role] = answer.json
        reply("OpenAPI for " + role, answer, 200, Content_Type="application/json; charset=utf-8")
        check("... its version", document["openapi"], "3.1.1")
        check("... every reference leads somewhere", references(document), [])
        ids = [operation["operationId"] for path in document["paths"].values() for method, operation in path.items()
               if method != "parameters"]
        check("... every operation has its own name", len(ids), len(set(ids)))
        check("... every operation answers", [path for path, methods in document["paths"].items()
              for method, operation in methods.items() if method != "parameters" and not operation["responses"]], [])
        check("... has required parts", sorted(document) == ["components", "info", "openapi", "paths", "security", "servers"], True)
        answer = ask("GET", "/rest/v1/", Accept="application/openapi+json", **who)
        swagger = answer.json
        reply("Swagger for " + role, answer, 200, Content_Type="application/openapi+json; charset=utf-8")
        check("... its version", (swagger["swagger"], swagger["basePath"], swagger["info"]["title"]),
              ("2.0", "/rest/v1", "standard public schema"))
        check("... every reference leads somewhere", references(swagger), [])
    check("a user can transfer", "/rest/v1/rpc/transfer" in documents["authenticated"]["paths"], True)
    check("... and not deposit", "/rest/v1/rpc/deposit" in documents["authenticated"]["paths"], False)
    check("the resources of /api", sorted(path for path in documents["authenticated"]["paths"] if path.startswith("/api/")),
          sorted("/api/" + name + end for name in ("notifications", "ai-commands", "crypto-withdrawals", "vector-memory") for end in ("", "/{id}")))
    check("anon has no function", [path for path in documents["anon"]["paths"] if "/rpc/" in path], [])
    check("service_role has all", "/rest/v1/rpc/deposit" in documents["service_role"]["paths"], True)
    check("what is described", documents["service_role"]["components"]["schemas"]["accounts"]["properties"]["account_number"]["maxLength"], 50)
    check("nullable", documents["service_role"]["components"]["schemas"]["accounts"]["properties"]["user_id"]["type"], ["string", "null"])
    swagger = ask("GET", "/rest/v1/", **root).json
    check("Swagger by default, too", swagger["swagger"], "2.0")
    check("keys in it", swagger["definitions"]["accounts"]["properties"]["user_id"]["description"].split("\n\n")[-1],
          "Note:\nThis is a Foreign Key to `users.id`.<fk table='users' column='id'/>")
    check("primary keys", "<pk/>" in swagger["definitions"]["accounts"]["properties"]["id"]["description"], True)
    error("no picture of it", ask("GET", "/rest/v1/", Accept="image/png"), 406, "PGRST107", "None of these media types are available: image/png")

end()
