-- Events of calls for `POST /contact-center/v1/events`, one a request, no two alike.
-- Arguments: the key, and a mark that sets the ids of this round apart.

local key, mark
local number = 0
local kinds = { "queued", "ringing", "answered", "ended", "wrapped" }
local tails = {}

function init(args)
  key, mark = args[1], args[2]
  local now = os.date("!%Y-%m-%dT%H:%M:%S+00:00")
  for n = 1, 100 do
    tails[n] = string.format(
      '","at":"%s","channel":"call","direction":"in","party":"buyer","queue":"sales-%d",'
        .. '"branch":"branch-%d","to":"+73452000001","attributes":{"ivr":"main","language":"ru",'
        .. '"campaign":"autumn-%d","order":"ORD-%08d","device":"mobile"}}',
      now, n % 7, n % 50, n % 20, n * 7919)
  end
  wrk.method = "POST"
  wrk.headers["Authorization"] = "Bearer " .. key
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  number = number + 1
  local contact, step = math.floor(number / 5), number % 5
  return wrk.format(nil, nil, nil, string.format(
    '{"id":"%s-%d-%d","contact":"%s-%d","type":"%s","from":"+7900%07d","agent":"agent-%d%s',
    mark, contact, step, mark, contact, kinds[step + 1], contact * 7919 % 1000000,
    contact % 400, tails[number % 100 + 1]))
end

function done(summary, latency)
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"failed":%d,"p50":%.3f,"p99":%.3f}\n',
    summary.requests, summary.duration / 1e6,
    summary.errors.status + summary.errors.connect + summary.errors.read
      + summary.errors.write + summary.errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
