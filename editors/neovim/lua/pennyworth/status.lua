-- What the servers say of themselves, and the words of it in a statusline. It leaves where that is shown to the user.
local client = require('pennyworth.client')
local M = {}

local METHOD = '$/pennyworth/status'
-- The last notification of each server that runs.
local last = {}
-- Whether a server ended that was wanted.
local is_down = false

local function changed(status)
  vim.api.nvim_exec_autocmds('User', { pattern = 'PennyworthStatus', modeline = false, data = status })
  vim.cmd.redrawstatus({ bang = true })
end

--- Listens to all servers, also those that others started under our name.
function M.listen()
  vim.lsp.handlers[METHOD] = function(_, status, context)
    last[context.client_id] = status
    is_down = false
    changed(status)
  end
end

--- A server ended.
---@param id integer
---@param is_wanted boolean whether it was asked to
function M.ended(id, is_wanted)
  last[id] = nil
  is_down = not is_wanted
  changed({ state = is_down and 'stopped' or 'restarting' })
end

--- What the server of a buffer last said; nil before it said anything.
---@param buf? integer
---@return table?
function M.of(buf)
  local server = client.of(buf)
  return server and last[server.id]
end

local function value(field) return field ~= vim.NIL and field or nil end

--- Words of a state, as a statusline has room for.
local function words(status)
  local paused = value(status.paused_languages) or {}
  if status.state == 'indexing' then return ('reading, %d files'):format(status.files or 0) end
  if status.state == 'capped' then return 'cap reached' end
  if status.state ~= 'ready' then return status.state end
  if vim.tbl_contains(paused, vim.bo.filetype) then return 'paused for ' .. vim.bo.filetype end
  if value(status.trouble) then return 'trouble' end
  return value(status.model)
end

--- A few words for a statusline, empty where no server serves the current buffer.
---@return string
function M.line()
  local status = M.of()
  if not status then return is_down and not client.of() and client.reason_against(0) == nil and 'Pennyworth: stopped' or '' end
  local said = words(status)
  local line = 'Pennyworth' .. (said and ': ' .. said or '')
  local spent = value(status.spent_today_usd) or 0
  if spent > 0 then line = ('%s $%.2f'):format(line, spent) end
  return line .. (status.asking == true and ' …' or '')
end

--- The whole of it, a line each.
---@param status table
---@return string[]
function M.lines(status)
  local models = value(status.models) or {}
  local lines = {
    'state: ' .. status.state,
    ('spent today: $%.4f of $%.2f'):format(status.spent_today_usd, status.cap_usd_per_day),
    ('spent this month: $%.4f of $%.2f'):format(status.spent_this_month_usd, status.cap_usd_per_month),
    'models: ' .. (#models > 0 and table.concat(models, ', ') or 'the one inside only'),
    ('files learned: %d'):format(status.files),
  }
  local function add(name, text)
    if text then lines[#lines + 1] = name .. ': ' .. text end
  end
  local paused = value(status.paused_languages) or {}
  add('last answer from', value(status.model))
  add('paused languages', #paused > 0 and table.concat(paused, ', ') or nil)
  add('trouble', value(status.trouble))
  return lines
end

return M
