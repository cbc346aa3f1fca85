-- wrk's requests of bench/http.sh. BENCH_KIND: get (one row of BENCH_IDS, a file with an id a line, put for % in BENCH_PATH), page
-- (BENCH_PATH as it is), post (BENCH_BODY to BENCH_PATH, with % a number that does not come again, $1 and $2 two lines of BENCH_IDS).
-- BENCH_HEADERS: "name: value" lines.
local kind, path, template = os.getenv("BENCH_KIND"), os.getenv("BENCH_PATH"), os.getenv("BENCH_BODY")
local ids, number, run = {}, 0, os.getenv("BENCH_RUN") or "0"

function init()
  for name, value in (os.getenv("BENCH_HEADERS") or ""):gmatch("([^:\n]+): ([^\n]*)") do wrk.headers[name] = value end
  math.randomseed(4711)
  local file = os.getenv("BENCH_IDS")
  if file and file ~= "" then for line in io.lines(file) do ids[#ids + 1] = line end end
end

local function any() return ids[math.random(#ids)] end

function request()
  if kind == "get" then return wrk.format("GET", (path:gsub("%%", any, 1))) end
  if kind == "page" then return wrk.format("GET", path) end
  number = number + 1
  local first, second = #ids > 0 and any() or "", #ids > 0 and any() or ""
  while #ids > 1 and second == first do second = any() end
  local body = template:gsub("%%", run .. "-" .. number):gsub("$1", first):gsub("$2", second)
  return wrk.format("POST", path, nil, body)
end

function done(summary, latency)
  io.write(string.format("FIGURES %d %.6f %d %d %d\n", summary.requests, summary.duration / 1e6, latency:percentile(50),
    latency:percentile(99), summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
