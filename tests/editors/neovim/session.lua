-- Plays the session of every editor with Neovim's own steps. It leaves checking the result to `session/check.py`.
package.path = vim.env.HERE .. '/?.lua;' .. package.path
local driver = require('driver')
local same, becomes = driver.same, driver.becomes

local editor = driver.start(vim.env.HERE .. '/session-init.lua', vim.env.PLACE .. '/workspace/debts.py')
local function ex(command) editor:call('nvim_command', command) end

local steps = {}

--- Types. Before a `ghost` step only the last key asks: a suggestion for an earlier key may be longer, and stays while the user types along.
function steps.type(text, following)
  if not following or not following.ghost then return editor:type(text) end
  local function automatic(is_on) editor:lua([[require('pennyworth.config').now.automatic = ...]], is_on) end
  editor:lua([[require('pennyworth').dismiss()]])
  automatic(false)
  editor:type(text:sub(1, -2))
  automatic(true)
  editor:type(text:sub(-1))
end
function steps.ghost(text)
  becomes('suggested: ' .. text, text, function() return editor:ghost() end)
end
function steps.accept()
  local wanted = editor:line() .. editor:ghost()
  editor:keys('<Tab>')
  becomes('a key takes it', wanted, function() return editor:line() end)
end
function steps.accept_word(word)
  local wanted = editor:line() .. word
  editor:keys('<C-Right>')
  becomes('a key takes its first word', wanted, function() return editor:line() end)
end
function steps.dismiss()
  editor:keys('<C-]>')
  becomes('a key sends it away', '', function() return editor:ghost() end)
end
function steps.undo()
  editor:keys('<Esc>u')
  editor:keys('A')
end
function steps.rename(names)
  editor:keys('<Esc>')
  ex(('%%s/\\<%s\\>/%s/g'):format(unpack(names)))
end
function steps.save() ex('write') end
function steps.close()
  local log = editor:lua([[return require('vim.lsp.log').get_filename()]])
  local server = editor:lua([[return vim.api.nvim_get_proc_children(vim.fn.getpid())[1] ]])
  same('nobody was told anything', editor:lua('return Told'), {})
  vim.rpcnotify(editor.channel, 'nvim_command', 'qall')
  becomes('the server ends with the editor', false, function() return vim.uv.kill(server, 0) == 0 end)
  same('the log of the editor holds no fault', driver.faults(log), {})
end

becomes('the server has read the workspace', 'ready', function()
  local status = editor:lua('return require("pennyworth").status()')
  return type(status) == 'table' and status.files > 0 and status.state or 'not read'
end)
editor:keys('i')
local session = vim.json.decode(table.concat(vim.fn.readfile(vim.env.HERE .. '/../session/session.json'), '\n'))
for index, step in ipairs(session) do
  local name, argument = next(step)
  assert(steps[name], 'an unknown step: ' .. name)(argument, session[index + 1])
end
driver.finish()
