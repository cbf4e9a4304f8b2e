-- The plugin with the real server and a model that answers with several lines: one call for all of them, and by key another suggestion.
package.path = vim.env.HERE .. '/?.lua;' .. package.path
local driver = require('driver')
local check, same, becomes = driver.check, driver.same, driver.becomes

-- The model: a server on loopback with OpenAI's protocol. It shares no code with the program.
local model = { calls = 0, text = '' }

local function reply()
  local function event(what) return 'data: ' .. vim.json.encode(what) .. '\n\n' end
  return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n'
    .. event({ choices = { { text = model.text } } })
    .. event({ choices = { { text = '', finish_reason = 'stop' } }, usage = { prompt_tokens = 50, completion_tokens = 20 } })
    .. 'data: [DONE]\n\n'
end

local function serves(client)
  local asked = ''
  client:read_start(function(_, chunk)
    if not chunk then return client:is_closing() or client:close() end
    asked = asked .. chunk
    local head, body = asked:match('^(.-\r\n\r\n)(.*)$')
    local length = head and tonumber(head:lower():match('content%-length: (%d+)'))
    if not length or #body < length then return end
    asked, model.calls = '', model.calls + 1
    client:write(reply(), function()
      if not client:is_closing() then client:shutdown() end
    end)
  end)
end

local listener = assert(vim.uv.new_tcp())
listener:bind('127.0.0.1', 0)
listener:listen(16, function()
  local client = vim.uv.new_tcp()
  listener:accept(client)
  serves(client)
end)

local config = vim.env.XDG_CONFIG_HOME .. '/pennyworth'
vim.fn.mkdir(config, 'p')
vim.fn.writefile(vim.split(([[
discover = false
debounce_ms = 0
[embedded]
enabled = false
[model.m]
protocol = "openai"
base_url = "http://127.0.0.1:%d/v1"
model = "qwen2.5-coder"
context = 8000
tier = "cheap"
price = { input = 0.15, output = 0.6, as_of = "2026-11-29" }
]]):format(listener:getsockname().port), '\n'), config .. '/config.toml')

local editor = driver.start(vim.env.HERE .. '/server-init.lua', vim.env.PLACE .. '/workspace/orders.py')
local function ghost() return editor:ghost() end
becomes('the server runs', 'ready', function() return editor:lua('return (require("pennyworth").status() or {}).state') end)

editor:lua('vim.bo.autoindent, vim.bo.indentexpr = false, ""')

--- Begins a line below the file, of which the last key asks the model.
local function begun(pasted, key, text)
  editor:keys('<Esc>Go')
  editor:call('nvim_paste', pasted, false, -1)
  model.text = text
  editor:type(key)
end

-- Line after line ----------------------------------------------------------------------------------------------------------------

begun('def shelf(name)', ':', '\n    found = {1: name}\n    return found\n')
becomes('the first line is shown', '\n    found = {1: name}', ghost)
local before = model.calls
editor:keys('<Tab>')
becomes('when it is taken, the next one stands there', '\n    return found', ghost)
same('without another call', model.calls, before)
editor:keys('<Tab>')
check('both are in the text', vim.endswith(editor:text(), 'def shelf(name):\n    found = {1: name}\n    return found'), editor:text())

-- Another one --------------------------------------------------------------------------------------------------------------------

begun('    total =', ' ', 'first(1)')
becomes('a suggestion', 'first(1)', ghost)
before = model.calls
model.text = 'other(2)'
editor:keys('<M-]>')
becomes('a key asks for another one', 'other(2)', ghost)
check('with a call', model.calls == before + 1, model.calls)
editor:keys('<M-]>')
becomes('both are in one list', 'first(1)', ghost)
editor:keys('<M-]>')
becomes('in which a key goes round', 'other(2)', ghost)
same('without a call', model.calls, before + 1)
editor:keys('<Tab>')
same('what is shown is what is taken', vim.trim(editor:line()), 'total = other(2)')

same('the log of the language server has no faults', driver.faults(editor:lua('return vim.lsp.log and vim.lsp.log.get_filename() or vim.lsp.get_log_path()')), {})
editor:quit()
driver.finish()
