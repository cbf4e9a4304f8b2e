-- Drives a second Neovim over RPC key by key, as a user types. It waits for events, never for a time; the times are limits.
local place = vim.env.PLACE
local init = _G.arg[1]
local limit = 60000

local child = vim.fn.jobstart(
  { vim.v.progpath, '--embed', '--headless', '--clean', '-u', init, place .. '/workspace/orders.py' },
  { rpc = true }
)
assert(child > 0, 'Neovim does not start')

local function call(method, ...) return vim.rpcrequest(child, method, ...) end
local function lua(code, ...) return call('nvim_exec_lua', code, { ... }) end
local function line() return call('nvim_get_current_line') end

local failed = 0
local function check(what, holds, detail)
  print((holds and 'ok: ' or 'FAILED: ') .. what .. ((not holds and detail) and ' (' .. tostring(detail) .. ')' or '') .. '\n')
  if not holds then failed = failed + 1 end
  return holds
end
local function eventually(what, condition, detail)
  local holds = vim.wait(limit, condition, 20)
  return check(what, holds, not holds and detail and detail() or nil)
end

local ghost = [[
  local namespace = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
  if not namespace then return '' end
  local text = ''
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
    for _, chunk in ipairs(mark[4].virt_text or {}) do text = text .. chunk[1] end
  end
  return text
]]

eventually('the server is attached', function()
  return lua([[local client = vim.lsp.get_clients()[1] return client ~= nil and client.initialized == true]])
end)
check('it says who it is', lua([[return (vim.lsp.get_clients()[1].server_info or {}).name]]) == 'Pennyworth')

call('nvim_input', 'Go')
for key in ('with op'):gmatch('.') do call('nvim_input', key) end
eventually('what was typed is there', function() return line() == '    with op' end, line)
eventually('ghost text goes on with it', function() return vim.startswith(lua(ghost), 'en(path) as handle:') end, function()
  return lua(ghost)
end)
call('nvim_input', '<Tab>')
eventually('a key accepts it', function()
  local text = table.concat(call('nvim_buf_get_lines', 0, 0, -1, false), '\n')
  return text:find('load_products(path):\n    with open(path) as handle:', 1, true) ~= nil
end, line)

local reply = lua([[
  local client = vim.lsp.get_clients()[1]
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local reply, fault = client:request_sync('textDocument/completion', params, 10000, vim.api.nvim_get_current_buf())
  return fault or (reply.err and reply.err.message) or 'answered'
]])
check('the completion menu is answered', reply == 'answered', reply)

-- Neovim logs a server's stderr as errors; those lines are the server's own, the others are faults of the protocol.
local log = lua([[return vim.lsp.log.get_filename()]])
call('nvim_input', '<Esc>:qa!<CR>')
local ended = vim.wait(limit, function() return vim.uv.fs_stat(place .. '/exit') ~= nil end, 20)
check('the server ends with the editor', ended)
check('and says that all went well', ended and vim.trim(vim.fn.readfile(place .. '/exit')[1] or '') == '0')
local faults = vim.iter(vim.fn.filereadable(log) == 1 and vim.fn.readfile(log) or {}):filter(function(entry)
  return (vim.startswith(entry, '[ERROR]') or vim.startswith(entry, '[WARN]')) and not entry:find('"stderr"', 1, true)
end):totable()
check('Neovim has nothing to complain about', #faults == 0, table.concat(faults, '\n'))

os.exit(failed == 0 and 0 or 1)
