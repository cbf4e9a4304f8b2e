-- The one suggestion on the screen: asks for it, shows it, follows it while the user types, accepts and dismisses it. It leaves what to
-- suggest to the server, and drawing to `ghost`.
local client = require('pennyworth.client')
local config = require('pennyworth.config')
local ghost = require('pennyworth.ghost')
local menu = require('pennyworth.menu')
local text = require('pennyworth.text')
local api = vim.api
local M = {}

local METHOD = 'textDocument/inlineCompletion'
local KINDS = { invoked = 1, automatic = 2 }

-- The suggestion shown: its client, buffer, item and text; the `items` that came with it and its `number` among them; `row` and `col`, where
-- its text begins; `before`, the line up to there; `kept`, the rest of the line behind what it replaces; `given`, how many of its bytes were
-- typed when it came; `reached`, how many are typed by now.
local now = nil
-- The request in flight: its client, its number, and the buffer, text and place that it is about.
local asked = nil
-- The request that waits for the debounce.
local waiting = nil

--- The cursor: 0-based row and byte.
local function cursor()
  local place = api.nvim_win_get_cursor(0)
  return place[1] - 1, place[2]
end

local function tell(event, data) api.nvim_exec_autocmds('User', { pattern = event, modeline = false, data = data }) end

local function is_inserting() return api.nvim_get_mode().mode:sub(1, 1) == 'i' end

-- What is shown ------------------------------------------------------------------------------------------------------------------

local function clear()
  if now then ghost.hide(now.buf) end
  now = nil
end

--- Whether the suggestion still continues the text before the cursor. Returns how many of its bytes are typed, and which text behind the
--- cursor it would replace; nil if it does not fit.
local function fit(shown)
  local row, col = cursor()
  if api.nvim_get_current_buf() ~= shown.buf or row < shown.row or (row == shown.row and col < shown.col) then return end
  local first = api.nvim_buf_get_lines(shown.buf, shown.row, shown.row + 1, false)[1] or ''
  if first:sub(1, shown.col) ~= shown.before then return end
  local written = table.concat(api.nvim_buf_get_text(shown.buf, shown.row, shown.col, row, col, {}), '\n')
  local tail = api.nvim_get_current_line():sub(col + 1)
  local covered = tail:sub(1, math.max(#tail - #shown.kept, 0))
  if tail ~= covered .. shown.kept or not vim.startswith(shown.text, written) then return end
  local rest = shown.text:sub(#written + 1)
  -- There is nothing to suggest if the text is already there.
  if rest == '' or rest == covered or not text.extends(rest, covered) then return end
  return #written, covered
end

--- Shows the part of the suggestion that is not yet typed. False if it no longer fits.
local function draw()
  local reached, covered = fit(now)
  if not reached then return false end
  now.reached = reached
  if menu.is_open() and config.now.hide_with_menu then
    ghost.hide(now.buf)
    now.is_hidden = true
  else
    local row, col = cursor()
    ghost.show(now.buf, row, col, now.text:sub(reached + 1), covered, now.kept)
    now.is_hidden = false
  end
  return true
end

--- Where an item's text goes, in bytes; nil if it cannot be drawn as inserted text.
local function placed(item, server, buf)
  local row, col = cursor()
  if type(item.insertText) ~= 'string' then return end
  local from, to = { row, col }, { row, col }
  if item.range then
    local function bytes(position)
      local line = api.nvim_buf_get_lines(buf, position.line, position.line + 1, false)[1] or ''
      return { position.line, text.byte(line, position.character, server.offset_encoding) }
    end
    from, to = bytes(item.range.start), bytes(item.range['end'])
  end
  if to[1] ~= row or to[2] < col then return end
  local line = api.nvim_buf_get_lines(buf, from[1], from[1] + 1, false)[1] or ''
  return {
    buf = buf,
    client_id = server.id,
    item = item,
    text = (item.insertText:gsub('\r\n', '\n')),
    row = from[1],
    col = from[2],
    before = line:sub(1, from[2]),
    kept = api.nvim_get_current_line():sub(to[2] + 1),
  }
end

local function show(items, number, server, buf)
  clear()
  now = placed(items[number], server, buf)
  if not now or not draw() then return clear() end
  now.items, now.number = items, number
  now.given = now.reached
  tell('PennyworthShown', { buf = buf, text = now.text:sub(now.reached + 1) })
end

-- Asking -------------------------------------------------------------------------------------------------------------------------

--- Cancels the request that waits or is in flight.
local function cancel()
  if waiting then
    waiting:stop()
    if not waiting:is_closing() then waiting:close() end
    waiting = nil
  end
  local request = asked
  asked = nil
  local server = request and vim.lsp.get_client_by_id(request.client_id)
  -- The answer may have arrived but not been handled yet. Neovim logs an error if we cancel a request that it no longer knows.
  local is_pending = server and request.number and server.requests[request.number]
  if is_pending then client.call(server, 'cancel_request', request.number) end
end

--- What a request is about. If this has changed, its answer is too late.
local function about(buf) return { buf, api.nvim_buf_get_changedtick(buf), cursor() } end

local function send(kind)
  local buf = api.nvim_get_current_buf()
  local server = client.of(buf)
  if not server or not is_inserting() then return end
  local params = vim.lsp.util.make_position_params(0, server.offset_encoding)
  params.context = { triggerKind = KINDS[kind] }
  local request = { client_id = server.id, about = about(buf) }
  asked = request
  local function answered(_, result)
    if asked ~= request then return end
    asked = nil
    if not result or not is_inserting() or not vim.deep_equal(request.about, about(api.nvim_get_current_buf())) then return end
    local items = result.items or result
    if items[1] then show(items, 1, server, buf) end
  end
  local is_sent, number = client.request(server, METHOD, params, answered, buf)
  if asked == request then
    if is_sent then request.number = number else asked = nil end
  end
end

--- Asks for a suggestion at the cursor. False if no server serves the buffer.
---@param kind 'invoked'|'automatic'
---@return boolean
function M.ask(kind)
  cancel()
  if not client.of(api.nvim_get_current_buf()) then return false end
  local debounce = kind == 'automatic' and config.now.debounce or 0
  if debounce > 0 then
    waiting = vim.defer_fn(function()
      waiting = nil
      send(kind)
    end, debounce)
  else
    send(kind)
  end
  return true
end

--- After an edit: keeps the suggestion if it still fits, else asks for another one.
local function changed()
  if now and draw() then return end
  clear()
  local is_off = not config.now.automatic or vim.fn.reg_executing() ~= '' or (menu.is_open() and config.now.hide_with_menu)
  if is_off then cancel() else M.ask('automatic') end
end

local function moved()
  if now and not draw() then clear() end
  if asked and not vim.deep_equal(asked.about, about(api.nvim_get_current_buf())) then cancel() end
end

-- Taking -------------------------------------------------------------------------------------------------------------------------

--- Inserts the next part of the suggestion, as an undo step of its own.
local function write(part, covered)
  local row, col = cursor()
  local lines = vim.split(part, '\n', { plain = true })
  vim.go.undolevels = vim.go.undolevels
  api.nvim_buf_set_text(now.buf, row, col, row, col + text.brought(part, covered), lines)
  local last = #lines[#lines]
  api.nvim_win_set_cursor(0, { row + #lines, #lines == 1 and col + last or last })
  vim.go.undolevels = vim.go.undolevels
end

--- Tells the server what was accepted.
local function report(shown, is_whole)
  local server = vim.lsp.get_client_by_id(shown.client_id)
  local command = shown.item.command
  if not server or not command then return end
  local params = { command = command.command, arguments = command.arguments }
  if not is_whole then
    local chars = text.chars(shown.text:sub(shown.given + 1, shown.reached))
    params = { command = 'pennyworth.acceptedPart', arguments = { (command.arguments or {})[1], chars } }
  end
  client.request(server, 'workspace/executeCommand', params, function() end, shown.buf)
end

--- Accepts the suggestion, or the part of its remaining text that `portion` returns. False if nothing is shown.
---@param portion? fun(rest: string): string
---@return boolean
function M.accept(portion)
  local shown = now
  if not M.is_shown() or not shown then return false end
  local reached, covered = fit(shown)
  if not reached then return false end
  local rest = shown.text:sub(reached + 1)
  local part = portion and portion(rest) or rest
  cancel()
  ghost.hide(shown.buf)
  write(part, covered)
  shown.reached = reached + #part
  local is_whole = part == rest
  report(shown, is_whole)
  tell('PennyworthAccepted', { buf = shown.buf, text = part, whole = is_whole })
  if is_whole or not draw() then clear() end
  return true
end

--- Shows the next of several suggestions, the first after the last; if there is only one, asks for another. False if nothing is shown.
---@return boolean
function M.next()
  local shown = now
  if not M.is_shown() or not shown then return false end
  local server = vim.lsp.get_client_by_id(shown.client_id)
  if #shown.items < 2 or not server then return M.ask('invoked') end
  show(shown.items, shown.number % #shown.items + 1, server, shown.buf)
  return true
end

--- Dismisses the suggestion, and tells the server, which does not show it there again for a while. False if nothing is shown.
---@return boolean
function M.dismiss()
  cancel()
  local shown = now
  if not M.is_shown() or not shown then return false end
  clear()
  local server = vim.lsp.get_client_by_id(shown.client_id)
  if server then
    local at = vim.lsp.util.make_position_params(0, server.offset_encoding)
    local params = { command = 'pennyworth.dismissed', arguments = { at.textDocument.uri, at.position } }
    client.request(server, 'workspace/executeCommand', params, function() end, shown.buf)
  end
  tell('PennyworthDismissed', { buf = shown.buf })
  return true
end

--- Whether a suggestion is on the screen.
---@return boolean
function M.is_shown() return now ~= nil and not now.is_hidden end

--- Cancels and hides everything, when insert mode or the server ends.
function M.stop()
  cancel()
  clear()
end

--- Follows the user's edits and cursor.
function M.watch()
  local group = api.nvim_create_augroup('pennyworth.suggestion', {})
  local function on(events, callback, pattern)
    api.nvim_create_autocmd(events, { group = group, pattern = pattern, callback = function() callback() end })
  end
  on({ 'TextChangedI', 'TextChangedP' }, changed)
  on({ 'CursorMovedI', 'CompleteChanged' }, moved)
  on({ 'InsertLeave', 'BufLeave' }, M.stop)
  local soon = vim.schedule_wrap(function()
    if is_inserting() then changed() end
  end)
  -- Both events fire early: the mode is still the old one, and the menu is still open.
  on({ 'InsertEnter', 'CompleteDone' }, soon)
  menu.watch(group, soon)
end

return M
