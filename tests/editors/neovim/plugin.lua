-- The plugin before a server that says what the test wants: shown, followed, taken, dropped, and what it tells the server of it.
package.path = vim.env.HERE .. '/?.lua;' .. package.path
local driver = require('driver')
local check, same, becomes = driver.check, driver.same, driver.becomes

local editor = driver.start(vim.env.HERE .. '/fake-init.lua', vim.env.PLACE .. '/workspace/orders.py')
local function lua(...) return editor:lua(...) end
local function ghost() return editor:ghost() end

becomes('the server is attached', 1, function() return lua('return #vim.lsp.get_clients({ name = "pennyworth", bufnr = 0 })') end)

--- Begins anew: an insert mode at the mark `|` of a text, and a server that answers with an item at the cursor.
local function given(text, answer, before, after)
  editor:keys('<Esc>')
  lua([[
    local text, answer, before, after = ...
    Fake.received, Fake.held, Events = {}, {}, {}
    local at = text:find('|', 1, true)
    local above = vim.split(text:sub(1, at - 1), '\n', { plain = true })
    local lines = vim.split((text:gsub('|', '', 1)), '\n', { plain = true })
    Fake.answer = function() end
    vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
    vim.api.nvim_win_set_cursor(0, { #above, #above[#above] })
    local units = Fake.encoding == 'utf-8' and string.len or function(part) return vim.fn.strutf16len(part) end
    Fake.answer = function(params)
      if answer == 'hold' then return Fake.HOLD end
      local row, column = params.position.line, params.position.character
      local range = { start = { line = row, character = column - units(before) }, ['end'] = { line = row, character = column + units(after) } }
      return answer and Fake.item(answer, range) or nil
    end
  ]], text, answer, before or '', after or '')
  editor:keys(text:find('|', 1, true) and (text:match('|([^\n]*)') == '' and 'a' or 'i') or 'a')
end
local function answers(code) lua('Fake.answer = function(params) ' .. code .. ' end') end
local function sent(method) return lua('return vim.tbl_map(function(message) return message.params end, Fake.of(...))', method) end
local function commands()
  return lua([[return vim.tbl_map(function(message) return { message.params.command, unpack(message.params.arguments) } end, Fake.of('workspace/executeCommand'))]])
end
local function events(name)
  return lua('local found = {} for _, event in ipairs(Events) do if event[1] == ... then table.insert(found, event[2] or "") end end return found', name)
end

-- Shown and taken
given('x = |', 'load(1)')
becomes('entering insert mode shows what the server suggests', 'load(1)', ghost)
same('and tells others', events('PennyworthShown'), { 'load(1)' })
editor:keys('<Tab>')
same('a key takes it', editor:line(), 'x = load(1)')
same('the cursor stands behind it', editor:call('nvim_win_get_cursor', 0), { 1, 11 })
becomes('the server learns of it', { { 'pennyworth.accepted', '7' } }, commands)
same('others as well', events('PennyworthAccepted'), { 'load(1)' })
editor:keys('<Esc>u')
same('one undo takes it back', editor:line(), 'x = ')

driver.finish()
