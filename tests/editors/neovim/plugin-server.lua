-- The plugin with the real server: the embedded model's suggestions, the ledger afterwards, and the answers of commands.
package.path = vim.env.HERE .. '/?.lua;' .. package.path
local driver = require('driver')
local check, same, becomes = driver.check, driver.same, driver.becomes

local editor = driver.start(vim.env.HERE .. '/server-init.lua', vim.env.PLACE .. '/workspace/orders.py')
local function ghost() return editor:ghost() end
local function line() return editor:line() end
local function lua(...) return editor:lua(...) end
local function ex(command) editor:call('nvim_command', command) end
local function told() return lua('return Told') end
local function state() return lua('return (require("pennyworth").status() or {}).state') end
--- The state, once the server knows files of the workspace: it is also `ready` before it reads them.
local function reading()
  local status = lua('return require("pennyworth").status()')
  return type(status) == 'table' and status.files > 0 and status.state or 'not read'
end
local function process() return lua([[return (vim.api.nvim_get_proc_children(vim.fn.getpid()))[1] ]]) end

becomes('the server is attached', 1, function() return lua('return #vim.lsp.get_clients({ name = "pennyworth", bufnr = 0 })') end)
becomes('and has read the workspace', 'ready', reading)
same('positions are counted as the newest of both can', lua('return vim.lsp.get_clients()[1].offset_encoding'),
  lua([[return vim.fn.has('nvim-0.11') == 1 and 'utf-8' or 'utf-16']]))
same('it offers nothing in the completion menu', lua('return vim.lsp.get_clients()[1].server_capabilities.completionProvider == nil'), true)

-- Shown, accepted, undone --------------------------------------------------------------------------------------------------------

--- Waits until the server's text equals the editor's.
local function known(what)
  becomes(what, true, function()
    return lua([[
      local client, buf = vim.lsp.get_clients()[1], vim.api.nvim_get_current_buf()
      local request = vim.fn.has('nvim-0.11') == 1 and function(...) return client:request_sync(...) end or client.request_sync
      local reply = request('pennyworth/viewFileText', { uri = vim.uri_from_bufnr(buf) }, 5000, buf) or {}
      return reply.result == table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\n') .. '\n'
    ]])
  end)
end

--- Reloads the file from disk and begins a line that the embedded model can continue.
local function begun()
  editor:keys('<Esc>')
  ex('edit!')
  editor:keys('Go')
  editor:type('with op')
  local wanted, asked = 'en(path) as handle:', vim.uv.now()
  becomes('the model inside knows how it goes on', wanted, function()
    local found = ghost():match('^[^\n]*')
    -- On a busy machine the text that has just been replaced is not learned yet at the last key. A user types it again.
    if found ~= wanted and vim.uv.now() - asked > 2000 then
      editor:keys('<BS>')
      editor:type('p')
      asked = vim.uv.now()
    end
    return found
  end)
end

begun()
editor:type('en')
same('typing along keeps it', ghost():match('^[^\n]*'), '(path) as handle:')
editor:keys('<C-Right><C-Right>')
same('words are taken', line(), '    with open(path')
editor:keys('<S-Tab>')
same('a line is taken', line(), '    with open(path) as handle:')
local rest = ghost()
editor:keys('<Esc>u')
same('and given back in one step', line(), '    with open(path')
check('there was more to take, or the end of it', rest == '' or vim.startswith(rest, '\n'), rest)

-- The cursor's position is counted in bytes or UTF-16, as the editor and the server agreed.
begun()
editor:keys('<C-u>')
editor:type('é𝒳 = "日本"; with op')
becomes('text beyond ASCII before the cursor', 'en', function() return ghost():sub(1, 2) end)
local wanted = '    é𝒳 = "日本"; with op' .. ghost()
editor:keys('<Tab>')
check('is left as it is: ' .. wanted, vim.endswith(editor:text(), wanted), editor:text())
known('the server has the same text')

-- Answers of commands ------------------------------------------------------------------------------------------------------------

if vim.tbl_contains(lua('return vim.lsp.get_clients()[1].server_capabilities.executeCommandProvider.commands'), 'pennyworth.pause') then
  editor:keys('<Esc>')
  ex('Pennyworth status')
  becomes(':Pennyworth status', true, function() return (told()[1] or ''):find('state: ready', 1, true) ~= nil end)
  for _, case in ipairs({ { 'stats', 'accepted' }, { 'explain', 'python' }, { 'check', 'embedded' } }) do
    ex('Pennyworth ' .. case[1])
    becomes((':Pennyworth %s speaks of `%s`'):format(case[1], case[2]), true, function() return editor:text():lower():find(case[2], 1, true) ~= nil end)
    if lua('return #vim.api.nvim_list_wins()') > 1 then editor:keys('q') end
  end
  lua('Told = {}')
  ex('Pennyworth pause')
  becomes(':Pennyworth pause', 'paused', state)
  same('the statusline says so', lua('return require("pennyworth").statusline()'), 'Pennyworth: paused')
  editor:keys('Go<C-u>')
  editor:type('with op')
  local asked = lua([[
    local client, buf = vim.lsp.get_clients()[1], vim.api.nvim_get_current_buf()
    local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
    params.context = { triggerKind = 2 }
    local request = vim.fn.has('nvim-0.11') == 1 and function(...) return client:request_sync(...) end or client.request_sync
    local reply = request('textDocument/inlineCompletion', params, 5000, buf) or { err = 'none came' }
    return reply.err or reply.result and reply.result ~= vim.NIL and reply.result or 'nothing'
  ]])
  same('nothing is suggested then', { ghost(), asked }, { '', 'nothing' })
  editor:keys('<Esc>')
  ex('Pennyworth resume')
  becomes(':Pennyworth resume', 'ready', state)
  begun()
  editor:keys('<Esc>')
else
  driver.skip('this server has no `pennyworth.pause`, `stats`, `explain` and `check`')
end

-- Health -------------------------------------------------------------------------------------------------------------------------

ex('checkhealth pennyworth')
local health = editor:text()
check('checkhealth finds no fault', not health:find('ERROR') and health:find('a server runs for', 1, true) ~= nil, health)
ex('close')

-- A server that dies -------------------------------------------------------------------------------------------------------------

lua('Told = {}')
local first = process()
vim.uv.kill(first, 'sigkill')
becomes('a server that dies is told of once', 1, function() return #told() end)
check('with what to do about it', (told()[1] or ''):find('`:Pennyworth restart`', 1, true), told())
becomes('the statusline says so', 'Pennyworth: stopped', function() return lua('return require("pennyworth").statusline()') end)
editor:keys('A')
editor:type('x')
editor:keys('<Tab><Esc>')
same('typing goes on as without it', #told(), 1)
-- Another server learns what is on the screen, and would doubt `with op` beside `with opx`.
editor:keys('<Esc>')
ex('edit!')
ex('Pennyworth restart')
becomes(':Pennyworth restart starts another', true, function() return process() ~= nil and process() ~= first and reading() == 'ready' end)
begun()
editor:keys('<Tab>')
known('and has the same text')

local log = lua([[return require('vim.lsp.log').get_filename()]])
local second = process()
editor:keys('<Esc>')
vim.rpcnotify(editor.channel, 'nvim_command', 'qall!')
becomes('the server ends with the editor', false, function() return vim.uv.kill(second, 0) == 0 end)
same('the log of the editor holds no fault', driver.faults(log), {})
driver.finish()
