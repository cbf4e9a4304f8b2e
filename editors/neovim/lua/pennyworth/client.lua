-- The server: started where a buffer wants it, restarted, and its end told once. It speaks the protocol through Neovim's own client, whose
-- differences between versions stay in here. What is said in it is the others' affair.
local config = require('pennyworth.config')
local follow = require('pennyworth.follow')
local api = vim.api
local M = {}

M.NAME = 'pennyworth'

local is_old = vim.fn.has('nvim-0.11') == 0
-- Servers that end because we want it.
local stopping = {}
-- What was told once, and is not told again until a restart.
local told = {}

--- Calls a method of a client. 0.10 has functions where later versions have methods.
function M.call(client, method, ...)
  if is_old then return client[method](...) end
  return client[method](client, ...)
end

--- The server of a buffer, if it is there and answered, and the buffer was not switched off since.
---@param buf? integer
---@return vim.lsp.Client?
function M.of(buf)
  buf = buf or api.nvim_get_current_buf()
  if vim.b[buf].pennyworth == false then return end
  return vim.lsp.get_clients({ name = M.NAME, bufnr = buf })[1]
end

--- All servers that run.
---@return vim.lsp.Client[]
function M.all() return vim.lsp.get_clients({ name = M.NAME }) end

--- The server of the current buffer, else any.
---@return vim.lsp.Client?
function M.any() return M.of() or M.all()[1] end

--- Sends a request about a buffer, whose text the server knows by then. With the buffer's own number: only then do edits that wait to be
--- told go ahead of it.
function M.request(client, method, params, callback, buf)
  local missed = follow.missed(buf)
  if missed then M.call(client, 'notify', 'textDocument/didChange', missed) end
  return M.call(client, 'request', method, params, callback, buf)
end

--- Runs a command of the server; `callback` gets its result, or the error's words.
function M.execute(client, command, arguments, callback)
  local params = { command = command, arguments = arguments }
  local function answered(fault, result) callback(result ~= vim.NIL and result or nil, fault and fault.message) end
  M.request(client, 'workspace/executeCommand', params, answered, api.nvim_get_current_buf())
end

--- Says something once.
local function tell(key, message)
  if told[key] then return end
  told[key] = true
  vim.schedule(function() vim.notify('Pennyworth: ' .. message, vim.log.levels.WARN) end)
end

-- Which buffers ------------------------------------------------------------------------------------------------------------------

--- Why a buffer is left alone; nil if it is served.
---@param buf integer
---@return string?
function M.reason_against(buf)
  if not api.nvim_buf_is_loaded(buf) or vim.bo[buf].buftype ~= '' then return 'it is no file' end
  if vim.b[buf].pennyworth == false then return 'b:pennyworth is false' end
  local name = api.nvim_buf_get_name(buf)
  if name == '' then return 'it has no name' end
  if name:match('^%a[%w+.-]+://') then return 'its name is an address' end
  if not vim.bo[buf].modifiable then return 'it cannot be changed' end
  local filetype = vim.bo[buf].filetype
  if not config.serves(filetype) then return ('the filetype `%s` is switched off'):format(filetype) end
  local bytes = api.nvim_buf_get_offset(buf, api.nvim_buf_line_count(buf))
  if bytes > config.now.max_bytes then return ('it is larger than %d bytes'):format(config.now.max_bytes) end
end

-- Starting and ending ------------------------------------------------------------------------------------------------------------

--- Starts the process. Its end is told in our words, with what to do about it, and not in Neovim's as well.
local function spawn(dispatchers)
  local ended = dispatchers.on_exit
  dispatchers.on_exit = function(code, signal)
    ended(0, 0)
    if code ~= 0 or not vim.tbl_contains({ 0, 15 }, signal) then
      tell('ended', ('the server ended unexpectedly (%s %d). `:Pennyworth restart` starts it again, `:Pennyworth log` may say why.')
        :format(signal ~= 0 and 'signal' or 'code', signal ~= 0 and signal or code))
    end
  end
  local cmd = config.now.cmd
  return type(cmd) == 'function' and cmd(dispatchers) or vim.lsp.rpc.start(cmd, dispatchers)
end

local function capabilities()
  local all = vim.lsp.protocol.make_client_capabilities()
  -- Later versions say so themselves. A client that says it is offered nothing in the completion menu.
  all.textDocument.inlineCompletion = all.textDocument.inlineCompletion or { dynamicRegistration = false }
  return all
end

local function on_init(client)
  -- Neovim's own ghost text, of 0.12 and later, would show everything twice. It looks here for servers to ask.
  client.server_capabilities.inlineCompletionProvider = nil
end

local function on_exit(_, _, id)
  vim.schedule(function()
    require('pennyworth.suggestion').stop()
    require('pennyworth.status').ended(id, stopping[id] == true)
    stopping[id] = nil
  end)
end

--- Whether the server can be started; says so once if not.
local function is_there()
  local cmd = config.now.cmd
  if type(cmd) == 'function' or vim.fn.executable(cmd[1]) == 1 then return true end
  tell('absent', ('`%s` is not there. Install the server or name it: `setup { cmd = { … } }`. `:checkhealth pennyworth` says more.'):format(cmd[1]))
  return false
end

--- Starts the server for a buffer, or attaches the one of its workspace.
---@param buf integer
function M.attach(buf)
  if M.reason_against(buf) or not is_there() then return end
  follow.watch(buf)
  local root = vim.fs.root(buf, config.now.root_markers)
  local restricted = config.now.restricted
  if type(restricted) == 'function' then restricted = restricted(root) end
  local settings = vim.empty_dict()
  for key, value in pairs(config.now.settings) do settings[key] = value end
  local options = vim.tbl_extend('force', settings, { restricted = restricted and true or nil })
  vim.lsp.start({
    name = M.NAME,
    cmd = spawn,
    root_dir = root,
    settings = { pennyworth = settings },
    init_options = options,
    capabilities = capabilities(),
    on_init = on_init,
    on_exit = on_exit,
  }, {
    bufnr = buf,
    reuse_client = function(client)
      return client.name == M.NAME and client.config.root_dir == root and not M.call(client, 'is_stopped') and not stopping[client.id]
    end,
  })
end

--- Starts the server for every buffer that wants it.
local function attach_all() vim.iter(api.nvim_list_bufs()):filter(api.nvim_buf_is_loaded):each(M.attach) end

--- Ends every server and starts them anew.
function M.restart()
  local clients = M.all()
  told = {}
  for _, client in ipairs(clients) do
    stopping[client.id] = true
    M.call(client, 'stop')
  end
  -- One that does not end when asked is killed.
  local ended = vim.wait(3000, function() return #M.all() == 0 end, 10)
  if not ended then
    for _, client in ipairs(M.all()) do M.call(client, 'stop', true) end
  end
  attach_all()
end

--- Serves what is open, and what will be.
function M.watch()
  api.nvim_create_autocmd({ 'FileType', 'BufFilePost' }, {
    group = api.nvim_create_augroup('pennyworth.client', {}),
    callback = function(event) M.attach(event.buf) end,
  })
  attach_all()
end

return M
