-- What wrk writes of each answer: the moment, which its own summary leaves out; and its own counts at the end.
--
-- In: nothing. Out, on standard output: `answered SECONDS STATUS` for each answer, and one line `counted …`.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long sec; long nsec; } poolbench_time;
  int clock_gettime(int clock, poolbench_time *now);
]]
local REALTIME = 0
local now = ffi.new("poolbench_time")

function response(status)
  ffi.C.clock_gettime(REALTIME, now)
  print(string.format("answered %d.%09d %d", tonumber(now.sec), tonumber(now.nsec), status))
end

function done(summary, latency)
  local failed = summary.errors
  print(string.format("counted %d %d %.3f", summary.requests,
    failed.connect + failed.read + failed.write + failed.timeout, latency:percentile(50) / 1000))
end
