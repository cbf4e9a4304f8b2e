-- An editor with the plugin and the server of `fake.lua`, and short helpers for their tests.
local driver = require('driver')
local M = {}

local editor = driver.start(vim.env.HERE .. '/fake-init.lua', vim.env.PLACE .. '/workspace/orders.py')
M.editor = editor

function M.ghost() return editor:ghost() end
function M.line() return editor:line() end
function M.lua(...) return editor:lua(...) end

--- Starts afresh in insert mode at the mark `|` of a text. The server answers with an item that replaces the texts `before` and `after` the
--- cursor; 'hold' holds its answers back.
function M.given(text, answer, before, after)
  editor:keys('<Esc>')
  editor:lua([[
    local text, answer, before, after = ...
    Fake.held = {}
    vim.bo.expandtab = false
    local at = text:find('|', 1, true)
    local above = vim.split(text:sub(1, at - 1), '\n', { plain = true })
    Fake.answer = function() end
    vim.api.nvim_buf_set_lines(0, 0, -1, false, vim.split((text:gsub('|', '', 1)), '\n', { plain = true }))
    vim.api.nvim_win_set_cursor(0, { #above, #above[#above] })
    Fake.received, Events, Told = {}, {}, {}
    Fake.answer = function(params)
      if answer == 'hold' then return Fake.HOLD end
      return answer and Fake.item(answer, Fake.around(params.position, before, after)) or nil
    end
  ]], text, answer, before or '', after or '')
  editor:keys(text:match('|[^\n]') and 'i' or 'a')
  driver.becomes('insert mode at ' .. vim.inspect(text), 'i', function() return editor:mode() end)
end

--- Replaces the server's answer by the result of this Lua, with `params`.
function M.answers(code) editor:lua('Fake.answer = function(params) ' .. code .. ' end') end

--- Releases the oldest answer held back: Lua of an error and a result.
function M.release(code)
  editor:lua('table.remove(Fake.held, 1)(' .. code .. ')')
  editor:settle()
end

--- The number of messages by a method.
function M.count(method) return editor:lua('return #Fake.of(...)', method) end
function M.asked() return M.count('textDocument/inlineCompletion') end

--- The commands received, with their arguments.
function M.commands()
  return editor:lua([[
    return vim.tbl_map(function(message)
      return { message.params.command, unpack(message.params.arguments or {}) }
    end, Fake.of('workspace/executeCommand'))
  ]])
end

--- The data of the events of a name.
function M.events(name)
  return editor:lua([[
    local found = {}
    for _, event in ipairs(Events) do
      if event[1] == ... then found[#found + 1] = event[2] or '' end
    end
    return found
  ]], name)
end

--- The messages to the user.
function M.told() return editor:lua('return Told') end

return M
