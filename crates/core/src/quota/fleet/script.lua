-- resayil: one quota for a fleet. One call settles what was sent and admits what waits.
--
-- KEYS[1]  the hash that holds the quota. ARGV: 39 whole numbers, in the order of `FleetCall` in call.rs.
-- Times are milliseconds by this server's clock; amounts are requests, tokens, tokens of prompts and of
-- answers. State and work do not grow with members, requests or limits.

local a = {}
for i = 1, 39 do a[i] = tonumber(ARGV[i]) end
local floor, max, min = math.floor, math.max, math.min
local MOST = 1000000000000000

-- 1. The state. Names: t last time, b birth, md mode, ln length, w window, kc lo hi the provider's clock, la latch,
-- ml mv mf rf the soft limit, ut uncertain until, m n members, then by amount: l limit, u used, p promised of this
-- window, q promised of later ones, c carried into the next one.
local fields = {
  't', 'b', 'md', 'ln', 'w', 'kc', 'lo', 'hi', 'la', 'ml', 'mv', 'mf', 'rf', 'ut', 'm', 'n', 'l1', 'l2', 'l3', 'l4',
  'u1', 'u2', 'u3', 'u4', 'p1', 'p2', 'p3', 'p4', 'q1', 'q2', 'q3', 'q4', 'c1', 'c2', 'c3', 'c4'
}
local kept = redis.call('HGETALL', KEYS[1])
local s, before = {}, {}
for i = 1, 36 do s[fields[i]] = 0 end
for i = 1, #kept, 2 do
  local value = tonumber(kept[i + 1]) or 0
  s[kept[i]], before[kept[i]] = value, value
end
local l, u = {s.l1, s.l2, s.l3, s.l4}, {s.u1, s.u2, s.u3, s.u4}
local p, q = {s.p1, s.p2, s.p3, s.p4}, {s.q1, s.q2, s.q3, s.q4}
local c = {s.c1, s.c2, s.c3, s.c4}

-- 2. The time: this server's, and never going back, but for a clock that was set back by more than a window.
local time = redis.call('TIME')
local raw = tonumber(time[1]) * 1000 + floor(tonumber(time[2]) / 1000)
local now = raw
local is_new = s.b == 0
if is_new then
  s.b, s.md, s.ln = now, a[1], a[2]
elseif s.md == 2 and a[1] ~= 2 then
  -- Now somebody knows how the provider counts.
  s.md, s.ln, s.w = a[1], a[2], 0
  for d = 1, 4 do u[d], p[d], q[d], c[d] = 0, 0, 0, 0 end
end
local mode, len = s.md, s.ln
-- The clock was set by more than a window: whoever knew this key had another time from it. As with a key that was
-- lost, each tells what it sent in this window, and has no turns.
local function renew(time)
  s.b = (s.b == time) and time + 1 or time
  for d = 1, 4 do u[d], p[d], q[d], c[d] = 0, 0, 0, 0 end
end
if s.t > now then
  local back = s.t - now
  if back <= len then
    now = s.t
  else
    -- Windows keep their numbers.
    s.lo, s.hi, s.la, s.ut = s.lo + back, s.hi + back, 0, 0
    renew(now)
  end
end
s.t = now

-- 3. What the provider's clock shows more than this one: between lo and hi. It is not taken from who had another
-- time from this server.
if a[3] == 1 and (s.kc == 0 or a[9] == s.b) then
  local lo, hi = a[4], a[5]
  if s.kc == 1 then lo, hi = max(lo, s.lo), min(hi, s.hi) end
  if lo - hi > len then
    -- This clock was set ahead.
    renew(raw)
    s.la, s.ut = 0, 0
  end
  if lo > hi then lo, hi = a[4], a[5] end
  s.kc, s.lo, s.hi = 1, lo, hi
end
local lo, hi = -1000, 1000
if s.kc == 1 then lo, hi = s.lo, s.hi end

-- 4. The window that has certainly begun.
local window = floor((now + lo) / len)
local first = s.w == 0
if first then
  s.w = window
elseif window > s.w then
  local gone = window - s.w
  if mode == 0 then
    -- What refusals teach: so many were admitted when the first was refused.
    if s.rf > 0 then
      local known = s.ml
      s.ml, s.mf = max(1, u[1]), 0
      s.mv = (s.ml == known) and 1 or 0
    elseif s.ml > 0 then
      if u[1] > s.ml then
        s.ml, s.mv, s.mf = u[1], 0, 0
      elseif u[1] == s.ml then
        s.mf = s.mf + 1
        if s.mf >= 10 then s.mv, s.mf = 0, 0 end
      end
    end
    if l[1] > 0 and s.ml >= l[1] then s.ml = 0 end
  end
  for d = 1, 4 do
    local cap = l[d]
    if d == 1 and s.ml > 0 then cap = s.ml end
    if mode == 1 then
      u[d] = (cap > 0) and max(0, u[d] - gone * cap) or 0
    else
      u[d] = (gone == 1) and c[d] or 0
    end
    c[d] = 0
    if cap > 0 then
      q[d] = max(0, q[d] - (gone - 1) * cap)
      p[d] = min(q[d], cap)
      q[d] = q[d] - p[d]
    else
      p[d], q[d] = 0, 0
    end
  end
  s.m, s.n, s.rf, s.w = s.n, 0, 0, window
elseif window < s.w then
  s.w = window
  for d = 1, 4 do p[d], c[d] = 0, 0 end
end

-- 5. A member that knew another key, one that is lost, tells what it sent in this window.
if a[9] ~= 0 and a[9] ~= s.b and a[10] == s.w then
  for d = 1, 4 do u[d] = min(MOST, u[d] + a[10 + d]) end
end

-- 6. Limits that a member knows.
if a[1] == mode then
  for d = 1, 4 do
    if a[28 + d] > 0 then l[d] = a[28 + d] end
  end
end

-- 7. Members. One that is counted in this window already says so.
local rank = 0
if a[8] ~= s.w then
  s.n = s.n + a[7]
  rank = s.n
end
local members = max(s.m, s.n, 1)

-- 8. What was sent: corrections, refusals, and what needs no longer be feared to be refused.
if a[15] == s.w then
  for d = 1, 4 do u[d] = max(0, min(MOST, u[d] + a[15 + d])) end
  s.rf = min(MOST, s.rf + a[21])
end
if a[22] > 0 then s.la = max(s.la, now + a[22]) end
-- So many may be under way of which that is not known.
local some = 2
if s.ml > 0 then some = max(1, min(64, floor((u[1] - s.ml) / 8))) else some = max(2, min(64, floor(u[1] / 32))) end
local each = max(1, floor(a[6] / some))
s.ut = max(now, s.ut - a[20] * each)

-- 9. Turns that are not wanted any more, and those of members that did not come.
if a[23] == s.w then
  for d = 1, 4 do p[d] = max(0, p[d] - a[24 + d]) end
elseif a[23] > s.w then
  for d = 1, 4 do q[d] = max(0, q[d] - a[24 + d]) end
end
local grace = s.w * len - lo + min(1000, floor(len / 8))
if now >= grace then
  for d = 1, 4 do p[d] = 0 end
end

-- 10. Who may go. Those who were promised a turn come before those who were not.
local asks, due, held = a[33], min(a[34], a[33]), a[35]
-- Who comes before its window begins, since the provider's clock was not known well, keeps its turn.
local early = 0
if due > 0 and a[24] > s.w then early, due = due, 0 end
local cost = {a[36], a[37], a[38], a[39]}
local cap = {l[1], l[2], l[3], l[4]}
if s.ml > 0 then cap[1] = s.ml end
local is_unsure = mode == 0 and ((l[1] == 0 and s.ml == 0) or (s.ml > 0 and s.mv == 0))
if due > 0 and a[24] == s.w then
  for d = 1, 4 do p[d] = max(0, p[d] - due * cost[d]) end
end
-- How many more fit into all amounts but, perhaps, requests.
local function fit(from, others)
  local most = MOST
  for d = from, 4 do
    if cap[d] > 0 and cost[d] > 0 then
      local room = cap[d] - u[d]
      if others then room = room - p[d] end
      if mode == 1 then
        most = min(most, -floor(-room / cost[d]))
      else
        most = min(most, floor(room / cost[d]))
      end
    end
  end
  return max(0, most)
end
local function take(count)
  for d = 1, 4 do u[d] = min(MOST, u[d] + count * cost[d]) end
end
local granted = 0
if mode == 2 then
  if s.la <= now then granted = asks end
elseif s.la <= now then
  granted = min(due, fit(1, false))
  take(granted)
  if granted == due then
    local more = min(asks - due, fit(1, true))
    take(more)
    granted = granted + more
  end
  if is_unsure then
    local sure = (s.ml > 0) and granted or 0
    local left = max(0, floor((a[6] - (s.ut - now)) / each))
    local wanted = asks - sure
    if s.ml > 0 and l[1] > 0 then wanted = min(wanted, max(0, l[1] - u[1])) end
    if s.ml == 0 then
      -- There is no limit of requests yet: what was taken goes beyond what may be under way.
      local more = min(granted, left)
      take(more - granted)
      granted, s.ut = more, s.ut + more * each
    elseif wanted > 0 and p[1] == 0 then
      local more = min(wanted, left, fit(2, true))
      take(more)
      granted, s.ut = granted + more, s.ut + more * each
    end
  end
  if mode == 0 and floor((now + hi + 250) / len) > s.w then
    -- It may be counted in the next window.
    for d = 1, 4 do c[d] = min(MOST, c[d] + granted * cost[d]) end
  end
end

-- 11. Turns for the rest: no member gets more than its share of a window, so none lies beyond the next one, but
-- where there are more members than a window admits.
local promised, turn, turn_at = 0, 0, 0
local left = asks - granted
local has_cap = false
local allowed, ahead = MOST, 0
for d = 1, 4 do
  if cap[d] > 0 and cost[d] > 0 then
    has_cap = true
    allowed = min(allowed, floor(cap[d] * a[7] / ((members + 1) * cost[d])))
    ahead = max(ahead, floor(q[d] / cap[d]))
  end
end
if allowed < 1 then allowed = 1 end
if allowed == 1 then members = max(members, p[1] + q[1]) end
-- Where a refusal is over within this window, they ask again then; and soon, where there is room in this window and
-- only is too much under way of which it is not known whether it is refused.
local is_brief = s.la > now and floor((s.la + lo) / len) == s.w
if is_unsure and s.la <= now and fit(1, true) > 0 then is_brief = true end
if early > 0 then
  promised, turn = min(left, early), a[24]
  for d = 1, 4 do q[d] = max(0, q[d] - (early - promised) * cost[d]) end
  turn_at = max(turn * len - lo, s.la)
elseif left > 0 and has_cap and mode ~= 2 and not is_brief then
  promised = max(0, min(left, allowed - (held - due)))
  turn = max(s.w + 1 + ahead, floor((s.la + lo) / len))
  local room = MOST
  for d = 1, 4 do
    if cap[d] > 0 and cost[d] > 0 then
      room = min(room, floor((cap[d] - q[d] % cap[d]) / cost[d]))
    end
  end
  promised = min(promised, max(1, room))
  for d = 1, 4 do q[d] = min(MOST, q[d] + promised * cost[d]) end
  turn_at = max(turn * len - lo, s.la)
end

-- 12. When the others ask again.
local again = (s.w + 1) * len - lo
if s.la > now then
  again = max(s.la, (mode == 2) and 0 or floor((s.la + lo) / len) * len - lo)
elseif is_unsure then
  again = max(now + min(1000, max(20, 2 * members)), s.ut - a[6] + each)
elseif now < grace and fit(1, false) > 0 then
  again = grace
end
again = max(again, now + 1)

-- 13. Keep it.
s.l1, s.l2, s.l3, s.l4 = l[1], l[2], l[3], l[4]
s.u1, s.u2, s.u3, s.u4 = u[1], u[2], u[3], u[4]
s.p1, s.p2, s.p3, s.p4 = p[1], p[2], p[3], p[4]
s.q1, s.q2, s.q3, s.q4 = q[1], q[2], q[3], q[4]
s.c1, s.c2, s.c3, s.c4 = c[1], c[2], c[3], c[4]
local out = {}
for i = 1, 36 do
  local name = fields[i]
  if s[name] ~= before[name] then
    out[#out + 1] = name
    out[#out + 1] = string.format('%.0f', s[name])
  end
end
if #out > 0 then redis.call('HSET', KEYS[1], unpack(out)) end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', max(120000, 2 * len, s.la - now)))

return {
  now, s.w, s.b, mode, len, s.kc, lo, hi, granted, promised, turn, turn_at, again, members, rank, l[1], l[2], l[3],
  l[4], u[1], u[2], u[3], u[4], s.ml, s.la, is_unsure and 1 or 0, p[1], q[1], raw
}
