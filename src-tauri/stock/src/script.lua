-- The stock's calls, held equal to value.rs (step, bring) and corrections.rs by a property test that runs both.
-- Must never guess: what cannot be read exactly is answered "damaged" and stays as it is.
-- KEYS: one per call, all of one slot. ARGV[1]: "step", "bring" or "correct"; then per key
--   step:  source, prev ("" = unknown), last, delta, sum
--   bring: number of parts, then source, last, sum of each
--   correct: "drift" | "entry", source, offset, wrong, right | "damaged", bytes as read, then as bring | "fold", quantity
-- Reply per key: the offset that stood there (lagged; -1 and up), or one of these.
local APPLIED, SEEN, CREATED, ABSENT, DAMAGED = -10, -11, -12, -13, -14
local DONE, NOTHING = -20, -21
-- What the reader of a key of another type was given in place of bytes.
local NO_STRING = '(no string)'

-- 2^53 - 1. Numbers here are doubles: the sum or difference of two numbers within the limit is either exact
-- or beyond the limit, so that one comparison after each operation proves exactness.
local LIMIT = 9007199254740991
local find, sub, tonumber, format, concat = string.find, string.sub, tonumber, string.format, table.concat

local function fits(number)
  return number >= -LIMIT and number <= LIMIT
end

-- An integer written as such: no leading zero, no minus zero.
local function integer(text)
  if find(text, '^%-?0.') or text == '-0' then return nil end
  local number = tonumber(text)
  return fits(number) and number or nil
end

-- Reads the positions that begin at `from` (behind the opening brace) into value; gives the place behind them.
local function positions(text, from, value)
  local names, offsets, sums = {}, {}, {}
  value.names, value.offsets, value.sums, value.index = names, offsets, sums, {}
  local _, stop = find(text, '^[ \t\r\n]*}', from)
  if stop then return stop + 1 end
  while true do
    local _, last, name, offset, sum = find(text,
      '^[ \t\r\n]*"([%w._-]+)"[ \t\r\n]*:[ \t\r\n]*%[[ \t\r\n]*(%d+)[ \t\r\n]*,[ \t\r\n]*(%-?%d+)[ \t\r\n]*%][ \t\r\n]*', from)
    if not last or #name > 64 or value.index[name] then return nil end
    offset, sum = integer(offset), integer(sum)
    if not offset or not sum then return nil end
    local place = #names + 1
    names[place], offsets[place], sums[place], value.index[name] = name, offset, sum, place
    local mark = sub(text, last + 1, last + 1)
    from = last + 2
    if mark == '}' then return from end
    if mark ~= ',' then return nil end
  end
end

local function read(text)
  local value = {}
  local _, last = find(text, '^[ \t\r\n]*{')
  if not last then return nil end
  local from = last + 1
  for member = 1, 3 do
    local name
    _, last, name = find(text, '^[ \t\r\n]*"([a-z]+)"[ \t\r\n]*:[ \t\r\n]*', from)
    if not last then return nil end
    from = last + 1
    if name == 'at' and not value.names then
      if sub(text, from, from) ~= '{' then return nil end
      from = positions(text, from + 1, value)
      if not from then return nil end
    elseif (name == 'base' or name == 'change') and not value[name] then
      local digits
      _, last, digits = find(text, '^(%-?%d+)', from)
      if not last then return nil end
      value[name] = integer(digits)
      if not value[name] then return nil end
      from = last + 1
    else
      return nil
    end
    _, last = find(text, member < 3 and '^[ \t\r\n]*,' or '^[ \t\r\n]*}[ \t\r\n]*$', from)
    if not last then return nil end
    from = last + 1
  end
  return value
end

local function print(value)
  local parts = {}
  for place, name in ipairs(value.names) do
    parts[place] = format('"%s":[%.0f,%.0f]', name, value.offsets[place], value.sums[place])
  end
  return format('{"base":%.0f,"change":%.0f,"at":{%s}}', value.base, value.change, concat(parts, ','))
end

-- Adds delta and moves the source's entry; false where a number would lose exactness.
local function move(value, source, last, delta, sum)
  if not fits(delta) or not fits(sum) or not fits(value.change + delta) then return false end
  value.change = value.change + delta
  local place = value.index[source]
  if not place then
    place = #value.names + 1
    value.names[place], value.index[source] = source, place
  end
  value.offsets[place], value.sums[place] = last, sum
  return true
end

local function entry(value, source)
  local place = value.index[source]
  if not place then return -1, 0 end
  return value.offsets[place], value.sums[place]
end

local function step(key, value, at)
  if value == nil then return ABSENT end
  if not value then return DAMAGED end
  local source, prev, last = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local delta, sum = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local offset, counted = entry(value, source)
  if offset >= last then return SEEN end
  local answer = APPLIED
  if prev == offset then
    sum = counted + delta
  else
    delta, answer = sum - counted, offset
  end
  if not move(value, source, last, delta, sum) then return DAMAGED end
  redis.call('SET', key, print(value))
  return answer
end

local function fresh()
  return { base = 0, change = 0, names = {}, offsets = {}, sums = {}, index = {} }
end

-- Takes every part that is ahead of the value. Gives false where a number would lose exactness, and the offset of
-- the first source that was brought forward.
local function take(value, at, count)
  local first = nil
  for part = 0, count - 1 do
    local place = at + 3 * part
    local source, last, sum = ARGV[place], tonumber(ARGV[place + 1]), tonumber(ARGV[place + 2])
    local offset, counted = entry(value, source)
    if offset < last then
      if not move(value, source, last, sum - counted, sum) then return false, nil end
      first = first or offset
    end
  end
  return true, first
end

local function bring(key, value, at, count)
  if value == false then return DAMAGED end
  local absent = value == nil
  if absent then value = fresh() end
  local exact, first = take(value, at, count)
  if not exact then return DAMAGED end
  if not first then return absent and ABSENT or SEEN end
  redis.call('SET', key, print(value))
  return absent and CREATED or first
end

-- The sum of all positions less the base, exact whatever the order: in two halves, put together at the end.
-- Nil where it does not fit.
local function undrifted(value)
  local half = 67108864
  local high, low = 0, 0
  local function add(number)
    local part = math.floor(number / half)
    high, low = high + part, low + (number - part * half)
  end
  for _, sum in ipairs(value.sums) do add(sum) end
  add(-value.base)
  local carry = math.floor(low / half)
  high, low = high + carry, low - carry * half
  local number = high * half + low
  return fits(number) and number or nil
end

-- Changes the value as a correction says; true: changed, false: nothing to do, nil: a number would lose exactness.
local function mend(value, kind, at)
  if kind == 'drift' then
    local change = undrifted(value)
    if not change then return nil end
    local changed = change ~= value.change
    value.change = change
    return changed
  end
  if kind == 'entry' then
    local source, offset = ARGV[at], tonumber(ARGV[at + 1])
    local wrong, right = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local place = value.index[source]
    if not place or value.offsets[place] ~= offset or value.sums[place] ~= wrong then return false end
    if not move(value, source, offset, right - wrong, right) then return nil end
    return right ~= wrong
  end
  local quantity, whole = tonumber(ARGV[at]), value.base + value.change
  if not fits(whole) or not fits(quantity) or not fits(whole - quantity) then return nil end
  local changed = quantity ~= value.base
  value.base, value.change = quantity, whole - quantity
  return changed
end

local function correct(key, stored, value, at)
  if value == nil then return ABSENT end
  local kind = ARGV[at]
  if kind == 'damaged' then
    local bytes = type(stored) == 'string' and stored or NO_STRING
    if value or bytes ~= ARGV[at + 1] then return NOTHING end
    value = fresh()
    if not take(value, at + 3, tonumber(ARGV[at + 2])) then return DAMAGED end
  else
    if not value then return DAMAGED end
    local changed = mend(value, kind, at + 1)
    if changed == nil then return DAMAGED end
    if not changed then return NOTHING end
  end
  redis.call('SET', key, print(value))
  return DONE
end

-- How many words a correction has.
local function length(at)
  local kind = ARGV[at]
  if kind == 'drift' then return 1 end
  if kind == 'entry' then return 5 end
  if kind == 'fold' then return 2 end
  return 3 + 3 * tonumber(ARGV[at + 2])
end

local answers, at = {}, 2
for place, key in ipairs(KEYS) do
  -- Absent: nil. Of another type or unreadable: false.
  local stored, value = redis.pcall('GET', key), nil
  if type(stored) == 'string' then
    value = read(stored) or false
  elseif stored then
    value = false
  end
  if ARGV[1] == 'step' then
    answers[place] = step(key, value, at)
    at = at + 5
  elseif ARGV[1] == 'correct' then
    answers[place] = correct(key, stored, value, at)
    at = at + length(at)
  else
    local count = tonumber(ARGV[at])
    answers[place] = bring(key, value, at + 1, count)
    at = at + 1 + 3 * count
  end
end
return answers
