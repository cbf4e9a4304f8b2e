-- The status of the servers, and its text for a statusline. It leaves where that is shown to the user.
local client = require('pennyworth.client')
local M = {}

local METHOD = '$/pennyworth/status'
-- The last notification of each running server.
local last = {}
-- Whether a server ended unexpectedly.
local is_down = false

local function changed(status)
  vim.api.nvim_exec_autocmds('User', { pattern = 'PennyworthStatus', modeline = false, data = status })
  vim.cmd.redrawstatus({ bang = true })
end

local namespace = vim.api.nvim_create_namespace('pennyworth.nothing')

--- Says beside the cursor's line why a key gave nothing, until the next key. The command line would not do: in insert mode `showmode` draws over it.
local function say_nothing(uri, reason)
  local buf = vim.api.nvim_get_current_buf()
  if vim.uri_from_bufnr(buf) ~= uri then return end
  local window = vim.fn.getwininfo(vim.api.nvim_get_current_win())[1]
  local row, room = vim.fn.line('.') - 1, window.width - window.textoff
  local line = 'Pennyworth: nothing here: ' .. reason
  local is_beside = vim.fn.virtcol('$') + vim.fn.strdisplaywidth(line) < room
  if vim.fn.strdisplaywidth(line) > room then line = vim.fn.strcharpart(line, 0, room - 1) .. '…' end
  local chunk = { line, 'Comment' }
  vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1)
  vim.api.nvim_buf_set_extmark(buf, namespace, row, 0, is_beside and { virt_text = { chunk } } or { virt_lines = { { chunk } } })
  vim.on_key(function()
    vim.on_key(nil, namespace)
    if vim.api.nvim_buf_is_valid(buf) then vim.api.nvim_buf_clear_namespace(buf, namespace, 0, -1) end
  end, namespace)
end

--- Listens to all servers, including those that others started under our name.
function M.listen()
  vim.lsp.handlers[METHOD] = function(_, status, context)
    last[context.client_id] = status
    is_down = false
    changed(status)
  end
  vim.lsp.handlers['$/pennyworth/nothing'] = function(_, nothing) say_nothing(nothing.uri, nothing.reason) end
end

--- Notes that a server ended.
---@param id integer
---@param is_wanted boolean whether we stopped it
function M.ended(id, is_wanted)
  last[id] = nil
  is_down = not is_wanted
  changed({ state = is_down and 'stopped' or 'restarting' })
end

--- The last status of a buffer's server; nil before the first one.
---@param buf? integer
---@return table?
function M.of(buf)
  local server = client.of(buf)
  return server and last[server.id]
end

local function value(field) return field ~= vim.NIL and field or nil end

--- An amount as the server writes it: two decimals, and below ten cents the two digits that count.
local function usd(amount)
  if not amount then return 'unknown' end
  -- What is not zero never reads as zero.
  if amount > 0 and amount < 1e-9 then return '<$0.000000001' end
  local decimals = 2
  if amount > 0 and amount < 0.1 then decimals = math.min(1 - math.floor(math.log10(amount)), 9) end
  return ('$%.' .. decimals .. 'f'):format(amount)
end

--- A cap with all its digits.
local function cap(amount)
  local text = ('%.12f'):format(amount):gsub('0+$', '')
  return '$' .. text .. ('0'):rep(2 - #text:match('%d*$'))
end

--- Which model fails; for what is about no model, only that there is trouble.
local function failing(status)
  for _, trouble in ipairs(value(status.troubles) or {}) do
    local model = value(trouble.model)
    if model and vim.startswith(status.trouble, ('model.%s: '):format(model)) then return model .. ' fails' end
  end
  return 'trouble'
end

--- What is wrong, a line each: faults in the settings, then what keeps models from answering.
---@param status table
---@return string[]
function M.wrong(status)
  local lines = {}
  for _, fault in ipairs(value(status.faults) or {}) do
    local place = fault.file .. (value(fault.line) and (':%d'):format(fault.line) or '') .. (fault.key ~= '' and ': ' .. fault.key or '')
    lines[#lines + 1] = ('%s: %s (%s)'):format(place, fault.message, fault.holds)
  end
  for _, trouble in ipairs(value(status.troubles) or {}) do
    local again = value(trouble.again)
    local next = not again and 'not tried again before the configuration changes'
      or again == 0 and 'tried again at the next request'
      or 'tried again at ' .. os.date('%H:%M', again)
    local model, remedy = value(trouble.model), value(trouble.remedy)
    lines[#lines + 1] = ('%s%s%s (since %s%s)'):format(
      model and model .. ': ' or '', trouble.what, remedy and '; ' .. remedy or '', os.date('%H:%M', trouble.since), model and ', ' .. next or '')
  end
  if #lines == 0 then lines[1] = value(status.trouble) end
  return lines
end

--- A state in as few words as a statusline has room for.
local function words(status)
  local paused = value(status.paused_languages) or {}
  if status.state == 'indexing' then
    local files = status.files or 0
    return ('reading, %d %s'):format(files, files == 1 and 'file' or 'files')
  end
  if status.state == 'capped' then return 'cap reached' end
  if status.state ~= 'ready' then return status.state end
  local names = vim.list_extend(vim.list_slice(paused), value(status.paused_ids) or {})
  if vim.tbl_contains(names, vim.bo.filetype) then return 'paused for ' .. vim.bo.filetype end
  if #(value(status.faults) or {}) > 0 then return 'settings have a fault' end
  if value(status.trouble) then return failing(status) end
  return value(status.model)
end

--- A few words for a statusline, empty if no server serves the current buffer.
---@return string
function M.line()
  local status = M.of()
  if not status then return is_down and not client.of() and client.reason_against(0) == nil and 'Pennyworth: stopped' or '' end
  local said = words(status)
  local line = 'Pennyworth' .. (said and ': ' .. said or '')
  local spent = value(status.spent_today_usd) or 0
  if spent > 0 then line = line .. ' ' .. usd(spent) end
  local ready = (value(status.jobs) or {}).ready or 0
  if ready > 0 then line = ('%s, %d ready'):format(line, ready) end
  return line .. (status.asking == true and ' …' or '')
end

--- The whole status, one fact a line.
---@param status table
---@return string[]
function M.lines(status)
  local models = value(status.models) or {}
  local lines = {
    'state: ' .. status.state,
    ('spent in 24 hours: %s of %s'):format(usd(value(status.spent_today_usd)), cap(status.cap_usd_per_day)),
    ('spent this month: %s of %s'):format(usd(value(status.spent_this_month_usd)), cap(status.cap_usd_per_month)),
    'models: ' .. (#models > 0 and table.concat(models, ', ') or 'embedded only'),
    ('files learned: %d'):format(status.files),
  }
  local function add(name, text)
    if text then lines[#lines + 1] = name .. ': ' .. text end
  end
  local paused = value(status.paused_languages) or {}
  local jobs = value(status.jobs) or { waiting = 0, ready = 0 }
  add('queued tasks', jobs.waiting + jobs.ready > 0 and ('%d waiting, %d ready'):format(jobs.waiting, jobs.ready) or nil)
  add('last answer from', value(status.model))
  add('paused languages', #paused > 0 and table.concat(paused, ', ') or nil)
  for _, line in ipairs(M.wrong(status)) do add('wrong', line) end
  return lines
end

return M
